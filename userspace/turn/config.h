/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file config.h
 * The configuration of a server.
 */
#ifndef TURNPIKE_TURN_CONFIG_H
#define TURNPIKE_TURN_CONFIG_H

#include "turn/types.h"

struct turn_shared;

/**
 * struct turn_relay_address - an address for relay sockets
 * @addr:     the local address that relay sockets are bound to; its port is ignored
 * @external: the address that peers see and XOR-RELAYED-ADDRESS carries, if a 1:1 NAT sits in
 *            between; of the same family. Family 0: the same as @addr. Its port is ignored
 *
 * Clients only know @external, for their own relayed transport addresses and for those of other
 * clients. Data between two clients does not pass the NAT.
 */
struct turn_relay_address {
	struct turnpike_addr addr;
	struct turnpike_addr external;
};

/**
 * struct turn_home - from where the clients of a listener are relayed
 * @listener: the address that clients come to; its port is ignored
 * @relays:   one of struct turn_config's relay addresses per family, IPv4 first; family 0: none
 */
struct turn_home {
	struct turnpike_addr listener;
	struct turnpike_addr relays[TURN_RELAYS_MAX];
};

/** enum turn_private - whether peers in private networks (SPECIAL_PRIVATE) are permitted */
enum turn_private {
	/** If the relay itself is in private networks only, see turn_permits_private(). */
	TURN_PRIVATE_AUTO,
	TURN_PRIVATE_DENIED,
	TURN_PRIVATE_ALLOWED,
};

/**
 * struct turn_config - how a server behaves; begin with turn_config_init()
 * @realm:            REALM of the long-term credentials, 1 to 127 bytes of UTF-8 that OpaqueString
 *                    (RFC 8265) allows
 * @software:         SOFTWARE of the responses, at most 127 bytes of UTF-8, or NULL for none
 * @relays:           relay addresses; allocations rotate among those of one family, unless a home
 *                    decides
 * @n_relays:         number of @relays; 0: no allocation is possible at the moment
 * @homes:            relay addresses of clients by the listener that they came to
 * @n_homes:          number of @homes, may be 0
 * @port_lo:          first port of relayed transport addresses, not 0
 * @port_hi:          last port, at least @port_lo
 * @default_lifetime: seconds that an allocation lives unless the client asks for more
 * @max_lifetime:     maximum lifetime in seconds, at least @default_lifetime
 * @nonce_lifetime:   seconds after which a nonce is stale, not 0
 * @max_relays:       relayed transport addresses of all users, including reserved ones; beyond it
 *                    clients get error 508, or 300 if there are @alternates; 0: no limit
 * @max_permissions:  per allocation; beyond it clients get error 508
 * @max_channels:     per allocation, including expired channels that cannot be rebound yet; beyond
 *                    it clients get error 508. As many further peers have flows without a channel
 * @user_quota:       concurrent allocations per user, including reservations and those whose port
 *                    rests; beyond it clients get error 486; 0: no limit. Besides, a user has at
 *                    most three times as many as there are free ports (error 486, too)
 * @user_allocations: new allocations per user and minute, as many of them at once; beyond it
 *                    clients get error 486; 0: no limit
 * @unauthenticated_rate: requests per second without valid credentials, Binding requests included,
 *                    that are answered for each source (an IPv4 address or an IPv6 /64); bursts may
 *                    be ten times as large; 0: no limit. See unauth_limit.h for networks and all
 * @guess_rate:       wrong credentials per second that are checked for each source, and for each
 *                    account; bursts likewise; 0: no limit
 * @record_interval:  seconds between the interim records (TURN_EVENT_INTERIM) of a relayed
 * transport address, the first of which is made when it is so old; 0: none
 * @alternates:       servers that clients are redirected to (error 300) when this one is full or
 *                    draining; one of the client's family is chosen at random
 * @n_alternates:     number of @alternates, may be 0
 * @self_addrs:       further addresses of this host, which are never peers; ports are ignored. On
 *                    relay addresses, only ports of live allocations are peers
 * @n_self_addrs:     number of @self_addrs
 * @self_nets:        prefixes that this host receives, likewise
 * @n_self_nets:      number of @self_nets
 * @private_peers:    peers in private networks; if they are denied, @allow overrides that where it
 *                    names them
 * @allow:            peers that are allowed on all ports, overriding @deny, and @self_addrs and
 *                    special-purpose networks where it names them: see turn_policy_exempts()
 * @n_allow:          number of @allow
 * @deny:             peers that are refused in addition to those in special-purpose networks
 * @n_deny:           number of @deny
 * @translated:       IPv6 prefixes that the network translates to IPv4 (NAT64), which are never
 *                    peers
 * @n_translated:     number of @translated
 * @shared:           from turn_shared_new() with the same configuration, freed after the server;
 *                    NULL: the server shares nothing
 *
 * A server copies what it needs: nothing here has to outlive turn_server_new(), except @shared.
 */
struct turn_config {
	const char *realm;
	const char *software;
	const struct turn_relay_address *relays;
	size_t n_relays;
	const struct turn_home *homes;
	size_t n_homes;
	uint16_t port_lo;
	uint16_t port_hi;
	uint32_t default_lifetime;
	uint32_t max_lifetime;
	uint32_t nonce_lifetime;
	uint32_t max_relays;
	uint32_t max_permissions;
	uint32_t max_channels;
	uint32_t user_quota;
	uint32_t user_allocations;
	uint32_t unauthenticated_rate;
	uint32_t guess_rate;
	uint32_t record_interval;
	const struct turnpike_addr *alternates;
	size_t n_alternates;
	const struct turnpike_addr *self_addrs;
	size_t n_self_addrs;
	const struct addr_cidr *self_nets;
	size_t n_self_nets;
	enum turn_private private_peers;
	const struct addr_cidr *allow;
	size_t n_allow;
	const struct addr_cidr *deny;
	size_t n_deny;
	const struct addr_cidr *translated;
	size_t n_translated;
	struct turn_shared *shared;
};

/** struct turn_limits - the numbers of struct turn_config that apply to requests */
struct turn_limits {
	uint32_t default_lifetime;
	uint32_t max_lifetime;
	uint32_t max_relays;
	uint32_t max_permissions;
	uint32_t max_channels;
	uint32_t user_quota;
	uint32_t user_allocations;
	uint32_t unauthenticated_rate;
	uint32_t guess_rate;
};

/**
 * turn_config_init() - fill a configuration with the defaults
 *
 * Ports 49152 to 65535, allocation lifetimes of 600 s and at most 3600 s, nonces of 3600 s, 256
 * permissions and 256 channels per allocation, and no other limits. Realm and relay addresses have
 * no default.
 */
void turn_config_init(struct turn_config *config);

/** turn_config_is_valid() - check @config against the bounds given at its members */
bool turn_config_is_valid(const struct turn_config *config);

/**
 * turn_permits_private() - whether peers in private networks are permitted
 * @relays: relay addresses
 * @n:      number of @relays
 *
 * With TURN_PRIVATE_AUTO they are if there are relay addresses, and none of them, as peers see it,
 * is globally reachable.
 */
bool turn_permits_private(enum turn_private private_peers, const struct turn_relay_address *relays,
			  size_t n);

#endif /* TURNPIKE_TURN_CONFIG_H */

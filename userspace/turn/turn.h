/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file turn.h
 * The TURN server core (RFC 8656): a state machine without I/O, clock or threads.
 *
 * The owner feeds it messages and the time, and the core acts through struct turn_ops. Every
 * operation happens inside a call of the owner; a server must not be entered from two threads, nor
 * again from inside an operation. Several servers, each for some of the clients and each in a
 * thread of its own, can be one relay: see turn_shared_new().
 *
 * Addresses are never IPv4-mapped IPv6 ones: the owner of a dual-stack socket unmaps them.
 *
 * Times are absolute, in nanoseconds of CLOCK_MONOTONIC. Something that expires at t is dead for
 * every now >= t. Addresses carry ports in network byte order; all other numbers are in host order.
 */
#ifndef TURNPIKE_TURN_TURN_H
#define TURNPIKE_TURN_TURN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

struct turn_server;
struct turn_credentials;
struct turn_shared;
struct turn_relay;

/** Writable bytes that the owner guarantees in front of a packet's data. */
#define TURN_HEADROOM 64
/** Writable bytes that the owner guarantees behind a packet's data. */
#define TURN_TAILROOM 4

/** Bytes of a secret. */
#define TURN_SECRET_LEN 16

/** A time that never comes. */
#define TURN_NEVER UINT64_MAX

/** Relayed transport addresses of one allocation: one a family (RFC 8656 section 7.2). */
#define TURN_RELAYS_MAX 2

/** The error codes of STUN are 300 to 599; turn_stats.errors is indexed by code - TURN_ERROR_FIRST.
 */
#define TURN_ERROR_FIRST 300
#define TURN_ERROR_COUNT 300

/**
 * enum turn_transport - how a client reaches the server (RFC 8656 section 3.1)
 *
 * Peers are always reached over UDP. Only clients on TURN_UDP have flows.
 */
enum turn_transport {
	TURN_UDP,
	TURN_TCP,
	TURN_TLS,
	TURN_DTLS,
};

#define TURN_TRANSPORTS 4

/** turn_transport_names - by enum turn_transport, in lower case */
extern const char *const turn_transport_names[TURN_TRANSPORTS];

/** turn_transport_is_stream() - whether messages follow each other without bounds of their own */
static inline bool turn_transport_is_stream(unsigned int transport)
{
	return transport == TURN_TCP || transport == TURN_TLS;
}

/**
 * struct turn_tuple - the 5-tuple of a client
 * @client:    the client's transport address as seen by the server
 * @server:    the address of ours that the client sent to, never a wildcard
 * @transport: enum turn_transport
 */
struct turn_tuple {
	struct turnpike_addr client;
	struct turnpike_addr server;
	uint16_t transport;
};

/**
 * struct turn_packet - a message that the core may build a new header around
 * @data: the payload of the datagram, or a message of a stream as turn_frame() has found it, with
 *        TURN_HEADROOM writable bytes before it and TURN_TAILROOM after it
 * @len:  its length in bytes, without those
 *
 * The core may overwrite all of these bytes; the owner gets no meaning back from them.
 */
struct turn_packet {
	uint8_t *data;
	size_t len;
};

/** enum turn_direction - which way application data goes */
enum turn_direction {
	TURN_TO_PEER,
	TURN_TO_CLIENT,
};

/**
 * struct turn_icmp - an ICMP error that a datagram to a peer has led to
 * @type: of ICMPv4 or ICMPv6, whichever the relayed transport address's family has
 * @code: the same
 * @mtu:  of the next-hop link, if @type and @code are those of a packet that was too big
 */
struct turn_icmp {
	uint8_t type;
	uint8_t code;
	uint32_t mtu;
};

/**
 * struct turn_flow - one channel binding, as the kernel has to know it
 * @tuple:                the client's 5-tuple
 * @relay:                the relayed transport address, as its socket is bound (not the public one)
 * @peer:                 the peer that the channel is bound to
 * @channel:              the channel number, 0x4000 to 0x7FFF
 * @channel_expiry_ns:    client to peer is allowed before this time
 * @permission_expiry_ns: peer to client is allowed before this time
 * @limits:               of the allocation, as turn_ops.limit has made them; NULL: none
 *
 * Neither expiry is later than that of @relay. @relay and @peer identify a flow, and so do @tuple
 * and @channel. @peer may be the relayed transport address of a client of this server; then it is
 * as its socket is bound, too.
 */
struct turn_flow {
	struct turn_tuple tuple;
	struct turnpike_addr relay;
	struct turnpike_addr peer;
	uint16_t channel;
	uint64_t channel_expiry_ns;
	uint64_t permission_expiry_ns;
	void *limits;
};

/** enum turn_event_kind - what an operator may want to read of */
enum turn_event_kind {
	TURN_EVENT_ALLOCATED,
	TURN_EVENT_REFRESHED,
	TURN_EVENT_ENDED,
	TURN_EVENT_PERMITTED,
	TURN_EVENT_BOUND,
	TURN_EVENT_REFUSED,
};

/**
 * struct turn_event - one of them
 * @kind:     enum turn_event_kind
 * @tuple:    of the client
 * @username: as the client has given it, also if it is nobody's; "" if it has given none
 * @relay:    of @kind's allocation, permission or channel, as peers see it; NULL if refused. An
 *            allocation with two of them has an event for each
 * @peer:     of the permission (without port) or channel, as the client knows it, else NULL
 * @lifetime: seconds, of what was allocated or refreshed
 * @channel:  that was bound
 * @method:   of the request that was refused, enum stun_method
 * @code:     that it was refused with
 * @why:      that an allocation ended: "refresh", "expired", "client gone" or "stopping"; else NULL
 */
struct turn_event {
	enum turn_event_kind kind;
	const struct turn_tuple *tuple;
	const char *username;
	const struct turnpike_addr *relay;
	const struct turnpike_addr *peer;
	uint32_t lifetime;
	uint16_t channel;
	uint16_t method;
	int code;
	const char *why;
};

/**
 * struct turn_ops - what the core needs from its owner; every operation is required
 *
 * @send_client:  Send a message of @len bytes from @tuple->server to @tuple->client, over
 *                @tuple->transport. @data is lent for the time of the call; in streams it is padded
 *                as RFC 8656 section 12.5 asks for. What cannot be sent is lost, as in UDP; to a
 *                client that is gone nothing is sent.
 * @send_peer:    Send a datagram of @len (0 is valid) bytes from @handle to @peer. @data is lent.
 *                @dont_fragment: with the DF bit in IPv4 (RFC 8656 section 18.9); IPv6 as ever.
 * @open_relay:   Bind a UDP socket to @addr and store something that names it in @handle. From then
 *                on hand its datagrams to turn_server_peer_input() with @relay, and its ICMP errors
 *                to turn_server_icmp_input(); @relay stays valid until close_relay. Returns 0,
 *                -EADDRINUSE (the core then tries another port) or another negative errno (the
 *                client gets error 508).
 * @close_relay:  Close a handle of open_relay; the relay dies with it. Any input to the server can
 *                lead to this, for the same relay or for others.
 * @install_flow: Add a flow, or replace the one of the same client tuple, relay, peer and channel,
 *                which differs only in its expiries. Called before the client hears of success.
 *                Returns 0, or a negative errno and leaves things as they were: then the core
 *                counts the failure, removes the flow if it was installed before, goes on
 *                relaying the channel in user space, and tries again with the next change.
 * @remove_flow:  Remove a flow that was installed. Called before its relay is closed and before
 *                its channel number or its peer can be bound again, and when the channel expires.
 * @limit:        Make the limits of a new allocation of the user @account, how much it, all of the
 *                user's and all there are may relay in either direction, and store something that
 *                names them in @limits; NULL stands for none. Returns 0 or a negative errno (the
 *                client gets error 508).
 * @unlimit:      Free @limits, never NULL, that no flow bears any more.
 * @police:       Charge @len bytes of application data, about to be relayed in user space, to
 *                @limits, never NULL. Returns whether they may pass; else they are dropped.
 * @event:        Something has happened that an operator may want to read of. @event is lent.
 * @unix_time:    The seconds since 1970-01-01 00:00 UTC, which time-limited usernames are measured
 * by.
 * @random:       Fill @buf with @len bytes from a cryptographically strong source.
 */
struct turn_ops {
	void (*send_client)(void *ctx, const struct turn_tuple *tuple, const uint8_t *data,
			    size_t len);
	void (*send_peer)(void *ctx, void *handle, const struct turnpike_addr *peer,
			  const uint8_t *data, size_t len, bool dont_fragment);
	int (*open_relay)(void *ctx, const struct turnpike_addr *addr, struct turn_relay *relay,
			  void **handle);
	void (*close_relay)(void *ctx, void *handle);
	int (*install_flow)(void *ctx, const struct turn_flow *flow);
	void (*remove_flow)(void *ctx, const struct turn_flow *flow);
	int (*limit)(void *ctx, const char *account, void **limits);
	void (*unlimit)(void *ctx, void *limits);
	bool (*police)(void *ctx, void *limits, enum turn_direction direction, size_t len);
	void (*event)(void *ctx, const struct turn_event *event);
	uint64_t (*unix_time)(void *ctx);
	void (*random)(void *ctx, void *buf, size_t len);
};

/**
 * struct turn_relay_address - an address that relayed transport addresses are made of
 * @addr:     the address that relay sockets are bound to; its port is ignored
 * @external: the address that peers see and that XOR-RELAYED-ADDRESS shows, of the same family,
 * when a 1:1 NAT is in between; family 0 means the same as @addr; its port is ignored
 *
 * Clients know relayed transport addresses by @external only, also as their peers; what goes from
 * one client to another stays behind the NAT.
 */
struct turn_relay_address {
	struct turnpike_addr addr;
	struct turnpike_addr external;
};

/**
 * struct turn_config - how a server behaves; begin with turn_config_init()
 * @realm:            REALM of the long-term credentials, 1 to 127 bytes of UTF-8 that OpaqueString
 *                    (RFC 8265) allows
 * @software:         SOFTWARE of the responses, at most 127 bytes of UTF-8, or NULL for none
 * @relays:           relay addresses; those of one family are used in turn
 * @n_relays:         number of @relays, at least 1
 * @port_lo:          first port of relayed transport addresses, not 0
 * @port_hi:          last port, at least @port_lo
 * @default_lifetime: seconds that an allocation lives if the client asks for no more
 * @max_lifetime:     seconds that an allocation lives at most, at least @default_lifetime
 * @nonce_lifetime:   seconds after which a nonce is stale, not 0
 * @max_relays:       relayed transport addresses of all users together, with those reserved; more
 *                    get error 508, or 300; 0 means no limit
 * @max_permissions:  of one allocation; more get error 508
 * @max_channels:     of one allocation, those that wait to be rebound included; more get error 508
 * @user_quota:       allocations of one user at the same time, with those that ports are reserved
 *                    for; more get error 486; 0 means no limit
 * @unauthenticated_rate: requests without valid credentials that one source (an IPv4 address, or an
 *                    IPv6 /64) gets answers to in a second, and ten times as many at once; Binding
 *                    requests count, too; 0 means no limit; each of several servers counts by
 * itself
 * @alternates:       servers that clients are sent to (error 300) when this one takes no more; one
 * of the client's family is taken at random; may be empty
 * @n_alternates:     number of @alternates
 * @own:              further addresses of this host (its listeners) that are no peers; ports are
 *                    ignored; of the relay addresses, only the ports of live allocations are peers
 * @n_own:            number of @own
 * @allow:            peers that are allowed whatever @deny, @own and the built-in table say, on all
 *                    their ports
 * @n_allow:          number of @allow
 * @deny:             peers that are refused on top of the built-in table
 * @n_deny:           number of @deny
 * @shared:           made of the same configuration, and freed after the server; NULL: the server
 * is a relay by itself
 *
 * A server keeps copies: nothing here needs to outlive turn_server_new().
 */
struct turn_config {
	const char *realm;
	const char *software;
	const struct turn_relay_address *relays;
	size_t n_relays;
	uint16_t port_lo;
	uint16_t port_hi;
	uint32_t default_lifetime;
	uint32_t max_lifetime;
	uint32_t nonce_lifetime;
	uint32_t max_relays;
	uint32_t max_permissions;
	uint32_t max_channels;
	uint32_t user_quota;
	uint32_t unauthenticated_rate;
	const struct turnpike_addr *alternates;
	size_t n_alternates;
	const struct turnpike_addr *own;
	size_t n_own;
	const struct addr_cidr *allow;
	size_t n_allow;
	const struct addr_cidr *deny;
	size_t n_deny;
	struct turn_shared *shared;
};

/** struct turn_traffic - application data relayed in one direction, in user space */
struct turn_traffic {
	uint64_t packets;
	uint64_t bytes;
};

/**
 * struct turn_stats - what a server holds and has done
 * @allocations:      allocations there are now
 * @relays:           their relayed transport addresses, one or two each
 * @permissions:      permissions there are now, with expired ones that a channel still belongs to
 * @channels:         channels there are now, with expired ones that wait to be rebound
 * @flows:            flows that are installed now
 * @requests:         well-formed requests of known methods received
 * @successes:        success responses sent
 * @errors:           error responses sent, by code - TURN_ERROR_FIRST
 * @to_peer:          relayed from clients to peers
 * @to_client:        relayed from peers to clients
 * @limited:          requests without valid credentials not answered because their source sent more
 *                    than turn_config.unauthenticated_rate
 * @malformed:        datagrams of clients discarded because they are no message that we take
 * @no_allocation:    data discarded because its allocation does not exist or has expired
 * @no_permission:    data of either side discarded because there is no live permission
 * @no_channel:       ChannelData discarded because there is no live channel
 * @no_relay:         data discarded because the other end is an address of this relay, and no live
 *                    allocation has that port
 * @oversize:         datagrams of peers discarded because they do not fit a Data indication
 * @policed:          datagrams of either side discarded because there were too many
 * @icmp:             ICMP errors that clients were told of
 * @install_failures: how often install_flow failed
 */
struct turn_stats {
	uint64_t allocations;
	uint64_t relays;
	uint64_t permissions;
	uint64_t channels;
	uint64_t flows;
	uint64_t requests;
	uint64_t successes;
	uint64_t errors[TURN_ERROR_COUNT];
	struct turn_traffic to_peer;
	struct turn_traffic to_client;
	uint64_t limited;
	uint64_t malformed;
	uint64_t no_allocation;
	uint64_t no_permission;
	uint64_t no_channel;
	uint64_t no_relay;
	uint64_t oversize;
	uint64_t policed;
	uint64_t icmp;
	uint64_t install_failures;
};

/**
 * struct turn_relay_info - one relayed transport address, for a listing
 * @addr:      as its socket is bound
 * @external:  as the client was told
 * @expiry_ns: when it expires
 */
struct turn_relay_info {
	struct turnpike_addr addr;
	struct turnpike_addr external;
	uint64_t expiry_ns;
};

/**
 * struct turn_allocation_info - one allocation, for a listing
 * @tuple:       the client's 5-tuple
 * @relays:      its relayed transport addresses, IPv4 first
 * @n_relays:    how many there are
 * @username:    whose it is; lent for the time of the visit
 * @permissions: as in struct turn_stats
 * @channels:    as in struct turn_stats
 */
struct turn_allocation_info {
	struct turn_tuple tuple;
	struct turn_relay_info relays[TURN_RELAYS_MAX];
	size_t n_relays;
	const char *username;
	uint32_t permissions;
	uint32_t channels;
};

/**
 * turn_config_init() - fill a configuration with the defaults
 *
 * Ports 49152 to 65535, lifetimes of 600 and 3600 s, nonces of 3600 s, no limit of allocations, 256
 * permissions and 256 channels an allocation. Realm and relay addresses have no default.
 */
void turn_config_init(struct turn_config *config);

/** turn_config_is_valid() - whether @config is within the bounds given at its members */
bool turn_config_is_valid(const struct turn_config *config);

/**
 * turn_shared_new() - make what several servers need to be one relay
 * @config: copied
 * @secret: random, unknown to everybody else
 * @shared: the result; free it with turn_shared_free()
 *
 * They take their ports from the same pools, count together what users, strangers and all of them
 * may have, and know each other's relayed transport addresses. A client has to come to one server
 * only, always the same.
 *
 * Return: 0, -EINVAL if @config is not valid, -ENOMEM.
 */
int turn_shared_new(const struct turn_config *config, const uint8_t secret[static TURN_SECRET_LEN],
		    struct turn_shared **shared);

/** turn_shared_free() - after all its servers; NULL is fine */
void turn_shared_free(struct turn_shared *shared);

/**
 * turn_server_new() - make a server
 * @config: copied
 * @ops:    copied; operations are called with @ctx, the first of them (random) right away
 * @server: the result; free it with turn_server_free()
 *
 * Return: 0, -EINVAL if @config is out of the bounds given at its members, -ENOMEM.
 */
int turn_server_new(const struct turn_config *config, const struct turn_ops *ops, void *ctx,
		    struct turn_server **server);

/**
 * turn_server_free() - remove every flow, close every relay and free the server
 * @server: may be NULL
 */
void turn_server_free(struct turn_server *server);

/**
 * turn_server_client_input() - a message arrived at a listener
 * @tuple:  where it came from and where it went to
 * @packet: the message, of any content: STUN, ChannelData or garbage
 */
void turn_server_client_input(struct turn_server *server, const struct turn_tuple *tuple,
			      const struct turn_packet *packet, uint64_t now);

/**
 * turn_server_peer_input() - a datagram arrived at a relay socket
 * @relay:  what open_relay named for the socket
 * @from:   where it came from
 * @packet: the datagram, of any content
 */
void turn_server_peer_input(struct turn_server *server, struct turn_relay *relay,
			    const struct turnpike_addr *from, const struct turn_packet *packet,
			    uint64_t now);

/**
 * turn_server_icmp_input() - an ICMP error arrived for a relay socket (RFC 8656 section 11.5)
 * @relay: what open_relay named for the socket
 * @peer:  where the datagram had been sent that led to it; port 0 if that is not known
 * @icmp:  the error; where it comes from does not matter
 *
 * The client is told by a Data indication, if there is a permission for the peer.
 */
void turn_server_icmp_input(struct turn_server *server, struct turn_relay *relay,
			    const struct turnpike_addr *peer, const struct turn_icmp *icmp,
			    uint64_t now);

/**
 * turn_server_client_gone() - the connection of a client has ended
 *
 * Of TURN_TCP, TURN_TLS or TURN_DTLS. What the client had is ended; if it had nothing, nothing
 * happens. Not to be called from inside an operation, such as a send_client that fails.
 */
void turn_server_client_gone(struct turn_server *server, const struct turn_tuple *tuple,
			     uint64_t now);

/** turn_server_has_allocation() - whether a client has one; else its connection is of no use */
bool turn_server_has_allocation(const struct turn_server *server, const struct turn_tuple *tuple);

/**
 * turn_server_set_credentials() - let other people in from now on
 * @credentials: made for the same realm; a reference is taken; not changed any more
 *
 * Allocations go on with the keys that they were made with, also those of users that are gone,
 * until they expire; but such users cannot refresh them (error 403).
 */
void turn_server_set_credentials(struct turn_server *server, struct turn_credentials *credentials);

/**
 * turn_server_reconfigure() - go on with other limits and another policy
 * @config: realm, relays, ports and shared have to be as before; the rest is copied
 *
 * Allocations stay; permissions and channels for peers that are not allowed any more end.
 *
 * Return: 0, -EINVAL or -ENOMEM; then nothing has changed.
 */
int turn_server_reconfigure(struct turn_server *server, const struct turn_config *config,
			    uint64_t now);

/**
 * turn_server_drain() - take no new allocations from now on
 *
 * They get error 300 if there are alternates, else 508. Those there are go on, and can be
 * refreshed.
 */
void turn_server_drain(struct turn_server *server);

/**
 * turn_server_expire() - end whatever has expired: remove flows, close relays
 *
 * What has expired never relays in user space, however late this is called.
 */
void turn_server_expire(struct turn_server *server, uint64_t now);

/**
 * turn_server_next_expiry() - when turn_server_expire() has something to do again
 *
 * Return: that time, which may be in the past, or TURN_NEVER.
 */
uint64_t turn_server_next_expiry(const struct turn_server *server);

/** turn_stats_add() - add the counters of @more to those of @sum */
void turn_stats_add(struct turn_stats *sum, const struct turn_stats *more);

/** turn_server_stats() - the live counters of @server, valid as long as it is. */
const struct turn_stats *turn_server_stats(const struct turn_server *server);

/**
 * turn_server_for_each_allocation() - list the allocations
 * @visit: called for each, in no particular order; must not enter the server
 * @arg:   handed to @visit
 */
void turn_server_for_each_allocation(const struct turn_server *server,
				     void (*visit)(void *arg,
						   const struct turn_allocation_info *info),
				     void *arg);

#endif /* TURNPIKE_TURN_TURN_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file server.h
 * The objects of a server, private to userspace/turn.
 *
 * They form a tree:
 *
 *	turn_server
 *	  turn_allocation        one per client 5-tuple
 *	    turn_relay           one per address family, at most two
 *	      turn_permission    one per peer IP address
 *	        turn_peer        one per peer transport address with a channel, or with a flow
 *	          turn_channel   at most one
 *
 * Ending an object ends everything below it, and the last relay to end ends its allocation. The
 *hash tables that find objects are the server's, so that an allocation with one channel stays
 *small.
 */
#ifndef TURNPIKE_TURN_STATE_SERVER_H
#define TURNPIKE_TURN_STATE_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/siphash.h"
#include "private/hash.h"
#include "stun/integrity.h"
#include "stun/protocol.h"
#include "turn/auth/nonce.h"
#include "turn/state/policy.h"
#include "turn/state/retransmit_cache.h"
#include "turn/state/shared.h"
#include "turn/state/timers.h"
#include "turn/turn.h"
#include "turn/walk.h"

#define TURN_NS_PER_S 1000000000ull

/** RFC 8656 section 9 */
#define TURN_PERMISSION_LIFETIME_NS (300 * TURN_NS_PER_S)
/** RFC 8656 section 12 */
#define TURN_CHANNEL_LIFETIME_NS (600 * TURN_NS_PER_S)
/**
 * RFC 8656 section 12: how long after its expiry a channel's number and peer must not be bound to
 * anything else. The server enforces it, since data for the old peer may still be in flight.
 */
#define TURN_CHANNEL_REBIND_NS (300 * TURN_NS_PER_S)

/**
 * struct turn_user - an authenticated user, see user.h
 * @references: held by requests, allocations and the server's table
 * @generation: the last generation of the server's credentials known to have @key
 * @secret_id:  of a time-limited username: its secret, see turn_credentials_secret_id(); else 0
 * @algorithm:  what @key was made with
 * @key:        the long-term key
 * @hmacs:      by enum stun_integrity; created on first use
 * @account:    a reference; NULL until the user has authenticated
 * @name:       username, NUL-terminated
 */
struct turn_user {
	UT_hash_handle hh;
	unsigned int references;
	uint32_t generation;
	uint64_t secret_id;
	enum stun_password_algorithm algorithm;
	struct stun_key key;
	struct stun_hmac *hmacs[2];
	struct turn_account *account;
	char name[];
};

/** Tables of users, one per password algorithm. */
#define TURN_USER_TABLES 2

/** struct turn_peer_key - key of a peer, or of a permission, by peer without port */
struct turn_peer_key {
	struct turnpike_addr relay;
	struct turnpike_addr peer;
};

/** struct turn_number_key - key of a channel, by number; both families share the numbers */
struct turn_number_key {
	struct turn_tuple tuple;
	uint16_t number;
};

_Static_assert(sizeof(struct turn_tuple) == 42, "hashed without padding");
_Static_assert(sizeof(struct turn_peer_key) == 40, "hashed without padding");
_Static_assert(sizeof(struct turn_number_key) == 44, "hashed without padding");

/**
 * struct turn_peer - a peer transport address that has a channel, is a pair, or both
 * @key:        relay and peer
 * @permission: permission of the peer's IP address
 * @next:       next peer of @permission
 * @prev:       previous peer of @permission
 * @channel:    its channel, which may be expired; NULL: none
 * @is_pair:    see turn_pair_begin(); never while a channel is live
 * @flow:       the flow as last installed in the kernel: that of the live channel, or of the pair
 * @installed:  whether @flow is installed
 */
struct turn_peer {
	UT_hash_handle hh;
	struct turn_peer_key key;
	struct turn_permission *permission;
	struct turn_peer *next;
	struct turn_peer *prev;
	struct turn_channel *channel;
	bool is_pair;
	bool installed;
	struct turn_flow flow;
};

/**
 * struct turn_channel - a channel binding
 * @key:       client 5-tuple and channel number
 * @peer:      what it is bound to
 * @timer:     due at @expiry_ns, and then when the channel may be freed for rebinding
 * @expiry_ns: when the binding expires
 */
struct turn_channel {
	UT_hash_handle hh;
	struct turn_number_key key;
	struct turn_peer *peer;
	struct turn_timer timer;
	uint64_t expiry_ns;
};

/**
 * struct turn_permission - the permission of a peer IP address to exchange data with the client
 * @key:        relay and peer IP address
 * @relay:      the relayed transport address
 * @peers:      peers with this IP address; their channels keep an expired permission alive
 * @next:       next permission of @relay
 * @prev:       previous permission of @relay
 * @timer:      due at @expiry_ns; TURN_NEVER once that has passed
 * @expiry_ns:  when it expires; 0: never granted yet
 * @reach_until: until when datagrams may be sent, see turn_ops.reach; TURN_NEVER once the peer has
 *              sent one
 * @is_asked:   turn_ops.reach was called
 * @is_self:    the IP address is one of this relay: only ports of live relays are reachable
 */
struct turn_permission {
	UT_hash_handle hh;
	struct turn_peer_key key;
	struct turn_relay *relay;
	struct turn_peer *peers;
	struct turn_permission *next;
	struct turn_permission *prev;
	struct turn_timer timer;
	uint64_t expiry_ns;
	uint64_t reach_until;
	bool is_asked;
	bool is_self;
};

/**
 * struct turn_relay - a relayed transport address in use
 * @addr:        the address that the socket is bound to
 * @external:    the address that clients and peers see
 * @alloc:       its allocation
 * @pool:        pool of its port
 * @rest:        for the port once the relay ends, so that this needs no memory
 * @handle:      the owner's socket, from turn_ops.open_relay
 * @permissions: list of its permissions
 * @timer:       its expiry, one per family (RFC 8656 section 8.1)
 * @begin_ns:    when it was opened
 * @traffic:     by enum turn_direction, what was relayed in user space
 * @in_kernel:   likewise, what the kernel relayed of flows that have been removed
 * @recorded_ns: when the last interim record was made; @begin_ns: none yet
 * @record_next: next relay of struct turn_server.records
 * @record_prev: previous relay of them
 */
struct turn_relay {
	struct turnpike_addr addr;
	struct turnpike_addr external;
	struct turn_allocation *alloc;
	struct turn_pool *pool;
	struct turn_rest *rest;
	void *handle;
	struct turn_permission *permissions;
	struct turn_timer timer;
	uint64_t begin_ns;
	struct turn_traffic traffic[TURN_DIRECTIONS];
	struct turn_traffic in_kernel[TURN_DIRECTIONS];
	uint64_t recorded_ns;
	struct turn_relay *record_next;
	struct turn_relay *record_prev;
};

/**
 * struct turn_address_error - a requested relayed transport address that the server could not
 *                             allocate, for ADDRESS-ERROR-CODE
 * @family: enum turnpike_family; 0: no error
 * @code:   the reason
 */
struct turn_address_error {
	unsigned int family;
	enum stun_error_code code;
};

/**
 * struct turn_allocation - a client's allocation
 * @id:            unique among all allocations of the servers of this relay since they began
 * @tuple:         the client's 5-tuple
 * @relays:        by turn_relay_index(); at least one is not NULL
 * @address_error: reported in the success response
 * @limits:        from turn_ops.limit; NULL: none
 * @user:          the user who created it; a reference
 * @transaction:   of the Allocate request that created it
 * @has_token:     whether that request also reserved the next port
 * @token:         token of the reservation, which may have expired since
 * @n_permissions: number of permissions of both relays
 * @n_channels:    number of channels of both relays
 * @n_pairs:       number of pairs of both relays
 */
struct turn_allocation {
	UT_hash_handle hh;
	uint64_t id;
	struct turn_tuple tuple;
	struct turn_relay *relays[TURN_RELAYS_MAX];
	struct turn_address_error address_error;
	void *limits;
	struct turn_user *user;
	uint8_t transaction[STUN_TRANSACTION_LEN];
	bool has_token;
	uint8_t token[TURN_RESERVATION_TOKEN_LEN];
	uint32_t n_permissions;
	uint32_t n_channels;
	uint32_t n_pairs;
};

/**
 * struct turn_server - a server
 * @ops:            the owner's operations
 * @ctx:            passed to @ops
 * @limits:         from the configuration
 * @realm:          after OpaqueString
 * @software:       NULL: none
 * @policy:         which peers are allowed
 * @shared:         state shared with the other servers of the relay
 * @private_shared: the same if the server has no siblings and owns it, else NULL
 * @pools:          relay addresses, a reference; those of @shared since the last reconfiguration
 * @next_pool:      index in @pools where the next allocation starts
 * @homes:          which relay addresses belong to which listener; none: any
 * @n_homes:        number of @homes
 * @nonces:         secret and lifetime of nonces
 * @hash_key:       secret of the hash tables
 * @alternates:     servers for ALTERNATE-SERVER
 * @n_alternates:   number of @alternates
 * @credentials:    current credentials, a reference; NULL: none yet
 * @generation:     incremented each time @credentials are replaced
 * @decoy:          nobody: checked in place of a user that does not exist
 * @users:          users of @credentials who have authenticated, by algorithm
 * @timers:         expiry of relays, permissions and channels
 * @retransmits:    requests that ended relays
 * @walks:          positions that move on when their allocation or peer ends
 * @record_interval: seconds between interim records; 0: none
 * @records:        all relays, in the order of @recorded_ns: that of the next interim records
 * @is_draining:    whether new allocations are refused
 * @stats:          counters
 */
struct turn_server {
	struct turn_ops ops;
	void *ctx;
	struct turn_limits limits;
	char *realm;
	char *software;
	struct turn_policy *policy;
	struct turn_shared *shared;
	struct turn_shared *private_shared;
	struct turn_pools *pools;
	size_t next_pool;
	struct turn_home *homes;
	size_t n_homes;
	struct turn_nonces nonces;
	uint8_t hash_key[SIPHASH_KEY_LEN];
	struct turnpike_addr *alternates;
	size_t n_alternates;
	struct turn_credentials *credentials;
	uint32_t generation;
	struct turn_user *decoy;
	struct turn_user *users[TURN_USER_TABLES];
	struct turn_allocation *allocations;
	struct turn_permission *permissions;
	struct turn_peer *peers;
	struct turn_channel *channels;
	struct turn_timers timers;
	struct turn_retransmit_cache retransmits;
	struct turn_walk *walks;
	uint32_t record_interval;
	struct turn_relay *records;
	bool is_draining;
	struct turn_stats stats;
};

#endif /* TURNPIKE_TURN_STATE_SERVER_H */

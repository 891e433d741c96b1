/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file server.h
 * The state of a server, private to this folder.
 *
 * It is a tree: server, allocations, relayed transport addresses (one a family), permissions (one
 * an IP address), channels. Whatever ends takes along what is below it, and an allocation ends with
 * the last of its relays. The hash tables over it belong to the server, so that an allocation with
 * one channel costs little.
 */
#ifndef TURNPIKE_TURN_STATE_SERVER_H
#define TURNPIKE_TURN_STATE_SERVER_H

#include <stdbool.h>
#include <stdint.h>

/* Every use passes a hash value of its own (table.c); running out of memory is an error 508. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "stun/integrity.h"
#include "stun/protocol.h"
#include "turn/state/retransmit_cache.h"
#include "turn/auth/nonce.h"
#include "turn/state/policy.h"
#include "turn/state/reservation.h"
#include "turn/state/shared.h"
#include "base/siphash.h"
#include "turn/state/timers.h"
#include "turn/turn.h"

#define TURN_NS_PER_S 1000000000ull

/** RFC 8656 section 9 */
#define TURN_PERMISSION_LIFETIME_NS (300 * TURN_NS_PER_S)
/** RFC 8656 section 12 */
#define TURN_CHANNEL_LIFETIME_NS (600 * TURN_NS_PER_S)
/**
 * RFC 8656 section 12: a client must wait so long before it binds the channel or the peer
 * elsewhere. The server insists on it, since data for the old peer may still be under way.
 */
#define TURN_CHANNEL_REBIND_NS (300 * TURN_NS_PER_S)

/**
 * struct turn_user - someone with a key: see user.h
 * @references: requests, allocations and the table
 * @generation: of the server's credentials, which had @key last
 * @algorithm:  that @key was made with
 * @hmacs:      by enum stun_integrity; made when they are needed
 * @account:    counts allocations; shared by all names of one account
 */
struct turn_user {
	UT_hash_handle hh;
	unsigned int references;
	uint32_t generation;
	enum stun_password_algorithm algorithm;
	struct stun_key key;
	struct stun_hmac *hmacs[2];
	struct turn_shared *shared;
	struct turn_account *account;
	char name[];
};

/** Tables of users: one for each password algorithm. */
#define TURN_USER_TABLES 2

/** struct turn_peer_key - names a channel by its peer, or a permission by a peer without port */
struct turn_peer_key {
	struct turnpike_addr relay;
	struct turnpike_addr peer;
};

/** struct turn_number_key - names a channel by its number, which counts for both families */
struct turn_number_key {
	struct turn_tuple tuple;
	uint16_t number;
};

_Static_assert(sizeof(struct turn_tuple) == 42, "hashed without padding");
_Static_assert(sizeof(struct turn_peer_key) == 40, "hashed without padding");
_Static_assert(sizeof(struct turn_number_key) == 44, "hashed without padding");

/**
 * struct turn_channel - a channel binding
 * @by_peer:    key of the peer
 * @by_number:  key of the channel number
 * @permission: the one for the peer's IP address
 * @next:       of the same permission
 * @timer:      @expiry_ns, and then the time when it may be forgotten
 * @expiry_ns:  when the binding ends
 * @flow:       as last installed in the kernel
 * @installed:  it is there
 */
struct turn_channel {
	UT_hash_handle hh_peer;
	UT_hash_handle hh_number;
	struct turn_peer_key by_peer;
	struct turn_number_key by_number;
	struct turn_permission *permission;
	struct turn_channel *next;
	struct turn_channel *prev;
	struct turn_timer timer;
	uint64_t expiry_ns;
	struct turn_flow flow;
	bool installed;
};

/**
 * struct turn_permission - leave for an IP address to send to the client
 * @key:       the IP address
 * @relay:     the relayed transport address that data may be sent to
 * @channels:  those whose peers have the IP address; they keep an expired permission in being
 * @next:      of the same relay
 * @timer:     @expiry_ns, or never once that has passed
 * @expiry_ns: when it ends; 0: has never been granted
 * @ours:      the IP address is our own: data needs a live relay at the other end, too
 */
struct turn_permission {
	UT_hash_handle hh;
	struct turn_peer_key key;
	struct turn_relay *relay;
	struct turn_channel *channels;
	struct turn_permission *next;
	struct turn_permission *prev;
	struct turn_timer timer;
	uint64_t expiry_ns;
	bool ours;
};

/**
 * struct turn_relay - a relayed transport address in use
 * @addr:        it, as bound
 * @external:    the same as the world sees it
 * @alloc:       the allocation
 * @pool:        where the port comes from
 * @handle:      of the owner's socket
 * @permissions: list
 * @timer:       its expiry: each family has its own (RFC 8656 section 8.1)
 */
struct turn_relay {
	struct turnpike_addr addr;
	struct turnpike_addr external;
	struct turn_allocation *alloc;
	struct turn_pool *pool;
	void *handle;
	struct turn_permission *permissions;
	struct turn_timer timer;
};

/**
 * struct turn_refusal - a relayed transport address that was asked for and could not be had
 * @family: its family; 0: all that was asked for could be had
 * @code:   the reason, for ADDRESS-ERROR-CODE
 */
struct turn_refusal {
	unsigned int family;
	enum stun_error_code code;
};

/**
 * struct turn_allocation - what a client has on its 5-tuple
 * @tuple:         the client's 5-tuple
 * @relays:        by turn_relay_slot(); at least one is there
 * @refusal:       what the success response had to tell besides
 * @limits:        of the owner; NULL: none
 * @user:          who made it
 * @transaction:   of the Allocate request that made it
 * @has_token:     that request has reserved the next port, too
 * @token:         names the reservation, which may have ended since
 * @n_permissions: of both relays
 * @n_channels:    of both relays
 */
struct turn_allocation {
	UT_hash_handle hh;
	struct turn_tuple tuple;
	struct turn_relay *relays[TURN_RELAYS_MAX];
	struct turn_refusal refusal;
	void *limits;
	struct turn_user *user;
	uint8_t transaction[STUN_TRANSACTION_LEN];
	bool has_token;
	uint8_t token[TURN_RESERVATION_TOKEN_LEN];
	uint32_t n_permissions;
	uint32_t n_channels;
};

/** struct turn_limits - the numbers of struct turn_config that requests are measured by */
struct turn_limits {
	uint32_t default_lifetime;
	uint32_t max_lifetime;
	uint32_t max_relays;
	uint32_t max_permissions;
	uint32_t max_channels;
	uint32_t user_quota;
	uint32_t unauthenticated_rate;
};

/**
 * struct turn_server - everything
 * @credentials: who may relay; NULL: nobody yet
 * @generation:  counts them
 * @users:       see user.h; by algorithm
 */
struct turn_server {
	struct turn_ops ops;
	void *ctx;
	struct turn_limits limits;
	char *realm;
	char *software;
	struct turn_policy *policy;
	struct turn_shared *shared;
	struct turn_shared *private_shared; /* the same, if it is of this server alone */
	size_t next_pool;
	struct turn_nonces nonces;
	uint8_t hash_key[SIPHASH_KEY_LEN];
	struct turnpike_addr *alternates;
	size_t n_alternates;
	struct turn_credentials *credentials;
	uint32_t generation;
	struct turn_user *users[TURN_USER_TABLES];
	struct turn_allocation *allocations;
	struct turn_permission *permissions;
	struct turn_channel *channels_by_peer;
	struct turn_channel *channels_by_number;
	struct turn_timers timers;
	struct turn_retransmit_cache retransmits;
	bool is_draining; /* takes no new allocations */
	struct turn_stats stats;
};

#endif /* TURNPIKE_TURN_STATE_SERVER_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file walk.h
 * Reads the allocations of a server, all at once or in pieces.
 *
 * A walk visits the allocations in the order in which they were made. Allocations and peers may
 * come and go between two of its steps. It visits each allocation that is there all the time once,
 * and none that is made after its begin. A step takes constant time.
 */
#ifndef TURNPIKE_TURN_WALK_H
#define TURNPIKE_TURN_WALK_H

#include "stun/protocol.h"
#include "turn/ops.h"
#include "turn/turn.h"

/** Room for any username, with its NUL. */
#define TURN_USERNAME_SIZE (STUN_USERNAME_MAX + 1)

/**
 * struct turn_relay_info - a relayed transport address, for a listing
 * @addr:      the address that its socket is bound to
 * @external:  the address that the client got
 * @begin_ns:  when it was made
 * @expiry_ns: when it expires
 */
struct turn_relay_info {
	struct turnpike_addr addr;
	struct turnpike_addr external;
	uint64_t begin_ns;
	uint64_t expiry_ns;
};

/**
 * struct turn_allocation_info - an allocation, for a listing
 * @id:          as in struct turn_event
 * @tuple:       the client's 5-tuple
 * @relays:      its relayed transport addresses, IPv4 first
 * @n_relays:    number of @relays
 * @username:    of the user who created it; lent for the duration of the visit
 * @account:     the end of @username that time-limited usernames of one user have in common, or all
 *               of it; lent likewise
 * @permissions: as in struct turn_stats
 * @channels:    as in struct turn_stats
 * @pairs:       as in struct turn_stats
 * @traffic:     by enum turn_direction, what @relays have relayed in user space
 * @in_kernel:   likewise, what the kernel has relayed of flows that have been removed
 */
struct turn_allocation_info {
	uint64_t id;
	struct turn_tuple tuple;
	struct turn_relay_info relays[TURN_RELAYS_MAX];
	size_t n_relays;
	const char *username;
	const char *account;
	uint32_t permissions;
	uint32_t channels;
	uint32_t pairs;
	struct turn_traffic traffic[TURN_DIRECTIONS];
	struct turn_traffic in_kernel[TURN_DIRECTIONS];
};

/**
 * turn_server_for_each_allocation() - list the allocations
 * @visit: called once per allocation, in no particular order; must not enter the server
 * @arg:   passed to @visit
 */
void turn_server_for_each_allocation(const struct turn_server *server,
				     void (*visit)(void *arg,
						   const struct turn_allocation_info *info),
				     void *arg);

/**
 * turn_server_end_allocations() - end all allocations that the owner chooses, with their flows
 * @ends: called once per allocation; returns whether to end it; must not enter the server
 * @arg:  passed to @ends
 * @why:  as in struct turn_event
 *
 * Return: the number of allocations that have ended.
 */
size_t turn_server_end_allocations(struct turn_server *server,
				   bool (*ends)(void *arg, const struct turn_allocation_info *info),
				   void *arg, const char *why, uint64_t now);

/**
 * struct turn_peer_info - a peer with which a client exchanges data by a channel, or as a pair
 * @peer:      as the client knows it
 * @channel:   number of the channel; 0: a pair
 * @expiry_ns: when the channel or, of a pair, the permission expires
 * @has_flow:  turn_ops.install_flow has accepted @flow
 * @flow:      without limits and account, which may end before it is used; unless @has_flow, only
 *             with addresses
 */
struct turn_peer_info {
	struct turnpike_addr peer;
	uint16_t channel;
	uint64_t expiry_ns;
	bool has_flow;
	struct turn_flow flow;
};

/** struct turn_walk - a position in the allocations of a server; all members are private */
struct turn_walk {
	struct turn_server *server;
	struct turn_allocation *at;    /* NULL: none yet, or it has ended */
	struct turn_allocation *after; /* the next one; NULL: none */
	struct turn_peer *peer;        /* the next one of @at; NULL: none */
	uint64_t end_id;               /* of the first allocation that is too new */
	struct turn_walk *prev, *next;
};

/** turn_walk_begin() - begin a walk, before the first allocation; @walk must stay until its end */
void turn_walk_begin(struct turn_walk *walk, struct turn_server *server);

/** turn_walk_end() - end a walk, if turn_server_free() has not done so already */
void turn_walk_end(struct turn_walk *walk);

/** turn_walk_is_open() - whether @walk has begun, and neither it nor its server has ended */
bool turn_walk_is_open(const struct turn_walk *walk);

/** turn_walk_next() - go to the next allocation; Return: whether there is one */
bool turn_walk_next(struct turn_walk *walk, struct turn_allocation_info *info);

/** turn_walk_peer() - the next peer of that allocation; Return: whether there is one */
bool turn_walk_peer(struct turn_walk *walk, struct turn_peer_info *info);

/** turn_walk_is_at_allocation() - whether the last one of turn_walk_next() has not ended */
bool turn_walk_is_at_allocation(const struct turn_walk *walk);

/** turn_walk_end_peers() - end @max peers of it, with channels and flows; return: how many there
 * were */
size_t turn_walk_end_peers(struct turn_walk *walk, size_t max);

/** turn_walk_end_allocation() - end that allocation, which must not have ended; see struct
 * turn_event */
void turn_walk_end_allocation(struct turn_walk *walk, const char *why, uint64_t now);

#endif /* TURNPIKE_TURN_WALK_H */

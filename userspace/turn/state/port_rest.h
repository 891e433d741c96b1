/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file port_rest.h
 * Ports at rest: nobody gets them, so that late data of the old peers and the old client does not
 * reach a new client. Any thread.
 *
 * A port at rest still counts in the quota of the account that had it. Otherwise a user who
 * allocates and releases in a loop would take all ports from the others. The account thus lives at
 * least as long as its ports rest.
 */
#ifndef TURNPIKE_TURN_STATE_PORT_REST_H
#define TURNPIKE_TURN_STATE_PORT_REST_H

#include "turn/state/account.h"
#include "turn/state/pools.h"

/**
 * How long a port rests. RFC 8656 sets no time for this. Section 7.4 has clients wait equally long
 * before they reuse their own transport address.
 */
#define TURN_REST_NS 120000000000ull

/**
 * struct turn_rest - the rest of a port
 * @next:    next in the queue
 * @prev:    previous in the queue
 * @pool:    pool of @port; a reference
 * @account: the account that had the port; a reference. NULL: none, another program has the port
 * @claims:  number of allocations that are claimed from @account until the rest ends
 * @port:    in host byte order, taken from @pool
 * @until:   end of the rest
 */
struct turn_rest {
	struct turn_rest *next;
	struct turn_rest *prev;
	struct turn_pool *pool;
	struct turn_account *account;
	uint32_t claims;
	uint16_t port;
	uint64_t until;
};

/**
 * struct turn_rests - the ports at rest of a relay
 * @n:          number of them
 * @next_until: when the first rest ends, or TURN_NEVER
 * @lock:       protects @queue
 * @queue:      in the order of @until, since all rest equally long
 */
struct turn_rests {
	atomic_uint n;
	_Atomic uint64_t next_until;
	pthread_mutex_t lock;
	struct turn_rest *queue;
};

/** turn_rests_init() - initialize an empty queue */
void turn_rests_init(struct turn_rests *rests);

/** turn_rests_destroy() - end all rests and destroy the queue */
void turn_rests_destroy(struct turn_rests *rests);

/**
 * turn_rest_begin() - let a port rest
 * @rest: from malloc(), with pool, account, claims and port, which the queue now owns, like @rest
 */
void turn_rest_begin(struct turn_rests *rests, struct turn_rest *rest, uint64_t now);

/** turn_rests_end() - give back all ports that have rested by @now, and return their claims */
void turn_rests_end(struct turn_rests *rests, uint64_t now);

/** turn_rests_n() - number of ports at rest that turn_rests_end() has not ended; takes no lock */
uint32_t turn_rests_n(const struct turn_rests *rests);

#endif /* TURNPIKE_TURN_STATE_PORT_REST_H */

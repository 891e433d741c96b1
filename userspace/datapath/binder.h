/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file binder.h
 * Hands the flows of the TURN core to the library, within the shares of their users.
 *
 * All functions are called with the lock given to binder_open() held, except binder_open() and
 * binder_close().
 */
#ifndef TURNPIKE_DATAPATH_BINDER_H
#define TURNPIKE_DATAPATH_BINDER_H

#include <event2/event.h>
#include <pthread.h>

#include "datapath/flow_state.h"
#include "datapath/shares.h"
#include "turn/turn.h"

struct binder;

/**
 * struct binder_failures - see datapath_bind_failures() and datapath_bind_refusals()
 * @all:   flows that the library did not bind at once
 * @final: those of them that it does not retry
 */
struct binder_failures {
	uint64_t all;
	uint64_t final;
};

/**
 * binder_open() - prepare to bind flows
 * @base: loop whose thread binds flows that have waited for a share or a device
 * @tp:   must outlive the binder, like @lock, which the loop takes
 *
 * Return: 0 or a negative errno.
 */
int binder_open(struct event_base *base, struct turnpike *tp, pthread_mutex_t *lock,
		const struct share_percents *percents, struct binder **ret);

/** binder_close() - accepts NULL */
void binder_close(struct binder *binder);

/** binder_bind() - see datapath_bind() */
int binder_bind(struct binder *binder, const struct turn_flow *flow);

/** binder_unbind() - see datapath_unbind() */
void binder_unbind(struct binder *binder, const struct turn_flow *flow);

/** binder_traffic() - see turn_ops.flow_traffic */
void binder_traffic(const struct binder *binder, const struct turn_flow *flow,
		    struct turn_traffic traffic[static TURN_DIRECTIONS]);

/** binder_explain() - see datapath_explain(); @flow was passed to binder_bind() */
void binder_explain(const struct binder *binder, const struct turn_flow *flow,
		    struct flow_state states[static TURN_DIRECTIONS]);

/** binder_set_idle() - whether no device relays in the kernel, as at first: see shares_set_idle()
 */
void binder_set_idle(struct binder *binder, bool is_idle);

/** binder_reach() - see turn_ops.reach */
uint64_t binder_reach(struct binder *binder, const char *account, const struct turnpike_addr *relay,
		      const struct turnpike_addr *peer, bool again, uint64_t now);

/** binder_set_shares() - change the shares of users */
void binder_set_shares(struct binder *binder, const struct share_percents *percents);

/** binder_shares() - the shares, to be read only */
const struct shares *binder_shares(const struct binder *binder);

/** binder_failures() - counters since the start */
struct binder_failures binder_failures(const struct binder *binder);

/** binder_walk_begin(), binder_walk_end() - see shares_walk_begin() */
void binder_walk_begin(struct binder *binder, struct shares_walk *walk);
void binder_walk_end(struct binder *binder, struct shares_walk *walk);

/**
 * binder_walk_next() - list the flows that wait for the share of their user or for a device, both
 *                      directions
 *
 * As turnpike_walk_next(): nothing is resolved or confirmed.
 */
int binder_walk_next(struct shares_walk *walk, uint32_t n,
		     int (*fn)(const struct turnpike_flow_info *flow, void *arg), void *arg);

#endif /* TURNPIKE_DATAPATH_BINDER_H */

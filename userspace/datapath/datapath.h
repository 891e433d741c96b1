/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file datapath.h
 * The server's view of libturnpike, whether or not the kernel can relay.
 *
 * Functions for flows, limits, counts and lists may be called by any thread, those that open,
 * close, attach or change modes only by the thread whose loop was given to datapath_open().
 */
#ifndef TURNPIKE_DATAPATH_DATAPATH_H
#define TURNPIKE_DATAPATH_DATAPATH_H

#include <event2/event.h>
#include <turnpike/turnpike.h>

#include "datapath/binder.h"
#include "datapath/limits.h"
#include "datapath/shares.h"
#include "turn/turn.h"

struct datapath;

/**
 * datapath_open() - prepare relaying in the kernel
 * @mode:  with USERSPACE, or with AUTO after a warning, it works without BPF as well
 * @rates: see datapath_set_rates()
 * @shares: see datapath_set_shares()
 *
 * Errors are logged. Return: 0 or a negative errno.
 */
int datapath_open(struct event_base *base, enum turnpike_mode mode,
		  const struct turnpike_open_opts *opts, const struct limits_rates *rates,
		  const struct share_percents *shares, struct datapath **ret);

/** datapath_is_open() - whether the kernel can relay packets at all, now or after a mode change */
bool datapath_is_open(const struct datapath *datapath);

/** datapath_helper() - see turnpike_helper(); NULL also without BPF */
const struct turnpike_helper_info *datapath_helper(struct datapath *datapath);

/** datapath_close() - detach all programs; accepts NULL */
void datapath_close(struct datapath *datapath);

/**
 * datapath_attach() - relay packets that arrive on @device
 * @opts: the mode is that of datapath_open()
 *
 * Errors are logged. Return: 0 or a negative errno.
 */
int datapath_attach(struct datapath *datapath, const char *device,
		    const struct turnpike_attach_opts *opts);

/**
 * datapath_switch() - change the mode of a device; flows are kept, and each change is logged
 * @device: name, or NULL for all devices
 *
 * Return: 0 or a negative errno, see datapath_error().
 */
int datapath_switch(struct datapath *datapath, const char *device,
		    const struct turnpike_attach_opts *opts);

/**
 * datapath_is_relaying() - whether any device is in a kernel mode
 *
 * The result changes with datapath_attach(), datapath_switch(), and automatic mode changes.
 */
bool datapath_is_relaying(const struct datapath *datapath);

/** datapath_on_change() - let the loop call @fn when datapath_is_relaying() changes */
void datapath_on_change(struct datapath *datapath, void (*fn)(void *arg), void *arg);

/** datapath_error() - why the last datapath_switch() failed, or the kernel cannot be used at all */
const char *datapath_error(const struct datapath *datapath);

/**
 * datapath_bind() - relay a flow in the kernel as soon as a device does, there is room, and its
 * user has a share left
 *
 * Return: 0, and then datapath_unbind() is required; a negative errno if it stays in user space.
 */
int datapath_bind(struct datapath *datapath, const struct turn_flow *flow);

/** datapath_unbind() - stop relaying a flow in the kernel */
void datapath_unbind(struct datapath *datapath, const struct turn_flow *flow);

/** datapath_traffic() - see turn_ops.flow_traffic */
void datapath_traffic(struct datapath *datapath, const struct turn_flow *flow,
		      struct turn_traffic traffic[static TURN_DIRECTIONS]);

/**
 * datapath_explain() - say whether the kernel relays a flow, and if not, why
 * @flow:     without limits and account
 * @is_bound: datapath_bind() has accepted it
 * @states:   by enum turn_direction, what the client and what the peer sends
 */
void datapath_explain(struct datapath *datapath, const struct turn_flow *flow, bool is_bound,
		      struct flow_state states[static TURN_DIRECTIONS]);

/** datapath_limit(), datapath_unlimit(), datapath_police() - see struct turn_ops */
int datapath_limit(struct datapath *datapath, const char *account, void **limits);
void datapath_unlimit(struct datapath *datapath, void *limits);
bool datapath_police(void *limits, enum turn_direction direction, size_t len);

/** datapath_reach() - see struct turn_ops; without BPF, peers are never limited */
uint64_t datapath_reach(struct datapath *datapath, const char *account,
			const struct turnpike_addr *relay, const struct turnpike_addr *peer,
			bool again, uint64_t now);

/** datapath_set_rates() - see limits_set_rates() */
void datapath_set_rates(struct datapath *datapath, const struct limits_rates *rates);

/** datapath_rates() - the rates last set */
struct limits_rates datapath_rates(struct datapath *datapath);

/** datapath_path_changed() - the path MTU between two addresses has changed; ports are ignored */
void datapath_path_changed(struct datapath *datapath, const struct turnpike_addr *local,
			   const struct turnpike_addr *remote);

/** datapath_failures() - number of flows that the kernel could not accept at once */
struct binder_failures datapath_failures(struct datapath *datapath);

/** datapath_set_shares() - change what one user may take of the kernel's tables */
void datapath_set_shares(struct datapath *datapath, const struct share_percents *percents);

/** datapath_share() - what users have of a table; zero without BPF */
struct share_use datapath_share(struct datapath *datapath, enum share what);

/** datapath_deferred() - number of bindings that wait until a device relays in the kernel */
uint32_t datapath_deferred(struct datapath *datapath);

/** struct datapath_table - see turnpike_table_size() */
struct datapath_table {
	uint32_t size;
	uint32_t used;
};

/** datapath_table() - how full a table is; zero without BPF */
struct datapath_table datapath_table(struct datapath *datapath, enum turnpike_table what);

/** datapath_confirm_ms() - see turnpike_confirm_ms(); 0 without the kernel */
uint32_t datapath_confirm_ms(struct datapath *datapath);

/** datapath_waiting() - number of bindings that wait for @what to be relayed in the kernel */
uint32_t datapath_waiting(struct datapath *datapath, enum turnpike_wait what);

/** datapath_flows() - number of flows in the kernel */
uint64_t datapath_flows(struct datapath *datapath);

/** datapath_bindings() - see turnpike_bindings(); 0 without the kernel */
uint32_t datapath_bindings(struct datapath *datapath, enum turnpike_framing framing);

/** struct datapath_walk - a list of flows that is read in pieces */
struct datapath_walk;

/**
 * datapath_walk_begin() - begin to list the flows in the kernel, and then those that wait for the
 *                         share of their user or for a device; see turnpike_walk_begin()
 *
 * A flow whose wait ends during the walk may be missing.
 *
 * Return: 0 or -ENOMEM.
 */
int datapath_walk_begin(struct datapath *datapath, struct datapath_walk **ret);

/**
 * datapath_walk_next() - list the flows of the next bindings; see turnpike_walk_next()
 * @n: number of bindings; workers that bind wait meanwhile, so it should be small
 */
int datapath_walk_next(struct datapath_walk *walk, uint32_t n,
		       int (*fn)(const struct turnpike_flow_info *flow, void *arg), void *arg);

/** datapath_walk_end() - free a walk, before datapath_close(); accepts NULL */
void datapath_walk_end(struct datapath_walk *walk);

/** datapath_for_each_count() - turnpike_for_each_count(); no counters without BPF */
int datapath_for_each_count(struct datapath *datapath,
			    int (*fn)(const struct turnpike_count *count, void *arg), void *arg);

/** datapath_for_each_device() - turnpike_for_each_device(), also without BPF */
int datapath_for_each_device(struct datapath *datapath,
			     int (*fn)(const struct turnpike_status *status, void *arg), void *arg);

#endif /* TURNPIKE_DATAPATH_DATAPATH_H */

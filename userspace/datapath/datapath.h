/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file datapath.h
 * Relaying in the kernel, or the lack of it: what the rest of the server sees of libturnpike.
 *
 * Flows and limits are for any thread; the rest is for the one whose loop datapath_open() has got.
 */
#ifndef TURNPIKE_DATAPATH_DATAPATH_H
#define TURNPIKE_DATAPATH_DATAPATH_H

#include <event2/event.h>
#include <turnpike/turnpike.h>

#include "datapath/limits.h"
#include "turn/turn.h"

struct datapath;

/**
 * datapath_open() - get ready to relay in the kernel, as far as that is possible and wanted
 * @mode:     USERSPACE does not touch the kernel; AUTO goes without it, with a warning, if need be
 * @rates:    see datapath_set_rates()
 *
 * On error a sentence has been said. Return: 0 or a negative errno.
 */
int datapath_open(struct event_base *base, enum turnpike_mode mode,
		  const struct turnpike_open_opts *opts, const struct limits_rates *rates,
		  struct datapath **ret);

/** datapath_is_open() - whether packets can be relayed in the kernel at all, now or after a switch
 */
bool datapath_is_open(const struct datapath *datapath);

/** datapath_close() - leave nothing attached; NULL is fine */
void datapath_close(struct datapath *datapath);

/**
 * datapath_attach() - relay packets that come in by @device
 * @opts: its mode is that of datapath_open()
 *
 * On error a sentence has been said. Return: 0 or a negative errno.
 */
int datapath_attach(struct datapath *datapath, const char *device,
		    const struct turnpike_attach_opts *opts);

/**
 * datapath_switch() - change how a device is relayed, keeping all flows; each change is said
 * @device: its name, or NULL for all
 *
 * Return: 0 or a negative errno.
 */
int datapath_switch(struct datapath *datapath, const char *device,
		    const struct turnpike_attach_opts *opts);

/**
 * datapath_is_relaying() - whether any device is in another mode than userspace
 *
 * It may change with datapath_attach(), with datapath_switch(), and by itself.
 */
bool datapath_is_relaying(const struct datapath *datapath);

/** datapath_on_change() - have @fn called, by the loop, after datapath_is_relaying() has changed */
void datapath_on_change(struct datapath *datapath, void (*fn)(void *arg), void *arg);

/** datapath_error() - the sentence for the last datapath_switch() that failed */
const char *datapath_error(const struct datapath *datapath);

/** datapath_bind() - relay a flow; Return: 0, or a negative errno: it stays in user space */
int datapath_bind(struct datapath *datapath, const struct turn_flow *flow);
void datapath_unbind(struct datapath *datapath, const struct turn_flow *flow);

/** datapath_limit() - see struct turn_ops; NULL without any rate */
int datapath_limit(struct datapath *datapath, const char *account, void **limits);
void datapath_unlimit(struct datapath *datapath, void *limits);
bool datapath_police(void *limits, enum turn_direction direction, size_t len);

/** datapath_set_rates() - see limits_set_rates() */
void datapath_set_rates(struct datapath *datapath, const struct limits_rates *rates);

/** datapath_rates() - as they were last set */
struct limits_rates datapath_rates(struct datapath *datapath);

/** datapath_path_changed() - the path MTU between two addresses is another one; ports are ignored
 */
void datapath_path_changed(struct datapath *datapath, const struct turnpike_addr *local,
			   const struct turnpike_addr *remote);

/** datapath_bind_failures() - flows that the kernel should have taken and did not */
uint64_t datapath_bind_failures(struct datapath *datapath);

/** datapath_flows() - how many flows there are in the kernel */
uint64_t datapath_flows(struct datapath *datapath);

/** datapath_for_each_flow() - turnpike_for_each_flow(), of none if all is relayed in user space */
int datapath_for_each_flow(struct datapath *datapath,
			   int (*fn)(const struct turnpike_flow_info *flow, void *arg), void *arg);

/** datapath_for_each_count() - turnpike_for_each_count(), likewise */
int datapath_for_each_count(struct datapath *datapath,
			    int (*fn)(const struct turnpike_count *count, void *arg), void *arg);

/** datapath_for_each_device() - turnpike_for_each_device(), without the kernel too */
int datapath_for_each_device(struct datapath *datapath,
			     int (*fn)(const struct turnpike_status *status, void *arg), void *arg);

#endif /* TURNPIKE_DATAPATH_DATAPATH_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file kernel.h
 * Relaying in the kernel, or the lack of it: what the rest of the server sees of libturnpike.
 *
 * Flows and limits are for any thread; the rest is for the one whose loop kernel_open() has got.
 */
#ifndef TURNPIKE_DATAPATH_DATAPATH_H
#define TURNPIKE_DATAPATH_DATAPATH_H

#include <event2/event.h>
#include <turnpike/turnpike.h>

#include "datapath/limits.h"
#include "turn/turn.h"

struct kernel;

/**
 * kernel_open() - get ready to relay in the kernel, as far as that is possible and wanted
 * @mode:     USERSPACE does not touch the kernel; AUTO goes without it, with a warning, if need be
 * @rates:    see kernel_set_rates()
 *
 * On error a sentence has been said. Return: 0 or a negative errno.
 */
int kernel_open(struct event_base *base, enum turnpike_mode mode,
		const struct turnpike_open_opts *opts, const struct limits_rates *rates,
		struct kernel **ret);

/** kernel_is_open() - whether packets can be relayed in the kernel at all, now or after a switch */
bool kernel_is_open(const struct kernel *kernel);

/** kernel_close() - leave nothing attached; NULL is fine */
void kernel_close(struct kernel *kernel);

/**
 * kernel_attach() - relay packets that come in by @device
 * @opts: its mode is that of kernel_open()
 *
 * On error a sentence has been said. Return: 0 or a negative errno.
 */
int kernel_attach(struct kernel *kernel, const char *device,
		  const struct turnpike_attach_opts *opts);

/**
 * kernel_switch() - change how a device is relayed, keeping all flows; each change is said
 * @device: its name, or NULL for all
 *
 * Return: 0 or a negative errno.
 */
int kernel_switch(struct kernel *kernel, const char *device,
		  const struct turnpike_attach_opts *opts);

/**
 * kernel_is_relaying() - whether any device is in another mode than userspace
 *
 * It may change with kernel_attach(), with kernel_switch(), and by itself.
 */
bool kernel_is_relaying(const struct kernel *kernel);

/** kernel_on_change() - have @fn called, by the loop, after kernel_is_relaying() has changed */
void kernel_on_change(struct kernel *kernel, void (*fn)(void *arg), void *arg);

/** kernel_error() - the sentence for the last kernel_switch() that failed */
const char *kernel_error(const struct kernel *kernel);

/**
 * kernel_bind() - relay a flow, as soon as the kernel has room for it
 * Return: 0: kernel_unbind() it; or a negative errno: it stays in user space
 */
int kernel_bind(struct kernel *kernel, const struct turn_flow *flow);
void kernel_unbind(struct kernel *kernel, const struct turn_flow *flow);

/** kernel_limit() - see struct turn_ops; NULL without any rate */
int kernel_limit(struct kernel *kernel, const char *account, void **limits);
void kernel_unlimit(struct kernel *kernel, void *limits);
bool kernel_police(void *limits, enum turn_direction direction, size_t len);

/** kernel_set_rates() - see limits_set_rates() */
void kernel_set_rates(struct kernel *kernel, const struct limits_rates *rates);

/** kernel_rates() - as they were last set */
struct limits_rates kernel_rates(struct kernel *kernel);

/** kernel_path_changed() - the path MTU between two addresses is another one; ports are ignored */
void kernel_path_changed(struct kernel *kernel, const struct turnpike_addr *local,
			 const struct turnpike_addr *remote);

/** kernel_bind_failures() - how often the kernel could not take a flow at once */
uint64_t kernel_bind_failures(struct kernel *kernel);

/** kernel_bind_refusals() - how often such a flow was not even left to wait */
uint64_t kernel_bind_refusals(struct kernel *kernel);

/** kernel_waiting() - how many channels wait for @what until the kernel relays them */
uint32_t kernel_waiting(struct kernel *kernel, enum turnpike_wait what);

/** kernel_flows() - how many flows there are in the kernel */
uint64_t kernel_flows(struct kernel *kernel);

/** kernel_for_each_flow() - turnpike_for_each_flow(), of none if all is relayed in user space */
int kernel_for_each_flow(struct kernel *kernel,
			 int (*fn)(const struct turnpike_flow_info *flow, void *arg), void *arg);

/** kernel_for_each_count() - turnpike_for_each_count(), likewise */
int kernel_for_each_count(struct kernel *kernel,
			  int (*fn)(const struct turnpike_count *count, void *arg), void *arg);

/** kernel_for_each_device() - turnpike_for_each_device(), without the kernel too */
int kernel_for_each_device(struct kernel *kernel,
			   int (*fn)(const struct turnpike_status *status, void *arg), void *arg);

#endif /* TURNPIKE_DATAPATH_DATAPATH_H */

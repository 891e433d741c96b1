/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Counts frames that drivers lose after XDP has relayed them, by the kernel's XDP tracepoints.
 * Needs a kernel with BTF (CONFIG_DEBUG_INFO_BTF).
 */
#ifndef TURNPIKE_ATTACH_DEVICES_WATCH_H
#define TURNPIKE_ATTACH_DEVICES_WATCH_H

#include <linux/types.h>

struct watch;

/**
 * watch_open() - begin to count for devices in the network namespace of the calling thread
 * @ret: to be closed with watch_close()
 *
 * Return: 0, or a negative errno.
 */
int watch_open(struct watch **ret);

/** watch_close() - stop counting; NULL is allowed */
void watch_close(struct watch *watch);

/**
 * watch_lost() - number of frames that came in by @from, and were lost before they left by @to
 * @watch: NULL: returns 0
 * @to:    0: device not known; @from: sent by XDP_TX
 */
__u64 watch_lost(const struct watch *watch, __u32 from, __u32 to);

#endif /* TURNPIKE_ATTACH_DEVICES_WATCH_H */

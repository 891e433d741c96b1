/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Counts frames that drivers lose after XDP has relayed them, by the kernel's XDP tracepoints.
 * Needs a kernel with BTF (CONFIG_DEBUG_INFO_BTF).
 */
#ifndef TURNPIKE_ATTACH_DEVICES_WATCH_H
#define TURNPIKE_ATTACH_DEVICES_WATCH_H

#include <linux/types.h>

#include "privileged/privileged.h"

/**
 * watch_open() - begin to count for devices in the network namespace of the calling thread
 * @ret: a map, to be closed
 *
 * The watch ends with watch_end(), or with the process that runs operations.
 *
 * Return: 0, or a negative errno.
 */
int watch_open(struct privileged *privileged, int *ret);

/** watch_end() - where operations run: stop counting */
void watch_end(struct privileged *privileged);

/**
 * watch_lost() - number of frames that came in by @from, and were lost before they left by @to
 * @map: of watch_open(); negative: returns 0
 * @to:  0: device not known; @from: sent by XDP_TX
 */
__u64 watch_lost(int map, __u32 from, __u32 to);

extern const struct operation watch_operation_open;

#endif /* TURNPIKE_ATTACH_DEVICES_WATCH_H */

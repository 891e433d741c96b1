/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Frames that are lost after XDP has relayed them, as the kernel's tracepoints tell of them. Needs
 * a kernel with BTF (CONFIG_DEBUG_INFO_BTF); without, nobody knows.
 */
#ifndef TURNPIKE_ATTACH_DEVICES_WATCH_H
#define TURNPIKE_ATTACH_DEVICES_WATCH_H

#include <linux/types.h>

struct watch;

/**
 * watch_open() - count for devices of the network namespace that the calling thread is in
 * @ret: to be given to watch_close()
 * Returns 0 or a negative errno.
 */
int watch_open(struct watch **ret);

/** watch_close() - NULL is fine. */
void watch_close(struct watch *watch);

/**
 * watch_lost() - frames that came in by @from and were lost on their way out by @to
 * @to: 0: the kernel did not say which; the same as @from: sent by XDP_TX
 * Without a watch, 0.
 */
__u64 watch_lost(const struct watch *watch, __u32 from, __u32 to);

#endif /* TURNPIKE_ATTACH_DEVICES_WATCH_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file kernel_changes.h
 * What the kernel has counted, and the modes of devices, as lines for those who watch.
 */
#ifndef TURNPIKE_CONTROL_KERNEL_CHANGES_H
#define TURNPIKE_CONTROL_KERNEL_CHANGES_H

#include "base/log_line.h"
#include "datapath/datapath.h"

/** struct kernel_count - see struct turnpike_count; a device may be gone by the next look */
struct kernel_count {
	char dev[TURNPIKE_IFNAMSIZ];
	enum turnpike_mode mode;
	enum turnpike_direction direction;
	enum turnpike_verdict verdict;
	uint64_t packets;
};

/** struct kernel_look - what was found at one time */
struct kernel_look {
	struct kernel_count *counts;
	size_t n_counts;
	struct turnpike_status *devices;
	size_t n_devices;
};

/** kernel_look() - look at the kernel; return: 0 or a negative errno. Free it with
 * kernel_look_free() */
int kernel_look(struct datapath *datapath, struct kernel_look *look);

void kernel_look_free(struct kernel_look *look);

/**
 * kernel_show_changes() - show what has changed between two looks
 * @show: gets a line for each counter of packets that were not relayed, though they concern the
 * relay, and for each device with another mode; the time is not filled in
 */
void kernel_show_changes(const struct kernel_look *before, const struct kernel_look *now,
			 void (*show)(void *arg, struct log_line *line), void *arg);

#endif /* TURNPIKE_CONTROL_KERNEL_CHANGES_H */

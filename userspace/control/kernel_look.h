/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file kernel_look.h
 * What the kernel has counted, and the devices with their modes, at one time.
 */
#ifndef TURNPIKE_CONTROL_KERNEL_LOOK_H
#define TURNPIKE_CONTROL_KERNEL_LOOK_H

#include "datapath/datapath.h"

/** struct kernel_count - a copy of struct turnpike_count, which is valid during a call only */
struct kernel_count {
	char dev[TURNPIKE_IFNAMSIZ];
	enum turnpike_mode mode;
	enum turnpike_direction direction;
	enum turnpike_verdict verdict;
	struct turn_traffic traffic;
};

/** struct kernel_look - what was found; begin with zeros */
struct kernel_look {
	struct kernel_count *counts;
	size_t n_counts;
	struct turnpike_status *devices;
	size_t n_devices;
};

/** kernel_look_read() - read all of it; kernel_look_free() it also after an error. Return: 0 or a
 * negative errno. */
int kernel_look_read(struct datapath *datapath, struct kernel_look *look);

/** kernel_look_free() - free what was found */
void kernel_look_free(struct kernel_look *look);

#endif /* TURNPIKE_CONTROL_KERNEL_LOOK_H */

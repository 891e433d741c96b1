/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file kernel_changes.h
 * What has changed in the kernel, as lines for those who watch.
 */
#ifndef TURNPIKE_CONTROL_KERNEL_CHANGES_H
#define TURNPIKE_CONTROL_KERNEL_CHANGES_H

#include "base/log_line.h"
#include "control/kernel_look.h"

/**
 * kernel_show_changes() - show what has changed between two looks
 * @show: gets a line for each counter of packets that were not relayed, though they concern the
 * relay, and for each device with another mode; the time is not filled in
 */
void kernel_show_changes(const struct kernel_look *before, const struct kernel_look *now,
			 void (*show)(void *arg, struct log_line *line), void *arg);

#endif /* TURNPIKE_CONTROL_KERNEL_CHANGES_H */

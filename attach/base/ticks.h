/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The programs' clocks: the kernel's jiffies (programs/steps/coarse_time.h), converted to
 * CLOCK_MONOTONIC and to the check clock.
 */
#ifndef TURNPIKE_ATTACH_BASE_TICKS_H
#define TURNPIKE_ATTACH_BASE_TICKS_H

#include <linux/types.h>

struct maps;

/** ticks_ns() - length of a jiffy */
__u64 ticks_ns(void);

/**
 * ticks_read_zero() - read the time at which jiffies were 0, ns
 *
 * Return: 0, or a negative errno of bpf(2).
 */
int ticks_read_zero(const struct maps *maps, __u64 *ret);

/**
 * ticks_set_zero() - tell the programs this time
 *
 * Call it before the first program is attached, and about once a second: a kernel without
 * high-resolution timers may lose ticks.
 */
void ticks_set_zero(const struct maps *maps, __u64 zero);

/**
 * check_clock_advance() - make all confirmations of flows too old, now
 *
 * For a change of the host's rules: packets take the slow path until the stack has confirmed their
 * flows again. See struct turnpike_device.
 */
void check_clock_advance(struct maps *maps);

/** check_clock_now() - time of the check clock, as the programs see it, ns */
__u64 check_clock_now(const struct maps *maps);

#endif /* TURNPIKE_ATTACH_BASE_TICKS_H */

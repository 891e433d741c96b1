/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The packets' clock: the kernel's ticks (programs/steps/coarse_time.h), and what CLOCK_MONOTONIC
 * makes of them.
 */
#ifndef TURNPIKE_ATTACH_BASE_TICKS_H
#define TURNPIKE_ATTACH_BASE_TICKS_H

#include <linux/types.h>

struct maps;

/** ticks_ns() - how long a tick is */
__u64 ticks_ns(void);

/**
 * ticks_set_zero() - tell the programs what time the ticks have begun at
 * At the start and now and then, as a kernel without high-resolution timers may lose ticks.
 * Returns 0, or a negative errno of bpf(2); then it is as before.
 */
int ticks_set_zero(const struct maps *maps);

#endif /* TURNPIKE_ATTACH_BASE_TICKS_H */

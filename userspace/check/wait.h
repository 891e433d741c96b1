/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file wait.h
 * Deadlines are times of clock_now().
 */
#ifndef TURNPIKE_CHECK_WAIT_H
#define TURNPIKE_CHECK_WAIT_H

#include <limits.h>

#include "base/clock.h"

#define NS_PER_MS UINT64_C(1000000)

/** check_wait_ms() - milliseconds until @deadline for poll(2), rounded up; 0 if it has passed */
static inline int check_wait_ms(uint64_t deadline)
{
	const uint64_t now = clock_now();
	uint64_t ms;

	if (now >= deadline)
		return 0;
	ms = (deadline - now + NS_PER_MS - 1) / NS_PER_MS;
	return ms < INT_MAX ? (int)ms : INT_MAX;
}

#endif /* TURNPIKE_CHECK_WAIT_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file clock.h
 * The time for the TURN core and the library: CLOCK_MONOTONIC in nanoseconds.
 */
#ifndef TURNPIKE_BASE_CLOCK_H
#define TURNPIKE_BASE_CLOCK_H

#include <limits.h>
#include <stdint.h>
#include <time.h>

#define NS_PER_S  UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)

/** clock_now() - the current time in ns */
static inline uint64_t clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/** clock_ms_until() - milliseconds until @when for poll(2), rounded up; 0 if it has passed */
static inline int clock_ms_until(uint64_t when)
{
	const uint64_t now = clock_now();
	uint64_t ms;

	if (now >= when)
		return 0;
	ms = (when - now + NS_PER_MS - 1) / NS_PER_MS;
	return ms < INT_MAX ? (int)ms : INT_MAX;
}

#endif /* TURNPIKE_BASE_CLOCK_H */

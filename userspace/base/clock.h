/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file clock.h
 * The time for the TURN core and the library: CLOCK_MONOTONIC in nanoseconds.
 */
#ifndef TURNPIKE_BASE_CLOCK_H
#define TURNPIKE_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_S UINT64_C(1000000000)

/** clock_now() - the current time in ns */
static inline uint64_t clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

#endif /* TURNPIKE_BASE_CLOCK_H */

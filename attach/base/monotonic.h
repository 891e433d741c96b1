/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TURNPIKE_ATTACH_BASE_MONOTONIC_H
#define TURNPIKE_ATTACH_BASE_MONOTONIC_H

#include <linux/types.h>
#include <time.h>

/** clock_ns() - read CLOCK_MONOTONIC, the clock of the programs */
static inline __u64 clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (__u64)now.tv_sec * 1000000000ull + (__u64)now.tv_nsec;
}

#endif /* TURNPIKE_ATTACH_BASE_MONOTONIC_H */

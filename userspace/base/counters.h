/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file counters.h
 * Structs of counters, with uint64_t members only.
 */
#ifndef TURNPIKE_BASE_COUNTERS_H
#define TURNPIKE_BASE_COUNTERS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** counters_add() - add each counter of @more to that of @sum; both are @size bytes long */
static inline void counters_add(void *sum, const void *more, size_t size)
{
	for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
		uint64_t a, b;

		memcpy(&a, (const char *)sum + at, sizeof(a));
		memcpy(&b, (const char *)more + at, sizeof(b));
		a += b;
		memcpy((char *)sum + at, &a, sizeof(a));
	}
}

#endif /* TURNPIKE_BASE_COUNTERS_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file serve_drain.h
 * An end in good time: no new allocations, and those there are go on until they end by themselves.
 */
#ifndef TURNPIKE_SERVE_SERVE_DRAIN_H
#define TURNPIKE_SERVE_SERVE_DRAIN_H

#include "process/workers.h"

struct drain;

/**
 * drain_begin() - take no more allocations, and leave the loop when none are left
 * @base:    that loop
 * @seconds: leave it then at the latest
 * @ret:     for drain_free()
 *
 * How many are left is said at once and each minute. Return: 0 or -ENOMEM: nothing has begun.
 */
int drain_begin(struct event_base *base, struct workers *workers, uint32_t seconds,
		struct drain **ret);

/** drain_free() - NULL is fine */
void drain_free(struct drain *drain);

#endif /* TURNPIKE_SERVE_SERVE_DRAIN_H */

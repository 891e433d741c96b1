/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file serve_drain.h
 * Graceful shutdown: no new allocations, while existing ones are served until they end.
 */
#ifndef TURNPIKE_SERVE_SERVE_DRAIN_H
#define TURNPIKE_SERVE_SERVE_DRAIN_H

#include "process/workers.h"

struct drain;

/**
 * drain_begin() - reject new allocations, and break the loop when none is left
 * @base:    event loop to break
 * @seconds: break it after this time at the latest
 * @ret:     release it with drain_free()
 *
 * Logs the number of remaining allocations at once and every minute. Return: 0; -ENOMEM if draining
 * has not started.
 */
int drain_begin(struct event_base *base, struct workers *workers, uint32_t seconds,
		struct drain **ret);

/** drain_free() - accepts NULL */
void drain_free(struct drain *drain);

#endif /* TURNPIKE_SERVE_SERVE_DRAIN_H */

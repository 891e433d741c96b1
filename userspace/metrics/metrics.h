/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file metrics.h
 * Metrics and health over HTTP, in a thread of their own.
 *
 * /metrics has the metrics for Prometheus, /healthz says that all workers answer, and /readyz that
 * new allocations are accepted.
 */
#ifndef TURNPIKE_METRICS_METRICS_H
#define TURNPIKE_METRICS_METRICS_H

#include "control/report.h"

struct metrics;

/**
 * metrics_open() - listen
 * @addr:         with a port
 * @coturn_names: add the names of coturn
 * @source:       used once the thread has been started
 *
 * Errors are logged. Return: 0 or a negative errno.
 */
int metrics_open(const struct turnpike_addr *addr, bool coturn_names, struct report_source *source,
		 struct metrics **ret);

/** metrics_start() - start the thread; errors are logged */
int metrics_start(struct metrics *metrics);

/** metrics_stop() - stop the thread. Answers stay, as workers may still work at them. */
void metrics_stop(struct metrics *metrics);

/** metrics_close() - accepts NULL; after workers_close() */
void metrics_close(struct metrics *metrics);

#endif /* TURNPIKE_METRICS_METRICS_H */

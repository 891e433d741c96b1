/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file exposition.h
 * Writes metrics in one of the two formats that Prometheus reads: its text format, version 0.0.4,
 * or OpenMetrics 1.0.
 */
#ifndef TURNPIKE_METRICS_EXPOSITION_H
#define TURNPIKE_METRICS_EXPOSITION_H

#include <event2/buffer.h>
#include <stdbool.h>
#include <stdint.h>

/**
 * enum metric_type - what a metric is
 * @METRIC_COUNTER: its name ends with _total
 * @METRIC_INFO:    its name ends with _info, and its value is 1
 * @METRIC_ALIAS:   a counter whose name OpenMetrics does not allow, where it has no type
 */
enum metric_type {
	METRIC_COUNTER,
	METRIC_GAUGE,
	METRIC_INFO,
	METRIC_ALIAS,
};

/**
 * struct exposition - a document in the making
 * @output: where it goes
 * @name:   of the metric whose samples are being written
 * @failed: out of memory
 */
struct exposition {
	struct evbuffer *output;
	bool is_openmetrics;
	const char *name;
	bool failed;
};

/** struct metric_label - @name is trusted, @value may be any text */
struct metric_label {
	const char *name;
	const char *value;
};

/** exposition_type() - the value of Content-Type */
const char *exposition_type(bool is_openmetrics);

/** exposition_metric() - begin a metric; @help is trusted, a sentence without its period */
void exposition_metric(struct exposition *exposition, const char *name, enum metric_type type,
		       const char *help);

/** exposition_sample() - a sample of the metric that was begun last; @n: number of labels */
void exposition_sample(struct exposition *exposition, const struct metric_label *labels, size_t n,
		       uint64_t value);

/** exposition_end() - end the document. Return: 0 or -ENOMEM. */
int exposition_end(struct exposition *exposition);

#endif /* TURNPIKE_METRICS_EXPOSITION_H */

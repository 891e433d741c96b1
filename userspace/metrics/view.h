/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file view.h
 * What all metrics of one document are read from.
 */
#ifndef TURNPIKE_METRICS_VIEW_H
#define TURNPIKE_METRICS_VIEW_H

#include "control/kernel_look.h"
#include "control/report.h"
#include "metrics/exposition.h"

#define VIEW_DIRECTIONS (TURNPIKE_DIR_HAIRPIN + 1)

/**
 * struct metrics_view
 * @start:     when the server started, in seconds since 1970-01-01 00:00 UTC
 * @look:      what the kernel has counted, and the devices
 * @kernel:    the sum of what it has relayed, by enum turnpike_direction
 * @userspace: what the workers have relayed, likewise
 */
struct metrics_view {
	const struct report_source *source;
	const struct report_data *data;
	time_t start;
	struct kernel_look look;
	struct turn_traffic kernel[VIEW_DIRECTIONS];
	struct turn_traffic userspace[VIEW_DIRECTIONS];
};

/**
 * struct metric - a metric with its samples
 * @write:  writes the samples
 * @offset: of a uint64_t in struct report_data, for some of these functions
 */
struct metric {
	const char *name;
	enum metric_type type;
	const char *help;
	void (*write)(const struct metrics_view *view, const struct metric *metric,
		      struct exposition *out);
	size_t offset;
};

/** view_open() - look at the kernel once; @source and @data are filled in. Return: 0 or -ENOMEM. */
int view_open(struct metrics_view *view);

/** view_close() - free @look */
void view_close(struct metrics_view *view);

/** view_number() - a sample without labels; view_number_of() - with one */
void view_number(struct exposition *out, uint64_t value);
void view_number_of(struct exposition *out, const char *label, const char *name, uint64_t value);

/** metrics_all, metrics_of_coturn - in the order of the document; the last ones have no name */
extern const struct metric metrics_all[];
extern const struct metric metrics_of_coturn[];

#endif /* TURNPIKE_METRICS_VIEW_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "metrics/view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static void add_traffic(struct turn_traffic *sum, uint64_t packets, uint64_t bytes)
{
	sum->packets += packets;
	sum->bytes += bytes;
}

static int add_count(const struct turnpike_count *count, void *arg)
{
	struct metrics_view *view = arg;
	struct view_count copy = { .mode = count->mode,
				   .direction = count->direction,
				   .verdict = count->verdict,
				   .traffic = { count->packets, count->bytes } };
	struct view_count *grown = reallocarray(view->counts, view->n_counts + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	view->counts = grown;
	snprintf(copy.dev, sizeof(copy.dev), "%s", count->dev);
	grown[view->n_counts++] = copy;
	if (count->verdict == TURNPIKE_RELAYED)
		add_traffic(&view->kernel[count->direction], count->packets, count->bytes);
	return 0;
}

int view_open(struct metrics_view *view)
{
	const struct turn_stats *stats = &view->data->stats;

	view->userspace[TURNPIKE_DIR_TO_PEER] = stats->to_peer;
	view->userspace[TURNPIKE_DIR_TO_CLIENT] = stats->to_client;
	return datapath_for_each_count(view->source->datapath, add_count, view) ? -ENOMEM : 0;
}

void view_close(struct metrics_view *view)
{
	free(view->counts);
}

void view_number(struct exposition *out, uint64_t value)
{
	exposition_sample(out, NULL, 0, value);
}

void view_number_of(struct exposition *out, const char *label, const char *name, uint64_t value)
{
	const struct metric_label only = { label, name };

	exposition_sample(out, &only, 1, value);
}

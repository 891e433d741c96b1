/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "metrics/view.h"

#include <errno.h>

static void add_relayed(struct metrics_view *view, const struct kernel_count *count)
{
	struct turn_traffic *sum = &view->kernel[count->direction];

	sum->packets += count->traffic.packets;
	sum->bytes += count->traffic.bytes;
}

int view_open(struct metrics_view *view)
{
	const struct turn_stats *stats = &view->data->stats;
	const struct kernel_look *look = &view->look;

	view->userspace[TURNPIKE_DIR_TO_PEER] = stats->to_peer;
	view->userspace[TURNPIKE_DIR_TO_CLIENT] = stats->to_client;
	if (kernel_look_read(view->source->datapath, &view->look))
		return -ENOMEM;
	for (size_t i = 0; i < look->n_counts; i++) {
		if (look->counts[i].verdict == TURNPIKE_RELAYED)
			add_relayed(view, &look->counts[i]);
	}
	return 0;
}

void view_close(struct metrics_view *view)
{
	kernel_look_free(&view->look);
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

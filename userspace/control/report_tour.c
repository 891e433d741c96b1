/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdlib.h>

#include "control/report_tour.h"

void report_tour_free(struct control_answer *answer)
{
	struct report_tour *tour = (struct report_tour *)answer;

	report_data_free(&tour->data);
	free(tour);
}

void report_tour_worker(struct turn_io *io, void *tour)
{
	report_add_worker(io, &((struct report_tour *)tour)->data);
}

void report_tour_main(void *arg)
{
	struct report_tour *tour = arg;

	report_read_main(tour->source, &tour->data);
}

static void finish(void *tour)
{
	control_ready(&((struct report_tour *)tour)->answer);
}

void report_tour_init(struct report_tour *tour, struct report_source *source, struct loop *home,
		      int (*next)(struct control_answer *answer, struct evbuffer *output))
{
	*tour = (struct report_tour){
		.answer = { .next = next, .free = report_tour_free },
		.tour = { .first = report_tour_main,
			  .each = report_tour_worker,
			  .done = finish,
			  .arg = tour,
			  .home = home },
		.source = source,
	};
}

struct control_answer *report_tour_begin(struct report_tour *tour)
{
	workers_tour(tour->source->workers, &tour->tour);
	return &tour->answer;
}

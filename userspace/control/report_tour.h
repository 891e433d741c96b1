/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file report_tour.h
 * An answer that needs what belongs to other threads: it makes a tour of them, and waits meanwhile.
 */
#ifndef TURNPIKE_CONTROL_REPORT_TOUR_H
#define TURNPIKE_CONTROL_REPORT_TOUR_H

#include "control/report.h"
#include "control/service.h"

/**
 * struct report_tour - the first member of what is allocated for an answer
 * @tour: its functions may be replaced; they get the report_tour
 * @data: collected on the tour
 */
struct report_tour {
	struct control_answer answer;
	struct workers_tour tour;
	struct report_source *source;
	struct report_data data;
};

/**
 * report_tour_init() - prepare a tour that collects @data
 * @home: the loop of the service that has been asked
 * @next: see struct control_answer; called after the tour
 */
void report_tour_init(struct report_tour *tour, struct report_source *source, struct loop *home,
		      int (*next)(struct control_answer *answer, struct evbuffer *output));

/** report_tour_main() - the stop in the main thread; @arg: a report_tour */
void report_tour_main(void *arg);

/** report_tour_worker() - the stop at a worker; @tour: a report_tour */
void report_tour_worker(struct turn_io *io, void *tour);

/** report_tour_begin() - begin the tour. Return: the answer. */
struct control_answer *report_tour_begin(struct report_tour *tour);

/** report_tour_free() - free what was allocated; for struct control_answer */
void report_tour_free(struct control_answer *answer);

#endif /* TURNPIKE_CONTROL_REPORT_TOUR_H */

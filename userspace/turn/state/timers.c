/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>

#include "turn/state/timers.h"

static void place(struct turn_timers *timers, struct turn_timer *timer, size_t slot)
{
	timers->heap[slot] = timer;
	timer->slot = slot;
}

static void sift_up(struct turn_timers *timers, struct turn_timer *timer)
{
	size_t slot = timer->slot;

	while (slot > 0 && timers->heap[(slot - 1) / 2]->when > timer->when) {
		place(timers, timers->heap[(slot - 1) / 2], slot);
		slot = (slot - 1) / 2;
	}
	place(timers, timer, slot);
}

static void sift_down(struct turn_timers *timers, struct turn_timer *timer)
{
	size_t slot = timer->slot;
	size_t child;

	while ((child = 2 * slot + 1) < timers->n) {
		if (child + 1 < timers->n &&
		    timers->heap[child + 1]->when < timers->heap[child]->when)
			child++;
		if (timers->heap[child]->when >= timer->when)
			break;
		place(timers, timers->heap[child], slot);
		slot = child;
	}
	place(timers, timer, slot);
}

static int make_room(struct turn_timers *timers)
{
	size_t size = timers->size > 0 ? 2 * timers->size : 64;
	struct turn_timer **heap;

	if (timers->n < timers->size)
		return 0;
	heap = realloc(timers->heap, size * sizeof(*heap));
	if (!heap)
		return -ENOMEM;
	timers->heap = heap;
	timers->size = size;
	return 0;
}

int turn_timer_add(struct turn_timers *timers, struct turn_timer *timer, uint64_t when,
		   turn_timer_fn fire)
{
	if (make_room(timers))
		return -ENOMEM;
	timer->when = when;
	timer->fire = fire;
	place(timers, timer, timers->n++);
	sift_up(timers, timer);
	return 0;
}

void turn_timer_move(struct turn_timers *timers, struct turn_timer *timer, uint64_t when)
{
	timer->when = when;
	sift_up(timers, timer);
	sift_down(timers, timer);
}

void turn_timer_del(struct turn_timers *timers, struct turn_timer *timer)
{
	struct turn_timer *last = timers->heap[--timers->n];

	if (last == timer)
		return;
	place(timers, last, timer->slot);
	sift_up(timers, last);
	sift_down(timers, last);
}

struct turn_timer *turn_timers_first(const struct turn_timers *timers)
{
	return timers->n > 0 ? timers->heap[0] : NULL;
}

void turn_timers_free(struct turn_timers *timers)
{
	free(timers->heap);
	*timers = (struct turn_timers){ 0 };
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file timers.h
 * Timers in a binary heap: O(1) to find the next one, O(log n) to change one.
 */
#ifndef TURNPIKE_TURN_STATE_TIMERS_H
#define TURNPIKE_TURN_STATE_TIMERS_H

#include <stddef.h>
#include <stdint.h>

struct turn_server;
struct turn_timer;

/** turn_timer_fn - called when @timer is due; must move or delete it */
typedef void (*turn_timer_fn)(struct turn_server *server, struct turn_timer *timer, uint64_t now);

/**
 * struct turn_timer - a timer, embedded in the object that it serves
 * @when: absolute time in ns
 * @fire: called at that time
 * @slot: index in the heap
 */
struct turn_timer {
	uint64_t when;
	turn_timer_fn fire;
	size_t slot;
};

/** struct turn_timers - the heap; initialize with {}, free with turn_timers_free() */
struct turn_timers {
	struct turn_timer **heap;
	size_t n;
	size_t size;
};

/** turn_timer_add() - start a timer; return: 0, or -ENOMEM */
int turn_timer_add(struct turn_timers *timers, struct turn_timer *timer, uint64_t when,
		   turn_timer_fn fire);

/** turn_timer_move() - change the time of a started timer */
void turn_timer_move(struct turn_timers *timers, struct turn_timer *timer, uint64_t when);

/** turn_timer_del() - stop a started timer */
void turn_timer_del(struct turn_timers *timers, struct turn_timer *timer);

/** turn_timers_first() - the timer that is due first, or NULL if there is none */
struct turn_timer *turn_timers_first(const struct turn_timers *timers);

/** turn_timers_free() - free the heap, but not the timers */
void turn_timers_free(struct turn_timers *timers);

#endif /* TURNPIKE_TURN_STATE_TIMERS_H */

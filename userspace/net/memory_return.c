/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "net/memory_return.h"

#include <malloc.h>

/** Fewer connections have no memory worth the effort. */
#define CROWD 64

/** Most of a crowd leaves at about the same time. */
static const struct timeval delay = { .tv_sec = 1 };

/* It takes the time that the free blocks need, and other threads wait for it. */
static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct memory_return *memory = arg;

	(void)fd;
	(void)what;
	malloc_trim(0);
	memory->peak = memory->n;
}

void memory_return_init(struct memory_return *memory, struct event_base *base)
{
	evtimer_assign(&memory->timer, base, on_timer, memory);
	memory->n = memory->peak = 0;
}

void memory_return_stop(struct memory_return *memory)
{
	event_del(&memory->timer);
}

/* The number has to halve each time, so this is rare however many connections come and go. */
void memory_return_update(struct memory_return *memory, unsigned int n)
{
	memory->n = n;
	if (n > memory->peak)
		memory->peak = n;
	else if (memory->peak >= CROWD && n <= memory->peak / 2 &&
		 !evtimer_pending(&memory->timer, NULL))
		evtimer_add(&memory->timer, &delay);
}

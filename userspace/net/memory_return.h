/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file memory_return.h
 * Gives freed memory back to the system after a crowd of connections has left. malloc() keeps it
 * otherwise, so that a server would stay as large as its worst attack. One thread.
 */
#ifndef TURNPIKE_NET_MEMORY_RETURN_H
#define TURNPIKE_NET_MEMORY_RETURN_H

#include <event2/event.h>
#include <event2/event_struct.h>

/**
 * struct memory_return
 * @n:    connections now
 * @peak: most connections since memory was given back
 */
struct memory_return {
	struct event timer;
	unsigned int n;
	unsigned int peak;
};

/** memory_return_init() - begin without connections */
void memory_return_init(struct memory_return *memory, struct event_base *base);

/** memory_return_stop() - call it before the event base is freed */
void memory_return_stop(struct memory_return *memory);

/** memory_return_update() - there are @n connections now */
void memory_return_update(struct memory_return *memory, unsigned int n);

#endif /* TURNPIKE_NET_MEMORY_RETURN_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file loop.h
 * An event loop, in a thread of its own or in that of the caller, and calls from other threads.
 */
#ifndef TURNPIKE_PROCESS_LOOP_H
#define TURNPIKE_PROCESS_LOOP_H

#include <event2/event.h>

struct loop;

/** struct loop_call - a function to call; in use from loop_post() until @fn is called */
struct loop_call {
	void (*fn)(void *arg);
	void *arg;
	struct loop_call *next; /* private */
};

/**
 * loop_open() - create a loop
 * @base: the loop of the calling thread, which the caller dispatches and frees; NULL: create one,
 *        for loop_start()
 *
 * Return: 0 or a negative errno.
 */
int loop_open(struct event_base *base, struct loop **ret);

/** loop_base() - the event base, to which only the thread of the loop may add events */
struct event_base *loop_base(const struct loop *loop);

/**
 * loop_start() - dispatch the loop in a new thread, which gets no signals
 * @name: of the thread, for people; at most 15 bytes
 *
 * The process exits if the loop fails. Return: 0 or a negative errno.
 */
int loop_start(struct loop *loop, const char *name);

/** loop_post() - let the thread of the loop call a function between two of its events; any thread
 */
void loop_post(struct loop *loop, struct loop_call *call);

/**
 * loop_call() - loop_post() that waits until @fn has returned
 *
 * Without a thread of its own, @fn is called at once: the caller is the thread of the loop.
 */
void loop_call(struct loop *loop, void (*fn)(void *arg), void *arg);

/** loop_stop() - end the thread after its current event. Posted calls are forgotten. */
void loop_stop(struct loop *loop);

/** loop_close() - accepts NULL; requires loop_stop() after loop_start() */
void loop_close(struct loop *loop);

#endif /* TURNPIKE_PROCESS_LOOP_H */

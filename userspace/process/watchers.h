/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file watchers.h
 * Those who watch events as they happen. Any thread.
 *
 * An event never waits: each watcher has a buffer of limited size, and what finds no room is
 * counted.
 */
#ifndef TURNPIKE_PROCESS_WATCHERS_H
#define TURNPIKE_PROCESS_WATCHERS_H

#include <event2/buffer.h>

#include "base/log_line.h"
#include "process/loop.h"
#include "turn/turn.h"

/**
 * struct watcher - a watcher; its owner sets the first members
 * @owner:     for the two functions
 * @wants:     whether to show it an event; any thread
 * @home:      the loop in whose thread @on_ready is called
 * @on_ready:  lines can be taken; or, after watchers_remove() said so, it can be freed
 */
struct watcher {
	void *owner;
	bool (*wants)(const struct watcher *watcher, const struct turn_event *event);
	void (*on_ready)(struct watcher *watcher);
	struct loop *home;
	/* private: */
	struct evbuffer *lines;
	uint64_t lost;
	bool is_called;
	struct loop_call call;
	struct watcher *prev;
	struct watcher *next;
};

/** watchers_add() - show events from now on; return: 0 or -ENOMEM */
int watchers_add(struct watcher *watcher);

/**
 * watchers_remove() - show no more events, in the thread of the watcher
 *
 * Return: whether it can be freed now; otherwise @on_ready will say so.
 */
bool watchers_remove(struct watcher *watcher);

/** watchers_exist() - whether there are any */
bool watchers_exist(void);

/** watchers_show() - show an event of the TURN core to those who want it; the time is filled in */
void watchers_show(const struct turn_event *event, struct log_line *line);

/** watcher_put() - show a line to one watcher */
void watcher_put(struct watcher *watcher, struct log_line *line);

/**
 * watcher_take() - move lines to @output, at most about 64 KB, each a JSON object as in the log
 *
 * Lines that were lost are reported first. Return: whether there were any.
 */
bool watcher_take(struct watcher *watcher, struct evbuffer *output);

#endif /* TURNPIKE_PROCESS_WATCHERS_H */

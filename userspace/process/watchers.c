/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "process/watchers.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

/** Bytes that wait for a watcher, so that a burst finds room. */
#define BUFFER_MAX 1048576
#define PIECE_MAX  65536
/** Few lines are longer. */
#define LINE_MAX 2048

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct watcher *watchers;
static atomic_uint n_watchers;

/* In the thread of the watcher. */
static void called(void *arg)
{
	struct watcher *watcher = arg;

	pthread_mutex_lock(&lock);
	watcher->is_called = false;
	pthread_mutex_unlock(&lock);
	watcher->on_ready(watcher);
}

int watchers_add(struct watcher *watcher)
{
	watcher->lines = evbuffer_new();
	if (!watcher->lines)
		return -ENOMEM;
	watcher->call = (struct loop_call){ .fn = called, .arg = watcher };
	pthread_mutex_lock(&lock);
	DL_APPEND(watchers, watcher);
	n_watchers++;
	pthread_mutex_unlock(&lock);
	return 0;
}

bool watchers_remove(struct watcher *watcher)
{
	bool is_called;

	pthread_mutex_lock(&lock);
	if (watcher->lines) {
		DL_DELETE(watchers, watcher);
		n_watchers--;
		evbuffer_free(watcher->lines);
		watcher->lines = NULL;
	}
	is_called = watcher->is_called;
	pthread_mutex_unlock(&lock);
	return !is_called;
}

bool watchers_exist(void)
{
	return n_watchers > 0;
}

/* With the lock. @text: NULL: there is no room or no memory for it. */
static void put(struct watcher *watcher, const char *text)
{
	const size_t len = text ? strlen(text) : 0;

	if (!text || evbuffer_get_length(watcher->lines) + len > BUFFER_MAX ||
	    evbuffer_add(watcher->lines, text, len)) {
		watcher->lost++;
		return;
	}
	if (!watcher->is_called) {
		watcher->is_called = true;
		loop_post(watcher->home, &watcher->call);
	}
}

static char *format(struct log_line *line)
{
	clock_gettime(CLOCK_REALTIME, &line->time);
	return log_line_format(line, LOG_JSON);
}

/* The text is the same for all, and made once, if at all. */
void watchers_show(const struct turn_event *event, struct log_line *line)
{
	struct watcher *watcher;
	char *text = NULL;

	pthread_mutex_lock(&lock);
	DL_FOREACH(watchers, watcher) {
		if (!watcher->wants(watcher, event))
			continue;
		/* A flood that nobody reads costs no more than counting. */
		if (!text && evbuffer_get_length(watcher->lines) < BUFFER_MAX - LINE_MAX)
			text = format(line);
		put(watcher, text);
	}
	pthread_mutex_unlock(&lock);
	free(text);
}

void watcher_put(struct watcher *watcher, struct log_line *line)
{
	char *text = format(line);

	pthread_mutex_lock(&lock);
	put(watcher, text);
	pthread_mutex_unlock(&lock);
	free(text);
}

static void report_lost(uint64_t lost, struct evbuffer *output)
{
	const struct log_field count = { .name = "lines", .number = lost };
	struct log_line line = {
		.level = LOG_WARNING,
		.event = "lost",
		.message = "events were not shown, because they were not read in time",
		.fields = &count,
		.n_fields = 1
	};
	char *text = format(&line);

	if (text)
		evbuffer_add(output, text, strlen(text));
	free(text);
}

/* Whole lines, up to the size of a piece. */
static size_t piece_len(struct evbuffer *lines)
{
	const size_t len = evbuffer_get_length(lines);
	struct evbuffer_ptr at, end;

	if (len <= PIECE_MAX)
		return len;
	evbuffer_ptr_set(lines, &at, PIECE_MAX, EVBUFFER_PTR_SET);
	end = evbuffer_search(lines, "\n", 1, &at);
	return end.pos < 0 ? len : (size_t)end.pos + 1;
}

bool watcher_take(struct watcher *watcher, struct evbuffer *output)
{
	uint64_t lost;
	size_t len;

	pthread_mutex_lock(&lock);
	lost = watcher->lost;
	watcher->lost = 0;
	len = piece_len(watcher->lines);
	if (lost)
		report_lost(lost, output);
	evbuffer_remove_buffer(watcher->lines, output, len);
	pthread_mutex_unlock(&lock);
	return lost || len;
}

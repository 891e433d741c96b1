/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "control/monitor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/kernel_changes.h"
#include "control/report.h"
#include "control/session_filter.h"
#include "process/events.h"
#include "process/watchers.h"

/** Seconds between two looks at the kernel. */
#define LOOK_S 1
/** After so many looks without an event, a client is told that the server is alive: if it has gone,
 * that shows. */
#define SILENT_LOOKS 10

/** Kinds of events beside those of the TURN core. */
#define KIND_KERNEL TURN_EVENT_KINDS
#define KIND_MODE   (TURN_EVENT_KINDS + 1)
#define KINDS       (TURN_EVENT_KINDS + 2)

/**
 * struct monitor - an answer without end
 * @kinds:  a bit for each kind that is wanted
 * @look:   the last look at the kernel
 * @silent: looks since the last line
 */
struct monitor {
	struct control_answer answer;
	struct watcher watcher;
	struct datapath *datapath;
	struct session_filter filter;
	uint32_t kinds;
	struct kernel_look look;
	struct event *timer;
	unsigned int silent;
};

static const char *kind_name(unsigned int kind)
{
	if (kind == KIND_KERNEL)
		return "kernel";
	return kind == KIND_MODE ? "mode" : events_name((enum turn_event_kind)kind);
}

static bool wants_kind(const struct monitor *monitor, unsigned int kind)
{
	return monitor->kinds & 1U << kind;
}

/* Of a time-limited username, the part behind the colon. */
static const char *account_of(const char *username)
{
	const char *colon = strchr(username, ':');

	return colon ? colon + 1 : username;
}

static bool wants(const struct watcher *watcher, const struct turn_event *event)
{
	const struct monitor *monitor = watcher->owner;
	const struct turn_allocation_info info = {
		.id = event->id,
		.tuple = *event->tuple,
		.username = event->username,
		.account = account_of(event->username),
	};

	return wants_kind(monitor, event->kind) && session_filter_matches(&monitor->filter, &info);
}

static void on_ready(struct watcher *watcher)
{
	struct monitor *monitor = watcher->owner;

	monitor->silent = 0;
	if (!monitor->answer.is_ready)
		control_ready(&monitor->answer);
}

static void show(void *arg, struct log_line *line)
{
	struct monitor *monitor = arg;
	const bool is_mode = strcmp(line->event, "mode") == 0;

	if (wants_kind(monitor, is_mode ? KIND_MODE : KIND_KERNEL))
		watcher_put(&monitor->watcher, line);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct log_line alive = { .level = LOG_DEBUG,
				  .event = "alive",
				  .message = "no event for a while" };
	struct monitor *monitor = arg;
	struct kernel_look now;

	(void)fd;
	(void)what;
	if (!kernel_look_read(monitor->datapath, &now)) {
		kernel_show_changes(&monitor->look, &now, show, monitor);
		kernel_look_free(&monitor->look);
		monitor->look = now;
	} else {
		kernel_look_free(&now);
	}
	if (++monitor->silent >= SILENT_LOOKS)
		watcher_put(&monitor->watcher, &alive);
}

static int next(struct control_answer *answer, struct evbuffer *output)
{
	struct monitor *monitor = (struct monitor *)answer;

	answer->is_ready = watcher_take(&monitor->watcher, output);
	return 1;
}

static bool leave(struct control_answer *answer)
{
	struct monitor *monitor = (struct monitor *)answer;

	event_del(monitor->timer);
	answer->is_ready = false; /* until on_ready() */
	return watchers_remove(&monitor->watcher);
}

static void free_monitor(struct control_answer *answer)
{
	struct monitor *monitor = (struct monitor *)answer;

	if (monitor->watcher.lines)
		watchers_remove(&monitor->watcher);
	if (monitor->timer)
		event_free(monitor->timer);
	kernel_look_free(&monitor->look);
	free(monitor);
}

/* KINDS: there are no such events. */
static unsigned int find_kind(const char *name)
{
	unsigned int kind = 0;

	while (kind < KINDS && strcmp(kind_name(kind), name) != 0)
		kind++;
	return kind;
}

bool monitor_shows(const char *event)
{
	return find_kind(event) < KINDS;
}

static int read_kind(const json_t *value, uint32_t *kinds)
{
	const char *name = json_string_value(value);
	const unsigned int kind = name ? find_kind(name) : KINDS;

	if (kind == KINDS)
		return -EINVAL;
	*kinds |= 1U << kind;
	return 0;
}

static int read_request(const json_t *request, struct monitor *monitor)
{
	const json_t *events = json_object_get(request, "events"), *event;
	int err = session_filter_read(request, &monitor->filter);
	size_t i;

	if (!events)
		monitor->kinds = (1U << KINDS) - 1;
	json_array_foreach(events, i, event) {
		if (!err)
			err = read_kind(event, &monitor->kinds);
	}
	/* What concerns no session. */
	if (!session_filter_is_empty(&monitor->filter))
		monitor->kinds &= ~(1U << KIND_KERNEL | 1U << KIND_MODE);
	return err || !monitor->kinds ? -EINVAL : 0;
}

static int begin(struct monitor *monitor, const struct report_source *source)
{
	static const struct timeval interval = { .tv_sec = LOOK_S };
	int err = kernel_look_read(source->datapath, &monitor->look);

	monitor->datapath = source->datapath;
	monitor->timer = event_new(loop_base(source->loop), -1, EV_PERSIST, on_timer, monitor);
	if (!monitor->timer || event_add(monitor->timer, &interval))
		err = -ENOMEM;
	return err ? err : watchers_add(&monitor->watcher);
}

struct control_answer *monitor_begin(void *arg, const json_t *request)
{
	const struct report_source *source = arg;
	struct monitor *monitor = calloc(1, sizeof(*monitor));

	if (!monitor)
		return NULL;
	monitor->answer = (struct control_answer){
		.next = next, .leave = leave, .free = free_monitor, .is_endless = true
	};
	monitor->watcher = (struct watcher){
		.owner = monitor, .wants = wants, .on_ready = on_ready, .home = source->loop
	};
	if (read_request(request, monitor) || begin(monitor, source)) {
		free_monitor(&monitor->answer);
		return NULL;
	}
	return &monitor->answer;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "serve/serve_manager.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "process/notify.h"

/** How often the status is renewed at least. */
#define RENEW_US UINT64_C(10000000)
/** How often within the time of the watchdog. sd_watchdog_enabled(3) asks for two at least. */
#define PER_WATCHDOG 3

/**
 * struct serve_manager - the tour of the workers, and what it finds
 * @loop:       of the main thread, where the tour ends
 * @has_watchdog: the manager expects WATCHDOG=1
 * @is_touring: a worker has not answered yet
 * @stats:      of all workers, of this tour
 * @in_kernel, @in_user_space: packets that were relayed until the last tour
 */
struct serve_manager {
	const struct report_source *reports;
	struct loop *loop;
	struct event *timer;
	bool has_watchdog;
	bool is_touring;
	struct workers_tour tour;
	struct turn_stats stats;
	uint64_t in_kernel;
	uint64_t in_user_space;
};

/** struct line - a text that is cut where it is too long */
struct line {
	char text[768];
	size_t len;
};

__attribute__((format(printf, 2, 3))) static void add(struct line *line, const char *format, ...)
{
	const size_t room = sizeof(line->text) - line->len;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(line->text + line->len, room, format, args);
	va_end(args);
	if (len > 0)
		line->len += (size_t)len < room ? (size_t)len : room - 1;
}

static int add_device(const struct turnpike_status *status, void *line)
{
	add(line, ", %s %s", status->dev, turnpike_mode_name(status->mode));
	return 0;
}

static int add_relayed(const struct turnpike_count *count, void *packets)
{
	if (count->verdict == TURNPIKE_RELAYED)
		*(uint64_t *)packets += count->packets;
	return 0;
}

/* Of the packets since the last time, so that a mode that has just failed shows. */
static void add_share(struct serve_manager *manager, struct line *line)
{
	const struct turn_stats *stats = &manager->stats;
	const uint64_t user_space = stats->to_peer.packets + stats->to_client.packets;
	uint64_t kernel = 0, n, all;

	datapath_for_each_count(manager->reports->datapath, add_relayed, &kernel);
	/* The counters of a device that has gone are lost. */
	n = kernel > manager->in_kernel ? kernel - manager->in_kernel : 0;
	all = n + user_space - manager->in_user_space;
	if (all)
		add(line, ", %" PRIu64 " %% of the packets in the kernel", 100 * n / all);
	else
		add(line, ", no packets");
	manager->in_kernel = kernel;
	manager->in_user_space = user_space;
}

static void renew(struct serve_manager *manager)
{
	const struct report_source *reports = manager->reports;
	struct line line = { 0 };

	add(&line, "%s: %" PRIu64 " allocations", reports->is_draining ? "draining" : "serving",
	    manager->stats.allocations);
	add_share(manager, &line);
	datapath_for_each_device(reports->datapath, add_device, &line);
	notify_manager("STATUS=%s", line.text);
}

static void visit(struct turn_io *io, void *arg)
{
	struct serve_manager *manager = arg;

	turn_stats_add(&manager->stats, turn_server_stats(turn_io_server(io)));
}

static void on_done(void *arg)
{
	struct serve_manager *manager = arg;

	manager->is_touring = false;
	if (manager->has_watchdog)
		notify_manager("WATCHDOG=1");
	/* Before it stops, it says how many allocations remain: serve_drain.c. */
	if (!manager->reports->is_stopping)
		renew(manager);
}

static void begin(struct serve_manager *manager)
{
	if (manager->is_touring)
		return;
	manager->is_touring = true;
	manager->stats = (struct turn_stats){ 0 };
	workers_tour(manager->reports->workers, &manager->tour);
}

static void on_timer(evutil_socket_t fd, short what, void *manager)
{
	(void)fd;
	(void)what;
	begin(manager);
}

static int start_timer(struct serve_manager *manager, struct event_base *base)
{
	const uint64_t watchdog = notify_watchdog_us();
	const uint64_t often = watchdog / PER_WATCHDOG;
	const uint64_t us = watchdog && often < RENEW_US ? often : RENEW_US;
	const struct timeval interval = {
		.tv_sec = (time_t)(us / 1000000),
		.tv_usec = (suseconds_t)(us % 1000000),
	};

	manager->has_watchdog = watchdog > 0;
	manager->timer = event_new(base, -1, EV_PERSIST, on_timer, manager);
	return manager->timer && event_add(manager->timer, &interval) == 0 ? 0 : -ENOMEM;
}

int serve_manager_open(struct event_base *base, const struct report_source *reports,
		       struct serve_manager **ret)
{
	struct serve_manager *manager;
	int err;

	*ret = NULL;
	if (!notify_has_manager())
		return 0;
	manager = calloc(1, sizeof(*manager));
	if (!manager)
		return -ENOMEM;
	manager->reports = reports;
	err = loop_open(base, &manager->loop);
	if (!err)
		err = start_timer(manager, base);
	if (err) {
		serve_manager_close(manager);
		return err;
	}
	manager->tour = (struct workers_tour){
		.each = visit, .done = on_done, .arg = manager, .home = manager->loop
	};
	*ret = manager;
	begin(manager);
	return 0;
}

void serve_manager_close(struct serve_manager *manager)
{
	if (!manager)
		return;
	if (manager->timer)
		event_free(manager->timer);
	loop_close(manager->loop);
	free(manager);
}

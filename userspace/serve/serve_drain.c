/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "process/notify.h"
#include "serve/serve_drain.h"

/** Intervals of checking, and of logging, the number of remaining allocations. */
#define CHECK_US 250000
#define LOG_NS   (60 * NS_PER_S)

struct drain {
	struct event_base *base;
	struct workers *workers;
	struct event *timer;
	uint64_t deadline;
	uint64_t log_at;
};

static void drain_one(struct turn_io *io, void *arg)
{
	(void)arg;
	turn_server_drain(turn_io_server(io), true);
}

static void count_one(struct turn_io *io, void *arg)
{
	uint64_t *count = arg;

	*count += turn_server_stats(turn_io_server(io))->allocations;
}

static uint64_t allocations(struct workers *workers)
{
	uint64_t count = 0;

	workers_each(workers, count_one, &count);
	return count;
}

static void log_left(struct drain *drain, uint64_t left, uint64_t now)
{
	const uint64_t seconds = (drain->deadline - now + NS_PER_S - 1) / NS_PER_S;

	log_at(LOG_INFO,
	       "draining: no new allocations; remaining: %" PRIu64 ", for at most %" PRIu64
	       " s; another SIGTERM ends them now",
	       left, seconds);
	notify_manager("STATUS=draining, allocations remaining: %" PRIu64, left);
	drain->log_at += LOG_NS;
}

static void check(struct drain *drain)
{
	const uint64_t left = allocations(drain->workers), now = clock_now();

	if (left == 0)
		log_at(LOG_INFO, "stopping: no allocation remains");
	else if (now >= drain->deadline)
		log_at(LOG_WARNING,
		       "stopping: --drain-time has elapsed; allocations ended: %" PRIu64, left);
	else if (now >= drain->log_at)
		log_left(drain, left, now);
	if (left == 0 || now >= drain->deadline)
		event_base_loopbreak(drain->base);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	check(arg);
}

int drain_begin(struct event_base *base, struct workers *workers, uint32_t seconds,
		struct drain **ret)
{
	static const struct timeval interval = { .tv_usec = CHECK_US };
	struct drain *drain = calloc(1, sizeof(*drain));
	const uint64_t now = clock_now();

	if (!drain)
		return -ENOMEM;
	*drain = (struct drain){
		.base = base,
		.workers = workers,
		.timer = event_new(base, -1, EV_PERSIST, on_timer, drain),
		.deadline = now + seconds * NS_PER_S,
		.log_at = now,
	};
	if (!drain->timer || event_add(drain->timer, &interval)) {
		drain_free(drain);
		return -ENOMEM;
	}
	workers_each(workers, drain_one, NULL);
	/* Otherwise systemd would kill the service after TimeoutStopSec=. */
	notify_manager("STOPPING=1\nEXTEND_TIMEOUT_USEC=%" PRIu64,
		       (seconds + UINT64_C(10)) * 1000000);
	check(drain);
	*ret = drain;
	return 0;
}

void drain_free(struct drain *drain)
{
	if (!drain)
		return;
	if (drain->timer)
		event_free(drain->timer);
	free(drain);
}

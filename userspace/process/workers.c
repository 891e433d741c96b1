/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/random.h"
#include "process/workers.h"

/** struct worker - a loop and its TURN server; the first worker has the loop of the main thread */
struct worker {
	struct loop *loop;
	struct turn_io *io;
};

struct workers {
	struct datapath *datapath;
	struct turn_shared *shared;
	size_t n;
	struct worker list[];
};

/** struct each - a call of workers_each() */
struct each {
	void (*fn)(struct turn_io *io, void *arg);
	void *arg;
	struct turn_io *io;
};

static void call_one(void *arg)
{
	const struct each *each = arg;

	each->fn(each->io, each->arg);
}

void workers_each(struct workers *workers, void (*fn)(struct turn_io *io, void *arg), void *arg)
{
	struct each each = { .fn = fn, .arg = arg };

	for (size_t i = 0; i < workers->n; i++) {
		each.io = workers->list[i].io;
		loop_call(workers->list[i].loop, call_one, &each);
	}
}

static void visit(void *arg);

static void move_on(struct workers_tour *tour)
{
	struct workers *workers = tour->workers;

	if (tour->at < workers->n && !tour->is_interrupted) {
		tour->call = (struct loop_call){ .fn = visit, .arg = tour };
		loop_post(workers->list[tour->at].loop, &tour->call);
	} else {
		tour->call = (struct loop_call){ .fn = tour->done, .arg = tour->arg };
		loop_post(tour->home, &tour->call);
	}
}

static void visit(void *arg)
{
	struct workers_tour *tour = arg;

	if (tour->first)
		tour->first(tour->arg);
	tour->first = NULL;
	tour->each(tour->workers->list[tour->at].io, tour->arg);
	if (!tour->is_interrupted)
		tour->at++;
	move_on(tour);
}

void workers_tour(struct workers *workers, struct workers_tour *tour)
{
	tour->workers = workers;
	tour->at = 0;
	move_on(tour);
}

void workers_tour_resume(struct workers_tour *tour)
{
	tour->is_interrupted = false;
	move_on(tour);
}

static void adapt(struct turn_io *io, void *in_kernel)
{
	turn_io_adapt(io, *(const bool *)in_kernel);
}

static void on_kernel_change(void *arg)
{
	struct workers *workers = arg;
	bool in_kernel = datapath_is_relaying(workers->datapath);

	workers_each(workers, adapt, &in_kernel);
}

static int make_workers(struct workers *workers, struct event_base *base,
			const struct listen_config *listen, const struct turn_config *config,
			size_t n)
{
	const bool in_kernel = datapath_is_relaying(workers->datapath);
	int err = 0;

	while (workers->n < n && !err) {
		struct worker *worker = &workers->list[workers->n++];

		err = loop_open(workers->n == 1 ? base : NULL, &worker->loop);
		if (err)
			log_error("cannot create a worker: %s; reduce --workers", strerror(-err));
		else
			err = turn_io_open(loop_base(worker->loop), workers->datapath, listen,
					   config, n > 1, &worker->io);
		if (!err)
			turn_io_adapt(worker->io, in_kernel);
	}
	return err;
}

int workers_open(struct event_base *base, struct datapath *datapath,
		 const struct listen_config *listen, const struct turn_config *config, size_t n,
		 struct workers **ret)
{
	struct workers *workers = calloc(1, sizeof(*workers) + n * sizeof(workers->list[0]));
	struct turn_config with_shared = *config;
	uint8_t secret[TURN_SECRET_LEN];
	int err = -ENOMEM;

	random_fill(secret, sizeof(secret));
	if (workers)
		err = turn_shared_new(config, secret, &workers->shared);
	if (err) {
		log_error("cannot create the TURN server: %s", strerror(-err));
		free(workers);
		return err;
	}
	workers->datapath = datapath;
	with_shared.shared = workers->shared;
	err = make_workers(workers, base, listen, &with_shared, n);
	if (err) {
		workers_close(workers);
		return err;
	}
	datapath_on_change(datapath, on_kernel_change, workers);
	*ret = workers;
	return 0;
}

int workers_start(struct workers *workers)
{
	char name[32];
	int err = 0;

	for (size_t i = 1; i < workers->n && !err; i++) {
		snprintf(name, sizeof(name), "tp-worker-%zu", i);
		err = loop_start(workers->list[i].loop, name);
	}
	if (err)
		log_error("cannot start a worker: %s; reduce --workers", strerror(-err));
	return err;
}

/** struct pins - the CPUs of workers_pin(), and the next worker */
struct pins {
	const uint32_t *cpus;
	size_t n;
	size_t at;
	int err;
};

static void pin(struct turn_io *io, void *arg)
{
	struct pins *pins = arg;
	const uint32_t cpu = pins->cpus[pins->at++ % pins->n];
	cpu_set_t set;

	(void)io;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (pins->err || !sched_setaffinity(0, sizeof(set), &set))
		return;
	pins->err = -errno;
	log_error("a worker cannot run on CPU %u alone: %s; omit --worker-cpus, or let the service "
		  "call sched_setaffinity (SystemCallFilter=)",
		  cpu, strerror(errno));
}

int workers_pin(struct workers *workers, const uint32_t *cpus, size_t n)
{
	struct pins pins = { .cpus = cpus, .n = n };

	if (n > 0)
		workers_each(workers, pin, &pins);
	return pins.err;
}

int workers_share(const struct workers *workers, struct turn_config *config)
{
	config->shared = workers->shared;
	return turn_shared_reconfigure(workers->shared, config);
}

void workers_close(struct workers *workers)
{
	if (!workers)
		return;
	datapath_on_change(workers->datapath, NULL, NULL);
	for (size_t i = 0; i < workers->n; i++)
		if (workers->list[i].loop)
			loop_stop(workers->list[i].loop);
	for (size_t i = 0; i < workers->n; i++)
		turn_io_close(workers->list[i].io);
	for (size_t i = 0; i < workers->n; i++)
		loop_close(workers->list[i].loop);
	turn_shared_free(workers->shared);
	free(workers);
}

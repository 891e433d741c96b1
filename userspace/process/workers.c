/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/random.h"
#include "process/workers.h"

/**
 * struct worker - a thread with its loop
 * @called:  eventfd that announces a call
 * @fn:      function to call; NULL once that has happened
 * @lock:    protects @fn and @arg
 * @is_done: signals that @fn is NULL again
 */
struct worker {
	struct event_base *base;
	struct turn_io *io;
	pthread_t thread;
	bool is_running;
	int called;
	struct event *on_call;
	pthread_mutex_t lock;
	pthread_cond_t is_done;
	void (*fn)(struct turn_io *io, void *arg);
	void *arg;
};

struct workers {
	struct datapath *datapath;
	struct turn_shared *shared;
	size_t n;
	struct worker list[];
};

static void on_call(evutil_socket_t fd, short what, void *arg)
{
	struct worker *worker = arg;
	uint64_t calls;

	(void)what;
	if (read(fd, &calls, sizeof(calls)) < 0)
		return;
	pthread_mutex_lock(&worker->lock);
	worker->fn(worker->io, worker->arg);
	worker->fn = NULL;
	pthread_cond_signal(&worker->is_done);
	pthread_mutex_unlock(&worker->lock);
}

static void call(struct worker *worker, void (*fn)(struct turn_io *io, void *arg), void *arg)
{
	static const uint64_t once = 1;

	if (!worker->is_running) {
		fn(worker->io, arg);
		return;
	}
	pthread_mutex_lock(&worker->lock);
	worker->fn = fn;
	worker->arg = arg;
	/* The counter of an eventfd cannot overflow here, so this cannot fail. */
	if (write(worker->called, &once, sizeof(once)) < 0)
		abort();
	while (worker->fn)
		pthread_cond_wait(&worker->is_done, &worker->lock);
	pthread_mutex_unlock(&worker->lock);
}

void workers_each(struct workers *workers, void (*fn)(struct turn_io *io, void *arg), void *arg)
{
	for (size_t i = 0; i < workers->n; i++)
		call(&workers->list[i], fn, arg);
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

/* Not for the first worker, whose loop is that of the caller. */
static int make_loop(struct worker *worker)
{
	worker->base = event_base_new();
	worker->called = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!worker->base || worker->called < 0)
		return -ENOMEM;
	worker->on_call =
		event_new(worker->base, worker->called, EV_READ | EV_PERSIST, on_call, worker);
	if (!worker->on_call || event_add(worker->on_call, NULL))
		return -ENOMEM;
	pthread_mutex_init(&worker->lock, NULL);
	pthread_cond_init(&worker->is_done, NULL);
	return 0;
}

static int make_workers(struct workers *workers, struct event_base *base,
			const struct listen_config *listen, const struct turn_config *config,
			size_t n)
{
	const bool in_kernel = datapath_is_relaying(workers->datapath);
	int err = 0;

	while (workers->n < n && !err) {
		struct worker *worker = &workers->list[workers->n++];

		worker->called = -1;
		if (workers->n == 1)
			worker->base = base;
		else
			err = make_loop(worker);
		if (err)
			log_error("cannot create a worker: %s; reduce --workers", strerror(-err));
		else
			err = turn_io_open(worker->base, workers->datapath, listen, config, n > 1,
					   &worker->io);
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

static void *run(void *arg)
{
	struct worker *worker = arg;

	if (event_base_dispatch(worker->base)) {
		/* Exit, so that the programs are detached instead of relaying unattended. */
		log_error("the event loop of a worker failed: %s", strerror(errno));
		_exit(EXIT_FAILURE);
	}
	return NULL;
}

/* Signals are handled by the first worker. */
int workers_start(struct workers *workers)
{
	sigset_t all, before;
	int err = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (size_t i = 1; i < workers->n && !err; i++) {
		struct worker *worker = &workers->list[i];

		err = pthread_create(&worker->thread, NULL, run, worker);
		worker->is_running = !err;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err)
		log_error("cannot start a worker: %s; reduce --workers", strerror(err));
	return -err;
}

int workers_share(const struct workers *workers, struct turn_config *config)
{
	config->shared = workers->shared;
	return turn_shared_reconfigure(workers->shared, config);
}

static void leave(struct turn_io *io, void *arg)
{
	(void)io;
	event_base_loopbreak(arg);
}

static void stop(struct worker *worker)
{
	if (!worker->is_running)
		return;
	call(worker, leave, worker->base);
	pthread_join(worker->thread, NULL);
	worker->is_running = false;
}

static void free_loop(struct worker *worker)
{
	if (worker->on_call) {
		event_free(worker->on_call);
		pthread_cond_destroy(&worker->is_done);
		pthread_mutex_destroy(&worker->lock);
	}
	if (worker->called >= 0)
		close(worker->called);
	if (worker->base)
		event_base_free(worker->base);
}

void workers_close(struct workers *workers)
{
	if (!workers)
		return;
	datapath_on_change(workers->datapath, NULL, NULL);
	for (size_t i = 0; i < workers->n; i++)
		stop(&workers->list[i]);
	for (size_t i = 0; i < workers->n; i++)
		turn_io_close(workers->list[i].io);
	for (size_t i = 1; i < workers->n; i++)
		free_loop(&workers->list[i]);
	turn_shared_free(workers->shared);
	free(workers);
}

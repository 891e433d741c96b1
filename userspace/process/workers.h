/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file workers.h
 * Worker threads. Each worker has an event loop, a TURN server, and a socket for every listening
 * address. SO_REUSEPORT sends all packets of a client to the same worker.
 *
 * The first worker is the calling thread with its loop.
 */
#ifndef TURNPIKE_PROCESS_WORKERS_H
#define TURNPIKE_PROCESS_WORKERS_H

#include "process/loop.h"
#include "process/turn_io.h"

struct workers;

/**
 * workers_open() - create @n workers without starting them
 * @base: loop of the first worker
 *
 * Other parameters are those of turn_io_open(). Errors are logged. Return: 0 or a negative errno.
 */
int workers_open(struct event_base *base, struct datapath *datapath,
		 const struct listen_config *listen, const struct turn_config *config, size_t n,
		 struct workers **ret);

/** workers_start() - start all workers except the first; errors are logged */
int workers_start(struct workers *workers);

/**
 * workers_pin() - let worker i run on the i-th of @n CPUs only, from the first one again after the
 * last
 *
 * Threads that start later in that of the caller inherit its CPU. Errors are logged. Return: 0 or a
 * negative errno.
 */
int workers_pin(struct workers *workers, const uint32_t *cpus, size_t n);

/**
 * workers_each() - call @fn in the thread of each worker, between two of its events
 *
 * The workers take turns, and the function returns after the last one. Must not be called while
 * another worker may wait for the caller.
 */
void workers_each(struct workers *workers, void (*fn)(struct turn_io *io, void *arg), void *arg);

/**
 * struct workers_tour - what another thread lets the workers do, without waiting for them
 * @first: called before @each in the thread of the first worker, which is the main thread; or NULL
 * @each:  called in the thread of each worker, one after the other
 * @done:  called in the thread of @home, after all of them, and when the tour is interrupted
 * @arg:   passed to all three
 * @home:  the loop of the thread that asks
 * @is_interrupted: set by @each: the tour ends here for now, and goes on with the same worker
 */
struct workers_tour {
	void (*first)(void *arg);
	void (*each)(struct turn_io *io, void *arg);
	void (*done)(void *arg);
	void *arg;
	struct loop *home;
	bool is_interrupted;
	/* private: */
	struct workers *workers;
	size_t at;
	struct loop_call call;
};

/**
 * workers_tour() - begin a tour; any thread
 *
 * @tour and its @arg must stay until @done is called. If the workers are stopped before, that never
 * happens; then they must stay until workers_close().
 */
void workers_tour(struct workers *workers, struct workers_tour *tour);

/** workers_tour_resume() - go on with a tour that was interrupted, as workers_tour() */
void workers_tour_resume(struct workers_tour *tour);

/**
 * workers_share() - prepare @config for turn_server_reconfigure() of the workers
 * @config: @shared is filled in, and gets the relay addresses
 *
 * Return: 0 or a negative errno; then nothing has changed.
 */
int workers_share(const struct workers *workers, struct turn_config *config);

/** workers_close() - stop all workers and end their allocations; accepts NULL */
void workers_close(struct workers *workers);

#endif /* TURNPIKE_PROCESS_WORKERS_H */

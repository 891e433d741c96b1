/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file workers.h
 * One relay in several threads. Each has an event loop, a TURN server and sockets for every
 * listening address of its own; the kernel has all that a client sends come to the same one.
 *
 * The first worker is the thread that calls all this, and has its loop.
 */
#ifndef TURNPIKE_PROCESS_WORKERS_H
#define TURNPIKE_PROCESS_WORKERS_H

#include "process/turn_io.h"

struct workers;

/**
 * workers_open() - make @n workers, which do not run yet; the others as turn_io_open()
 * @base: the loop of the first
 *
 * On error a sentence has been said. Return: 0 or a negative errno.
 */
int workers_open(struct event_base *base, struct datapath *datapath,
		 const struct listen_config *listen, const struct turn_config *config, size_t n,
		 struct workers **ret);

/** workers_start() - let all but the first run; on error a sentence has been said */
int workers_start(struct workers *workers);

/**
 * workers_each() - have each worker call a function, in its own thread between two events
 *
 * One after the other; returns after the last. Not to be called while other workers may wait for
 * the caller.
 */
void workers_each(struct workers *workers, void (*fn)(struct turn_io *io, void *arg), void *arg);

/**
 * workers_share() - let @config be one for turn_server_reconfigure() of their servers
 * @config: its member shared is filled in
 */
void workers_share(const struct workers *workers, struct turn_config *config);

/** workers_close() - stop them all and end their allocations; NULL is fine */
void workers_close(struct workers *workers);

#endif /* TURNPIKE_PROCESS_WORKERS_H */

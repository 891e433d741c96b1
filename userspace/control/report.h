/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file report.h
 * Reports about the server, as JSON.
 */
#ifndef TURNPIKE_CONTROL_REPORT_H
#define TURNPIKE_CONTROL_REPORT_H

#include <jansson.h>

#include "datapath/datapath.h"
#include "endpoints/endpoints.h"
#include "net/admission.h"
#include "net/certificate.h"
#include "process/blocks.h"
#include "process/workers.h"

/**
 * struct report_source - where reports get their data from; all but @datapath, @workers, @loop and
 * @started belong to the main thread
 * @loop:        of the control socket
 * @blocks:      users and clients that are blocked
 * @endpoints:   where it listens and relays
 * @admission:   of TCP, TLS and DTLS connections; any thread may use it
 * @certificate: NULL: none; any thread may use it
 * @realm:       constant
 * @doubt:       why the devices are uncertain; may be empty
 * @started:     start time, CLOCK_MONOTONIC in ns
 * @is_draining: new allocations are rejected
 * @is_stopping: the server ends once no allocation is left
 */
struct report_source {
	struct datapath *datapath;
	struct workers *workers;
	struct loop *loop;
	struct blocks *blocks;
	const struct endpoints *endpoints;
	struct admission *admission;
	struct certificate *certificate;
	const char *realm;
	const char *doubt;
	uint64_t started;
	bool is_draining;
	bool is_stopping;
};

/**
 * struct report_data - what threads of the server have added to a report
 * @stats, @connections, @unsent, @unsplit:         of all workers
 * @limits, @ports, @ports_at_rest:                 shared by all workers
 * @addresses, @doubt, @n_listeners, @is_draining:  of the main thread
 */
struct report_data {
	struct turn_stats stats;
	struct connection_stats connections;
	uint64_t unsent;
	uint64_t unsplit;
	struct turn_limits limits;
	struct turn_use ports;
	uint32_t ports_at_rest;
	json_t *addresses;
	json_t *doubt;
	size_t n_listeners;
	bool is_draining;
};

/** report_wait_names - by enum turnpike_wait */
extern const char *const report_wait_names[TURNPIKE_WAIT_MAX];

/** report_add_worker() - add the counters of a worker, in its thread */
void report_add_worker(struct turn_io *io, struct report_data *data);

/** report_read_main() - read what belongs to the main thread, in that thread */
void report_read_main(const struct report_source *source, struct report_data *data);

/** report_data_free() - free the members of @data */
void report_data_free(struct report_data *data);

/**
 * report_status(), report_stats() - the whole report; any thread
 *
 * Return: a document, which the caller frees.
 */
json_t *report_status(const struct report_source *source, const struct report_data *data);
json_t *report_stats(const struct report_source *source, const struct report_data *data);

/** report_drain() - likewise: whether new allocations are refused, and how many are left */
json_t *report_drain(const struct report_source *source, const struct report_data *data);

#endif /* TURNPIKE_CONTROL_REPORT_H */

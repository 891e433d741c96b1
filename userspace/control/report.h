/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file report.h
 * Answers to the commands of the control socket, as JSON.
 */
#ifndef TURNPIKE_CONTROL_REPORT_H
#define TURNPIKE_CONTROL_REPORT_H

#include <jansson.h>

#include "datapath/datapath.h"
#include "endpoints/endpoints.h"
#include "process/workers.h"

/**
 * struct report_source - where reports get their data from
 * @endpoints:   where it listens and relays
 * @doubt:       why the devices are uncertain; may be empty
 * @started:     start time, CLOCK_MONOTONIC in ns
 * @is_draining: new allocations are rejected
 */
struct report_source {
	struct datapath *datapath;
	struct workers *workers;
	const struct endpoints *endpoints;
	const char *doubt;
	uint64_t started;
	bool is_draining;
};

/**
 * report_answer() - carry out a command of the control socket
 * @source: a struct report_source
 *
 * Return: a document, which the caller frees, or NULL for an unknown command.
 */
json_t *report_answer(void *source, const json_t *request);

#endif /* TURNPIKE_CONTROL_REPORT_H */

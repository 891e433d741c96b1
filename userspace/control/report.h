/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file report.h
 * What a running server knows about itself and can be told, as JSON.
 */
#ifndef TURNPIKE_CONTROL_REPORT_H
#define TURNPIKE_CONTROL_REPORT_H

#include <jansson.h>

#include "datapath/datapath.h"
#include "process/workers.h"

/**
 * struct report_source - what reports are made of
 * @started:     when the server began to serve
 * @is_draining: it takes no new allocations any more
 */
struct report_source {
	struct datapath *datapath;
	struct workers *workers;
	uint64_t started;
	bool is_draining;
};

/**
 * report_answer() - answer a command of the control socket
 * @source: a struct report_source
 *
 * Return: a document that is the caller's, or NULL if there is no such command.
 */
json_t *report_answer(void *source, const json_t *request);

#endif /* TURNPIKE_CONTROL_REPORT_H */

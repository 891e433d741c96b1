/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Requests are begun, and answers written, in the thread of the control socket. What belongs to
 * other threads they do themselves: a request makes a tour of them, and waits meanwhile.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/block_commands.h"
#include "control/commands.h"
#include "control/end_sessions.h"
#include "control/monitor.h"
#include "control/report.h"
#include "control/report_flows.h"
#include "control/report_sessions.h"
#include "control/report_tour.h"
#include "control/report_users.h"

/**
 * struct request - a request that makes a tour of the workers
 * @report: makes the document after it
 * @mode:   for the command "mode"
 * @device: for the command "mode"; empty: all devices
 * @drains: for the command "drain"
 * @error:  what went wrong; empty: nothing
 */
struct request {
	struct report_tour tour;
	json_t *(*report)(const struct report_source *source, const struct report_data *data);
	struct turnpike_attach_opts mode;
	char device[TURNPIKE_IFNAMSIZ];
	bool drains;
	char error[256];
};

static int write_report(struct control_answer *answer, struct evbuffer *output)
{
	const struct request *request = (struct request *)answer;
	const struct report_tour *tour = &request->tour;

	if (*request->error)
		return control_write(output, json_pack("{s:s}", "error", request->error));
	return control_write(output, request->report(tour->source, &tour->data));
}

static struct request *new_request(struct report_source *source)
{
	struct request *request = calloc(1, sizeof(*request));

	if (!request)
		return NULL;
	report_tour_init(&request->tour, source, source->loop, write_report);
	request->report = report_status;
	return request;
}

static struct control_answer *begin_status(void *source, const json_t *json)
{
	struct request *request = new_request(source);

	(void)json;
	return request ? report_tour_begin(&request->tour) : NULL;
}

static struct control_answer *begin_stats(void *source, const json_t *json)
{
	struct request *request = new_request(source);

	(void)json;
	if (!request)
		return NULL;
	request->report = report_stats;
	return report_tour_begin(&request->tour);
}

/* Attaching belongs to the main thread. */
static void change_mode(void *arg)
{
	struct request *request = arg;
	struct datapath *datapath = request->tour.source->datapath;
	const char *device = *request->device ? request->device : NULL;

	if (datapath_switch(datapath, device, &request->mode))
		snprintf(request->error, sizeof(request->error), "%s", datapath_error(datapath));
	report_tour_main(arg);
}

/* With "dev" that device alone, without it all of them. */
static int parse_mode(const json_t *json, struct request *request)
{
	const char *mode = json_string_value(json_object_get(json, "mode"));
	const char *moves = json_string_value(json_object_get(json, "moves"));
	const char *device = json_string_value(json_object_get(json, "dev"));
	TURNPIKE_OPTS(turnpike_attach_opts, opts);

	if (!mode || turnpike_mode_parse(mode, &opts.mode))
		return -EINVAL;
	if (moves && turnpike_moves_parse(moves, &opts.moves))
		return -EINVAL;
	request->mode = opts;
	snprintf(request->device, sizeof(request->device), "%s", device ? device : "");
	return 0;
}

static struct control_answer *begin_mode(void *source, const json_t *json)
{
	struct request *request = new_request(source);

	if (!request)
		return NULL;
	if (parse_mode(json, request)) {
		report_tour_free(&request->tour.answer);
		return NULL;
	}
	request->tour.tour.first = change_mode;
	return report_tour_begin(&request->tour);
}

/* A server that SIGTERM has told to stop does not go back. */
static void change_draining(void *arg)
{
	struct request *request = arg;
	struct report_source *source = request->tour.source;

	if (source->is_stopping)
		snprintf(request->error, sizeof(request->error), "the server is stopping");
	else
		source->is_draining = request->drains;
	request->drains = source->is_draining;
	report_tour_main(arg);
}

static void drain_worker(struct turn_io *io, void *arg)
{
	const struct request *request = arg;

	turn_server_drain(turn_io_server(io), request->drains);
	report_tour_worker(io, arg);
}

static struct control_answer *begin_drain(void *source, const json_t *json)
{
	struct request *request = new_request(source);

	if (!request)
		return NULL;
	request->drains = !json_is_true(json_object_get(json, "undo"));
	request->report = report_drain;
	request->tour.tour.first = change_draining;
	request->tour.tour.each = drain_worker;
	return report_tour_begin(&request->tour);
}

const struct control_command control_commands[] = {
	{ "status", false, begin_status },
	{ "stats", false, begin_stats },
	{ "flows", false, report_flows },
	{ "sessions", false, report_sessions },
	{ "kick", true, end_sessions },
	{ "block", true, begin_block },
	{ "unblock", true, begin_unblock },
	{ "blocked", false, begin_blocked },
	{ "drain", true, begin_drain },
	{ "users", false, report_users },
	{ "mode", true, begin_mode },
	{ "monitor", false, monitor_begin },
	{ 0 },
};

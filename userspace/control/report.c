/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "private/array_len.h"
#include "base/addr.h"
#include "base/clock.h"
#include "base/log.h"
#include "net/broker.h"
#include "process/privileges.h"
#include "control/report.h"
#include "control/report_addresses.h"
#include "control/report_shares.h"

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *traffic(const struct turn_traffic *traffic)
{
	return json_pack("{s:o, s:o}", "packets", number(traffic->packets), "bytes",
			 number(traffic->bytes));
}

static json_t *uptime(const struct report_source *source)
{
	return json_real((double)(clock_now() - source->started) / (double)NS_PER_S);
}

static int add_device(const struct turnpike_status *status, void *devices)
{
	json_t *row = json_object();

	json_object_set_new(row, "dev", json_string(status->dev));
	json_object_set_new(row, "mode", json_string(turnpike_mode_name(status->mode)));
	json_object_set_new(row, "moves", json_string(turnpike_moves_name(status->moves)));
	json_object_set_new(row, "hook", json_string(turnpike_hook_name(status->hook)));
	json_object_set_new(row, "prog_id", number(status->prog_id));
	json_object_set_new(row, "proof", json_string(status->proof));
	json_object_set_new(row, "changes", number(status->changes));
	json_object_set_new(row, "why", json_string(status->why));
	return json_array_append_new(devices, row);
}

/* What all devices have counted, by verdict. */
static int add_count(const struct turnpike_count *count, void *arg)
{
	struct turn_traffic *sums = arg;

	sums[count->verdict].packets += count->packets;
	sums[count->verdict].bytes += count->bytes;
	return 0;
}

void report_add_worker(struct turn_io *io, struct report_data *data)
{
	const struct turn_server *server = turn_io_server(io);

	turn_stats_add(&data->stats, turn_server_stats(server));
	connection_stats_add(&data->connections, turn_io_connections(io));
	data->unsent += turn_io_unsent(io);
	data->unsplit += turn_io_unsplit(io);
	data->limits = *turn_server_limits(server);
	data->ports = turn_server_ports(server);
	data->ports_at_rest = turn_server_ports_at_rest(server, clock_now());
}

void report_read_main(const struct report_source *source, struct report_data *data)
{
	data->addresses = report_addresses(source->endpoints);
	data->doubt = json_string(source->doubt);
	data->n_listeners = source->endpoints->n_plain + source->endpoints->n_secure;
	data->is_draining = source->is_draining;
}

void report_data_free(struct report_data *data)
{
	json_decref(data->addresses);
	json_decref(data->doubt);
}

static json_t *relayed(const struct turn_traffic *in_kernel, const struct turn_stats *stats)
{
	struct turn_traffic in_user_space = {
		.packets = stats->to_peer.packets + stats->to_client.packets,
		.bytes = stats->to_peer.bytes + stats->to_client.bytes,
	};

	return json_pack("{s:o, s:o}", "kernel", traffic(&in_kernel[TURNPIKE_RELAYED]), "userspace",
			 traffic(&in_user_space));
}

/* Packets, wherever they would have been relayed. */
static json_t *policed(const struct turn_traffic *in_kernel, const struct turn_stats *stats)
{
	return number(in_kernel[TURNPIKE_POLICED].packets + stats->dropped[TURN_REASON_POLICED]);
}

/* Transports without connections have no counters. */
static json_t *by_transport(const uint64_t counts[static TURN_TRANSPORTS], unsigned int first)
{
	json_t *result = json_object();

	for (unsigned int i = first; i < TURN_TRANSPORTS; i++)
		json_object_set_new(result, turn_transport_names[i], number(counts[i]));
	return result;
}

static json_t *clients(const struct report_data *data)
{
	return json_pack("{s:o, s:o}", "allocations",
			 by_transport(data->stats.by_transport, TURN_UDP), "connections",
			 by_transport(data->connections.open, TURN_TCP));
}

const char *const report_wait_names[TURNPIKE_WAIT_MAX] = {
	[TURNPIKE_WAIT_FLOWS] = "flows",
	[TURNPIKE_WAIT_NEXTHOPS] = "next_hops",
	[TURNPIKE_WAIT_SETTLING] = "settling",
	[TURNPIKE_WAIT_ERROR] = "error",
};

static json_t *waiting(const struct report_source *source)
{
	json_t *result = json_object();

	for (unsigned int i = 0; i < TURNPIKE_WAIT_MAX; i++)
		json_object_set_new(result, report_wait_names[i],
				    number(datapath_waiting(source->datapath, i)));
	json_object_set_new(result, "share", number(report_shares_waiting(source->datapath)));
	json_object_set_new(result, "mode", number(datapath_deferred(source->datapath)));
	return result;
}

/* Flows, by how their clients frame data: two for each binding. */
static json_t *framing(const struct report_source *source)
{
	json_t *result = json_object();

	for (unsigned int i = TURNPIKE_FRAMING_CHANNEL; i < TURNPIKE_FRAMING_MAX; i++)
		json_object_set_new(result, turnpike_framing_name(i),
				    number(2 * (uint64_t)datapath_bindings(source->datapath, i)));
	return result;
}

/* The process that has the privileges for the kernel. */
static json_t *helper_report(const struct report_source *source)
{
	const struct turnpike_helper_info *helper = datapath_helper(source->datapath);

	if (!helper)
		return json_null();
	return json_pack("{s:o, s:b, s:s, s:o}", "pid", number(helper->pid), "running",
			 !helper->lost, "why", helper->lost ? helper->lost : "", "capabilities",
			 privileges_names(helper->lost ? 0 : helper->capabilities));
}

json_t *report_status(const struct report_source *source, const struct report_data *data)
{
	const struct turn_stats *stats = &data->stats;
	const struct limits_rates rates = datapath_rates(source->datapath);
	const struct binder_failures failures = datapath_failures(source->datapath);
	struct turn_traffic in_kernel[TURNPIKE_VERDICT_MAX] = { 0 };
	json_t *result = json_object(), *devices = json_array();

	datapath_for_each_count(source->datapath, add_count, in_kernel);
	datapath_for_each_device(source->datapath, add_device, devices);
	json_object_set_new(result, "version", json_string(TURNPIKE_VERSION));
	json_object_set_new(result, "uptime", uptime(source));
	json_object_set_new(result, "draining", json_boolean(data->is_draining));
	json_object_update_new(result, privileges_report());
	json_object_set_new(result, "helper", helper_report(source));
	json_object_set_new(result, "broker", number((uint64_t)broker_pid()));
	json_object_set_new(result, "devices", devices);
	json_object_set(result, "doubt", data->doubt);
	json_object_set(result, "addresses", data->addresses);
	json_object_set_new(result, "clients", clients(data));
	json_object_set_new(result, "allocations", number(stats->allocations));
	json_object_set_new(result, "relays", number(stats->relays));
	json_object_set_new(result, "ports_at_rest", number(data->ports_at_rest));
	json_object_set_new(result, "flows", number(datapath_flows(source->datapath)));
	json_object_set_new(result, "framing", framing(source));
	json_object_set_new(result, "flow_failures", number(failures.all));
	json_object_set_new(result, "flow_refusals", number(failures.final));
	json_object_set_new(result, "waiting", waiting(source));
	json_object_set_new(result, "confirm_ms", number(datapath_confirm_ms(source->datapath)));
	json_object_set_new(result, "user_quota", number(data->limits.user_quota));
	json_object_set_new(result, "user_allocations", number(data->limits.user_allocations));
	json_object_set_new(result, "shares", report_shares(source->datapath));
	json_object_set_new(result, "max_rate", number(rates.allocation));
	json_object_set_new(result, "user_rate", number(rates.user));
	json_object_set_new(result, "user_packet_rate", number(rates.user_packets));
	json_object_set_new(result, "total_rate", number(rates.total));
	json_object_set_new(result, "policed", policed(in_kernel, stats));
	json_object_set_new(result, "log_lost", number(log_lost()));
	json_object_set_new(result, "relayed", relayed(in_kernel, stats));
	return result;
}

json_t *report_drain(const struct report_source *source, const struct report_data *data)
{
	(void)source;
	return json_pack("{s:b, s:o}", "draining", data->is_draining, "allocations",
			 number(data->stats.allocations));
}

static int add_verdict(const struct turnpike_count *count, void *verdicts)
{
	json_t *row = json_object();

	json_object_set_new(row, "dev", json_string(count->dev));
	json_object_set_new(row, "mode", json_string(turnpike_mode_name(count->mode)));
	json_object_set_new(row, "direction",
			    json_string(turnpike_direction_name(count->direction)));
	json_object_set_new(row, "verdict", json_string(turnpike_verdict_name(count->verdict)));
	json_object_set_new(row, "packets", number(count->packets));
	json_object_set_new(row, "bytes", number(count->bytes));
	return json_array_append_new(verdicts, row);
}

/** struct counter - a uint64_t of a struct, and its name in reports */
struct counter {
	const char *name;
	size_t offset;
};

static void add_counters(json_t *result, const void *stats, const struct counter *counters,
			 size_t n)
{
	uint64_t value;

	for (size_t i = 0; i < n; i++) {
		memcpy(&value, (const char *)stats + counters[i].offset, sizeof(value));
		json_object_set_new(result, counters[i].name, number(value));
	}
}

#define DROPPED(REASON) offsetof(struct turn_stats, dropped[TURN_REASON_##REASON])

static const struct counter turn_counters[] = {
	{ "malformed", DROPPED(MALFORMED) },
	{ "no_allocation", DROPPED(NO_ALLOCATION) },
	{ "no_permission", DROPPED(NO_PERMISSION) },
	{ "no_channel", DROPPED(NO_CHANNEL) },
	{ "no_relay", DROPPED(NO_RELAY) },
	{ "no_neighbour", DROPPED(NO_NEIGHBOUR) },
	{ "ttl", DROPPED(TTL) },
	{ "oversize", DROPPED(OVERSIZE) },
	{ "policed", DROPPED(POLICED) },
	{ "icmp", offsetof(struct turn_stats, icmp) },
	{ "over_pairs", offsetof(struct turn_stats, over_pairs) },
};

/* Names from before there were reasons. */
static const struct {
	const char *name;
	enum turn_reason reason;
} limits[] = {
	{ "over_quota", TURN_REASON_USER_QUOTA },
	{ "over_rate", TURN_REASON_USER_ALLOCATIONS },
	{ "over_share", TURN_REASON_PORT_SHARE },
};

static void add_requests(json_t *result, const struct turn_stats *stats)
{
	const uint64_t guesses = turn_stats_by_reason(stats, TURN_REASON_GUESS_RATE),
		       unanswered = turn_stats_by_reason(stats, TURN_REASON_UNAUTHENTICATED_RATE);

	json_object_set_new(result, "requests", number(turn_stats_requests(stats)));
	json_object_set_new(result, "successes",
			    number(turn_stats_by_reason(stats, TURN_REASON_NONE)));
	for (size_t i = 0; i < ARRAY_LEN(limits); i++)
		json_object_set_new(result, limits[i].name,
				    number(turn_stats_by_reason(stats, limits[i].reason)));
	json_object_set_new(result, "limited", number(guesses + unanswered));
}

/* The member of an object that is an object, too. */
static json_t *object_in(json_t *object, const char *key)
{
	json_t *member = json_object_get(object, key);

	if (!member) {
		member = json_object();
		json_object_set_new(object, key, member);
	}
	return member;
}

/* By method, code and reason. */
static void add_refusal(const struct turn_outcome *outcome, void *refusals)
{
	json_t *method, *by_reason;
	char code[16];

	if (outcome->reason == TURN_REASON_NONE)
		return;
	snprintf(code, sizeof(code), "%d", outcome->code);
	method = object_in(refusals, turn_method_names[outcome->method]);
	by_reason = object_in(method, code);
	json_object_set_new(by_reason, turn_reasons[outcome->reason].name, number(outcome->n));
}

static void add_error(const struct turn_outcome *outcome, void *errors)
{
	json_int_t before;
	char code[16];

	if (!outcome->code)
		return;
	snprintf(code, sizeof(code), "%d", outcome->code);
	before = json_integer_value(json_object_get(errors, code));
	json_object_set_new(errors, code, json_integer(before + (json_int_t)outcome->n));
}

static const struct counter connection_counters[] = {
	{ "closed", offsetof(struct connection_stats, ended[CONNECTION_CLOSED]) },
	{ "failed", offsetof(struct connection_stats, ended[CONNECTION_FAILED]) },
	{ "garbage", offsetof(struct connection_stats, ended[CONNECTION_GARBAGE]) },
	{ "timed_out", offsetof(struct connection_stats, ended[CONNECTION_TIMED_OUT]) },
	{ "pushed_out", offsetof(struct connection_stats, ended[CONNECTION_PUSHED_OUT]) },
	{ "denied", offsetof(struct connection_stats, ended[CONNECTION_DENIED]) },
	{ "refused", offsetof(struct connection_stats, refused) },
	{ "unaccepted", offsetof(struct connection_stats, unaccepted) },
	{ "unsent", offsetof(struct connection_stats, unsent) },
	{ "strays", offsetof(struct connection_stats, strays) },
	{ "discarded", offsetof(struct connection_stats, discarded) },
};

static json_t *connections_report(const struct connection_stats *stats)
{
	json_t *result = json_object();

	json_object_set_new(result, "accepted", by_transport(stats->accepted, TURN_TCP));
	add_counters(result, stats, connection_counters, ARRAY_LEN(connection_counters));
	return result;
}

static json_t *turn_report(const struct report_data *data)
{
	const struct turn_stats *stats = &data->stats;
	json_t *result = json_object(), *errors = json_object(), *refusals = json_object();

	turn_stats_outcomes(stats, add_error, errors);
	turn_stats_outcomes(stats, add_refusal, refusals);
	json_object_set_new(result, "to_peer", traffic(&stats->to_peer));
	json_object_set_new(result, "to_client", traffic(&stats->to_client));
	json_object_set_new(result, "errors", errors);
	json_object_set_new(result, "refusals", refusals);
	add_requests(result, stats);
	add_counters(result, stats, turn_counters, ARRAY_LEN(turn_counters));
	json_object_set_new(result, "denied", number(data->connections.denied));
	json_object_set_new(result, "unsent", number(data->unsent));
	json_object_set_new(result, "unsplit", number(data->unsplit));
	json_object_set_new(result, "connections", connections_report(&data->connections));
	return result;
}

json_t *report_stats(const struct report_source *source, const struct report_data *data)
{
	json_t *result = json_object(), *verdicts = json_array();

	datapath_for_each_count(source->datapath, add_verdict, verdicts);
	json_object_set_new(result, "uptime", uptime(source));
	json_object_set_new(result, "verdicts", verdicts);
	json_object_set_new(result, "turn", turn_report(data));
	return result;
}

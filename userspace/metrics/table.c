/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The table of all metrics is at the end. docs/metrics.md explains them, and a test compares both.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "control/report_shares.h"
#include "metrics/descriptors.h"
#include "metrics/view.h"
#include "private/array_len.h"

#define ARGS const struct metrics_view *view, const struct metric *metric, struct exposition *out

static void write_version(ARGS)
{
	(void)view;
	(void)metric;
	view_number_of(out, "version", TURNPIKE_VERSION, 1);
}

static void write_start(ARGS)
{
	(void)metric;
	view_number(out, (uint64_t)view->start);
}

static void write_draining(ARGS)
{
	(void)metric;
	view_number(out, view->data->is_draining);
}

static void write_log_lost(ARGS)
{
	(void)view;
	(void)metric;
	view_number(out, log_lost());
}

static const uint64_t *member(const struct metrics_view *view, const struct metric *metric)
{
	return (const uint64_t *)((const char *)view->data + metric->offset);
}

static void write_member(ARGS)
{
	view_number(out, *member(view, metric));
}

/* An array by enum turn_transport. */
static void write_transports(ARGS)
{
	for (unsigned int i = 0; i < TURN_TRANSPORTS; i++)
		view_number_of(out, "transport", turn_transport_names[i], member(view, metric)[i]);
}

/* Datagrams of UDP belong to no connection. */
static void write_connections(ARGS)
{
	for (unsigned int i = TURN_TCP; i < TURN_TRANSPORTS; i++)
		view_number_of(out, "transport", turn_transport_names[i], member(view, metric)[i]);
}

static void write_connection_ends(ARGS)
{
	static const char *const names[CONNECTION_ENDS] = {
		[CONNECTION_CLOSED] = "closed",         [CONNECTION_FAILED] = "failed",
		[CONNECTION_GARBAGE] = "garbage",       [CONNECTION_TIMED_OUT] = "timed_out",
		[CONNECTION_PUSHED_OUT] = "pushed_out", [CONNECTION_DENIED] = "denied",
	};

	for (unsigned int i = 0; i < CONNECTION_ENDS; i++)
		view_number_of(out, "reason", names[i], member(view, metric)[i]);
}

static void write_outcome(const struct turn_outcome *outcome, void *out)
{
	char code[16];
	const struct metric_label labels[] = {
		{ "method", turn_method_names[outcome->method] },
		{ "code", code },
		{ "reason", turn_reasons[outcome->reason].name },
	};

	snprintf(code, sizeof(code), "%d", outcome->code);
	exposition_sample(out, labels, ARRAY_LEN(labels), outcome->n);
}

static void write_requests(ARGS)
{
	(void)metric;
	turn_stats_outcomes(&view->data->stats, write_outcome, out);
}

static void write_dropped(ARGS)
{
	const uint64_t *dropped = view->data->stats.dropped;

	(void)metric;
	for (unsigned int i = 0; i < TURN_REASON_MAX; i++)
		if (dropped[i])
			view_number_of(out, "reason", turn_reasons[i].name, dropped[i]);
}

static void write_path(struct exposition *out, const char *path, unsigned int direction,
		       uint64_t value)
{
	const struct metric_label labels[] = {
		{ "path", path },
		{ "direction", turnpike_direction_name((enum turnpike_direction)direction) },
	};

	exposition_sample(out, labels, ARRAY_LEN(labels), value);
}

/* @metric->offset: of the number in struct turn_traffic. In user space, a hairpin counts twice. */
static void write_relayed(ARGS)
{
	for (unsigned int i = TURNPIKE_DIR_TO_PEER; i < VIEW_DIRECTIONS; i++) {
		const char *kernel = (const char *)&view->kernel[i];
		const char *userspace = (const char *)&view->userspace[i];

		write_path(out, "kernel", i, *(const uint64_t *)(kernel + metric->offset));
		if (i != TURNPIKE_DIR_HAIRPIN)
			write_path(out, "userspace", i,
				   *(const uint64_t *)(userspace + metric->offset));
	}
}

static void write_verdicts(ARGS)
{
	(void)metric;
	for (size_t i = 0; i < view->look.n_counts; i++) {
		const struct kernel_count *count = &view->look.counts[i];
		const struct metric_label labels[] = {
			{ "verdict", turnpike_verdict_name(count->verdict) },
			{ "device", count->dev },
			{ "mode", turnpike_mode_name(count->mode) },
			{ "direction", turnpike_direction_name(count->direction) },
		};

		exposition_sample(out, labels, ARRAY_LEN(labels), count->traffic.packets);
	}
}

static void write_modes(ARGS)
{
	(void)metric;
	for (size_t i = 0; i < view->look.n_devices; i++) {
		const struct turnpike_status *status = &view->look.devices[i];
		const struct metric_label labels[] = {
			{ "device", status->dev },
			{ "mode", turnpike_mode_name(status->mode) },
			{ "hook", turnpike_hook_name(status->hook) },
		};

		exposition_sample(out, labels, ARRAY_LEN(labels), 1);
	}
}

static void write_changes(ARGS)
{
	(void)metric;
	for (size_t i = 0; i < view->look.n_devices; i++)
		view_number_of(out, "device", view->look.devices[i].dev,
			       view->look.devices[i].changes);
}

/* Two for each binding. */
static void write_flows(ARGS)
{
	(void)metric;
	for (enum turnpike_framing i = TURNPIKE_FRAMING_CHANNEL; i < TURNPIKE_FRAMING_MAX; i++)
		view_number_of(out, "framing", turnpike_framing_name(i),
			       2 * (uint64_t)datapath_bindings(view->source->datapath, i));
}

static void write_waiting(ARGS)
{
	struct datapath *datapath = view->source->datapath;

	(void)metric;
	for (unsigned int i = 0; i < TURNPIKE_WAIT_MAX; i++)
		view_number_of(out, "reason", report_wait_names[i], datapath_waiting(datapath, i));
	view_number_of(out, "reason", "share", report_shares_waiting(datapath));
	view_number_of(out, "reason", "mode", datapath_deferred(datapath));
}

static void write_failures(ARGS)
{
	(void)metric;
	view_number(out, datapath_failures(view->source->datapath).all);
}

static void write_refusals(ARGS)
{
	(void)metric;
	view_number(out, datapath_failures(view->source->datapath).final);
}

/* The resources of the server, and of the kernel where it can relay. */
static void for_each_use(const struct metrics_view *view, struct exposition *out,
			 void (*write)(struct exposition *out, const char *name,
				       struct turn_use use))
{
	const struct report_data *data = view->data;
	struct datapath *datapath = view->source->datapath;
	struct turn_use connections = { .capacity = admission_max(view->source->admission) };

	for (unsigned int i = 0; i < TURN_TRANSPORTS; i++)
		connections.used += data->connections.open[i];
	write(out, "ports", data->ports);
	write(out, "relayed_addresses",
	      (struct turn_use){ data->stats.relays, data->limits.max_relays });
	write(out, "connections", connections);
	write(out, "descriptors", descriptors_use());
	if (!datapath_is_open(datapath))
		return;
	for (enum share what = 0; what < N_SHARES; what++)
		write(out, share_name(what), report_share_use(datapath, what));
	write(out, "policers", report_policers_use(datapath));
}

static void write_used_of(struct exposition *out, const char *name, struct turn_use use)
{
	view_number_of(out, "resource", name, use.used);
}

static void write_capacity_of(struct exposition *out, const char *name, struct turn_use use)
{
	view_number_of(out, "resource", name, use.capacity);
}

static void write_used(ARGS)
{
	(void)metric;
	for_each_use(view, out, write_used_of);
}

static void write_capacity(ARGS)
{
	(void)metric;
	for_each_use(view, out, write_capacity_of);
}

static void write_expiry(ARGS)
{
	struct certificate *certificate = view->source->certificate;

	(void)metric;
	if (certificate)
		view_number_of(out, "file", certificate_path(certificate),
			       (uint64_t)certificate_expiry(certificate));
}

#define DATA(MEMBER)    offsetof(struct report_data, MEMBER)
#define TRAFFIC(MEMBER) offsetof(struct turn_traffic, MEMBER)

/* clang-format off */
const struct metric metrics_all[] = {
	{ "turnpike_build_info", METRIC_INFO, "The version of the server", write_version, 0 },
	{ "turnpike_start_time_seconds", METRIC_GAUGE,
	  "When the server started, in seconds since 1970", write_start, 0 },
	{ "turnpike_draining", METRIC_GAUGE,
	  "Whether new allocations are refused by turnpike drain, or because the server is stopping",
	  write_draining, 0 },
	{ "turnpike_allocations", METRIC_GAUGE, "Allocations by the transport of their clients",
	  write_transports, DATA(stats.by_transport) },
	{ "turnpike_permissions", METRIC_GAUGE, "Permissions of all allocations",
	  write_member, DATA(stats.permissions) },
	{ "turnpike_channels", METRIC_GAUGE, "Channels of all allocations",
	  write_member, DATA(stats.channels) },
	{ "turnpike_connections", METRIC_GAUGE, "Open connections of clients",
	  write_connections, DATA(connections.open) },
	{ "turnpike_connections_accepted_total", METRIC_COUNTER, "Connections of clients accepted",
	  write_connections, DATA(connections.accepted) },
	{ "turnpike_connections_ended_total", METRIC_COUNTER, "Connections of clients that have ended",
	  write_connection_ends, DATA(connections.ended) },
	{ "turnpike_connections_refused_total", METRIC_COUNTER,
	  "Connections refused by --max-connections or --unauthenticated-rate",
	  write_member, DATA(connections.refused) },
	{ "turnpike_requests_total", METRIC_COUNTER,
	  "Requests by method, error code (0: none) and reason", write_requests, 0 },
	{ "turnpike_dropped_total", METRIC_COUNTER,
	  "Messages of clients and datagrams of peers dropped in user space", write_dropped, 0 },
	{ "turnpike_relayed_packets_total", METRIC_COUNTER, "Datagrams of application data relayed",
	  write_relayed, TRAFFIC(packets) },
	{ "turnpike_relayed_bytes_total", METRIC_COUNTER, "Bytes of application data relayed",
	  write_relayed, TRAFFIC(bytes) },
	{ "turnpike_packets_total", METRIC_COUNTER,
	  "Packets that the programs in the kernel have seen, by what became of them",
	  write_verdicts, 0 },
	{ "turnpike_device_mode", METRIC_GAUGE, "The mode and the hook of each device; always 1",
	  write_modes, 0 },
	{ "turnpike_mode_changes_total", METRIC_COUNTER, "Mode changes that nobody has asked for",
	  write_changes, 0 },
	{ "turnpike_flows", METRIC_GAUGE, "Flows in the kernel, by how clients frame their data",
	  write_flows, 0 },
	{ "turnpike_bindings_waiting", METRIC_GAUGE,
	  "Channels and pairs that are relayed in user space until the kernel has room",
	  write_waiting, 0 },
	{ "turnpike_flow_failures_total", METRIC_COUNTER,
	  "Flows that the kernel could not accept at once", write_failures, 0 },
	{ "turnpike_flow_refusals_total", METRIC_COUNTER,
	  "Flows that the kernel has refused for good", write_refusals, 0 },
	{ "turnpike_icmp_errors_total", METRIC_COUNTER, "ICMP errors of peers reported to clients",
	  write_member, DATA(stats.icmp) },
	{ "turnpike_unsent_total", METRIC_COUNTER, "Datagrams that the kernel refused to send",
	  write_member, DATA(unsent) },
	{ "turnpike_log_lost_total", METRIC_COUNTER,
	  "Lines of the log that were lost, because nobody read it in time", write_log_lost, 0 },
	{ "turnpike_used", METRIC_GAUGE, "How much of a resource is used", write_used, 0 },
	{ "turnpike_capacity", METRIC_GAUGE, "How much of a resource there is", write_capacity, 0 },
	{ "turnpike_certificate_expiry_timestamp_seconds", METRIC_GAUGE,
	  "When the first certificate of the file expires, in seconds since 1970",
	  write_expiry, 0 },
	{ 0 },
};
/* clang-format on */

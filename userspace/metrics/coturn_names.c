/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The names of coturn (src/apps/relay/prom_server.c), so that dashboards go on. Its counters grow
 * when sessions end, these at once. It counts whole messages, these application data.
 */
#include "metrics/view.h"

/** struct sums - both directions, seen from the client; a peer has sent what a client gets */
struct sums {
	struct turn_traffic from_client;
	struct turn_traffic to_client;
};

static void add(struct turn_traffic *sum, const struct turn_traffic *more)
{
	sum->packets += more->packets;
	sum->bytes += more->bytes;
}

/* From one client of the relay to another in one pass: for coturn, both directions. */
static struct sums sums_of(const struct metrics_view *view)
{
	struct sums sums = { view->userspace[TURNPIKE_DIR_TO_PEER],
			     view->userspace[TURNPIKE_DIR_TO_CLIENT] };

	add(&sums.from_client, &view->kernel[TURNPIKE_DIR_TO_PEER]);
	add(&sums.from_client, &view->kernel[TURNPIKE_DIR_HAIRPIN]);
	add(&sums.to_client, &view->kernel[TURNPIKE_DIR_TO_CLIENT]);
	add(&sums.to_client, &view->kernel[TURNPIKE_DIR_HAIRPIN]);
	return sums;
}

static uint64_t sum_at(const struct metrics_view *view, const struct metric *metric)
{
	const struct sums sums = sums_of(view);

	return *(const uint64_t *)((const char *)&sums + metric->offset);
}

static void write_of_realm(const struct metrics_view *view, const struct metric *metric,
			   struct exposition *out)
{
	view_number_of(out, "realm", view->source->realm, sum_at(view, metric));
}

static void write_total(const struct metrics_view *view, const struct metric *metric,
			struct exposition *out)
{
	view_number(out, sum_at(view, metric));
}

static void write_allocations(const struct metrics_view *view, const struct metric *metric,
			      struct exposition *out)
{
	static const char *const types[TURN_TRANSPORTS] = {
		[TURN_UDP] = "UDP",
		[TURN_TCP] = "TCP",
		[TURN_TLS] = "TLS/TCP",
		[TURN_DTLS] = "DTLS",
	};

	(void)metric;
	for (unsigned int i = 0; i < TURN_TRANSPORTS; i++)
		view_number_of(out, "type", types[i], view->data->stats.by_transport[i]);
}

/* Binding requests: all, those with success, and the others with an answer. */
enum bindings {
	BINDING_REQUESTS,
	BINDING_RESPONSES,
	BINDING_ERRORS,
	N_BINDINGS,
};

static void count_binding(const struct turn_outcome *outcome, void *arg)
{
	uint64_t *counts = arg;

	if (outcome->method != TURN_METHOD_BINDING)
		return;
	counts[BINDING_REQUESTS] += outcome->n;
	if (outcome->reason == TURN_REASON_NONE)
		counts[BINDING_RESPONSES] += outcome->n;
	else if (outcome->code)
		counts[BINDING_ERRORS] += outcome->n;
}

static void write_bindings(const struct metrics_view *view, const struct metric *metric,
			   struct exposition *out)
{
	uint64_t counts[N_BINDINGS] = { 0 };

	turn_stats_outcomes(&view->data->stats, count_binding, counts);
	view_number(out, counts[metric->offset]);
}

#define SUM(MEMBER) offsetof(struct sums, MEMBER)

/* Each sum twice: by realm, and in total. */
#define TRAFFIC(NAME, WHAT, MEMBER)                                                            \
	{ "turn_traffic_" NAME, METRIC_ALIAS, WHAT " by realm", write_of_realm, SUM(MEMBER) }, \
	{                                                                                      \
		"turn_total_traffic_" NAME, METRIC_ALIAS, WHAT, write_total, SUM(MEMBER)       \
	}

const struct metric metrics_of_coturn[] = {
	{ "stun_binding_request", METRIC_ALIAS, "Binding requests", write_bindings,
	  BINDING_REQUESTS },
	{ "stun_binding_response", METRIC_ALIAS, "Binding success responses", write_bindings,
	  BINDING_RESPONSES },
	{ "stun_binding_error", METRIC_ALIAS, "Binding error responses", write_bindings,
	  BINDING_ERRORS },
	TRAFFIC("rcvp", "Datagrams from clients", from_client.packets),
	TRAFFIC("rcvb", "Bytes from clients", from_client.bytes),
	TRAFFIC("sentp", "Datagrams to clients", to_client.packets),
	TRAFFIC("sentb", "Bytes to clients", to_client.bytes),
	TRAFFIC("peer_rcvp", "Datagrams from peers", to_client.packets),
	TRAFFIC("peer_rcvb", "Bytes from peers", to_client.bytes),
	TRAFFIC("peer_sentp", "Datagrams to peers", from_client.packets),
	TRAFFIC("peer_sentb", "Bytes to peers", from_client.bytes),
	{ "turn_total_allocations", METRIC_GAUGE, "Current allocations", write_allocations, 0 },
	{ 0 },
};

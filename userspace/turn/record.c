/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Interim records. Relays wait in the order of their last record, or of their begin. */
#include <string.h>
#include <utlist.h>

#include "base/counters.h"
#include "turn/state/event.h"
#include "turn/state/state.h"

/**
 * What a call may do, about half a millisecond: a relay costs one for its line in the log, and so
 * does each of its flows, whose counters the owner reads with system calls. A relay is never
 * divided: one with more flows takes longer, as it does when its client ends it.
 */
#define COST_MAX 64

/** Returns the cost. */
static unsigned int add_flows(const struct turn_server *server, const struct turn_relay *relay,
			      struct turn_traffic in_kernel[TURN_DIRECTIONS])
{
	const struct turn_permission *permission;
	const struct turn_peer *peer;
	unsigned int n = 0;

	DL_FOREACH(relay->permissions, permission) {
		DL_FOREACH(permission->peers, peer) {
			struct turn_traffic traffic[TURN_DIRECTIONS] = { 0 };

			if (!peer->installed)
				continue;
			server->ops.flow_traffic(server->ctx, &peer->flow, traffic);
			counters_add(in_kernel, traffic, sizeof(traffic));
			n++;
		}
	}
	return n;
}

/** Returns the cost. */
static unsigned int record(struct turn_server *server, struct turn_relay *relay, uint64_t now)
{
	struct turn_traffic in_kernel[TURN_DIRECTIONS];
	unsigned int n;

	memcpy(in_kernel, relay->in_kernel, sizeof(in_kernel));
	n = add_flows(server, relay, in_kernel);
	turn_notify_interim(server, relay, in_kernel, now);
	relay->recorded_ns = now;
	DL_DELETE2(server->records, relay, record_prev, record_next);
	DL_APPEND2(server->records, relay, record_prev, record_next);
	return n + 1;
}

uint64_t turn_server_next_record(const struct turn_server *server)
{
	if (!server->record_interval || !server->records)
		return TURN_NEVER;
	return server->records->recorded_ns + server->record_interval * TURN_NS_PER_S;
}

void turn_server_record(struct turn_server *server, uint64_t now)
{
	unsigned int cost = 0;

	while (cost < COST_MAX && turn_server_next_record(server) <= now)
		cost += record(server, server->records, now);
}

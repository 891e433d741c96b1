/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "control/session_json.h"

#include "base/addr.h"
#include "base/clock.h"

static json_t *address(const struct turnpike_addr *addr)
{
	char text[ADDR_TEXT_MAX];

	return json_string(addr_format(addr, text));
}

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *seconds(uint64_t from, uint64_t to)
{
	return number(to > from ? (to - from) / NS_PER_S : 0);
}

static enum reason transport_reason(unsigned int transport)
{
	static const enum reason reasons[TURN_TRANSPORTS] = {
		[TURN_UDP] = REASON_NONE,
		[TURN_TCP] = REASON_TCP,
		[TURN_TLS] = REASON_TLS,
		[TURN_DTLS] = REASON_DTLS,
	};

	return reasons[transport];
}

enum reason session_reason(const struct turn_allocation_info *info, uint32_t max_pairs)
{
	const enum reason transport = transport_reason(info->tuple.transport);

	if (transport != REASON_NONE)
		return transport;
	if (!info->permissions)
		return REASON_NO_PEER;
	if (!info->channels && !info->pairs)
		return REASON_NO_DATA;
	return info->pairs >= max_pairs ? REASON_PAIRS : REASON_NONE;
}

void session_explain(struct datapath *datapath, const struct turn_peer_info *peer,
		     struct flow_state states[static TURN_DIRECTIONS])
{
	const enum reason transport = transport_reason(peer->flow.tuple.transport);

	if (transport != REASON_NONE)
		flow_state_set(states, transport, NULL);
	else if (peer->expiry_ns <= clock_now())
		flow_state_set(states, REASON_EXPIRED, NULL);
	else
		datapath_explain(datapath, &peer->flow, peer->has_flow, states);
}

static json_t *relays(const struct turn_allocation_info *info, uint64_t now)
{
	json_t *result = json_array();

	for (size_t i = 0; i < info->n_relays; i++) {
		const struct turn_relay_info *relay = &info->relays[i];
		json_t *row = json_object();

		json_object_set_new(row, "address", address(&relay->addr));
		json_object_set_new(row, "external", address(&relay->external));
		json_object_set_new(row, "age", seconds(relay->begin_ns, now));
		json_object_set_new(row, "expires_in", seconds(now, relay->expiry_ns));
		json_array_append_new(result, row);
	}
	return result;
}

static void set_reason(json_t *row, enum reason reason, const char *why)
{
	json_object_set_new(row, "reason", json_string(reason_infos[reason].code));
	json_object_set_new(row, "why", json_string(why));
}

json_t *session_json(const struct turn_allocation_info *info, enum reason reason)
{
	const char *transport = turn_transport_names[info->tuple.transport];
	json_t *row = json_object();

	json_object_set_new(row, "id", number(info->id));
	json_object_set_new(row, "user", json_string(info->username));
	json_object_set_new(row, "account", json_string(info->account));
	json_object_set_new(row, "transport", json_string(transport));
	json_object_set_new(row, "client", address(&info->tuple.client));
	json_object_set_new(row, "server", address(&info->tuple.server));
	json_object_set_new(row, "relays", relays(info, clock_now()));
	json_object_set_new(row, "permissions", number(info->permissions));
	json_object_set_new(row, "channels", number(info->channels));
	json_object_set_new(row, "pairs", number(info->pairs));
	set_reason(row, reason, reason_infos[reason].clause);
	return row;
}

static json_t *direction(const struct flow_state *state)
{
	json_t *row = json_object();

	json_object_set_new(row, "in_kernel", json_boolean(state->reason == REASON_NONE));
	set_reason(row, state->reason, state->why);
	json_object_set_new(row, "packets", number(state->traffic.packets));
	json_object_set_new(row, "bytes", number(state->traffic.bytes));
	return row;
}

json_t *session_peer_json(const struct turn_peer_info *peer,
			  const struct flow_state states[static TURN_DIRECTIONS])
{
	json_t *row = json_object();

	json_object_set_new(row, "peer", address(&peer->peer));
	json_object_set_new(row, "channel", number(peer->channel));
	json_object_set_new(row, "expires_in", seconds(clock_now(), peer->expiry_ns));
	json_object_set_new(row, "to_peer", direction(&states[TURN_TO_PEER]));
	json_object_set_new(row, "to_client", direction(&states[TURN_TO_CLIENT]));
	return row;
}

static json_t *traffic(const struct turn_traffic *traffic)
{
	return json_pack("{s:o, s:o}", "packets", number(traffic->packets), "bytes",
			 number(traffic->bytes));
}

static json_t *both(const struct turn_traffic directions[static TURN_DIRECTIONS])
{
	return json_pack("{s:o, s:o}", "to_peer", traffic(&directions[TURN_TO_PEER]), "to_client",
			 traffic(&directions[TURN_TO_CLIENT]));
}

json_t *session_traffic_json(const struct turn_traffic in_kernel[static TURN_DIRECTIONS],
			     const struct turn_traffic in_user_space[static TURN_DIRECTIONS])
{
	return json_pack("{s:o, s:o}", "kernel", both(in_kernel), "userspace", both(in_user_space));
}

json_t *session_remedies_json(void)
{
	json_t *result = json_object();

	for (enum reason reason = REASON_NONE + 1; reason < N_REASONS; reason++)
		json_object_set_new(result, reason_infos[reason].code,
				    json_string(reason_infos[reason].remedy));
	return result;
}

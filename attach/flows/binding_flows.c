/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "flows/binding_flows.h"

struct binding *binding_find_by_route(const struct bindings *bindings,
				      const struct turnpike_addr *relay,
				      const struct turnpike_addr *peer)
{
	const struct binding_route route = { *relay, *peer };
	struct binding *binding;

	HASH_FIND(hh_route, bindings->by_route, &route, sizeof(route), binding);
	return binding;
}

/* Most peers have a port that is no relay's, which is known without a walk through memory. */
struct binding *binding_partner(const struct bindings *bindings, const struct binding *binding)
{
	const __be16 port = binding->route.peer.port;

	if (bindings->maps->ports->role[port] != TURNPIKE_PORT_RELAY)
		return NULL;
	return binding_find_by_route(bindings, &binding->route.peer, &binding->route.relay);
}

struct turnpike_binding binding_describe(const struct binding *binding)
{
	return (struct turnpike_binding){ .client = binding->id.client,
					  .server = binding->id.server,
					  .relay = binding->route.relay,
					  .peer = binding->route.peer,
					  .channel = (__u16)binding->id.channel,
					  .xor_peer = binding->id.xor_peer,
					  .channel_expires = binding->channel_expires,
					  .permission_expires = binding->permission_expires,
					  .to_peer_policer = binding->to_peer_policer,
					  .to_client_policer = binding->to_client_policer };
}

struct binding *binding_encode_from_client(const struct bindings *bindings,
					   const struct binding *binding, struct encoded_flow *ret)
{
	struct binding *partner = binding_partner(bindings, binding);
	const struct turnpike_binding from = binding_describe(binding);
	struct turnpike_binding to;

	if (partner) {
		to = binding_describe(partner);
		encode_hairpin(&from, &to, ret);
		ret->flow.nexthop = nexthop_index(partner->to_client);
	} else {
		encode_to_peer(&from, ret);
		ret->flow.nexthop = nexthop_index(binding->to_peer);
	}
	return partner;
}

void binding_encode_from_peer(const struct binding *binding, struct encoded_flow *ret)
{
	const struct turnpike_binding public = binding_describe(binding);

	encode_to_client(&public, ret);
	ret->flow.nexthop = nexthop_index(binding->to_client);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "flows/binding.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "flows/binding_flows.h"
#include "flows/flow_map.h"
#include "private/array_len.h"

/* Refreshes by less have no effect. */
#define SLIGHT_NS 1000000000ull

struct binding_id binding_id(const struct turnpike_binding *binding)
{
	return (struct binding_id){ binding->client, binding->server, binding->xor_peer,
				    binding->channel };
}

static struct binding *find(const struct bindings *bindings, const struct binding_id *id)
{
	struct binding *binding;

	HASH_FIND(hh, bindings->all, id, sizeof(*id), binding);
	return binding;
}

const struct binding *binding_find(const struct bindings *bindings,
				   const struct turnpike_binding *public)
{
	const struct binding_id id = binding_id(public);

	return find(bindings, &id);
}

static bool port_may_be(const struct bindings *bindings, __be16 port, enum turnpike_port_role role)
{
	const __u8 now = bindings->maps->ports->role[port];

	return now == TURNPIKE_PORT_NONE || now == role;
}

static void port_get(struct bindings *bindings, __be16 port, enum turnpike_port_role role)
{
	if (bindings->port_users[port]++ == 0)
		bindings->maps->ports->role[port] = (__u8)role;
}

static void port_put(struct bindings *bindings, __be16 port)
{
	if (--bindings->port_users[port] == 0)
		bindings->maps->ports->role[port] = TURNPIKE_PORT_NONE;
}

/* A binding has a flow of its client's family, and one of its peer's, in whatever map. */
static __u32 flows4_of(const struct turnpike_addr *client, const struct turnpike_addr *peer)
{
	const bool client_is_v4 = client->family == TURNPIKE_IPV4;
	const bool peer_is_v4 = peer->family == TURNPIKE_IPV4;

	return (__u32)client_is_v4 + (__u32)peer_is_v4;
}

static void count_flows(struct bindings *bindings, const struct binding *binding, int sign)
{
	const __u32 n4 = flows4_of(&binding->id.client, &binding->route.peer);

	bindings->n_flows4 += (__u32)sign * n4;
	bindings->n_flows6 += (__u32)sign * (2 - n4);
	bindings->n_channels += binding->id.channel ? (__u32)sign : 0;
}

/* As every binding has an element of flows4 or flows6, sends never is the first to be full. */
static int short_of_flows(__u32 table)
{
	return table == TURNPIKE_FLOWS4 ? SHORT_OF_FLOWS4 : SHORT_OF_FLOWS6;
}

/* Counted here, so that a refusal takes no system call. */
static int check_flows(const struct bindings *bindings, const struct turnpike_binding *public)
{
	const __u32 n4 = flows4_of(&public->client, &public->peer), n6 = 2 - n4;
	const __u32 max = bindings->maps->max_flows;

	if (n4 && bindings->n_flows4 + n4 > max)
		return SHORT_OF_FLOWS4;
	return n6 && bindings->n_flows6 + n6 > max ? SHORT_OF_FLOWS6 : 0;
}

static void put_nexthop(struct bindings *bindings, struct nexthop *nexthop)
{
	if (nexthop)
		nexthop_put(bindings->nexthops, nexthop);
}

int bindings_open(const struct maps *maps, struct nexthops *nexthops, struct nl_sock *requests,
		  struct bindings **ret)
{
	struct bindings *bindings = calloc(1, sizeof(*bindings));

	if (!bindings)
		return -ENOMEM;
	bindings->maps = maps;
	bindings->nexthops = nexthops;
	bindings->requests = requests;
	*ret = bindings;
	return 0;
}

static void delete_flows(const struct bindings *bindings, const struct binding *binding)
{
	const struct turnpike_binding public = binding_describe(binding);
	struct encoded_flow encoded;

	encode_to_peer(&public, &encoded);
	flow_delete(bindings->maps, &encoded.key);
	encode_to_client(&public, &encoded);
	flow_delete(bindings->maps, &encoded.key);
}

/* The binding of @partner's peer was added, changed or removed: rewrite its client's flow. */
static int adapt(const struct bindings *bindings, const struct binding *partner)
{
	struct encoded_flow encoded;

	binding_encode_from_client(bindings, partner, &encoded);
	return flow_replace(bindings->maps, &encoded);
}

/* Those who would list it next go on behind it. */
static void leave_walks(const struct bindings *bindings, const struct binding *binding)
{
	struct bindings_walk *walk;

	DL_FOREACH(bindings->walks, walk)
		if (walk->at == binding)
			walk->at = binding->hh.next;
}

static void take_out(struct bindings *bindings, struct binding *binding)
{
	port_put(bindings, binding->id.server.port);
	port_put(bindings, binding->route.relay.port);
	HASH_DELETE(hh_route, bindings->by_route, binding);
	HASH_DEL(bindings->all, binding);
}

static void forget(struct bindings *bindings, struct binding *binding)
{
	struct binding *partner = binding_partner(bindings, binding);

	leave_walks(bindings, binding);
	take_out(bindings, binding);
	if (partner && partner != binding)
		adapt(bindings, partner);
	delete_flows(bindings, binding);
	count_flows(bindings, binding, -1);
	put_nexthop(bindings, binding->to_peer);
	put_nexthop(bindings, binding->to_client);
	free(binding);
}

void bindings_close(struct bindings *bindings)
{
	struct binding *binding, *tmp;

	if (!bindings)
		return;
	HASH_ITER(hh, bindings->all, binding, tmp)
		forget(bindings, binding);
	free(bindings);
}

/* RFC 6437 section 3: an unpredictable flow label that stays for the life of the flow. */
static int set_label(struct turnpike_flow *flow)
{
	__u32 random;
	const int err = random_u32(&random);

	if (!err)
		flow->ip6_label = htonl(random & 0xfffff);
	return err;
}

static int write_flows(const struct bindings *bindings, const struct encoded_flow *flows, __u32 n)
{
	const int err = flows_add(bindings->maps, flows, n);

	return err == -ENOSPC ? short_of_flows(flows->key.table) : err;
}

static int write_both(const struct bindings *bindings, const struct encoded_flow flows[2])
{
	int err;

	if (flows[0].key.table == flows[1].key.table)
		return write_flows(bindings, flows, 2);
	err = write_flows(bindings, &flows[0], 1);
	if (err)
		return err;
	err = write_flows(bindings, &flows[1], 1);
	if (err)
		flow_delete(bindings->maps, &flows[0].key);
	return err;
}

static int add_flows(const struct bindings *bindings, const struct binding *binding)
{
	struct encoded_flow flows[2];
	const struct binding *partner = binding_encode_from_client(bindings, binding, &flows[0]);
	int err;

	binding_encode_from_peer(binding, &flows[1]);
	err = set_label(&flows[0].flow);
	if (!err)
		err = set_label(&flows[1].flow);
	if (!err)
		err = write_both(bindings, flows);
	if (err || !partner || partner == binding)
		return err;
	err = adapt(bindings, partner);
	if (err)
		delete_flows(bindings, binding);
	return err;
}

static int get_nexthops(struct bindings *bindings, struct binding *binding)
{
	const struct nexthop_pair pairs[] = {
		nexthop_pair(&binding->route.relay, &binding->route.peer),
		nexthop_pair(&binding->id.server, &binding->id.client),
	};
	struct nexthop *nexthops[ARRAY_LEN(pairs)];
	const int err = nexthops_get(bindings->nexthops, pairs, ARRAY_LEN(pairs), nexthops);

	if (err == -ENOSPC)
		return SHORT_OF_NEXTHOPS;
	if (err)
		return err == -EAGAIN ? SHORT_OF_TIME : err;
	binding->to_peer = nexthops[0];
	binding->to_client = nexthops[1];
	return 0;
}

/* Makes a new one known to its partner, with its ports. */
static int insert(struct bindings *bindings, struct binding *binding)
{
	HASH_ADD(hh, bindings->all, id, sizeof(binding->id), binding);
	if (!binding->hh.tbl)
		return -ENOMEM;
	HASH_ADD(hh_route, bindings->by_route, route, sizeof(binding->route), binding);
	if (!binding->hh_route.tbl) {
		HASH_DEL(bindings->all, binding);
		return -ENOMEM;
	}
	port_get(bindings, binding->id.server.port, TURNPIKE_PORT_LISTENER);
	port_get(bindings, binding->route.relay.port, TURNPIKE_PORT_RELAY);
	return 0;
}

/* The flows come last: its partner needs the whole binding. */
static int add(struct bindings *bindings, struct binding *binding)
{
	int err = get_nexthops(bindings, binding);

	if (!err)
		err = insert(bindings, binding);
	if (err)
		return err;
	err = add_flows(bindings, binding);
	if (err) {
		take_out(bindings, binding);
		return err;
	}
	binding->serial = bindings->n_made++;
	count_flows(bindings, binding, 1);
	return 0;
}

/* The members that may change while a binding is relayed. */
static void set_terms(struct binding *binding, const struct turnpike_binding *public)
{
	binding->channel_expires = public->channel_expires;
	binding->permission_expires = public->permission_expires;
	binding->to_peer_policer = public->to_peer_policer;
	binding->to_client_policer = public->to_client_policer;
}

static int bind_new(struct bindings *bindings, const struct turnpike_binding *public)
{
	struct binding *binding;
	int err;

	if (!port_may_be(bindings, public->server.port, TURNPIKE_PORT_LISTENER) ||
	    !port_may_be(bindings, public->relay.port, TURNPIKE_PORT_RELAY) ||
	    public->server.port == public->relay.port)
		return -EADDRINUSE;
	if (binding_find_by_route(bindings, &public->relay, &public->peer))
		return -EEXIST;
	err = check_flows(bindings, public);
	if (err)
		return err;
	binding = calloc(1, sizeof(*binding));
	if (!binding)
		return -ENOMEM;
	binding->id = binding_id(public);
	binding->route = (struct binding_route){ public->relay, public->peer };
	set_terms(binding, public);
	err = add(bindings, binding);
	if (err) {
		put_nexthop(bindings, binding->to_peer);
		put_nexthop(bindings, binding->to_client);
		free(binding);
	}
	return err;
}

/* Only the expiry changes: set it in place, so that the counters lose nothing. */
static int prolong(const struct maps *maps, const struct encoded_flow *encoded)
{
	return flow_set_expiry(maps, &encoded->key, encoded->flow.expires);
}

/* Both flows of a binding, and that of its partner's client, which depends on the same times. */
static int update_flows(const struct bindings *bindings, const struct binding *binding,
			int (*update)(const struct maps *maps, const struct encoded_flow *encoded))
{
	struct encoded_flow encoded;
	const struct binding *partner = binding_encode_from_client(bindings, binding, &encoded);
	int err = update(bindings->maps, &encoded);

	binding_encode_from_peer(binding, &encoded);
	if (!err)
		err = update(bindings->maps, &encoded);
	if (err || !partner || partner == binding)
		return err;
	binding_encode_from_client(bindings, partner, &encoded);
	return update(bindings->maps, &encoded);
}

/*
 * A permission that is refreshed with each of a thousand channels prolongs all of their flows each
 * time. A second more or less does not matter: until then the slow path relays.
 */
static bool is_slightly_later(__u64 before, __u64 after)
{
	return after >= before && after - before < SLIGHT_NS;
}

static int rebind(struct bindings *bindings, const struct turnpike_binding *public,
		  struct binding *binding)
{
	const bool same_limits = binding->to_peer_policer == public->to_peer_policer &&
				 binding->to_client_policer == public->to_client_policer;
	int err;

	if (memcmp(&binding->route.relay, &public->relay, sizeof(public->relay)) ||
	    memcmp(&binding->route.peer, &public->peer, sizeof(public->peer)))
		return -EEXIST;
	if (same_limits && is_slightly_later(binding->channel_expires, public->channel_expires) &&
	    is_slightly_later(binding->permission_expires, public->permission_expires))
		return 0;
	set_terms(binding, public);
	err = update_flows(bindings, binding, same_limits ? prolong : flow_replace);
	if (err)
		forget(bindings, binding);
	return err;
}

int bindings_check(const struct bindings *bindings, const struct turnpike_binding *public)
{
	if (public->to_peer_policer >= bindings->maps->max_policers ||
	    public->to_client_policer >= bindings->maps->max_policers)
		return -EINVAL;
	return encode_check(public);
}

int bindings_bind(struct bindings *bindings, const struct turnpike_binding *public)
{
	const struct binding_id id = binding_id(public);
	struct binding *binding = find(bindings, &id);

	return binding ? rebind(bindings, public, binding) : bind_new(bindings, public);
}

int bindings_unbind(struct bindings *bindings, const struct turnpike_binding *public)
{
	const struct binding_id id = binding_id(public);
	struct binding *binding = find(bindings, &id);

	if (!binding)
		return -ENOENT;
	forget(bindings, binding);
	return 0;
}

static int read_traffic(const struct bindings *bindings, const struct flow_key *key,
			struct turnpike_traffic *ret)
{
	struct turnpike_flow flow;
	const int err = flow_read(bindings->maps, key, &flow);

	if (!err)
		*ret = (struct turnpike_traffic){ .packets = flow.packets, .bytes = flow.bytes };
	return err;
}

int bindings_traffic(const struct bindings *bindings, const struct turnpike_binding *public,
		     struct turnpike_traffic *to_peer, struct turnpike_traffic *to_client)
{
	const struct binding *binding = binding_find(bindings, public);
	struct encoded_flow from_client, from_peer;
	int err;

	if (!binding)
		return -ENOENT;
	binding_encode_from_client(bindings, binding, &from_client);
	binding_encode_from_peer(binding, &from_peer);
	err = read_traffic(bindings, &from_client.key, to_peer);
	return err ? err : read_traffic(bindings, &from_peer.key, to_client);
}

__u32 bindings_count(const struct bindings *bindings, enum turnpike_framing framing)
{
	switch (framing) {
	case TURNPIKE_FRAMING_CHANNEL:
		return bindings->n_channels;
	case TURNPIKE_FRAMING_INDICATION:
		return HASH_COUNT(bindings->all) - bindings->n_channels;
	default:
		return 0;
	}
}

__u32 bindings_flows(const struct bindings *bindings, enum turnpike_family family)
{
	return family == TURNPIKE_IPV4 ? bindings->n_flows4 : bindings->n_flows6;
}

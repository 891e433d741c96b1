/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "binding.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Insertions that run out of memory are noticed by the missing handle. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "encode.h"

/* Hashed as it stands. */
struct binding_id {
	struct turnpike_addr client;
	struct turnpike_addr server;
	__u32 channel;
};

struct binding {
	struct binding_id id;
	struct turnpike_addr relay;
	struct turnpike_addr peer;
	struct nexthop *to_peer;
	struct nexthop *to_client;
	UT_hash_handle hh;
};

struct bindings {
	const struct maps *maps;
	struct nexthops *nexthops;
	struct binding *all;
	__u32 port_users[65536]; /* by port, as in struct turnpike_ports */
};

static struct binding_id id_of(const struct turnpike_binding *binding)
{
	return (struct binding_id){ binding->client, binding->server, binding->channel };
}

static struct binding *find(const struct bindings *bindings, const struct binding_id *id)
{
	struct binding *binding;

	HASH_FIND(hh, bindings->all, id, sizeof(*id), binding);
	return binding;
}

/* The public form of a binding, without its times. */
static struct turnpike_binding describe(const struct binding *binding)
{
	return (struct turnpike_binding){ .client = binding->id.client,
					  .server = binding->id.server,
					  .relay = binding->relay,
					  .peer = binding->peer,
					  .channel = (__u16)binding->id.channel };
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

static void put_nexthop(struct bindings *bindings, struct nexthop *nexthop)
{
	if (nexthop)
		nexthop_put(bindings->nexthops, nexthop);
}

int bindings_open(const struct maps *maps, struct nexthops *nexthops, struct bindings **ret)
{
	struct bindings *bindings = calloc(1, sizeof(*bindings));

	if (!bindings)
		return -ENOMEM;
	bindings->maps = maps;
	bindings->nexthops = nexthops;
	*ret = bindings;
	return 0;
}

static void delete_flows(struct bindings *bindings, const struct binding *binding)
{
	const struct turnpike_binding public = describe(binding);
	struct encoded_flow encoded;

	encode_to_peer(&public, &encoded);
	flow_delete(bindings->maps, &encoded.key);
	encode_to_client(&public, &encoded);
	flow_delete(bindings->maps, &encoded.key);
}

static void forget(struct bindings *bindings, struct binding *binding)
{
	delete_flows(bindings, binding);
	port_put(bindings, binding->id.server.port);
	port_put(bindings, binding->relay.port);
	put_nexthop(bindings, binding->to_peer);
	put_nexthop(bindings, binding->to_client);
	HASH_DEL(bindings->all, binding);
	free(binding);
}

void bindings_close(struct bindings *bindings)
{
	struct binding *binding, *tmp;

	if (!bindings)
		return;
	HASH_ITER (hh, bindings->all, binding, tmp)
		forget(bindings, binding);
	free(bindings);
}

/*
 * RFC 6437 section 3: a flow label that nobody can guess, one for the life of the flow. The IPv4
 * identification likewise starts anywhere.
 */
static int add_flow(const struct bindings *bindings, struct encoded_flow *encoded,
		    const struct nexthop *nexthop)
{
	__u32 random[2];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return -EIO;
	encoded->flow.nexthop = nexthop_index(nexthop);
	encoded->flow.ip4_id = (__u16)random[0];
	encoded->flow.ip6_label = htonl(random[1] & 0xfffff);
	return flow_add(bindings->maps, encoded);
}

static int add_flows(const struct bindings *bindings, const struct turnpike_binding *public,
		     const struct binding *binding)
{
	struct encoded_flow to_peer, to_client;
	int err;

	encode_to_peer(public, &to_peer);
	encode_to_client(public, &to_client);
	err = add_flow(bindings, &to_peer, binding->to_peer);
	if (err)
		return err;
	err = add_flow(bindings, &to_client, binding->to_client);
	if (err)
		flow_delete(bindings->maps, &to_peer.key);
	return err;
}

static int get_nexthops(struct bindings *bindings, struct binding *binding)
{
	const int err =
		nexthop_get(bindings->nexthops, &binding->relay, &binding->peer, &binding->to_peer);

	if (err)
		return err;
	return nexthop_get(bindings->nexthops, &binding->id.server, &binding->id.client,
			   &binding->to_client);
}

static int add(struct bindings *bindings, const struct turnpike_binding *public,
	       struct binding *binding)
{
	int err = get_nexthops(bindings, binding);

	if (!err)
		err = add_flows(bindings, public, binding);
	if (err)
		return err;
	HASH_ADD(hh, bindings->all, id, sizeof(binding->id), binding);
	if (!binding->hh.tbl) {
		delete_flows(bindings, binding);
		return -ENOMEM;
	}
	port_get(bindings, public->server.port, TURNPIKE_PORT_LISTENER);
	port_get(bindings, public->relay.port, TURNPIKE_PORT_RELAY);
	return 0;
}

static int bind_new(struct bindings *bindings, const struct turnpike_binding *public)
{
	struct binding *binding;
	int err;

	if (!port_may_be(bindings, public->server.port, TURNPIKE_PORT_LISTENER) ||
	    !port_may_be(bindings, public->relay.port, TURNPIKE_PORT_RELAY) ||
	    public->server.port == public->relay.port)
		return -EADDRINUSE;
	binding = calloc(1, sizeof(*binding));
	if (!binding)
		return -ENOMEM;
	binding->id = id_of(public);
	binding->relay = public->relay;
	binding->peer = public->peer;
	err = add(bindings, public, binding);
	if (err) {
		put_nexthop(bindings, binding->to_peer);
		put_nexthop(bindings, binding->to_client);
		free(binding);
	}
	return err;
}

static int rebind(struct bindings *bindings, const struct turnpike_binding *public,
		  struct binding *binding)
{
	struct encoded_flow encoded;
	int err;

	if (memcmp(&binding->relay, &public->relay, sizeof(binding->relay)) ||
	    memcmp(&binding->peer, &public->peer, sizeof(binding->peer)))
		return -EEXIST;
	encode_to_peer(public, &encoded);
	err = flow_set_expiry(bindings->maps, &encoded.key, encoded.flow.expires);
	encode_to_client(public, &encoded);
	if (!err)
		err = flow_set_expiry(bindings->maps, &encoded.key, encoded.flow.expires);
	if (err)
		forget(bindings, binding);
	return err;
}

int bindings_bind(struct bindings *bindings, const struct turnpike_binding *public)
{
	const struct binding_id id = id_of(public);
	const int err = encode_check(public);
	struct binding *binding;

	if (err)
		return err;
	binding = find(bindings, &id);
	return binding ? rebind(bindings, public, binding) : bind_new(bindings, public);
}

int bindings_unbind(struct bindings *bindings, const struct turnpike_binding *public)
{
	const struct binding_id id = id_of(public);
	struct binding *binding = find(bindings, &id);

	if (!binding)
		return -ENOENT;
	forget(bindings, binding);
	return 0;
}

/* Fills in what only the kernel knows; a flow that is not there reads as all zero. */
static void read_flow(const struct bindings *bindings, const struct encoded_flow *encoded,
		      const struct nexthop *nexthop, struct turnpike_flow_info *info)
{
	struct turnpike_flow flow = { 0 };

	flow_read(bindings->maps, &encoded->key, &flow);
	info->resolved = nexthop_resolved(bindings->nexthops, nexthop);
	info->expires = flow.expires;
	info->packets = flow.packets;
	info->bytes = flow.bytes;
}

static void info_to_peer(const struct bindings *bindings, const struct binding *binding,
			 const struct turnpike_binding *public, struct turnpike_flow_info *ret)
{
	struct encoded_flow encoded;

	*ret = (struct turnpike_flow_info){ .direction = TURNPIKE_DIR_TO_PEER,
					    .src = public->client,
					    .dst = public->server,
					    .new_src = public->relay,
					    .new_dst = public->peer,
					    .channel = public->channel };
	encode_to_peer(public, &encoded);
	read_flow(bindings, &encoded, binding->to_peer, ret);
}

static void info_to_client(const struct bindings *bindings, const struct binding *binding,
			   const struct turnpike_binding *public, struct turnpike_flow_info *ret)
{
	struct encoded_flow encoded;

	*ret = (struct turnpike_flow_info){ .direction = TURNPIKE_DIR_TO_CLIENT,
					    .src = public->peer,
					    .dst = public->relay,
					    .new_src = public->server,
					    .new_dst = public->client,
					    .channel = public->channel };
	encode_to_client(public, &encoded);
	read_flow(bindings, &encoded, binding->to_client, ret);
}

int bindings_for_each_flow(const struct bindings *bindings,
			   int (*fn)(const struct turnpike_flow_info *flow, void *arg), void *arg)
{
	struct turnpike_flow_info info;
	struct turnpike_binding public;
	struct binding *binding, *tmp;
	int err;

	HASH_ITER (hh, bindings->all, binding, tmp) {
		public = describe(binding);
		info_to_peer(bindings, binding, &public, &info);
		err = fn(&info, arg);
		if (err)
			return err;
		info_to_client(bindings, binding, &public, &info);
		err = fn(&info, arg);
		if (err)
			return err;
	}
	return 0;
}

__u32 bindings_count(const struct bindings *bindings)
{
	return HASH_COUNT(bindings->all);
}

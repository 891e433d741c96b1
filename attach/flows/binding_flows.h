/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A binding and its two flows. binding.c adds and removes them, flow_info.c lists them.
 */
#ifndef TURNPIKE_ATTACH_FLOWS_BINDING_FLOWS_H
#define TURNPIKE_ATTACH_FLOWS_BINDING_FLOWS_H

#include <utlist.h>

#include "flows/binding.h"
#include "flows/encode.h"
#include "private/hash.h"

/* Hashed as it stands. */
struct binding_route {
	struct turnpike_addr relay;
	struct turnpike_addr peer;
};

struct binding {
	__u64 serial; /* in the order of @all */
	struct binding_id id;
	struct binding_route route;
	__u64 channel_expires;
	__u64 permission_expires;
	__u32 to_peer_policer;
	__u32 to_client_policer;
	struct nexthop *to_peer;
	struct nexthop *to_client;
	UT_hash_handle hh;
	UT_hash_handle hh_route;
};

struct bindings {
	const struct maps *maps;
	struct nexthops *nexthops;
	struct nl_sock *requests;
	struct binding *all;
	struct binding *by_route;
	struct bindings_walk *walks;
	__u64 n_made; /* the next serial number */
	__u32 n_flows4;
	__u32 n_flows6;
	__u32 n_channels;        /* of @all */
	__u32 port_users[65536]; /* by port, as in struct turnpike_ports */
};

/** binding_find() - the binding with this id; NULL: none */
const struct binding *binding_find(const struct bindings *bindings,
				   const struct turnpike_binding *public);

/** binding_find_by_route() - the binding with this relay and peer; NULL: none */
struct binding *binding_find_by_route(const struct bindings *bindings,
				      const struct turnpike_addr *relay,
				      const struct turnpike_addr *peer);

/**
 * binding_partner() - the binding at the other end, if both ends are clients of this relay; it may
 * be the same one
 */
struct binding *binding_partner(const struct bindings *bindings, const struct binding *binding);

/**
 * binding_encode_from_client() - the flow of the client's packets, with its next hop
 *
 * Return: the binding at the other end of a hairpin, or NULL.
 */
struct binding *binding_encode_from_client(const struct bindings *bindings,
					   const struct binding *binding, struct encoded_flow *ret);

/** binding_encode_from_peer() - the flow of the peer's packets */
void binding_encode_from_peer(const struct binding *binding, struct encoded_flow *ret);

/** binding_describe() - the public form of a binding */
struct turnpike_binding binding_describe(const struct binding *binding);

#endif /* TURNPIKE_ATTACH_FLOWS_BINDING_FLOWS_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The bindings of a handle. Each has two flows, two next hops and two ports.
 */
#ifndef TURNPIKE_ATTACH_FLOWS_BINDING_H
#define TURNPIKE_ATTACH_FLOWS_BINDING_H

#include <turnpike/turnpike.h>

#include "base/map_set.h"
#include "net/nexthop.h"

struct binding;
struct bindings;

/**
 * struct binding_id - identifies a binding; hashed as it is, without padding
 * @channel:  0: by indications
 * @xor_peer: zero with a channel
 */
struct binding_id {
	struct turnpike_addr client;
	struct turnpike_addr server;
	struct turnpike_addr xor_peer;
	__u32 channel;
};

/** enum shortage - the resource that a binding lacks */
enum shortage {
	SHORT_OF_FLOWS4 = 1,
	SHORT_OF_FLOWS6,
	SHORT_OF_NEXTHOPS,
	SHORT_OF_TIME, /* next hops are free, but packets may still use them */
};

/** binding_id() - the id of a binding in its public form */
struct binding_id binding_id(const struct turnpike_binding *binding);

/** bindings_open() - borrows @maps, @nexthops and @requests; Return: 0 or -ENOMEM */
int bindings_open(const struct maps *maps, struct nexthops *nexthops, struct nl_sock *requests,
		  struct bindings **ret);

/** bindings_close() - remove all flows; accepts NULL */
void bindings_close(struct bindings *bindings);

/** bindings_check() - Return: 0, or -EINVAL for a binding that the kernel can never relay */
int bindings_check(const struct bindings *bindings, const struct turnpike_binding *public);

/**
 * bindings_bind() - bind what has passed bindings_check(); see turnpike_bind()
 *
 * Return: 0, a negative errno, or an enum shortage.
 */
int bindings_bind(struct bindings *bindings, const struct turnpike_binding *public);

/** bindings_unbind() - see turnpike_unbind() */
int bindings_unbind(struct bindings *bindings, const struct turnpike_binding *public);

/** bindings_traffic() - see turnpike_binding_traffic() */
int bindings_traffic(const struct bindings *bindings, const struct turnpike_binding *public,
		     struct turnpike_traffic *to_peer, struct turnpike_traffic *to_client);

/** bindings_flow_infos() - see turnpike_binding_flows(), but without waiting bindings */
int bindings_flow_infos(const struct bindings *bindings, const struct turnpike_binding *public,
			struct turnpike_flow_info *to_peer, struct turnpike_flow_info *to_client);

/** bindings_for_each_flow() - see turnpike_for_each_flow() */
int bindings_for_each_flow(const struct bindings *bindings,
			   int (*fn)(const struct turnpike_flow_info *flow, void *arg), void *arg);

/** struct bindings_walk - a position in the bindings; in the order in which they were made */
struct bindings_walk {
	struct binding *at; /* the next one; NULL: none */
	__u64 end;          /* the serial number of the first one that is too new */
	struct bindings_walk *prev, *next;
};

/** bindings_walk_begin(), bindings_walk_end() - @walk belongs to the caller */
void bindings_walk_begin(struct bindings *bindings, struct bindings_walk *walk);
void bindings_walk_end(struct bindings *bindings, struct bindings_walk *walk);

/** bindings_walk() - see turnpike_walk_next() */
int bindings_walk(const struct bindings *bindings, struct bindings_walk *walk, __u32 n,
		  int (*fn)(const struct turnpike_flow_info *flow, void *arg), void *arg);

/** bindings_flows() - number of flows of a family */
__u32 bindings_flows(const struct bindings *bindings, enum turnpike_family family);

/** bindings_count() - number of bindings whose clients use @framing */
__u32 bindings_count(const struct bindings *bindings, enum turnpike_framing framing);

#endif /* TURNPIKE_ATTACH_FLOWS_BINDING_H */

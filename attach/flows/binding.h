/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The channel bindings of a handle: two flows, two next hops and two ports each.
 */
#ifndef TURNPIKE_ATTACH_FLOWS_BINDING_H
#define TURNPIKE_ATTACH_FLOWS_BINDING_H

#include <turnpike/turnpike.h>

#include "base/map_set.h"
#include "net/nexthop.h"

struct bindings;

/** What identifies a binding; hashed as it stands. */
struct binding_id {
	struct turnpike_addr client;
	struct turnpike_addr server;
	__u32 channel;
};

/** enum shortage - what the kernel lacks for a binding that it could relay otherwise */
enum shortage {
	SHORT_OF_FLOWS4 = 1,
	SHORT_OF_FLOWS6,
	SHORT_OF_NEXTHOPS,
	SHORT_OF_TIME, /* next hops are free, but packets may still use them */
};

/** binding_id() - the id of a binding in its public form */
struct binding_id binding_id(const struct turnpike_binding *binding);

/** bindings_open() - @maps and @nexthops are lent. 0 or -ENOMEM. */
int bindings_open(const struct maps *maps, struct nexthops *nexthops, struct bindings **ret);

/** bindings_close() - removes all flows; NULL is fine. */
void bindings_close(struct bindings *bindings);

/** bindings_check() - 0, or -EINVAL for a binding that the kernel can never relay */
int bindings_check(const struct bindings *bindings, const struct turnpike_binding *public);

/**
 * bindings_bind() - see turnpike_bind(); @public has passed bindings_check()
 * Returns 0, a negative errno or an enum shortage.
 */
int bindings_bind(struct bindings *bindings, const struct turnpike_binding *public);

/** bindings_unbind() - see turnpike_unbind(). */
int bindings_unbind(struct bindings *bindings, const struct turnpike_binding *public);

/** bindings_for_each_flow() - see turnpike_for_each_flow(). */
int bindings_for_each_flow(const struct bindings *bindings,
			   int (*fn)(const struct turnpike_flow_info *flow, void *arg), void *arg);

/** bindings_count() - how many there are. */
__u32 bindings_count(const struct bindings *bindings);

#endif /* TURNPIKE_ATTACH_FLOWS_BINDING_H */

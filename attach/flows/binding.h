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

/** bindings_open() - @maps and @nexthops are lent. 0 or -ENOMEM. */
int bindings_open(const struct maps *maps, struct nexthops *nexthops, struct bindings **ret);

/** bindings_close() - removes all flows; NULL is fine. */
void bindings_close(struct bindings *bindings);

/** bindings_bind(), bindings_unbind() - see turnpike_bind() and turnpike_unbind(). */
int bindings_bind(struct bindings *bindings, const struct turnpike_binding *public);
int bindings_unbind(struct bindings *bindings, const struct turnpike_binding *public);

/** bindings_for_each_flow() - see turnpike_for_each_flow(). */
int bindings_for_each_flow(const struct bindings *bindings,
			   int (*fn)(const struct turnpike_flow_info *flow, void *arg), void *arg);

/** bindings_count() - how many there are. */
__u32 bindings_count(const struct bindings *bindings);

#endif /* TURNPIKE_ATTACH_FLOWS_BINDING_H */

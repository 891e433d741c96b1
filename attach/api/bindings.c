/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Bindings, their flows, and walks of them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/fail.h"
#include "base/opts.h"
#include "handle.h"

/* The binding of a caller of any version. */
static int copy_binding(struct turnpike *tp, const struct turnpike_binding *binding,
			struct turnpike_binding *own)
{
	const size_t known = OPTS_KNOWN(turnpike_binding, pad2);
	const int err = opts_copy(own, known, binding);

	return err ? api_fail_opts(tp, err, "turnpike_binding") : 0;
}

static int fail_waiting(struct turnpike *tp, const struct turnpike_binding *own)
{
	static const char *const waits[TURNPIKE_WAIT_MAX] = {
		[TURNPIKE_WAIT_FLOWS] = "for room in the map of flows: open with more if many do",
		[TURNPIKE_WAIT_NEXTHOPS] = "for room in the map of next hops: open with more if "
					   "many do",
		[TURNPIKE_WAIT_SETTLING] = "until packets in flight have left a freed next hop",
		[TURNPIKE_WAIT_ERROR] = "for an error of the kernel to pass: look for a lack of "
					"memory",
	};
	enum turnpike_wait wait = TURNPIKE_WAIT_ERROR;

	waiting_find(tp->waiting, own, &wait);
	return api_fail(tp, -EAGAIN, "the binding waits %s", waits[wait]);
}

int turnpike_bind(struct turnpike *tp, const struct turnpike_binding *binding)
{
	TURNPIKE_OPTS(turnpike_binding, own);
	int err = copy_binding(tp, binding, &own);

	if (err)
		return err;
	err = bindings_check(tp->bindings, &own);
	if (!err)
		err = waiting_bind(tp->waiting, &own);
	handle_set_timer(tp);
	switch (err) {
	case 0:
		return 0;
	case -EAGAIN:
		return fail_waiting(tp, &own);
	case -EADDRINUSE:
		return api_fail(tp, err,
				"a port cannot be both a listener's and a relay's: keep the "
				"listening ports out of the relay ports");
	case -ENOSPC:
		return api_fail(tp, err,
				"the flow maps are full: open with more flows or next hops");
	default:
		return api_fail(tp, err, "cannot relay the binding in the kernel: %s",
				strerror(-err));
	}
}

int turnpike_unbind(struct turnpike *tp, const struct turnpike_binding *binding)
{
	TURNPIKE_OPTS(turnpike_binding, own);
	int err = copy_binding(tp, binding, &own);

	if (err)
		return err;
	err = waiting_unbind(tp->waiting, &own);
	if (err) {
		err = bindings_unbind(tp->bindings, &own);
		waiting_has_room(tp->waiting);
	}
	handle_set_timer(tp);
	return err ? api_fail(tp, err, "the binding does not exist") : 0;
}

int turnpike_binding_traffic(struct turnpike *tp, const struct turnpike_binding *binding,
			     struct turnpike_traffic *to_peer, struct turnpike_traffic *to_client)
{
	TURNPIKE_OPTS(turnpike_binding, own);
	int err = copy_binding(tp, binding, &own);

	if (err)
		return err;
	err = bindings_traffic(tp->bindings, &own, to_peer, to_client);
	return err ? api_fail(tp, err, "the binding does not exist, or waits") : 0;
}

int turnpike_binding_flows(struct turnpike *tp, const struct turnpike_binding *binding,
			   struct turnpike_flow_info *to_peer, struct turnpike_flow_info *to_client,
			   enum turnpike_wait *wait)
{
	TURNPIKE_OPTS(turnpike_binding, own);
	int err = copy_binding(tp, binding, &own);

	if (err)
		return err;
	if (!waiting_find(tp->waiting, &own, wait))
		return -EAGAIN;
	err = bindings_flow_infos(tp->bindings, &own, to_peer, to_client);
	return err ? api_fail(tp, err, "the binding does not exist") : 0;
}

int turnpike_for_each_flow(const struct turnpike *tp,
			   int (*fn)(const struct turnpike_flow_info *flow, void *arg), void *arg)
{
	return bindings_for_each_flow(tp->bindings, fn, arg);
}

/* A walk of the bindings. */
struct turnpike_walk {
	struct bindings *bindings;
	struct bindings_walk position;
};

int turnpike_walk_begin(struct turnpike *tp, struct turnpike_walk **ret)
{
	struct turnpike_walk *walk = calloc(1, sizeof(*walk));

	if (!walk)
		return api_fail(tp, -ENOMEM, "out of memory");
	walk->bindings = tp->bindings;
	bindings_walk_begin(walk->bindings, &walk->position);
	*ret = walk;
	return 0;
}

int turnpike_walk_next(struct turnpike_walk *walk, __u32 n,
		       int (*fn)(const struct turnpike_flow_info *flow, void *arg), void *arg)
{
	return bindings_walk(walk->bindings, &walk->position, n, fn, arg);
}

void turnpike_walk_end(struct turnpike_walk *walk)
{
	if (!walk)
		return;
	bindings_walk_end(walk->bindings, &walk->position);
	free(walk);
}

__u32 turnpike_flows(const struct turnpike *tp)
{
	return 2 * (bindings_count(tp->bindings, TURNPIKE_FRAMING_CHANNEL) +
		    bindings_count(tp->bindings, TURNPIKE_FRAMING_INDICATION));
}

__u32 turnpike_bindings(const struct turnpike *tp, enum turnpike_framing framing)
{
	return bindings_count(tp->bindings, framing);
}

__u32 turnpike_waiting(const struct turnpike *tp, enum turnpike_wait what)
{
	return waiting_count(tp->waiting, what);
}

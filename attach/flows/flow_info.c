/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Lists flows, with what the programs have written into them.
 */
#include <errno.h>
#include <stdbool.h>

#include "base/text.h"
#include "base/ticks.h"
#include "flows/binding_flows.h"
#include "flows/flow_map.h"
#include "net/link.h"
#include "net/route.h"
#include "private/array_len.h"

static const struct turnpike_hop *flow_hop(const struct bindings *bindings,
					   const struct turnpike_flow *flow)
{
	const struct turnpike_nexthop *nexthop = &bindings->maps->nexthops[flow->nexthop];

	return &nexthop->hop[nexthop->current & 1];
}

/* A device's name, as in the handle's namespace. */
static const char *name_of(const struct bindings *bindings, __u32 ifindex, struct link_facts *link)
{
	return netlink_link(bindings->requests, (int)ifindex, "", link) ? "another device"
									: link->name;
}

static void explain_device(const struct bindings *bindings, __u32 expected, __u32 found,
			   struct text *why)
{
	struct link_facts one, other;

	text_append(why, "leaves by %s, not %s", name_of(bindings, found, &one),
		    name_of(bindings, expected, &other));
}

/*
 * No observer has seen a packet of the flow. Next hops are those of a pair of addresses: the kernel
 * tells whether a rule by port sends this flow elsewhere, but not whether one by mark does.
 */
static enum turnpike_cause explain_unseen(const struct bindings *bindings,
					  const struct turnpike_flow_info *info, struct text *why)
{
	const struct nexthop_pair pair = nexthop_pair(&info->new_src, &info->new_dst);
	struct route_facts expected, found;

	if (!netlink_route(bindings->requests, &pair.local, &pair.remote, &expected) &&
	    !netlink_route(bindings->requests, &info->new_src, &info->new_dst, &found) &&
	    expected.ifindex != found.ifindex) {
		explain_device(bindings, expected.ifindex, found.ifindex, why);
		return TURNPIKE_CAUSE_DEVICE;
	}
	text_append(why, "dropped before the wire, or sent by a device that is not attached");
	return TURNPIKE_CAUSE_UNSEEN;
}

/* Has a sample not been seen until the next one was due? */
static bool was_missed(const struct bindings *bindings, const struct turnpike_flow *flow)
{
	return !flow->seen && flow->tries &&
	       (flow->tries > 1 || check_clock_now(bindings->maps) >= flow->check_at);
}

/* By flow->observation; the others are explained with names. */
static const struct {
	enum turnpike_cause cause;
	const char *text;
} observations[] = {
	[TURNPIKE_OBSERVED_SAME] = { TURNPIKE_CAUSE_AGAIN, "waits to be confirmed again" },
	[TURNPIKE_OBSERVED_NEXTHOP] = { TURNPIKE_CAUSE_NEXTHOP, "leaves to another next hop" },
	[TURNPIKE_OBSERVED_TAGS] = { TURNPIKE_CAUSE_TAGS, "leaves with other VLAN tags" },
	[TURNPIKE_OBSERVED_SOURCE] = { TURNPIKE_CAUSE_SOURCE,
				       "the host's NAT changes the source address" },
	[TURNPIKE_OBSERVED_PORT] = { TURNPIKE_CAUSE_PORT,
				     "the host's NAT changes the source port" },
	[TURNPIKE_OBSERVED_ENCRYPTED] = { TURNPIKE_CAUSE_ENCRYPTED, "leaves encrypted" },
	[TURNPIKE_OBSERVED_ENCAPSULATED] = { TURNPIKE_CAUSE_ENCAPSULATED, "leaves encapsulated" },
	[TURNPIKE_OBSERVED_DECRYPTED] = { TURNPIKE_CAUSE_DECRYPTED, "arrives encrypted" },
	[TURNPIKE_OBSERVED_MAY_BE_DECRYPTED] = { TURNPIKE_CAUSE_MAY_BE_DECRYPTED,
						 "may arrive encrypted, which generic XDP does not "
						 "see: use TC" },
};

/**
 * struct way - the next hops of a flow
 * @out:  of its packets
 * @back: of those in the other direction: a hint where its packets come in
 */
struct way {
	const struct nexthop *out;
	const struct nexthop *back;
};

/* A program sees packets of a flow only on devices that relay. Return: whether one does not. */
static bool explain_barred(const struct bindings *bindings, const struct nexthop *nexthop,
			   const char *verb, struct text *why)
{
	const __u32 ifindex = nexthop_barred_by(nexthop);
	struct link_facts link;

	if (ifindex)
		text_append(why, "%s by %s, which does not relay in the kernel", verb,
			    name_of(bindings, ifindex, &link));
	return ifindex;
}

/* Nothing has been observed of the flow. */
static enum turnpike_cause
explain_unobserved(const struct bindings *bindings, const struct turnpike_flow *flow,
		   const struct way *way, const struct turnpike_flow_info *info, struct text *why)
{
	if (was_missed(bindings, flow))
		return explain_unseen(bindings, info, why);
	if (explain_barred(bindings, way->out, "leaves", why))
		return TURNPIKE_CAUSE_UNSEEN;
	if (!info->resolved) {
		text_append(why, "the next hop is not resolved");
		return TURNPIKE_CAUSE_UNRESOLVED;
	}
	if (explain_barred(bindings, way->back, "may arrive", why))
		return TURNPIKE_CAUSE_UNSEEN;
	text_append(why, "no packet has been confirmed yet");
	return TURNPIKE_CAUSE_NEW;
}

static enum turnpike_cause explain(const struct bindings *bindings,
				   const struct turnpike_flow *flow, const struct way *way,
				   const struct turnpike_flow_info *info, struct text *why)
{
	const __u32 what = flow->observation;

	if (!info->resolved && netlink_is_local(bindings->requests, &info->new_dst)) {
		text_append(
			why,
			"the peer is this host: its client has no flow, as on TCP, TLS or DTLS");
		return TURNPIKE_CAUSE_LOCAL;
	}
	if (what == TURNPIKE_OBSERVED_DEVICE) {
		explain_device(bindings, flow_hop(bindings, flow)->ifindex, flow->observed_on, why);
		return TURNPIKE_CAUSE_DEVICE;
	}
	if (what >= ARRAY_LEN(observations) || !observations[what].text)
		return explain_unobserved(bindings, flow, way, info, why);
	text_append(why, "%s", observations[what].text);
	return observations[what].cause;
}

/* As programs/steps/confirm.h. */
static bool is_confirmed(const struct bindings *bindings, const struct turnpike_flow *flow)
{
	const struct turnpike_nexthop *nexthop = &bindings->maps->nexthops[flow->nexthop];

	return flow->seen && (__u32)flow->seen == nexthop->current &&
	       check_clock_now(bindings->maps) < flow->until;
}

static void read_confirmation(const struct bindings *bindings, const struct turnpike_flow *flow,
			      const struct way *way, struct turnpike_flow_info *info)
{
	struct text why = { info->why, sizeof(info->why) };

	info->confirmed = !bindings->maps->confirm_ns || is_confirmed(bindings, flow);
	if (info->confirmed && info->resolved)
		return;
	info->cause = info->confirmed ? explain_unobserved(bindings, flow, way, info, &why)
				      : explain(bindings, flow, way, info, &why);
}

/* Read what only the map has. A missing flow reads as zero. */
static void read_flow(const struct bindings *bindings, const struct encoded_flow *encoded,
		      const struct way *way, struct turnpike_flow_info *info)
{
	struct turnpike_flow flow = { 0 };

	flow_read(bindings->maps, &encoded->key, &flow);
	info->resolved = nexthop_resolved(bindings->nexthops, way->out);
	read_confirmation(bindings, &flow, way, info);
	info->expires = flow.expires;
	info->packets = flow.packets;
	info->bytes = flow.bytes;
}

static enum turnpike_framing framing_of(const struct binding *client)
{
	return client->id.channel ? TURNPIKE_FRAMING_CHANNEL : TURNPIKE_FRAMING_INDICATION;
}

static void info_from_client(const struct bindings *bindings, const struct binding *binding,
			     struct turnpike_flow_info *ret)
{
	struct encoded_flow encoded;
	const struct binding *partner = binding_encode_from_client(bindings, binding, &encoded);
	const struct way way = { partner ? partner->to_client : binding->to_peer,
				 binding->to_client };

	*ret = (struct turnpike_flow_info){
		.direction = partner ? TURNPIKE_DIR_HAIRPIN : TURNPIKE_DIR_TO_PEER,
		.src = binding->id.client,
		.dst = binding->id.server,
		.new_src = partner ? partner->id.server : binding->route.relay,
		.new_dst = partner ? partner->id.client : binding->route.peer,
		.channel = (__u16)binding->id.channel,
		.framing = framing_of(binding),
		.new_framing = partner ? framing_of(partner) : TURNPIKE_FRAMING_NONE,
		.xor_peer = binding->id.xor_peer,
	};
	read_flow(bindings, &encoded, &way, ret);
}

static void info_from_peer(const struct bindings *bindings, const struct binding *binding,
			   struct turnpike_flow_info *ret)
{
	const struct way way = { binding->to_client, binding->to_peer };
	struct encoded_flow encoded;

	*ret = (struct turnpike_flow_info){ .direction = TURNPIKE_DIR_TO_CLIENT,
					    .src = binding->route.peer,
					    .dst = binding->route.relay,
					    .new_src = binding->id.server,
					    .new_dst = binding->id.client,
					    .channel = (__u16)binding->id.channel,
					    .new_framing = framing_of(binding),
					    .xor_peer = binding->id.xor_peer };
	binding_encode_from_peer(binding, &encoded);
	read_flow(bindings, &encoded, &way, ret);
}

int bindings_flow_infos(const struct bindings *bindings, const struct turnpike_binding *public,
			struct turnpike_flow_info *to_peer, struct turnpike_flow_info *to_client)
{
	const struct binding *binding = binding_find(bindings, public);

	if (!binding)
		return -ENOENT;
	info_from_client(bindings, binding, to_peer);
	info_from_peer(bindings, binding, to_client);
	return 0;
}

static int list(const struct bindings *bindings, const struct binding *binding,
		int (*fn)(const struct turnpike_flow_info *flow, void *arg), void *arg)
{
	struct turnpike_flow_info info;
	int err;

	info_from_client(bindings, binding, &info);
	err = fn(&info, arg);
	if (err)
		return err;
	info_from_peer(bindings, binding, &info);
	return fn(&info, arg);
}

void bindings_walk_begin(struct bindings *bindings, struct bindings_walk *walk)
{
	walk->at = bindings->all;
	walk->end = bindings->n_made;
	DL_APPEND(bindings->walks, walk);
}

void bindings_walk_end(struct bindings *bindings, struct bindings_walk *walk)
{
	DL_DELETE(bindings->walks, walk);
}

int bindings_walk(const struct bindings *bindings, struct bindings_walk *walk, __u32 n,
		  int (*fn)(const struct turnpike_flow_info *flow, void *arg), void *arg)
{
	const struct binding *binding;
	int err;

	while (walk->at && walk->at->serial < walk->end) {
		if (n-- == 0)
			return 1;
		binding = walk->at;
		walk->at = binding->hh.next;
		err = list(bindings, binding, fn, arg);
		if (err)
			return err;
	}
	return 0;
}

int bindings_for_each_flow(const struct bindings *bindings,
			   int (*fn)(const struct turnpike_flow_info *flow, void *arg), void *arg)
{
	struct bindings_walk walk = { .at = bindings->all, .end = bindings->n_made };

	return bindings_walk(bindings, &walk, UINT32_MAX, fn, arg);
}

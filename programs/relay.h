/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The story of one packet: parse, find its flow, admit, police, rewrite, send, count.
 *
 * A context (ctx/xdp.h or ctx/tc.h) is included first. Until rewrite() nothing has been written, so
 * every packet that is passed up the stack leaves byte for byte as it came.
 */
#ifndef TURNPIKE_PROGRAMS_RELAY_H
#define TURNPIKE_PROGRAMS_RELAY_H

#ifndef TURNPIKE_CTX_H
#error "include ctx/xdp.h or ctx/tc.h first"
#endif

#include "packet.h"
#include "steps/parse.h"
#include "steps/flow.h"
#include "steps/admit.h"
#include "steps/police.h"
#include "steps/rewrite.h"
#include "steps/count.h"
#include "steps/notify.h"

#define ACTION_SLOW_PATH (-100)

static __always_inline int pass(ctx_t *ctx, const struct packet *pkt, enum turnpike_verdict verdict,
				enum turnpike_direction dir)
{
	count(verdict, dir, pkt->len);
	return (int)CTX_PASS;
}

/* A packet of a flow that is not relayed: most are passed, too. */
static __always_inline int refuse(ctx_t *ctx, const struct packet *pkt,
				  enum turnpike_verdict verdict, enum turnpike_direction dir)
{
	const bool told = turnpike_verdict_is(verdict, TURNPIKE_KIND_NOTIFY);

	if (told)
		notify(ctx, pkt, verdict);
	count(verdict, dir, pkt->len);
	return told || turnpike_verdict_is(verdict, TURNPIKE_KIND_DROP) ? (int)CTX_DROP
									: (int)CTX_PASS;
}

/* From here on the packet is one of ours. */
static __always_inline enum turnpike_verdict relay_flow(ctx_t *ctx, struct packet *pkt,
							struct turnpike_flow *flow,
							struct turnpike_nexthop *nexthop,
							const struct turnpike_hop *hop,
							enum moves moves, enum relay_path path)
{
	const enum turnpike_verdict verdict = admit(ctx, pkt, flow, hop, path);

	if (verdict != TURNPIKE_RELAYED)
		return verdict;
	/* A limit would be charged again by the other instance, should there be no room. */
	if (path == FAST_PATH)
		return is_policed(flow) ? NEEDS_SLOW_PATH
					: rewrite_as(ctx, pkt, flow, nexthop, moves, path);
	if (!police(pkt, flow))
		return TURNPIKE_POLICED;
	return (enum turnpike_verdict)rewrite_slow(ctx, pkt, flow, nexthop, moves);
}

/* An action, or ACTION_SLOW_PATH of an instance that was not prepared for the packet. */
static __always_inline int relay_as(ctx_t *ctx, enum moves moves, enum relay_path path)
{
	struct packet pkt = { .len = ctx_len(ctx) };
	struct turnpike_nexthop *nexthop;
	const struct turnpike_hop *hop;
	enum turnpike_direction dir;
	struct turnpike_flow *flow;
	enum turnpike_verdict verdict;

	verdict = parse(ctx, &pkt, path);
	if (verdict == NEEDS_SLOW_PATH)
		return ACTION_SLOW_PATH;
	if (verdict != TURNPIKE_RELAYED)
		return pass(ctx, &pkt, verdict, TURNPIKE_DIR_NONE);
	flow = find_flow(&pkt);
	if (!flow)
		return pass(ctx, &pkt, TURNPIKE_NO_FLOW, TURNPIKE_DIR_NONE);
	pkt.out_channel = flow->channel;
	pkt.out_family = flow->family;
	dir = direction(&pkt);
	pkt.out_hlen = pkt.l2_len + ip_hlen(pkt.out_family) + sizeof(struct udphdr) +
		       channel_hlen(pkt.out_channel);
	nexthop = find_nexthop(flow);
	if (!nexthop)
		return pass(ctx, &pkt, TURNPIKE_NO_NEXTHOP, dir);
	pkt.hop = (__u8)nexthop->current;
	hop = chosen_hop(&pkt, nexthop);

	verdict = relay_flow(ctx, &pkt, flow, nexthop, hop, moves, path);
	/* All that is left now is rare; only what has been torn cannot be looked at again. */
	if (path == FAST_PATH && verdict != TURNPIKE_RELAYED && verdict != TURNPIKE_TORN)
		return ACTION_SLOW_PATH;
	if (verdict != TURNPIKE_RELAYED)
		return refuse(ctx, &pkt, verdict, dir);
	count(TURNPIKE_RELAYED, dir, pkt.data_len);
	if (pkt.udp_check && pkt.checksum != CHECKSUM_UPDATE)
		count(TURNPIKE_PARTIAL, dir, pkt.data_len);
	count_flow(flow, pkt.data_len);
	return ctx_send(ctx, hop);
}

#endif /* TURNPIKE_PROGRAMS_RELAY_H */

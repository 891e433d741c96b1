/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The path of one packet: parse it, find its flow and next hop, admit, rewrite, count, send.
 *
 * Include a context (ctx/xdp.h or ctx/tc.h) first. Nothing is written before rewrite(), so a packet
 * that is passed up the stack leaves byte for byte as it came.
 */
#ifndef TURNPIKE_PROGRAMS_RELAY_H
#define TURNPIKE_PROGRAMS_RELAY_H

#ifndef CTX_MOVES_TAIL
#error "include ctx/xdp.h or ctx/tc.h first"
#endif

#include "packet.h"
#include "steps/parse.h"
#include "steps/flow.h"
#include "steps/admit.h"
#include "steps/rewrite.h"
#include "steps/count.h"
#include "steps/notify.h"
#include "stop.h"

/* Not an action: run the packet through the slow path. */
#define ACTION_SLOW_PATH (-100)

/* Pass a packet without a flow or a next hop. */
static __always_inline int pass(const struct packet *pkt, enum turnpike_verdict verdict,
				enum turnpike_direction dir)
{
	count(verdict, dir, pkt->len);
	return (int)CTX_PASS;
}

/* Pass or drop a packet that its flow does not relay, and notify its sender if RFC 8656 says so. */
static __always_inline int pass_or_drop(ctx_t *ctx, const struct packet *pkt,
					enum turnpike_verdict verdict, enum turnpike_direction dir)
{
	const bool notified = turnpike_verdict_is(verdict, TURNPIKE_KIND_NOTIFY);

	if (notified)
		notify(ctx, pkt, verdict);
	count(verdict, dir, pkt->len + pkt->popped * TAG_LEN);
	return notified || turnpike_verdict_is(verdict, TURNPIKE_KIND_DROP) ? (int)CTX_DROP
									    : (int)CTX_PASS;
}

/* Return: the length of all outgoing headers. */
static __always_inline __u32 out_hlen(const struct packet *pkt)
{
	return pkt->l2_len + ip_hlen(pkt->out_family) + sizeof(struct udphdr) +
	       out_framing_hlen(pkt);
}

/* Read, once, the parts of the flow that lengths depend on. */
static __always_inline void read_recipe(struct packet *pkt, const struct turnpike_flow *flow)
{
	pkt->out_framing = flow->framing;
	pkt->out_family = flow->family;
	if (is_indication(pkt->out_framing)) {
		pkt->xor_family = flow->xor_peer.family;
		pkt->out_padding = -pkt->data_len & 3;
	}
	pkt->out_hlen = out_hlen(pkt);
}

/* Global, so that the verifier follows one path and not one for each length: see common.h. */
__noinline int read_recipe_slow(struct packet *pkt, const struct turnpike_flow *flow)
{
	if (!pkt || !flow)
		return -1;
	read_recipe(pkt, flow);
	return 0;
}

/* Has the frame been modified, although it is not relayed? Then it must be dropped. */
static __always_inline bool is_modified(enum turnpike_verdict verdict)
{
	return verdict == TURNPIKE_POLICED || verdict == TURNPIKE_TORN;
}

/* Admit and rewrite the packet, now that its flow and its next hop are known. */
static __always_inline enum turnpike_verdict relay_flow(ctx_t *ctx, struct packet *pkt,
							struct turnpike_flow *flow,
							struct turnpike_nexthop *nexthop,
							enum moves moves, enum relay_path path)
{
	const enum turnpike_verdict verdict = admit(ctx, pkt, flow, chosen_hop(pkt, nexthop), path);

	if (verdict != TURNPIKE_RELAYED)
		return verdict;
	if (is_last(STEP_ADMITTED))
		return STOPPED;
	if (path == FAST_PATH)
		return rewrite(ctx, pkt, flow, nexthop, moves, path);
	return (enum turnpike_verdict)rewrite_slow(ctx, pkt, flow, nexthop, moves);
}

/*
 * relay_packet() - relay one packet, or decide what else becomes of it
 * @moves: the preferred end of the frame, a constant
 * @path:  FAST_PATH or SLOW_PATH, a constant: the compiler drops what the fast path does not need
 *
 * Return: an action of the context, or ACTION_SLOW_PATH.
 */
static __always_inline int relay_packet(ctx_t *ctx, enum moves moves, enum relay_path path)
{
	struct packet pkt = { .len = ctx_len(ctx) };
	struct turnpike_nexthop *nexthop;
	enum turnpike_direction dir;
	const struct turnpike_hop *hop;
	struct turnpike_flow *flow;
	enum turnpike_verdict verdict;

	if (is_last(STEP_ENTERED))
		return (int)CTX_DROP;
	verdict = parse(ctx, &pkt, path);
	if (is_stopped(verdict))
		return (int)CTX_DROP;
	if (verdict == NEEDS_SLOW_PATH)
		return ACTION_SLOW_PATH;
	if (verdict != TURNPIKE_RELAYED)
		return pass(&pkt, verdict, TURNPIKE_DIR_NONE);
	if (is_last(STEP_PARSED))
		return (int)CTX_DROP;

	flow = find_flow(&pkt, path);
	if (!flow)
		return pass(&pkt, TURNPIKE_NO_FLOW, TURNPIKE_DIR_NONE);
	if (path == FAST_PATH)
		read_recipe(&pkt, flow);
	else if (read_recipe_slow(&pkt, flow))
		return (int)CTX_PASS;
	if (path == FAST_PATH && is_indication(pkt.out_framing))
		return ACTION_SLOW_PATH;
	dir = direction(&pkt);
	if (is_last(STEP_FOUND))
		return (int)CTX_DROP;

	nexthop = find_nexthop(flow);
	if (!nexthop)
		return pass(&pkt, TURNPIKE_NO_NEXTHOP, dir);
	if (is_last(STEP_HOP))
		return (int)CTX_DROP;
	pkt.hop = nexthop->current;
	hop = chosen_hop(&pkt, nexthop);

	verdict = relay_flow(ctx, &pkt, flow, nexthop, moves, path);
	if (is_stopped(verdict))
		return (int)CTX_DROP;
	/* Retry on the slow path unless the frame is already modified. */
	if (path == FAST_PATH && verdict != TURNPIKE_RELAYED && !is_modified(verdict))
		return ACTION_SLOW_PATH;
	if (verdict != TURNPIKE_RELAYED)
		return pass_or_drop(ctx, &pkt, verdict, dir);

	if (is_last(STEP_WRITTEN))
		return (int)CTX_DROP;
	count(TURNPIKE_RELAYED, dir, pkt.data_len);
	if (pkt.udp_check && pkt.checksum != CHECKSUM_UPDATE)
		count(TURNPIKE_PARTIAL, dir, pkt.data_len);
	count_flow(flow, pkt.data_len);
	if (is_last(STEP_COUNTED))
		return (int)CTX_DROP;
	return ctx_send(ctx, hop);
}

#endif /* TURNPIKE_PROGRAMS_RELAY_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The story of one packet: parse, find its flow, admit, rewrite, send, count.
 *
 * A context (ctx_xdp.h or ctx_tc.h) is included first. Until rewrite() nothing has been written, so
 * every packet that is passed up the stack leaves byte for byte as it came.
 */
#ifndef TURNPIKE_RELAY_H
#define TURNPIKE_RELAY_H

#ifndef TURNPIKE_CTX_H
#error "include ctx_xdp.h or ctx_tc.h first"
#endif

#include "packet.h"
#include "parse.h"
#include "flow.h"
#include "admit.h"
#include "rewrite.h"
#include "count.h"

static __always_inline int pass(ctx_t *ctx, const struct packet *pkt, enum turnpike_verdict verdict,
				enum turnpike_direction dir)
{
	count(verdict, dir, pkt->len);
	return verdict == TURNPIKE_TORN ? (int)CTX_DROP : (int)CTX_PASS;
}

static __always_inline int relay(ctx_t *ctx, enum moves moves)
{
	struct packet pkt = { .len = ctx_len(ctx) };
	const struct turnpike_hop *hop;
	enum turnpike_direction dir;
	struct turnpike_flow *flow;
	enum turnpike_verdict verdict;

	verdict = parse(ctx, &pkt);
	if (verdict != TURNPIKE_RELAYED)
		return pass(ctx, &pkt, verdict, TURNPIKE_DIR_NONE);

	flow = find_flow(&pkt);
	if (!flow)
		return pass(ctx, &pkt, TURNPIKE_NO_FLOW, TURNPIKE_DIR_NONE);
	hop = find_hop(flow);
	pkt.out_channel = flow->channel;
	pkt.out_family = flow->family;
	dir = direction(&pkt);
	pkt.out_hlen = ETH_HLEN + ip_hlen(pkt.out_family) + sizeof(struct udphdr) +
		       channel_hlen(pkt.out_channel);

	verdict = admit(ctx, &pkt, flow, hop);
	if (verdict != TURNPIKE_RELAYED)
		return pass(ctx, &pkt, verdict, dir);
	verdict = rewrite(ctx, &pkt, flow, hop, moves);
	if (verdict != TURNPIKE_RELAYED)
		return pass(ctx, &pkt, verdict, dir);

	count(TURNPIKE_RELAYED, dir, pkt.data_len);
	if (pkt.udp_check && pkt.checksum != CHECKSUM_UPDATE)
		count(TURNPIKE_PARTIAL, dir, pkt.data_len);
	count_flow(flow, pkt.data_len);
	return ctx_send(ctx, hop);
}

#endif /* TURNPIKE_RELAY_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Packets that are dropped although their sender must hear of it (RFC 8656 section 13: as from a
 * router): the library reads of them, and sends the ICMP errors.
 */
#ifndef TURNPIKE_TELL_H
#define TURNPIKE_TELL_H

#include "maps.h"
#include "packet.h"

static __always_inline void tell(ctx_t *ctx, const struct packet *pkt,
				 enum turnpike_verdict verdict)
{
	struct turnpike_event event = {
		.verdict = verdict,
		.ifindex = config.ifindex,
		.mtu = pkt->told_mtu,
		.l2_len = pkt->l2_len,
		.len = pkt->len < TURNPIKE_EVENT_FRAME ? pkt->len : TURNPIKE_EVENT_FRAME,
	};

	/* The length of what is taken from the frame is in the upper half of the flags. */
	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU | (__u64)event.len << 32, &event,
			      sizeof(event));
}

#endif /* TURNPIKE_TELL_H */

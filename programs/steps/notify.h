/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Packets that are dropped although their sender must hear of it (RFC 8656 section 13: as from a
 * router): the library reads of them, and sends the ICMP errors.
 */
#ifndef TURNPIKE_PROGRAMS_STEPS_NOTIFY_H
#define TURNPIKE_PROGRAMS_STEPS_NOTIFY_H

#include "steps/coarse_time.h"
#include "packet.h"

/*
 * Nobody shall keep the library busy by what is told: who sends a flood is told of some of it. Not
 * inlined, as what follows: see bulk.h.
 */
__noinline bool may_notify(void)
{
	const __u32 index = TURNPIKE_EVENTS_POLICER;
	struct turnpike_policer *limit = bpf_map_lookup_elem(&policers, &index);

	return limit && turnpike_policer_charge(limit, coarse_now(), 1);
}

/*
 * A perf event array would copy the frame by itself, but to open perf events takes CAP_SYS_ADMIN
 * with Debian's kernels, whose kernel.perf_event_paranoid is 3.
 */
__noinline int notify_event(ctx_t *ctx, __u32 verdict, __u32 mtu, __u32 l2_len, __u32 len)
{
	struct turnpike_event_record *told;

	/* Before Linux 6.8 the verifier does not learn from != 0 that there is something. */
	if (len < ETH_HLEN || len > TURNPIKE_EVENT_FRAME || !may_notify())
		return -1;
	told = bpf_ringbuf_reserve(&events, sizeof(*told), 0);
	if (!told)
		return -1;
	told->event = (struct turnpike_event){
		.verdict = verdict,
		.ifindex = config.ifindex,
		.mtu = mtu,
		.l2_len = l2_len,
		.len = len,
	};
	if (ctx_load(ctx, told->frame, len)) {
		bpf_ringbuf_discard(told, 0);
		return -1;
	}
	bpf_ringbuf_submit(told, 0);
	return 0;
}

static __always_inline void notify(ctx_t *ctx, const struct packet *pkt,
				   enum turnpike_verdict verdict)
{
	const __u32 len = pkt->len < TURNPIKE_EVENT_FRAME ? pkt->len : TURNPIKE_EVENT_FRAME;

	notify_event(ctx, verdict, pkt->notify_mtu, pkt->l2_len, len);
}

#endif /* TURNPIKE_PROGRAMS_STEPS_NOTIFY_H */

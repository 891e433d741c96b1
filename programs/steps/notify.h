/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reports dropped packets whose sender must get an ICMP error, as from a router (RFC 8656 section
 * 13). The library reads these events and sends the errors.
 */
#ifndef TURNPIKE_PROGRAMS_STEPS_NOTIFY_H
#define TURNPIKE_PROGRAMS_STEPS_NOTIFY_H

#include "packet.h"
#include "steps/coarse_time.h"

/* Rate-limit ICMP notifications. Global, like notify_event(): see common.h. */
__noinline bool may_notify(void)
{
	const __u32 index = TURNPIKE_EVENTS_POLICER;
	struct turnpike_policer *limit = bpf_map_lookup_elem(&policers, &index);

	return limit && turnpike_policer_charge(limit, coarse_now(), 1);
}

/*
 * Submit an event with the first @len bytes of the frame. The helper of a perf event array would
 * copy them itself, but where kernel.perf_event_paranoid is 3, as in Debian, opening a perf event
 * takes CAP_SYS_ADMIN.
 */
__noinline int notify_event(ctx_t *ctx, __u32 verdict, __u32 mtu, __u32 l2_len, __u32 len)
{
	struct turnpike_event_record *record;

	/* Before Linux 6.8 the verifier does not derive a lower bound from len != 0. */
	if (len < ETH_HLEN || len > TURNPIKE_EVENT_FRAME || !may_notify())
		return -1;
	record = bpf_ringbuf_reserve(&events, sizeof(*record), 0);
	if (!record)
		return -1;
	record->event = (struct turnpike_event){
		.verdict = verdict,
		.ifindex = config.ifindex,
		.mtu = mtu,
		.l2_len = l2_len,
		.len = len,
	};
	if (ctx_load(ctx, record->frame, len)) {
		bpf_ringbuf_discard(record, 0);
		return -1;
	}
	bpf_ringbuf_submit(record, 0);
	return 0;
}

static __always_inline void notify(ctx_t *ctx, const struct packet *pkt,
				   enum turnpike_verdict verdict)
{
	const __u32 len = pkt->len < TURNPIKE_EVENT_FRAME ? pkt->len : TURNPIKE_EVENT_FRAME;

	notify_event(ctx, verdict, pkt->notify_mtu, pkt->l2_len, len);
}

#endif /* TURNPIKE_PROGRAMS_STEPS_NOTIFY_H */

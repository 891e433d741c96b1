/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Is the flow confirmed? The library knows routes and neighbours, but not all that a host does to
 * packets: IPsec, NAT, filters, policy routing. So a flow is relayed here only if the stack was
 * seen to do the same with a packet of it. That packet was passed up, the server relayed it, and
 * the observer (observe.h) saw it leave as the flow says.
 *
 * From time to time, and after a change of the host's rules, the flow is confirmed again. When only
 * time has passed, other packets are relayed meanwhile.
 */
#ifndef TURNPIKE_PROGRAMS_STEPS_CONFIRM_H
#define TURNPIKE_PROGRAMS_STEPS_CONFIRM_H

#include "steps/coarse_time.h"
#include "steps/flow.h"
#include "steps/sample.h"

#define NS_PER_MS 1000000ull

/* A check without an answer ends the confirmation after this time. Until then it is repeated. */
#define CHECK_OVERDUE_NS (1000 * NS_PER_MS)
#define CHECK_AGAIN_NS   (125 * NS_PER_MS)

/*
 * Time between two samples of a flow that is not confirmed. It doubles from a tick to a second: a
 * lost sample must not keep a flow in user space, and a flow that the host treats differently must
 * not cost much.
 */
#define SAMPLE_AGAIN_NS  (4 * NS_PER_MS)
#define SAMPLE_DOUBLINGS 8
#define SAMPLE_MAX_TRIES 255

static __always_inline __u8 dscp_of(const struct packet *pkt)
{
	return pkt->tos >> 2;
}

/* Was the flow confirmed for packets with this DSCP? Routing rules and filters may depend on it. */
static __always_inline bool has_dscp(const struct packet *pkt, const struct turnpike_flow *flow)
{
	return flow->dscps >> dscp_of(pkt) & 1;
}

/* The fast path leaves a flow that may not be confirmed, or that may have expired, to confirm(). */
static __always_inline bool is_due(const struct packet *pkt, const struct turnpike_flow *flow)
{
	if (!config.confirm_ns)
		return coarse_now() >= flow->expires;
	return check_now() >= flow->check_at ||
	       flow->seen != turnpike_seen(config.ifindex, pkt->hop) || !has_dscp(pkt, flow);
}

/* Look at the flow again after @ns, or when it expires: the fast path knows no other time. */
static __always_inline void check_after(struct turnpike_flow *flow, __u64 now, __u64 ns)
{
	const __u64 left = flow->expires - coarse_now();

	flow->check_at = now + (ns < left ? ns : left);
}

static __always_inline bool may_check(void)
{
	const __u32 index = TURNPIKE_CHECKS_POLICER;
	struct turnpike_policer *limit = bpf_map_lookup_elem(&policers, &index);

	return limit && turnpike_policer_charge(limit, coarse_now(), 1);
}

static __always_inline void flow_key(const struct packet *pkt, struct turnpike_sample *sample)
{
	if (is_indication(pkt->framing)) {
		sample->table = TURNPIKE_SENDS;
		send_key(pkt, &sample->send);
	} else if (pkt->family == TURNPIKE_IPV4) {
		sample->table = TURNPIKE_FLOWS4;
		flow_key4(pkt, &sample->key4);
	} else {
		sample->table = TURNPIKE_FLOWS6;
		flow_key6(pkt, &sample->key6);
	}
}

/*
 * Remember the packet, for the observer. @more: see struct turnpike_sample.
 *
 * A packet that IPsec has decrypted tells nothing about plain ones, which the host's policies may
 * refuse. So it confirms nothing, and they go through the stack.
 */
static __always_inline void take_sample(ctx_t *ctx, const struct packet *pkt,
					struct turnpike_flow *flow, __u64 now, bool more)
{
	const enum turnpike_observation arrival = ctx_arrival(ctx);
	struct turnpike_sample sample = {
		.taken = now, .ifindex = config.ifindex, .dscp = dscp_of(pkt), .more = more
	};
	struct turnpike_sample_key key = { .len = (__u16)pkt->data_len, .port = flow->sport };

	if (arrival != TURNPIKE_OBSERVED_NOTHING) {
		flow->observation = arrival;
		return;
	}
	flow_key(pkt, &sample);
	key.hash = sample_hash(ctx, hash_destination(flow->dst, flow->dport, flow->framing),
			       pkt->in_hlen, pkt->data_len);
	bpf_map_update_elem(&samples, &key, &sample, BPF_ANY);
	/* For what leaves encrypted, of which only the socket is known. */
	key.hash = 0;
	key.len = 0;
	bpf_map_update_elem(&samples, &key, &sample, BPF_ANY);
}

static __always_inline bool is_confirmed(const struct packet *pkt, const struct turnpike_flow *flow,
					 __u64 now)
{
	return flow->seen && (__u32)flow->seen == pkt->hop && now < flow->until;
}

/* Of a flow that is not confirmed, take a sample now and then. */
static __always_inline void await_confirmation(ctx_t *ctx, const struct packet *pkt,
					       struct turnpike_flow *flow, __u64 now)
{
	__u32 doublings;

	if (flow->seen) {
		flow->seen = 0;
		flow->tries = 0;
		flow->observation = TURNPIKE_OBSERVED_NOTHING;
	} else if (now < flow->check_at) {
		return;
	}
	doublings = flow->tries < SAMPLE_DOUBLINGS ? flow->tries : SAMPLE_DOUBLINGS;
	check_after(flow, now, SAMPLE_AGAIN_NS << doublings);
	if (flow->tries < SAMPLE_MAX_TRIES)
		flow->tries++;
	take_sample(ctx, pkt, flow, now, false);
}

/*
 * Pass one packet to the stack to have the flow confirmed again. The number of such packets of all
 * flows together is limited. Above the limit, the time between two checks grows.
 *
 * Return: whether this is the packet.
 */
static __always_inline bool check_again(ctx_t *ctx, const struct packet *pkt,
					struct turnpike_flow *flow, __u64 now)
{
	const __u64 later = check_interval() / 4;

	if (!may_check()) {
		flow->until += later;
		check_after(flow, now, later);
		return false;
	}
	if (flow->until > now + CHECK_OVERDUE_NS)
		flow->until = now + CHECK_OVERDUE_NS;
	check_after(flow, now, CHECK_AGAIN_NS);
	take_sample(ctx, pkt, flow, now, false);
	return true;
}

/*
 * confirm() - may this packet of a flow that has not expired be relayed here?
 *
 * Global: see common.h. Return: TURNPIKE_RELAYED, or why it is passed.
 */
__noinline int confirm(ctx_t *ctx, const struct packet *pkt, struct turnpike_flow *flow)
{
	const __u64 now = check_now();
	bool is_others;

	if (!pkt || !flow)
		return TURNPIKE_UNCONFIRMED;
	if (!is_confirmed(pkt, flow, now)) {
		await_confirmation(ctx, pkt, flow, now);
		return TURNPIKE_UNCONFIRMED;
	}
	/*
	 * The flow may have moved to this device: the next check finds out. Spoofed packets must
	 * not cause checks of their own.
	 */
	is_others = flow->seen >> 32 != config.ifindex;
	if (now >= flow->check_at && check_again(ctx, pkt, flow, now))
		return TURNPIKE_CHECKED;
	if (is_others)
		return TURNPIKE_OTHER_DEVICE;
	if (has_dscp(pkt, flow))
		return TURNPIKE_RELAYED;
	if (now >= flow->dscp_at) {
		flow->dscp_at = now + CHECK_AGAIN_NS;
		take_sample(ctx, pkt, flow, now, true);
	}
	return TURNPIKE_UNCONFIRMED;
}

#endif /* TURNPIKE_PROGRAMS_STEPS_CONFIRM_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model_confirm.h"

#define MS 1000000ull

/* The flow is looked at again after @ns, or when it expires. */
static void check_in(const struct carried *p, struct outcome *o, __u64 ns)
{
	const __u64 left = p->s->flow.flow.expires - TESTBED_NOW;

	o->after.check_at = TESTBED_CHECK_NOW + (ns < left ? ns : left);
}

/* Row 22: native XDP never sees a decrypted packet. */
static void sample(const struct carried *p, struct outcome *o)
{
	if (p->s->decrypted && p->s->variant->skb) {
		o->after.observation = p->s->variant->tc ? TURNPIKE_OBSERVED_DECRYPTED
							 : TURNPIKE_OBSERVED_MAY_BE_DECRYPTED;
		return;
	}
	o->sampled = true;
	sample_of(&p->s->flow, p->tos, p->data, o->data_len, o->sample);
}

/* Row 22. */
static void await(const struct carried *p, struct outcome *o)
{
	struct turnpike_flow *after = &o->after;

	if (after->seen) {
		after->seen = 0;
		after->tries = 0;
		after->observation = TURNPIKE_OBSERVED_NOTHING;
	} else if (after->check_at > TESTBED_CHECK_NOW) {
		return;
	}
	check_in(p, o, 4 * MS << (after->tries < 8 ? after->tries : 8));
	if (after->tries < 255)
		after->tries++;
	sample(p, o);
}

/* Row 23. Return: does the limit allow the check? */
static bool check(const struct carried *p, struct outcome *o)
{
	const __u64 in_a_second = TESTBED_CHECK_NOW + 1000 * MS;

	if (p->s->no_checks) {
		o->after.until += TESTBED_CONFIRM_NS / 4;
		check_in(p, o, TESTBED_CONFIRM_NS / 4);
		return false;
	}
	o->checked = true;
	if (o->after.until > in_a_second)
		o->after.until = in_a_second;
	check_in(p, o, 125 * MS);
	sample(p, o);
	return true;
}

/* Row 25. */
static bool has_dscp(const struct carried *p, struct outcome *o)
{
	const struct turnpike_flow *flow = &p->s->flow.flow;

	if (flow->dscps & 1ull << (p->tos >> 2))
		return true;
	if (flow->dscp_at <= TESTBED_CHECK_NOW) {
		sample(p, o);
		o->sample[0].value.more = o->sample[1].value.more = 1;
		o->after.dscp_at = TESTBED_CHECK_NOW + 125 * MS;
	}
	return false;
}

/* Rows 22 to 25. */
enum turnpike_verdict confirmed(const struct carried *p, struct outcome *o)
{
	const struct turnpike_flow *flow = &p->s->flow.flow;

	if (!p->s->variant->confirms)
		return TURNPIKE_RELAYED;
	if (!flow->seen || (__u32)flow->seen != p->s->nexthop.current ||
	    flow->until <= TESTBED_CHECK_NOW) {
		await(p, o);
		return TURNPIKE_UNCONFIRMED;
	}
	if (flow->check_at <= TESTBED_CHECK_NOW && check(p, o))
		return TURNPIKE_CHECKED;
	if (flow->seen >> 32 != TESTBED_IFINDEX)
		return TURNPIKE_OTHER_DEVICE;
	return has_dscp(p, o) ? TURNPIKE_RELAYED : TURNPIKE_UNCONFIRMED;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "vector.h"

#define MS 1000000ull

void vector_confirm(struct turnpike_flow *flow, __u32 publication)
{
	const __u64 left = flow->expires - TESTBED_NOW;

	flow->seen = turnpike_seen(TESTBED_IFINDEX, publication);
	flow->until = TESTBED_CHECK_NOW + 2 * TESTBED_CONFIRM_NS;
	flow->dscps = ~0ull;
	flow->check_at = TESTBED_CHECK_NOW;
	if (flow->expires > TESTBED_NOW)
		flow->check_at += left < TESTBED_CONFIRM_NS ? left : TESTBED_CONFIRM_NS;
	flow->observation = TURNPIKE_OBSERVED_SAME;
	flow->observed_on = TESTBED_IFINDEX;
}

static void forget(struct turnpike_flow *flow, __u64 check_at)
{
	flow->seen = 0;
	flow->check_at = check_at;
	flow->observation = TURNPIKE_OBSERVED_NEXTHOP;
}

static void check(struct turnpike_flow *flow, __u64 check_at, __u64 until)
{
	flow->check_at = check_at;
	flow->until = until;
}

void vector_state(const struct vector *vector, __u32 publication, struct turnpike_flow *flow)
{
	const __u64 now = TESTBED_CHECK_NOW, dscp = 1ull << (vector->in.tos >> 2);

	if (vector->confirmation.life)
		flow->expires = TESTBED_NOW + vector->confirmation.life * MS;
	if (vector->confirmation.state == STATE_NEW)
		return;
	vector_confirm(flow, publication);
	flow->dscps = dscp;
	flow->tries = vector->confirmation.tries;
	switch (vector->confirmation.state) {
	case STATE_CONFIRMED:
	case STATE_NEW:
		break;
	case STATE_WAITING:
		forget(flow, now + 1);
		break;
	case STATE_AWAITED:
		forget(flow, now);
		break;
	case STATE_LAPSED:
		check(flow, now, now);
		break;
	case STATE_CHANGED:
		check(flow, now - 4 * TESTBED_CONFIRM_NS, now - 2 * TESTBED_CONFIRM_NS);
		break;
	case STATE_REPUBLISHED:
		flow->seen += 2;
		break;
	case STATE_DUE:
		flow->check_at = now;
		break;
	case STATE_SHORTENED:
		flow->check_at = 0;
		break;
	case STATE_CHECKING:
		check(flow, now + 1, now + 1);
		break;
	case STATE_CHECKING_DUE:
		check(flow, now, now + 500 * MS);
		break;
	case STATE_OTHER_DSCP:
		flow->dscps = ~dscp;
		flow->dscp_at = now;
		break;
	case STATE_OTHER_DSCP_WAITING:
		flow->dscps = ~dscp;
		flow->dscp_at = now + 1;
		break;
	case STATE_OTHER_DSCP_DUE:
		flow->dscps = ~dscp;
		flow->check_at = now;
		break;
	case STATE_MOVED:
	case STATE_MOVED_DUE:
		flow->seen += turnpike_seen(1, 0);
		if (vector->confirmation.state == STATE_MOVED_DUE)
			flow->check_at = now;
		break;
	}
}

void vector_state_after(const struct vector *vector, struct turnpike_flow *flow)
{
	const struct confirmation *change = &vector->confirmation;

	if (change->ends) {
		flow->seen = 0;
		flow->tries = 0;
		flow->observation = TURNPIKE_OBSERVED_NOTHING;
	}
	if (change->next)
		flow->check_at = TESTBED_CHECK_NOW + change->next * MS;
	if (change->until)
		flow->until = TESTBED_CHECK_NOW + change->until * MS;
	if (change->more)
		flow->dscp_at = TESTBED_CHECK_NOW + 125 * MS;
	else if (change->sampled && vector->verdict == TURNPIKE_UNCONFIRMED && flow->tries < 255)
		flow->tries++;
}

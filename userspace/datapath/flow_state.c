/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "datapath/flow_state.h"

static const enum reason by_wait[TURNPIKE_WAIT_MAX] = {
	[TURNPIKE_WAIT_FLOWS] = REASON_FLOWS,
	[TURNPIKE_WAIT_NEXTHOPS] = REASON_NEXTHOPS,
	[TURNPIKE_WAIT_SETTLING] = REASON_SETTLING,
	[TURNPIKE_WAIT_ERROR] = REASON_ERROR,
};

static const enum reason by_cause[TURNPIKE_CAUSE_MAX] = {
	[TURNPIKE_CAUSE_NONE] = REASON_NONE,
	[TURNPIKE_CAUSE_UNRESOLVED] = REASON_UNRESOLVED,
	[TURNPIKE_CAUSE_NEW] = REASON_NEW,
	[TURNPIKE_CAUSE_AGAIN] = REASON_AGAIN,
	[TURNPIKE_CAUSE_LOCAL] = REASON_LOCAL,
	[TURNPIKE_CAUSE_UNSEEN] = REASON_UNSEEN,
	[TURNPIKE_CAUSE_DEVICE] = REASON_DEVICE,
	[TURNPIKE_CAUSE_NEXTHOP] = REASON_NEXTHOP,
	[TURNPIKE_CAUSE_TAGS] = REASON_TAGS,
	[TURNPIKE_CAUSE_SOURCE] = REASON_SOURCE,
	[TURNPIKE_CAUSE_PORT] = REASON_PORT,
	[TURNPIKE_CAUSE_ENCRYPTED] = REASON_ENCRYPTED,
	[TURNPIKE_CAUSE_ENCAPSULATED] = REASON_ENCAPSULATED,
	[TURNPIKE_CAUSE_DECRYPTED] = REASON_DECRYPTED,
	[TURNPIKE_CAUSE_MAY_BE_DECRYPTED] = REASON_MAY_BE_DECRYPTED,
};

static void explain(struct flow_state *state, enum reason reason, const char *why)
{
	state->reason = reason;
	snprintf(state->why, sizeof(state->why), "%s", why ? why : reason_infos[reason].clause);
}

void flow_state_set(struct flow_state states[static TURN_DIRECTIONS], enum reason reason,
		    const char *why)
{
	for (unsigned int i = 0; i < TURN_DIRECTIONS; i++) {
		states[i] = (struct flow_state){ 0 };
		explain(&states[i], reason, why);
	}
}

static void read_flow(const struct turnpike_flow_info *info, bool is_idle, struct flow_state *state)
{
	*state = (struct flow_state){ .traffic = { info->packets, info->bytes } };
	if (info->expires <= clock_now())
		explain(state, REASON_EXPIRED, NULL);
	else if (is_idle)
		explain(state, REASON_IDLE, NULL);
	else
		explain(state, by_cause[info->cause], info->why);
}

void flow_state_read(struct turnpike *tp, const struct turnpike_binding *binding, bool is_idle,
		     struct flow_state states[static TURN_DIRECTIONS])
{
	struct turnpike_flow_info to_peer, to_client;
	enum turnpike_wait wait;
	const int err = turnpike_binding_flows(tp, binding, &to_peer, &to_client, &wait);

	if (err == -EAGAIN) {
		flow_state_set(states, by_wait[wait], NULL);
	} else if (err) {
		flow_state_set(states, REASON_REFUSED, NULL);
	} else {
		read_flow(&to_peer, is_idle, &states[TURN_TO_PEER]);
		read_flow(&to_client, is_idle, &states[TURN_TO_CLIENT]);
		if (to_peer.direction == TURNPIKE_DIR_HAIRPIN)
			explain(&states[TURN_TO_CLIENT], REASON_HAIRPIN, NULL);
	}
}

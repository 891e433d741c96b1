/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file flow_state.h
 * Whether the kernel relays one direction of a binding.
 */
#ifndef TURNPIKE_DATAPATH_FLOW_STATE_H
#define TURNPIKE_DATAPATH_FLOW_STATE_H

#include <stdbool.h>
#include <turnpike/turnpike.h>

#include "datapath/reason.h"
#include "turn/types.h"

/**
 * struct flow_state
 * @reason:  why the kernel does not relay it; REASON_NONE: it does
 * @why:     the same as a clause, with names
 * @traffic: what the kernel has relayed
 */
struct flow_state {
	enum reason reason;
	char why[sizeof(((struct turnpike_flow_info *)NULL)->why)];
	struct turn_traffic traffic;
};

/**
 * flow_state_set() - neither direction is relayed in the kernel, or has been
 * @why: a clause; NULL: that of @reason
 */
void flow_state_set(struct flow_state states[static TURN_DIRECTIONS], enum reason reason,
		    const char *why);

/**
 * flow_state_read() - the states of a binding that turnpike_bind() has accepted
 * @is_idle: no device relays in the kernel
 */
void flow_state_read(struct turnpike *tp, const struct turnpike_binding *binding, bool is_idle,
		     struct flow_state states[static TURN_DIRECTIONS]);

#endif /* TURNPIKE_DATAPATH_FLOW_STATE_H */

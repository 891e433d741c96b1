/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file session_json.h
 * Allocations and their peers as JSON, with the reasons why the kernel does not relay.
 */
#ifndef TURNPIKE_CONTROL_SESSION_JSON_H
#define TURNPIKE_CONTROL_SESSION_JSON_H

#include <jansson.h>

#include "datapath/datapath.h"
#include "turn/walk.h"

/**
 * session_reason() - why nothing of an allocation is relayed in the kernel, or of some peers
 * @max_pairs: how many pairs one allocation may have
 *
 * Return: REASON_NONE if each peer has reasons of its own.
 */
enum reason session_reason(const struct turn_allocation_info *info, uint32_t max_pairs);

/** session_explain() - the state of a peer's flows, by enum turn_direction */
void session_explain(struct datapath *datapath, const struct turn_peer_info *peer,
		     struct flow_state states[static TURN_DIRECTIONS]);

/** session_json() - an allocation, without peers and traffic */
json_t *session_json(const struct turn_allocation_info *info, enum reason reason);

/** session_peer_json() - a peer */
json_t *session_peer_json(const struct turn_peer_info *peer,
			  const struct flow_state states[static TURN_DIRECTIONS]);

/** session_traffic_json() - "kernel" and "userspace", each by direction */
json_t *session_traffic_json(const struct turn_traffic in_kernel[static TURN_DIRECTIONS],
			     const struct turn_traffic in_user_space[static TURN_DIRECTIONS]);

/** session_remedies_json() - what to do about each reason */
json_t *session_remedies_json(void);

#endif /* TURNPIKE_CONTROL_SESSION_JSON_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <string.h>

#include "turn/methods/checks.h"
#include "turn/state/state.h"

enum turn_reason turn_check_allocation(const struct turn_request *request)
{
	if (!request->alloc)
		return TURN_REASON_NO_ALLOCATION;
	/* Compare names, not keys: the password may have changed since. */
	return strcmp(request->alloc->user->name, request->user->name) == 0
		       ? TURN_REASON_NONE
		       : TURN_REASON_OTHER_USER;
}

enum turn_reason turn_check_peer(const struct turn_request *request,
				 const struct turnpike_addr *peer)
{
	if (!turn_relay_for(request->alloc, peer->family))
		return TURN_REASON_OTHER_FAMILY;
	return turn_policy_allows(request->server->policy, peer) ? TURN_REASON_NONE
								 : TURN_REASON_DENIED_PEER;
}

enum turn_reason turn_why_not_made(int err, enum turn_reason full)
{
	switch (err) {
	case -ENOSPC:
		return full;
	case -ENOMEM:
		return TURN_REASON_NO_MEMORY;
	}
	return TURN_REASON_NO_SOCKET;
}

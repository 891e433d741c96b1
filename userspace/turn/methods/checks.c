/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>

#include "turn/methods/checks.h"
#include "turn/state/state.h"

int turn_check_allocation(const struct turn_request *request)
{
	if (!request->alloc)
		return TURN_ALLOCATION_MISMATCH;
	/* Compare names, not keys: the password may have changed since. */
	return strcmp(request->alloc->user->name, request->user->name) == 0
		       ? 0
		       : TURN_WRONG_CREDENTIALS;
}

int turn_check_peer(const struct turn_request *request, const struct turnpike_addr *peer)
{
	if (!turn_relay_for(request->alloc, peer->family))
		return TURN_PEER_ADDRESS_FAMILY_MISMATCH;
	return turn_policy_allows(request->server->policy, peer) ? 0 : TURN_FORBIDDEN;
}

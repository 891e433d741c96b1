/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "turn/request.h"
#include "turn/state.h"

static int check_family(const struct turn_request *request)
{
	bool v4 = request->alloc->relay.family == TURNPIKE_IPV4;
	uint32_t own = v4 ? STUN_FAMILY_IPV4 : STUN_FAMILY_IPV6;
	uint32_t asked = own;

	if (turn_find_family(request, &asked) == STUN_BAD_REQUEST)
		return STUN_BAD_REQUEST;
	return asked == own ? 0 : TURN_PEER_ADDRESS_FAMILY_MISMATCH;
}

int turn_refresh(struct turn_request *request, struct stun_writer *response)
{
	uint32_t lifetime;
	bool is_zero;
	int code = check_family(request);

	if (!code)
		code = turn_find_lifetime(request, &lifetime, &is_zero);
	if (code)
		return code;
	if (is_zero) {
		turn_allocation_end(request->server, request->alloc, request->now);
		lifetime = 0;
	} else {
		turn_allocation_refresh(request->server, request->alloc, lifetime, request->now);
	}
	stun_write_u32(response, STUN_ATTR_LIFETIME, lifetime);
	return 0;
}

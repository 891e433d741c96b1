/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "turn/methods/methods.h"

enum turn_reason turn_binding(struct turn_request *request, struct stun_writer *response)
{
	stun_write_xor_addr(response, STUN_ATTR_XOR_MAPPED_ADDRESS, &request->tuple->client);
	return 0;
}

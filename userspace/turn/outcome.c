/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "turn/outcome.h"

static const enum stun_method numbers[TURN_METHOD_MAX] = {
	[TURN_METHOD_BINDING] = STUN_BINDING,
	[TURN_METHOD_ALLOCATE] = TURN_ALLOCATE,
	[TURN_METHOD_REFRESH] = TURN_REFRESH,
	[TURN_METHOD_CREATE_PERMISSION] = TURN_CREATE_PERMISSION,
	[TURN_METHOD_CHANNEL_BIND] = TURN_CHANNEL_BIND,
};

const char *const turn_method_names[TURN_METHOD_MAX] = {
	[TURN_METHOD_BINDING] = "Binding",
	[TURN_METHOD_ALLOCATE] = "Allocate",
	[TURN_METHOD_REFRESH] = "Refresh",
	[TURN_METHOD_CREATE_PERMISSION] = "CreatePermission",
	[TURN_METHOD_CHANNEL_BIND] = "ChannelBind",
};

enum turn_method turn_method_find(unsigned int number)
{
	enum turn_method method = TURN_METHOD_BINDING;

	while (method < TURN_METHOD_MAX && numbers[method] != number)
		method++;
	return method;
}

const struct turn_reason_info turn_reasons[TURN_REASON_MAX] = {
#define TURN_REASON_INFO(symbol, its_name, its_code) \
	[TURN_REASON_##symbol] = { .name = (its_name), .code = (its_code) },
	TURN_REASONS(TURN_REASON_INFO)
#undef TURN_REASON_INFO
};

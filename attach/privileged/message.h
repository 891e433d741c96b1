/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the server and its helper send each other: one message of fixed size each way.
 */
#ifndef TURNPIKE_ATTACH_PRIVILEGED_MESSAGE_H
#define TURNPIKE_ATTACH_PRIVILEGED_MESSAGE_H

#include "privileged/privileged.h"

/** struct request - @args: the operation's, and zeros behind them */
struct request {
	__u32 operation;
	__u32 pad;
	__u8 args[OPERATION_ARGS_MAX];
};

/** struct reply - @err: 0 or a negative errno; a descriptor may come with it */
struct reply {
	__s32 err;
	__u32 pad;
	__u8 result[OPERATION_RESULT_MAX];
};

/** struct greeting - the helper's first message; @err: why it ends */
struct greeting {
	__s32 err;
	__u32 pad;
	__u64 capabilities;
};

#endif /* TURNPIKE_ATTACH_PRIVILEGED_MESSAGE_H */

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

/**
 * struct greeting - the helper's first message, which never changes
 * @err:          why it ends
 * @abi, @version: TURNPIKE_ABI_VERSION and TURNPIKE_VERSION_NUM of the helper
 * @n_operations: N_OPERATIONS
 * @pid:          its process id
 * @capabilities: a bit for each
 *
 * The other messages may differ between versions.
 */
struct greeting {
	__s32 err;
	__u32 abi;
	__u32 version;
	__u32 n_operations;
	__s32 pid;
	__u32 pad;
	__u64 capabilities;
};

#endif /* TURNPIKE_ATTACH_PRIVILEGED_MESSAGE_H */

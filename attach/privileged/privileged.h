/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The few operations that need privileges. Each is a function with arguments and a result of fixed
 * size, and no pointers in them. Either this process runs them, or a helper that has the privileges
 * in its place: then arguments and results travel over a socket, and descriptors with them. There
 * is one code path: who calls an operation does not know where it runs.
 *
 * An operation may run in the helper for a server that an attacker has taken over. So it checks
 * its arguments as those of a stranger: ranges, indexes, and that names end.
 */
#ifndef TURNPIKE_ATTACH_PRIVILEGED_PRIVILEGED_H
#define TURNPIKE_ATTACH_PRIVILEGED_PRIVILEGED_H

#include <linux/types.h>
#include <netlink/netlink.h>
#include <stdbool.h>
#include <sys/types.h>

struct instances;
struct maps;
struct watch;

/** All operations: see operations.c. */
enum operation_id {
	OPERATION_MAKE_MAPS,          /* create the maps, before any other operation */
	OPERATION_SHARE_MAP,          /* get the descriptor of one */
	OPERATION_OPEN_ICMP,          /* open a raw socket for ICMP errors */
	OPERATION_OPEN_NOTIFICATIONS, /* open a socket for notifications over netlink */
	OPERATION_LOAD,               /* load a program */
	OPERATION_ATTACH,             /* attach it */
	OPERATION_IS_ATTACHED,        /* is it still attached? */
	OPERATION_EXCHANGE,           /* replace one by another */
	OPERATION_CLOSE,              /* detach and unload it */
	OPERATION_FIND_OWNER,         /* whose program is attached? */
	OPERATION_SWEEP,              /* remove what a relay that was killed has left */
	OPERATION_READ_OWNERS,        /* which programs does a device have? */
	OPERATION_COUNT_VLANS,        /* how many VLAN devices does it have? */
	OPERATION_READ_KERNEL,        /* what can the kernel load? */
	OPERATION_READ_LINK,          /* what is a device of another network namespace? */
	OPERATION_TRY,                /* watch a trial */
	OPERATION_WATCH,              /* count the frames that drivers lose */
	OPERATION_LIST_POLICIES,      /* does an IPsec policy require a tunnel? */
	OPERATION_USE,                /* let the kernel resolve and verify neighbours */
	OPERATION_SET_EXPIRY,         /* change the expiry of a flow in place */
	OPERATION_READ_TICKS,         /* when were jiffies 0? */
	N_OPERATIONS,
};

/** Bytes of the arguments and of the result of any operation, at most. */
#define OPERATION_ARGS_MAX   1024
#define OPERATION_RESULT_MAX 1024

/**
 * struct privileged - begin with PRIVILEGED_NONE
 * @maps:      where operations run; NULL: not made yet
 * @sock:      for requests of this process over rtnetlink
 * @instances: programs, where operations run; see attachment.c
 * @watch:     where operations run; NULL: not opened yet
 * @socket:    to the helper; -1: operations run in this process
 * @helper:    process id of the helper, which need not be a child; 0: none
 * @capabilities: of the helper, a bit for each
 * @lost:      why the helper is lost, a clause for people; NULL: it is not
 */
struct privileged {
	struct maps *maps;
	struct nl_sock *sock;
	struct instances *instances;
	struct watch *watch;
	int socket;
	pid_t helper;
	__u64 capabilities;
	const char *lost;
};

#define PRIVILEGED_NONE      \
	(struct privileged)  \
	{                    \
		.socket = -1 \
	}

/**
 * struct operation
 * @run: does it. *@fd is -1, or becomes a descriptor that the caller gets, and closes. Returns 0 or
 *       a negative errno; then @result and @fd do not matter
 */
struct operation {
	enum operation_id id;
	__u32 args_size;
	__u32 result_size;
	int (*run)(struct privileged *privileged, const void *args, void *result, int *fd);
};

/** OPERATION() - defines struct operation @NAME for a function with typed arguments */
#define OPERATION(NAME, ID, RUN, ARGS, RESULT)                                        \
	_Static_assert(sizeof(ARGS) <= OPERATION_ARGS_MAX, "arguments are too long"); \
	_Static_assert(sizeof(RESULT) <= OPERATION_RESULT_MAX, "result is too long"); \
	const struct operation NAME = {                                               \
		.id = (ID),                                                           \
		.args_size = sizeof(ARGS),                                            \
		.result_size = sizeof(RESULT),                                        \
		.run = (RUN),                                                         \
	}

/** struct nothing - of operations without result */
struct nothing {
	char none;
};

/**
 * privileged_call() - run an operation, here or in the helper
 * @result: untouched after an error
 * @fd:     NULL: the operation has no descriptor
 *
 * The helper has PRIVILEGED_SECONDS for each operation. If it is late or dead, it counts as lost:
 * it is killed if it is late, and its programs are detached.
 *
 * Return: 0; a negative errno of the operation; -EOWNERDEAD: the helper is lost.
 */
int privileged_call(struct privileged *privileged, const struct operation *operation,
		    const void *args, void *result, int *fd);

#define PRIVILEGED_SECONDS 30

/**
 * privileged_receive() - wait for a message of the helper, for PRIVILEGED_SECONDS at most
 * @ret: the descriptor that came with it, to be closed; -1: none. Untouched after an error
 *
 * Return: 0; -ETIMEDOUT; -EPIPE: the helper has ended, or the message has another size.
 */
int privileged_receive(const struct privileged *privileged, void *message, size_t size, int *ret);

/** privileged_check() - has the helper been lost? Never waits. */
bool privileged_check(struct privileged *privileged);

/**
 * privileged_close() - let the helper detach everything and end, and wait for that; it is killed if
 *                      it takes longer than PRIVILEGED_SECONDS
 *
 * A helper that is lost already is only waited for.
 */
void privileged_close(struct privileged *privileged);

#endif /* TURNPIKE_ATTACH_PRIVILEGED_PRIVILEGED_H */

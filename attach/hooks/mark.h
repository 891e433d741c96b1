/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Marks tell relays on a device of each other, and of what a dead one has left.
 *
 * A mark is a file in /run/turnpike/locks.UID, which only that user and root can enter, so that no
 * other user can take it. The file belongs to a network namespace (SO_NETNS_COOKIE), like the
 * device; the kernel unlocks it with the process. It keeps the id of the program that its holder
 * attached: whoever finds it unlocked knows that this program is left over.
 *
 * Relays with another /run, as in containers that share a network namespace, and relays of other
 * users cannot see it. For them the holder also binds an abstract socket, whose name is visible in
 * the network namespace. Any user could bind it first, so it only ever delays a removal: a program
 * without a record is taken to be left over if nobody has the name.
 *
 * A user who can have no such directory has the name alone.
 */
#ifndef TURNPIKE_ATTACH_HOOKS_MARK_H
#define TURNPIKE_ATTACH_HOOKS_MARK_H

#include <linux/types.h>
#include <stdbool.h>
#include <sys/types.h>

/** MARKED_PROGRAM - in place of the name of a program that is known by its mark only */
#define MARKED_PROGRAM "relay_xdp"

/**
 * MARK_XDP - name that is bound while a relay holds the XDP hook
 *
 * Only CAP_SYS_ADMIN may see the name of another process' program; this tells every process that it
 * is a relay's. It is for people only, as any process can bind it.
 */
#define MARK_XDP "xdp"

/** struct mark - a mark that this process holds */
struct mark {
	int file; /* -1: the user has no directory for it */
	int name; /* -1: another process has it */
	__u32 id; /* the program that a dead holder has left; 0: none is known */
	char path[128];
};

#define MARK_NONE                               \
	{                                       \
		.file = -1, .name = -1, .id = 0 \
	}

/** mark_set_user() - the user whose directory is used, which root makes. At first: the present one
 */
void mark_set_user(uid_t uid);

/** mark_make_directory() - make it while this process still can; mark_take() reports errors */
void mark_make_directory(void);

/**
 * mark_take() - mark a device, or whatever @number stands for, until mark_drop() or the end of the
 *               process
 * @what: at most 32 characters
 *
 * Return: 0; -EADDRINUSE: another process has the mark; or another negative errno.
 */
int mark_take(const char *what, __u32 number, struct mark *ret);

/** mark_record() - note what is attached, for whoever comes after a sudden end */
void mark_record(const struct mark *mark, __u32 prog_id);

/** mark_is_left() - was the attached program @prog_id left by a process that is dead? */
bool mark_is_left(const struct mark *mark, __u32 prog_id);

/** mark_drop() - give a mark back; nothing is left */
void mark_drop(struct mark *mark);

/** mark_is_set() - has any process the mark? */
bool mark_is_set(const char *what, __u32 number);

/** name_bind() - bind the name alone. Return: a descriptor to be closed, or a negative errno. */
int name_bind(const char *what, __u32 number);

/** name_is_bound() - has any process, of whatever user, bound the name? */
bool name_is_bound(const char *what, __u32 number);

#endif /* TURNPIKE_ATTACH_HOOKS_MARK_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The mark that a relay leaves while it holds the XDP hook of a device. Only CAP_SYS_ADMIN may see
 * the name of another process' program; the mark tells every process that it is a relay's. It is
 * the name of an abstract socket: like the device it belongs to the network namespace, and the
 * kernel removes it with the process.
 */
#ifndef TURNPIKE_ATTACH_HOOKS_MARK_H
#define TURNPIKE_ATTACH_HOOKS_MARK_H

#include <linux/types.h>
#include <stdbool.h>

/** MARKED_PROGRAM - in place of the name of a program that is known by its mark only */
#define MARKED_PROGRAM "relay_xdp"

/** mark_set() - mark a device. Return: a descriptor to be closed, or -1 if that fails. */
int mark_set(__u32 ifindex);

/** mark_is_set() - has any process marked the device? */
bool mark_is_set(__u32 ifindex);

#endif /* TURNPIKE_ATTACH_HOOKS_MARK_H */

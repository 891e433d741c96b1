/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Marks of a relay on a device. A mark is the name of an abstract socket: like the device it
 * belongs to the network namespace, only one socket has it, and the kernel removes it with the
 * process.
 */
#ifndef TURNPIKE_ATTACH_HOOKS_MARK_H
#define TURNPIKE_ATTACH_HOOKS_MARK_H

#include <linux/types.h>
#include <stdbool.h>

/**
 * MARK_XDP - set while a relay holds the XDP hook
 *
 * Only CAP_SYS_ADMIN may see the name of another process' program; the mark tells every process
 * that it is a relay's.
 */
#define MARK_XDP "xdp"

/** MARKED_PROGRAM - in place of the name of a program that is known by its mark only */
#define MARKED_PROGRAM "relay_xdp"

/**
 * mark_set() - mark a device
 * @what: at most 64 characters
 *
 * Return: a descriptor to be closed; -EADDRINUSE: the mark is set already; or another negative
 * errno.
 */
int mark_set(const char *what, __u32 ifindex);

/** mark_is_set() - has any process marked the device? */
bool mark_is_set(const char *what, __u32 ifindex);

#endif /* TURNPIKE_ATTACH_HOOKS_MARK_H */

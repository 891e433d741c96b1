/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file unix_socket.h
 * Both ends of a UNIX stream socket with a name in the file system.
 */
#ifndef TURNPIKE_CONTROL_UNIX_SOCKET_H
#define TURNPIKE_CONTROL_UNIX_SOCKET_H

#include <sys/types.h>

/**
 * unix_connect() - connect, with a patience of some seconds for this and all that follows
 *
 * Return: 0 or a negative errno: -EAGAIN if the other side is too busy, -ENAMETOOLONG.
 */
int unix_connect(const char *path, int *ret);

/**
 * unix_listen() - listen, non-blocking, at a socket that owner and group may use
 * @uid, @gid: that are the owner and group; -1: those that make it
 *
 * A directory that is missing is made and theirs, too, and a socket that nobody listens at is
 * replaced.
 *
 * Return: 0 or a negative errno: -EADDRINUSE if somebody listens at @path, -EEXIST if it is no
 * socket.
 */
int unix_listen(const char *path, uid_t uid, gid_t gid, int *ret);

#endif /* TURNPIKE_CONTROL_UNIX_SOCKET_H */

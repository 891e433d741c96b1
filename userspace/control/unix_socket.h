/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file unix_socket.h
 * Both ends of a UNIX socket with a path name.
 */
#ifndef TURNPIKE_CONTROL_UNIX_SOCKET_H
#define TURNPIKE_CONTROL_UNIX_SOCKET_H

#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>

/** unix_set_timeout() - seconds for each later call that sends or receives; 0: no limit */
void unix_set_timeout(int fd, time_t seconds);

/**
 * unix_connect() - connect with a timeout of some seconds, which also applies to later I/O
 * @type: SOCK_STREAM or SOCK_SEQPACKET
 *
 * Return: 0 or a negative errno: -EAGAIN if the peer is too busy, -ENAMETOOLONG.
 */
int unix_connect(const char *path, int type, int *ret);

/**
 * unix_listen() - create a non-blocking listening stream socket for one owner and group
 * @uid, @gid: owner and group; -1: those of the process
 *
 * Creates a missing directory with the same owner and group. Replaces a socket that no one listens
 * on.
 *
 * Return: 0 or a negative errno: -EADDRINUSE if another process listens on @path, -EEXIST if @path
 * is not a socket.
 */
int unix_listen(const char *path, uid_t uid, gid_t gid, int *ret);

#endif /* TURNPIKE_CONTROL_UNIX_SOCKET_H */

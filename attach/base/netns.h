/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Network namespaces by their cookies, which are never used again, other than inodes (Linux 5.14).
 */
#ifndef TURNPIKE_ATTACH_BASE_NETNS_H
#define TURNPIKE_ATTACH_BASE_NETNS_H

#include <linux/types.h>

/** netns_of_socket() - that of a socket. Return: 0, or a negative errno of getsockopt(2). */
int netns_of_socket(int socket, __u64 *ret);

/** netns_here() - that of the calling thread. Return: 0 or a negative errno. */
int netns_here(__u64 *ret);

#endif /* TURNPIKE_ATTACH_BASE_NETNS_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/netns.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

int netns_of_socket(int socket, __u64 *ret)
{
	socklen_t len = sizeof(*ret);

	return getsockopt(socket, SOL_SOCKET, SO_NETNS_COOKIE, ret, &len) ? -errno : 0;
}

int netns_here(__u64 *ret)
{
	const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	err = netns_of_socket(fd, ret);
	close(fd);
	return err;
}

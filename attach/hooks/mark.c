/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "hooks/mark.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int mark_set(const char *what, __u32 ifindex)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	snprintf(addr.sun_path + 1, sizeof(addr.sun_path) - 1, "turnpike-%s-%u", what, ifindex);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

bool mark_is_set(const char *what, __u32 ifindex)
{
	const int fd = mark_set(what, ifindex);

	if (fd >= 0)
		close(fd);
	return fd == -EADDRINUSE;
}

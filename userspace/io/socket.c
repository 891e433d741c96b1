/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "addr.h"
#include "io/socket.h"

struct option {
	int level;
	int name;
	int value;
};

/* RFC 8656 section 14: without Don't Fragment, in the absence of a way to copy it. */
static const struct option options_v4[] = {
	{ IPPROTO_IP, IP_RECVTOS, 1 },
	{ IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT },
	{ 0 },
};

static const struct option options_v6[] = {
	{ IPPROTO_IPV6, IPV6_V6ONLY, 1 },
	{ IPPROTO_IPV6, IPV6_RECVTCLASS, 1 },
	{ IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT },
	{ 0 },
};

static int set_options(int fd, const struct option *option)
{
	for (; option->name; option++) {
		if (setsockopt(fd, option->level, option->name, &option->value,
			       sizeof(option->value)))
			return -errno;
	}
	return 0;
}

/* Without the capability to force it, the system's maximum has to do. */
static void set_receive_buffer(int fd, int bytes)
{
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

static int set_up(int fd, const struct turnpike_addr *addr, int receive_bytes)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(addr, &sa);
	int err;

	err = set_options(fd, addr->family == TURNPIKE_IPV4 ? options_v4 : options_v6);
	if (err)
		return err;
	set_receive_buffer(fd, receive_bytes);
	return bind(fd, (const struct sockaddr *)&sa, len) ? -errno : 0;
}

int socket_open(const struct turnpike_addr *addr, int receive_bytes, int *fd)
{
	int family = addr->family == TURNPIKE_IPV4 ? AF_INET : AF_INET6;
	int result = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	if (result < 0)
		return -errno;
	err = set_up(result, addr, receive_bytes);
	if (err) {
		close(result);
		return err;
	}
	*fd = result;
	return 0;
}

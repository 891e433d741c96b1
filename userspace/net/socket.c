/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "net/socket.h"

/** Connections that wait to be accepted. All of them are, at once, and other clients wait
 * meanwhile. */
#define BACKLOG 512

struct option {
	int level;
	int name;
	int value;
};

/*
 * IPv4 and the path MTU. What we send must be without Don't Fragment (RFC 8656 section 14, in the
 * absence of a way to copy it). But packets that the kernel relays have their sender's, and lead to
 * Fragmentation Needed, which finds these sockets by its ports. Then the kernel has to learn the
 *path MTU, since the next hops are made from that, and we have to be told, for the client (section
 * 11.5). No value of IP_MTU_DISCOVER does all three (__udp4_lib_err() and __ip_make_skb() in Linux
 * 5.15 to 6.18):
 *
 *	DONT             no DF     learns     is not told
 *	OMIT, INTERFACE  no DF     does not   is told
 *	WANT             sets DF   learns     is told
 *	DO, PROBE        set DF    learn      are told
 *
 * So the sockets rest at WANT and are at DONT for as long as they send. An error that comes right
 * then is learned and not told; the next one will be. Where the kernel relays nothing, DONT does,
 * until a client asks for DF: packets without it lead to no such errors.
 *
 * In IPv6, which has no such bit, DONT is told and learns (__udp6_lib_err()).
 */
static const struct option options_v4[] = {
	{ IPPROTO_IP, IP_RECVTOS, 1 },
	{ IPPROTO_IP, IP_RECVERR, 1 },
	{ 0 },
};

static const struct option options_shared[] = {
	{ SOL_SOCKET, SO_REUSEPORT, 1 },
	{ 0 },
};

static const struct option options_v6[] = {
	{ IPPROTO_IPV6, IPV6_V6ONLY, 1 },
	{ IPPROTO_IPV6, IPV6_RECVTCLASS, 1 },
	{ IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT },
	{ IPPROTO_IPV6, IPV6_RECVERR, 1 },
	{ 0 },
};

/*
 * Accepted sockets inherit these. What waits to be sent waits in user space, where it can be
 * dropped when it is too much, and not behind megabytes in the kernel.
 */
static const struct option options_stream[] = {
	{ SOL_SOCKET, SO_REUSEADDR, 1 },
	{ IPPROTO_TCP, TCP_NODELAY, 1 },
	{ IPPROTO_TCP, TCP_NOTSENT_LOWAT, 128 << 10 },
	{ 0 },
};

static const struct option options_stream_v6[] = {
	{ IPPROTO_IPV6, IPV6_V6ONLY, 1 },
	{ 0 },
};

static void set_discovery(int fd, int family, int value)
{
	if (family == TURNPIKE_IPV4)
		setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &value, sizeof(value));
}

/* PROBE and not DO, so that a client is told each time, and not only until the kernel has learned.
 */
void socket_before_sending(int fd, int family, bool dont_fragment)
{
	set_discovery(fd, family, dont_fragment ? IP_PMTUDISC_PROBE : IP_PMTUDISC_DONT);
}

void socket_after_sending(int fd, int family)
{
	set_discovery(fd, family, IP_PMTUDISC_WANT);
}

void socket_adapt(int fd, int family, bool in_kernel)
{
	const int merge = !in_kernel;

	set_discovery(fd, family, in_kernel ? IP_PMTUDISC_WANT : IP_PMTUDISC_DONT);
	setsockopt(fd, IPPROTO_UDP, UDP_GRO, &merge, sizeof(merge));
}

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

static int set_up(int fd, const struct turnpike_addr *addr, bool shares, int receive_bytes)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(addr, &sa);
	int err;

	err = set_options(fd, addr->family == TURNPIKE_IPV4 ? options_v4 : options_v6);
	if (!err && shares)
		err = set_options(fd, options_shared);
	if (err)
		return err;
	set_receive_buffer(fd, receive_bytes);
	return bind(fd, (const struct sockaddr *)&sa, len) ? -errno : 0;
}

int socket_open(const struct turnpike_addr *addr, bool shares, int receive_bytes, bool in_kernel,
		int *fd)
{
	int result = socket(addr->family == TURNPIKE_IPV4 ? AF_INET : AF_INET6,
			    SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	if (result < 0)
		return -errno;
	err = set_up(result, addr, shares, receive_bytes);
	if (err) {
		close(result);
		return err;
	}
	socket_adapt(result, addr->family, in_kernel);
	*fd = result;
	return 0;
}

static int set_up_stream(int fd, const struct turnpike_addr *addr, bool shares)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(addr, &sa);
	int err = set_options(fd, options_stream);

	if (!err && addr->family == TURNPIKE_IPV6)
		err = set_options(fd, options_stream_v6);
	if (!err && shares)
		err = set_options(fd, options_shared);
	if (err)
		return err;
	if (bind(fd, (const struct sockaddr *)&sa, len) || listen(fd, BACKLOG))
		return -errno;
	return 0;
}

int socket_listen(const struct turnpike_addr *addr, bool shares, int *fd)
{
	int result = socket(addr->family == TURNPIKE_IPV4 ? AF_INET : AF_INET6,
			    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	if (result < 0)
		return -errno;
	err = set_up_stream(result, addr, shares);
	if (err)
		close(result);
	else
		*fd = result;
	return err;
}

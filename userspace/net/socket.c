/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "net/broker.h"
#include "net/socket.h"

/** Length of the accept queue. libevent accepts all of it at once, while other clients wait. */
#define BACKLOG 512

struct option {
	int level;
	int name;
	int value;
};

/*
 * IPv4 and the path MTU.
 *
 * Datagrams from these sockets must not have the DF bit, since user space cannot copy it (RFC 8656
 * section 14). Packets that the kernel relays keep the sender's DF bit, and cause Fragmentation
 * Needed errors, which Linux delivers to these sockets, because it finds them by the quoted ports.
 * Such an error must update the path MTU, from which the next hops are made. It must also be queued
 * for the socket, so that the client can be notified (section 11.5). No value of IP_MTU_DISCOVER
 * does all three (__udp4_lib_err() and __ip_make_skb() in Linux 5.15 to 6.18):
 *
 *	                 DF bit    path MTU   error
 *	DONT             clear     updated    not queued
 *	OMIT, INTERFACE  clear     unchanged  queued
 *	WANT             set       updated    queued
 *	DO, PROBE        set       updated    queued
 *
 * So the sockets have WANT, and DONT only while they send. An error that arrives meanwhile updates
 * the path MTU without being queued; the next one is queued. If the kernel relays nothing, DONT is
 * enough until a client requests DF, because datagrams without it cause no such errors.
 *
 * IPv6 has no DF bit; with DONT the path MTU is updated and the error is queued (__udp6_lib_err()).
 */
static const struct option options_v4[] = {
	{ IPPROTO_IP, IP_RECVTOS, 1 },
	{ IPPROTO_IP, IP_RECVTTL, 1 },
	{ IPPROTO_IP, IP_RECVERR, 1 },
	{ 0 },
};

static const struct option options_reuseport[] = {
	{ SOL_SOCKET, SO_REUSEPORT, 1 },
	{ 0 },
};

static const struct option options_v6[] = {
	{ IPPROTO_IPV6, IPV6_V6ONLY, 1 },
	{ IPPROTO_IPV6, IPV6_RECVTCLASS, 1 },
	{ IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1 },
	{ IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT },
	{ IPPROTO_IPV6, IPV6_RECVERR, 1 },
	{ 0 },
};

/*
 * Accepted sockets inherit these. TCP_NOTSENT_LOWAT keeps unsent data in user space, which can drop
 * it when there is too much, instead of in megabytes of kernel buffers.
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

/*
 * PROBE instead of DO: each datagram that is too big causes an ICMP error for the client, not only
 * the first one.
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

static int set_up(int fd, const struct turnpike_addr *addr, bool reuseport, int receive_bytes)
{
	int err = set_options(fd, addr->family == TURNPIKE_IPV4 ? options_v4 : options_v6);

	if (!err && reuseport)
		err = set_options(fd, options_reuseport);
	if (err)
		return err;
	broker_set_receive_buffer(fd, receive_bytes);
	return broker_bind(fd, addr);
}

int socket_open(const struct turnpike_addr *addr, bool reuseport, int receive_bytes, bool in_kernel,
		int *fd)
{
	int result = socket(addr->family == TURNPIKE_IPV4 ? AF_INET : AF_INET6,
			    SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	if (result < 0)
		return -errno;
	err = set_up(result, addr, reuseport, receive_bytes);
	if (err) {
		close(result);
		return err;
	}
	socket_adapt(result, addr->family, in_kernel);
	*fd = result;
	return 0;
}

static int set_up_stream(int fd, const struct turnpike_addr *addr, bool reuseport)
{
	int err = set_options(fd, options_stream);

	if (!err && addr->family == TURNPIKE_IPV6)
		err = set_options(fd, options_stream_v6);
	if (!err && reuseport)
		err = set_options(fd, options_reuseport);
	if (!err)
		err = broker_bind(fd, addr);
	if (!err && listen(fd, BACKLOG))
		err = -errno;
	return err;
}

int socket_listen(const struct turnpike_addr *addr, bool reuseport, int *fd)
{
	int result = socket(addr->family == TURNPIKE_IPV4 ? AF_INET : AF_INET6,
			    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	if (result < 0)
		return -errno;
	err = set_up_stream(result, addr, reuseport);
	if (err)
		close(result);
	else
		*fd = result;
	return err;
}

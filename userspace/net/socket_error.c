/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <time.h> /* errqueue.h needs struct timespec but does not include it */

#include <linux/errqueue.h>
#include <linux/icmp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/addr.h"
#include "net/socket_error.h"

/** Control messages of an error: it with the address of its sender, the traffic class, the TTL. */
union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(struct sock_extended_err) + sizeof(struct sockaddr_in6)) +
		   2 * CMSG_SPACE(sizeof(int))];
};

static bool find_error(struct msghdr *message, struct sock_extended_err *ret)
{
	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header;
	     header = CMSG_NXTHDR(message, header)) {
		if ((header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_RECVERR) ||
		    (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_RECVERR)) {
			memcpy(ret, CMSG_DATA(header), sizeof(*ret));
			return true;
		}
	}
	return false;
}

static bool is_icmp(const struct sock_extended_err *error)
{
	return error->ee_origin == SO_EE_ORIGIN_ICMP || error->ee_origin == SO_EE_ORIGIN_ICMP6;
}

/*
 * Local errors have no ICMP message. Only one concerns the client: the datagram has DF and exceeds
 * the MTU of this host's link. Convert that to the error that a router would send.
 */
static bool convert_local(struct sock_extended_err *error, const struct turnpike_addr *to)
{
	if (error->ee_origin != SO_EE_ORIGIN_LOCAL || error->ee_errno != EMSGSIZE ||
	    to->family != TURNPIKE_IPV4)
		return false;
	error->ee_type = ICMP_DEST_UNREACH;
	error->ee_code = ICMP_FRAG_NEEDED;
	return true;
}

bool socket_error_next(int fd, struct socket_error *ret)
{
	struct sockaddr_storage to;
	struct sock_extended_err error;
	union control control;
	struct msghdr message;

	do {
		message = (struct msghdr){
			.msg_name = &to,
			.msg_namelen = sizeof(to),
			.msg_control = &control,
			.msg_controllen = sizeof(control),
		};
		if (recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
			return false;
	} while (!find_error(&message, &error) || addr_from_sockaddr(&to, &ret->to) ||
		 !(is_icmp(&error) || convert_local(&error, &ret->to)));
	ret->icmp = (struct turn_icmp){
		.type = error.ee_type,
		.code = error.ee_code,
		.mtu = error.ee_info,
	};
	ret->is_too_big = error.ee_errno == EMSGSIZE;
	return true;
}

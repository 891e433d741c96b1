/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "host/host_route.h"

#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "base/addr.h"
#include "host/host_netlink.h"

/* From 1.66.66.66 to 222.66.66.66; 127.66.66.66 is no other machine's. */
static struct turnpike_addr destination_v4(unsigned int i)
{
	return (struct turnpike_addr){
		.ip = { (__u8)(1 + i * 221 / (HOST_ROUTE_SAMPLES - 1)), 66, 66, 66 },
		.family = TURNPIKE_IPV4,
	};
}

/* In the blocks of the five regional registries, 2400::/12, 2600::/12, 2800::/12, ... */
static struct turnpike_addr destination_v6(unsigned int i)
{
	return (struct turnpike_addr){
		.ip = { (__u8)(0x24 + 2 * (i % 5)), (__u8)(i / 5), 0x42, 0x42, [15] = 1 },
		.family = TURNPIKE_IPV6,
	};
}

static int on_route(struct nl_msg *msg, void *arg)
{
	const struct rtmsg *route = nlmsg_data(nlmsg_hdr(msg));
	const struct nlattr *oif = nlmsg_find_attr(nlmsg_hdr(msg), sizeof(*route), RTA_OIF);

	if (route->rtm_type == RTN_UNICAST && oif)
		*(unsigned int *)arg = nla_get_u32(oif);
	return NL_OK;
}

static struct nl_msg *request(const struct turnpike_addr *src, const struct turnpike_addr *dst)
{
	const size_t len = addr_len(dst);
	const unsigned char bits = (unsigned char)(8 * len), udp = IPPROTO_UDP;
	struct rtmsg header = { .rtm_family = len == 4 ? AF_INET : AF_INET6,
				.rtm_dst_len = bits,
				.rtm_src_len = bits };
	struct nl_msg *msg = host_netlink_request(RTM_GETROUTE, 0, &header, sizeof(header));

	if (msg &&
	    (nla_put(msg, RTA_DST, (int)len, dst->ip) || nla_put(msg, RTA_SRC, (int)len, src->ip) ||
	     nla_put(msg, RTA_IP_PROTO, sizeof(udp), &udp))) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

unsigned int host_route_sample(struct nl_sock *sock, const struct turnpike_addr *src,
			       unsigned int i)
{
	const struct turnpike_addr dst =
		src->family == TURNPIKE_IPV4 ? destination_v4(i) : destination_v6(i);
	unsigned int ifindex = 0;

	return host_netlink_ask(sock, request(src, &dst), on_route, &ifindex) ? 0 : ifindex;
}

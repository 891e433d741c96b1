/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <string.h>

#include "base/checksum.h"
#include "net/icmp_sender.h"

#define HLEN 8 /* of an ICMP error, either family */

/* RFC 1812 section 4.3.2.3: 576 bytes with the IP header. */
#define IPV4_QUOTE_MAX (576 - sizeof(struct iphdr) - HLEN)
#define IPV6_QUOTE_MAX (ICMP_ERROR_MAX - HLEN)

static void quote(const __u8 *packet, size_t len, size_t max, struct icmp_error *error)
{
	error->len = (__u32)(HLEN + (len < max ? len : max));
	memcpy(error->bytes + HLEN, packet, error->len - HLEN);
}

static int build4(const struct turnpike_event *event, const __u8 *packet, size_t len,
		  struct icmp_error *error)
{
	const bool ttl = event->verdict == TURNPIKE_TTL;
	struct icmphdr icmp = { .type = ttl ? ICMP_TIME_EXCEEDED : ICMP_DEST_UNREACH,
				.code = ttl ? ICMP_EXC_TTL : ICMP_FRAG_NEEDED };
	struct iphdr ip;

	if (len < sizeof(ip))
		return -EINVAL;
	memcpy(&ip, packet, sizeof(ip));
	error->from.family = error->to.family = TURNPIKE_IPV4;
	memcpy(error->from.ip, &ip.daddr, sizeof(ip.daddr));
	memcpy(error->to.ip, &ip.saddr, sizeof(ip.saddr));
	if (!ttl)
		icmp.un.frag.mtu = htons((__u16)event->mtu);
	quote(packet, len, IPV4_QUOTE_MAX, error);
	memcpy(error->bytes, &icmp, sizeof(icmp));
	icmp.checksum = (__u16)~checksum_fold(checksum_add(0, error->bytes, error->len));
	memcpy(error->bytes, &icmp, sizeof(icmp));
	return 0;
}

static int build6(const struct turnpike_event *event, const __u8 *packet, size_t len,
		  struct icmp_error *error)
{
	const bool ttl = event->verdict == TURNPIKE_TTL;
	struct icmp6_hdr icmp = { .icmp6_type = ttl ? ICMP6_TIME_EXCEEDED : ICMP6_PACKET_TOO_BIG,
				  .icmp6_code = ttl ? ICMP6_TIME_EXCEED_TRANSIT : 0 };
	struct ip6_hdr ip;

	if (len < sizeof(ip))
		return -EINVAL;
	memcpy(&ip, packet, sizeof(ip));
	error->from.family = error->to.family = TURNPIKE_IPV6;
	memcpy(error->from.ip, &ip.ip6_dst, sizeof(ip.ip6_dst));
	memcpy(error->to.ip, &ip.ip6_src, sizeof(ip.ip6_src));
	if (!ttl)
		icmp.icmp6_mtu = htonl(event->mtu);
	quote(packet, len, IPV6_QUOTE_MAX, error);
	memcpy(error->bytes, &icmp, sizeof(icmp));
	return 0;
}

int icmp_build(const struct turnpike_event *event, const __u8 *frame, struct icmp_error *ret)
{
	struct icmp_error error = { 0 };
	const __u8 *packet;
	size_t len;
	int err;

	if (event->verdict != TURNPIKE_TTL && event->verdict != TURNPIKE_DONT_FRAGMENT)
		return -EINVAL;
	if (event->l2_len >= event->len)
		return -EINVAL;
	packet = frame + event->l2_len;
	len = event->len - event->l2_len;
	if (packet[0] >> 4 == 4)
		err = build4(event, packet, len, &error);
	else if (packet[0] >> 4 == 6)
		err = build6(event, packet, len, &error);
	else
		err = -EINVAL;
	if (!err)
		*ret = error;
	return err;
}

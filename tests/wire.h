/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file wire.h
 * Packets byte by byte, the slow way, for all tests. Shares no code with the programs and the
 * library.
 */
#ifndef TURNPIKE_TESTS_WIRE_H
#define TURNPIKE_TESTS_WIRE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#include <linux/if_ether.h>

#include <turnpike/abi.h>

static inline __u16 wire16(const __u8 *from)
{
	return (__u16)(from[0] << 8 | from[1]);
}

/** put_wire16() - store the low 16 bits of @value */
static inline void put_wire16(__u8 *to, size_t value)
{
	to[0] = (__u8)(value >> 8);
	to[1] = (__u8)value;
}

static inline bool wire_is_tag(__u16 type)
{
	return type == 0x8100 || type == 0x88a8;
}

/** wire_l2_len() - length of the Ethernet header with at most TURNPIKE_TAGS_MAX tags; may be > @len
 */
static inline __u32 wire_l2_len(const __u8 *frame, __u32 len)
{
	__u32 l2 = ETH_HLEN;

	while (l2 < ETH_HLEN + 4 * TURNPIKE_TAGS_MAX && l2 <= len &&
	       wire_is_tag(wire16(frame + l2 - 2)))
		l2 += 4;
	return l2;
}

static inline __u32 wire_ip_hlen(__u8 family)
{
	return family == TURNPIKE_IPV4 ? 20 : 40;
}

/** wire_add() - RFC 1071: add big-endian words to @sum; an odd byte is padded with zero */
static inline __u64 wire_add(__u64 sum, const __u8 *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		sum += i % 2 ? bytes[i] : (__u32)bytes[i] << 8;
	return sum;
}

static inline __u16 wire_fold(__u64 sum)
{
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)sum;
}

/** wire_check() - the UDP checksum for a folded sum; RFC 768: never 0 */
static inline __u16 wire_check(__u16 sum)
{
	return sum == 0xffff ? 0xffff : (__u16)~sum;
}

/** wire_pseudo_sum() - the sum of the pseudo-header, by the IP version of the packet */
static inline __u16 wire_pseudo_sum(const __u8 *ip, __u32 udp_len)
{
	const bool ipv4 = ip[0] >> 4 == 4;

	return wire_fold(wire_add(IPPROTO_UDP + udp_len, ip + (ipv4 ? 12 : 8), ipv4 ? 8 : 32));
}

/** wire_udp_sum() - the sum of pseudo-header and datagram; 0xffff if the checksum is right */
static inline __u16 wire_udp_sum(const __u8 *ip, __u32 udp_len)
{
	return wire_fold(
		wire_add(wire_pseudo_sum(ip, udp_len), ip + wire_ip_hlen(ip[0] >> 4), udp_len));
}

#endif /* TURNPIKE_TESTS_WIRE_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file build.h
 * Frames from descriptions. Shares no code with the programs, and does everything the slow way:
 * bytes are written one by one, checksums are summed over all of the data. What the programs make
 * by arithmetic on an incoming packet is compared with what is built here from nothing.
 */
#ifndef TURNPIKE_TEST_BUILD_H
#define TURNPIKE_TEST_BUILD_H

#include <stdbool.h>
#include <stddef.h>

#include <turnpike/addr.h>

#define FRAME_MAX     4096 /* BPF_PROG_TEST_RUN takes less than a page */
#define MAC_LEN       6
#define ETHERNET_HLEN 14
#define UDP_HLEN      8

/** Transport addresses, one of each family. */
enum host {
	CLIENT,
	SERVER,
	RELAY,
	PEER,
	CLIENT_B, /* the other end of a hairpin */
	NOBODY,   /* no flow has it */
	OTHER,    /* our address, a port of no role */
	HOSTS,
};

/** Ethernet addresses. */
enum mac {
	MAC_DEFAULT, /* from the router to us */
	MAC_OURS,
	MAC_ROUTER,
	MAC_NEXT,   /* where the hops lead */
	MAC_EGRESS, /* the second device's own */
	MAC_OTHER0, /* not ours by their first, second and third word */
	MAC_OTHER1,
	MAC_OTHER2,
	MAC_BROADCAST,
	MACS,
};

enum checksum {
	CHECKSUM_FULL,
	CHECKSUM_ZERO,
	CHECKSUM_PARTIAL, /* the pseudo-header's sum, not inverted, as a local sender leaves it */
	CHECKSUM_WRONG,   /* off by CHECKSUM_ERROR */
};

#define CHECKSUM_ERROR 0x1234

/* One more than is relayed. */
#define TAGS    3
#define TAG_LEN 4

#define TTL_DEFAULT 64
#define TTL_ZERO    0x100 /* a TTL of 0, as 0 stands for the usual one */

/**
 * struct frame - all there is to say about one frame; numbers in host order, 0 is the usual value
 * @ttl:         or hop limit
 * @frag_off:    IPv4 flags and fragment offset as they stand in the header
 * @id, @label:  of IPv4, of IPv6
 * @options:     bytes of IPv4 options, in fours
 * @extensions:  bytes of an IPv6 destination options header, in eights
 * @tag:         VLAN tags, TPID and TCI, the outer one first; 0: none
 * @ethertype:   instead of the family's
 * @version, @protocol: instead of the right ones, IP's first four bits and UDP's number
 * @ip_len_add, @udp_len_add, @channel_len_add: what these length fields are off by
 * @ip_check_add: what the IPv4 header checksum is off by
 * @channel:     0: plain UDP
 * @padding:     bytes of ChannelData padding, never zero ones
 * @data_len:    application data, a fixed pattern ...
 * @word:        ... but for its first two bytes, if not 0
 * @min_len:     Ethernet padding up to this length, never zero bytes
 * @cut:         end of the frame, should it be cut off; 0: whole
 */
struct frame {
	__u8 family;
	enum host src, dst;
	enum mac smac, dmac;
	enum checksum checksum;
	__u8 tos, version, protocol;
	__u16 ttl, frag_off, id;
	__u32 label;
	__u16 options, extensions, ethertype;
	__u32 tag[TAGS];
	int ip_len_add, udp_len_add, channel_len_add, ip_check_add;
	__u16 channel, padding, data_len, word;
	__u16 min_len, cut;
};

/** build() - writes the frame that is described; returns its length, at most FRAME_MAX */
size_t build(const struct frame *frame, __u8 *ret);

/** ip_hlen() - length of an IP header without options or extensions */
size_t ip_hlen(__u8 family);

/** ip_len() - length of the IP packet in a frame without oddities */
size_t ip_len(const struct frame *frame);

/** udp_check() - the UDP checksum field of the frame */
__u16 udp_check(const struct frame *frame);

/** pseudo_sum() - the sum over the frame's pseudo-header, not inverted */
__u16 pseudo_sum(const struct frame *frame);

/** word_for_check() - the @word with which the full UDP checksum comes out as @check */
__u16 word_for_check(const struct frame *frame, __u16 check);

/** host_addr() - a host's transport address, as the library knows it */
struct turnpike_addr host_addr(enum host host, __u8 family);

/** mac_addr() - copies MAC_LEN bytes to @ret */
void mac_addr(enum mac mac, __u8 *ret);

#endif /* TURNPIKE_TEST_BUILD_H */

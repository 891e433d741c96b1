/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file build.h
 * Builds frames from descriptions, byte by byte and with checksums over all data. It shares no code
 * with the programs, which derive the outgoing packet from the incoming one; both must agree.
 */
#ifndef TURNPIKE_TESTS_PACKETS_BUILD_H
#define TURNPIKE_TESTS_PACKETS_BUILD_H

#include <stdbool.h>
#include <stddef.h>

#include <turnpike/addr.h>

#define FRAME_MAX     4096 /* BPF_PROG_TEST_RUN accepts less than a page */
#define MAC_LEN       6
#define ETHERNET_HLEN 14
#define UDP_HLEN      8

#define SEND_INDICATION 0x0016
#define DATA_INDICATION 0x0017

#define TRANSACTION_OFFSET 8 /* in a STUN message */
#define TRANSACTION_LEN    12

/** Transport addresses, one of each family. */
enum host {
	CLIENT,
	SERVER,
	RELAY,
	PEER,
	CLIENT_B, /* the other end of a hairpin */
	NOBODY,   /* in no flow */
	OTHER,    /* our address with a port that has no role */
	RELAY_B,  /* the relayed address of the other end of a hairpin */
	NAMED,    /* what a client calls the peer in XOR-PEER-ADDRESS */
	NAMED_B,  /* and the other client */
	HOSTS,
};

/** Ethernet addresses. */
enum mac {
	MAC_DEFAULT, /* the router as source, we as destination */
	MAC_OURS,
	MAC_ROUTER,
	MAC_NEXT,   /* the next hop */
	MAC_EGRESS, /* the second device */
	MAC_OTHER0, /* these differ from ours in the first, second and third word */
	MAC_OTHER1,
	MAC_OTHER2,
	MAC_NEXT0, /* and these from the next hop's, in the first and second word of four bytes */
	MAC_NEXT1,
	MAC_BROADCAST,
	MACS,
};

enum checksum {
	CHECKSUM_FULL,
	CHECKSUM_ZERO,
	CHECKSUM_PARTIAL, /* the sum of the pseudo-header, not inverted, as from a local sender */
	CHECKSUM_WRONG,   /* off by CHECKSUM_ERROR */
};

#define CHECKSUM_ERROR 0x1234

/* One more than is relayed. */
#define TAGS    3
#define TAG_LEN 4

#define TTL_DEFAULT 64
#define TTL_ZERO    0x100 /* a TTL of 0; 0 means TTL_DEFAULT */

/**
 * struct frame - description of a frame, in host byte order; 0 means the default
 * @ttl:         TTL or hop limit
 * @frag_off:    IPv4 flags and fragment offset as in the header
 * @id, @label:  IPv4 identification, IPv6 flow label
 * @options:     bytes of IPv4 options, a multiple of 4
 * @extensions:  bytes of an IPv6 destination options header, a multiple of 8
 * @tag:         VLAN tags, TPID and TCI, the outer one first; 0: none
 * @ethertype:   overrides that of @family
 * @version, @protocol: override the IP version and UDP's protocol number
 * @ip_len_add, @udp_len_add: errors of these length fields
 * @data_len_add: the same of the length in ChannelData or DATA
 * @stun_len_add, @cookie_error: the same of the STUN length; bits that are wrong in the cookie
 * @ip_check_add: error of the IPv4 header checksum
 * @channel:     0: plain UDP
 * @stun:        type of a STUN message that carries the data; 0: none does
 * @attrs:       its attributes, in order, as letters of the table in build.c
 * @filler:      each byte of padding in these attributes
 * @extra_len:   length of attribute X
 * @peer, @peer_family: address in XOR-PEER-ADDRESS
 * @transaction: transaction ID
 * @padding:     bytes behind the message, such as ChannelData padding, all non-zero
 * @data_len:    bytes of application data, a fixed pattern
 * @word:        overrides the first two bytes of the data
 * @min_len:     pad the frame to this length, with non-zero bytes
 * @cut:         truncate the frame to this length
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
	int ip_len_add, udp_len_add, data_len_add, stun_len_add, ip_check_add;
	__u32 cookie_error;
	__u16 channel, padding, data_len, word;
	__u16 stun, extra_len;
	const char *attrs;
	enum host peer;
	__u8 peer_family, filler;
	__u8 transaction[TRANSACTION_LEN];
	__u16 min_len, cut;
};

/** build() - write the frame to @ret. Return: its length, at most FRAME_MAX */
size_t build(const struct frame *frame, __u8 *ret);

/** build_payload() - write what follows the UDP header only. Return: its length */
size_t build_payload(const struct frame *frame, __u8 *to);

/** build_data() - write the application data only */
void build_data(const struct frame *frame, __u8 *to);

/** ip_hlen() - length of an IP header without options or extensions */
size_t ip_hlen(__u8 family);

/** ip_len() - length of the IP packet, without @ip_len_add */
size_t ip_len(const struct frame *frame);

/** udp_check() - UDP checksum field of the frame */
__u16 udp_check(const struct frame *frame);

/** pseudo_sum() - sum of the pseudo-header, not inverted */
__u16 pseudo_sum(const struct frame *frame);

/** word_for_check() - the @word that makes the full UDP checksum equal @check */
__u16 word_for_check(const struct frame *frame, __u16 check);

/** host_addr() - transport address of a host, as the library represents it */
struct turnpike_addr host_addr(enum host host, __u8 family);

/** mac_addr() - copy MAC_LEN bytes to @ret */
void mac_addr(enum mac mac, __u8 *ret);

#endif /* TURNPIKE_TESTS_PACKETS_BUILD_H */

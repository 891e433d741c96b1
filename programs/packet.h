/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The state of one packet on its way through relay.h: offsets and lengths, never pointers into the
 * frame, because every helper that resizes the frame invalidates them.
 */
#ifndef TURNPIKE_PROGRAMS_PACKET_H
#define TURNPIKE_PROGRAMS_PACKET_H

#include "common.h"

#define CHANNEL_HLEN 4 /* RFC 8656 section 12.4: channel number and length */

#define TAG_LEN ((__u32)sizeof(struct turnpike_tag))

/* RFC 8656 section 12.5: over UDP, ChannelData may be padded to a multiple of 4 bytes. */
#define CHANNEL_MAX_PADDING 3

/* The end of the frame that moves when the headers grow or shrink. */
enum moves {
	MOVE_HEAD,
	MOVE_TAIL,
};

/*
 * relay_packet() is compiled twice. The fast path handles nearly all packets: those without VLAN
 * tag, padding and policer, with a complete UDP checksum, and with room at the preferred end. It is
 * short, and its offsets are constants. Anything else is punted, unmodified and uncounted, to the
 * slow path, which handles every packet.
 */
enum relay_path {
	FAST_PATH,
	SLOW_PATH,
};

/* Not a verdict: punt the packet to the slow path. */
#define NEEDS_SLOW_PATH ((enum turnpike_verdict)TURNPIKE_VERDICT_MAX)

/* The outcome of making room for the new headers. */
enum room {
	ROOM_MADE,
	ROOM_NONE, /* no room; the frame is unchanged */
	ROOM_TORN, /* failed halfway; the frame cannot be restored */
};

/* Where the UDP checksum of the outgoing packet comes from. */
enum udp_checksum {
	CHECKSUM_UPDATE,  /* updated incrementally (RFC 1624) */
	CHECKSUM_ABSENT,  /* stays 0: IPv4 on both sides */
	CHECKSUM_COMPUTE, /* computed over the whole datagram */
	CHECKSUM_PARTIAL, /* stays partial, for the kernel to complete: see checksum.h */
};

struct packet {
	union {
		struct turnpike_key4 key4;
		struct turnpike_key6 key6;
	};
	__u32 len;        /* of the frame */
	__u32 l2_len;     /* bytes before the IP header */
	__u32 in_hlen;    /* bytes before the application data, incoming */
	__u32 out_hlen;   /* the same, outgoing */
	__u32 data_len;   /* application data */
	__u32 padding;    /* ChannelData padding in the datagram */
	__u32 data_sum;   /* sum of the application data; only with CHECKSUM_COMPUTE */
	__u32 notify_mtu; /* the MTU that the ICMP error reports; 0: none */
	__u32 hop;        /* turnpike_nexthop.current, read once; the low bit is the index */
	__u16 padding_sum;
	__u16 ip4_id;    /* outgoing */
	__u16 udp_len;   /* incoming header and payload */
	__u16 udp_check; /* incoming, in packet byte order */
	__u8 family;     /* enum turnpike_family, incoming */
	__u8 out_family; /* outgoing; read once, since the flow may change */
	__u8 tos;        /* DSCP and ECN, or traffic class */
	__u8 ttl;        /* or hop limit */
	__u8 checksum;   /* enum udp_checksum */
	__u8 tags;       /* VLAN tags: see vlan.h */
	__u8 popped;     /* of these, popped by ctx_pop_tags() */
	struct turnpike_tag tag[TURNPIKE_TAGS_MAX];
	__be16 frag_off;    /* the DF bit of IPv4, or 0 */
	__be16 channel;     /* incoming channel, or 0 */
	__be16 out_channel; /* outgoing channel, or 0; read once */
};

/*
 * Unaligned copies of 4 and 8 bytes. memcpy() would copy byte by byte, because clang assumes no
 * more than 2-byte alignment of packet data.
 */
static __always_inline void copy_word(void *to, const void *from)
{
	*(__u32 *)to = *(const __u32 *)from;
}

static __always_inline void copy_words(void *to, const void *from)
{
	*(__u64 *)to = *(const __u64 *)from;
}

static __always_inline __u32 ip_hlen(__u8 family)
{
	return family == TURNPIKE_IPV4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
}

static __always_inline __u32 channel_hlen(__be16 channel)
{
	return channel ? CHANNEL_HLEN : 0;
}

#endif /* TURNPIKE_PROGRAMS_PACKET_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is known of one packet on its way through relay.h. Offsets and lengths, never pointers into
 * the frame: every helper that moves the frame invalidates those.
 */
#ifndef TURNPIKE_PROGRAMS_PACKET_H
#define TURNPIKE_PROGRAMS_PACKET_H

#include "config.h"

#define CHANNEL_HLEN 4 /* RFC 8656 section 12.4: number and length */

#define TAG_LEN ((__u32)sizeof(struct turnpike_tag))

/* RFC 8656 section 12.5: ChannelData is padded to a multiple of 4 bytes, over UDP if at all. */
#define CHANNEL_MAX_PADDING 3

/* Which end of the frame moves when headers grow or shrink. */
enum moves {
	MOVE_HEAD,
	MOVE_TAIL,
};

/*
 * What an instance of the steps is prepared for. Nearly all packets are usual: without a VLAN tag,
 * padding or a limit, with a checksum as on any wire, and with room at the preferred end. They get
 * an instance of their own, which is small and in which offsets are constants. What it meets
 * otherwise it leaves, untouched and uncounted, to the instance that is prepared for any.
 */
enum relay_path {
	FAST_PATH,
	SLOW_PATH,
};

/* Not one of the list: not decided here. */
#define NEEDS_SLOW_PATH ((enum turnpike_verdict)TURNPIKE_VERDICT_MAX)

/* How making room ended. */
enum room {
	ROOM_MADE,
	ROOM_NONE, /* the frame is as it was */
	ROOM_TORN, /* it is not, and cannot be mended */
};

/* What is to be done about the UDP checksum. */
enum udp_checksum {
	CHECKSUM_UPDATE,  /* as on any wire: updated by the difference */
	CHECKSUM_ABSENT,  /* 0, and IPv4 on both sides: stays 0 */
	CHECKSUM_COMPUTE, /* over everything */
	CHECKSUM_SEED, /* the sk_buff's sender left it partial, and partial it stays: checksum.h */
};

struct packet {
	union {
		struct turnpike_key4 key4;
		struct turnpike_key6 key6;
	};
	__u32 len;        /* of the frame */
	__u32 l2_len;     /* bytes in front of the IP header */
	__u32 in_hlen;    /* bytes in front of the application data, as it came */
	__u32 out_hlen;   /* and as it goes */
	__u32 data_len;   /* application data */
	__u32 padding;    /* ChannelData padding inside the datagram */
	__u32 data_sum;   /* sum over the application data; only with CHECKSUM_COMPUTE */
	__u32 notify_mtu; /* what its sender is told, should it be too big; else 0 */
	__u16 padding_sum;
	__u16 ip4_id;    /* as it goes */
	__u16 udp_len;   /* header and payload */
	__u16 udp_check; /* as it lies in the packet */
	__u8 family;     /* enum turnpike_family, as it came */
	__u8 out_family; /* and as it goes; like out_channel read once, the flow may change */
	__u8 tos;        /* DSCP and ECN, traffic class */
	__u8 ttl;        /* or hop limit */
	__u8 checksum;   /* enum udp_checksum */
	__u8 hop;        /* which of the next hop's two, like out_channel read once */
	__u8 tags;       /* how many VLAN tags, see vlan.h */
	__u8 popped;     /* of these, taken off for a while, see ctx/tc.h */
	struct turnpike_tag tag[TURNPIKE_TAGS_MAX];
	__be16 frag_off;    /* the DF bit of IPv4, or 0 */
	__be16 channel;     /* the channel that it came in, or 0 */
	__be16 out_channel; /* and the one that it goes in */
};

/*
 * 4 or 8 bytes at once, at any address. memcpy() would do it byte by byte, as clang knows of
 * packets only that they are aligned to 2 bytes.
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

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The state of one packet on its way through relay.h: offsets and lengths, never pointers into the
 * frame, because every helper that resizes the frame invalidates them.
 */
#ifndef TURNPIKE_PROGRAMS_PACKET_H
#define TURNPIKE_PROGRAMS_PACKET_H

#include "common.h"

#define CHANNEL_HLEN 4 /* RFC 8656 section 12.4: channel number and length */

/* RFC 8489 section 5: type, length, magic cookie, transaction ID. Section 14: type and length. */
#define STUN_HLEN      20
#define STUN_ATTR_HLEN 4

#define TAG_LEN ((__u32)sizeof(struct turnpike_tag))

/* RFC 8656 section 12.5: over UDP, ChannelData may be padded to a multiple of 4 bytes. */
#define CHANNEL_MAX_PADDING 3

/* The end of the frame that moves when the headers grow or shrink. */
enum moves {
	MOVE_HEAD,
	MOVE_TAIL,
};

/*
 * relay_packet() is compiled twice. The fast path handles nearly all packets: those of channels
 * without VLAN tag and padding, with a UDP checksum that is complete or stays absent, and with room
 * at the preferred end. It is short, and its offsets are constants. Anything else is punted,
 * unmodified and uncounted, to the slow path, which handles every packet.
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
	CHECKSUM_UPDATE,  /* updated incrementally (RFC 1624); 0 stays 0, in IPv4 */
	CHECKSUM_COMPUTE, /* computed over the whole datagram */
	CHECKSUM_PARTIAL, /* stays partial, for the kernel to complete: see checksum.h */
};

struct packet {
	union {
		struct turnpike_key4 key4;
		struct turnpike_key6 key6;
	};
	__u32 len;      /* of the frame */
	__u32 l2_len;   /* bytes before the IP header */
	__u32 in_hlen;  /* bytes before the application data, incoming */
	__u32 out_hlen; /* the same, outgoing */
	__u32 data_len; /* application data */
	__u32 padding;  /* what follows it in the datagram: padding, or the rest of an indication */
	__u32 data_sum; /* sum of the application data; only with CHECKSUM_COMPUTE */
	__u32 notify_mtu;  /* the MTU that the ICMP error reports; 0: none */
	__u32 hop;         /* turnpike_nexthop.current, read once; the low bit is the index */
	__u32 out_padding; /* bytes that follow the data of a Data indication, 0 to 3 */
	__u16 dropped_sum; /* sum of @padding; of an indication, of all but its data */
	__u16 out_sum;     /* sum of the headers of a Data indication */
	__u16 ip4_id;      /* outgoing */
	__u16 udp_len;     /* incoming header and payload */
	__u16 udp_check;   /* incoming, in packet byte order */
	__u8 family;       /* enum turnpike_family, incoming */
	__u8 out_family;   /* outgoing; read once, since the flow may change */
	__u8 role;         /* enum turnpike_port_role of the destination port */
	__u8 tos;          /* DSCP and ECN, or traffic class */
	__u8 ttl;          /* or hop limit */
	__u8 checksum;     /* enum udp_checksum */
	__u8 tags;         /* VLAN tags: see vlan.h */
	__u8 popped;       /* of these, popped by ctx_pop_tags() */
	struct turnpike_tag tag[TURNPIKE_TAGS_MAX];
	__be16 frag_off;    /* the DF bit of IPv4, or 0 */
	__be16 framing;     /* incoming: see TURNPIKE_SEND_INDICATION */
	__be16 out_framing; /* outgoing; read once */
	/* What XOR-PEER-ADDRESS says: in the incoming indication, then in the outgoing one. */
	__u8 peer_family;
	__u8 xor_family; /* outgoing; read once */
	__be16 peer_port;
	__be32 peer[4];
	__be32 transaction[3]; /* of the outgoing indication */
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

/*
 * The lengths of headers are computed without a branch: the verifier would follow all that comes
 * after it once for each length.
 */
_Static_assert(sizeof(struct ipv6hdr) == 2 * sizeof(struct iphdr), "see ip_hlen()");
_Static_assert((TURNPIKE_IPV4 & 2) == 0 && (TURNPIKE_IPV6 & 2) == 2, "see ip_hlen()");

static __always_inline __u32 ip_hlen(__u8 family)
{
	return (__u32)sizeof(struct iphdr) << (family >> 1 & 1);
}

/* Return: the length of the outgoing IP packet. */
static __always_inline __u32 out_len(const struct packet *pkt)
{
	return pkt->out_hlen - pkt->l2_len + pkt->data_len + pkt->out_padding;
}

static __always_inline bool is_indication(__be16 framing)
{
	return framing == bpf_htons(TURNPIKE_SEND_INDICATION) ||
	       framing == bpf_htons(TURNPIKE_DATA_INDICATION);
}

/* RFC 8656 section 12: channel numbers begin with the bits 01, STUN messages with 00. */
static __always_inline __u32 is_channel(__be16 framing)
{
	return bpf_ntohs(framing) >> 14 & 1;
}

static __always_inline __u32 channel_hlen(__be16 framing)
{
	return is_channel(framing) * CHANNEL_HLEN;
}

#endif /* TURNPIKE_PROGRAMS_PACKET_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where packets come from and go to: the ends of the flows, and the next hops. */
#include <string.h>

#include <arpa/inet.h>

#include "vector.h"

/* The hop that is not current holds garbage, which must not be used. */
const struct hop_place hops[HOPS] = {
	[HOP_SAME] = { 1, 0x100, TESTBED_IFINDEX, TURNPIKE_HOP_XDP_XMIT, MAC_OURS },
	[HOP_XMIT] = { 2, 0x101, 9, TURNPIKE_HOP_XDP_XMIT, MAC_EGRESS },
	[HOP_NO_XMIT] = { 3, 0xffffffff, 9, 0, MAC_EGRESS },
	[HOP_UNRESOLVED] = { 4, 2, 0, 0, MAC_OTHER0 },
	[HOP_ZERO] = { 0, 0, 0, 0, MAC_OTHER0 },
	[HOP_BEYOND] = { 0xffffff, 0, 0, 0, MAC_OTHER0 },
};

/* A client has a channel or sends indications, and a peer does neither. */
struct end {
	enum host src, dst;
	__u16 channel;
	__u16 stun;
	enum host peer;
};

static const struct end from[TURNPIKE_DIR_MAX] = {
	[TURNPIKE_DIR_TO_PEER] = { CLIENT, SERVER, CHANNEL, SEND_INDICATION, NAMED },
	[TURNPIKE_DIR_TO_CLIENT] = { PEER, RELAY, .channel = 0 },
	[TURNPIKE_DIR_HAIRPIN] = { CLIENT, SERVER, CHANNEL, SEND_INDICATION, NAMED },
};

static const struct end to[TURNPIKE_DIR_MAX] = {
	[TURNPIKE_DIR_TO_PEER] = { RELAY, PEER, .channel = 0 },
	[TURNPIKE_DIR_TO_CLIENT] = { SERVER, CLIENT, CHANNEL, DATA_INDICATION, NAMED },
	[TURNPIKE_DIR_HAIRPIN] = { SERVER, CLIENT_B, CHANNEL_B, DATA_INDICATION, NAMED_B },
};

static struct frame plain(const struct end *end, enum framing framing)
{
	const bool channel = framing == FRAMING_CHANNEL;

	return (struct frame){ .src = end->src,
			       .dst = end->dst,
			       .channel = channel ? end->channel : 0,
			       .stun = channel ? 0 : end->stun,
			       .attrs = "PD",
			       .peer = end->peer };
}

struct frame vector_plain(enum turnpike_direction direction, struct framings which)
{
	return plain(&from[direction], (enum framing)which.in);
}

struct frame vector_plain_out(enum turnpike_direction direction, struct framings which)
{
	return plain(&to[direction], (enum framing)which.out);
}

/* The tags of the next hop: those of the frame without priority, or others. */
static void make_tags(const struct vector *vector, struct turnpike_hop *hop)
{
	__u32 tag[TAGS] = { 0 };
	__u8 n = 0, i;

	while (n < TAGS && vector->in.tag[n]) {
		tag[n] = vector->in.tag[n] & 0xffff0fff;
		n++;
	}
	switch (vector->tagging) {
	case TAGGED_ALIKE:
		break;
	case TAGGED_OTHER_VLAN:
		tag[n - 1] ^= 0x800;
		break;
	case TAGGED_OTHER_TYPE:
		tag[n - 1] ^= (0x8100u ^ 0x88a8u) << 16;
		break;
	case TAGGED_FEWER:
		tag[--n] = 0;
		break;
	case TAGGED_MORE:
		tag[n++] = 0x81000005;
		break;
	}
	hop->tags = n;
	for (i = 0; i < TURNPIKE_TAGS_MAX && i < n; i++)
		hop->tag[i] =
			(struct turnpike_tag){ htons((__u16)(tag[i] >> 16)), htons((__u16)tag[i]) };
}

struct turnpike_nexthop vector_nexthop(const struct vector *vector, __u32 mtu)
{
	const struct hop_place *place = &hops[vector->hop];
	struct turnpike_nexthop nexthop = { .current = place->current, .ip4_id = OUT_ID };
	struct turnpike_hop *ours = &nexthop.hop[place->current & 1];
	struct turnpike_hop *stale = &nexthop.hop[~place->current & 1];

	memset(stale, 0x55, sizeof(*stale));
	if (!place->ifindex)
		return nexthop;
	mac_addr(MAC_NEXT, ours->dmac);
	mac_addr(place->smac, ours->smac);
	ours->ifindex = place->ifindex;
	ours->flags = (__u8)place->flags;
	ours->mtu = (__u16)mtu;
	make_tags(vector, ours);
	return nexthop;
}

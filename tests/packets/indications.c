/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sizes of indications: the MTU that they fit, and the room that they need. */
#include "private/array_len.h"
#include "tables.h"

#define TABLE(array)                    \
	{                               \
		array, ARRAY_LEN(array) \
	}

#define RELAYED  .verdict = TURNPIKE_RELAYED
#define TOO_BIG  .verdict = TURNPIKE_TOO_BIG
#define REPORTED .verdict = TURNPIKE_DONT_FRAGMENT
#define NO_ROOM  .verdict = TURNPIKE_NO_ROOM, TO_CLIENT

/* The flow, and where it leads. */
#define SENDS      .in = FRAMING_INDICATION
#define GETS       .out = FRAMING_INDICATION
#define TO_PEER    .flow = TURNPIKE_DIR_TO_PEER, .framings = { SENDS }
#define TO_CLIENT  .flow = TURNPIKE_DIR_TO_CLIENT, .framings = { GETS }
#define TO_CHANNEL .flow = TURNPIKE_DIR_HAIRPIN, .framings = { SENDS }
#define OF_CHANNEL .flow = TURNPIKE_DIR_HAIRPIN, .framings = { GETS }
#define OF_BOTH    .flow = TURNPIKE_DIR_HAIRPIN, .framings = { SENDS, GETS }

#define FROM_PEER   .src = PEER, .dst = RELAY
#define FROM_CLIENT .src = CLIENT, .dst = SERVER
#define SEND(order) FROM_CLIENT, .stun = SEND_INDICATION, .attrs = order
#define CHANNELDATA FROM_CLIENT, .channel = CHANNEL
#define DF          .frag_off = 0x4000
#define PARTIAL     .checksum = CHECKSUM_PARTIAL
#define ONE_TAG     .tag = { 0x8100b005 }
#define TWO_TAGS    .tag = { 0x88a80007, 0x81000005 }

#define IPV4_ONLY (ON_IPV4 | ON_SAME)
#define IPV6_ONLY (ON_IPV6 | ON_SAME)

/* What fails before the other end is tried. */
#define HEAD_FAILS .notes = NOTE(TURNPIKE_HEAD_FAILED)
#define TAIL_FAILS .notes = NOTE(TURNPIKE_TAIL_FAILED)
#define BOTH_FAIL  .notes = NOTE(TURNPIKE_HEAD_FAILED) | NOTE(TURNPIKE_TAIL_FAILED)

#define HEADROOM(n)    .room = ROOM_HEAD, .left = n
#define TAILROOM(n)    .room = ROOM_TAIL, .left = n
#define NO_HEADROOM(n) .room = ROOM_NEITHER, .left = n

/* clang-format off */
static const struct vector indication_egress[] = {
	{ "MTU fits, to peer", { SEND("PDF"), .data_len = 1200, DF }, RELAYED, TO_PEER,
	  .mtu = MTU_FITS },
	{ "MTU fits, to peer, padded", { SEND("DPF"), .data_len = 1401, DF }, RELAYED, TO_PEER,
	  .mtu = MTU_FITS },
	{ "MTU fits, to client", { FROM_PEER, .data_len = 1200, DF }, RELAYED, TO_CLIENT,
	  .mtu = MTU_FITS },
	{ "MTU fits, to client, padded", { FROM_PEER, .data_len = 1401, DF }, RELAYED, TO_CLIENT,
	  .mtu = MTU_FITS },
	{ "MTU fits, between indications", { SEND("DP"), .data_len = 1002 }, RELAYED, OF_BOTH,
	  .mtu = MTU_FITS },
	{ "MTU fits, to a channel", { SEND("PDSF"), .data_len = 1003 }, RELAYED, TO_CHANNEL,
	  .mtu = MTU_FITS },
	{ "MTU fits, of a channel", { CHANNELDATA, .data_len = 1003, .padding = 1 }, RELAYED,
	  OF_CHANNEL, .mtu = MTU_FITS },

	{ "MTU too short, to peer", { SEND("PDF"), .data_len = 1000 }, TOO_BIG, TO_PEER,
	  .mtu = MTU_SHORT },
	{ "MTU too short, to client", { FROM_PEER, .data_len = 1000 }, TOO_BIG, TO_CLIENT,
	  .mtu = MTU_SHORT },
	{ "MTU too short, to client, padded", { FROM_PEER, .data_len = 1001 }, TOO_BIG, TO_CLIENT,
	  .mtu = MTU_SHORT },
	{ "MTU too short, between indications", { SEND("DP"), .data_len = 1001 }, TOO_BIG, OF_BOTH,
	  .mtu = MTU_SHORT },
	{ "MTU too short, DF, to peer", { SEND("PDF"), .data_len = 1000, DF }, REPORTED, TO_PEER,
	  .mtu = MTU_SHORT, .only = ON_IPV4 },
	{ "MTU too short, DF, to peer, padded", { SEND("DPSF"), .data_len = 1001, DF }, REPORTED,
	  TO_PEER, .mtu = MTU_SHORT, .only = ON_IPV4 },
	{ "MTU too short, DF, to client", { FROM_PEER, .data_len = 1000, DF }, REPORTED, TO_CLIENT,
	  .mtu = MTU_SHORT, .only = ON_IPV4 },
	{ "MTU too short, DF, 1 byte padded", { FROM_PEER, .data_len = 1003, DF }, REPORTED,
	  TO_CLIENT, .mtu = MTU_SHORT, .only = ON_IPV4 },
	{ "MTU too short, DF, 2 bytes padded", { FROM_PEER, .data_len = 1002, DF }, REPORTED,
	  TO_CLIENT, .mtu = MTU_SHORT, .only = ON_IPV4 },
	{ "MTU too short, DF, 3 bytes padded", { FROM_PEER, .data_len = 1001, DF }, REPORTED,
	  TO_CLIENT, .mtu = MTU_SHORT, .only = ON_IPV4 },
	{ "MTU too short, DF, between indications", { SEND("PDF"), .data_len = 1001, DF }, REPORTED,
	  OF_BOTH, .mtu = MTU_SHORT, .only = ON_IPV4 },
	{ "MTU too short, DF, to a channel", { SEND("PDF"), .data_len = 1001, DF }, REPORTED,
	  TO_CHANNEL, .mtu = MTU_SHORT, .only = ON_IPV4 },
	{ "MTU too short, DF, of a channel", { CHANNELDATA, .data_len = 1001, .padding = 3, DF },
	  REPORTED, OF_CHANNEL, .mtu = MTU_SHORT, .only = ON_IPV4 },

	/* IPv4 senders are told 68 or more, IPv6 senders only if they have sent more than 1280. */
	{ "would report 64, to client", { FROM_PEER, .data_len = 40, DF }, TOO_BIG, TO_CLIENT,
	  .mtu = MTU_SHORT, .only = ON_IPV4 },
	{ "reports 68, to client", { FROM_PEER, .data_len = 41, DF }, REPORTED, TO_CLIENT,
	  .mtu = MTU_SHORT, .only = ON_IPV4 },
	{ "reports 68, to client, not padded", { FROM_PEER, .data_len = 44, DF }, REPORTED,
	  TO_CLIENT, .mtu = MTU_SHORT, .only = ON_IPV4 },
	{ "would report 67, to peer", { SEND("PD"), .data_len = 4, DF }, TOO_BIG, TO_PEER,
	  .mtu = MTU_SHORT, .only = IPV4_ONLY },
	{ "reports 71, to peer", { SEND("PD"), .data_len = 5, DF }, REPORTED, TO_PEER,
	  .mtu = MTU_SHORT, .only = IPV4_ONLY },
	{ "sent 1280 bytes of IPv6, to peer", { SEND("PD"), .data_len = 1184 }, TOO_BIG, TO_PEER,
	  .mtu = MTU_SHORT, .only = IPV6_ONLY },
	{ "sent 1284 bytes of IPv6, to peer", { SEND("PD"), .data_len = 1185 }, REPORTED, TO_PEER,
	  .mtu = MTU_SHORT, .only = IPV6_ONLY },
	{ "sent 1280 bytes of IPv6, to client", { FROM_PEER, .data_len = 1232 }, TOO_BIG, TO_CLIENT,
	  .mtu = MTU_SHORT, .only = ON_IPV6 },
	{ "sent 1281 bytes of IPv6, to client", { FROM_PEER, .data_len = 1233 }, REPORTED,
	  TO_CLIENT, .mtu = MTU_SHORT, .only = ON_IPV6 },
	{ "sent 1400 bytes of IPv6, to client", { FROM_PEER, .data_len = 1352, TWO_TAGS }, REPORTED,
	  TO_CLIENT, .mtu = MTU_SHORT, .only = ON_IPV6 },

	/* RFC 7915: without DF, a packet above IPv6's minimum MTU would have to be fragmented. */
	{ "1280 bytes of IPv6, to peer", { SEND("DPF"), .data_len = 1232 }, RELAYED, TO_PEER,
	  .only = ON_4TO6 },
	{ "1281 bytes of IPv6, to peer", { SEND("DPF"), .data_len = 1233 }, TOO_BIG, TO_PEER,
	  .only = ON_4TO6 },
	{ "1281 bytes of IPv6, DF, to peer", { SEND("DPF"), .data_len = 1233, DF }, RELAYED,
	  TO_PEER, .only = ON_4TO6 },
	{ "1280 bytes of IPv6, to client", { FROM_PEER, .data_len = 1196 }, RELAYED, TO_CLIENT,
	  .only = ON_4TO6 },
	{ "1279 bytes and 1 of padding", { FROM_PEER, .data_len = 1195 }, RELAYED, TO_CLIENT,
	  .only = ON_4TO6 },
	{ "1284 bytes of IPv6, to client", { FROM_PEER, .data_len = 1197 }, TOO_BIG, TO_CLIENT,
	  .only = ON_4TO6 },
	{ "1284 bytes of IPv6, DF, to client", { FROM_PEER, .data_len = 1197, DF }, RELAYED,
	  TO_CLIENT, .only = ON_4TO6 },
	{ "1260 bytes of IPv4: no DF", { FROM_PEER, .data_len = 1184 }, RELAYED, TO_CLIENT,
	  .only = ON_6TO4 },
	{ "1264 bytes of IPv4: DF", { FROM_PEER, .data_len = 1185 }, RELAYED, TO_CLIENT,
	  .only = ON_6TO4 },
	{ "1260 bytes of IPv4, to peer: no DF", { SEND("PDF"), .data_len = 1232 }, RELAYED, TO_PEER,
	  .only = ON_6TO4 },
	{ "1261 bytes of IPv4, to peer: DF", { SEND("PDF"), .data_len = 1233 }, RELAYED, TO_PEER,
	  .only = ON_6TO4 },

	{ "another device, to peer", { SEND("DPF"), .data_len = 50 }, RELAYED, TO_PEER,
	  .hop = HOP_XMIT },
	{ "another device, to client", { FROM_PEER, .data_len = 50 }, RELAYED, TO_CLIENT,
	  .hop = HOP_XMIT },
	{ "no ndo_xdp_xmit, native", { SEND("PD"), .data_len = 50 }, .verdict = TURNPIKE_NO_EGRESS,
	  TO_PEER, .hop = HOP_NO_XMIT, .only = ON_NATIVE },
	{ "unresolved, to client", { FROM_PEER, .data_len = 50 }, .verdict = TURNPIKE_NO_NEXTHOP,
	  TO_CLIENT, .hop = HOP_UNRESOLVED },

	{ "a tag, to peer", { SEND("PDF"), .data_len = 50, ONE_TAG }, RELAYED, TO_PEER },
	{ "a tag, to client", { FROM_PEER, .data_len = 51, ONE_TAG }, RELAYED, TO_CLIENT },
	{ "two tags, to peer", { SEND("DPF"), .data_len = 51, .filler = 0x20, TWO_TAGS }, RELAYED,
	  TO_PEER },
	{ "two tags, to client", { FROM_PEER, .data_len = 1201, DF, TWO_TAGS }, RELAYED, TO_CLIENT,
	  .hop = HOP_XMIT },
	{ "two tags, between indications", { SEND("DPSF"), .data_len = 53, TWO_TAGS }, RELAYED,
	  OF_BOTH },
	{ "two tags, of a channel", { CHANNELDATA, .data_len = 53, .padding = 1, TWO_TAGS },
	  RELAYED, OF_CHANNEL },
	{ "two tags, Ethernet padding", { FROM_PEER, .data_len = 3, .min_len = 80, TWO_TAGS },
	  RELAYED, TO_CLIENT },
	{ "a tag, partial checksum, to peer", { SEND("DPF"), .data_len = 51, PARTIAL, ONE_TAG },
	  RELAYED, TO_PEER },
	{ "two tags, partial checksum, to client", { FROM_PEER, .data_len = 51, PARTIAL, TWO_TAGS },
	  RELAYED, TO_CLIENT },
	{ "looks partial, to client", { FROM_PEER, .data_len = 51 }, RELAYED, TO_CLIENT,
	  .craft = CRAFT_IN_PSEUDO },
	{ "looks partial, of a channel", { CHANNELDATA, .data_len = 51, .padding = 1 }, RELAYED,
	  OF_CHANNEL, .craft = CRAFT_IN_PSEUDO },
	{ "looks partial, between indications", { SEND("DP"), .data_len = 51 }, RELAYED, OF_BOTH,
	  .craft = CRAFT_IN_PSEUDO },
	{ "another VLAN", { SEND("PD"), .data_len = 51, ONE_TAG }, .verdict = TURNPIKE_VLAN,
	  TO_PEER, .tagging = TAGGED_OTHER_VLAN },

	{ "within the limits, to peer", { SEND("PDF"), .data_len = 1100 }, RELAYED, TO_PEER,
	  .limit = LIMIT_FITS },
	{ "within the limits, to client", { FROM_PEER, .data_len = 1101 }, RELAYED, TO_CLIENT,
	  .limit = LIMIT_FITS },
	{ "within both clients' limits", { SEND("DP"), .data_len = 51 }, RELAYED, OF_BOTH,
	  .limit = LIMIT_FITS },
	{ "equals the ingress MTU", { SEND("PDF"), .data_len = 51, ONE_TAG }, RELAYED, TO_PEER,
	  .in_mtu = MTU_FITS },
};

/* The headers of a Data indication grow by 36 bytes for an IPv4 peer, by 48 for an IPv6 peer. */
static const struct vector indication_room[] = {
	{ "35 bytes of headroom", { FROM_PEER, .data_len = 160 }, RELAYED, TO_CLIENT, HEAD_FAILS,
	  .only = ON_XDP | ON_HEAD | IPV4_ONLY, HEADROOM(35) },
	{ "36 bytes of headroom", { FROM_PEER, .data_len = 160 }, RELAYED, TO_CLIENT,
	  .only = ON_XDP | ON_HEAD | IPV4_ONLY, HEADROOM(36) },
	{ "35 bytes of headroom, padded", { FROM_PEER, .data_len = 161 }, RELAYED, TO_CLIENT,
	  HEAD_FAILS, .only = ON_XDP | ON_HEAD | IPV4_ONLY, HEADROOM(35) },
	{ "36 bytes of headroom, padded", { FROM_PEER, .data_len = 161 }, RELAYED, TO_CLIENT,
	  .only = ON_XDP | ON_HEAD | IPV4_ONLY, HEADROOM(36) },
	{ "47 bytes of headroom, IPv6", { FROM_PEER, .data_len = 162 }, RELAYED, TO_CLIENT,
	  HEAD_FAILS, .only = ON_XDP | ON_HEAD | IPV6_ONLY, HEADROOM(47) },
	{ "48 bytes of headroom, IPv6", { FROM_PEER, .data_len = 162 }, RELAYED, TO_CLIENT,
	  .only = ON_XDP | ON_HEAD | IPV6_ONLY, HEADROOM(48) },
	{ "55 bytes of headroom, 4to6", { FROM_PEER, .data_len = 163 }, RELAYED, TO_CLIENT,
	  HEAD_FAILS, .only = ON_XDP | ON_HEAD | ON_4TO6, HEADROOM(55) },
	{ "56 bytes of headroom, 4to6", { FROM_PEER, .data_len = 163 }, RELAYED, TO_CLIENT,
	  .only = ON_XDP | ON_HEAD | ON_4TO6, HEADROOM(56) },
	{ "27 bytes of headroom, 6to4", { FROM_PEER, .data_len = 161 }, RELAYED, TO_CLIENT,
	  HEAD_FAILS, .only = ON_XDP | ON_HEAD | ON_6TO4, HEADROOM(27) },
	{ "28 bytes of headroom, 6to4", { FROM_PEER, .data_len = 161 }, RELAYED, TO_CLIENT,
	  .only = ON_XDP | ON_HEAD | ON_6TO4, HEADROOM(28) },
	{ "no headroom, tail", { FROM_PEER, .data_len = 161 }, RELAYED, TO_CLIENT,
	  .only = ON_XDP | ON_TAIL, HEADROOM(0) },

	{ "35 bytes of tailroom", { FROM_PEER, .data_len = 160 }, RELAYED, TO_CLIENT, TAIL_FAILS,
	  .only = ON_XDP | ON_TAIL | IPV4_ONLY, TAILROOM(35) },
	{ "36 bytes of tailroom", { FROM_PEER, .data_len = 160 }, RELAYED, TO_CLIENT,
	  .only = ON_XDP | ON_TAIL | IPV4_ONLY, TAILROOM(36) },
	{ "38 bytes of tailroom, padded", { FROM_PEER, .data_len = 161 }, RELAYED, TO_CLIENT,
	  TAIL_FAILS, .only = ON_XDP | ON_TAIL | IPV4_ONLY, TAILROOM(38) },
	{ "39 bytes of tailroom, padded", { FROM_PEER, .data_len = 161 }, RELAYED, TO_CLIENT,
	  .only = ON_XDP | ON_TAIL | IPV4_ONLY, TAILROOM(39) },
	{ "50 bytes of tailroom, padded, IPv6", { FROM_PEER, .data_len = 161 }, RELAYED, TO_CLIENT,
	  TAIL_FAILS, .only = ON_XDP | ON_TAIL | IPV6_ONLY, TAILROOM(50) },
	{ "51 bytes of tailroom, padded, IPv6", { FROM_PEER, .data_len = 161 }, RELAYED, TO_CLIENT,
	  .only = ON_XDP | ON_TAIL | IPV6_ONLY, TAILROOM(51) },
	{ "Ethernet padding is tailroom", { FROM_PEER, .data_len = 21, .min_len = 150 }, RELAYED,
	  TO_CLIENT, .only = ON_XDP | ON_TAIL, TAILROOM(0) },

	/* For padding, the head moves if the tail cannot. */
	{ "no tailroom, not padded", { FROM_PEER, .data_len = 160 }, RELAYED, TO_CLIENT,
	  .only = ON_XDP | ON_HEAD, TAILROOM(0) },
	{ "no tailroom, 1 byte of padding", { FROM_PEER, .data_len = 163 }, RELAYED, TO_CLIENT,
	  .only = ON_XDP | ON_HEAD, TAILROOM(0) },
	{ "no tailroom, 2 bytes of padding", { FROM_PEER, .data_len = 1002 }, RELAYED, TO_CLIENT,
	  .only = ON_XDP | ON_HEAD, TAILROOM(0) },
	{ "no tailroom, 3 bytes of padding", { FROM_PEER, .data_len = 1 }, RELAYED, TO_CLIENT,
	  .only = ON_XDP | ON_HEAD, TAILROOM(0) },
	{ "2 bytes of tailroom", { FROM_PEER, .data_len = 165 }, RELAYED, TO_CLIENT,
	  .only = ON_XDP | ON_HEAD, TAILROOM(2) },
	{ "3 bytes of tailroom", { FROM_PEER, .data_len = 165 }, RELAYED, TO_CLIENT,
	  .only = ON_XDP | ON_HEAD, TAILROOM(3) },
	{ "2 bytes of Ethernet padding", { FROM_PEER, .data_len = 21, .min_len = 14 + 28 + 23 },
	  RELAYED, TO_CLIENT, .only = ON_XDP | ON_HEAD | ON_IPV4, TAILROOM(0) },
	{ "3 bytes of Ethernet padding", { FROM_PEER, .data_len = 21, .min_len = 14 + 28 + 24 },
	  RELAYED, TO_CLIENT, .only = ON_XDP | ON_HEAD | ON_IPV4, TAILROOM(0) },
	{ "no tailroom, tail", { FROM_PEER, .data_len = 161 }, RELAYED, TO_CLIENT, TAIL_FAILS,
	  .only = ON_XDP | ON_TAIL, TAILROOM(0) },
	{ "no tailroom, of a channel", { CHANNELDATA, .data_len = 33 }, RELAYED, OF_CHANNEL,
	  .only = ON_XDP | ON_HEAD, TAILROOM(0) },
	{ "no tailroom, of a channel, padded", { CHANNELDATA, .data_len = 33, .padding = 3 },
	  RELAYED, OF_CHANNEL, .only = ON_XDP | ON_HEAD, TAILROOM(0) },
	{ "no tailroom, of a channel, 2 of 3", { CHANNELDATA, .data_len = 33, .padding = 2 },
	  RELAYED, OF_CHANNEL, .only = ON_XDP | ON_HEAD, TAILROOM(0) },
	{ "no tailroom, between indications", { SEND("PDF"), .data_len = 33 }, RELAYED, OF_BOTH,
	  .only = ON_XDP | ON_HEAD, TAILROOM(0) },
	{ "no tailroom, partial", { FROM_PEER, .data_len = 161, PARTIAL }, RELAYED, TO_CLIENT,
	  .only = ON_NATIVE | ON_HEAD, TAILROOM(0) },

	/* Room at neither end, which takes data of a length that fills the buffer. */
	{ "no headroom, 35 of 37 bytes of tailroom", { FROM_PEER }, NO_ROOM, BOTH_FAIL,
	  .only = ON_XDP | IPV4_ONLY, NO_HEADROOM(35) },
	{ "no headroom, 37 of 39 bytes of tailroom", { FROM_PEER }, NO_ROOM, BOTH_FAIL,
	  .only = ON_XDP | IPV4_ONLY, NO_HEADROOM(37) },
	{ "no headroom, 38 bytes of tailroom, head", { FROM_PEER }, RELAYED, TO_CLIENT, HEAD_FAILS,
	  .only = ON_XDP | ON_HEAD | IPV4_ONLY, NO_HEADROOM(38) },
	{ "no headroom, 39 bytes of tailroom, tail", { FROM_PEER }, RELAYED, TO_CLIENT,
	  .only = ON_XDP | ON_TAIL | IPV4_ONLY, NO_HEADROOM(39) },
	{ "no headroom, 39 bytes of tailroom, head", { FROM_PEER }, RELAYED, TO_CLIENT, HEAD_FAILS,
	  .only = ON_XDP | ON_HEAD | IPV4_ONLY, NO_HEADROOM(39) },
	{ "no headroom, 48 of 50 bytes of tailroom", { FROM_PEER }, NO_ROOM, BOTH_FAIL,
	  .only = ON_XDP | IPV6_ONLY, NO_HEADROOM(48) },
	{ "no room at all, to client", { FROM_PEER, DF }, NO_ROOM, BOTH_FAIL, .only = ON_XDP,
	  NO_HEADROOM(1) },
	{ "no room at all, to peer", { SEND("PD"), DF }, RELAYED, TO_PEER, .only = ON_XDP,
	  NO_HEADROOM(2) },
	{ "no room at all, to peer, DATA first", { SEND("DP"), DF }, RELAYED, TO_PEER,
	  .only = ON_XDP, NO_HEADROOM(2) },
	{ "no room at all, to a channel", { SEND("PD"), DF }, RELAYED, TO_CHANNEL, .only = ON_XDP,
	  NO_HEADROOM(2) },

	/* DATA moves behind the address: by 12 bytes for an IPv4 peer. */
	{ "11 bytes of headroom, DATA first", { SEND("DP"), .data_len = 161 }, RELAYED, OF_BOTH,
	  HEAD_FAILS, .only = ON_XDP | ON_HEAD | IPV4_ONLY, HEADROOM(11) },
	{ "12 bytes of headroom, DATA first", { SEND("DP"), .data_len = 161 }, RELAYED, OF_BOTH,
	  .only = ON_XDP | ON_HEAD | IPV4_ONLY, HEADROOM(12) },
	{ "no tailroom, DATA first", { SEND("DP"), .data_len = 161 }, RELAYED, OF_BOTH,
	  .only = ON_XDP | ON_TAIL | ON_SAME, TAILROOM(0) },
	{ "no headroom, to peer", { SEND("DPF"), .data_len = 161 }, RELAYED, TO_PEER,
	  .only = ON_XDP, HEADROOM(0) },
	{ "no tailroom, to peer", { SEND("DPF"), .data_len = 161 }, RELAYED, TO_PEER,
	  .only = ON_XDP, TAILROOM(0) },
	{ "31 bytes of headroom, of a channel", { CHANNELDATA, .data_len = 160 }, RELAYED,
	  OF_CHANNEL, HEAD_FAILS, .only = ON_XDP | ON_HEAD | IPV4_ONLY, HEADROOM(31) },
	{ "32 bytes of headroom, of a channel", { CHANNELDATA, .data_len = 160 }, RELAYED,
	  OF_CHANNEL, .only = ON_XDP | ON_HEAD | IPV4_ONLY, HEADROOM(32) },

	/* With a partial checksum, the head moves for the IP header, the tail for the rest. */
	{ "partial, 38 bytes of tailroom", { FROM_PEER, .data_len = 161, PARTIAL }, NO_ROOM,
	  TAIL_FAILS, .only = ON_GENERIC | IPV4_ONLY, TAILROOM(38) },
	{ "partial, 39 bytes of tailroom", { FROM_PEER, .data_len = 161, PARTIAL }, RELAYED,
	  TO_CLIENT, .only = ON_GENERIC | IPV4_ONLY, TAILROOM(39) },
	{ "partial, 19 bytes of headroom", { FROM_PEER, .data_len = 161, PARTIAL }, NO_ROOM,
	  HEAD_FAILS, .only = ON_GENERIC | ON_4TO6, HEADROOM(19) },
	{ "partial, 20 bytes of headroom", { FROM_PEER, .data_len = 161, PARTIAL }, RELAYED,
	  TO_CLIENT, .only = ON_GENERIC | ON_4TO6, HEADROOM(20) },
	{ "partial, no tailroom, to peer", { SEND("DPF"), .data_len = 161, PARTIAL }, RELAYED,
	  TO_PEER, .only = ON_GENERIC, TAILROOM(0) },
	{ "partial, no headroom, to peer", { SEND("PDF"), .data_len = 161, PARTIAL }, RELAYED,
	  TO_PEER, .only = ON_GENERIC | ON_SAME, HEADROOM(0) },

	/* TC always finds headroom; growing the tail may fail for lack of memory. */
	{ "no tailroom, TC", { FROM_PEER, .data_len = 160 }, RELAYED, TO_CLIENT, .only = ON_TC,
	  TAILROOM(0) },
	{ "no tailroom, TC, 1 byte of padding", { FROM_PEER, .data_len = 163 }, NO_ROOM, HEAD_FAILS,
	  .only = ON_TC, TAILROOM(0) },
	{ "no tailroom, TC, of a channel", { CHANNELDATA, .data_len = 33 }, .verdict = TURNPIKE_NO_ROOM,
	  OF_CHANNEL, HEAD_FAILS, .only = ON_TC, TAILROOM(0) },
	{ "no tailroom, TC, to peer", { SEND("PD"), .data_len = 160 }, RELAYED, TO_PEER,
	  .only = ON_TC, TAILROOM(0) },
	{ "partial, no tailroom, TC", { FROM_PEER, .data_len = 161, PARTIAL }, NO_ROOM, TAIL_FAILS,
	  .only = ON_TC, TAILROOM(0) },
};
/* clang-format on */

const struct table relayed_indications = TABLE(indication_egress);
const struct table made_room_indications = TABLE(indication_room);

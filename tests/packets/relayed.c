/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tables.h"

#define TABLE(array)                                    \
	{                                               \
		array, sizeof(array) / sizeof(array[0]) \
	}

#define TO_PEER   .flow = TURNPIKE_DIR_TO_PEER, .verdict = TURNPIKE_RELAYED
#define TO_CLIENT .flow = TURNPIKE_DIR_TO_CLIENT, .verdict = TURNPIKE_RELAYED
#define HAIRPIN   .flow = TURNPIKE_DIR_HAIRPIN, .verdict = TURNPIKE_RELAYED

#define FROM_CLIENT .src = CLIENT, .dst = SERVER, .channel = CHANNEL
#define FROM_PEER   .src = PEER, .dst = RELAY

/* clang-format off */
static const struct vector fields[] = {
	{ "DSCP, to peer", { FROM_CLIENT, .data_len = 50, .tos = 0xb8 }, TO_PEER },
	{ "DSCP, to client", { FROM_PEER, .data_len = 50, .tos = 0xb8 }, TO_CLIENT },
	{ "ECN, to peer", { FROM_CLIENT, .data_len = 50, .tos = 0x03 }, TO_PEER },
	{ "ECN, to client", { FROM_PEER, .data_len = 50, .tos = 0x01 }, TO_CLIENT },
	{ "all of TOS, to peer", { FROM_CLIENT, .data_len = 50, .tos = 0xff }, TO_PEER },
	{ "all of TOS, to client", { FROM_PEER, .data_len = 50, .tos = 0x5a }, TO_CLIENT },
	{ "all of TOS, hairpin", { FROM_CLIENT, .data_len = 50, .tos = 0xa5 }, HAIRPIN },
	{ "TTL 255, to peer", { FROM_CLIENT, .data_len = 50, .ttl = 255 }, TO_PEER },
	{ "TTL 255, to client", { FROM_PEER, .data_len = 50, .ttl = 255 }, TO_CLIENT },
	{ "TTL 2, to peer", { FROM_CLIENT, .data_len = 50, .ttl = 2 }, TO_PEER },
	{ "TTL 2, to client", { FROM_PEER, .data_len = 50, .ttl = 2 }, TO_CLIENT },
	{ "TTL 2, hairpin", { FROM_CLIENT, .data_len = 50, .ttl = 2 }, HAIRPIN },
	{ "DF, to peer", { FROM_CLIENT, .data_len = 50, .frag_off = 0x4000 }, TO_PEER,
	  .only = ON_IPV4 },
	{ "DF, to client", { FROM_PEER, .data_len = 50, .frag_off = 0x4000 }, TO_CLIENT,
	  .only = ON_IPV4 },
	{ "DF, hairpin", { FROM_CLIENT, .data_len = 50, .frag_off = 0x4000 }, HAIRPIN,
	  .only = ON_IPV4 },
	{ "the reserved flag is not kept", { FROM_PEER, .data_len = 50, .frag_off = 0x8000 },
	  TO_CLIENT, .only = ON_IPV4 },
	{ "the sender's ID is not kept", { FROM_PEER, .data_len = 50, .id = 0x4711 }, TO_CLIENT,
	  .only = ON_IPV4 },
	{ "the sender's label is not kept", { FROM_PEER, .data_len = 50, .label = 0xfedcb },
	  TO_CLIENT, .only = ON_IPV6 },
	{ "all at once", { FROM_CLIENT, .data_len = 50, .tos = 0xff, .ttl = 255, .id = 0xffff,
	  .frag_off = 0x4000, .label = 0xfffff, .padding = 2, .min_len = 200 }, TO_PEER },
	{ "to our MAC, from anyone's", { FROM_PEER, .data_len = 50, .smac = MAC_OTHER1 },
	  TO_CLIENT },
	{ "data that looks like ChannelData", { FROM_PEER, .data_len = 50, .word = 0x4001 },
	  TO_CLIENT },
	{ "data that looks like STUN", { FROM_PEER, .data_len = 50, .word = 0x0001 }, TO_CLIENT },
	{ "ChannelData in ChannelData", { FROM_CLIENT, .data_len = 50, .word = 0x4001 }, TO_PEER },
};

static const struct vector checksums[] = {
	{ "checksum 0, to peer", { FROM_CLIENT, .data_len = 33, .checksum = CHECKSUM_ZERO },
	  TO_PEER, .only = ON_IPV4 },
	{ "checksum 0, to client", { FROM_PEER, .data_len = 33, .checksum = CHECKSUM_ZERO },
	  TO_CLIENT, .only = ON_IPV4 },
	{ "checksum 0, hairpin", { FROM_CLIENT, .data_len = 33, .checksum = CHECKSUM_ZERO },
	  HAIRPIN, .only = ON_IPV4 },
	{ "checksum 0, padded", { FROM_CLIENT, .data_len = 33, .checksum = CHECKSUM_ZERO,
	  .padding = 3 }, TO_PEER, .only = ON_IPV4 },
	{ "not repaired, to peer", { FROM_CLIENT, .data_len = 33, .checksum = CHECKSUM_WRONG },
	  TO_PEER },
	{ "not repaired, to client", { FROM_PEER, .data_len = 33, .checksum = CHECKSUM_WRONG },
	  TO_CLIENT },
	{ "not repaired, hairpin", { FROM_CLIENT, .data_len = 33, .checksum = CHECKSUM_WRONG },
	  HAIRPIN },
	{ "not repaired, padded", { FROM_CLIENT, .data_len = 33, .checksum = CHECKSUM_WRONG,
	  .padding = 3 }, TO_PEER },
	{ "none becomes one that comes out as 0", { FROM_CLIENT, .data_len = 50,
	  .checksum = CHECKSUM_ZERO }, TO_PEER, .craft = CRAFT_OUT_ONES, .only = ON_4TO6 },
	{ "comes out as 0, to peer", { FROM_CLIENT, .data_len = 50 }, TO_PEER,
	  .craft = CRAFT_OUT_ONES },
	{ "comes out as 0, to client", { FROM_PEER, .data_len = 50 }, TO_CLIENT,
	  .craft = CRAFT_OUT_ONES },
	{ "comes out as 0, hairpin", { FROM_CLIENT, .data_len = 50 }, HAIRPIN,
	  .craft = CRAFT_OUT_ONES },
	{ "comes out as 0, odd and padded", { FROM_CLIENT, .data_len = 51, .padding = 1 }, TO_PEER,
	  .craft = CRAFT_OUT_ONES },
	{ "partial comes out as 0, to peer", { FROM_CLIENT, .data_len = 50,
	  .checksum = CHECKSUM_PARTIAL }, TO_PEER, .craft = CRAFT_OUT_ONES },
	{ "partial comes out as 0, to client", { FROM_PEER, .data_len = 51,
	  .checksum = CHECKSUM_PARTIAL }, TO_CLIENT, .craft = CRAFT_OUT_ONES },
	{ "partial comes out as 0, hairpin", { FROM_CLIENT, .data_len = 51, .padding = 1,
	  .checksum = CHECKSUM_PARTIAL }, HAIRPIN, .craft = CRAFT_OUT_ONES },
	{ "comes in as 0, to peer", { FROM_CLIENT, .data_len = 50 }, TO_PEER,
	  .craft = CRAFT_IN_ONES },
	{ "comes in as 0, to client", { FROM_PEER, .data_len = 50 }, TO_CLIENT,
	  .craft = CRAFT_IN_ONES },
	{ "none with IPv6, to peer", { FROM_CLIENT, .data_len = 50, .checksum = CHECKSUM_ZERO },
	  .flow = TURNPIKE_DIR_TO_PEER, .verdict = TURNPIKE_NO_CHECKSUM, .only = ON_IPV6 },
	{ "none with IPv6, to client", { FROM_PEER, .data_len = 50, .checksum = CHECKSUM_ZERO },
	  .flow = TURNPIKE_DIR_TO_CLIENT, .verdict = TURNPIKE_NO_CHECKSUM, .only = ON_IPV6 },
};

static const struct vector ways_out[] = {
	{ "another device, to peer", { FROM_CLIENT, .data_len = 50 }, TO_PEER, .hop = HOP_XMIT },
	{ "another device, to client", { FROM_PEER, .data_len = 50 }, TO_CLIENT, .hop = HOP_XMIT },
	{ "another device, hairpin", { FROM_CLIENT, .data_len = 50 }, HAIRPIN, .hop = HOP_XMIT },
	{ "no ndo_xdp_xmit, to peer", { FROM_CLIENT, .data_len = 50 }, TO_PEER,
	  .hop = HOP_NO_XMIT, .only = ON_SKB },
	{ "no ndo_xdp_xmit, to client", { FROM_PEER, .data_len = 50 }, TO_CLIENT,
	  .hop = HOP_NO_XMIT, .only = ON_SKB },
	{ "no ndo_xdp_xmit, native", { FROM_CLIENT, .data_len = 50 },
	  .flow = TURNPIKE_DIR_TO_PEER, .verdict = TURNPIKE_NO_EGRESS, .hop = HOP_NO_XMIT,
	  .only = ON_NATIVE },
	{ "no ndo_xdp_xmit, native, hairpin", { FROM_CLIENT, .data_len = 50 },
	  .flow = TURNPIKE_DIR_HAIRPIN, .verdict = TURNPIKE_NO_EGRESS, .hop = HOP_NO_XMIT,
	  .only = ON_NATIVE },
	{ "unresolved, to peer", { FROM_CLIENT, .data_len = 50 }, .flow = TURNPIKE_DIR_TO_PEER,
	  .verdict = TURNPIKE_NO_NEXTHOP, .hop = HOP_UNRESOLVED },
	{ "unresolved, to client", { FROM_PEER, .data_len = 50 }, .flow = TURNPIKE_DIR_TO_CLIENT,
	  .verdict = TURNPIKE_NO_NEXTHOP, .hop = HOP_UNRESOLVED },
	{ "next hop 0", { FROM_PEER, .data_len = 50 }, .flow = TURNPIKE_DIR_TO_CLIENT,
	  .verdict = TURNPIKE_NO_NEXTHOP, .hop = HOP_ZERO },
	{ "no such next hop", { FROM_PEER, .data_len = 50 }, .flow = TURNPIKE_DIR_TO_CLIENT,
	  .verdict = TURNPIKE_NO_NEXTHOP, .hop = HOP_BEYOND },
	{ "MTU fits, to peer", { FROM_CLIENT, .data_len = 1200 }, TO_PEER, .mtu = MTU_FITS },
	{ "MTU fits, to client", { FROM_PEER, .data_len = 1200 }, TO_CLIENT, .mtu = MTU_FITS },
	{ "MTU fits, hairpin", { FROM_CLIENT, .data_len = 1200 }, HAIRPIN, .mtu = MTU_FITS },
	{ "padding and trailers do not count", { FROM_CLIENT, .data_len = 5, .padding = 3,
	  .min_len = 100 }, HAIRPIN, .mtu = MTU_FITS },
	{ "MTU too short, to peer", { FROM_CLIENT, .data_len = 1200 },
	  .flow = TURNPIKE_DIR_TO_PEER, .verdict = TURNPIKE_TOO_BIG, .mtu = MTU_SHORT },
	{ "MTU too short, to client", { FROM_PEER, .data_len = 1200 },
	  .flow = TURNPIKE_DIR_TO_CLIENT, .verdict = TURNPIKE_TOO_BIG, .mtu = MTU_SHORT },
	{ "MTU too short, hairpin", { FROM_CLIENT, .data_len = 1 },
	  .flow = TURNPIKE_DIR_HAIRPIN, .verdict = TURNPIKE_TOO_BIG, .mtu = MTU_SHORT },

	/* RFC 7915: without DF, what the minimal MTU of IPv6 cannot take would need fragments. */
	{ "1280 bytes of IPv6, to peer", { FROM_CLIENT, .data_len = 1232 }, TO_PEER,
	  .only = ON_4TO6 },
	{ "1280 bytes of IPv6, to client", { FROM_PEER, .data_len = 1228 }, TO_CLIENT,
	  .only = ON_4TO6 },
	{ "1281 bytes of IPv6, to peer", { FROM_CLIENT, .data_len = 1233 },
	  .flow = TURNPIKE_DIR_TO_PEER, .verdict = TURNPIKE_TOO_BIG, .only = ON_4TO6 },
	{ "1281 bytes of IPv6, to client", { FROM_PEER, .data_len = 1229 },
	  .flow = TURNPIKE_DIR_TO_CLIENT, .verdict = TURNPIKE_TOO_BIG, .only = ON_4TO6 },
	{ "1281 bytes of IPv6, DF, to peer", { FROM_CLIENT, .data_len = 1233,
	  .frag_off = 0x4000 }, TO_PEER, .only = ON_4TO6 },
	{ "1281 bytes of IPv6, DF, hairpin", { FROM_CLIENT, .data_len = 1229,
	  .frag_off = 0x4000 }, HAIRPIN, .only = ON_4TO6 },
	{ "1260 bytes of IPv4: no DF", { FROM_CLIENT, .data_len = 1232 }, TO_PEER,
	  .only = ON_6TO4 },
	{ "1261 bytes of IPv4: DF", { FROM_CLIENT, .data_len = 1233 }, TO_PEER, .only = ON_6TO4 },
	{ "1260 bytes of IPv4, to client: no DF", { FROM_PEER, .data_len = 1228 }, TO_CLIENT,
	  .only = ON_6TO4 },
	{ "1261 bytes of IPv4, to client: DF", { FROM_PEER, .data_len = 1229 }, TO_CLIENT,
	  .only = ON_6TO4 },
	{ "1261 bytes from IPv4 to IPv4: no DF", { FROM_PEER, .data_len = 1229 }, TO_CLIENT,
	  .only = ON_IPV4 | ON_SAME },
};
/* clang-format on */

const struct table relayed_fields = TABLE(fields);
const struct table relayed_checksum = TABLE(checksums);
const struct table relayed_hops = TABLE(ways_out);

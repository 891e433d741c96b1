/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "private/array_len.h"
#include "sighting.h"

#define SIGHTINGS(array)                \
	{                               \
		array, ARRAY_LEN(array) \
	}

#define CONFIRMED     .effect = EFFECT_CONFIRMED
#define IGNORED       .effect = EFFECT_NONE
#define DIFFERS(what) .effect = EFFECT_ENDED, .observation = TURNPIKE_OBSERVED_##what
#define STATE(how)    .confirmation = { .state = how }

/* The direction, where the ends of all of them would not do. */
#define TO_PEER   .flow = TURNPIKE_DIR_TO_PEER
#define TO_CLIENT .flow = TURNPIKE_DIR_TO_CLIENT
#define HAIRPIN   .flow = TURNPIKE_DIR_HAIRPIN

/* To a client that sends and gets indications. */
#define INDICATION .framings = { .out = FRAMING_INDICATION }

#define ESP 50
#define AH  51
#define GRE 47
#define TCP 6

/* clang-format off */
static const struct sighting same[] = {
	{ { "new", STATE(STATE_NEW) }, CONFIRMED },
	{ { "awaited", .confirmation = { .state = STATE_AWAITED, .tries = 9 } }, CONFIRMED },
	{ { "early", .confirmation = { .state = STATE_WAITING, .tries = 1 } }, CONFIRMED },
	{ { "check", STATE(STATE_CHECKING) }, CONFIRMED },
	{ { "lapsed meanwhile", STATE(STATE_LAPSED) }, CONFIRMED },
	{ { "published anew meanwhile", STATE(STATE_REPUBLISHED) }, CONFIRMED },
	{ { "was another device's", STATE(STATE_MOVED_DUE) }, CONFIRMED },
	{ { "came in by another device", STATE(STATE_DUE) }, CONFIRMED, .in_by = 3 },
	{ { "was confirmed for another DSCP", STATE(STATE_OTHER_DSCP) }, CONFIRMED },
	{ { "no data", { .data_len = NO_DATA }, STATE(STATE_NEW) }, CONFIRMED },
	{ { "3 bytes of data", { .data_len = 3 }, STATE(STATE_NEW) }, CONFIRMED },
	{ { "4 bytes of data", { .data_len = 4 }, STATE(STATE_NEW) }, CONFIRMED },
	{ { "15 bytes of data", { .data_len = 15 }, STATE(STATE_NEW) }, CONFIRMED },
	{ { "16 bytes of data", { .data_len = 16 }, STATE(STATE_NEW) }, CONFIRMED },
	{ { "much data", { .data_len = 1400 }, STATE(STATE_NEW) }, CONFIRMED },
	{ { "DSCP", { .tos = 0xb8 }, STATE(STATE_NEW) }, CONFIRMED },
	{ { "TTL, ID, label", { .ttl = 63, .id = 0x4711, .label = 0x54321 }, STATE(STATE_NEW) },
	  CONFIRMED },
	{ { "DF", { .frag_off = 0x4000 }, STATE(STATE_NEW) }, CONFIRMED },
	{ { "first fragment", { .frag_off = 0x2000 }, STATE(STATE_NEW), .only = ON_IPV4 },
	  CONFIRMED },
	{ { "no checksum", { .checksum = CHECKSUM_ZERO }, STATE(STATE_NEW) }, CONFIRMED },
	{ { "partial checksum", { .checksum = CHECKSUM_PARTIAL }, STATE(STATE_NEW) }, CONFIRMED },
	{ { "a tag", { .tag = { 0x8100b005 } }, STATE(STATE_NEW) }, CONFIRMED },
	{ { "another type of tag", { .tag = { 0x88a80005 } }, STATE(STATE_NEW) }, CONFIRMED },
	{ { "two tags", { .tag = { 0x88a80007, 0x8100f005 } }, STATE(STATE_NEW) }, CONFIRMED },
	{ { "2 s later", STATE(STATE_NEW) }, CONFIRMED, .age = 2000000000 },
	{ { "expires soon", .confirmation = { .state = STATE_NEW, .life = 7 } }, CONFIRMED },
	{ { "expired meanwhile", STATE(STATE_LAPSED), .expired = true }, .effect = EFFECT_NOTICED,
	  .observation = TURNPIKE_OBSERVED_SAME },
	{ { "one more DSCP", { .tos = 0xb8 }, STATE(STATE_OTHER_DSCP) }, .effect = EFFECT_DSCP,
	  .more = true },
	{ { "one more DSCP, published anew", { .tos = 0xb8 }, STATE(STATE_REPUBLISHED) },
	  .more = true, .spent = true },
	{ { "one more DSCP, another device's", { .tos = 0xb8 }, STATE(STATE_MOVED) },
	  .more = true, .spent = true },
	{ { "one more DSCP, no longer confirmed", { .tos = 0xb8 }, STATE(STATE_AWAITED) },
	  .more = true, .spent = true },
};

static const struct sighting indications[] = {
	{ { "DATA first", { .attrs = "DP" }, INDICATION, STATE(STATE_NEW) }, CONFIRMED },
	{ { "FINGERPRINT", { .attrs = "PDF" }, INDICATION, STATE(STATE_NEW) }, CONFIRMED },
	{ { "DATA first, FINGERPRINT", { .attrs = "DPF", .data_len = 17 }, INDICATION,
	  STATE(STATE_NEW) }, CONFIRMED },
	{ { "SOFTWARE first", { .attrs = "SPDF" }, INDICATION, STATE(STATE_NEW) }, CONFIRMED },
	{ { "SOFTWARE last", { .attrs = "DPS", .filler = 0x20 }, INDICATION, STATE(STATE_NEW) },
	  CONFIRMED },
	{ { "padding is not zero", { .data_len = 17, .filler = 0x20 }, INDICATION,
	  STATE(STATE_NEW) }, CONFIRMED },
	{ { "another source", { .attrs = "DPF" }, INDICATION, STATE(STATE_CHECKING) },
	  DIFFERS(SOURCE), .source = SOURCE_OTHER_ADDRESS },
	{ { "another gateway", { .attrs = "PDF", .dmac = MAC_OTHER0 }, INDICATION,
	  STATE(STATE_CHECKING) }, DIFFERS(NEXTHOP) },

	{ { "a Send indication", { .stun = SEND_INDICATION }, INDICATION, STATE(STATE_CHECKING) },
	  IGNORED },
	{ { "ChannelData", { .channel = 0x4001 }, INDICATION, STATE(STATE_CHECKING) }, IGNORED },
	{ { "an unknown attribute", { .attrs = "PDM" }, INDICATION, STATE(STATE_CHECKING) },
	  IGNORED },
	{ { "two addresses", { .attrs = "PDP" }, INDICATION, STATE(STATE_CHECKING) }, IGNORED },
	{ { "no address", { .attrs = "D" }, INDICATION, STATE(STATE_CHECKING) }, IGNORED },
	{ { "an address of no family", { .attrs = "0D" }, INDICATION, STATE(STATE_CHECKING) },
	  IGNORED },
	{ { "another cookie", { .cookie_error = 1 }, INDICATION, STATE(STATE_CHECKING) },
	  IGNORED },
	{ { "a wrong length", { .stun_len_add = -4 }, INDICATION, STATE(STATE_CHECKING) },
	  IGNORED },
};

static const struct sighting other[] = {
	{ { "source address", STATE(STATE_NEW) }, DIFFERS(SOURCE),
	  .source = SOURCE_OTHER_ADDRESS },
	{ { "source address, confirmed", STATE(STATE_CHECKING) }, DIFFERS(SOURCE),
	  .source = SOURCE_OTHER_ADDRESS },
	{ { "source address, gateway", { .dmac = MAC_OTHER0 }, STATE(STATE_NEW) }, DIFFERS(SOURCE),
	  .source = SOURCE_OTHER_ADDRESS },
	{ { "source port", STATE(STATE_CHECKING) }, DIFFERS(PORT), .source = SOURCE_OTHER_PORT,
	  .socket = SOCKET_SERVER },
	{ { "source port without a role", STATE(STATE_CHECKING) }, DIFFERS(PORT),
	  .source = SOURCE_NO_ROLE, .socket = SOCKET_SERVER },
	{ { "source port, gateway", { .dmac = MAC_OTHER0 }, STATE(STATE_NEW) }, DIFFERS(PORT),
	  .source = SOURCE_OTHER_PORT, .socket = SOCKET_SERVER },
	{ { "device", STATE(STATE_NEW), .hop = HOP_XMIT }, DIFFERS(DEVICE) },
	{ { "device, confirmed", STATE(STATE_CHECKING), .hop = HOP_NO_XMIT }, DIFFERS(DEVICE) },
	{ { "unresolved next hop", STATE(STATE_CHECKING), .hop = HOP_UNRESOLVED },
	  DIFFERS(DEVICE) },
	{ { "device and tag", { .tag = { 0x81000005 } }, STATE(STATE_NEW), .hop = HOP_XMIT,
	  .tagging = TAGGED_FEWER }, DIFFERS(DEVICE) },
	{ { "a tag too many", { .tag = { 0x81000005 } }, STATE(STATE_CHECKING),
	  .tagging = TAGGED_FEWER }, DIFFERS(TAGS) },
	{ { "a tag too few", STATE(STATE_NEW), .tagging = TAGGED_MORE }, DIFFERS(TAGS) },
	{ { "another VLAN", { .tag = { 0x81000005 } }, STATE(STATE_NEW),
	  .tagging = TAGGED_OTHER_VLAN }, DIFFERS(TAGS) },
	{ { "another type of tag", { .tag = { 0x81000005 } }, STATE(STATE_NEW),
	  .tagging = TAGGED_OTHER_TYPE }, DIFFERS(TAGS) },
	{ { "another inner VLAN", { .tag = { 0x88a80007, 0x81000005 } }, STATE(STATE_NEW),
	  .tagging = TAGGED_OTHER_VLAN }, DIFFERS(TAGS) },
	{ { "one tag of two", { .tag = { 0x88a80007 } }, STATE(STATE_NEW),
	  .tagging = TAGGED_MORE }, DIFFERS(TAGS) },
	{ { "gateway", { .dmac = MAC_ROUTER }, STATE(STATE_NEW) }, DIFFERS(NEXTHOP) },
	{ { "gateway, confirmed", { .dmac = MAC_OTHER2 }, STATE(STATE_CHECKING) },
	  DIFFERS(NEXTHOP) },
	{ { "gateway, first word", { .dmac = MAC_NEXT0 }, STATE(STATE_NEW) }, DIFFERS(NEXTHOP) },
	{ { "gateway, second word", { .dmac = MAC_NEXT1 }, STATE(STATE_NEW) }, DIFFERS(NEXTHOP) },
	{ { "source MAC, first word", { .smac = MAC_OTHER0 }, STATE(STATE_NEW) },
	  DIFFERS(NEXTHOP) },
	{ { "source MAC, third word", { .smac = MAC_OTHER2 }, STATE(STATE_NEW) },
	  DIFFERS(NEXTHOP) },
	{ { "one more DSCP, gateway", { .dmac = MAC_OTHER0, .tos = 4 }, STATE(STATE_OTHER_DSCP) },
	  .more = true, .spent = true },
	{ { "one more DSCP, source", { .tos = 4 }, STATE(STATE_OTHER_DSCP) }, .more = true,
	  .spent = true, .source = SOURCE_OTHER_ADDRESS },
};

static const struct sighting hidden[] = {
	{ { "ESP", { .protocol = ESP }, STATE(STATE_CHECKING) }, DIFFERS(ENCRYPTED),
	  .socket = SOCKET_SERVER },
	{ { "ESP, not confirmed", { .protocol = ESP }, STATE(STATE_AWAITED) }, DIFFERS(ENCRYPTED),
	  .socket = SOCKET_SERVER },
	{ { "AH", { .protocol = AH }, STATE(STATE_CHECKING) }, DIFFERS(ENCRYPTED),
	  .socket = SOCKET_SERVER },
	{ { "GRE", { .protocol = GRE }, STATE(STATE_CHECKING) }, DIFFERS(ENCAPSULATED),
	  .socket = SOCKET_SERVER },
	{ { "another Ethernet type", { .ethertype = 0x8847 }, STATE(STATE_CHECKING) },
	  DIFFERS(ENCAPSULATED), .socket = SOCKET_SERVER },
	{ { "an extension header", { .extensions = 8 }, STATE(STATE_CHECKING), .only = ON_IPV6 },
	  DIFFERS(ENCAPSULATED), .socket = SOCKET_SERVER },
	{ { "ESP, 2 s later", { .protocol = ESP }, STATE(STATE_CHECKING) }, DIFFERS(ENCRYPTED),
	  .socket = SOCKET_SERVER, .age = 2000000000 },
	{ { "ESP, too late", { .protocol = ESP }, STATE(STATE_CHECKING) },
	  .socket = SOCKET_SERVER, .age = 2000000001 },
	{ { "ESP, sample of another DSCP", { .protocol = ESP }, STATE(STATE_OTHER_DSCP) },
	  .socket = SOCKET_SERVER, .more = true },
	{ { "ESP without a socket", { .protocol = ESP }, STATE(STATE_CHECKING) },
	  .socket = SOCKET_NONE },
	{ { "ESP of another socket", { .protocol = ESP }, STATE(STATE_CHECKING) },
	  .socket = SOCKET_OTHER },
	{ { "first fragment of ESP", { .protocol = ESP, .frag_off = 0x2000 }, STATE(STATE_CHECKING),
	  .only = ON_IPV4 }, .socket = SOCKET_SERVER, DIFFERS(ENCRYPTED) },
	{ { "last fragment of ESP", { .protocol = ESP, .frag_off = 0x00b9 }, STATE(STATE_CHECKING),
	  .only = ON_IPV4 }, .socket = SOCKET_SERVER },
	{ { "TCP of the same port", { .protocol = TCP }, STATE(STATE_CHECKING) },
	  .socket = SOCKET_TCP },
	{ { "TCP without a full socket", { .protocol = TCP }, STATE(STATE_CHECKING) },
	  .socket = SOCKET_REQUEST },
	{ { "an IPv6 fragment", { .protocol = 44 }, STATE(STATE_CHECKING), .only = ON_IPV6 },
	  .socket = SOCKET_SERVER },
};

static const struct sighting foreign[] = {
	{ { "forwarded", STATE(STATE_NEW) }, .forwarded = true },
	{ { "forwarded from another source", STATE(STATE_CHECKING) }, .forwarded = true,
	  .source = SOURCE_OTHER_ADDRESS },
	{ { "another destination", STATE(STATE_CHECKING) }, .other_dst = true },
	{ { "other data", STATE(STATE_CHECKING) }, .other_data = true },
	{ { "a longer datagram", { .padding = 1 }, STATE(STATE_CHECKING) }, IGNORED },
	{ { "another channel", { .channel = 0x4fee }, TO_CLIENT, STATE(STATE_CHECKING) },
	  IGNORED },
	{ { "a response", TO_CLIENT, STATE(STATE_CHECKING) }, .response = true },
	{ { "a response, hairpin", HAIRPIN, STATE(STATE_CHECKING) }, .response = true },
	{ { "a port without a role", STATE(STATE_CHECKING) }, .source = SOURCE_NO_ROLE,
	  .socket = SOCKET_NONE },
	{ { "another port", STATE(STATE_CHECKING) }, .source = SOURCE_OTHER_PORT,
	  .socket = SOCKET_NONE },
	{ { "another socket", STATE(STATE_CHECKING) }, .socket = SOCKET_OTHER },
	{ { "no such next hop", STATE(STATE_NEW), .hop = HOP_BEYOND }, .spent = true },
	{ { "too late", STATE(STATE_NEW) }, .age = 2000000001, .spent = true },
	{ { "too late, confirmed", { .dmac = MAC_OTHER0 }, STATE(STATE_CHECKING) },
	  .age = 2000000001, .spent = true },
	{ { "before the clock was set back", STATE(STATE_NEW) }, .age = -1, .spent = true },
	{ { "last fragment", { .frag_off = 0x00b9 }, STATE(STATE_CHECKING), .only = ON_IPV4 },
	  IGNORED },
	{ { "IP options", { .options = 4 }, STATE(STATE_CHECKING), .only = ON_IPV4 },
	  IGNORED },
	{ { "another protocol", { .protocol = TCP }, STATE(STATE_CHECKING) },
	  .socket = SOCKET_NONE },
	{ { "ARP", { .ethertype = 0x0806 }, STATE(STATE_CHECKING) }, .socket = SOCKET_NONE },
	{ { "three tags", { .tag = { 0x88a80007, 0x88a80006, 0x81000005 } },
	  STATE(STATE_CHECKING) }, .socket = SOCKET_NONE },
};
/* clang-format on */

const struct sightings seen_same = SIGHTINGS(same);
const struct sightings seen_indications = SIGHTINGS(indications);
const struct sightings seen_other = SIGHTINGS(other);
const struct sightings seen_hidden = SIGHTINGS(hidden);
const struct sightings seen_foreign = SIGHTINGS(foreign);

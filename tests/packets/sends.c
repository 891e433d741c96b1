/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Send indications: those that are relayed, and those that are left to the server. */
#include "private/array_len.h"
#include "tables.h"

#define TABLE(array)                    \
	{                               \
		array, ARRAY_LEN(array) \
	}

/* The flow: of a client that sends indications, to its peer or to a client with a channel. */
#define SENDS   .framings = { .in = FRAMING_INDICATION }
#define TO_PEER .flow = TURNPIKE_DIR_TO_PEER, SENDS
#define HAIRPIN .flow = TURNPIKE_DIR_HAIRPIN, SENDS

#define RELAYED .verdict = TURNPIKE_RELAYED, TO_PEER
#define CONTROL .verdict = TURNPIKE_CONTROL, TO_PEER
#define NO_FLOW .verdict = TURNPIKE_NO_FLOW

/* The packet: attributes are letters of the table in build.c. */
#define FROM_CLIENT  .src = CLIENT, .dst = SERVER
#define SEND(order)  FROM_CLIENT, .stun = SEND_INDICATION, .attrs = order
#define SPACES       .filler = 0x20
#define TO_IPV4_PEER .only = ON_IPV4 | ON_SAME

/* clang-format off */
static const struct vector sends[] = {
	{ "Firefox", { SEND("PDF"), .data_len = 76 }, RELAYED },
	{ "Chromium", { SEND("PD"), .data_len = 78 }, RELAYED },
	{ "coturn", { SEND("DPF"), .data_len = 169 }, RELAYED },
	{ "pion, no data", { SEND("DPF") }, RELAYED },
	{ "libnice", { SEND("PD"), .data_len = 1, SPACES }, RELAYED },
	{ "ice4j", { SEND("PDSF"), .data_len = 33 }, RELAYED },
	{ "an attribute that may be ignored", { SEND("POD"), .data_len = 50 }, RELAYED },
	{ "two of them", { SEND("OPDO"), .data_len = 51, SPACES }, RELAYED },
	{ "two alike", { SEND("PSSD"), .data_len = 51 }, RELAYED },
	{ "an empty one last", { SEND("PDX"), .data_len = 50 }, RELAYED },
	{ "a byte is ignored", { SEND("pDF"), .data_len = 50 }, RELAYED },
	{ "DATA is Send", { SEND("PDF"), .data_len = 50, .word = SEND_INDICATION }, RELAYED },
	{ "DATA is ChannelData", { SEND("DP"), .data_len = 50, .word = CHANNEL }, RELAYED },
	{ "ECN, DSCP", { SEND("DPF"), .data_len = 50, .tos = 0xbb }, RELAYED },

	/* The bytes before the data, and those behind it. */
	{ "128 bytes before", { SEND("XDP"), .data_len = 50, .extra_len = 100 }, RELAYED },
	{ "128 bytes before, padded", { SEND("XDP"), .data_len = 50, .extra_len = 99, SPACES },
	  RELAYED },
	{ "128 bytes behind", { SEND("PDX"), .data_len = 48, .extra_len = 124 }, RELAYED },
	{ "126 bytes behind", { SEND("PDX"), .data_len = 46, .extra_len = 120, SPACES }, RELAYED },
	{ "128 bytes behind, padded", { SEND("PDX"), .data_len = 44, .extra_len = 121, SPACES },
	  RELAYED },
	{ "128 on both sides", { SEND("XDPX"), .data_len = 200, .extra_len = 100 }, RELAYED,
	  .only = ON_IPV4 | ON_SAME },
	{ "Ethernet padding", { SEND("DP"), .data_len = 2, .min_len = 120, SPACES }, RELAYED },

	/* What surrounds the data is taken out of the checksum. */
	{ "checksum 0", { SEND("DPF"), .data_len = 33, .checksum = CHECKSUM_ZERO }, RELAYED,
	  .only = ON_IPV4 },
	{ "wrong checksum", { SEND("PDSF"), .data_len = 33, .checksum = CHECKSUM_WRONG, SPACES },
	  RELAYED },
	{ "partial checksum", { SEND("PDF"), .data_len = 33, .checksum = CHECKSUM_PARTIAL, SPACES },
	  RELAYED },
	{ "partial checksum, DATA first", { SEND("DPF"), .data_len = 35, SPACES,
	  .checksum = CHECKSUM_PARTIAL }, RELAYED },
	{ "partial checksum, no data", { SEND("DP"), .checksum = CHECKSUM_PARTIAL }, RELAYED },
	{ "outgoing computed as 0", { SEND("DPSF"), .data_len = 51, SPACES }, RELAYED,
	  .craft = CRAFT_OUT_ONES },
	{ "incoming computed as 0", { SEND("DPSF"), .data_len = 51, SPACES }, RELAYED,
	  .craft = CRAFT_IN_ONES },
	{ "looks partial", { SEND("PDSF"), .data_len = 51, SPACES }, RELAYED,
	  .craft = CRAFT_IN_PSEUDO },
};

static const struct vector unusual[] = {
	{ "an unknown attribute", { SEND("PDM"), .data_len = 50 }, CONTROL },
	{ "an unknown attribute first", { SEND("MPD"), .data_len = 50 }, CONTROL },
	{ "an unknown attribute between", { SEND("DMP"), .data_len = 50 }, CONTROL },
	{ "DONT-FRAGMENT", { SEND("PDN"), .data_len = 50 }, CONTROL },
	{ "DONT-FRAGMENT, coturn", { SEND("DPNF"), .data_len = 169 }, CONTROL },
	{ "LIFETIME", { SEND("LPDF"), .data_len = 50 }, CONTROL },
	{ "two addresses", { SEND("PPD"), .data_len = 50 }, CONTROL },
	{ "two addresses around DATA", { SEND("PDPF"), .data_len = 50 }, CONTROL },
	{ "two of DATA", { SEND("PDD"), .data_len = 50 }, CONTROL },
	{ "two of DATA around the address", { SEND("DPDF"), .data_len = 50 }, CONTROL },
	{ "no address", { SEND("D"), .data_len = 50 }, CONTROL },
	{ "no address, FINGERPRINT", { SEND("DF"), .data_len = 50 }, CONTROL },
	{ "no DATA", { SEND("P") }, CONTROL },
	{ "no DATA, FINGERPRINT", { SEND("PSF") }, CONTROL },
	{ "no attributes", { SEND("") }, CONTROL },
	{ "FINGERPRINT first", { SEND("FPD"), .data_len = 50 }, CONTROL },
	{ "FINGERPRINT before DATA", { SEND("PFD"), .data_len = 50 }, CONTROL },
	{ "FINGERPRINT before SOFTWARE", { SEND("PDFS"), .data_len = 50 }, CONTROL },
	{ "two of FINGERPRINT", { SEND("PDFF"), .data_len = 50 }, CONTROL },
	{ "empty FINGERPRINT", { SEND("PDf"), .data_len = 50 }, CONTROL },
	{ "FINGERPRINT of 3 bytes", { SEND("PDg"), .data_len = 50 }, CONTROL },
	{ "FINGERPRINT of 8 bytes", { SEND("PDh"), .data_len = 50 }, CONTROL },
	{ "five attributes", { SEND("PDSSF"), .data_len = 50 }, CONTROL },
	{ "five attributes, DATA last", { SEND("OOOPD"), .data_len = 50 }, CONTROL },

	{ "wrong cookie", { SEND("PD"), .data_len = 50, .cookie_error = 1 }, CONTROL },
	{ "wrong cookie, first bit", { SEND("DPF"), .data_len = 50, .cookie_error = 0x80000000 },
	  CONTROL },
	{ "STUN length 4 too short", { SEND("PDF"), .data_len = 48, .stun_len_add = -4 }, CONTROL },
	{ "STUN length 8 too short", { SEND("PDF"), .data_len = 48, .stun_len_add = -8 }, CONTROL },
	{ "STUN length without padding", { SEND("PD"), .data_len = 49, .stun_len_add = -3 },
	  CONTROL },
	{ "STUN length 1 too long", { SEND("PDF"), .data_len = 48, .stun_len_add = 1 }, CONTROL },
	{ "STUN length 4 too long", { SEND("PDF"), .data_len = 48, .stun_len_add = 4 }, CONTROL },
	{ "STUN length in Ethernet padding", { SEND("PDF"), .data_len = 4, .stun_len_add = 4,
	  .min_len = 200 }, CONTROL },
	{ "STUN length 65535", { SEND("D"), .data_len = 16, .stun_len_add = 65535 - 20 }, CONTROL },
	{ "1 byte behind the message", { SEND("PDF"), .data_len = 48, .padding = 1 }, CONTROL },
	{ "4 bytes behind the message", { SEND("PD"), .data_len = 48, .padding = 4 }, CONTROL },
	{ "half an attribute", { SEND("PD"), .data_len = 48, .padding = 3, .stun_len_add = 3 },
	  CONTROL },
	{ "an attribute beyond the end", { SEND("PD"), .data_len = 48, .padding = 4,
	  .stun_len_add = 4 }, CONTROL },
	{ "an attribute in Ethernet padding", { SEND("PD"), .data_len = 48, .padding = 4,
	  .stun_len_add = 4, .min_len = 1500 }, CONTROL },
	{ "DATA 1 byte beyond the end", { SEND("PD"), .data_len = 48, .data_len_add = 1 },
	  CONTROL },
	{ "DATA in Ethernet padding", { SEND("PD"), .data_len = 4, .data_len_add = 1,
	  .min_len = 120 }, CONTROL },
	{ "DATA of 65535 bytes", { SEND("DP"), .data_len = 48, .data_len_add = 65535 - 48 },
	  CONTROL },
	{ "DATA of 65533 bytes", { SEND("PD"), .data_len = 48, .data_len_add = 65533 - 48 },
	  CONTROL },
	{ "DATA swallows the address", { SEND("DP"), .data_len = 48, .data_len_add = 12 }, CONTROL,
	  TO_IPV4_PEER },
	{ "1 byte of DATA without padding", { SEND("Pd"), .data_len = 1 }, CONTROL },
	{ "50 bytes of DATA without padding", { SEND("Pd"), .data_len = 50 }, CONTROL },
	{ "3 bytes of DATA without padding", { SEND("Pd"), .data_len = 3 }, CONTROL },
	{ "DATA first, without padding", { SEND("dP"), .data_len = 1 }, CONTROL },

	{ "an address of no family", { SEND("0D"), .data_len = 50 }, CONTROL },
	{ "family 1, 20 bytes", { SEND("1D"), .data_len = 50 }, CONTROL },
	{ "family 2, 8 bytes", { SEND("2D"), .data_len = 50 }, CONTROL },
	{ "family 3", { SEND("D3F"), .data_len = 50 }, CONTROL },
	{ "family 1, 4 bytes", { SEND("4D"), .data_len = 50 }, CONTROL },
	{ "family 1, 7 bytes", { SEND("5D"), .data_len = 50 }, CONTROL },
	{ "family 1, 9 bytes", { SEND("6D"), .data_len = 50 }, CONTROL },
	{ "family 2, 19 bytes", { SEND("D7F"), .data_len = 50 }, CONTROL },
	{ "family 2, 24 bytes", { SEND("8D"), .data_len = 50 }, CONTROL },

	{ "129 bytes before", { SEND("XDP"), .data_len = 50, .extra_len = 101 }, CONTROL },
	{ "132 bytes before", { SEND("XDP"), .data_len = 50, .extra_len = 104 }, CONTROL },
	{ "129 bytes behind", { SEND("PDX"), .data_len = 47, .extra_len = 124 }, CONTROL },
	{ "132 bytes behind", { SEND("PDX"), .data_len = 48, .extra_len = 128 }, CONTROL },

	{ "a Data indication", { FROM_CLIENT, .stun = DATA_INDICATION, .attrs = "PD",
	  .data_len = 50 }, CONTROL },
	{ "a Binding request", { FROM_CLIENT, .stun = 0x0001, .attrs = "PD", .data_len = 50 },
	  CONTROL },
	{ "a Send response", { FROM_CLIENT, .stun = 0x0106, .attrs = "PD", .data_len = 50 },
	  CONTROL },
	{ "type 0x8016", { FROM_CLIENT, .stun = 0x8016, .attrs = "PD", .data_len = 50 }, CONTROL },
	{ "4 bytes", { FROM_CLIENT, .data_len = 4, .word = SEND_INDICATION }, CONTROL },
	{ "8 bytes", { FROM_CLIENT, .data_len = 8, .word = SEND_INDICATION, .min_len = 100 },
	  CONTROL },
	{ "19 bytes", { FROM_CLIENT, .data_len = 19, .word = SEND_INDICATION }, CONTROL },
	{ "a super-packet", { SEND("PDF"), .data_len = 1200 }, .verdict = TURNPIKE_GSO, TO_PEER,
	  .gso_size = 600, .only = ON_TC },
	{ "exceeds the ingress MTU", { SEND("PDF"), .data_len = 1200 }, .verdict = TURNPIKE_GSO,
	  TO_PEER, .in_mtu = MTU_SHORT, .only = ON_GENERIC },

	{ "no flow", { SEND("PDF"), .data_len = 50 }, NO_FLOW },
	{ "another peer", { SEND("PDF"), .data_len = 50, .peer = NOBODY }, NO_FLOW, TO_PEER },
	{ "the address that packets go to", { SEND("DP"), .data_len = 50, .peer = PEER }, NO_FLOW,
	  TO_PEER },
	{ "a peer of the other family", { SEND("PD"), .data_len = 50,
	  .peer_family = TURNPIKE_IPV6 }, NO_FLOW, TO_PEER, TO_IPV4_PEER },
	{ "another client", { .src = NOBODY, .dst = SERVER, .stun = SEND_INDICATION, .attrs = "PD",
	  .data_len = 50 }, NO_FLOW, HAIRPIN },
	{ "a flow of a channel", { SEND("PDF"), .data_len = 50 }, NO_FLOW,
	  .flow = TURNPIKE_DIR_TO_PEER },
	{ "ChannelData to a flow of indications", { FROM_CLIENT, .channel = CHANNEL,
	  .data_len = 50 }, NO_FLOW, TO_PEER },
	{ "a Send indication at a relay port", { .src = CLIENT, .dst = RELAY,
	  .stun = SEND_INDICATION, .attrs = "PD", .data_len = 50 }, NO_FLOW, TO_PEER },
	{ "expired", { SEND("DPF"), .data_len = 50 }, .verdict = TURNPIKE_EXPIRED, TO_PEER,
	  .expired = true },
	{ "TTL 1", { SEND("DPF"), .data_len = 50, .ttl = 1 }, .verdict = TURNPIKE_TTL, TO_PEER },
	{ "TTL 1, two tags", { SEND("PDSF"), .data_len = 1000, .ttl = 1,
	  .tag = { 0x88a80007, 0x81000005 } }, .verdict = TURNPIKE_TTL, TO_PEER },
};
/* clang-format on */

const struct table relayed_sends = TABLE(sends);
const struct table passed_unusual = TABLE(unusual);

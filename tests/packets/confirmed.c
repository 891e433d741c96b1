/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Confirmation: which packets are passed to the stack to have their flows confirmed. */
#include "private/array_len.h"
#include "tables.h"

#define TABLE(array)                    \
	{                               \
		array, ARRAY_LEN(array) \
	}

#define TO_PEER   .flow = TURNPIKE_DIR_TO_PEER
#define TO_CLIENT .flow = TURNPIKE_DIR_TO_CLIENT
#define HAIRPIN   .flow = TURNPIKE_DIR_HAIRPIN

#define FROM_CLIENT .src = CLIENT, .dst = SERVER, .channel = CHANNEL
#define FROM_PEER   .src = PEER, .dst = RELAY

/* The first packet of a flow, and the one that is sampled after so many tries. */
#define FIRST \
	.only = ON_CONFIRMING, .confirmation = { .state = STATE_NEW, .sampled = true, .next = 4 }
#define RETRY(n, ms)           \
	.only = ON_CONFIRMING, \
	.confirmation = { .state = STATE_AWAITED, .tries = n, .sampled = true, .next = ms }
#define ENDS(how)              \
	.only = ON_CONFIRMING, \
	.confirmation = { .state = how, .sampled = true, .ends = true, .next = 4 }
#define OTHER_DSCP             \
	.only = ON_CONFIRMING, \
	.confirmation = { .state = STATE_OTHER_DSCP, .sampled = true, .more = true }
#define UNTOUCHED(how) .only = ON_CONFIRMING, .confirmation = { .state = how }

/* The check is the packet's, or is put off because there are too many. */
#define CHECKS(how)            \
	.only = ON_CONFIRMING, \
	.confirmation = { .state = how, .sampled = true, .next = 125, .until = 1000 }
#define PUT_OFF(how)           \
	.only = ON_CONFIRMING, \
	.confirmation = { .state = how, .no_checks = true, .next = 2500, .until = 22500 }

/* clang-format off */
static const struct vector unconfirmed[] = {
	{ "first, to peer", { FROM_CLIENT, .data_len = 50 }, TURNPIKE_UNCONFIRMED, TO_PEER, FIRST },
	{ "first, to client", { FROM_PEER, .data_len = 50 }, TURNPIKE_UNCONFIRMED, TO_CLIENT, FIRST },
	{ "first, hairpin", { FROM_CLIENT, .data_len = 50 }, TURNPIKE_UNCONFIRMED, HAIRPIN, FIRST },
	{ "no data", { FROM_PEER }, TURNPIKE_UNCONFIRMED, TO_CLIENT, FIRST },
	{ "no data, padded", { FROM_CLIENT, .padding = 3 }, TURNPIKE_UNCONFIRMED, TO_PEER, FIRST },
	{ "3 bytes of data", { FROM_CLIENT, .data_len = 3 }, TURNPIKE_UNCONFIRMED, TO_PEER, FIRST },
	{ "4 bytes of data", { FROM_PEER, .data_len = 4 }, TURNPIKE_UNCONFIRMED, TO_CLIENT, FIRST },
	{ "15 bytes of data", { FROM_CLIENT, .data_len = 15, .padding = 1 }, TURNPIKE_UNCONFIRMED,
	  TO_PEER, FIRST },
	{ "16 bytes of data", { FROM_CLIENT, .data_len = 16, .min_len = 100 },
	  TURNPIKE_UNCONFIRMED, HAIRPIN, FIRST },
	{ "much data", { FROM_PEER, .data_len = 1400 }, TURNPIKE_UNCONFIRMED, TO_CLIENT, FIRST },
	{ "a tag", { FROM_CLIENT, .data_len = 50, .tag = { 0x8100b005 } }, TURNPIKE_UNCONFIRMED,
	  TO_PEER, FIRST },
	{ "two tags", { FROM_PEER, .data_len = 51, .tag = { 0x88a80007, 0x81000005 } },
	  TURNPIKE_UNCONFIRMED, TO_CLIENT, FIRST },
	{ "partial checksum", { FROM_PEER, .data_len = 50, .checksum = CHECKSUM_PARTIAL },
	  TURNPIKE_UNCONFIRMED, TO_CLIENT, FIRST },
	{ "wrong checksum", { FROM_CLIENT, .data_len = 50, .checksum = CHECKSUM_WRONG },
	  TURNPIKE_UNCONFIRMED, TO_PEER, FIRST },
	{ "another device", { FROM_CLIENT, .data_len = 50 }, TURNPIKE_UNCONFIRMED, TO_PEER,
	  .hop = HOP_XMIT, FIRST },

	{ "second try", { FROM_CLIENT, .data_len = 50 }, TURNPIKE_UNCONFIRMED, TO_PEER,
	  RETRY(1, 8) },
	{ "third try", { FROM_PEER, .data_len = 50 }, TURNPIKE_UNCONFIRMED, TO_CLIENT,
	  RETRY(2, 16) },
	{ "fifth try", { FROM_CLIENT, .data_len = 50 }, TURNPIKE_UNCONFIRMED, HAIRPIN,
	  RETRY(4, 64) },
	{ "sixth try", { FROM_PEER, .data_len = 50 }, TURNPIKE_UNCONFIRMED, TO_CLIENT,
	  RETRY(5, 128) },
	{ "seventh try", { FROM_CLIENT, .data_len = 50 }, TURNPIKE_UNCONFIRMED, TO_PEER,
	  RETRY(6, 256) },
	{ "eighth try", { FROM_CLIENT, .data_len = 50 }, TURNPIKE_UNCONFIRMED, HAIRPIN,
	  RETRY(7, 512) },
	{ "ninth try", { FROM_CLIENT, .data_len = 50 }, TURNPIKE_UNCONFIRMED, TO_PEER,
	  RETRY(8, 1024) },
	{ "tenth try", { FROM_CLIENT, .data_len = 50 }, TURNPIKE_UNCONFIRMED, TO_PEER,
	  RETRY(9, 1024) },
	{ "try 255", { FROM_CLIENT, .data_len = 50 }, TURNPIKE_UNCONFIRMED, TO_PEER,
	  RETRY(254, 1024) },
	{ "more are not counted", { FROM_CLIENT, .data_len = 50 }, TURNPIKE_UNCONFIRMED, TO_PEER,
	  RETRY(255, 1024) },
	{ "too early, to peer", { FROM_CLIENT, .data_len = 50 }, TURNPIKE_UNCONFIRMED, TO_PEER,
	  UNTOUCHED(STATE_WAITING) },
	{ "too early, to client", { FROM_PEER, .data_len = 50 }, TURNPIKE_UNCONFIRMED, TO_CLIENT,
	  UNTOUCHED(STATE_WAITING) },
	{ "expires before the next sample", { FROM_PEER, .data_len = 50 }, TURNPIKE_UNCONFIRMED,
	  TO_CLIENT, .only = ON_CONFIRMING, .confirmation = { .state = STATE_NEW, .life = 3,
	  .sampled = true, .next = 3 } },
	{ "expires before the next sample, late", { FROM_CLIENT, .data_len = 50 },
	  TURNPIKE_UNCONFIRMED, TO_PEER, .only = ON_CONFIRMING, .confirmation = { .state = STATE_AWAITED,
	  .tries = 40, .life = 1023, .sampled = true, .next = 1023 } },

	{ "its time has passed, to peer", { FROM_CLIENT, .data_len = 50 }, TURNPIKE_UNCONFIRMED,
	  TO_PEER, ENDS(STATE_LAPSED) },
	{ "its time has passed, to client", { FROM_PEER, .data_len = 50 }, TURNPIKE_UNCONFIRMED,
	  TO_CLIENT, ENDS(STATE_LAPSED) },
	{ "its time has passed, hairpin", { FROM_CLIENT, .data_len = 50 }, TURNPIKE_UNCONFIRMED,
	  HAIRPIN, ENDS(STATE_LAPSED) },
	{ "the host's rules have changed", { FROM_PEER, .data_len = 50 }, TURNPIKE_UNCONFIRMED,
	  TO_CLIENT, ENDS(STATE_CHANGED) },
	{ "published anew, to peer", { FROM_CLIENT, .data_len = 50 }, TURNPIKE_UNCONFIRMED,
	  TO_PEER, ENDS(STATE_REPUBLISHED) },
	{ "published anew, to client", { FROM_PEER, .data_len = 50 }, TURNPIKE_UNCONFIRMED,
	  TO_CLIENT, ENDS(STATE_REPUBLISHED), .hop = HOP_XMIT },

	/* Rules of the host may depend on the DSCP. */
	{ "another DSCP, to peer", { FROM_CLIENT, .data_len = 50, .tos = 0xb8 },
	  TURNPIKE_UNCONFIRMED, TO_PEER, OTHER_DSCP },
	{ "another DSCP, to client", { FROM_PEER, .data_len = 50, .tos = 0xff },
	  TURNPIKE_UNCONFIRMED, TO_CLIENT, OTHER_DSCP },
	{ "another DSCP, hairpin", { FROM_CLIENT, .data_len = 50 }, TURNPIKE_UNCONFIRMED,
	  HAIRPIN, OTHER_DSCP },
	{ "another DSCP, TTL 1", { FROM_CLIENT, .data_len = 50, .tos = 0x20, .ttl = 1 },
	  TURNPIKE_UNCONFIRMED, TO_PEER, OTHER_DSCP },
	{ "another DSCP, too early", { FROM_CLIENT, .data_len = 50, .tos = 0xb8 },
	  TURNPIKE_UNCONFIRMED, TO_PEER, UNTOUCHED(STATE_OTHER_DSCP_WAITING) },
	{ "another DSCP, not confirmed", { FROM_CLIENT, .data_len = 50, .tos = 0xb8 },
	  TURNPIKE_UNCONFIRMED, TO_PEER, FIRST },

	/* What the stack decides. */
	{ "not confirmed, TTL 1", { FROM_CLIENT, .data_len = 50, .ttl = 1 }, TURNPIKE_UNCONFIRMED,
	  TO_PEER, FIRST },
	{ "not confirmed, MTU too short", { FROM_CLIENT, .data_len = 1000, .frag_off = 0x4000 },
	  TURNPIKE_UNCONFIRMED, TO_PEER, .mtu = MTU_SHORT, FIRST },
	{ "not confirmed, above a limit", { FROM_PEER, .data_len = 50 }, TURNPIKE_UNCONFIRMED,
	  TO_CLIENT, .limit = LIMIT_SHORT, FIRST },
	{ "not confirmed, no ndo_xdp_xmit", { FROM_PEER, .data_len = 50 }, TURNPIKE_UNCONFIRMED,
	  TO_CLIENT, .hop = HOP_NO_XMIT, FIRST },
	{ "not confirmed, no headroom", { FROM_PEER, .data_len = 160 }, TURNPIKE_UNCONFIRMED,
	  TO_CLIENT, .room = ROOM_HEAD, .confirmation = { .state = STATE_NEW, .sampled = true, .next = 4 },
	  .only = ON_CONFIRMING | ON_XDP },

	/* What is decided before. */
	{ "not confirmed, expired", { FROM_CLIENT, .data_len = 50 }, TURNPIKE_EXPIRED, TO_PEER,
	  .expired = true, UNTOUCHED(STATE_NEW) },
	{ "no time left, expired", { FROM_CLIENT, .data_len = 50 }, TURNPIKE_EXPIRED, TO_PEER,
	  .expired = true, UNTOUCHED(STATE_LAPSED) },
	{ "not confirmed, unresolved", { FROM_CLIENT, .data_len = 50 }, TURNPIKE_NO_NEXTHOP,
	  TO_PEER, .hop = HOP_UNRESOLVED, UNTOUCHED(STATE_NEW) },
	{ "not confirmed, another VLAN", { FROM_PEER, .data_len = 50, .tag = { 0x81000005 } },
	  TURNPIKE_VLAN, TO_CLIENT, .tagging = TAGGED_OTHER_VLAN, UNTOUCHED(STATE_NEW) },
	{ "not confirmed, malformed", { FROM_PEER, .data_len = 50, .udp_len_add = 1 },
	  TURNPIKE_MALFORMED, TO_CLIENT, UNTOUCHED(STATE_NEW) },
};

static const struct vector checked[] = {
	{ "check, to peer", { FROM_CLIENT, .data_len = 50 }, TURNPIKE_CHECKED, TO_PEER,
	  CHECKS(STATE_DUE) },
	{ "check, to client", { FROM_PEER, .data_len = 50 }, TURNPIKE_CHECKED, TO_CLIENT,
	  CHECKS(STATE_DUE) },
	{ "check, hairpin", { FROM_CLIENT, .data_len = 50 }, TURNPIKE_CHECKED, HAIRPIN,
	  CHECKS(STATE_DUE) },
	{ "check, another DSCP", { FROM_CLIENT, .data_len = 50, .tos = 0xb8 }, TURNPIKE_CHECKED,
	  TO_PEER, CHECKS(STATE_OTHER_DSCP_DUE) },
	{ "check, ECN", { FROM_CLIENT, .data_len = 50, .tos = 0x03 }, TURNPIKE_CHECKED, TO_PEER,
	  CHECKS(STATE_DUE) },
	{ "check, padded", { FROM_CLIENT, .data_len = 50, .padding = 2 }, TURNPIKE_CHECKED, TO_PEER,
	  CHECKS(STATE_DUE) },
	{ "check, two tags", { FROM_PEER, .data_len = 7, .tag = { 0x88a80007, 0x81006005 } },
	  TURNPIKE_CHECKED, TO_CLIENT, CHECKS(STATE_DUE) },
	{ "check, TTL 1", { FROM_PEER, .data_len = 50, .ttl = 1 }, TURNPIKE_CHECKED, TO_CLIENT,
	  CHECKS(STATE_DUE) },
	{ "check, above a limit", { FROM_CLIENT, .data_len = 50 }, TURNPIKE_CHECKED, TO_PEER,
	  .limit = LIMIT_SHORT, CHECKS(STATE_DUE) },
	{ "check, expires earlier", { FROM_CLIENT, .data_len = 50 }, TURNPIKE_CHECKED, TO_PEER,
	  .only = ON_CONFIRMING, .confirmation = { .state = STATE_DUE, .life = 50, .sampled = true,
	  .next = 50, .until = 1000 } },
	{ "check, the life was shortened", { FROM_PEER, .data_len = 50 }, TURNPIKE_CHECKED,
	  TO_CLIENT, .only = ON_CONFIRMING, .confirmation = { .state = STATE_SHORTENED, .life = 5,
	  .sampled = true, .next = 5, .until = 1000 } },
	{ "repeated check", { FROM_CLIENT, .data_len = 50 }, TURNPIKE_CHECKED, TO_PEER,
	  .only = ON_CONFIRMING, .confirmation = { .state = STATE_CHECKING_DUE, .sampled = true,
	  .next = 125 } },
	{ "relayed while checked, to peer", { FROM_CLIENT, .data_len = 50 }, TURNPIKE_RELAYED,
	  TO_PEER, UNTOUCHED(STATE_CHECKING) },
	{ "relayed while checked, to client", { FROM_PEER, .data_len = 50 }, TURNPIKE_RELAYED,
	  TO_CLIENT, UNTOUCHED(STATE_CHECKING) },
	{ "relayed while checked, two tags", { FROM_CLIENT, .data_len = 50,
	  .tag = { 0x88a80007, 0x81006005 } }, TURNPIKE_RELAYED, HAIRPIN,
	  UNTOUCHED(STATE_CHECKING) },
	{ "put off, to peer", { FROM_CLIENT, .data_len = 50 }, TURNPIKE_RELAYED, TO_PEER,
	  PUT_OFF(STATE_DUE) },
	{ "put off, to client", { FROM_PEER, .data_len = 50 }, TURNPIKE_RELAYED, TO_CLIENT,
	  PUT_OFF(STATE_DUE) },
	{ "put off, hairpin", { FROM_CLIENT, .data_len = 50, .padding = 1 }, TURNPIKE_RELAYED,
	  HAIRPIN, PUT_OFF(STATE_DUE) },
	{ "put off, TTL 1", { FROM_PEER, .data_len = 50, .ttl = 1 }, TURNPIKE_TTL, TO_CLIENT,
	  PUT_OFF(STATE_DUE) },
	{ "put off, expires earlier", { FROM_CLIENT, .data_len = 50 }, TURNPIKE_RELAYED, TO_PEER,
	  .only = ON_CONFIRMING, .confirmation = { .state = STATE_DUE, .no_checks = true, .life = 50,
	  .next = 50, .until = 22500 } },
	{ "confirmed for another device, to peer", { FROM_CLIENT, .data_len = 50 },
	  TURNPIKE_OTHER_DEVICE, TO_PEER, UNTOUCHED(STATE_MOVED) },
	{ "confirmed for another device, to client", { FROM_PEER, .data_len = 50 },
	  TURNPIKE_OTHER_DEVICE, TO_CLIENT, UNTOUCHED(STATE_MOVED) },
	{ "confirmed for another device, TTL 1", { FROM_CLIENT, .data_len = 50, .ttl = 1 },
	  TURNPIKE_OTHER_DEVICE, HAIRPIN, UNTOUCHED(STATE_MOVED) },
	{ "confirmed for another device, check", { FROM_CLIENT, .data_len = 50 },
	  TURNPIKE_CHECKED, TO_PEER, CHECKS(STATE_MOVED_DUE) },
	{ "confirmed for another device, put off", { FROM_PEER, .data_len = 50 },
	  TURNPIKE_OTHER_DEVICE, TO_CLIENT, PUT_OFF(STATE_MOVED_DUE) },
};
/* clang-format on */

const struct table passed_unconfirmed = TABLE(unconfirmed);
const struct table passed_checked = TABLE(checked);

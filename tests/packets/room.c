/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Frames with little room. Headers grow by 4 bytes to a client and shrink by 4 to a peer. The
 * latter cannot fail here: adjust_head fails only if it leaves less than 40 bytes of headroom, and
 * BPF_PROG_TEST_RUN makes no such buffers.
 */
#include "private/array_len.h"
#include "tables.h"

#define HEAD_FAILS .notes = NOTE(TURNPIKE_HEAD_FAILED)
#define TAIL_FAILS .notes = NOTE(TURNPIKE_TAIL_FAILED)
#define BOTH_FAIL  .notes = NOTE(TURNPIKE_HEAD_FAILED) | NOTE(TURNPIKE_TAIL_FAILED)

#define TO_PEER   .flow = TURNPIKE_DIR_TO_PEER, .verdict = TURNPIKE_RELAYED
#define TO_CLIENT .flow = TURNPIKE_DIR_TO_CLIENT, .verdict = TURNPIKE_RELAYED
#define HAIRPIN   .flow = TURNPIKE_DIR_HAIRPIN, .verdict = TURNPIKE_RELAYED
#define NO_ROOM   .flow = TURNPIKE_DIR_TO_CLIENT, .verdict = TURNPIKE_NO_ROOM

#define FROM_CLIENT .src = CLIENT, .dst = SERVER, .channel = CHANNEL
#define FROM_PEER   .src = PEER, .dst = RELAY
#define PARTIAL     .checksum = CHECKSUM_PARTIAL
#define DF          .frag_off = 0x4000

/* clang-format off */
static const struct vector vectors[] = {
	{ "no headroom, head", { FROM_PEER, .data_len = 160 }, TO_CLIENT, HEAD_FAILS,
	  .only = ON_XDP | ON_HEAD | ON_SAME, .room = ROOM_HEAD, .left = 0 },
	{ "3 bytes of headroom, head", { FROM_PEER, .data_len = 1200 }, TO_CLIENT, HEAD_FAILS,
	  .only = ON_XDP | ON_HEAD | ON_SAME, .room = ROOM_HEAD, .left = 3 },
	{ "3 bytes of headroom, short frame", { FROM_PEER, .data_len = 1, .min_len = 60 },
	  TO_CLIENT, HEAD_FAILS, .only = ON_XDP | ON_HEAD | ON_SAME, .room = ROOM_HEAD, .left = 3 },
	{ "4 bytes of headroom, head", { FROM_PEER, .data_len = 160 }, TO_CLIENT,
	  .only = ON_XDP | ON_HEAD | ON_SAME, .room = ROOM_HEAD, .left = 4 },
	{ "no headroom, tail", { FROM_PEER, .data_len = 160 }, TO_CLIENT,
	  .only = ON_XDP | ON_TAIL | ON_SAME, .room = ROOM_HEAD, .left = 0 },
	{ "no headroom, to peer", { FROM_CLIENT, .data_len = 160 }, TO_PEER,
	  .only = ON_XDP | ON_SAME, .room = ROOM_HEAD, .left = 0 },
	{ "no headroom, hairpin", { FROM_CLIENT, .data_len = 160 }, HAIRPIN,
	  .only = ON_XDP | ON_SAME, .room = ROOM_HEAD, .left = 0 },
	{ "no tailroom, tail", { FROM_PEER, .data_len = 160 }, TO_CLIENT, TAIL_FAILS,
	  .only = ON_XDP | ON_TAIL | ON_SAME, .room = ROOM_TAIL, .left = 0 },
	{ "3 bytes of tailroom, tail", { FROM_PEER, .data_len = 1201 }, TO_CLIENT, TAIL_FAILS,
	  .only = ON_XDP | ON_TAIL | ON_SAME, .room = ROOM_TAIL, .left = 3 },
	{ "4 bytes of tailroom, tail", { FROM_PEER, .data_len = 160 }, TO_CLIENT,
	  .only = ON_XDP | ON_TAIL | ON_SAME, .room = ROOM_TAIL, .left = 4 },
	{ "Ethernet padding is tailroom", { FROM_PEER, .data_len = 20, .min_len = 100 }, TO_CLIENT,
	  .only = ON_XDP | ON_TAIL | ON_SAME, .room = ROOM_TAIL, .left = 0 },
	{ "no tailroom, head", { FROM_PEER, .data_len = 160 }, TO_CLIENT,
	  .only = ON_XDP | ON_HEAD | ON_SAME, .room = ROOM_TAIL, .left = 0 },
	{ "no tailroom, to peer", { FROM_CLIENT, .data_len = 160 }, TO_PEER,
	  .only = ON_XDP | ON_SAME, .room = ROOM_TAIL, .left = 0 },
	{ "no tailroom, padded, hairpin", { FROM_CLIENT, .data_len = 161, .padding = 3 },
	  HAIRPIN, .only = ON_XDP | ON_SAME, .room = ROOM_TAIL, .left = 0 },

	{ "no room at all", { FROM_PEER }, NO_ROOM, BOTH_FAIL, .only = ON_XDP | ON_SAME,
	  .room = ROOM_NEITHER, .left = 0 },
	{ "3 bytes of tailroom, no headroom", { FROM_PEER }, NO_ROOM, BOTH_FAIL,
	  .only = ON_XDP | ON_SAME, .room = ROOM_NEITHER, .left = 3 },
	{ "4 bytes of tailroom, no headroom, head", { FROM_PEER }, TO_CLIENT, HEAD_FAILS,
	  .only = ON_XDP | ON_HEAD | ON_SAME, .room = ROOM_NEITHER, .left = 4 },
	{ "4 bytes of tailroom, no headroom, tail", { FROM_PEER }, TO_CLIENT,
	  .only = ON_XDP | ON_TAIL | ON_SAME, .room = ROOM_NEITHER, .left = 4 },
	{ "no room at all, to peer", { FROM_CLIENT }, TO_PEER, .only = ON_XDP | ON_SAME,
	  .room = ROOM_NEITHER, .left = 0 },
	{ "no room at all, to peer, padded", { FROM_CLIENT, .padding = 3 }, TO_PEER,
	  .only = ON_XDP | ON_SAME, .room = ROOM_NEITHER, .left = 0 },
	{ "no room at all, hairpin", { FROM_CLIENT }, HAIRPIN, .only = ON_XDP | ON_SAME,
	  .room = ROOM_NEITHER, .left = 0 },

	/* The UDP header of a partial checksum must not move, unless it is completed. */
	{ "partial, no headroom, native", { FROM_PEER, PARTIAL, .data_len = 161 }, TO_CLIENT,
	  HEAD_FAILS, .only = ON_NATIVE | ON_HEAD | ON_SAME, .room = ROOM_HEAD, .left = 0 },
	{ "partial, no headroom, skb", { FROM_PEER, PARTIAL, .data_len = 161 }, TO_CLIENT,
	  .only = ON_GENERIC | ON_SAME, .room = ROOM_HEAD, .left = 0 },
	{ "partial, no tailroom, native", { FROM_PEER, PARTIAL, .data_len = 161 }, TO_CLIENT,
	  TAIL_FAILS, .only = ON_NATIVE | ON_TAIL | ON_SAME, .room = ROOM_TAIL, .left = 0 },
	{ "partial, no tailroom, skb", { FROM_PEER, PARTIAL, .data_len = 161 }, NO_ROOM,
	  TAIL_FAILS, .only = ON_GENERIC | ON_SAME, .room = ROOM_TAIL, .left = 0 },
	{ "partial, no tailroom, skb, to peer", { FROM_CLIENT, PARTIAL, .data_len = 161 },
	  TO_PEER, .only = ON_GENERIC | ON_SAME, .room = ROOM_TAIL, .left = 0 },
	{ "partial, no room at all, native", { FROM_PEER, PARTIAL }, NO_ROOM,
	  BOTH_FAIL, .only = ON_NATIVE | ON_SAME, .room = ROOM_NEITHER, .left = 0 },
	{ "partial, no room at all, skb", { FROM_PEER, PARTIAL }, NO_ROOM, TAIL_FAILS,
	  .only = ON_GENERIC | ON_SAME, .room = ROOM_NEITHER, .left = 0 },

	/* From IPv4 to IPv6 the headers grow by 24, 16 and 20 bytes; the reverse shrinks them. */
	{ "23 bytes of headroom", { FROM_PEER, .data_len = 160 }, TO_CLIENT, HEAD_FAILS,
	  .only = ON_XDP | ON_HEAD | ON_4TO6, .room = ROOM_HEAD, .left = 23 },
	{ "24 bytes of headroom", { FROM_PEER, .data_len = 160 }, TO_CLIENT,
	  .only = ON_XDP | ON_HEAD | ON_4TO6, .room = ROOM_HEAD, .left = 24 },
	{ "15 bytes of headroom, to peer", { FROM_CLIENT, .data_len = 160 }, TO_PEER, HEAD_FAILS,
	  .only = ON_XDP | ON_HEAD | ON_4TO6, .room = ROOM_HEAD, .left = 15 },
	{ "16 bytes of headroom, to peer", { FROM_CLIENT, .data_len = 160 }, TO_PEER,
	  .only = ON_XDP | ON_HEAD | ON_4TO6, .room = ROOM_HEAD, .left = 16 },
	{ "19 bytes of headroom, hairpin", { FROM_CLIENT, .data_len = 160 }, HAIRPIN, HEAD_FAILS,
	  .only = ON_XDP | ON_HEAD | ON_4TO6, .room = ROOM_HEAD, .left = 19 },
	{ "20 bytes of headroom, hairpin", { FROM_CLIENT, .data_len = 160 }, HAIRPIN,
	  .only = ON_XDP | ON_HEAD | ON_4TO6, .room = ROOM_HEAD, .left = 20 },
	{ "23 bytes of tailroom", { FROM_PEER, .data_len = 160 }, TO_CLIENT, TAIL_FAILS,
	  .only = ON_XDP | ON_TAIL | ON_4TO6, .room = ROOM_TAIL, .left = 23 },
	{ "24 bytes of tailroom", { FROM_PEER, .data_len = 160 }, TO_CLIENT,
	  .only = ON_XDP | ON_TAIL | ON_4TO6, .room = ROOM_TAIL, .left = 24 },
	{ "12 bytes of tailroom, to peer, padded", { FROM_CLIENT, .data_len = 161, .padding = 3 },
	  TO_PEER, TAIL_FAILS, .only = ON_XDP | ON_TAIL | ON_4TO6, .room = ROOM_TAIL, .left = 12 },
	{ "13 bytes of tailroom, to peer, padded", { FROM_CLIENT, .data_len = 161, .padding = 3 },
	  TO_PEER, .only = ON_XDP | ON_TAIL | ON_4TO6, .room = ROOM_TAIL, .left = 13 },
	{ "23 bytes of tailroom, no headroom", { FROM_PEER, DF }, NO_ROOM, BOTH_FAIL,
	  .only = ON_XDP | ON_4TO6, .room = ROOM_NEITHER, .left = 23 },
	{ "24 bytes of tailroom, no headroom", { FROM_PEER, DF }, TO_CLIENT,
	  .only = ON_XDP | ON_TAIL | ON_4TO6, .room = ROOM_NEITHER, .left = 24 },
	{ "no headroom", { FROM_PEER, .data_len = 160 }, TO_CLIENT,
	  .only = ON_XDP | ON_6TO4, .room = ROOM_HEAD, .left = 0 },
	{ "no tailroom", { FROM_PEER, .data_len = 160 }, TO_CLIENT,
	  .only = ON_XDP | ON_6TO4, .room = ROOM_TAIL, .left = 0 },
	{ "no room at all, 6to4, to client", { FROM_PEER }, TO_CLIENT,
	  .only = ON_XDP | ON_6TO4, .room = ROOM_NEITHER, .left = 0 },
	{ "no room at all, 6to4, to peer", { FROM_CLIENT }, TO_PEER,
	  .only = ON_XDP | ON_6TO4, .room = ROOM_NEITHER, .left = 0 },
	{ "no room at all, 6to4, hairpin", { FROM_CLIENT }, HAIRPIN,
	  .only = ON_XDP | ON_6TO4, .room = ROOM_NEITHER, .left = 0 },

	/* With a partial checksum, the head moves for the IP header, the tail for ChannelData. */
	{ "partial, 19 bytes of headroom", { FROM_PEER, PARTIAL, .data_len = 161 }, NO_ROOM,
	  HEAD_FAILS, .only = ON_GENERIC | ON_4TO6, .room = ROOM_HEAD, .left = 19 },
	{ "partial, 20 bytes of headroom", { FROM_PEER, PARTIAL, .data_len = 161 }, TO_CLIENT,
	  .only = ON_GENERIC | ON_4TO6, .room = ROOM_HEAD, .left = 20 },
	{ "partial, 20 bytes of headroom, to peer", { FROM_CLIENT, PARTIAL, .data_len = 161 },
	  TO_PEER, .only = ON_GENERIC | ON_4TO6, .room = ROOM_HEAD, .left = 20 },
	{ "partial, 3 bytes of tailroom", { FROM_PEER, PARTIAL, .data_len = 161 }, NO_ROOM,
	  TAIL_FAILS, .only = ON_GENERIC | ON_CROSS, .room = ROOM_TAIL, .left = 3 },
	{ "partial, 4 bytes of tailroom", { FROM_PEER, PARTIAL, .data_len = 161 }, TO_CLIENT,
	  .only = ON_GENERIC | ON_CROSS, .room = ROOM_TAIL, .left = 4 },
	{ "partial, 23 bytes of headroom, native", { FROM_PEER, PARTIAL, .data_len = 161 },
	  TO_CLIENT, HEAD_FAILS, .only = ON_NATIVE | ON_HEAD | ON_4TO6, .room = ROOM_HEAD,
	  .left = 23 },
	{ "partial, no tailroom, to peer", { FROM_CLIENT, PARTIAL, .data_len = 161 },
	  TO_PEER, .only = ON_GENERIC | ON_CROSS, .room = ROOM_TAIL, .left = 0 },

	/* TC always finds headroom; growing the tail may fail for lack of memory. */
	{ "no tailroom, TC, to client", { FROM_PEER, .data_len = 160 }, TO_CLIENT,
	  .only = ON_TC, .room = ROOM_TAIL },
	{ "no tailroom, TC, to peer", { FROM_CLIENT, .data_len = 160 }, TO_PEER, .only = ON_TC,
	  .room = ROOM_TAIL },
	{ "partial, no tailroom, TC", { FROM_PEER, PARTIAL, .data_len = 161 }, NO_ROOM,
	  TAIL_FAILS, .only = ON_TC, .room = ROOM_TAIL },
};
/* clang-format on */

const struct table made_room = { vectors, ARRAY_LEN(vectors) };

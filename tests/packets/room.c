/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Frames with little room around them. A frame to a client grows by 4 bytes, one to a peer shrinks
 * by 4. On the way to a peer nothing can fail: adjust_head wants 40 bytes to be left in front, and
 * BPF_PROG_TEST_RUN has no buffers without them.
 */
#include "array_len.h"
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
	{ "nothing in front, head", { FROM_PEER, .data_len = 160 }, TO_CLIENT, HEAD_FAILS,
	  .only = ON_XDP | ON_HEAD | ON_SAME, .room = ROOM_HEAD, .left = 0 },
	{ "3 bytes in front, head", { FROM_PEER, .data_len = 1200 }, TO_CLIENT, HEAD_FAILS,
	  .only = ON_XDP | ON_HEAD | ON_SAME, .room = ROOM_HEAD, .left = 3 },
	{ "3 bytes in front, short frame", { FROM_PEER, .data_len = 1, .min_len = 60 }, TO_CLIENT,
	  HEAD_FAILS, .only = ON_XDP | ON_HEAD | ON_SAME, .room = ROOM_HEAD, .left = 3 },
	{ "4 bytes in front, head", { FROM_PEER, .data_len = 160 }, TO_CLIENT,
	  .only = ON_XDP | ON_HEAD | ON_SAME, .room = ROOM_HEAD, .left = 4 },
	{ "nothing in front, tail", { FROM_PEER, .data_len = 160 }, TO_CLIENT,
	  .only = ON_XDP | ON_TAIL | ON_SAME, .room = ROOM_HEAD, .left = 0 },
	{ "nothing in front, to peer", { FROM_CLIENT, .data_len = 160 }, TO_PEER,
	  .only = ON_XDP | ON_SAME, .room = ROOM_HEAD, .left = 0 },
	{ "nothing in front, hairpin", { FROM_CLIENT, .data_len = 160 }, HAIRPIN,
	  .only = ON_XDP | ON_SAME, .room = ROOM_HEAD, .left = 0 },
	{ "nothing behind, tail", { FROM_PEER, .data_len = 160 }, TO_CLIENT, TAIL_FAILS,
	  .only = ON_XDP | ON_TAIL | ON_SAME, .room = ROOM_TAIL, .left = 0 },
	{ "3 bytes behind, tail", { FROM_PEER, .data_len = 1201 }, TO_CLIENT, TAIL_FAILS,
	  .only = ON_XDP | ON_TAIL | ON_SAME, .room = ROOM_TAIL, .left = 3 },
	{ "4 bytes behind, tail", { FROM_PEER, .data_len = 160 }, TO_CLIENT,
	  .only = ON_XDP | ON_TAIL | ON_SAME, .room = ROOM_TAIL, .left = 4 },
	{ "Ethernet padding is room", { FROM_PEER, .data_len = 20, .min_len = 100 }, TO_CLIENT,
	  .only = ON_XDP | ON_TAIL | ON_SAME, .room = ROOM_TAIL, .left = 0 },
	{ "nothing behind, head", { FROM_PEER, .data_len = 160 }, TO_CLIENT,
	  .only = ON_XDP | ON_HEAD | ON_SAME, .room = ROOM_TAIL, .left = 0 },
	{ "nothing behind, to peer", { FROM_CLIENT, .data_len = 160 }, TO_PEER,
	  .only = ON_XDP | ON_SAME, .room = ROOM_TAIL, .left = 0 },
	{ "nothing behind, padded, hairpin", { FROM_CLIENT, .data_len = 161, .padding = 3 },
	  HAIRPIN, .only = ON_XDP | ON_SAME, .room = ROOM_TAIL, .left = 0 },

	{ "no room at all", { FROM_PEER }, NO_ROOM, BOTH_FAIL, .only = ON_XDP | ON_SAME,
	  .room = ROOM_NEITHER, .left = 0 },
	{ "3 bytes behind, none in front", { FROM_PEER }, NO_ROOM, BOTH_FAIL, .only = ON_XDP | ON_SAME,
	  .room = ROOM_NEITHER, .left = 3 },
	{ "4 bytes behind, none in front, head", { FROM_PEER }, TO_CLIENT, HEAD_FAILS,
	  .only = ON_XDP | ON_HEAD | ON_SAME, .room = ROOM_NEITHER, .left = 4 },
	{ "4 bytes behind, none in front, tail", { FROM_PEER }, TO_CLIENT,
	  .only = ON_XDP | ON_TAIL | ON_SAME, .room = ROOM_NEITHER, .left = 4 },
	{ "no room at all, to peer", { FROM_CLIENT }, TO_PEER, .only = ON_XDP | ON_SAME,
	  .room = ROOM_NEITHER, .left = 0 },
	{ "no room at all, to peer, padded", { FROM_CLIENT, .padding = 3 }, TO_PEER,
	  .only = ON_XDP | ON_SAME, .room = ROOM_NEITHER, .left = 0 },
	{ "no room at all, hairpin", { FROM_CLIENT }, HAIRPIN, .only = ON_XDP | ON_SAME,
	  .room = ROOM_NEITHER, .left = 0 },

	/* The UDP header of a partial checksum stays where it is, unless the checksum is completed. */
	{ "partial, nothing in front, native", { FROM_PEER, PARTIAL, .data_len = 161 }, TO_CLIENT,
	  HEAD_FAILS, .only = ON_NATIVE | ON_HEAD | ON_SAME, .room = ROOM_HEAD, .left = 0 },
	{ "partial, nothing in front, skb", { FROM_PEER, PARTIAL, .data_len = 161 }, TO_CLIENT,
	  .only = ON_GENERIC | ON_SAME, .room = ROOM_HEAD, .left = 0 },
	{ "partial, nothing behind, native", { FROM_PEER, PARTIAL, .data_len = 161 }, TO_CLIENT,
	  TAIL_FAILS, .only = ON_NATIVE | ON_TAIL | ON_SAME, .room = ROOM_TAIL, .left = 0 },
	{ "partial, nothing behind, skb", { FROM_PEER, PARTIAL, .data_len = 161 }, NO_ROOM,
	  TAIL_FAILS, .only = ON_GENERIC | ON_SAME, .room = ROOM_TAIL, .left = 0 },
	{ "partial, nothing behind, skb, to peer", { FROM_CLIENT, PARTIAL, .data_len = 161 },
	  TO_PEER, .only = ON_GENERIC | ON_SAME, .room = ROOM_TAIL, .left = 0 },
	{ "partial, no room at all, native", { FROM_PEER, PARTIAL }, NO_ROOM,
	  BOTH_FAIL, .only = ON_NATIVE | ON_SAME, .room = ROOM_NEITHER, .left = 0 },
	{ "partial, no room at all, skb", { FROM_PEER, PARTIAL }, NO_ROOM, TAIL_FAILS,
	  .only = ON_GENERIC | ON_SAME, .room = ROOM_NEITHER, .left = 0 },

	/* From IPv4 to IPv6 everything grows, by 24, 16 and 20 bytes; the other way all shrinks. */
	{ "23 bytes in front", { FROM_PEER, .data_len = 160 }, TO_CLIENT, HEAD_FAILS,
	  .only = ON_XDP | ON_HEAD | ON_4TO6, .room = ROOM_HEAD, .left = 23 },
	{ "24 bytes in front", { FROM_PEER, .data_len = 160 }, TO_CLIENT,
	  .only = ON_XDP | ON_HEAD | ON_4TO6, .room = ROOM_HEAD, .left = 24 },
	{ "15 bytes in front, to peer", { FROM_CLIENT, .data_len = 160 }, TO_PEER, HEAD_FAILS,
	  .only = ON_XDP | ON_HEAD | ON_4TO6, .room = ROOM_HEAD, .left = 15 },
	{ "16 bytes in front, to peer", { FROM_CLIENT, .data_len = 160 }, TO_PEER,
	  .only = ON_XDP | ON_HEAD | ON_4TO6, .room = ROOM_HEAD, .left = 16 },
	{ "19 bytes in front, hairpin", { FROM_CLIENT, .data_len = 160 }, HAIRPIN, HEAD_FAILS,
	  .only = ON_XDP | ON_HEAD | ON_4TO6, .room = ROOM_HEAD, .left = 19 },
	{ "20 bytes in front, hairpin", { FROM_CLIENT, .data_len = 160 }, HAIRPIN,
	  .only = ON_XDP | ON_HEAD | ON_4TO6, .room = ROOM_HEAD, .left = 20 },
	{ "23 bytes behind", { FROM_PEER, .data_len = 160 }, TO_CLIENT, TAIL_FAILS,
	  .only = ON_XDP | ON_TAIL | ON_4TO6, .room = ROOM_TAIL, .left = 23 },
	{ "24 bytes behind", { FROM_PEER, .data_len = 160 }, TO_CLIENT,
	  .only = ON_XDP | ON_TAIL | ON_4TO6, .room = ROOM_TAIL, .left = 24 },
	{ "12 bytes behind, to peer, padded", { FROM_CLIENT, .data_len = 161, .padding = 3 },
	  TO_PEER, TAIL_FAILS, .only = ON_XDP | ON_TAIL | ON_4TO6, .room = ROOM_TAIL, .left = 12 },
	{ "13 bytes behind, to peer, padded", { FROM_CLIENT, .data_len = 161, .padding = 3 },
	  TO_PEER, .only = ON_XDP | ON_TAIL | ON_4TO6, .room = ROOM_TAIL, .left = 13 },
	{ "23 bytes behind, none in front", { FROM_PEER, DF }, NO_ROOM, BOTH_FAIL,
	  .only = ON_XDP | ON_4TO6, .room = ROOM_NEITHER, .left = 23 },
	{ "24 bytes behind, none in front", { FROM_PEER, DF }, TO_CLIENT,
	  .only = ON_XDP | ON_TAIL | ON_4TO6, .room = ROOM_NEITHER, .left = 24 },
	{ "nothing in front", { FROM_PEER, .data_len = 160 }, TO_CLIENT,
	  .only = ON_XDP | ON_6TO4, .room = ROOM_HEAD, .left = 0 },
	{ "nothing behind", { FROM_PEER, .data_len = 160 }, TO_CLIENT,
	  .only = ON_XDP | ON_6TO4, .room = ROOM_TAIL, .left = 0 },
	{ "nothing anywhere, to client", { FROM_PEER }, TO_CLIENT,
	  .only = ON_XDP | ON_6TO4, .room = ROOM_NEITHER, .left = 0 },
	{ "nothing anywhere, to peer", { FROM_CLIENT }, TO_PEER,
	  .only = ON_XDP | ON_6TO4, .room = ROOM_NEITHER, .left = 0 },
	{ "nothing anywhere, hairpin", { FROM_CLIENT }, HAIRPIN,
	  .only = ON_XDP | ON_6TO4, .room = ROOM_NEITHER, .left = 0 },

	/* With a partial checksum, IP's difference is made in front and the channel's behind. */
	{ "partial, 19 bytes in front", { FROM_PEER, PARTIAL, .data_len = 161 }, NO_ROOM,
	  HEAD_FAILS, .only = ON_GENERIC | ON_4TO6, .room = ROOM_HEAD, .left = 19 },
	{ "partial, 20 bytes in front", { FROM_PEER, PARTIAL, .data_len = 161 }, TO_CLIENT,
	  .only = ON_GENERIC | ON_4TO6, .room = ROOM_HEAD, .left = 20 },
	{ "partial, 20 bytes in front, to peer", { FROM_CLIENT, PARTIAL, .data_len = 161 },
	  TO_PEER, .only = ON_GENERIC | ON_4TO6, .room = ROOM_HEAD, .left = 20 },
	{ "partial, 3 bytes behind", { FROM_PEER, PARTIAL, .data_len = 161 }, NO_ROOM,
	  TAIL_FAILS, .only = ON_GENERIC | ON_CROSS, .room = ROOM_TAIL, .left = 3 },
	{ "partial, 4 bytes behind", { FROM_PEER, PARTIAL, .data_len = 161 }, TO_CLIENT,
	  .only = ON_GENERIC | ON_CROSS, .room = ROOM_TAIL, .left = 4 },
	{ "partial, 23 bytes in front, native", { FROM_PEER, PARTIAL, .data_len = 161 },
	  TO_CLIENT, HEAD_FAILS, .only = ON_NATIVE | ON_HEAD | ON_4TO6, .room = ROOM_HEAD,
	  .left = 23 },
	{ "partial, nothing behind, to peer", { FROM_CLIENT, PARTIAL, .data_len = 161 },
	  TO_PEER, .only = ON_GENERIC | ON_CROSS, .room = ROOM_TAIL, .left = 0 },

	/* TC always finds room in front; behind it may be out of memory. */
	{ "nothing behind, TC, to client", { FROM_PEER, .data_len = 160 }, TO_CLIENT,
	  .only = ON_TC, .room = ROOM_TAIL },
	{ "nothing behind, TC, to peer", { FROM_CLIENT, .data_len = 160 }, TO_PEER, .only = ON_TC,
	  .room = ROOM_TAIL },
	{ "partial, nothing behind, TC", { FROM_PEER, PARTIAL, .data_len = 161 }, NO_ROOM,
	  TAIL_FAILS, .only = ON_TC, .room = ROOM_TAIL },
};
/* clang-format on */

const struct table made_room = { vectors, ARRAY_LEN(vectors) };

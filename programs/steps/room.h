/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Makes the frame fit its new headers, by moving its head (at constant cost) or its tail and the
 * data. If one end cannot be moved, the frame is unchanged.
 */
#ifndef TURNPIKE_PROGRAMS_STEPS_ROOM_H
#define TURNPIKE_PROGRAMS_STEPS_ROOM_H

#include "steps/checksum.h"
#include "steps/count.h"
#include "steps/payload.h"

/* Trim what follows the datagram. If that fails, the frame is longer than necessary. */
static __always_inline void trim(ctx_t *ctx, __u32 len, __u32 wanted)
{
	if (len > wanted)
		ctx_move_tail(ctx, len, -(int)(len - wanted));
}

/* Count a failure, on the slow path only, which may try the other end. Return: @room. */
static __always_inline enum room note_failure(enum room room, enum turnpike_verdict verdict,
					      const struct packet *pkt, enum relay_path path)
{
	if (room == ROOM_NONE && path == SLOW_PATH)
		count(verdict, TURNPIKE_DIR_NONE, pkt->len);
	return room;
}

/* Move the head; @len is the current length of the frame. */
static __always_inline enum room move_head(ctx_t *ctx, const struct packet *pkt, __u32 len,
					   enum relay_path path)
{
	const enum room room =
		ctx_move_head(ctx, pkt->in_hlen, pkt->out_hlen, pkt->family, pkt->out_family);

	if (room == ROOM_MADE)
		trim(ctx, len - pkt->in_hlen + pkt->out_hlen,
		     pkt->out_hlen + pkt->data_len + pkt->out_padding);
	return note_failure(room, TURNPIKE_HEAD_FAILED, pkt, path);
}

/*
 * Move the head by @missing bytes more than the headers need, and then the data: see below. Not in
 * TC: that would leave a CHECKSUM_COMPLETE stale, and there a tail only fails to grow for want of
 * memory.
 */
static __always_inline enum room move_head_and_data(ctx_t *ctx, const struct packet *pkt,
						    __u32 missing)
{
	const __u32 from = pkt->out_hlen + missing;
	enum room room;

	if (!CTX_MOVES_TAIL || pkt->data_len > MAX_DATA)
		return note_failure(ROOM_NONE, TURNPIKE_HEAD_FAILED, pkt, SLOW_PATH);
	room = ctx_move_head(ctx, pkt->in_hlen, from, pkt->family, pkt->out_family);
	if (room == ROOM_MADE && shift_down(ctx, from, pkt->data_len, missing))
		return ROOM_TORN;
	return note_failure(room, TURNPIKE_HEAD_FAILED, pkt, SLOW_PATH);
}

/*
 * The headers of a Data indication take room at the head, and its padding at the tail. Where the
 * tail cannot grow, the data moves towards the head. Global: see common.h.
 */
__noinline int move_padded(ctx_t *ctx, const struct packet *pkt)
{
	__u32 behind, missing;
	enum room room;

	if (!pkt)
		return ROOM_NONE;
	behind = pkt->len - pkt->in_hlen - pkt->data_len;
	if (pkt->out_padding <= behind)
		return move_head(ctx, pkt, pkt->len, SLOW_PATH);
	missing = pkt->out_padding - behind;
	if (ctx_move_tail(ctx, pkt->len, (int)missing))
		return move_head_and_data(ctx, pkt, missing);
	room = move_head(ctx, pkt, pkt->len + missing, SLOW_PATH);
	if (room == ROOM_NONE && ctx_move_tail(ctx, pkt->len + missing, -(int)missing))
		return ROOM_TORN;
	return room;
}

/*
 * Move the data and the tail, for headers that go from @from to @to bytes; @len is the current
 * length of the frame. Growing makes room before it moves the data, shrinking afterwards.
 */
static __always_inline enum room move_tail(ctx_t *ctx, const struct packet *pkt, __u32 len,
					   __u32 from, __u32 to, enum relay_path path)
{
	const __u32 wanted = to + pkt->data_len + pkt->out_padding;
	int err = 0;

	if (pkt->data_len > MAX_DATA || ctx_pull(ctx, len))
		return note_failure(ROOM_NONE, TURNPIKE_TAIL_FAILED, pkt, path);
	if (len < wanted) {
		if (ctx_move_tail(ctx, len, (int)(wanted - len)))
			return note_failure(ROOM_NONE, TURNPIKE_TAIL_FAILED, pkt, path);
		len = wanted;
	}
	if (to > from)
		err = shift_up(ctx, from, pkt->data_len, to - from);
	else if (to < from)
		err = shift_down(ctx, from, pkt->data_len, from - to);
	if (err)
		return ROOM_TORN;
	trim(ctx, len, wanted);
	return ROOM_MADE;
}

/*
 * Keep the UDP header at csum_start of the sk_buff (see checksum.h): the IP header grows or shrinks
 * before it, the ChannelData header after it. Growing comes first, because it may fail and can be
 * undone. Shrinking the IP header cannot be undone, and comes last. Global: see common.h.
 */
__noinline int move_around_udp(ctx_t *ctx, const struct packet *pkt)
{
	if (!pkt)
		return ROOM_NONE;

	const int delta = (int)ip_hlen(pkt->out_family) - (int)ip_hlen(pkt->family);
	const __u32 grown = pkt->in_hlen + (__u32)(delta > 0 ? delta : 0);
	const __u32 kept = pkt->out_hlen - (__u32)(delta < 0 ? delta : 0);
	enum room room;

	if (delta > 0) {
		room = ctx_move_head(ctx, pkt->in_hlen, grown, pkt->family, pkt->out_family);
		if (room != ROOM_MADE)
			return note_failure(room, TURNPIKE_HEAD_FAILED, pkt, SLOW_PATH);
	}
	room = move_tail(ctx, pkt, pkt->len + (grown - pkt->in_hlen), grown, kept, SLOW_PATH);
	if (delta > 0 && room == ROOM_NONE)
		return ctx_move_head(ctx, grown, pkt->in_hlen, pkt->out_family, pkt->family)
			       ? ROOM_TORN
			       : ROOM_NONE;
	if (delta < 0 && room == ROOM_MADE)
		return ctx_move_head(ctx, kept, pkt->out_hlen, pkt->family, pkt->out_family)
			       ? ROOM_TORN
			       : ROOM_MADE;
	return room;
}

static __always_inline enum room move(ctx_t *ctx, const struct packet *pkt, enum moves moves,
				      enum relay_path path)
{
	if (moves == MOVE_HEAD && path == SLOW_PATH && pkt->out_padding)
		return (enum room)move_padded(ctx, pkt);
	if (moves == MOVE_HEAD)
		return move_head(ctx, pkt, pkt->len, path);
	return move_tail(ctx, pkt, pkt->len, pkt->in_hlen, pkt->out_hlen, path);
}

/*
 * Try the preferred end, then the other. Room differs between packets: veth and tap have 0 to 63
 * bytes of tailroom, some drivers no headroom.
 */
static __always_inline enum room make_room(ctx_t *ctx, const struct packet *pkt, enum moves moves,
					   enum relay_path path)
{
	enum room room;

	if (path == FAST_PATH)
		return move(ctx, pkt, moves, path);

	if (config.skb && pkt->checksum == CHECKSUM_PARTIAL)
		return (enum room)move_around_udp(ctx, pkt);
	room = move(ctx, pkt, moves, path);
	if (room == ROOM_NONE && CTX_MOVES_TAIL)
		room = move(ctx, pkt, moves == MOVE_HEAD ? MOVE_TAIL : MOVE_HEAD, path);
	return room;
}

#endif /* TURNPIKE_PROGRAMS_STEPS_ROOM_H */

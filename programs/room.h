/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Makes the frame fit its new headers: in front of the data (the head moves, at constant cost) or
 * behind it (the data moves, and the tail). When a way fails, the frame is as it was.
 */
#ifndef TURNPIKE_ROOM_H
#define TURNPIKE_ROOM_H

#include "bulk.h"
#include "checksum.h"
#include "count.h"

static __always_inline __u32 out_len(const struct packet *pkt)
{
	return pkt->out_hlen + pkt->data_len;
}

/* Takes off what lies behind the datagram. Should it fail, the frame is longer than need be. */
static __always_inline void trim(ctx_t *ctx, const struct packet *pkt, __u32 len)
{
	if (len > out_len(pkt))
		ctx_move_tail(ctx, len, -(int)(len - out_len(pkt)));
}

static __always_inline enum room move_head(ctx_t *ctx, const struct packet *pkt)
{
	const enum room room =
		ctx_move_head(ctx, pkt->in_hlen, pkt->out_hlen, pkt->family, pkt->out_family);

	if (room == ROOM_MADE)
		trim(ctx, pkt, pkt->len - pkt->in_hlen + pkt->out_hlen);
	return room;
}

/*
 * @len and @hlen are of the frame and its headers as they are now. Growing makes room first and
 * then moves the data; shrinking moves it first.
 */
static __always_inline enum room move_tail(ctx_t *ctx, const struct packet *pkt, __u32 len,
					   __u32 hlen)
{
	int err = 0;

	if (pkt->data_len > MAX_DATA || ctx_pull(ctx, len))
		return ROOM_NONE;
	if (len < out_len(pkt)) {
		if (ctx_move_tail(ctx, len, (int)(out_len(pkt) - len)))
			return ROOM_NONE;
		len = out_len(pkt);
	}
	if (pkt->out_hlen > hlen)
		err = shift_up(ctx, hlen, pkt->data_len, pkt->out_hlen - hlen);
	else if (pkt->out_hlen < hlen)
		err = shift_down(ctx, hlen, pkt->data_len, hlen - pkt->out_hlen);
	if (err)
		return ROOM_TORN;
	trim(ctx, pkt, len);
	return ROOM_MADE;
}

/*
 * The UDP header must stay where the sk_buff has it (checksum.h): the IP header's difference is
 * made in front of it, the channel's behind it.
 */
static __always_inline enum room move_around_udp(ctx_t *ctx, const struct packet *pkt)
{
	const int delta = (int)ip_hlen(pkt->out_family) - (int)ip_hlen(pkt->family);
	const __u32 hlen = (__u32)((int)pkt->in_hlen + delta);
	enum room room;

	room = ctx_move_head(ctx, pkt->in_hlen, hlen, pkt->family, pkt->out_family);
	if (room != ROOM_MADE)
		return room;
	room = move_tail(ctx, pkt, (__u32)((int)pkt->len + delta), hlen);
	if (room != ROOM_NONE || !delta)
		return room;
	room = ctx_move_head(ctx, hlen, pkt->in_hlen, pkt->out_family, pkt->family);
	return room == ROOM_MADE ? ROOM_NONE : ROOM_TORN;
}

static __always_inline void note(enum turnpike_verdict verdict, const struct packet *pkt)
{
	count(verdict, TURNPIKE_DIR_NONE, pkt->len);
}

static __always_inline enum room move(ctx_t *ctx, const struct packet *pkt, enum moves moves)
{
	enum room room;

	if (moves == MOVE_HEAD)
		room = move_head(ctx, pkt);
	else
		room = move_tail(ctx, pkt, pkt->len, pkt->in_hlen);
	if (room == ROOM_NONE)
		note(moves == MOVE_HEAD ? TURNPIKE_HEAD_FAILED : TURNPIKE_TAIL_FAILED, pkt);
	return room;
}

/*
 * The preferred way, then the other: room differs from packet to packet. veth and tap have 0 to 63
 * bytes behind the frame, some drivers none in front.
 */
static __always_inline enum room make_room(ctx_t *ctx, const struct packet *pkt, enum moves moves)
{
	enum room room;

	if (config.skb && pkt->checksum == CHECKSUM_SEED) {
		room = move_around_udp(ctx, pkt);
		if (room == ROOM_NONE)
			note(TURNPIKE_TAIL_FAILED, pkt);
		return room;
	}
	room = move(ctx, pkt, moves);
	if (room == ROOM_NONE && CTX_MOVES_TAIL)
		room = move(ctx, pkt, moves == MOVE_HEAD ? MOVE_TAIL : MOVE_HEAD);
	return room;
}

#endif /* TURNPIKE_ROOM_H */

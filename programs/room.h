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

enum room {
	ROOM_MADE,
	ROOM_NONE, /* the frame is as it was */
	ROOM_TORN, /* it is not, and cannot be mended */
};

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
	if (pkt->in_hlen != pkt->out_hlen && ctx_move_head(ctx, pkt->in_hlen, pkt->out_hlen))
		return ROOM_NONE;
	trim(ctx, pkt, pkt->len - pkt->in_hlen + pkt->out_hlen);
	return ROOM_MADE;
}

/* Growing makes room first and then moves the data; shrinking moves it first. */
static __always_inline enum room move_tail(ctx_t *ctx, const struct packet *pkt)
{
	__u32 len = pkt->len;
	int err = 0;

	if (pkt->data_len > MAX_DATA || ctx_pull(ctx, len))
		return ROOM_NONE;
	if (len < out_len(pkt)) {
		if (ctx_move_tail(ctx, len, (int)(out_len(pkt) - len)))
			return ROOM_NONE;
		len = out_len(pkt);
	}
	if (pkt->out_hlen > pkt->in_hlen)
		err = shift_up(ctx, pkt->in_hlen, pkt->data_len);
	else if (pkt->out_hlen < pkt->in_hlen)
		err = shift_down(ctx, pkt->in_hlen, pkt->data_len);
	if (err)
		return ROOM_TORN;
	trim(ctx, pkt, len);
	return ROOM_MADE;
}

static __always_inline enum room move(ctx_t *ctx, const struct packet *pkt, enum moves moves)
{
	enum room room = moves == MOVE_HEAD ? move_head(ctx, pkt) : move_tail(ctx, pkt);

	if (room == ROOM_NONE)
		count(moves == MOVE_HEAD ? TURNPIKE_HEAD_FAILED : TURNPIKE_TAIL_FAILED,
		      TURNPIKE_DIR_NONE, pkt->len);
	return room;
}

/* The preferred way, then the other: room differs from packet to packet (veth and tap have 0 to 63
 * bytes behind the frame, some drivers none in front). */
static __always_inline enum room make_room(ctx_t *ctx, const struct packet *pkt, enum moves moves)
{
	enum room room;

	/* The UDP header must stay where the sk_buff has it: see checksum.h. */
	if (config.skb && pkt->checksum == CHECKSUM_PARTIAL)
		return move(ctx, pkt, MOVE_TAIL);
	room = move(ctx, pkt, moves);
	if (room == ROOM_NONE)
		room = move(ctx, pkt, moves == MOVE_HEAD ? MOVE_TAIL : MOVE_HEAD);
	return room;
}

#endif /* TURNPIKE_ROOM_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The packet as XDP sees it, native and generic: one linear buffer.
 * ctx_tc.h offers the same names; relay.h and what it includes are written against them.
 */
#ifndef TURNPIKE_CTX_H
#define TURNPIKE_CTX_H

#include "maps.h"
#include "packet.h"

typedef struct xdp_md ctx_t;

/* Global functions need a name a context: see bulk.h. */
#define sum_bytes        sum_bytes_xdp
#define shift_up         shift_up_xdp
#define shift_down       shift_down_xdp
#define move_around_udp  move_around_udp_xdp
#define ethernet_len     ethernet_len_xdp
#define rewrite_slow     rewrite_any_xdp
#define charge           charge_xdp
#define charge_both      charge_both_xdp
#define read_frame_tags  read_frame_tags_xdp
#define store_frame_tags store_frame_tags_xdp
#define may_notify       may_tell_xdp
#define notify_event     tell_event_xdp

/* Data can be moved instead of headers, whatever the headers are. */
#define CTX_MOVES_TAIL true

enum ctx_action {
	CTX_PASS = XDP_PASS,
	CTX_DROP = XDP_DROP,
};

static __always_inline __u32 ctx_len(ctx_t *ctx)
{
	return (__u32)(ctx->data_end - ctx->data);
}

/* @len bytes at offset @off of the linear memory, or NULL. Valid until something is pulled or
 * moved. */
static __always_inline void *ctx_bytes(ctx_t *ctx, __u32 off, __u32 len)
{
	void *data = ctx_pointer(ctx, offsetof(ctx_t, data));
	void *data_end = ctx_pointer(ctx, offsetof(ctx_t, data_end));

	data += off & OFF_MASK;
	if (data + len > data_end)
		return NULL;
	return data;
}

struct ctx_chunk {
	__u64 words[4];
};

/*
 * Copies the first @len bytes, if there are as many as in a chunk, as in every packet of UDP: by
 * chunks, the last of which may overlap the one before. (bpf_xdp_load_bytes() is of Linux 5.18.)
 */
static __always_inline int ctx_load(ctx_t *ctx, __u8 *to, __u32 len)
{
	const __u32 last = len - sizeof(struct ctx_chunk);
	const struct ctx_chunk *chunk;
	__u32 off;

	if (last > TURNPIKE_EVENT_FRAME - sizeof(*chunk))
		return -1;
	for (off = 0; off < TURNPIKE_EVENT_FRAME - sizeof(*chunk) && off < last;
	     off += sizeof(*chunk)) {
		chunk = ctx_bytes(ctx, off, sizeof(*chunk));
		if (!chunk)
			return -1;
		*(struct ctx_chunk *)(to + off) = *chunk;
	}
	chunk = ctx_bytes(ctx, last, sizeof(*chunk));
	if (!chunk)
		return -1;
	*(struct ctx_chunk *)(to + last) = *chunk;
	return 0;
}

/* Makes the first @len bytes linear, and writable, if the frame has as many; always the case here.
 */
static __always_inline int ctx_pull(ctx_t *ctx, __u32 len)
{
	return 0;
}

/* The same for the headers, @len bytes at most. */
static __always_inline int ctx_pull_headers(ctx_t *ctx, __u32 len)
{
	return 0;
}

/*
 * Several datagrams in one? Native XDP never sees such. Generic XDP does, from local senders and
 * GRO, and is not told; nearly all of them are larger than what the device takes off the wire.
 */
static __always_inline bool ctx_is_gso(ctx_t *ctx, __u32 ip_len)
{
	const __u32 slot = config.slot;
	const struct turnpike_device *device;

	if (!config.skb)
		return false;
	device = bpf_map_lookup_elem(&devices, &slot);
	return device && ip_len > device->mtu;
}

/* A VLAN tag beside the frame? If a driver took it off, XDP cannot know: see
 * attach/select/native.c. */
static __always_inline bool ctx_tag_beside(ctx_t *ctx, struct turnpike_tag *ret)
{
	return false;
}

/* Takes tags away that are in the frame where that is in the way of what follows. */
static __always_inline int ctx_open_tags(ctx_t *ctx, struct packet *pkt)
{
	return 0;
}

/* Ends what ctx_open_tags() began. */
static __always_inline int ctx_close_tags(ctx_t *ctx, const struct packet *pkt)
{
	return 0;
}

/*
 * Moves the start of the frame: @from and @to are the lengths of the headers before and after, and
 * the families those of their IP headers. All headers are to be written anew.
 */
static __always_inline enum room ctx_move_head(ctx_t *ctx, __u32 from, __u32 to, __u8 from_family,
					       __u8 to_family)
{
	if (from == to)
		return ROOM_MADE;
	return bpf_xdp_adjust_head(ctx, (int)from - (int)to) ? ROOM_NONE : ROOM_MADE;
}

/* Moves the end of the frame by @delta bytes; what is gained is zero. */
static __always_inline int ctx_move_tail(ctx_t *ctx, __u32 len, int delta)
{
	return (int)bpf_xdp_adjust_tail(ctx, delta);
}

/* The tags and @proto, behind the addresses. Not inlined: see vlan.h. */
__noinline int store_frame_tags(ctx_t *ctx, const struct packet *pkt, __be16 proto)
{
	__be16 *to;
	int i;

	if (!pkt)
		return -1;
	for (i = 0; i < TURNPIKE_TAGS_MAX && i < pkt->tags; i++) {
		to = ctx_bytes(ctx, 2 * ETH_ALEN + (__u32)i * TAG_LEN, TAG_LEN);
		if (!to)
			return -1;
		to[0] = pkt->tag[i].tpid;
		to[1] = pkt->tag[i].tci;
	}
	to = ctx_bytes(ctx, 2 * ETH_ALEN + (__u32)i * TAG_LEN, sizeof(*to));
	if (!to)
		return -1;
	*to = proto;
	return 0;
}

/* The Ethernet header: both addresses from @hop, the packet's own tags, and the protocol. */
static __always_inline int ctx_store_ethernet(ctx_t *ctx, const struct packet *pkt,
					      const struct turnpike_hop *hop, __be16 proto,
					      enum relay_path path)
{
	const __u32 *from = (const __u32 *)hop;
	__u32 *to = ctx_bytes(ctx, 0, ETH_HLEN);

	if (!to)
		return -1;
	to[0] = from[0];
	to[1] = from[1];
	to[2] = from[2];
	*(__be16 *)(to + 3) = proto;
	return path == FAST_PATH || likely(!pkt->tags) ? 0 : store_frame_tags(ctx, pkt, proto);
}

/* Where to write @len bytes of headers at @off: here the frame itself, not @scratch. */
static __always_inline void *ctx_open_l3(ctx_t *ctx, void *scratch, __u32 off, __u32 len)
{
	return ctx_bytes(ctx, off, len);
}

/* Ends what ctx_open_l3() began. */
static __always_inline int ctx_close_l3(ctx_t *ctx, const void *scratch, __u32 off, __u32 len)
{
	return 0;
}

/* The return value that sends the frame out by @hop. */
static __always_inline int ctx_send(ctx_t *ctx, const struct turnpike_hop *hop)
{
	if (hop->ifindex == config.ifindex)
		return XDP_TX;
	return (int)bpf_redirect(hop->ifindex, 0);
}

#endif /* TURNPIKE_CTX_H */

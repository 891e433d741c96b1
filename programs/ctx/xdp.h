/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The packet as XDP sees it, native and generic: one linear buffer.
 *
 * tc.h defines the same names. relay.h and the steps are written against them.
 */
#ifndef TURNPIKE_PROGRAMS_CTX_XDP_H
#define TURNPIKE_PROGRAMS_CTX_XDP_H

#include "maps.h"
#include "packet.h"

typedef struct xdp_md ctx_t;

/* Global functions: see common.h. */
#define sum_bytes          sum_bytes_xdp
#define shift_up           shift_up_xdp
#define shift_down         shift_down_xdp
#define move_padded        move_padded_xdp
#define move_around_udp    move_around_udp_xdp
#define ethernet_len       ethernet_len_xdp
#define rewrite_slow       rewrite_slow_xdp
#define charge             charge_xdp
#define charge_both        charge_both_xdp
#define read_frame_tags    read_frame_tags_xdp
#define store_frame_tags   store_frame_tags_xdp
#define may_notify         may_notify_xdp
#define notify_event       notify_event_xdp
#define sample_hash        sample_hash_xdp
#define read_indication    read_indication_xdp
#define sum_around_data    sum_around_data_xdp
#define prepare_indication prepare_indication_xdp
#define store_indication   store_indication_xdp
#define read_recipe_slow   read_recipe_slow_xdp
#define confirm            confirm_xdp

/* The tail can be moved instead of the head, with any headers. */
#define CTX_MOVES_TAIL true

enum ctx_action {
	CTX_PASS = XDP_PASS,
	CTX_DROP = XDP_DROP,
};

/*
 * Did IPsec decrypt the packet? Native XDP sees it before, generic XDP again after a tunnel. An
 * xdp_md does not tell, so the library says whether the host has such tunnels.
 */
static __always_inline enum turnpike_observation ctx_arrival(ctx_t *ctx)
{
	const __u32 slot = config.slot;
	const struct turnpike_device *device = bpf_map_lookup_elem(&devices, &slot);

	return config.skb && device && device->may_be_decrypted ? TURNPIKE_OBSERVED_MAY_BE_DECRYPTED
								: TURNPIKE_OBSERVED_NOTHING;
}

static __always_inline __u32 ctx_len(ctx_t *ctx)
{
	return (__u32)(ctx->data_end - ctx->data);
}

/* Return: @len bytes of linear memory at @off, or NULL; valid until the frame is resized. */
static __always_inline void *ctx_bytes(ctx_t *ctx, __u32 off, __u32 len)
{
	void *data = ctx_pointer(ctx, offsetof(ctx_t, data));
	void *data_end = ctx_pointer(ctx, offsetof(ctx_t, data_end));

	data += off & OFF_MASK;
	if (data + len > data_end)
		return NULL;
	return data;
}

static __always_inline int ctx_word(ctx_t *ctx, __u32 off, __u32 *to)
{
	const void *from = ctx_bytes(ctx, off, sizeof(*to));

	if (!from)
		return -1;
	copy_word(to, from);
	return 0;
}

struct ctx_chunk {
	__u64 words[4];
};

/*
 * Copy the first @len bytes, at least one chunk, which every UDP packet has. The last chunk may
 * overlap the one before it. bpf_xdp_load_bytes() would do this from Linux 5.18 on.
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

/* Make the first @len bytes linear and writable; they always are here. */
static __always_inline int ctx_pull(ctx_t *ctx, __u32 len)
{
	return 0;
}

/* The same for the headers: up to @len bytes, or the whole frame if it is shorter. */
static __always_inline int ctx_pull_headers(ctx_t *ctx, __u32 len)
{
	return 0;
}

/*
 * Is this a GSO super-packet? Native XDP never gets one. Generic XDP does, from local senders and
 * GRO, without any mark in its context. The MTU of the ingress device tells most of them.
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

/* The part of the kernel's struct xdp_buff at config.layout.buffer. */
struct xdp_buffer {
	__u64 hard_start;
	__u64 rxq;
	__u64 txq;
	__u32 frame_sz;
	__u32 flags;
};

/*
 * Is it a super-packet below the MTU? The kernel keeps the segment size of an sk_buff behind the
 * buffer that generic XDP shows. This costs as much as a map lookup or two, so only packets are
 * asked that nothing else tells apart. On failure, assume that it is one.
 */
static __always_inline bool ctx_has_segments(ctx_t *ctx)
{
	struct xdp_buffer buffer;
	__u16 gso_size = 0;
	__u64 at;

	if (!config.skb || !config.layout.shared_info)
		return false;
	if (bpf_probe_read_kernel(&buffer, sizeof(buffer), (void *)ctx + config.layout.buffer))
		return true;
	at = buffer.hard_start + buffer.frame_sz - config.layout.shared_info +
	     config.layout.gso_size;
	return bpf_probe_read_kernel(&gso_size, sizeof(gso_size), (void *)(unsigned long)at) ||
	       gso_size;
}

/*
 * Get the hwaccel VLAN tag, if there is one. XDP cannot see a tag that the driver stripped: see
 * attach/select/native.c.
 */
static __always_inline bool ctx_hwaccel_tag(ctx_t *ctx, struct turnpike_tag *ret)
{
	return false;
}

/* Pop the in-band VLAN tags, if helpers that follow cannot deal with them. */
static __always_inline int ctx_pop_tags(ctx_t *ctx, struct packet *pkt)
{
	return 0;
}

/* Push what ctx_pop_tags() has popped. */
static __always_inline int ctx_push_tags(ctx_t *ctx, const struct packet *pkt)
{
	return 0;
}

/*
 * Move the start of the frame, from @from to @to bytes of headers, and from one family of IP header
 * to the other. The contents of the headers are lost.
 */
static __always_inline enum room ctx_move_head(ctx_t *ctx, __u32 from, __u32 to, __u8 from_family,
					       __u8 to_family)
{
	if (from == to)
		return ROOM_MADE;
	return bpf_xdp_adjust_head(ctx, (int)from - (int)to) ? ROOM_NONE : ROOM_MADE;
}

/* Move the end of the frame by @delta bytes; new bytes are zero. */
static __always_inline int ctx_move_tail(ctx_t *ctx, __u32 len, int delta)
{
	return (int)bpf_xdp_adjust_tail(ctx, delta);
}

/* Write the VLAN tags and @proto after the MAC addresses. Global: see vlan.h. */
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

/* Write the Ethernet header: addresses of @hop, VLAN tags of @pkt, and @proto. */
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

/* Return: where to write @len bytes of headers for @off: @scratch or, as here, the frame itself. */
static __always_inline void *ctx_buffer(ctx_t *ctx, void *scratch, __u32 off, __u32 len)
{
	return ctx_bytes(ctx, off, len);
}

/* Store the headers that were written to ctx_buffer(). */
static __always_inline int ctx_store(ctx_t *ctx, const void *scratch, __u32 off, __u32 len)
{
	return 0;
}

static __always_inline int ctx_store_byte(ctx_t *ctx, __u32 off, __u8 byte)
{
	__u8 *to = ctx_bytes(ctx, off, sizeof(*to));

	if (!to)
		return -1;
	*to = byte;
	return 0;
}

/* Return: the action that sends the frame out by @hop. */
static __always_inline int ctx_send(ctx_t *ctx, const struct turnpike_hop *hop)
{
	if (hop->ifindex == config.ifindex)
		return XDP_TX;
	return (int)bpf_redirect(hop->ifindex, 0);
}

#endif /* TURNPIKE_PROGRAMS_CTX_XDP_H */

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Attached briefly before the relay, to find out whether a program runs on the device at all, how
 * much room its frames have, and whether the driver honours a moved frame. Each end of a frame is
 * moved and moved back, so the frame is passed up unchanged. Before Linux 6.2 the kernel does not
 * report XDP features, and reports of drivers prove nothing.
 */
#include "maps.h"

struct trials_map trials SEC(".maps");
struct taken_map taken SEC(".maps");

#define ARP_OPER    20 /* offset in the frame; RFC 826 */
#define ARP_REPLY   2
#define IP6_NEXTHDR 20
#define ICMP6_TYPE  54
#define ICMP6_NA    136 /* RFC 4861 section 4.4 */
#define REPLY_MIN   42  /* an ARP packet */

static __always_inline void count_trial(__u64 *counter)
{
	__sync_fetch_and_add(counter, 1);
}

/* Return: @len bytes of the frame at offset @off, or NULL. */
static __always_inline __u8 *bytes(struct xdp_md *ctx, __u32 off, __u32 len)
{
	void *data = ctx_pointer(ctx, offsetof(struct xdp_md, data));
	void *data_end = ctx_pointer(ctx, offsetof(struct xdp_md, data_end));

	data += off & OFF_MASK;
	return data + len > data_end ? NULL : data;
}

static __always_inline bool is_between(const __u8 *frame, const __u8 *macs)
{
	const __u32 *a = (const __u32 *)frame, *b = (const __u32 *)macs;

	return a[0] == b[0] && a[1] == b[1] && a[2] == b[2];
}

/* Is this a neighbour reply of the gateway to our kernel? See attach/devices/moved.c. */
static __always_inline bool is_reply(struct xdp_md *ctx, const struct turnpike_trial *trial)
{
	const __u8 *frame = bytes(ctx, 0, REPLY_MIN), *type;
	const struct ethhdr *eth = (const struct ethhdr *)frame;

	if (!frame || !is_between(frame, trial->macs))
		return false;
	if (eth->h_proto == bpf_htons(ETH_P_ARP))
		return frame[ARP_OPER] == 0 && frame[ARP_OPER + 1] == ARP_REPLY;
	if (eth->h_proto != bpf_htons(ETH_P_IPV6) || frame[IP6_NEXTHDR] != IPPROTO_ICMPV6)
		return false;
	type = bytes(ctx, ICMP6_TYPE, 1);
	return type && *type == ICMP6_NA;
}

/* Record the frame for user space. Return: false if another CPU has recorded one for this end. */
static __always_inline bool record(__u32 end, const struct turnpike_taken *frame)
{
	return bpf_map_update_elem(&taken, &end, frame, BPF_NOEXIST) == 0;
}

/* Prepend an Ethernet header and the fill pattern. */
static __always_inline int grow_head(struct xdp_md *ctx, const struct turnpike_taken *frame)
{
	__u8 *front;

	if (bpf_xdp_adjust_head(ctx, -TURNPIKE_ROOM_MAX))
		return XDP_PASS;
	if (!record(TURNPIKE_TRIAL_HEAD, frame))
		return bpf_xdp_adjust_head(ctx, TURNPIKE_ROOM_MAX) ? XDP_DROP : XDP_PASS;
	front = bytes(ctx, 0, TURNPIKE_ROOM_MAX);
	if (!front)
		return XDP_DROP;
	__builtin_memcpy(front, frame->frame, 2 * ETH_ALEN);
	((struct ethhdr *)front)->h_proto = bpf_htons(TURNPIKE_TRIAL_PROTO);
	__builtin_memset(front + ETH_HLEN, TURNPIKE_TRIAL_FILL, TURNPIKE_ROOM_MAX - ETH_HLEN);
	return XDP_PASS;
}

/* Append the fill pattern, and change only the EtherType of the original frame. */
static __always_inline int grow_tail(struct xdp_md *ctx, const struct turnpike_taken *frame)
{
	struct ethhdr *eth;
	__u8 *behind;

	if (bpf_xdp_adjust_tail(ctx, TURNPIKE_ROOM_MAX))
		return XDP_PASS;
	if (!record(TURNPIKE_TRIAL_TAIL, frame))
		return bpf_xdp_adjust_tail(ctx, -TURNPIKE_ROOM_MAX) ? XDP_DROP : XDP_PASS;
	behind = bytes(ctx, frame->len, TURNPIKE_ROOM_MAX);
	if (!behind)
		return XDP_DROP;
	__builtin_memset(behind, TURNPIKE_TRIAL_FILL, TURNPIKE_ROOM_MAX);
	eth = (struct ethhdr *)bytes(ctx, 0, ETH_HLEN);
	if (!eth)
		return XDP_DROP;
	eth->h_proto = bpf_htons(TURNPIKE_TRIAL_PROTO);
	return XDP_PASS;
}

/*
 * Capture one neighbour reply for each end, and pass it up grown, under an Ethernet type that only
 * the library listens to. The kernel keeps using the neighbour entry, and asks again after
 * a second, so no traffic is lost.
 */
static __always_inline int grow_reply(struct xdp_md *ctx, const struct turnpike_trial *trial)
{
	struct turnpike_taken frame = { .len = ctx->data_end - ctx->data };
	const __u8 *byte;
	__u32 i;

	if (!trial->take || frame.len > sizeof(frame.frame) || !is_reply(ctx, trial))
		return XDP_PASS;
	for (i = 0; i < sizeof(frame.frame); i++) {
		byte = bytes(ctx, i, 1);
		if (!byte)
			break;
		frame.frame[i] = *byte;
	}
	if (trial->take == TURNPIKE_TRIAL_HEAD)
		return grow_head(ctx, &frame);
	return grow_tail(ctx, &frame);
}

SEC("xdp")
int try_room(struct xdp_md *ctx)
{
	const __u32 key = 0;
	struct turnpike_trial *trial = bpf_map_lookup_elem(&trials, &key);

	if (!trial)
		return XDP_PASS;
	count_trial(&trial->frames);
	if (!bpf_xdp_adjust_head(ctx, -TURNPIKE_ROOM_MAX)) {
		count_trial(&trial->head);
		/* Shrinking cannot fail; if it does, the frame must not be passed up. */
		if (bpf_xdp_adjust_head(ctx, TURNPIKE_ROOM_MAX))
			return XDP_DROP;
	}
	if (!bpf_xdp_adjust_tail(ctx, TURNPIKE_ROOM_MAX)) {
		count_trial(&trial->tail);
		if (bpf_xdp_adjust_tail(ctx, -TURNPIKE_ROOM_MAX))
			return XDP_DROP;
	}
	return grow_reply(ctx, trial);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The helpers of TC programs, modelled on net/core/filter.c and skbuff.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>

#include "host_frame.h"
#include "wire.h"

#define VLAN_HLEN 4

static struct host_frame *frame_of(struct __sk_buff *skb)
{
	return (struct host_frame *)skb;
}

static bool is_tag(__be16 proto)
{
	return proto == htons(ETH_P_8021Q) || proto == htons(ETH_P_8021AD);
}

static bool is_ip(__be16 proto)
{
	return proto == htons(ETH_P_IP) || proto == htons(ETH_P_IPV6);
}

/* Fail once, as if out of memory. */
static bool fails(struct host_frame *frame)
{
	if (!frame->fails_in || --frame->fails_in)
		return false;
	frame->failed = true;
	return true;
}

static __u16 sum_before(struct host_frame *frame)
{
	return frame->complete ? host_frame_sum(frame) : 0;
}

/* Update CHECKSUM_COMPLETE by as much as the sum of the frame has changed since @before. */
static void update_sum(struct host_frame *frame, __u16 before)
{
	if (frame->complete)
		frame->csum =
			wire_fold((__u32)frame->csum + host_frame_sum(frame) + (__u16)~before);
}

static long make_linear(struct host_frame *frame, __u32 len)
{
	struct __sk_buff *skb = &frame->ctx.skb;

	if (len > skb->len)
		return -ENOMEM;
	host_frame_open(frame);
	if (skb->data_end - skb->data < len)
		skb->data_end = skb->data + len;
	host_frame_close(frame);
	return 0;
}

long bpf_skb_load_bytes(const void *skb, __u32 off, void *to, __u32 len)
{
	struct host_frame *frame = (struct host_frame *)skb;
	const struct __sk_buff *fields = skb;

	if (len > fields->len || off > fields->len - len)
		return -EFAULT;
	host_frame_open(frame);
	memcpy(to, frame->ctx.memory + fields->data + off, len);
	host_frame_close(frame);
	return 0;
}

/* A request socket is not a full one. */
struct bpf_sock *bpf_sk_fullsock(struct bpf_sock *sk)
{
	return sk->state == BPF_TCP_NEW_SYN_RECV ? NULL : sk;
}

/* Insert @len zero bytes at @off, by moving the first @off bytes. */
static void push(struct host_frame *frame, __u32 off, __u32 len)
{
	struct __sk_buff *skb = &frame->ctx.skb;

	if (skb->data < len)
		abort(); /* HOST_SKB_ROOM is too small */
	host_frame_open(frame);
	skb->data -= len;
	skb->len += len;
	memmove(frame->ctx.memory + skb->data, frame->ctx.memory + skb->data + len, off);
	memset(frame->ctx.memory + skb->data + off, 0, len);
	host_frame_close(frame);
}

static void pop(struct host_frame *frame, __u32 off, __u32 len)
{
	struct __sk_buff *skb = &frame->ctx.skb;

	host_frame_open(frame);
	memmove(frame->ctx.memory + skb->data + len, frame->ctx.memory + skb->data, off);
	skb->data += len;
	skb->len -= len;
	host_frame_close(frame);
}

long bpf_skb_get_xfrm_state(struct __sk_buff *skb, __u32 index, struct bpf_xfrm_state *ret,
			    __u32 size, __u64 flags)
{
	memset(ret, 0, size);
	return frame_of(skb)->decrypted && !index && size == sizeof(*ret) && !flags ? 0 : -EINVAL;
}

long bpf_skb_pull_data(struct __sk_buff *skb, __u32 len)
{
	struct host_frame *frame = frame_of(skb);

	if (fails(frame))
		return -ENOMEM;
	return make_linear(frame, len ? len : skb->data_end - skb->data);
}

long bpf_skb_store_bytes(struct __sk_buff *skb, __u32 off, const void *from, __u32 len, __u64 flags)
{
	struct host_frame *frame = frame_of(skb);
	const __u16 before = sum_before(frame);

	if (fails(frame) || make_linear(frame, off + len))
		return -EFAULT;
	memcpy(frame->ctx.memory + skb->data + off, from, len);
	if (flags & BPF_F_RECOMPUTE_CSUM)
		update_sum(frame, before);
	return 0;
}

/* Insert or remove after the Ethernet header or, with BPF_ADJ_ROOM_NET, the IP base header. */
long bpf_skb_adjust_room(struct __sk_buff *skb, __s32 delta, __u32 mode, __u64 flags)
{
	const __u32 base = skb->protocol == htons(ETH_P_IP) ? 20 : 40;
	const __u32 off = ETH_HLEN + (mode == BPF_ADJ_ROOM_NET ? base : 0);
	const __u32 amount = (__u32)abs(delta);
	struct host_frame *frame = frame_of(skb);
	const __u16 before = sum_before(frame);

	(void)flags;
	if (amount > 0xfff)
		return -EFAULT;
	if (!is_ip((__be16)skb->protocol))
		return -ENOTSUP;
	if (delta < 0 && (amount >= skb->len - ETH_HLEN || skb->len - ETH_HLEN - amount < base))
		return -ENOTSUP;
	if (fails(frame) || make_linear(frame, off + (delta < 0 ? amount : 0)))
		return -ENOMEM;
	if (delta < 0)
		pop(frame, off, amount);
	else
		push(frame, off, amount);
	update_sum(frame, before);
	return 0;
}

long bpf_skb_change_proto(struct __sk_buff *skb, __be16 proto, __u64 flags)
{
	const __u32 delta = 40 - 20;
	struct host_frame *frame = frame_of(skb);
	const __u16 before = sum_before(frame);

	if (flags || !is_ip((__be16)skb->protocol) || !is_ip(proto) || proto == skb->protocol)
		return -ENOTSUP;
	if (fails(frame))
		return -ENOMEM;
	if (proto == htons(ETH_P_IPV6)) {
		push(frame, ETH_HLEN, delta);
	} else {
		if (make_linear(frame, ETH_HLEN + delta))
			return -ENOMEM;
		pop(frame, ETH_HLEN, delta);
	}
	skb->protocol = proto;
	update_sum(frame, before);
	return 0;
}

/* Resizing discards CHECKSUM_COMPLETE: __skb_grow_rcsum(), __skb_trim_rcsum(). */
long bpf_skb_change_tail(struct __sk_buff *skb, __u32 len, __u64 flags)
{
	struct host_frame *frame = frame_of(skb);

	if (flags || len < ETH_HLEN || len > skb->len + HOST_SKB_ROOM)
		return -EINVAL;
	if (frame->stuck)
		return -ENOTSUP;
	if (fails(frame))
		return -ENOMEM;
	host_frame_open(frame);
	if (len > skb->len)
		memset(frame->ctx.memory + skb->data + skb->len, 0, len - skb->len);
	if (len != skb->len)
		frame->complete = false;
	skb->len = len;
	skb->data_end = skb->data + len;
	host_frame_close(frame);
	return 0;
}

/* Make the in-band tag the hwaccel tag. */
static long strip_tag(struct host_frame *frame)
{
	struct __sk_buff *skb = &frame->ctx.skb;
	const __u8 *tag;
	__u16 before;

	if (make_linear(frame, ETH_HLEN + VLAN_HLEN))
		return -ENOMEM;
	tag = frame->ctx.memory + skb->data + ETH_HLEN;
	skb->vlan_present = 1;
	skb->vlan_proto = skb->protocol;
	skb->vlan_tci = (__u32)(tag[0] << 8 | tag[1]);
	skb->protocol = (__u32)(tag[3] << 8 | tag[2]);
	before = sum_before(frame);
	pop(frame, ETH_HLEN - 2, VLAN_HLEN);
	update_sum(frame, before);
	return 0;
}

long bpf_skb_vlan_pop(struct __sk_buff *skb)
{
	struct host_frame *frame = frame_of(skb);
	long err = 0;

	if (fails(frame))
		return -ENOMEM;
	if (!skb->vlan_present && is_tag((__be16)skb->protocol))
		err = strip_tag(frame);
	skb->vlan_present = 0;
	if (err || !is_tag((__be16)skb->protocol))
		return err;
	return strip_tag(frame);
}

long bpf_skb_vlan_push(struct __sk_buff *skb, __be16 proto, __u16 tci)
{
	struct host_frame *frame = frame_of(skb);
	__u16 before;
	__u8 *tag;

	if (fails(frame))
		return -ENOMEM;
	if (skb->vlan_present) {
		before = sum_before(frame);
		push(frame, ETH_HLEN - 2, VLAN_HLEN);
		host_frame_open(frame);
		tag = frame->ctx.memory + skb->data + ETH_HLEN - 2;
		memcpy(tag, &skb->vlan_proto, 2);
		tag[2] = (__u8)(skb->vlan_tci >> 8);
		tag[3] = (__u8)skb->vlan_tci;
		host_frame_close(frame);
		update_sum(frame, before);
		skb->protocol = skb->vlan_proto;
	}
	skb->vlan_present = 1;
	skb->vlan_proto = is_tag(proto) ? proto : htons(ETH_P_8021Q);
	skb->vlan_tci = tci;
	return 0;
}

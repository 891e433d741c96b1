// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * After XDP_TX or a redirect, only the driver knows that a frame was not sent. It reports that
 * through these tracepoints (include/trace/events/xdp.h; their arguments are the same from Linux
 * 5.15 to 6.18). Losses are counted by ingress and egress device.
 *
 * This is an object of its own because it needs the kernel's BTF, and the relay must load without.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include <turnpike/abi.h>

/* The parts of the kernel's structs that are read; CO-RE relocates them. */
struct ns_common {
	unsigned int inum;
} __attribute__((preserve_access_index));

struct net {
	struct ns_common ns;
} __attribute__((preserve_access_index));

typedef struct {
	struct net *net;
} __attribute__((preserve_access_index)) possible_net_t;

struct net_device {
	int ifindex;
	possible_net_t nd_net;
} __attribute__((preserve_access_index));

/* Ignore devices of other network namespaces, where an index means another device. */
const volatile __u32 netns;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct turnpike_way);
	__type(value, __u64);
} lost SEC(".maps");

/* Return: the device's index, 0 if it is in another network namespace. */
static __always_inline __u32 index_of(const void *pointer)
{
	const struct net_device *dev = pointer;

	if (BPF_CORE_READ(dev, nd_net.net, ns.inum) != netns)
		return 0;
	return (__u32)BPF_CORE_READ(dev, ifindex);
}

static __always_inline int count_lost(const void *from, __u32 to, int frames)
{
	const struct turnpike_way key = { .from = index_of(from), .to = to };
	const __u64 zero = 0;
	__u64 *count;

	if (!key.from)
		return 0;
	count = bpf_map_lookup_elem(&lost, &key);
	if (!count) {
		bpf_map_update_elem(&lost, &key, &zero, BPF_NOEXIST);
		count = bpf_map_lookup_elem(&lost, &key);
	}
	if (count)
		__sync_fetch_and_add(count, frames);
	return 0;
}

/*
 * (dev, prog, act). A driver that reports a redirected frame here has usually reported it by
 * xdp_redirect_err as well. Such frames are counted twice, which is better than not at all.
 */
SEC("raw_tp/xdp_exception")
int watch_exception(struct bpf_raw_tracepoint_args *ctx)
{
	const void *dev = (const void *)ctx->args[0];

	switch ((__u32)ctx->args[2]) {
	case XDP_TX:
		return count_lost(dev, index_of(dev), 1);
	case XDP_REDIRECT:
		return count_lost(dev, 0, 1);
	default:
		return 0;
	}
}

/* Drops without an error mean a full queue, which no other mode would have avoided. */
static __always_inline bool is_refusal(int drops, int err)
{
	return drops > 0 && err < 0;
}

/* (dev, sent, drops, err): XDP_TX in the few drivers that send in bulk. */
SEC("raw_tp/xdp_bulk_tx")
int watch_bulk(struct bpf_raw_tracepoint_args *ctx)
{
	const void *dev = (const void *)ctx->args[0];
	const int drops = (int)ctx->args[2];

	return is_refusal(drops, (int)ctx->args[3]) ? count_lost(dev, index_of(dev), drops) : 0;
}

/* (from_dev, to_dev, sent, drops, err): ndo_xdp_xmit() of the egress device refused frames. */
SEC("raw_tp/xdp_devmap_xmit")
int watch_xmit(struct bpf_raw_tracepoint_args *ctx)
{
	const int drops = (int)ctx->args[3];

	if (!is_refusal(drops, (int)ctx->args[4]))
		return 0;
	return count_lost((const void *)ctx->args[0], index_of((const void *)ctx->args[1]), drops);
}

/* (dev, prog, tgt, err, map_type, map_id, index): the redirect itself failed; index: egress. */
SEC("raw_tp/xdp_redirect_err")
int watch_redirect(struct bpf_raw_tracepoint_args *ctx)
{
	return count_lost((const void *)ctx->args[0], (__u32)ctx->args[6], 1);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

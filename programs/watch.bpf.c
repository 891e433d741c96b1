// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * After XDP_TX or a redirect, only the driver knows that a frame was not sent, and only by these
 * tracepoints does it tell (include/trace/events/xdp.h; the arguments are the same from 5.15
 * to 6.18). What is lost is counted by the device that relayed it and the one that it was to leave
 * by.
 *
 * An object of its own, with its map: it needs the kernel's BTF, and the relay must load without.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include <turnpike/abi.h>

/* What is read of the kernel's structs, wherever it is there. */
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

/* Devices of other network namespaces are none of ours: an index means another device there. */
const volatile __u32 netns;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct turnpike_way);
	__type(value, __u64);
} lost SEC(".maps");

static __always_inline __u32 index_of(const void *pointer)
{
	const struct net_device *dev = pointer;

	if (BPF_CORE_READ(dev, nd_net.net, ns.inum) != netns)
		return 0;
	return (__u32)BPF_CORE_READ(dev, ifindex);
}

static __always_inline int count_lost(const void *from, __u32 to, int frames)
{
	const struct turnpike_way way = { .from = index_of(from), .to = to };
	const __u64 none = 0;
	__u64 *count;

	if (!way.from)
		return 0;
	count = bpf_map_lookup_elem(&lost, &way);
	if (!count) {
		bpf_map_update_elem(&lost, &way, &none, BPF_NOEXIST);
		count = bpf_map_lookup_elem(&lost, &way);
	}
	if (count)
		__sync_fetch_and_add(count, frames);
	return 0;
}

/* (dev, prog, act): a driver that tells of redirected frames has told of them by redirect_err, too,
 * as a rule: then they are counted twice, which is better than not at all. */
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

/*
 * Without an error, frames that are dropped found a full queue: no other way to relay would have
 * saved them.
 */
static __always_inline bool is_refusal(int drops, int err)
{
	return drops > 0 && err < 0;
}

/* (dev, sent, drops, err): of XDP_TX, by the few drivers that send in bulk */
SEC("raw_tp/xdp_bulk_tx")
int watch_bulk(struct bpf_raw_tracepoint_args *ctx)
{
	const void *dev = (const void *)ctx->args[0];
	const int drops = (int)ctx->args[2];

	return is_refusal(drops, (int)ctx->args[3]) ? count_lost(dev, index_of(dev), drops) : 0;
}

/* (from_dev, to_dev, sent, drops, err): the other device's ndo_xdp_xmit() did not take them. */
SEC("raw_tp/xdp_devmap_xmit")
int watch_xmit(struct bpf_raw_tracepoint_args *ctx)
{
	const int drops = (int)ctx->args[3];

	if (!is_refusal(drops, (int)ctx->args[4]))
		return 0;
	return count_lost((const void *)ctx->args[0], index_of((const void *)ctx->args[1]), drops);
}

/* (dev, prog, tgt, err, map_type, map_id, index): it did not get that far; index is the device. */
SEC("raw_tp/xdp_redirect_err")
int watch_redirect(struct bpf_raw_tracepoint_args *ctx)
{
	return count_lost((const void *)ctx->args[0], (__u32)ctx->args[6], 1);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The environment of the programs on the host, where they run as ordinary functions under
 * sanitizers, built by any compiler; kernel.h is its counterpart. tests/host implements the
 * helpers.
 *
 * Only the helpers are replaced, so that ctx/xdp.h and ctx/tc.h are tested as well.
 */
#ifndef TURNPIKE_PROGRAMS_ENV_HOST_H
#define TURNPIKE_PROGRAMS_ENV_HOST_H

#define SEC(name)
#define __noinline        __attribute__((noinline))
#define __uint(name, val) int(*name)[val]
#define __type(name, val) typeof(val) *name

/**
 * struct host_ctx - the context that a program gets
 * @memory: buffer of the frame; data and data_end of the context are offsets into it, because
 *          32 bits are too few for pointers
 */
struct host_ctx {
	union {
		struct xdp_md xdp;
		struct __sk_buff skb;
	};
	__u8 *memory;
};

static __always_inline void *ctx_pointer(const void *ctx, int off)
{
	const __u8 *field = (const __u8 *)ctx + off;

	return ((const struct host_ctx *)ctx)->memory + *(const __u32 *)field;
}

/* A variable here: one process acts as many program instances in turn. */
extern volatile struct turnpike_config config;

/* libbpf, which the tests link to, has functions of these names. */
#define bpf_map_lookup_elem host_map_lookup_elem
#define bpf_map_update_elem host_map_update_elem
#define bpf_map_delete_elem host_map_delete_elem

void *bpf_map_lookup_elem(void *map, const void *key);
long bpf_map_update_elem(void *map, const void *key, const void *value, __u64 flags);
long bpf_map_delete_elem(void *map, const void *key);
__u32 bpf_get_prandom_u32(void);
struct bpf_sock *bpf_sk_fullsock(struct bpf_sock *sk);
__u64 bpf_jiffies64(void);
void *bpf_ringbuf_reserve(void *map, __u64 size, __u64 flags);
void bpf_ringbuf_submit(void *data, __u64 flags);
void bpf_ringbuf_discard(void *data, __u64 flags);
long bpf_redirect(__u32 ifindex, __u64 flags);
long bpf_probe_read_kernel(void *to, __u32 len, const void *from);

long bpf_xdp_adjust_head(struct xdp_md *ctx, int delta);
long bpf_xdp_adjust_tail(struct xdp_md *ctx, int delta);

long bpf_skb_load_bytes(const void *skb, __u32 off, void *to, __u32 len);
long bpf_skb_get_xfrm_state(struct __sk_buff *skb, __u32 index, struct bpf_xfrm_state *ret,
			    __u32 size, __u64 flags);
long bpf_skb_pull_data(struct __sk_buff *skb, __u32 len);
long bpf_skb_store_bytes(struct __sk_buff *skb, __u32 off, const void *from, __u32 len,
			 __u64 flags);
long bpf_skb_adjust_room(struct __sk_buff *skb, __s32 delta, __u32 mode, __u64 flags);
long bpf_skb_change_proto(struct __sk_buff *skb, __be16 proto, __u64 flags);
long bpf_skb_change_tail(struct __sk_buff *skb, __u32 len, __u64 flags);
long bpf_skb_vlan_push(struct __sk_buff *skb, __be16 proto, __u16 tci);
long bpf_skb_vlan_pop(struct __sk_buff *skb);

/* The programs. */
int relay_xdp_head(struct xdp_md *ctx);
int relay_xdp_tail(struct xdp_md *ctx);
int relay_tc(struct __sk_buff *ctx);
int observe_tc(struct __sk_buff *ctx);
int try_room(struct xdp_md *ctx);
int flow_expiry(struct turnpike_flow_expiry *arg);
int read_jiffies(__u64 *arg);

#endif /* TURNPIKE_PROGRAMS_ENV_HOST_H */

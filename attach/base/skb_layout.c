/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/skb_layout.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/filter.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "private/array_len.h"

/* SMP_CACHE_BYTES, by which the kernel aligns struct skb_shared_info; BTF does not tell. */
#if defined(__s390x__)
#define SMP_CACHE 256
#elif defined(__powerpc64__)
#define SMP_CACHE 128
#else
#define SMP_CACHE 64
#endif

/* Anonymous structs and unions are at most this deep in the structs of interest. */
#define DEPTH_MAX 3

static struct {
	struct turnpike_skb_layout layout;
	int error;
} kernel;

/* Find the offset of a member, also in anonymous members. Return: false: there is none. */
static bool find_member(const struct btf *btf, int type_id, const char *name, int depth, __u16 *ret)
{
	const struct btf_type *type = btf__type_by_id(btf, (__u32)type_id);
	const struct btf_member *member;
	const char *its_name;
	__u16 inside;
	__u16 i;

	if (depth > DEPTH_MAX || !type || !btf_is_composite(type))
		return false;
	member = btf_members(type);
	for (i = 0; i < btf_vlen(type); i++, member++) {
		its_name = btf__name_by_offset(btf, member->name_off);
		inside = 0;
		if (its_name && its_name[0]
			    ? strcmp(its_name, name) != 0
			    : !find_member(btf, (int)member->type, name, depth + 1, &inside))
			continue;
		*ret = (__u16)(btf_member_bit_offset(type, i) / 8 + inside);
		return true;
	}
	return false;
}

/* The program reads data_hard_start, rxq, txq and frame_sz at once. */
#define FRAME_SZ_AFTER 24

static int read_layout(const struct btf *btf, struct turnpike_skb_layout *ret)
{
	const int buff = btf__find_by_name_kind(btf, "xdp_buff", BTF_KIND_STRUCT);
	const int info = btf__find_by_name_kind(btf, "skb_shared_info", BTF_KIND_STRUCT);
	const __s64 size = info < 0 ? -1 : btf__resolve_size(btf, (__u32)info);
	__u16 frame_sz;

	if (buff < 0 || size <= 0 || !find_member(btf, buff, "data_hard_start", 0, &ret->buffer) ||
	    !find_member(btf, buff, "frame_sz", 0, &frame_sz) ||
	    frame_sz != ret->buffer + FRAME_SZ_AFTER ||
	    !find_member(btf, info, "gso_size", 0, &ret->gso_size))
		return -ENOENT;
	ret->shared_info = (__u16)((size + SMP_CACHE - 1) / SMP_CACHE * SMP_CACHE);
	return 0;
}

/* Load a program that reads its context by bpf_probe_read_kernel(). */
static int try_reading(void)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_3, .src_reg = BPF_REG_1 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X,
		  .dst_reg = BPF_REG_1,
		  .src_reg = BPF_REG_10 },
		{ .code = BPF_ALU64 | BPF_ADD, .dst_reg = BPF_REG_1, .imm = -8 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2, .imm = 8 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_probe_read_kernel },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	const int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "trial", "Dual BSD/GPL", insns,
				     ARRAY_LEN(insns), NULL);

	if (fd < 0)
		return -EPERM;
	close(fd);
	return 0;
}

static void ask_kernel(void)
{
	const libbpf_print_fn_t print = libbpf_set_print(NULL);
	struct turnpike_skb_layout layout = { 0 };
	struct btf *btf = btf__load_vmlinux_btf();

	kernel.error = btf ? read_layout(btf, &layout) : -ENOENT;
	btf__free(btf);
	if (!kernel.error)
		kernel.error = try_reading();
	if (!kernel.error)
		kernel.layout = layout;
	libbpf_set_print(print);
}

int skb_layout(struct turnpike_skb_layout *ret)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, ask_kernel);
	if (!kernel.error)
		*ret = kernel.layout;
	return kernel.error;
}

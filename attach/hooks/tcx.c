/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * TC by tcx (Linux 6.6): a bpf_link, which the kernel closes with the process. The relay is at
 * ingress, the observer at egress. Programs of other owners on the same hook run in the order of
 * their links. libbpf 1.1 has no function for tcx, but its bpf_link_create() passes any attach type
 * on.
 */
#include <bpf/bpf.h>

#include "base/compat.h"
#include "hooks/hook.h"

static int attach(__u32 ifindex, int prog_fd, int type, struct hook_state *state)
{
	const int fd = bpf_link_create(prog_fd, (int)ifindex, (enum bpf_attach_type)type, NULL);

	if (fd < 0)
		return fd;
	state->fd = fd;
	return 0;
}

static int attach_ingress(__u32 ifindex, int prog_fd, struct hook_state *state)
{
	return attach(ifindex, prog_fd, COMPAT_BPF_TCX_INGRESS, state);
}

static int attach_egress(__u32 ifindex, int prog_fd, struct hook_state *state)
{
	return attach(ifindex, prog_fd, COMPAT_BPF_TCX_EGRESS, state);
}

static int query(__u32 ifindex, int type, __u32 *ids, __u32 *n)
{
	LIBBPF_OPTS(bpf_prog_query_opts, opts, .prog_ids = ids, .prog_cnt = HOOK_MAX_PROGS);
	const int err = bpf_prog_query_opts((int)ifindex, (enum bpf_attach_type)type, &opts);

	if (err)
		return err;
	*n = opts.prog_cnt;
	return 0;
}

static int query_ingress(__u32 ifindex, __u32 *ids, __u32 *n)
{
	return query(ifindex, COMPAT_BPF_TCX_INGRESS, ids, n);
}

static int query_egress(__u32 ifindex, __u32 *ids, __u32 *n)
{
	return query(ifindex, COMPAT_BPF_TCX_EGRESS, ids, n);
}

const struct hook_ops hook_tcx = {
	.attach = attach_ingress,
	.replace = hook_update_link,
	.query = query_ingress,
	.detach = hook_close_link,
};

const struct hook_ops hook_tcx_egress = {
	.attach = attach_egress,
	.replace = hook_update_link,
	.query = query_egress,
	.detach = hook_close_link,
};

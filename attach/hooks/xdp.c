/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * XDP, native and generic: the same programs, attached with different flags, by bpf_links. The
 * kernel closes a link with the process that holds it.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <time.h>
#include <unistd.h>

#include "hooks/hook.h"
#include "hooks/mark.h"

#define SWEEP_TRIES    100
#define SWEEP_PAUSE_NS (10 * 1000 * 1000)

static int attach(__u32 ifindex, int prog_fd, __u32 flags, struct hook_state *state)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);
	const int fd = bpf_link_create(prog_fd, (int)ifindex, BPF_XDP, &opts);

	if (fd < 0)
		return fd;
	state->fd = fd;
	state->mark = name_bind(MARK_XDP, ifindex);
	return 0;
}

int hook_update_link(const struct hook_state *state, int prog_fd)
{
	return bpf_link_update(state->fd, prog_fd, NULL);
}

void hook_close_link(struct hook_state *state)
{
	if (state->fd >= 0)
		close(state->fd);
	if (state->mark >= 0)
		close(state->mark);
	*state = HOOK_STATE_NONE;
}

static int attach_native(__u32 ifindex, int prog_fd, struct hook_state *state)
{
	return attach(ifindex, prog_fd, XDP_FLAGS_DRV_MODE, state);
}

static int attach_generic(__u32 ifindex, int prog_fd, struct hook_state *state)
{
	return attach(ifindex, prog_fd, XDP_FLAGS_SKB_MODE, state);
}

static int query(__u32 ifindex, int flags, __u32 *ids, __u32 *n)
{
	__u32 id = 0;
	const int err = bpf_xdp_query_id((int)ifindex, flags, &id);

	if (err)
		return err;
	ids[0] = id;
	*n = id ? 1 : 0;
	return 0;
}

static int query_native(__u32 ifindex, __u32 *ids, __u32 *n)
{
	return query(ifindex, XDP_FLAGS_DRV_MODE, ids, n);
}

static int query_generic(__u32 ifindex, __u32 *ids, __u32 *n)
{
	return query(ifindex, XDP_FLAGS_SKB_MODE, ids, n);
}

static bool is_taken(__u32 ifindex)
{
	__u32 id, native = 0, generic = 0;

	query_native(ifindex, &id, &native);
	query_generic(ifindex, &id, &generic);
	return native || generic;
}

/*
 * A helper outlives a killed relay by a moment, in which the hook is not free. That of a running
 * relay stays; then attaching reports it. Any process can bind the name: alone it is no reason.
 */
void xdp_sweep(__u32 ifindex)
{
	const struct timespec pause = { .tv_nsec = SWEEP_PAUSE_NS };
	int tries = SWEEP_TRIES;

	while (tries-- > 0 && is_taken(ifindex) && name_is_bound(MARK_XDP, ifindex))
		nanosleep(&pause, NULL);
}

const struct hook_ops hook_xdp_native = {
	.attach = attach_native,
	.replace = hook_update_link,
	.query = query_native,
	.detach = hook_close_link,
};

const struct hook_ops hook_xdp_generic = {
	.attach = attach_generic,
	.replace = hook_update_link,
	.query = query_generic,
	.detach = hook_close_link,
};

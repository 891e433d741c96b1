/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The helpers of XDP programs, modelled on net/core/filter.c. */
#include <errno.h>
#include <string.h>

#include "host_frame.h"

static struct host_frame *frame_of(struct xdp_md *ctx)
{
	return (struct host_frame *)ctx;
}

long bpf_xdp_adjust_head(struct xdp_md *ctx, int delta)
{
	struct host_frame *frame = frame_of(ctx);
	const long data = (long)ctx->data + delta;

	if (data < (long)frame->floor || data > (long)ctx->data_end - ETH_HLEN)
		return -EINVAL;
	host_frame_open(frame);
	ctx->data = (__u32)data;
	host_frame_close(frame);
	return 0;
}

long bpf_xdp_adjust_tail(struct xdp_md *ctx, int delta)
{
	struct host_frame *frame = frame_of(ctx);
	const long end = (long)ctx->data_end + delta;

	if (end > (long)frame->size || end < (long)ctx->data + ETH_HLEN)
		return -EINVAL;
	host_frame_open(frame);
	if (delta > 0)
		memset(frame->ctx.memory + ctx->data_end, 0, (__u32)delta);
	ctx->data_end = (__u32)end;
	host_frame_close(frame);
	return 0;
}

/* No kernel memory here. */
long bpf_probe_read_kernel(void *to, __u32 len, const void *from)
{
	(void)to;
	(void)len;
	(void)from;
	return -EFAULT;
}

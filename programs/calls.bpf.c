// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Programs that the library runs itself: BPF_PROG_TYPE_SYSCALL, Linux 5.14. */
#include <linux/errno.h>

#include "maps.h"

/* See struct turnpike_flow_expiry. */
SEC("syscall")
int flow_expiry(struct turnpike_flow_expiry *arg)
{
	struct turnpike_flow *flow;
	struct turnpike_key4 key4 = arg->key4;
	struct turnpike_key6 key6 = arg->key6;
	struct turnpike_send_key send = arg->send;

	if (arg->table == TURNPIKE_FLOWS4)
		flow = bpf_map_lookup_elem(&flows4, &key4);
	else if (arg->table == TURNPIKE_FLOWS6)
		flow = bpf_map_lookup_elem(&flows6, &key6);
	else
		flow = bpf_map_lookup_elem(&sends, &send);
	if (!flow)
		return -ENOENT;
	/* The fast path must not look at a flow later than it expires. */
	if (arg->expires < flow->expires)
		flow->check_at = 0;
	flow->expires = arg->expires;
	return 0;
}

/* See steps/coarse_time.h. */
SEC("syscall")
int read_jiffies(__u64 *arg)
{
	*arg = bpf_jiffies64();
	return 0;
}

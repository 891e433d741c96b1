/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "select/vlans.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_ether.h>
#include <pthread.h>

#include "vlans.skel.h"

/* Loaded once, and kept. */
static struct vlans_bpf *skeleton;

static void load(void)
{
	const libbpf_print_fn_t print = libbpf_set_print(NULL);

	skeleton = vlans_bpf__open_and_load();
	libbpf_set_print(print);
}

int vlans_on(__u32 ifindex)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const __u8 frame[ETH_ZLEN] = { 0 };
	struct __sk_buff ctx = { .ifindex = ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .ctx_in = &ctx, .ctx_size_in = sizeof(ctx));

	pthread_once(&once, load);
	if (!skeleton ||
	    bpf_prog_test_run_opts(bpf_program__fd(skeleton->progs.count_vlans), &opts))
		return -1;
	return (int)opts.retval;
}

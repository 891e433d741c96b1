/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "select/vlans.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
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

struct vlans_args {
	__u32 ifindex;
};

struct vlans_result {
	__u32 n;
};

static int run_count(struct privileged *privileged, const void *args, void *result, int *fd)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const __u8 frame[ETH_ZLEN] = { 0 };
	const struct vlans_args *device = args;
	struct vlans_result *counted = result;
	struct __sk_buff ctx = { .ifindex = device->ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .ctx_in = &ctx, .ctx_size_in = sizeof(ctx));

	(void)privileged;
	(void)fd;
	pthread_once(&once, load);
	if (!skeleton)
		return -EOPNOTSUPP;
	if (bpf_prog_test_run_opts(bpf_program__fd(skeleton->progs.count_vlans), &opts))
		return -errno;
	counted->n = opts.retval;
	return 0;
}

OPERATION(vlans_operation_count, OPERATION_COUNT_VLANS, run_count, struct vlans_args,
	  struct vlans_result);

int vlans_on(struct privileged *privileged, __u32 ifindex)
{
	const struct vlans_args device = { ifindex };
	struct vlans_result counted;

	return privileged_call(privileged, &vlans_operation_count, &device, &counted, NULL)
		       ? -1
		       : (int)counted.n;
}

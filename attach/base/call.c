/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/call.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

int call_program(const struct bpf_program *program, void *arg, __u32 size)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = arg, .ctx_size_in = size);
	const int err = bpf_prog_test_run_opts(bpf_program__fd(program), &opts);

	return err ? err : (int)opts.retval;
}

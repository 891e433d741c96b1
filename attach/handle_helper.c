/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The helper of a handle.
 */
#include <errno.h>
#include <linux/capability.h>
#include <unistd.h>

#include "handle.h"
#include "hooks/hook.h"
#include "hooks/mark.h"
#include "net/netlink.h"
#include "operations.h"
#include "private/array_len.h"
#include "privileged/child.h"
#include "privileged/helper.h"

/* The child's, before it serves: it knows its capabilities only afterwards, so these are planned.
 */
struct start {
	const struct turnpike_open_opts *opts;
	__u64 capabilities;
};

static int begin_helper(void *arg)
{
	const struct start *start = arg;
	const struct turnpike_helper_info helper = { .pid = (__u32)getpid(),
						     .capabilities = start->capabilities };

	return start->opts->helper(&helper, start->opts->helper_arg);
}

static __u64 capabilities_of(const struct turnpike_open_opts *opts)
{
	const __u64 always =
		CAPABILITY(NET_ADMIN) | CAPABILITY(NET_RAW) | CAPABILITY(BPF) | CAPABILITY(PERFMON);
	const bool dispatcher = opts->dispatcher || dispatcher_exists();

	return (always | (dispatcher ? CAPABILITY(SYS_ADMIN) : 0)) & child_capabilities();
}

/* Linux before 6.0 refuses bpf(2) without CAP_BPF where kernel.unprivileged_bpf_disabled is set. */
static bool maps_need_bpf(const struct maps *maps)
{
	const __u64 before = child_set_effective(0);
	const bool refused = maps_try(maps) == -EPERM;

	child_set_effective(before);
	return refused;
}

static int open_requests(struct nl_sock **ret)
{
	return netlink_open(NETLINK_ROUTE, ret);
}

/* A helper that remains root cannot enter another user's directory: it has no CAP_DAC_OVERRIDE. */
static void prepare_marks(__u64 capabilities)
{
	if (capabilities & CAPABILITY(SYS_ADMIN))
		mark_set_user(geteuid());
	mark_make_directory();
}

int handle_start_helper(struct turnpike *tp, const struct turnpike_open_opts *opts)
{
	int files[MAPS_FILES_MAX];
	struct start start = { opts, capabilities_of(opts) };
	const struct helper_plan plan = {
		.operations = operations,
		.end = operations_end,
		.open = open_requests,
		.begin = begin_helper,
		.arg = &start,
		.keep = files,
		.n_keep = maps_files(&tp->maps, files, ARRAY_LEN(files)),
		.capabilities = start.capabilities,
	};
	int err;

	prepare_marks(start.capabilities);
	err = helper_start(&tp->privileged, &plan);
	if (err)
		return err;
	maps_close_programs(&tp->maps);
	tp->helper = (struct turnpike_helper_info){ .pid = (__u32)tp->privileged.helper,
						    .maps_need_bpf = maps_need_bpf(&tp->maps),
						    .capabilities = tp->privileged.capabilities };
	return 0;
}

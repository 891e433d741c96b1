/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The helper of a handle: a child, or a process that runs turnpike_helper_serve().
 */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <unistd.h>

#include "handle.h"
#include "hooks/hook.h"
#include "hooks/mark.h"
#include "net/netlink.h"
#include "operations.h"
#include "privileged/child.h"
#include "privileged/helper.h"
#include "privileged/message.h"

/* The helper's, before it serves: it knows its capabilities only afterwards, so these are planned.
 */
struct start {
	int (*begin)(const struct turnpike_helper_info *helper, void *arg);
	void *arg;
	__u64 capabilities;
};

static int begin_helper(void *arg)
{
	const struct start *start = arg;
	const struct turnpike_helper_info helper = { .pid = (__u32)getpid(),
						     .capabilities = start->capabilities };

	return start->begin ? start->begin(&helper, start->arg) : 0;
}

static __u64 planned_capabilities(bool for_dispatcher)
{
	const __u64 always =
		CAPABILITY(NET_ADMIN) | CAPABILITY(NET_RAW) | CAPABILITY(BPF) | CAPABILITY(PERFMON);
	const bool dispatcher = for_dispatcher || dispatcher_exists();

	return (always | (dispatcher ? CAPABILITY(SYS_ADMIN) : 0)) & child_capabilities();
}

static int open_requests(struct nl_sock **ret)
{
	return netlink_open(NETLINK_ROUTE, ret);
}

static struct helper_plan plan_of(struct start *start)
{
	return (struct helper_plan){
		.operations = operations,
		.end = operations_end,
		.open = open_requests,
		.begin = begin_helper,
		.arg = start,
		.capabilities = start->capabilities,
	};
}

/* A helper that remains root cannot enter another user's directory: it has no CAP_DAC_OVERRIDE. */
static void prepare_marks(__u64 capabilities)
{
	if (capabilities & CAPABILITY(SYS_ADMIN))
		mark_set_user(geteuid());
	mark_make_directory();
}

static int start_child(struct turnpike *tp, const struct turnpike_open_opts *opts)
{
	struct start start = { opts->helper, opts->helper_arg,
			       planned_capabilities(opts->dispatcher) };
	const struct helper_plan plan = plan_of(&start);

	prepare_marks(start.capabilities);
	return helper_start(&tp->privileged, &plan);
}

static void explain_greeting(struct turnpike *tp, int err, const struct greeting *greeting)
{
	if (err == -EIO)
		snprintf(tp->error, sizeof(tp->error), "the helper did not answer: see its log");
	else if (err == -EXDEV)
		snprintf(tp->error, sizeof(tp->error),
			 "the helper is in another network namespace: start it in the same one");
	else if (err == -EPROTO)
		snprintf(
			tp->error, sizeof(tp->error),
			"the helper has libturnpike %u.%u.%u (map layout %u) and not " TURNPIKE_VERSION
			" (%d): install one version, and restart both",
			greeting->version >> 16, greeting->version >> 8 & 0xff,
			greeting->version & 0xff, greeting->abi, TURNPIKE_ABI_VERSION);
}

static int join(struct turnpike *tp, int connection)
{
	struct greeting greeting;
	const int err = helper_join(&tp->privileged, connection, &greeting);

	explain_greeting(tp, err, &greeting);
	return err;
}

int handle_start_helper(struct turnpike *tp, const struct turnpike_open_opts *opts)
{
	int err = 0;

	if (opts->connection)
		err = join(tp, opts->connection);
	else if (opts->helper)
		err = start_child(tp, opts);
	tp->helper = (struct turnpike_helper_info){ .pid = (__u32)tp->privileged.helper,
						    .capabilities = tp->privileged.capabilities };
	return err;
}

/* Linux before 6.0 refuses bpf(2) without CAP_BPF where kernel.unprivileged_bpf_disabled is set. */
static bool need_bpf(const struct maps *maps)
{
	const __u64 before = child_set_effective(0);
	const bool refused = maps_try(maps) == -EPERM;

	child_set_effective(before);
	return refused;
}

int handle_try_maps(struct turnpike *tp)
{
	if (!tp->helper.pid)
		return 0;
	tp->helper.maps_need_bpf = need_bpf(&tp->maps);
	if (!tp->helper.maps_need_bpf || child_capabilities() & CAPABILITY(BPF))
		return 0;
	snprintf(tp->error, sizeof(tp->error),
		 "Linux before 6.0 lets a process without CAP_BPF use no maps while "
		 "kernel.unprivileged_bpf_disabled is set: give it CAP_BPF");
	return -EPERM;
}

int handle_serve(int connection, const struct turnpike_helper_opts *opts)
{
	struct start start = { opts->begin, opts->arg, planned_capabilities(opts->dispatcher) };
	const struct helper_plan plan = plan_of(&start);

	mark_set_user(opts->run_as ? opts->run_as : geteuid());
	prepare_marks(start.capabilities);
	return helper_serve(&plan, connection);
}

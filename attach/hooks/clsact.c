/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * TC by a cls_bpf filter on a clsact qdisc: the relay at ingress, the observer at egress. Any
 * kernel has it, but a filter outlives the process. So a guardian attaches qdisc and filter, and
 * removes them.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <bpf/bpf.h>

#include "base/loader.h"
#include "hooks/guardian.h"
#include "hooks/hook.h"
#include "hooks/mark.h"
#include "net/filter.h"
#include "net/netlink.h"
#include "privileged/child.h"

/* The guardian of a relay that was just killed needs a moment to clean up, also in another
 * container.
 */
#define LOCK_TRIES    200
#define LOCK_PAUSE_NS (10 * 1000 * 1000)

#define FILTER_HANDLE 0x7470

/* What the mark of a qdisc records, in place of the id of a program. */
#define QDISC_MADE 1

/*
 * The relay comes before filters without an explicit priority, which the kernel numbers from 49152
 * down. The observer comes last: what a filter before it changes or drops, it must not confirm.
 */
#define RELAY_PRIORITY    1
#define OBSERVER_PRIORITY 0xfffe

/**
 * struct side - ingress or egress of a device
 * @lock_mark:  that of a guardian as long as it lives
 * @qdisc_mark: that of a guardian that removes the qdisc, too
 */
struct side {
	enum bpf_tc_attach_point direction;
	__u32 parent;
	__u16 priority;
	const char *lock_mark;
	const char *qdisc_mark;
};

static const struct side ingress = {
	.direction = BPF_TC_INGRESS,
	.parent = FILTERS_INGRESS,
	.priority = RELAY_PRIORITY,
	.lock_mark = "clsact-ingress",
	.qdisc_mark = "made-qdisc-ingress",
};
static const struct side egress = {
	.direction = BPF_TC_EGRESS,
	.parent = FILTERS_EGRESS,
	.priority = OBSERVER_PRIORITY,
	.lock_mark = "clsact-egress",
	.qdisc_mark = "made-qdisc-egress",
};

struct guard {
	int ifindex;
	const struct side *side;
	int prog_fd;
	bool made_qdisc;
	struct mark lock;
	struct mark qdisc; /* if it has made the qdisc */
};

/* Has another owner added filters to our qdisc? If in doubt, yes. */
static bool qdisc_in_use(int ifindex)
{
	struct nl_sock *sock;
	bool in_use;

	if (netlink_open(NETLINK_ROUTE, &sock))
		return true;
	if (netlink_has_filters(sock, (__u32)ifindex, &in_use))
		in_use = true;
	nl_socket_free(sock);
	return in_use;
}

static void remove_qdisc(const struct guard *guard)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = guard->ifindex,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);

	/* libbpf removes the qdisc itself only for both attach points together. */
	if (guard->made_qdisc && !qdisc_in_use(guard->ifindex))
		bpf_tc_hook_destroy(&hook);
}

/*
 * The guardians of both directions share a qdisc that one of them has made: the last one removes
 * it. Each has a mark that tells the other.
 */
static bool other_made_qdisc(const struct guard *guard)
{
	const struct side *other = guard->side == &ingress ? &egress : &ingress;

	return mark_is_set(other->qdisc_mark, (__u32)guard->ifindex);
}

static void remove_filter(const struct guard *guard)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = guard->ifindex,
		    .attach_point = guard->side->direction);
	LIBBPF_OPTS(bpf_tc_opts, filter, .handle = FILTER_HANDLE,
		    .priority = guard->side->priority);

	bpf_tc_detach(&hook, &filter);
	remove_qdisc(guard);
}

static const char *program_on(const struct side *side)
{
	return side == &ingress ? loader_variant(TURNPIKE_MODE_TC, TURNPIKE_MOVES_HEAD)->program
				: loader_observer.program;
}

/*
 * The program of a relay's filter; 0: there is none. The filter's name tells, for which the program
 * need not be opened.
 */
static __u32 relay_filter(const struct guard *guard)
{
	const struct side *side = guard->side;
	const char *program = program_on(side);
	const size_t len = strlen(program);
	struct filter_facts filter;
	struct nl_sock *sock;
	int err;

	if (netlink_open(NETLINK_ROUTE, &sock))
		return 0;
	err = netlink_filter(sock, (__u32)guard->ifindex, side->parent, side->priority,
			     FILTER_HANDLE, &filter);
	nl_socket_free(sock);
	if (err || strncmp(filter.name, program, len) != 0 || filter.name[len] != ':')
		return 0;
	return filter.prog_id;
}

static int take_qdisc_mark(const struct guard *guard, struct mark *ret)
{
	return mark_take(guard->side->qdisc_mark, (__u32)guard->ifindex, ret);
}

/*
 * For who has the lock. A guardian may have been killed at any moment, also between removing its
 * filter and the qdisc. Who has left no records most likely made the qdisc of its filter.
 */
static void remove_left_over(const struct guard *guard)
{
	const __u32 prog_id = relay_filter(guard);
	const bool filter_left = prog_id && mark_is_left(&guard->lock, prog_id);
	struct guard dead = *guard;
	bool recorded;

	if (take_qdisc_mark(guard, &dead.qdisc))
		dead.qdisc = (struct mark)MARK_NONE;
	recorded = dead.qdisc.id == QDISC_MADE && !other_made_qdisc(guard);
	dead.made_qdisc = recorded || (filter_left && !guard->lock.id);
	if (filter_left)
		remove_filter(&dead);
	else
		remove_qdisc(&dead);
	mark_drop(&dead.qdisc);
}

/* Without the lock if a relay lives that has another /run, and so does not know of it. */
static int try_lock(struct guard *guard)
{
	const int err = mark_take(guard->side->lock_mark, (__u32)guard->ifindex, &guard->lock);

	if (err)
		return err;
	remove_left_over(guard);
	if (!relay_filter(guard))
		return 0;
	mark_drop(&guard->lock);
	return -EADDRINUSE;
}

static int take_lock(struct guard *guard)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_NS };
	int i, err;

	for (i = 0; i < LOCK_TRIES; i++) {
		err = try_lock(guard);
		if (err != -EADDRINUSE)
			return err;
		nanosleep(&pause, NULL);
	}
	/* Without a file, another user may have bound the name. There can be only one filter. */
	return relay_filter(guard) ? -EBUSY : 0;
}

static void drop_marks(struct guard *guard)
{
	mark_drop(&guard->qdisc);
	mark_drop(&guard->lock);
}

static void give_up(struct guard *guard)
{
	remove_qdisc(guard);
	drop_marks(guard);
}

/* The mark comes first: this process can be killed at any moment. */
static int make_qdisc(struct guard *guard, struct bpf_tc_hook *hook)
{
	int err;

	if (take_qdisc_mark(guard, &guard->qdisc) == 0)
		mark_record(&guard->qdisc, QDISC_MADE);
	err = bpf_tc_hook_create(hook);
	guard->made_qdisc = !err || (err == -EEXIST && other_made_qdisc(guard));
	if (!guard->made_qdisc)
		mark_drop(&guard->qdisc);
	return err == -EEXIST ? 0 : err;
}

static int add_filter(struct guard *guard)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = guard->ifindex,
		    .attach_point = guard->side->direction);
	LIBBPF_OPTS(bpf_tc_opts, filter, .handle = FILTER_HANDLE, .priority = guard->side->priority,
		    .prog_fd = guard->prog_fd);
	int err = take_lock(guard);

	if (err)
		return err;
	err = make_qdisc(guard, &hook);
	if (err)
		return err;
	err = bpf_tc_attach(&hook, &filter);
	if (err)
		give_up(guard);
	else
		mark_record(&guard->lock, filter.prog_id);
	return err;
}

static void sweep(__u32 ifindex, const struct side *side)
{
	struct guard guard = { .ifindex = (int)ifindex, .side = side, .lock = MARK_NONE };

	if (mark_take(side->lock_mark, ifindex, &guard.lock))
		return;
	remove_left_over(&guard);
	mark_drop(&guard.lock);
}

void clsact_sweep(__u32 ifindex)
{
	sweep(ifindex, &ingress);
	sweep(ifindex, &egress);
}

static int begin(void *arg)
{
	return add_filter(arg);
}

static void end(void *arg)
{
	remove_filter(arg);
	drop_marks(arg);
}

static int attach(__u32 ifindex, int prog_fd, const struct side *side, struct hook_state *state)
{
	struct guard guard = { .ifindex = (int)ifindex,
			       .side = side,
			       .prog_fd = prog_fd,
			       .lock = MARK_NONE,
			       .qdisc = MARK_NONE };
	const struct duty duty = {
		.arg = &guard,
		.begin = begin,
		.end = end,
		.fd = prog_fd,
		.capabilities = CAPABILITY(NET_ADMIN),
	};

	return guardian_start(&duty, state);
}

static int attach_ingress(__u32 ifindex, int prog_fd, struct hook_state *state)
{
	return attach(ifindex, prog_fd, &ingress, state);
}

static int attach_egress(__u32 ifindex, int prog_fd, struct hook_state *state)
{
	return attach(ifindex, prog_fd, &egress, state);
}

static int query(__u32 ifindex, const struct side *side, __u32 *ids, __u32 *n)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = side->direction);
	LIBBPF_OPTS(bpf_tc_opts, filter, .handle = FILTER_HANDLE, .priority = side->priority);
	const int err = bpf_tc_query(&hook, &filter);

	if (err && err != -ENOENT)
		return err;
	ids[0] = filter.prog_id;
	*n = err ? 0 : 1;
	return 0;
}

static int query_ingress(__u32 ifindex, __u32 *ids, __u32 *n)
{
	return query(ifindex, &ingress, ids, n);
}

static int query_egress(__u32 ifindex, __u32 *ids, __u32 *n)
{
	return query(ifindex, &egress, ids, n);
}

const struct hook_ops hook_clsact = {
	.attach = attach_ingress,
	.query = query_ingress,
	.detach = guardian_stop,
};

const struct hook_ops hook_clsact_egress = {
	.attach = attach_egress,
	.query = query_egress,
	.detach = guardian_stop,
};

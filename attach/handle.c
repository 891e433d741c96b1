/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How the parts of a handle are opened, know each other, and are closed.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "handle.h"
#include "base/quiet.h"
#include "base/ticks.h"
#include "net/conntrack.h"
#include "net/netlink.h"
#include "operations.h"
#include "private/array_len.h"

#define DEFAULT_MAX_FLOWS          65536
#define DEFAULT_MAX_NEXTHOPS       16384
#define DEFAULT_MAX_POLICERS       16384
#define DEFAULT_DEMOTE_PACKETS     20
#define DEFAULT_DEMOTE_PERCENT     1
#define DEFAULT_BACKOFF_FIRST_MS   10000
#define DEFAULT_BACKOFF_LONGEST_MS 600000
#define DEFAULT_CONFIRM_MS         10000

/* Packets of all flows together that may take the slow path each second only to be confirmed. */
#define CHECKS_PER_SECOND 2000

static bool egress(void *arg, __u32 ifindex, struct egress *ret)
{
	const struct turnpike *tp = arg;

	return device_egress(&tp->devices, ifindex, ret);
}

/* Flows that were confirmed for longer are confirmed again at once. */
void handle_follow_conntrack(struct turnpike *tp)
{
	const __u64 interval = conntrack_interval(tp->maps.confirm_ns);
	const bool is_shorter = interval < tp->maps.devices[0].interval;

	maps_set_interval(&tp->maps, interval);
	if (is_shorter)
		check_clock_advance(&tp->maps);
}

/* Links have changed: the next hops are looked up by the devices as they are now. */
static void changed(void *arg)
{
	struct turnpike *tp = arg;
	const libbpf_print_fn_t print = be_quiet();

	devices_supervise(&tp->devices);
	libbpf_set_print(print);
}

static bool attached(void *arg, __u32 ifindex, const char *name)
{
	const struct turnpike *tp = arg;

	return device_is_attached(&tp->devices, ifindex, name);
}

static void rules_changed(void *arg)
{
	struct turnpike *tp = arg;

	/* A first rule may be one that tracks connections. */
	maps_set_interval(&tp->maps, conntrack_interval(tp->maps.confirm_ns));
	check_clock_advance(&tp->maps);
}

static void tunnels_changed(void *arg, bool has_tunnels)
{
	struct turnpike *tp = arg;

	maps_set_may_be_decrypted(&tp->maps, has_tunnels);
}

static __u32 or_default(__u32 value, __u32 otherwise)
{
	return value ? value : otherwise;
}

static void set_up_devices(struct turnpike *tp, const struct turnpike_open_opts *opts)
{
	tp->devices.maps = &tp->maps;
	tp->devices.sock = tp->requests;
	tp->devices.privileged = &tp->privileged;
	tp->devices.health.packets = or_default(opts->demote_packets, DEFAULT_DEMOTE_PACKETS);
	tp->devices.health.percent = or_default(opts->demote_percent, DEFAULT_DEMOTE_PERCENT);
	tp->devices.backoff.first =
		or_default(opts->backoff_first_ms, DEFAULT_BACKOFF_FIRST_MS) * 1000000ull;
	tp->devices.backoff.longest =
		or_default(opts->backoff_longest_ms, DEFAULT_BACKOFF_LONGEST_MS) * 1000000ull;
}

/* One descriptor for all that can be readable: turnpike_fd(). */
static int watch(struct turnpike *tp)
{
	const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	const int fds[] = { nexthops_fd(tp->nexthops), icmp_fd(tp->icmp), timer,
			    tp->privileged.socket };
	struct epoll_event event = { .events = EPOLLIN };
	size_t i;

	tp->timer = timer;
	if (timer < 0)
		return -errno;
	tp->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (tp->epoll < 0)
		return -errno;
	for (i = 0; i < ARRAY_LEN(fds); i++)
		if (fds[i] >= 0 && epoll_ctl(tp->epoll, EPOLL_CTL_ADD, fds[i], &event))
			return -errno;
	return 0;
}

void handle_set_timer(struct turnpike *tp)
{
	const __u64 due = waiting_due(tp->waiting);
	const struct itimerspec when = {
		.it_value = { .tv_sec = (time_t)(due / 1000000000u),
			      .tv_nsec = (long)(due % 1000000000u) },
	};

	if (due == tp->armed)
		return;
	tp->armed = due;
	timerfd_settime(tp->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static int try_to_bind(void *tp, const struct turnpike_binding *binding)
{
	return bindings_bind(((struct turnpike *)tp)->bindings, binding);
}

static __u64 confirm_ns(const struct turnpike_open_opts *opts)
{
	if (opts->confirm_ms == TURNPIKE_CONFIRM_OFF)
		return 0;
	return or_default(opts->confirm_ms, DEFAULT_CONFIRM_MS) * 1000000ull;
}

static int open_maps(struct turnpike *tp, const struct turnpike_open_opts *opts)
{
	const struct map_options sizes = {
		.flows = or_default(opts->max_flows, DEFAULT_MAX_FLOWS),
		.nexthops = or_default(opts->max_nexthops, DEFAULT_MAX_NEXTHOPS),
		.policers = or_default(opts->max_policers, DEFAULT_MAX_POLICERS),
		.confirm_ns = confirm_ns(opts),
	};
	const libbpf_print_fn_t print = be_quiet();
	int err = shared_maps_open(&tp->privileged, &sizes, &tp->maps);

	if (!err)
		err = handle_try_maps(tp);
	if (!err)
		err = icmp_open(&tp->privileged, tp->maps.fds[MAP_EVENTS],
				&tp->maps.policers[TURNPIKE_EVENTS_POLICER], &tp->icmp);
	libbpf_set_print(print);
	if (!err)
		err = policers_open(&tp->policers, tp->maps.policers, sizes.policers);
	if (!err)
		tp->maps.policers[TURNPIKE_CHECKS_POLICER] = turnpike_policer_make(
			TURNPIKE_POLICER_PACKETS, CHECKS_PER_SECOND, CHECKS_PER_SECOND / 4);
	return err;
}

int handle_open(struct turnpike *tp, const struct turnpike_open_opts *opts)
{
	const struct nexthop_owner owner = { .egress = egress,
					     .attached = attached,
					     .changed = changed,
					     .rules_changed = rules_changed,
					     .tunnels_changed = tunnels_changed,
					     .arg = tp };
	int err = handle_start_helper(tp, opts);

	if (!err)
		err = open_maps(tp, opts);
	if (!err)
		err = netlink_open(NETLINK_ROUTE, &tp->requests);
	tp->privileged.sock = tp->requests;
	set_up_devices(tp, opts);
	if (!err)
		err = devices_set_clock(&tp->devices);
	if (!err)
		handle_follow_conntrack(tp);
	if (!err)
		err = nexthops_open(&owner, tp->maps.nexthops, tp->maps.max_nexthops,
				    &tp->privileged, &tp->nexthops);
	if (!err)
		err = bindings_open(&tp->maps, tp->nexthops, tp->requests, &tp->bindings);
	if (!err)
		err = waiting_open(try_to_bind, tp, opts->max_waiting, &tp->waiting);
	return err ? err : watch(tp);
}

void handle_close(struct turnpike *tp)
{
	devices_detach_all(&tp->devices);
	operations_end(&tp->privileged);
	privileged_close(&tp->privileged);
	waiting_close(tp->waiting);
	bindings_close(tp->bindings);
	nexthops_close(tp->nexthops);
	nl_socket_free(tp->requests);
	policers_close(&tp->policers);
	icmp_close(tp->icmp);
	maps_close(&tp->maps);
	if (tp->timer >= 0)
		close(tp->timer);
	if (tp->epoll >= 0)
		close(tp->epoll);
	free(tp);
}

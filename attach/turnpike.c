/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The public functions: each checks its arguments, calls the room that does the work, and keeps a
 * sentence about what went wrong.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "handle.h"
#include "base/loader.h"
#include "base/opts.h"
#include "base/ticks.h"
#include "hooks/mark.h"
#include "net/conntrack.h"
#include "net/netlink.h"
#include "operations.h"
#include "private/array_len.h"
#include "select/probe.h"

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

/* For calls without a handle. */
static _Thread_local char thread_error[512];

static int fail(struct turnpike *tp, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Keeps a sentence for turnpike_error(), sets errno, and returns @err. */
static int fail(struct turnpike *tp, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(tp ? tp->error : thread_error, sizeof(thread_error), format, args);
	va_end(args);
	errno = -err;
	return err;
}

/* What opts_copy() found wrong with struct @type of the caller. */
static int fail_opts(struct turnpike *tp, int err, const char *type)
{
	if (err == -E2BIG)
		return fail(tp, err,
			    "%s has members that libturnpike " TURNPIKE_VERSION
			    " does not know: leave them 0, or install the library that the program "
			    "was built for",
			    type);
	return fail(tp, err, "%s has no valid size: declare it with TURNPIKE_OPTS()", type);
}

__u32 turnpike_version(void)
{
	return TURNPIKE_VERSION_NUM;
}

const char *turnpike_error(const struct turnpike *tp)
{
	return tp ? tp->error : thread_error;
}

/* libbpf prints for developers what our errors explain to operators. */
static libbpf_print_fn_t be_quiet(void)
{
	return libbpf_set_print(NULL);
}

static bool egress(void *arg, __u32 ifindex, struct egress *ret)
{
	const struct turnpike *tp = arg;

	return device_egress(&tp->devices, ifindex, ret);
}

/*
 * Flows that were confirmed for longer are confirmed again: the host may forget them before.
 */
static void follow_conntrack(struct turnpike *tp)
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

/* Makes turnpike_fd() readable when waiting bindings are due. */
static void set_timer(struct turnpike *tp)
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

static int open_parts(struct turnpike *tp, const struct turnpike_open_opts *opts)
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
		follow_conntrack(tp);
	if (!err)
		err = nexthops_open(&owner, tp->maps.nexthops, tp->maps.max_nexthops,
				    &tp->privileged, &tp->nexthops);
	if (!err)
		err = bindings_open(&tp->maps, tp->nexthops, tp->requests, &tp->bindings);
	if (!err)
		err = waiting_open(try_to_bind, tp, opts->max_waiting, &tp->waiting);
	return err ? err : watch(tp);
}

/* @sentence: "" if there is none yet */
static int explain_open(int err, const char *sentence)
{
	if (sentence[0])
		return fail(NULL, err, "%s", sentence);
	switch (err) {
	case -EPERM:
		return fail(NULL, err,
			    "cannot load BPF programs: not permitted, run as root or with CAP_BPF, "
			    "CAP_NET_ADMIN and CAP_PERFMON");
	case -EPROTO:
		return fail(NULL, err,
			    "the BPF programs are not of the library's version: rebuild both");
	case -E2BIG: /* turnpike_open() documents this for unknown members of its options */
	case -ENOMEM:
		return fail(
			NULL, -ENOMEM,
			"cannot create the BPF maps: choose a smaller max_flows, max_nexthops or "
			"max_policers");
	default:
		return fail(NULL, err, "cannot load BPF programs: %s", strerror(-err));
	}
}

static const char *contradiction_of_open(const struct turnpike_open_opts *opts)
{
	if (opts->confirm_ms > TURNPIKE_CONFIRM_MAX_MS && opts->confirm_ms != TURNPIKE_CONFIRM_OFF)
		return "confirm_ms is above an hour: choose less, or TURNPIKE_CONFIRM_OFF";
	if (opts->connection < 0 || (opts->connection && opts->helper))
		return "a handle has one helper at most: leave helper NULL, or connection 0";
	return NULL;
}

static int open_handle(const struct turnpike_open_opts *opts, struct turnpike **ret)
{
	struct turnpike *tp = calloc(1, sizeof(*tp));
	char sentence[sizeof(tp->error)];
	int err;

	if (!tp)
		return fail(NULL, -ENOMEM, "out of memory");
	tp->timer = tp->epoll = -1;
	tp->maps = MAPS_NONE;
	mark_set_user(opts->run_as ? opts->run_as : geteuid());
	tp->privileged = PRIVILEGED_NONE;
	tp->devices.watch = -1;
	err = open_parts(tp, opts);
	if (err) {
		strcpy(sentence, tp->error);
		turnpike_close(tp);
		return explain_open(err, sentence);
	}
	*ret = tp;
	return 0;
}

int turnpike_open(const struct turnpike_open_opts *opts, struct turnpike **ret)
{
	TURNPIKE_OPTS(turnpike_open_opts, own);
	const char *sentence;
	int err = opts_copy(&own, OPTS_KNOWN(turnpike_open_opts, helper_arg), opts);

	if (err)
		return fail_opts(NULL, err, "turnpike_open_opts");
	sentence = contradiction_of_open(&own);
	if (sentence) {
		if (own.connection > 0)
			close(own.connection);
		return fail(NULL, -EINVAL, "%s", sentence);
	}
	return open_handle(&own, ret);
}

static int explain_serve(int err)
{
	switch (err) {
	case -EXDEV:
		return fail(NULL, err,
			    "the program is in another network namespace than its helper: start "
			    "both in the same one");
	case -EBADMSG:
		return fail(NULL, err,
			    "the program has sent what libturnpike " TURNPIKE_VERSION
			    " does not know: everything is detached");
	default:
		return fail(NULL, err, "cannot serve as a helper: %s", strerror(-err));
	}
}

int turnpike_helper_serve(int connection, const struct turnpike_helper_opts *opts)
{
	TURNPIKE_OPTS(turnpike_helper_opts, own);
	int err = opts_copy(&own, OPTS_KNOWN(turnpike_helper_opts, arg), opts);

	if (err) {
		close(connection);
		return fail_opts(NULL, err, "turnpike_helper_opts");
	}
	err = handle_serve(connection, &own);
	return err ? explain_serve(err) : 0;
}

const struct turnpike_helper_info *turnpike_helper(struct turnpike *tp)
{
	tp->helper.lost = tp->privileged.lost;
	return tp->helper.pid ? &tp->helper : NULL;
}

void turnpike_close(struct turnpike *tp)
{
	if (!tp)
		return;
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

static const char *contradiction(const struct turnpike_attach_opts *opts)
{
	if (opts->mode >= TURNPIKE_MODE_MAX || opts->moves >= TURNPIKE_MOVES_MAX ||
	    opts->hook >= TURNPIKE_HOOK_MAX)
		return "unknown mode, moves or hook";
	if (opts->mode == TURNPIKE_MODE_TC && opts->moves == TURNPIKE_MOVES_TAIL)
		return "moves tail needs XDP: with mode tc, leave moves at auto";
	if (opts->hook == TURNPIKE_HOOK_AUTO)
		return NULL;
	if (opts->mode == TURNPIKE_MODE_AUTO && opts->hook == TURNPIKE_HOOK_DISPATCHER)
		return NULL;
	if (opts->hook == TURNPIKE_HOOK_XDP || !point_find(opts->mode, opts->hook))
		return "only mode tc has the hooks tcx and clsact, and only XDP and mode auto have a "
		       "dispatcher: leave hook at auto";
	return NULL;
}

/* Attaches a device, or switches one that is @attached. Next hops depend on the outcome. */
static int attach_or_switch(struct turnpike *tp, const char *ifname,
			    const struct turnpike_attach_opts *opts, bool attached)
{
	TURNPIKE_OPTS(turnpike_attach_opts, own);
	libbpf_print_fn_t print;
	char reasons[400] = "";
	struct text why = { reasons, sizeof(reasons) };
	const char *sentence;
	int err = opts_copy(&own, OPTS_KNOWN(turnpike_attach_opts, hook), opts);

	if (err)
		return fail_opts(tp, err, "turnpike_attach_opts");
	sentence = contradiction(&own);
	if (sentence)
		return fail(tp, -EINVAL, "%s", sentence);
	print = be_quiet();
	if (attached)
		err = device_switch(&tp->devices, ifname, &own, &why);
	else
		err = device_attach(&tp->devices, ifname, &own, &why);
	libbpf_set_print(print);
	nexthops_refresh(tp->nexthops);
	if (err)
		return fail(tp, err, "cannot %s %s: %s", attached ? "switch" : "attach to", ifname,
			    reasons[0] ? reasons : strerror(-err));
	return 0;
}

int turnpike_attach(struct turnpike *tp, const char *ifname,
		    const struct turnpike_attach_opts *opts)
{
	return attach_or_switch(tp, ifname, opts, false);
}

int turnpike_switch(struct turnpike *tp, const char *ifname,
		    const struct turnpike_attach_opts *opts)
{
	return attach_or_switch(tp, ifname, opts, true);
}

int turnpike_detach(struct turnpike *tp, const char *ifname)
{
	const int err = device_detach(&tp->devices, ifname);

	if (err)
		return fail(tp, err, "%s is not attached", ifname);
	nexthops_refresh(tp->nexthops);
	return 0;
}

int turnpike_for_each_device(const struct turnpike *tp,
			     int (*fn)(const struct turnpike_status *status, void *arg), void *arg)
{
	return devices_for_each(&tp->devices, fn, arg);
}

/* The binding of a caller of any version. */
static int copy_binding(struct turnpike *tp, const struct turnpike_binding *binding,
			struct turnpike_binding *own)
{
	const size_t known = OPTS_KNOWN(turnpike_binding, pad2);
	const int err = opts_copy(own, known, binding);

	return err ? fail_opts(tp, err, "turnpike_binding") : 0;
}

int turnpike_bind(struct turnpike *tp, const struct turnpike_binding *binding)
{
	TURNPIKE_OPTS(turnpike_binding, own);
	int err = copy_binding(tp, binding, &own);

	if (err)
		return err;
	err = bindings_check(tp->bindings, &own);
	if (!err)
		err = waiting_bind(tp->waiting, &own);
	set_timer(tp);
	switch (err) {
	case 0:
		return 0;
	case -EAGAIN:
		return fail(tp, err,
			    "the binding waits until the kernel has room for it: open with more "
			    "flows or next hops if many wait");
	case -EADDRINUSE:
		return fail(tp, err,
			    "a port cannot be both a listener's and a relay's: keep the "
			    "listening ports out of the relay ports");
	case -ENOSPC:
		return fail(tp, err, "the flow maps are full: open with more flows or next hops");
	default:
		return fail(tp, err, "cannot relay the binding in the kernel: %s", strerror(-err));
	}
}

int turnpike_unbind(struct turnpike *tp, const struct turnpike_binding *binding)
{
	TURNPIKE_OPTS(turnpike_binding, own);
	int err = copy_binding(tp, binding, &own);

	if (err)
		return err;
	err = waiting_unbind(tp->waiting, &own);
	if (err) {
		err = bindings_unbind(tp->bindings, &own);
		waiting_has_room(tp->waiting);
	}
	set_timer(tp);
	return err ? fail(tp, err, "the binding does not exist") : 0;
}

int turnpike_binding_traffic(struct turnpike *tp, const struct turnpike_binding *binding,
			     struct turnpike_traffic *to_peer, struct turnpike_traffic *to_client)
{
	TURNPIKE_OPTS(turnpike_binding, own);
	int err = copy_binding(tp, binding, &own);

	if (err)
		return err;
	err = bindings_traffic(tp->bindings, &own, to_peer, to_client);
	return err ? fail(tp, err, "the binding does not exist, or waits") : 0;
}

int turnpike_binding_flows(struct turnpike *tp, const struct turnpike_binding *binding,
			   struct turnpike_flow_info *to_peer, struct turnpike_flow_info *to_client,
			   enum turnpike_wait *wait)
{
	TURNPIKE_OPTS(turnpike_binding, own);
	int err = copy_binding(tp, binding, &own);

	if (err)
		return err;
	if (!waiting_find(tp->waiting, &own, wait))
		return -EAGAIN;
	err = bindings_flow_infos(tp->bindings, &own, to_peer, to_client);
	return err ? fail(tp, err, "the binding does not exist") : 0;
}

int turnpike_for_each_flow(const struct turnpike *tp,
			   int (*fn)(const struct turnpike_flow_info *flow, void *arg), void *arg)
{
	return bindings_for_each_flow(tp->bindings, fn, arg);
}

/* A walk of the bindings. */
struct turnpike_walk {
	struct bindings *bindings;
	struct bindings_walk position;
};

int turnpike_walk_begin(struct turnpike *tp, struct turnpike_walk **ret)
{
	struct turnpike_walk *walk = calloc(1, sizeof(*walk));

	if (!walk)
		return fail(tp, -ENOMEM, "out of memory");
	walk->bindings = tp->bindings;
	bindings_walk_begin(walk->bindings, &walk->position);
	*ret = walk;
	return 0;
}

int turnpike_walk_next(struct turnpike_walk *walk, __u32 n,
		       int (*fn)(const struct turnpike_flow_info *flow, void *arg), void *arg)
{
	return bindings_walk(walk->bindings, &walk->position, n, fn, arg);
}

void turnpike_walk_end(struct turnpike_walk *walk)
{
	if (!walk)
		return;
	bindings_walk_end(walk->bindings, &walk->position);
	free(walk);
}

__u32 turnpike_flows(const struct turnpike *tp)
{
	return 2 * (bindings_count(tp->bindings, TURNPIKE_FRAMING_CHANNEL) +
		    bindings_count(tp->bindings, TURNPIKE_FRAMING_INDICATION));
}

__u32 turnpike_bindings(const struct turnpike *tp, enum turnpike_framing framing)
{
	return bindings_count(tp->bindings, framing);
}

__u32 turnpike_waiting(const struct turnpike *tp, enum turnpike_wait what)
{
	return waiting_count(tp->waiting, what);
}

__u32 turnpike_confirm_ms(const struct turnpike *tp)
{
	return tp->maps.confirm_ns ? (__u32)(tp->maps.devices[0].interval / 1000000u) : 0;
}

int turnpike_reach(struct turnpike *tp, const struct turnpike_addr *local,
		   const struct turnpike_addr *remote)
{
	const struct nexthop_pair pair = nexthop_pair(local, remote);
	const int reach = nexthops_reach(tp->nexthops, &pair);

	return reach < 0 ? fail(tp, reach, "cannot look up the route: %s", strerror(-reach))
			 : reach;
}

__u32 turnpike_unwatched(const struct turnpike *tp)
{
	return nexthops_unwatched(tp->nexthops);
}

/* Adds to the counters of a slot where they were counted. */
struct count_walk {
	const struct slot *slot;
	int (*fn)(const struct turnpike_count *count, void *arg);
	void *arg;
};

static int pass_count(enum turnpike_direction direction, enum turnpike_verdict verdict,
		      const struct turnpike_counter *counter, void *arg)
{
	const struct count_walk *walk = arg;
	const struct turnpike_count count = { .dev = walk->slot->dev,
					      .mode = walk->slot->mode,
					      .direction = direction,
					      .verdict = verdict,
					      .packets = counter->packets,
					      .bytes = counter->bytes };

	return walk->fn(&count, walk->arg);
}

int turnpike_for_each_count(const struct turnpike *tp,
			    int (*fn)(const struct turnpike_count *count, void *arg), void *arg)
{
	struct count_walk walk = { .fn = fn, .arg = arg };
	__u32 i;
	int err;

	for (i = 0; i < tp->devices.slots.n; i++) {
		walk.slot = &tp->devices.slots.all[i];
		err = counters_for_each(&tp->maps, i, pass_count, &walk);
		if (err)
			return err;
	}
	return 0;
}

static int explain_policer(struct turnpike *tp, int err)
{
	if (err == -ENOSPC)
		return fail(tp, err, "all policers are in use: open with more (max_policers)");
	return fail(
		tp, err,
		"the parent is not a policer of this handle, policers would nest more than four deep, or the unit is none of enum turnpike_policer_unit");
}

int turnpike_policer_new(struct turnpike *tp, const struct turnpike_policer_opts *opts, __u32 *ret)
{
	TURNPIKE_OPTS(turnpike_policer_opts, own);
	int err = opts_copy(&own, OPTS_KNOWN(turnpike_policer_opts, full), opts);

	if (err)
		return fail_opts(tp, err, "turnpike_policer_opts");
	err = policers_new(&tp->policers, &own, ret);
	return err ? explain_policer(tp, err) : 0;
}

int turnpike_policer_set(struct turnpike *tp, __u32 policer, __u64 rate, __u64 burst)
{
	const int err = policers_set(&tp->policers, policer, rate, burst);

	return err ? fail(tp, err, "the policer does not exist") : 0;
}

__u64 turnpike_policer_full(const struct turnpike *tp, __u32 policer)
{
	return policers_full(&tp->policers, policer);
}

void turnpike_policer_free(struct turnpike *tp, __u32 policer)
{
	policers_free(&tp->policers, policer);
}

int turnpike_police(struct turnpike *tp, __u32 policer, __u32 bytes)
{
	return policers_charge(&tp->policers, policer, bytes);
}

void turnpike_path_changed(struct turnpike *tp, const struct turnpike_addr *local,
			   const struct turnpike_addr *remote)
{
	nexthops_path_changed(tp->nexthops, local, remote);
}

int turnpike_fd(const struct turnpike *tp)
{
	return tp->epoll;
}

void turnpike_on_change(struct turnpike *tp,
			void (*fn)(const struct turnpike_change *change, void *arg), void *arg)
{
	tp->devices.on_change = fn;
	tp->devices.on_change_arg = arg;
}

/* Its socket is readable when it has ended. Then the devices are looked after at once. */
static void note_lost_helper(struct turnpike *tp)
{
	const bool known = tp->privileged.lost;

	if (privileged_check(&tp->privileged) && !known)
		tp->devices.supervised = 0;
}

int turnpike_poll(struct turnpike *tp)
{
	const int err = nexthops_poll(tp->nexthops);
	libbpf_print_fn_t print;

	note_lost_helper(tp);
	icmp_poll(tp->icmp);
	waiting_poll(tp->waiting);
	set_timer(tp);

	if (devices_are_due(&tp->devices)) {
		follow_conntrack(tp);
		print = be_quiet();
		if (devices_supervise(&tp->devices))
			nexthops_refresh(tp->nexthops);
		libbpf_set_print(print);
	}
	return err ? fail(tp, err,
			  "missed changes of routes and neighbours; all next hops are looked up again")
		   : 0;
}

int turnpike_verify(int (*fn)(const struct turnpike_variant *variant, void *arg), void *arg)
{
	const libbpf_print_fn_t print = be_quiet();
	const int err = loader_verify(fn, arg);

	libbpf_set_print(print);
	return err ? explain_open(err, "") : 0;
}

int turnpike_probe(const char *ifname,
		   int (*fn)(const struct turnpike_probe_result *probe, void *arg), void *arg)
{
	const int err = probe_devices(ifname, fn, arg);

	if (err == -ENODEV && ifname)
		return fail(NULL, err, "device %s does not exist: choose one that 'ip link' lists",
			    ifname);
	return err ? fail(NULL, err, "cannot read the devices: %s", strerror(-err)) : 0;
}

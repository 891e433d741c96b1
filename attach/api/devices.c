/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Attached devices: their modes, and what was counted on them.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "api/fail.h"
#include "base/opts.h"
#include "base/quiet.h"
#include "handle.h"

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
		return api_fail_opts(tp, err, "turnpike_attach_opts");
	sentence = contradiction(&own);
	if (sentence)
		return api_fail(tp, -EINVAL, "%s", sentence);
	print = be_quiet();
	if (attached)
		err = device_switch(&tp->devices, ifname, &own, &why);
	else
		err = device_attach(&tp->devices, ifname, &own, &why);
	libbpf_set_print(print);
	nexthops_refresh(tp->nexthops);
	if (err)
		return api_fail(tp, err, "cannot %s %s: %s", attached ? "switch" : "attach to",
				ifname, reasons[0] ? reasons : strerror(-err));
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
		return api_fail(tp, err, "%s is not attached", ifname);
	nexthops_refresh(tp->nexthops);
	return 0;
}

int turnpike_for_each_device(const struct turnpike *tp,
			     int (*fn)(const struct turnpike_status *status, void *arg), void *arg)
{
	return devices_for_each(&tp->devices, fn, arg);
}

void turnpike_on_change(struct turnpike *tp,
			void (*fn)(const struct turnpike_change *change, void *arg), void *arg)
{
	tp->devices.on_change = fn;
	tp->devices.on_change_arg = arg;
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

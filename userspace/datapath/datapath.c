/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <net/if.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "datapath/binder.h"
#include "datapath/datapath.h"
#include "datapath/limits.h"
#include "private/array_len.h"

struct datapath {
	struct turnpike *tp;   /* NULL: everything is relayed in user space */
	struct binder *binder; /* NULL without @tp */
	pthread_mutex_t lock;  /* protects @tp, which allows one thread at a time */
	struct limits *limits;
	bool is_relaying;
	void (*on_change)(void *arg);
	void *on_change_arg;
	struct event *readable;
	struct event *tick;
	char error[sizeof(((struct turnpike_status *)NULL)->why)]; /* see datapath_error() */
	char why_not[sizeof(((struct turnpike_status *)NULL)->why)];
	struct turnpike_status *devices; /* only without @tp */
	size_t n_devices;
};

static int note_mode(const struct turnpike_status *status, void *arg)
{
	bool *is_relaying = arg;

	*is_relaying |= status->mode != TURNPIKE_MODE_USERSPACE;
	return 0;
}

static void set_relaying(struct datapath *datapath, bool is_relaying)
{
	datapath->is_relaying = is_relaying;
	if (datapath->binder) {
		pthread_mutex_lock(&datapath->lock);
		binder_set_idle(datapath->binder, !is_relaying);
		pthread_mutex_unlock(&datapath->lock);
	}
	if (datapath->on_change)
		datapath->on_change(datapath->on_change_arg);
}

static void update_modes(struct datapath *datapath)
{
	bool is_relaying = false;

	datapath_for_each_device(datapath, note_mode, &is_relaying);
	if (is_relaying != datapath->is_relaying)
		set_relaying(datapath, is_relaying);
}

static void on_library_event(evutil_socket_t fd, short what, void *arg)
{
	struct datapath *datapath = arg;

	(void)fd;
	(void)what;
	pthread_mutex_lock(&datapath->lock);
	if (turnpike_poll(datapath->tp))
		log_at(LOG_WARNING, "%s", turnpike_error(datapath->tp));
	pthread_mutex_unlock(&datapath->lock);
	update_modes(datapath);
}

static void log_change(const struct turnpike_change *change, void *arg)
{
	const struct turnpike_status *from = change->from, *to = change->to;

	(void)arg;
	if (from->changes == to->changes) {
		log_at(LOG_WARNING, "%s: mode %s: %s", to->dev, turnpike_mode_name(to->mode),
		       to->why);
		return;
	}
	log_at(LOG_INFO, "%s: from %s/%s to %s/%s (change %u): %s", to->dev,
	       turnpike_mode_name(from->mode), turnpike_moves_name(from->moves),
	       turnpike_mode_name(to->mode), turnpike_moves_name(to->moves), to->changes, to->why);
}

static int watch(struct datapath *datapath, struct event_base *base)
{
	static const struct timeval second = { .tv_sec = 1 };

	turnpike_on_change(datapath->tp, log_change, NULL);
	datapath->readable = event_new(base, turnpike_fd(datapath->tp), EV_READ | EV_PERSIST,
				       on_library_event, datapath);
	datapath->tick = event_new(base, -1, EV_PERSIST, on_library_event, datapath);
	if (!datapath->readable || !datapath->tick || event_add(datapath->readable, NULL) ||
	    event_add(datapath->tick, &second)) {
		log_error("out of memory");
		return -ENOMEM;
	}
	return 0;
}

static void warn_of_unwatched(const struct turnpike *tp)
{
	static const struct {
		enum turnpike_rules rules;
		const char *name;
	} kinds[] = { { TURNPIKE_RULES_NETFILTER, "nftables" }, { TURNPIKE_RULES_IPSEC, "IPsec" } };
	const __u32 unwatched = turnpike_unwatched(tp);
	size_t i;

	for (i = 0; i < ARRAY_LEN(kinds); i++)
		if (unwatched & kinds[i].rules)
			log_at(LOG_INFO,
			       "the kernel does not report changes of %s rules: they hold for "
			       "flows in the kernel within the time of --confirm",
			       kinds[i].name);
}

/* Mode userspace opens the library as well. Nothing is attached until the mode changes. */
static int open_library(struct datapath *datapath, struct event_base *base, enum turnpike_mode mode,
			const struct turnpike_open_opts *opts)
{
	const int err = turnpike_open(opts, &datapath->tp);

	if (!err) {
		warn_of_unwatched(datapath->tp);
		return watch(datapath, base);
	}
	snprintf(datapath->error, sizeof(datapath->error), "%s", turnpike_error(NULL));
	if (mode == TURNPIKE_MODE_USERSPACE) {
		strcpy(datapath->why_not, "requested");
		return 0;
	}
	if (mode != TURNPIKE_MODE_AUTO) {
		log_error("%s", datapath->error);
		return err;
	}
	snprintf(datapath->why_not, sizeof(datapath->why_not), "%s", datapath->error);
	log_at(LOG_WARNING, "everything is relayed in user space: %s", datapath->why_not);
	return 0;
}

static int open_binder(struct datapath *datapath, struct event_base *base,
		       const struct share_percents *shares)
{
	int err = 0;

	if (datapath->tp)
		err = binder_open(base, datapath->tp, &datapath->lock, shares, &datapath->binder);
	if (err)
		log_error("cannot share the kernel's tables: %s", strerror(-err));
	return err;
}

static int open_limits(struct datapath *datapath, const struct limits_rates *rates)
{
	const int err = limits_open(datapath->tp, rates, &datapath->limits);

	if (err)
		log_error("cannot create the rate limits: %s", strerror(-err));
	return err;
}

int datapath_open(struct event_base *base, enum turnpike_mode mode,
		  const struct turnpike_open_opts *opts, const struct limits_rates *rates,
		  const struct share_percents *shares, struct datapath **ret)
{
	struct datapath *datapath = calloc(1, sizeof(*datapath));
	int err;

	if (!datapath) {
		log_error("out of memory");
		return -ENOMEM;
	}
	pthread_mutex_init(&datapath->lock, NULL);
	err = open_library(datapath, base, mode, opts);
	if (!err)
		err = open_limits(datapath, rates);
	if (!err)
		err = open_binder(datapath, base, shares);
	if (err) {
		datapath_close(datapath);
		return err;
	}
	*ret = datapath;
	return 0;
}

bool datapath_is_open(const struct datapath *datapath)
{
	return datapath->tp;
}

const struct turnpike_helper_info *datapath_helper(struct datapath *datapath)
{
	const struct turnpike_helper_info *helper = NULL;

	pthread_mutex_lock(&datapath->lock);
	if (datapath->tp)
		helper = turnpike_helper(datapath->tp);
	pthread_mutex_unlock(&datapath->lock);
	return helper;
}

void datapath_close(struct datapath *datapath)
{
	if (!datapath)
		return;
	if (datapath->readable)
		event_free(datapath->readable);
	if (datapath->tick)
		event_free(datapath->tick);
	limits_close(datapath->limits);
	binder_close(datapath->binder);
	turnpike_close(datapath->tp);
	pthread_mutex_destroy(&datapath->lock);
	free(datapath->devices);
	free(datapath);
}

static int list_in_user_space(struct datapath *datapath, const char *device)
{
	struct turnpike_status status = {
		.ifindex = if_nametoindex(device),
		.mode = TURNPIKE_MODE_USERSPACE,
		.moves = TURNPIKE_MOVES_AUTO,
		.hook = TURNPIKE_HOOK_NONE,
	};
	struct turnpike_status *grown;

	if (!status.ifindex) {
		log_error("no such device: %s; see 'ip link'", device);
		return -ENODEV;
	}
	grown = reallocarray(datapath->devices, datapath->n_devices + 1, sizeof(*grown));
	if (!grown) {
		log_error("out of memory");
		return -ENOMEM;
	}
	snprintf(status.dev, sizeof(status.dev), "%s", device);
	memcpy(status.why, datapath->why_not, sizeof(status.why));
	grown[datapath->n_devices++] = status;
	datapath->devices = grown;
	return 0;
}

int datapath_attach(struct datapath *datapath, const char *device,
		    const struct turnpike_attach_opts *opts)
{
	int err;

	pthread_mutex_lock(&datapath->lock);
	if (!datapath->tp)
		err = list_in_user_space(datapath, device);
	else
		err = turnpike_attach(datapath->tp, device, opts);
	if (err && datapath->tp)
		log_error("%s", turnpike_error(datapath->tp));
	pthread_mutex_unlock(&datapath->lock);
	update_modes(datapath);
	return err;
}

/* A status is valid only in its callback, which must not change modes. */
struct names {
	const char *only; /* NULL: all */
	char (*list)[IFNAMSIZ];
	size_t n;
};

static int collect_name(const struct turnpike_status *status, void *arg)
{
	struct names *names = arg;
	void *grown;

	if (names->only && strcmp(names->only, status->dev) != 0)
		return 0;
	grown = reallocarray(names->list, names->n + 1, sizeof(*names->list));
	if (!grown)
		return -ENOMEM;
	names->list = grown;
	memcpy(names->list[names->n++], status->dev, sizeof(status->dev));
	return 0;
}

static int log_switched(const struct turnpike_status *status, void *arg)
{
	const char *device = arg;

	if (strcmp(status->dev, device) == 0)
		log_at(LOG_INFO, "%s: now mode %s, moves %s, hook %s: %s", status->dev,
		       turnpike_mode_name(status->mode), turnpike_moves_name(status->moves),
		       turnpike_hook_name(status->hook), status->why);
	return 0;
}

static int switch_all(struct datapath *datapath, const struct names *names,
		      const struct turnpike_attach_opts *opts)
{
	int err = 0;

	for (size_t i = 0; i < names->n && !err; i++) {
		err = turnpike_switch(datapath->tp, names->list[i], opts);
		if (err)
			log_error("%s", turnpike_error(datapath->tp));
		else
			turnpike_for_each_device(datapath->tp, log_switched,
						 (void *)names->list[i]);
	}
	return err;
}

static int switch_named(struct datapath *datapath, const char *device,
			const struct turnpike_attach_opts *opts)
{
	struct names names = { .only = device };
	int err = turnpike_for_each_device(datapath->tp, collect_name, &names);

	if (!err && names.n)
		err = switch_all(datapath, &names, opts);
	else if (!err)
		err = turnpike_switch(datapath->tp, device ? device : "", opts);
	free(names.list);
	return err;
}

/* Without the library, all devices stay there. */
static int keep_in_user_space(const struct datapath *datapath, const char *device,
			      enum turnpike_mode mode)
{
	bool is_known = !device;

	for (size_t i = 0; i < datapath->n_devices && !is_known; i++)
		is_known = strcmp(datapath->devices[i].dev, device) == 0;
	return is_known && mode == TURNPIKE_MODE_USERSPACE ? 0 : -EOPNOTSUPP;
}

int datapath_switch(struct datapath *datapath, const char *device,
		    const struct turnpike_attach_opts *opts)
{
	int err;

	if (!datapath->tp)
		return keep_in_user_space(datapath, device, opts->mode);
	pthread_mutex_lock(&datapath->lock);
	err = switch_named(datapath, device, opts);
	snprintf(datapath->error, sizeof(datapath->error), "%s", turnpike_error(datapath->tp));
	pthread_mutex_unlock(&datapath->lock);
	update_modes(datapath);
	return err;
}

bool datapath_is_relaying(const struct datapath *datapath)
{
	return datapath->is_relaying;
}

void datapath_on_change(struct datapath *datapath, void (*fn)(void *arg), void *arg)
{
	datapath->on_change = fn;
	datapath->on_change_arg = arg;
}

const char *datapath_error(const struct datapath *datapath)
{
	return datapath->error;
}

/*
 * The library's addresses have no zone, so that two clients on different links with the same
 * link-local address would share a flow, and the route to them would be a guess.
 */
static bool is_exact(const struct turn_flow *flow)
{
	return !addr_is_link_local(&flow->tuple.client) &&
	       !addr_is_link_local(&flow->tuple.server) && !addr_is_link_local(&flow->relay) &&
	       !addr_is_link_local(&flow->peer);
}

int datapath_bind(struct datapath *datapath, const struct turn_flow *flow)
{
	int err;

	if (!datapath->tp || !is_exact(flow))
		return -EOPNOTSUPP;
	pthread_mutex_lock(&datapath->lock);
	err = binder_bind(datapath->binder, flow);
	pthread_mutex_unlock(&datapath->lock);
	return err;
}

void datapath_unbind(struct datapath *datapath, const struct turn_flow *flow)
{
	if (!datapath->tp)
		return;
	pthread_mutex_lock(&datapath->lock);
	binder_unbind(datapath->binder, flow);
	pthread_mutex_unlock(&datapath->lock);
}

void datapath_traffic(struct datapath *datapath, const struct turn_flow *flow,
		      struct turn_traffic traffic[static TURN_DIRECTIONS])
{
	if (!datapath->tp)
		return;
	pthread_mutex_lock(&datapath->lock);
	binder_traffic(datapath->binder, flow, traffic);
	pthread_mutex_unlock(&datapath->lock);
}

void datapath_explain(struct datapath *datapath, const struct turn_flow *flow, bool is_bound,
		      struct flow_state states[static TURN_DIRECTIONS])
{
	if (!datapath->tp) {
		flow_state_set(states, REASON_IDLE, NULL);
	} else if (!is_exact(flow)) {
		flow_state_set(states, REASON_LINK_LOCAL, NULL);
	} else if (!is_bound) {
		flow_state_set(states, REASON_REFUSED, NULL);
	} else {
		pthread_mutex_lock(&datapath->lock);
		binder_explain(datapath->binder, flow, states);
		pthread_mutex_unlock(&datapath->lock);
	}
}

int datapath_limit(struct datapath *datapath, const char *account, void **limits)
{
	struct limit *limit;
	int err;

	pthread_mutex_lock(&datapath->lock);
	err = limits_new(datapath->limits, account, &limit);
	pthread_mutex_unlock(&datapath->lock);
	if (!err)
		*limits = limit;
	return err;
}

void datapath_unlimit(struct datapath *datapath, void *limits)
{
	pthread_mutex_lock(&datapath->lock);
	limits_free(datapath->limits, limits);
	pthread_mutex_unlock(&datapath->lock);
}

bool datapath_police(void *limits, enum turn_direction direction, size_t len)
{
	return limits_charge(limits, direction, len);
}

uint64_t datapath_reach(struct datapath *datapath, const char *account,
			const struct turnpike_addr *relay, const struct turnpike_addr *peer,
			bool again, uint64_t now)
{
	uint64_t until = TURN_NEVER;

	if (!datapath->tp)
		return until;
	pthread_mutex_lock(&datapath->lock);
	until = binder_reach(datapath->binder, account, relay, peer, again, now);
	pthread_mutex_unlock(&datapath->lock);
	return until;
}

void datapath_set_rates(struct datapath *datapath, const struct limits_rates *rates)
{
	pthread_mutex_lock(&datapath->lock);
	limits_set_rates(datapath->limits, rates);
	pthread_mutex_unlock(&datapath->lock);
}

struct limits_rates datapath_rates(struct datapath *datapath)
{
	struct limits_rates rates;

	pthread_mutex_lock(&datapath->lock);
	rates = *limits_rates(datapath->limits);
	pthread_mutex_unlock(&datapath->lock);
	return rates;
}

void datapath_path_changed(struct datapath *datapath, const struct turnpike_addr *local,
			   const struct turnpike_addr *remote)
{
	if (!datapath->tp)
		return;
	pthread_mutex_lock(&datapath->lock);
	turnpike_path_changed(datapath->tp, local, remote);
	pthread_mutex_unlock(&datapath->lock);
}

struct binder_failures datapath_failures(struct datapath *datapath)
{
	struct binder_failures failures = { 0 };

	pthread_mutex_lock(&datapath->lock);
	if (datapath->tp)
		failures = binder_failures(datapath->binder);
	pthread_mutex_unlock(&datapath->lock);
	return failures;
}

void datapath_set_shares(struct datapath *datapath, const struct share_percents *percents)
{
	pthread_mutex_lock(&datapath->lock);
	if (datapath->tp)
		binder_set_shares(datapath->binder, percents);
	pthread_mutex_unlock(&datapath->lock);
}

struct share_use datapath_share(struct datapath *datapath, enum share what)
{
	struct share_use use = { 0 };

	pthread_mutex_lock(&datapath->lock);
	if (datapath->tp)
		use = shares_use(binder_shares(datapath->binder), what);
	pthread_mutex_unlock(&datapath->lock);
	return use;
}

struct datapath_table datapath_table(struct datapath *datapath, enum turnpike_table what)
{
	struct datapath_table table = { 0 };

	pthread_mutex_lock(&datapath->lock);
	if (datapath->tp)
		table = (struct datapath_table){ turnpike_table_size(datapath->tp, what),
						 turnpike_table_used(datapath->tp, what) };
	pthread_mutex_unlock(&datapath->lock);
	return table;
}

uint32_t datapath_deferred(struct datapath *datapath)
{
	uint32_t n = 0;

	pthread_mutex_lock(&datapath->lock);
	if (datapath->tp)
		n = shares_deferred(binder_shares(datapath->binder));
	pthread_mutex_unlock(&datapath->lock);
	return n;
}

uint32_t datapath_confirm_ms(struct datapath *datapath)
{
	uint32_t ms = 0;

	pthread_mutex_lock(&datapath->lock);
	if (datapath->tp)
		ms = turnpike_confirm_ms(datapath->tp);
	pthread_mutex_unlock(&datapath->lock);
	return ms;
}

uint32_t datapath_waiting(struct datapath *datapath, enum turnpike_wait what)
{
	uint32_t n = 0;

	pthread_mutex_lock(&datapath->lock);
	if (datapath->tp)
		n = turnpike_waiting(datapath->tp, what);
	pthread_mutex_unlock(&datapath->lock);
	return n;
}

uint64_t datapath_flows(struct datapath *datapath)
{
	uint64_t flows = 0;

	pthread_mutex_lock(&datapath->lock);
	if (datapath->tp)
		flows = turnpike_flows(datapath->tp);
	pthread_mutex_unlock(&datapath->lock);
	return flows;
}

uint32_t datapath_bindings(struct datapath *datapath, enum turnpike_framing framing)
{
	uint32_t n = 0;

	pthread_mutex_lock(&datapath->lock);
	if (datapath->tp)
		n = turnpike_bindings(datapath->tp, framing);
	pthread_mutex_unlock(&datapath->lock);
	return n;
}

/** struct datapath_walk - @bound: NULL: all of them were listed, or there is no library */
struct datapath_walk {
	struct datapath *datapath;
	struct turnpike_walk *bound;
	struct shares_walk waiting;
};

static int begin_walk(struct datapath_walk *walk)
{
	struct datapath *datapath = walk->datapath;
	int err = 0;

	if (!datapath->tp)
		return 0;
	pthread_mutex_lock(&datapath->lock);
	err = turnpike_walk_begin(datapath->tp, &walk->bound);
	if (!err)
		binder_walk_begin(datapath->binder, &walk->waiting);
	pthread_mutex_unlock(&datapath->lock);
	return err;
}

int datapath_walk_begin(struct datapath *datapath, struct datapath_walk **ret)
{
	struct datapath_walk *walk = calloc(1, sizeof(*walk));
	int err;

	if (!walk)
		return -ENOMEM;
	walk->datapath = datapath;
	err = begin_walk(walk);
	if (err)
		free(walk);
	else
		*ret = walk;
	return err;
}

static int next_bound(struct datapath_walk *walk, uint32_t n,
		      int (*fn)(const struct turnpike_flow_info *flow, void *arg), void *arg)
{
	const int more = turnpike_walk_next(walk->bound, n, fn, arg);

	if (more)
		return more;
	turnpike_walk_end(walk->bound);
	walk->bound = NULL;
	return 1;
}

int datapath_walk_next(struct datapath_walk *walk, uint32_t n,
		       int (*fn)(const struct turnpike_flow_info *flow, void *arg), void *arg)
{
	struct datapath *datapath = walk->datapath;
	int more;

	if (!datapath->tp)
		return 0;
	pthread_mutex_lock(&datapath->lock);
	more = walk->bound ? next_bound(walk, n, fn, arg)
			   : binder_walk_next(&walk->waiting, n, fn, arg);
	pthread_mutex_unlock(&datapath->lock);
	return more;
}

void datapath_walk_end(struct datapath_walk *walk)
{
	struct datapath *datapath = walk ? walk->datapath : NULL;

	if (datapath && datapath->tp) {
		pthread_mutex_lock(&datapath->lock);
		turnpike_walk_end(walk->bound);
		binder_walk_end(datapath->binder, &walk->waiting);
		pthread_mutex_unlock(&datapath->lock);
	}
	free(walk);
}

int datapath_for_each_count(struct datapath *datapath,
			    int (*fn)(const struct turnpike_count *count, void *arg), void *arg)
{
	int err = 0;

	pthread_mutex_lock(&datapath->lock);
	if (datapath->tp)
		err = turnpike_for_each_count(datapath->tp, fn, arg);
	pthread_mutex_unlock(&datapath->lock);
	return err;
}

int datapath_for_each_device(struct datapath *datapath,
			     int (*fn)(const struct turnpike_status *status, void *arg), void *arg)
{
	int err = 0;

	pthread_mutex_lock(&datapath->lock);
	if (datapath->tp)
		err = turnpike_for_each_device(datapath->tp, fn, arg);
	for (size_t i = 0; i < datapath->n_devices && !err; i++)
		err = fn(&datapath->devices[i], arg);
	pthread_mutex_unlock(&datapath->lock);
	return err;
}

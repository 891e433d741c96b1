/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <net/if.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/datapath.h"
#include "datapath/limits.h"
#include "base/log.h"

struct kernel {
	struct turnpike *tp;  /* NULL: all is relayed in user space */
	pthread_mutex_t lock; /* of @tp, which is for one thread at a time */
	struct limits *limits;
	bool is_relaying;
	void (*on_change)(void *arg);
	void *on_change_arg;
	struct event *readable;
	struct event *tick;
	uint64_t bind_failures;
	uint64_t bind_refusals; /* of these, those that nobody tries again */
	int said;        /* the bind error that was said last */
	char error[256]; /* of the last switch */
	char why_not[sizeof(((struct turnpike_status *)NULL)->why)];
	struct turnpike_status *devices; /* without @tp */
	size_t n_devices;
};

static int note_mode(const struct turnpike_status *status, void *arg)
{
	bool *is_relaying = arg;

	*is_relaying |= status->mode != TURNPIKE_MODE_USERSPACE;
	return 0;
}

static void look_at_modes(struct kernel *kernel)
{
	const bool before = kernel->is_relaying;

	kernel->is_relaying = false;
	kernel_for_each_device(kernel, note_mode, &kernel->is_relaying);
	if (kernel->is_relaying != before && kernel->on_change)
		kernel->on_change(kernel->on_change_arg);
}

static void on_news(evutil_socket_t fd, short what, void *arg)
{
	struct kernel *kernel = arg;

	(void)fd;
	(void)what;
	pthread_mutex_lock(&kernel->lock);
	if (turnpike_poll(kernel->tp))
		say_at(SAY_WARNING, "%s", turnpike_error(kernel->tp));
	pthread_mutex_unlock(&kernel->lock);
	look_at_modes(kernel);
}

static void say_change(const struct turnpike_change *change, void *arg)
{
	const struct turnpike_status *from = &change->from, *to = &change->to;

	(void)arg;
	if (from->changes == to->changes) {
		say_at(SAY_WARNING, "%s: mode %s: %s", to->dev, turnpike_mode_name(to->mode),
		       to->why);
		return;
	}
	say_at(SAY_INFO, "%s: from %s/%s to %s/%s (change %u): %s", to->dev,
	       turnpike_mode_name(from->mode), turnpike_moves_name(from->moves),
	       turnpike_mode_name(to->mode), turnpike_moves_name(to->moves), to->changes, to->why);
}

static int watch(struct kernel *kernel, struct event_base *base)
{
	static const struct timeval second = { .tv_sec = 1 };

	turnpike_on_change(kernel->tp, say_change, NULL);

	kernel->readable =
		event_new(base, turnpike_fd(kernel->tp), EV_READ | EV_PERSIST, on_news, kernel);
	kernel->tick = event_new(base, -1, EV_PERSIST, on_news, kernel);
	if (!kernel->readable || !kernel->tick || event_add(kernel->readable, NULL) ||
	    event_add(kernel->tick, &second)) {
		say("out of memory");
		return -ENOMEM;
	}
	return 0;
}

/*
 * Also for mode userspace: then nothing is attached, but the flows are there should the mode
 * change.
 */
static int open_library(struct kernel *kernel, struct event_base *base, enum turnpike_mode mode,
			const struct turnpike_open_opts *opts)
{
	const int err = turnpike_open(opts, &kernel->tp);

	if (!err)
		return watch(kernel, base);
	if (mode == TURNPIKE_MODE_USERSPACE) {
		strcpy(kernel->why_not, "asked for");
		return 0;
	}
	if (mode != TURNPIKE_MODE_AUTO) {
		say("%s", turnpike_error(NULL));
		return err;
	}
	snprintf(kernel->why_not, sizeof(kernel->why_not), "%s", turnpike_error(NULL));
	say_at(SAY_WARNING, "everything is relayed in user space: %s", kernel->why_not);
	return 0;
}

static int open_limits(struct kernel *kernel, const struct limits_rates *rates)
{
	const int err = limits_open(kernel->tp, rates, &kernel->limits);

	if (err)
		say("the limits cannot be made: %s", strerror(-err));
	return err;
}

int kernel_open(struct event_base *base, enum turnpike_mode mode,
		const struct turnpike_open_opts *opts, const struct limits_rates *rates,
		struct kernel **ret)
{
	struct kernel *kernel = calloc(1, sizeof(*kernel));
	int err;

	if (!kernel) {
		say("out of memory");
		return -ENOMEM;
	}
	pthread_mutex_init(&kernel->lock, NULL);
	err = open_library(kernel, base, mode, opts);
	if (!err)
		err = open_limits(kernel, rates);
	if (err) {
		kernel_close(kernel);
		return err;
	}
	*ret = kernel;
	return 0;
}

bool kernel_is_open(const struct kernel *kernel)
{
	return kernel->tp;
}

void kernel_close(struct kernel *kernel)
{
	if (!kernel)
		return;
	if (kernel->readable)
		event_free(kernel->readable);
	if (kernel->tick)
		event_free(kernel->tick);
	limits_close(kernel->limits);
	turnpike_close(kernel->tp);
	pthread_mutex_destroy(&kernel->lock);
	free(kernel->devices);
	free(kernel);
}

static int list_in_user_space(struct kernel *kernel, const char *device)
{
	struct turnpike_status status = {
		.ifindex = if_nametoindex(device),
		.mode = TURNPIKE_MODE_USERSPACE,
		.moves = TURNPIKE_MOVES_AUTO,
		.hook = TURNPIKE_HOOK_NONE,
	};
	struct turnpike_status *grown;

	if (!status.ifindex) {
		say("there is no device %s: choose one that 'ip link' lists", device);
		return -ENODEV;
	}
	grown = reallocarray(kernel->devices, kernel->n_devices + 1, sizeof(*grown));
	if (!grown) {
		say("out of memory");
		return -ENOMEM;
	}
	snprintf(status.dev, sizeof(status.dev), "%s", device);
	memcpy(status.why, kernel->why_not, sizeof(status.why));
	grown[kernel->n_devices++] = status;
	kernel->devices = grown;
	return 0;
}

int kernel_attach(struct kernel *kernel, const char *device,
		  const struct turnpike_attach_opts *opts)
{
	int err;

	if (!kernel->tp)
		return list_in_user_space(kernel, device);
	pthread_mutex_lock(&kernel->lock);
	err = turnpike_attach(kernel->tp, device, opts);
	if (err)
		say("%s", turnpike_error(kernel->tp));
	pthread_mutex_unlock(&kernel->lock);
	look_at_modes(kernel);
	return err;
}

/* Statuses are valid in their callbacks only, where nothing may be switched. */
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

static int say_switched(const struct turnpike_status *status, void *arg)
{
	const char *device = arg;

	if (strcmp(status->dev, device) == 0)
		say_at(SAY_INFO, "%s: now mode %s, moves %s, hook %s: %s", status->dev,
		       turnpike_mode_name(status->mode), turnpike_moves_name(status->moves),
		       turnpike_hook_name(status->hook), status->why);
	return 0;
}

static int switch_all(struct kernel *kernel, const struct names *names,
		      const struct turnpike_attach_opts *opts)
{
	int err = 0;

	for (size_t i = 0; i < names->n && !err; i++) {
		err = turnpike_switch(kernel->tp, names->list[i], opts);
		if (err)
			say("%s", turnpike_error(kernel->tp));
		else
			turnpike_for_each_device(kernel->tp, say_switched, (void *)names->list[i]);
	}
	return err;
}

static int switch_named(struct kernel *kernel, const char *device,
			const struct turnpike_attach_opts *opts)
{
	struct names names = { .only = device };
	int err = turnpike_for_each_device(kernel->tp, collect_name, &names);

	if (!err && names.n)
		err = switch_all(kernel, &names, opts);
	else if (!err)
		err = turnpike_switch(kernel->tp, device ? device : "", opts);
	free(names.list);
	return err;
}

int kernel_switch(struct kernel *kernel, const char *device,
		  const struct turnpike_attach_opts *opts)
{
	int err;

	if (!kernel->tp)
		return -EOPNOTSUPP;
	pthread_mutex_lock(&kernel->lock);
	err = switch_named(kernel, device, opts);
	snprintf(kernel->error, sizeof(kernel->error), "%s", turnpike_error(kernel->tp));
	pthread_mutex_unlock(&kernel->lock);
	look_at_modes(kernel);
	return err;
}

bool kernel_is_relaying(const struct kernel *kernel)
{
	return kernel->is_relaying;
}

void kernel_on_change(struct kernel *kernel, void (*fn)(void *arg), void *arg)
{
	kernel->on_change = fn;
	kernel->on_change_arg = arg;
}

const char *kernel_error(const struct kernel *kernel)
{
	return kernel->tp ? kernel->error : kernel->why_not;
}

static struct turnpike_binding binding_of(const struct turn_flow *flow)
{
	return (struct turnpike_binding){
		.client = flow->tuple.client,
		.server = flow->tuple.server,
		.relay = flow->relay,
		.peer = flow->peer,
		.channel = flow->channel,
		.channel_expires = flow->channel_expiry_ns,
		.permission_expires = flow->permission_expiry_ns,
		.to_peer_policer = limits_policer(flow->limits, TURN_TO_PEER),
		.to_client_policer = limits_policer(flow->limits, TURN_TO_CLIENT),
	};
}

/* Clients bring this about, so it must not fill the log. */
static void note_failure(struct kernel *kernel, int err)
{
	kernel->bind_failures++;
	kernel->bind_refusals += err != -EAGAIN;
	if (err != kernel->said)
		say_at(SAY_WARNING, "a flow stays in user space: %s", turnpike_error(kernel->tp));
	kernel->said = err;
}

int kernel_bind(struct kernel *kernel, const struct turn_flow *flow)
{
	struct turnpike_binding binding = binding_of(flow);
	int err;

	if (!kernel->tp)
		return -EOPNOTSUPP;
	pthread_mutex_lock(&kernel->lock);
	err = turnpike_bind(kernel->tp, &binding);
	if (err)
		note_failure(kernel, err);
	pthread_mutex_unlock(&kernel->lock);
	/* One that waits is unbound like one that is relayed. */
	return err == -EAGAIN ? 0 : err;
}

void kernel_unbind(struct kernel *kernel, const struct turn_flow *flow)
{
	struct turnpike_binding binding = binding_of(flow);

	if (!kernel->tp)
		return;
	pthread_mutex_lock(&kernel->lock);
	/* What is not in the kernel any more need not be removed. */
	turnpike_unbind(kernel->tp, &binding);
	pthread_mutex_unlock(&kernel->lock);
}

int kernel_limit(struct kernel *kernel, const char *account, void **limits)
{
	struct limit *limit;
	int err;

	pthread_mutex_lock(&kernel->lock);
	err = limits_new(kernel->limits, account, &limit);
	pthread_mutex_unlock(&kernel->lock);
	if (!err)
		*limits = limit;
	return err;
}

void kernel_unlimit(struct kernel *kernel, void *limits)
{
	pthread_mutex_lock(&kernel->lock);
	limits_free(kernel->limits, limits);
	pthread_mutex_unlock(&kernel->lock);
}

bool kernel_police(void *limits, enum turn_direction direction, size_t len)
{
	return limits_charge(limits, direction, len);
}

void kernel_set_rates(struct kernel *kernel, const struct limits_rates *rates)
{
	pthread_mutex_lock(&kernel->lock);
	limits_set_rates(kernel->limits, rates);
	pthread_mutex_unlock(&kernel->lock);
}

struct limits_rates kernel_rates(struct kernel *kernel)
{
	struct limits_rates rates;

	pthread_mutex_lock(&kernel->lock);
	rates = *limits_rates(kernel->limits);
	pthread_mutex_unlock(&kernel->lock);
	return rates;
}

void kernel_path_changed(struct kernel *kernel, const struct turnpike_addr *local,
			 const struct turnpike_addr *remote)
{
	if (!kernel->tp)
		return;
	pthread_mutex_lock(&kernel->lock);
	turnpike_path_changed(kernel->tp, local, remote);
	pthread_mutex_unlock(&kernel->lock);
}

uint64_t kernel_bind_failures(struct kernel *kernel)
{
	uint64_t failures;

	pthread_mutex_lock(&kernel->lock);
	failures = kernel->bind_failures;
	pthread_mutex_unlock(&kernel->lock);
	return failures;
}

uint64_t kernel_bind_refusals(struct kernel *kernel)
{
	uint64_t refusals;

	pthread_mutex_lock(&kernel->lock);
	refusals = kernel->bind_refusals;
	pthread_mutex_unlock(&kernel->lock);
	return refusals;
}

uint32_t kernel_waiting(struct kernel *kernel, enum turnpike_wait what)
{
	uint32_t n = 0;

	pthread_mutex_lock(&kernel->lock);
	if (kernel->tp)
		n = turnpike_waiting(kernel->tp, what);
	pthread_mutex_unlock(&kernel->lock);
	return n;
}

uint64_t kernel_flows(struct kernel *kernel)
{
	uint64_t flows = 0;

	pthread_mutex_lock(&kernel->lock);
	if (kernel->tp)
		flows = turnpike_flows(kernel->tp);
	pthread_mutex_unlock(&kernel->lock);
	return flows;
}

int kernel_for_each_flow(struct kernel *kernel,
			 int (*fn)(const struct turnpike_flow_info *flow, void *arg), void *arg)
{
	int err = 0;

	pthread_mutex_lock(&kernel->lock);
	if (kernel->tp)
		err = turnpike_for_each_flow(kernel->tp, fn, arg);
	pthread_mutex_unlock(&kernel->lock);
	return err;
}

int kernel_for_each_count(struct kernel *kernel,
			  int (*fn)(const struct turnpike_count *count, void *arg), void *arg)
{
	int err = 0;

	pthread_mutex_lock(&kernel->lock);
	if (kernel->tp)
		err = turnpike_for_each_count(kernel->tp, fn, arg);
	pthread_mutex_unlock(&kernel->lock);
	return err;
}

int kernel_for_each_device(struct kernel *kernel,
			   int (*fn)(const struct turnpike_status *status, void *arg), void *arg)
{
	int err = 0;

	pthread_mutex_lock(&kernel->lock);
	if (kernel->tp)
		err = turnpike_for_each_device(kernel->tp, fn, arg);
	for (size_t i = 0; i < kernel->n_devices && !err; i++)
		err = fn(&kernel->devices[i], arg);
	pthread_mutex_unlock(&kernel->lock);
	return err;
}

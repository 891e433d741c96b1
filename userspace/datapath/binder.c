/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "datapath/binder.h"
#include "datapath/limits.h"
#include "datapath/neighbour_limit.h"
#include "datapath/neighbour_room.h"

/**
 * Flows that have waited for a share or a device are tried in portions with a pause, each of some
 * milliseconds. The first pause lets all flows of an allocation that ends leave first.
 */
#define PORTION  64
#define PAUSE_NS 10000000

struct binder {
	struct turnpike *tp;
	pthread_mutex_t *lock;
	struct shares *shares;
	struct neighbour_limit *neighbours;
	int timer; /* any thread may set it; -1: none yet */
	bool is_armed;
	struct event *on_timer;
	struct binder_failures failures;
	bool is_idle;
	int logged; /* the error that was logged last */
};

static struct turnpike_binding binding_of(const struct turn_flow *flow)
{
	return (struct turnpike_binding){
		.sz = sizeof(struct turnpike_binding),
		.client = flow->tuple.client,
		.server = flow->tuple.server,
		.relay = flow->relay,
		.peer = flow->peer,
		.channel = flow->channel,
		.channel_expires = flow->channel_expiry_ns,
		.permission_expires = flow->permission_expiry_ns,
		.to_peer_policer = limits_policer(flow->limits, TURN_TO_PEER),
		.to_client_policer = limits_policer(flow->limits, TURN_TO_CLIENT),
		.xor_peer = flow->xor_peer,
	};
}

/* Clients can cause this, so each kind of error is logged once in a row. */
static void log_once(struct binder *binder, int err, const char *why)
{
	if (err != binder->logged)
		log_at(LOG_WARNING, "a flow stays in user space: %s", why);
	binder->logged = err;
}

static int bind_flow(void *arg, const struct turnpike_binding *binding)
{
	struct binder *binder = arg;
	const int err = turnpike_bind(binder->tp, binding);

	if (!err)
		return 0;
	binder->failures.all++;
	binder->failures.final += err != -EAGAIN;
	log_once(binder, err, turnpike_error(binder->tp));
	/* A waiting binding must be unbound like a relayed one. */
	return err == -EAGAIN ? 0 : err;
}

/* -ENOENT means that it is no longer in the kernel. */
static void unbind_flow(void *arg, const struct turnpike_binding *binding)
{
	const struct binder *binder = arg;

	turnpike_unbind(binder->tp, binding);
}

static bool on_link(void *arg, const struct turnpike_addr *local,
		    const struct turnpike_addr *remote)
{
	const struct binder *binder = arg;

	return turnpike_reach(binder->tp, local, remote) > TURNPIKE_REACH_SHARED;
}

static void arm(struct binder *binder)
{
	static const struct itimerspec soon = { .it_value.tv_nsec = PAUSE_NS };

	if (binder->is_armed || !shares_due(binder->shares))
		return;
	binder->is_armed = true;
	timerfd_settime(binder->timer, 0, &soon, NULL);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct binder *binder = arg;
	uint64_t times;

	(void)what;
	if (read(fd, &times, sizeof(times)) < 0)
		return;
	pthread_mutex_lock(binder->lock);
	binder->is_armed = false;
	shares_serve(binder->shares, PORTION);
	arm(binder);
	pthread_mutex_unlock(binder->lock);
}

static uint32_t neighbours_of(const struct binder *binder, enum share what)
{
	const struct share_use use = shares_use(binder->shares, what);

	return use.limit < use.size ? use.limit : 0;
}

/* What is relayed in user space may cost as many as what is relayed in the kernel. */
static void limit_neighbours(struct binder *binder)
{
	neighbour_limit_set(binder->neighbours, neighbours_of(binder, SHARE_NEIGHBOURS_IPV4),
			    neighbours_of(binder, SHARE_NEIGHBOURS_IPV6), clock_now());
}

static int open_timer(struct binder *binder, struct event_base *base)
{
	binder->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (binder->timer < 0)
		return -errno;
	binder->on_timer = event_new(base, binder->timer, EV_READ | EV_PERSIST, on_timer, binder);
	return binder->on_timer && event_add(binder->on_timer, NULL) == 0 ? 0 : -ENOMEM;
}

static int open_shares(struct binder *binder, const struct share_percents *percents)
{
	const struct share_ops ops = { bind_flow, unbind_flow, on_link, binder };
	const struct turnpike *tp = binder->tp;
	const uint32_t sizes[N_SHARES] = {
		[SHARE_FLOWS_IPV4] = turnpike_table_size(tp, TURNPIKE_TABLE_FLOWS_IPV4),
		[SHARE_FLOWS_IPV6] = turnpike_table_size(tp, TURNPIKE_TABLE_FLOWS_IPV6),
		[SHARE_NEXT_HOPS] = turnpike_table_size(tp, TURNPIKE_TABLE_NEXTHOPS),
		[SHARE_NEIGHBOURS_IPV4] = neighbour_room(TURNPIKE_IPV4),
		[SHARE_NEIGHBOURS_IPV6] = neighbour_room(TURNPIKE_IPV6),
	};

	return shares_open(&ops, sizes, percents, &binder->shares);
}

int binder_open(struct event_base *base, struct turnpike *tp, pthread_mutex_t *lock,
		const struct share_percents *percents, struct binder **ret)
{
	struct binder *binder = calloc(1, sizeof(*binder));
	int err;

	if (!binder)
		return -ENOMEM;
	binder->tp = tp;
	binder->lock = lock;
	binder->timer = -1;
	binder->neighbours = neighbour_limit_new();
	err = binder->neighbours ? open_shares(binder, percents) : -ENOMEM;
	if (!err)
		err = open_timer(binder, base);
	if (err) {
		binder_close(binder);
		return err;
	}
	limit_neighbours(binder);
	binder->is_idle = true;
	shares_set_idle(binder->shares, true);
	*ret = binder;
	return 0;
}

void binder_close(struct binder *binder)
{
	if (!binder)
		return;
	if (binder->on_timer)
		event_free(binder->on_timer);
	if (binder->timer >= 0)
		close(binder->timer);
	shares_close(binder->shares);
	neighbour_limit_free(binder->neighbours);
	free(binder);
}

int binder_bind(struct binder *binder, const struct turn_flow *flow)
{
	const struct turnpike_binding binding = binding_of(flow);
	const int err = shares_bind(binder->shares, flow->account, &binding);

	if (err == -EDQUOT)
		log_once(binder, err,
			 "its user has used up a share of the kernel's tables: see 'shares' of "
			 "'turnpike status'");
	arm(binder);
	/* A waiting flow must be unbound like a relayed one. */
	return err == -EDQUOT ? 0 : err;
}

void binder_unbind(struct binder *binder, const struct turn_flow *flow)
{
	const struct turnpike_binding binding = binding_of(flow);

	shares_unbind(binder->shares, &binding);
	arm(binder);
}

static struct turn_traffic traffic_of(const struct turnpike_traffic *traffic)
{
	return (struct turn_traffic){ .packets = traffic->packets, .bytes = traffic->bytes };
}

/* A flow that waits has no counters. */
void binder_traffic(const struct binder *binder, const struct turn_flow *flow,
		    struct turn_traffic traffic[static TURN_DIRECTIONS])
{
	const struct turnpike_binding binding = binding_of(flow);
	struct turnpike_traffic to_peer, to_client;

	if (turnpike_binding_traffic(binder->tp, &binding, &to_peer, &to_client))
		return;
	traffic[TURN_TO_PEER] = traffic_of(&to_peer);
	traffic[TURN_TO_CLIENT] = traffic_of(&to_client);
}

void binder_explain(const struct binder *binder, const struct turn_flow *flow,
		    struct flow_state states[static TURN_DIRECTIONS])
{
	const struct turnpike_binding binding = binding_of(flow);
	const int what = shares_waits_for(binder->shares, &binding);

	if (what == -ENOENT)
		flow_state_set(states, REASON_REFUSED, NULL);
	else if (what == SHARE_OF_NONE)
		flow_state_set(states, REASON_IDLE, NULL);
	else if (what != N_SHARES)
		flow_state_set(states, REASON_SHARE, share_text((enum share)what));
	else
		flow_state_read(binder->tp, &binding, binder->is_idle, states);
}

/* The first ones at once, as whoever changes the mode of a small server may look at its flows. */
void binder_set_idle(struct binder *binder, bool is_idle)
{
	binder->is_idle = is_idle;
	shares_set_idle(binder->shares, is_idle);
	shares_serve(binder->shares, PORTION);
	arm(binder);
}

uint64_t binder_reach(struct binder *binder, const char *account, const struct turnpike_addr *relay,
		      const struct turnpike_addr *peer, bool again, uint64_t now)
{
	struct neighbour_limit *limit = binder->neighbours;

	/* After the first time, what is dropped costs no question to the kernel. */
	if (again && !neighbour_limit_probe(limit, account, peer->family, now))
		return 0;
	if (turnpike_reach(binder->tp, relay, peer) != TURNPIKE_REACH_UNRESOLVED)
		return TURN_NEVER;
	if (!again && !neighbour_limit_probe(limit, account, peer->family, now))
		return 0;
	return now + NEIGHBOUR_PROBE_NS;
}

void binder_set_shares(struct binder *binder, const struct share_percents *percents)
{
	shares_set(binder->shares, percents);
	limit_neighbours(binder);
	arm(binder);
}

const struct shares *binder_shares(const struct binder *binder)
{
	return binder->shares;
}

struct binder_failures binder_failures(const struct binder *binder)
{
	return binder->failures;
}

struct listing {
	int (*fn)(const struct turnpike_flow_info *flow, void *arg);
	void *arg;
};

static int list(const struct turnpike_binding *binding, enum share what, void *arg)
{
	const struct listing *listing = arg;
	const enum turnpike_framing framing =
		binding->channel ? TURNPIKE_FRAMING_CHANNEL : TURNPIKE_FRAMING_INDICATION;
	struct turnpike_flow_info flow = {
		.direction = TURNPIKE_DIR_TO_PEER,
		.src = binding->client,
		.dst = binding->server,
		.new_src = binding->relay,
		.new_dst = binding->peer,
		.channel = binding->channel,
		.expires = binding->channel_expires,
		.framing = framing,
		.xor_peer = binding->xor_peer,
	};
	int err;

	snprintf(flow.why, sizeof(flow.why), "%s", share_text(what));
	err = listing->fn(&flow, listing->arg);
	if (err)
		return err;
	flow.direction = TURNPIKE_DIR_TO_CLIENT;
	flow.src = binding->peer;
	flow.dst = binding->relay;
	flow.new_src = binding->server;
	flow.new_dst = binding->client;
	flow.expires = binding->permission_expires;
	flow.framing = TURNPIKE_FRAMING_NONE;
	flow.new_framing = framing;
	return listing->fn(&flow, listing->arg);
}

void binder_walk_begin(struct binder *binder, struct shares_walk *walk)
{
	shares_walk_begin(binder->shares, walk);
}

void binder_walk_end(struct binder *binder, struct shares_walk *walk)
{
	shares_walk_end(binder->shares, walk);
}

int binder_walk_next(struct shares_walk *walk, uint32_t n,
		     int (*fn)(const struct turnpike_flow_info *flow, void *arg), void *arg)
{
	struct listing listing = { fn, arg };

	return shares_walk_next(walk, n, list, &listing);
}

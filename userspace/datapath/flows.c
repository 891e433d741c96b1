/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Flows, their limits, and what leads to peers. */
#include <errno.h>

#include "base/addr.h"
#include "datapath/handle.h"

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

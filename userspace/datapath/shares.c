/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/random.h"
#include "datapath/share_ledger.h"
#include "datapath/shares.h"

/** The smallest share: what one binding takes of a table at most. */
#define SHARE_LEAST 2

/** struct flow_key - what identifies a binding; hashed as it is, without padding */
struct flow_key {
	struct turnpike_addr client;
	struct turnpike_addr server;
	struct turnpike_addr xor_peer;
	uint32_t channel;
};

_Static_assert(sizeof(struct flow_key) == 64, "hashed without padding");

/**
 * struct share_flow
 * @waits_for: N_SHARES: it is bound, and has its part of the user's shares; else see share_text()
 */
struct share_flow {
	uint64_t serial; /* in the order of shares.flows */
	struct flow_key key;
	struct turnpike_binding binding;
	struct share_user *user;
	enum share waits_for;
	struct share_hop *hops[2];
	struct share_flow *prev, *next; /* of those that wait for the same */
	UT_hash_handle hh;
};

/**
 * struct shares
 * @deferred: flows that wait until a device relays in the kernel, the longest waiting first
 */
struct shares {
	struct share_ops ops;
	struct share_ledger ledger;
	uint32_t sizes[N_SHARES];
	uint32_t n_waiting[N_SHARES];
	uint64_t n_refused[N_SHARES];
	struct share_flow *flows;
	struct share_flow *deferred;
	uint32_t n_deferred;
	bool is_idle;
	struct share_user *ready;
	struct shares_walk *walks;
	uint64_t n_made; /* the next serial number */
};

static uint32_t limit_of(uint32_t size, uint32_t percent)
{
	const uint32_t limit = (uint32_t)((uint64_t)size * percent / 100);

	if (!percent || percent >= 100)
		return UINT32_MAX;
	return limit < SHARE_LEAST ? SHARE_LEAST : limit;
}

static void set_limits(struct shares *shares, const struct share_percents *percents)
{
	const uint32_t percent[N_SHARES] = {
		[SHARE_FLOWS_IPV4] = percents->flows,
		[SHARE_FLOWS_IPV6] = percents->flows,
		[SHARE_NEXT_HOPS] = percents->next_hops,
		[SHARE_NEIGHBOURS_IPV4] = percents->neighbours,
		[SHARE_NEIGHBOURS_IPV6] = percents->neighbours,
	};

	for (enum share what = 0; what < N_SHARES; what++)
		shares->ledger.limits[what] = limit_of(shares->sizes[what], percent[what]);
}

int shares_open(const struct share_ops *ops, const uint32_t sizes[static N_SHARES],
		const struct share_percents *percents, struct shares **ret)
{
	struct shares *shares = calloc(1, sizeof(*shares));

	if (!shares)
		return -ENOMEM;
	shares->ops = *ops;
	shares->ledger.ops = &shares->ops;
	random_fill(shares->ledger.hash_key, sizeof(shares->ledger.hash_key));
	memcpy(shares->sizes, sizes, sizeof(shares->sizes));
	set_limits(shares, percents);
	*ret = shares;
	return 0;
}

static bool has_waiting(const struct share_user *user)
{
	for (enum share what = 0; what < N_SHARES; what++) {
		if (user->waiting[what])
			return true;
	}
	return false;
}

static void set_ready(struct shares *shares, struct share_user *user)
{
	if (user->is_ready || !has_waiting(user))
		return;
	user->is_ready = true;
	DL_APPEND(shares->ready, user);
}

static void clear_ready(struct shares *shares, struct share_user *user)
{
	if (!user->is_ready)
		return;
	user->is_ready = false;
	DL_DELETE(shares->ready, user);
}

static void enqueue(struct shares *shares, struct share_flow *flow, enum share what)
{
	flow->waits_for = what;
	DL_APPEND(flow->user->waiting[what], flow);
	shares->n_waiting[what]++;
}

static void defer(struct shares *shares, struct share_flow *flow)
{
	flow->waits_for = SHARE_OF_NONE;
	DL_APPEND(shares->deferred, flow);
	shares->n_deferred++;
}

static void dequeue(struct shares *shares, struct share_flow *flow)
{
	const enum share what = flow->waits_for;

	if (what == SHARE_OF_NONE) {
		DL_DELETE(shares->deferred, flow);
		shares->n_deferred--;
	} else {
		DL_DELETE(flow->user->waiting[what], flow);
		shares->n_waiting[what]--;
	}
	flow->waits_for = N_SHARES;
}

static void give_back(struct shares *shares, struct share_flow *flow)
{
	share_ledger_return(&shares->ledger, flow->user, &flow->binding, flow->hops);
	set_ready(shares, flow->user);
}

/* Those who would list it next go on behind it. */
static void leave_walks(const struct shares *shares, const struct share_flow *flow)
{
	struct shares_walk *walk;

	DL_FOREACH(shares->walks, walk)
		if (walk->at == flow)
			walk->at = flow->hh.next;
}

/* Of a flow that neither waits nor has a part of the shares. */
static void forget(struct shares *shares, struct share_flow *flow)
{
	struct share_user *user = flow->user;

	leave_walks(shares, flow);
	HASH_DELETE(hh, shares->flows, flow);
	free(flow);
	if (--user->n_flows == 0)
		clear_ready(shares, user);
	share_ledger_drop(&shares->ledger, user);
}

void shares_close(struct shares *shares)
{
	struct share_flow *flow, *next;

	if (!shares)
		return;
	HASH_ITER(hh, shares->flows, flow, next) {
		if (flow->waits_for != N_SHARES)
			dequeue(shares, flow);
		else
			give_back(shares, flow);
		forget(shares, flow);
	}
	free(shares);
}

void shares_set(struct shares *shares, const struct share_percents *percents)
{
	struct share_user *user;

	set_limits(shares, percents);
	for (user = shares->ledger.users; user; user = user->hh.next)
		set_ready(shares, user);
}

/* Where a binding is in @flows, or would be: a hash that is computed once. */
struct place {
	struct flow_key key;
	unsigned int hash;
};

static struct place place_of(const struct shares *shares, const struct turnpike_binding *binding)
{
	struct place place = { .key = { binding->client, binding->server, binding->xor_peer,
					binding->channel } };

	place.hash = share_ledger_hash(&shares->ledger, &place.key, sizeof(place.key));
	return place;
}

static struct share_flow *find_flow(const struct shares *shares, const struct place *place)
{
	struct share_flow *flow;

	HASH_FIND_BYHASHVALUE(hh, shares->flows, &place->key, sizeof(place->key), place->hash,
			      flow);
	return flow;
}

static struct share_flow *new_flow(struct shares *shares, struct share_user *user,
				   const struct place *place)
{
	struct share_flow *flow = calloc(1, sizeof(*flow));

	if (!flow)
		return NULL;
	flow->serial = shares->n_made++;
	flow->key = place->key;
	flow->user = user;
	flow->waits_for = N_SHARES;
	HASH_ADD_BYHASHVALUE(hh, shares->flows, key, sizeof(flow->key), place->hash, flow);
	if (flow->hh.tbl) {
		user->n_flows++;
		return flow;
	}
	free(flow);
	return NULL;
}

/* Binds a flow that has its part of the shares, or changes it. If that fails, the flow is gone. */
static int bind(struct shares *shares, struct share_flow *flow,
		const struct turnpike_binding *binding)
{
	const int err = shares->ops.bind(shares->ops.arg, binding);

	if (err) {
		give_back(shares, flow);
		forget(shares, flow);
		return err;
	}
	flow->binding = *binding;
	return 0;
}

static int claim(struct shares *shares, struct share_flow *flow, enum share *ret)
{
	return share_ledger_claim(&shares->ledger, flow->user, &flow->binding, flow->hops, ret);
}

/* Binds a flow that has nothing yet, or lets it wait for a share. */
static int bind_first(struct shares *shares, struct share_flow *flow)
{
	const struct turnpike_binding binding = flow->binding;
	enum share missing;

	if (claim(shares, flow, &missing)) {
		forget(shares, flow);
		return -ENOMEM;
	}
	if (missing == N_SHARES)
		return bind(shares, flow, &binding);
	enqueue(shares, flow, missing);
	shares->n_refused[missing]++;
	return -EDQUOT;
}

static int bind_new(struct shares *shares, struct share_user *user, const struct place *place,
		    const struct turnpike_binding *binding)
{
	struct share_flow *flow = new_flow(shares, user, place);

	if (!flow)
		return -ENOMEM;
	flow->binding = *binding;
	/* What came before goes first. */
	if (!shares->is_idle && !shares->deferred)
		return bind_first(shares, flow);
	defer(shares, flow);
	return 0;
}

/* One for which there is still no share keeps its place, unless it now lacks something else. */
static int bind_waiting(struct shares *shares, struct share_flow *flow)
{
	const struct turnpike_binding binding = flow->binding;
	enum share missing;

	if (claim(shares, flow, &missing) || missing == flow->waits_for)
		return -EDQUOT;
	dequeue(shares, flow);
	if (missing == N_SHARES)
		return bind(shares, flow, &binding);
	enqueue(shares, flow, missing);
	return -EDQUOT;
}

int shares_bind(struct shares *shares, const char *user, const struct turnpike_binding *binding)
{
	const struct place place = place_of(shares, binding);
	struct share_flow *flow = find_flow(shares, &place);
	struct share_user *owner;
	int err;

	if (flow && flow->waits_for == N_SHARES)
		return bind(shares, flow, binding);
	if (flow) {
		flow->binding = *binding;
		return flow->waits_for == SHARE_OF_NONE ? 0 : bind_waiting(shares, flow);
	}
	owner = share_ledger_user(&shares->ledger, user);
	if (!owner)
		return -ENOMEM;
	owner->n_flows++; /* keep it */
	err = bind_new(shares, owner, &place, binding);
	owner->n_flows--;
	share_ledger_drop(&shares->ledger, owner);
	return err;
}

void shares_unbind(struct shares *shares, const struct turnpike_binding *binding)
{
	const struct place place = place_of(shares, binding);
	struct share_flow *flow = find_flow(shares, &place);

	if (!flow)
		return;
	if (flow->waits_for != N_SHARES) {
		dequeue(shares, flow);
	} else {
		shares->ops.unbind(shares->ops.arg, &flow->binding);
		give_back(shares, flow);
	}
	forget(shares, flow);
}

int shares_waits_for(const struct shares *shares, const struct turnpike_binding *binding)
{
	const struct place place = place_of(shares, binding);
	const struct share_flow *flow = find_flow(shares, &place);

	return flow ? (int)flow->waits_for : -ENOENT;
}

void shares_set_idle(struct shares *shares, bool is_idle)
{
	shares->is_idle = is_idle;
}

uint32_t shares_deferred(const struct shares *shares)
{
	return shares->n_deferred;
}

bool shares_due(const struct shares *shares)
{
	return shares->ready || (shares->deferred && !shares->is_idle);
}

/* Binds those that have waited for a device. Returns how many tries are left. */
static unsigned int serve_deferred(struct shares *shares, unsigned int max)
{
	struct share_flow *first;

	for (; shares->deferred && !shares->is_idle && max; max--) {
		first = shares->deferred;
		dequeue(shares, first);
		bind_first(shares, first);
	}
	return max;
}

/*
 * Tries the first of each queue until one stays, so that those behind it cost nothing. Returns how
 * many tries are left.
 */
static unsigned int serve_user(struct shares *shares, struct share_user *user, unsigned int max)
{
	struct share_flow *first;

	for (enum share what = 0; what < N_SHARES; what++) {
		while (user->waiting[what] && max) {
			first = user->waiting[what];
			max--;
			if (bind_waiting(shares, first) == -EDQUOT && first->waits_for == what)
				break;
		}
	}
	return max;
}

void shares_serve(struct shares *shares, unsigned int max)
{
	struct share_user *user;

	max = serve_deferred(shares, max);
	while (max && shares->ready) {
		user = shares->ready;
		user->n_flows++; /* keep it */
		max = serve_user(shares, user, max);
		user->n_flows--;
		clear_ready(shares, user);
		/* Who may have more to try takes the next turn after all others. */
		if (!max)
			set_ready(shares, user);
		share_ledger_drop(&shares->ledger, user);
	}
}

struct share_use shares_use(const struct shares *shares, enum share what)
{
	struct share_use use = { .size = shares->sizes[what],
				 .limit = shares->ledger.limits[what],
				 .waiting = shares->n_waiting[what],
				 .refused = shares->n_refused[what] };
	const struct share_user *user;

	if (use.limit > use.size)
		use.limit = use.size;
	for (user = shares->ledger.users; user; user = user->hh.next) {
		use.used += user->used[what];
		if (user->used[what] > use.most)
			use.most = user->used[what];
	}
	return use;
}

void shares_walk_begin(struct shares *shares, struct shares_walk *walk)
{
	walk->at = shares->flows;
	walk->end = shares->n_made;
	DL_APPEND(shares->walks, walk);
}

void shares_walk_end(struct shares *shares, struct shares_walk *walk)
{
	DL_DELETE(shares->walks, walk);
}

int shares_walk_next(struct shares_walk *walk, uint32_t n,
		     int (*fn)(const struct turnpike_binding *binding, enum share what, void *arg),
		     void *arg)
{
	const struct share_flow *flow;
	int err;

	while (walk->at && walk->at->serial < walk->end) {
		if (n-- == 0)
			return 1;
		flow = walk->at;
		walk->at = flow->hh.next;
		err = flow->waits_for == N_SHARES ? 0 : fn(&flow->binding, flow->waits_for, arg);
		if (err)
			return err;
	}
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is in use, and lists of it. */
#include <errno.h>
#include <stdlib.h>

#include "datapath/handle.h"

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

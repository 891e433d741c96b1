/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Opening and closing, and what the library reports. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "datapath/handle.h"
#include "private/array_len.h"

static void on_library_event(evutil_socket_t fd, short what, void *arg)
{
	struct datapath *datapath = arg;

	(void)fd;
	(void)what;
	pthread_mutex_lock(&datapath->lock);
	if (turnpike_poll(datapath->tp))
		log_at(LOG_WARNING, "%s", turnpike_error(datapath->tp));
	pthread_mutex_unlock(&datapath->lock);
	modes_update(datapath);
}

static int watch(struct datapath *datapath, struct event_base *base)
{
	static const struct timeval second = { .tv_sec = 1 };

	turnpike_on_change(datapath->tp, modes_log_change, NULL);
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

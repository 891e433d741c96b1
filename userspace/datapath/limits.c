/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/clock.h"
#include "datapath/level.h"
#include "datapath/limits.h"
#include "private/hash.h"

struct limit {
	struct level level;
	struct user *user;
	struct limit *prev, *next;
};

/**
 * struct user - one that has allocations, or has given back the last one and rests
 * @bytes:   above its allocations
 * @packets: above @bytes
 * @left:    the least that an allocation which was given back had left; never open
 * @list:    the limits of its allocations
 * @prev, @next: users at rest
 * @hh:      all users
 *
 * A user at rest uses no policers. It is forgotten when its buckets are full again: until then, a
 * new allocation goes on with them.
 */
struct user {
	struct level bytes;
	struct level packets;
	struct level left;
	struct limit *list;
	struct user *prev, *next;
	UT_hash_handle hh;
	char name[];
};

/** struct limits - @resting: users at rest, who has rested longest first; @n_resting: their number
 */
struct limits {
	struct turnpike *tp;
	struct limits_rates rates;
	struct level total;
	struct user *users;
	struct user *resting;
	size_t n_resting;
};

int limits_open(struct turnpike *tp, const struct limits_rates *rates, struct limits **ret)
{
	struct limits *limits = calloc(1, sizeof(*limits));
	int err;

	if (!limits)
		return -ENOMEM;
	limits->tp = tp;
	limits->rates = *rates;
	level_init(&limits->total, TURNPIKE_POLICER_BYTES, rates->total);
	err = level_open(&limits->total, tp, NULL);
	if (err) {
		free(limits);
		return err;
	}
	*ret = limits;
	return 0;
}

/* A user without allocations. */
static void user_forget(struct limits *limits, struct user *user)
{
	HASH_DELETE(hh, limits->users, user);
	DL_DELETE(limits->resting, user);
	limits->n_resting--;
	free(user);
}

void limits_close(struct limits *limits)
{
	if (!limits)
		return;
	while (limits->resting)
		user_forget(limits, limits->resting);
	level_close(&limits->total);
	free(limits);
}

/* A level whose rate is unchanged is left alone. */
static void set_if_changed(struct level *level, uint64_t rate)
{
	if (rate != level->rate)
		level_set(level, rate);
}

static void set_user_rates(struct user *user, const struct limits_rates *rates)
{
	struct limit *limit;

	set_if_changed(&user->bytes, rates->user);
	set_if_changed(&user->packets, rates->user_packets);
	set_if_changed(&user->left, rates->allocation);
	DL_FOREACH(user->list, limit)
		set_if_changed(&limit->level, rates->allocation);
}

void limits_set_rates(struct limits *limits, const struct limits_rates *rates)
{
	struct user *user, *next;

	limits->rates = *rates;
	set_if_changed(&limits->total, rates->total);
	HASH_ITER(hh, limits->users, user, next)
		set_user_rates(user, rates);
}

const struct limits_rates *limits_rates(const struct limits *limits)
{
	return &limits->rates;
}

static bool is_full(const struct user *user, uint64_t now)
{
	return level_full(&user->bytes) <= now && level_full(&user->packets) <= now &&
	       level_full(&user->left) <= now;
}

/*
 * Forget users at rest whose buckets are full again. Beyond the bound, who has rested longest is
 * forgotten as well: no user is refused because of others, and its buckets lack the least.
 */
static void forget_rested(struct limits *limits)
{
	const uint64_t now = clock_now();

	while (limits->resting &&
	       (limits->n_resting > LIMITS_RESTING_MAX || is_full(limits->resting, now)))
		user_forget(limits, limits->resting);
}

/* The last allocation is gone. */
static void user_rest(struct limits *limits, struct user *user)
{
	level_close(&user->bytes);
	level_close(&user->packets);
	DL_APPEND(limits->resting, user);
	limits->n_resting++;
}

static int user_wake(struct limits *limits, struct user *user)
{
	int err = level_open(&user->packets, limits->tp, &limits->total);

	if (err)
		return err;
	err = level_open(&user->bytes, limits->tp, &user->packets);
	if (err) {
		level_close(&user->packets);
		return err;
	}
	DL_DELETE(limits->resting, user);
	limits->n_resting--;
	return 0;
}

/* As if it rested. */
static struct user *user_new(struct limits *limits, const char *name)
{
	const struct limits_rates *rates = &limits->rates;
	const size_t size = strlen(name) + 1;
	struct user *user = calloc(1, sizeof(*user) + size);

	if (!user)
		return NULL;
	memcpy(user->name, name, size);
	level_init(&user->bytes, TURNPIKE_POLICER_BYTES, rates->user);
	level_init(&user->packets, TURNPIKE_POLICER_PACKETS, rates->user_packets);
	level_init(&user->left, TURNPIKE_POLICER_BYTES, rates->allocation);
	HASH_ADD_STR(limits->users, name, user);
	if (!user->hh.tbl) {
		free(user);
		return NULL;
	}
	DL_APPEND(limits->resting, user);
	limits->n_resting++;
	return user;
}

static int user_get(struct limits *limits, const char *name, struct user **ret)
{
	struct user *user;
	int err;

	HASH_FIND_STR(limits->users, name, user);
	if (!user)
		user = user_new(limits, name);
	if (!user)
		return -ENOMEM;
	err = user->list ? 0 : user_wake(limits, user);
	if (!err)
		*ret = user;
	return err;
}

static int limit_open(struct limits *limits, struct user *user, struct limit **ret)
{
	struct limit *limit = calloc(1, sizeof(*limit));
	int err;

	if (!limit)
		return -ENOMEM;
	limit->level = user->left;
	err = level_open(&limit->level, limits->tp, &user->bytes);
	if (err) {
		free(limit);
		return err;
	}
	limit->user = user;
	DL_APPEND(user->list, limit);
	*ret = limit;
	return 0;
}

static bool are_none(const struct limits_rates *rates)
{
	return !rates->allocation && !rates->user && !rates->user_packets && !rates->total;
}

int limits_new(struct limits *limits, const char *account, struct limit **ret)
{
	struct user *user;
	int err;

	if (are_none(&limits->rates)) {
		*ret = NULL;
		return 0;
	}
	err = user_get(limits, account, &user);
	if (!err) {
		err = limit_open(limits, user, ret);
		if (!user->list)
			user_rest(limits, user);
	}
	forget_rested(limits);
	return err;
}

void limits_free(struct limits *limits, struct limit *limit)
{
	struct user *user;

	if (!limit)
		return;
	user = limit->user;
	DL_DELETE(user->list, limit);
	level_close(&limit->level);
	level_join(&user->left, &limit->level);
	free(limit);
	if (!user->list)
		user_rest(limits, user);
	forget_rested(limits);
}

bool limits_charge(struct limit *limit, enum turn_direction direction, size_t len)
{
	return level_charge(&limit->level, direction, (uint32_t)len);
}

uint32_t limits_policer(const struct limit *limit, enum turn_direction direction)
{
	return limit ? limit->level.policers[direction] : 0;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

#include "base/clock.h"
#include "datapath/limits.h"

#define DIRECTIONS 2

/** struct level - one token bucket per direction, and the next level or NULL */
struct level {
	struct turnpike *tp; /* NULL: @buckets are used */
	struct level *above;
	uint32_t policers[DIRECTIONS]; /* of @tp */
	struct turnpike_policer buckets[DIRECTIONS];
};

struct limit {
	struct level level;
	struct user *user;
	struct limit *prev, *next;
};

/** struct user - freed with the last allocation of the user */
struct user {
	struct level level;
	struct limit *list;
	UT_hash_handle hh;
	char name[];
};

struct limits {
	struct turnpike *tp;
	struct limits_rates rates;
	struct level total;
	struct user *users;
};

static void level_close(struct level *level)
{
	for (size_t i = 0; i < DIRECTIONS; i++) {
		if (level->policers[i])
			turnpike_policer_free(level->tp, level->policers[i]);
	}
}

/* A level without a limit has buckets as well, so that a reload can set one under traffic. */
static int level_open(struct level *level, struct turnpike *tp, struct level *above, uint64_t rate)
{
	int err = 0;

	*level = (struct level){ .tp = tp, .above = above };
	for (size_t i = 0; i < DIRECTIONS && !err; i++) {
		TURNPIKE_OPTS(turnpike_policer_opts, opts, .rate = rate,
			      .parent = above ? above->policers[i] : 0);

		level->buckets[i] = turnpike_policer_make(rate, 0);
		if (tp)
			err = turnpike_policer_new(tp, &opts, &level->policers[i]);
	}
	if (err)
		level_close(level);
	return err;
}

static void level_set(struct level *level, uint64_t rate)
{
	for (size_t i = 0; i < DIRECTIONS; i++) {
		turnpike_policer_change(&level->buckets[i], rate, 0);
		if (level->tp)
			turnpike_policer_set(level->tp, level->policers[i], rate, 0);
	}
}

int limits_open(struct turnpike *tp, const struct limits_rates *rates, struct limits **ret)
{
	struct limits *limits = calloc(1, sizeof(*limits));
	int err;

	if (!limits)
		return -ENOMEM;
	limits->tp = tp;
	limits->rates = *rates;
	err = level_open(&limits->total, tp, NULL, rates->total);
	if (err) {
		free(limits);
		return err;
	}
	*ret = limits;
	return 0;
}

void limits_close(struct limits *limits)
{
	if (!limits)
		return;
	level_close(&limits->total);
	free(limits);
}

/* A level whose rate is unchanged keeps its tokens. */
void limits_set_rates(struct limits *limits, const struct limits_rates *rates)
{
	const struct limits_rates before = limits->rates;
	struct user *user, *next;
	struct limit *limit;

	limits->rates = *rates;
	if (rates->total != before.total)
		level_set(&limits->total, rates->total);
	HASH_ITER(hh, limits->users, user, next) {
		if (rates->user != before.user)
			level_set(&user->level, rates->user);
		if (rates->allocation == before.allocation)
			continue;
		DL_FOREACH(user->list, limit)
			level_set(&limit->level, rates->allocation);
	}
}

const struct limits_rates *limits_rates(const struct limits *limits)
{
	return &limits->rates;
}

static void user_close(struct limits *limits, struct user *user)
{
	HASH_DELETE(hh, limits->users, user);
	level_close(&user->level);
	free(user);
}

static int user_open(struct limits *limits, const char *name, struct user **ret)
{
	const size_t size = strlen(name) + 1;
	struct user *user = calloc(1, sizeof(*user) + size);
	int err;

	if (!user)
		return -ENOMEM;
	memcpy(user->name, name, size);
	err = level_open(&user->level, limits->tp, &limits->total, limits->rates.user);
	if (err) {
		free(user);
		return err;
	}
	HASH_ADD_STR(limits->users, name, user);
	if (!user->hh.tbl) {
		level_close(&user->level);
		free(user);
		return -ENOMEM;
	}
	*ret = user;
	return 0;
}

static int user_get(struct limits *limits, const char *name, struct user **ret)
{
	struct user *user;

	HASH_FIND_STR(limits->users, name, user);
	if (!user)
		return user_open(limits, name, ret);
	*ret = user;
	return 0;
}

static int limit_open(struct limits *limits, struct user *user, struct limit **ret)
{
	struct limit *limit = calloc(1, sizeof(*limit));
	int err;

	if (!limit)
		return -ENOMEM;
	err = level_open(&limit->level, limits->tp, &user->level, limits->rates.allocation);
	if (err) {
		free(limit);
		return err;
	}
	limit->user = user;
	DL_APPEND(user->list, limit);
	*ret = limit;
	return 0;
}

int limits_new(struct limits *limits, const char *account, struct limit **ret)
{
	const struct limits_rates *rates = &limits->rates;
	struct user *user;
	int err;

	if (!rates->allocation && !rates->user && !rates->total) {
		*ret = NULL;
		return 0;
	}
	err = user_get(limits, account, &user);
	if (err)
		return err;
	err = limit_open(limits, user, ret);
	if (!user->list)
		user_close(limits, user);
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
	free(limit);
	if (!user->list)
		user_close(limits, user);
}

static bool charge_buckets(struct level *lowest, enum turn_direction direction, uint32_t bytes)
{
	struct level *user = lowest->above, *total = user->above;
	struct turnpike_policer *const levels[TURNPIKE_POLICER_LEVELS] = {
		&lowest->buckets[direction],
		&user->buckets[direction],
		&total->buckets[direction],
	};

	return turnpike_policers_charge(levels, clock_now(), bytes);
}

bool limits_charge(struct limit *limit, enum turn_direction direction, size_t len)
{
	struct level *level = &limit->level;

	if (level->tp)
		return !turnpike_police(level->tp, level->policers[direction], (__u32)len);
	return charge_buckets(level, direction, (uint32_t)len);
}

uint32_t limits_policer(const struct limit *limit, enum turn_direction direction)
{
	return limit ? limit->level.policers[direction] : 0;
}

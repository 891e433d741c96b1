/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/clock.h"
#include "datapath/level.h"

void level_init(struct level *level, enum turnpike_policer_unit unit, uint64_t rate)
{
	*level = (struct level){ .rate = rate };
	for (size_t i = 0; i < LEVEL_DIRECTIONS; i++)
		level->buckets[i] = turnpike_policer_make(unit, rate, 0);
}

static int open_policer(struct level *level, size_t i)
{
	TURNPIKE_OPTS(turnpike_policer_opts, opts, .rate = level->rate,
		      .parent = level->above ? level->above->policers[i] : 0,
		      .unit = level->buckets[i].unit, .full = level->buckets[i].full);

	return turnpike_policer_new(level->tp, &opts, &level->policers[i]);
}

/* A level without a limit has policers as well, so that a reload can set one under traffic. */
int level_open(struct level *level, struct turnpike *tp, struct level *above)
{
	int err = 0;

	level->tp = tp;
	level->above = above;
	for (size_t i = 0; tp && i < LEVEL_DIRECTIONS && !err; i++)
		err = open_policer(level, i);
	if (err)
		level_close(level);
	return err;
}

void level_close(struct level *level)
{
	for (size_t i = 0; i < LEVEL_DIRECTIONS; i++) {
		if (!level->policers[i])
			continue;
		level->buckets[i].full = turnpike_policer_full(level->tp, level->policers[i]);
		turnpike_policer_free(level->tp, level->policers[i]);
		level->policers[i] = 0;
	}
}

void level_set(struct level *level, uint64_t rate)
{
	level->rate = rate;
	for (size_t i = 0; i < LEVEL_DIRECTIONS; i++) {
		turnpike_policer_change(&level->buckets[i], clock_now(), rate, 0);
		if (level->policers[i])
			turnpike_policer_set(level->tp, level->policers[i], rate, 0);
	}
}

void level_join(struct level *level, const struct level *other)
{
	for (size_t i = 0; i < LEVEL_DIRECTIONS; i++) {
		if (level->buckets[i].full < other->buckets[i].full)
			level->buckets[i].full = other->buckets[i].full;
	}
}

uint64_t level_full(const struct level *level)
{
	uint64_t full = 0;

	for (size_t i = 0; i < LEVEL_DIRECTIONS; i++) {
		if (full < level->buckets[i].full)
			full = level->buckets[i].full;
	}
	return full;
}

static bool charge_buckets(struct level *level, enum turn_direction direction, uint32_t bytes)
{
	struct turnpike_policer *levels[TURNPIKE_POLICER_LEVELS] = { 0 };

	for (size_t i = 0; i < TURNPIKE_POLICER_LEVELS && level; i++, level = level->above)
		levels[i] = &level->buckets[direction];
	return turnpike_policers_charge(levels, clock_now(), bytes);
}

bool level_charge(struct level *level, enum turn_direction direction, uint32_t bytes)
{
	if (level->tp)
		return !turnpike_police(level->tp, level->policers[direction], bytes);
	return charge_buckets(level, direction, bytes);
}

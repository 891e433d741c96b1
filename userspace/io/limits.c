/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>

#include "io/clock.h"
#include "io/limits.h"

#define DIRECTIONS 2

struct limits {
	struct turnpike *tp;        /* NULL: @own are charged */
	__u32 policers[DIRECTIONS]; /* of @tp; 0: none */
	struct turnpike_policer own[DIRECTIONS];
};

int limits_new(struct turnpike *tp, uint64_t rate, struct limits **ret)
{
	struct limits *limits = calloc(1, sizeof(*limits));
	int err = 0;

	if (!limits)
		return -ENOMEM;
	limits->tp = tp;
	for (size_t i = 0; i < DIRECTIONS && !err; i++) {
		limits->own[i] = turnpike_policer_make(rate, 0);
		if (tp)
			err = turnpike_policer_new(tp, rate, 0, &limits->policers[i]);
	}
	if (err) {
		limits_free(limits);
		return err;
	}
	*ret = limits;
	return 0;
}

void limits_free(struct limits *limits)
{
	if (!limits)
		return;
	for (size_t i = 0; i < DIRECTIONS; i++) {
		if (limits->policers[i])
			turnpike_policer_free(limits->tp, limits->policers[i]);
	}
	free(limits);
}

bool limits_charge(struct limits *limits, enum turn_direction direction, size_t len)
{
	if (limits->tp)
		return turnpike_police(limits->tp, limits->policers[direction], (__u32)len) == 0;
	return turnpike_policer_charge(&limits->own[direction], clock_now(), (__u32)len);
}

uint32_t limits_policer(const struct limits *limits, enum turn_direction direction)
{
	return limits ? limits->policers[direction] : 0;
}

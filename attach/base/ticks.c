/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/ticks.h"

#include <time.h>

#include "base/call.h"
#include "base/loader.h"
#include "base/map_set.h"

/* Jiffies must be read between two ticks; a tick takes 1 ms at least, the reading a few us. */
#define TRIES 8

static __u64 to_ns(struct timespec time)
{
	return (__u64)time.tv_sec * 1000000000u + (__u64)time.tv_nsec;
}

/* CLOCK_MONOTONIC at the last tick. */
static __u64 last_tick(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return to_ns(now);
}

__u64 ticks_ns(void)
{
	struct timespec resolution;

	clock_getres(CLOCK_MONOTONIC_COARSE, &resolution);
	return to_ns(resolution);
}

int ticks_read_zero(const struct maps *maps, __u64 *ret)
{
	const struct bpf_program *read_jiffies = maps->skeleton->progs.read_jiffies;
	__u64 jiffies = 0, before;
	int err, tries = 0;

	do {
		before = last_tick();
		err = call_program(read_jiffies, &jiffies, sizeof(jiffies));
		if (err)
			return err;
	} while (last_tick() != before && ++tries < TRIES);
	*ret = before - jiffies * ticks_ns();
	return 0;
}

void ticks_set_zero(const struct maps *maps, __u64 zero)
{
	int i;

	for (i = 0; i < TURNPIKE_SLOTS; i++) {
		maps->devices[i].tick_zero = zero;
		maps->devices[i].check_zero = zero + maps->check_offset;
	}
}

/* The longest life of a confirmation is 2.5 intervals; samples live for 2 s: steps/confirm.h. */
void check_clock_advance(struct maps *maps)
{
	const __u64 step = 4 * maps->confirm_ns + 4000000000u;
	int i;

	maps->check_offset += step;
	for (i = 0; i < TURNPIKE_SLOTS; i++)
		__atomic_store_n(&maps->devices[i].check_zero, maps->devices[i].check_zero + step,
				 __ATOMIC_RELAXED);
}

__u64 check_clock_now(const struct maps *maps)
{
	return last_tick() + maps->check_offset;
}

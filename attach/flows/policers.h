/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Limits that flows share, by their index in the map policers.
 */
#ifndef TURNPIKE_ATTACH_FLOWS_POLICERS_H
#define TURNPIKE_ATTACH_FLOWS_POLICERS_H

#include <linux/types.h>

#include <turnpike/policer.h>

/** Begin with all zero. */
struct policers {
	struct turnpike_policer *map; /* lent */
	__u32 max;
	__u32 *free; /* a stack of the numbers that are free; 0 is never used */
	__u32 n_free;
};

/** policers_open() - @map is mapped memory with @max elements. 0 or -ENOMEM. */
int policers_open(struct policers *policers, struct turnpike_policer *map, __u32 max);

void policers_close(struct policers *policers);

/** The public functions of the same names, see turnpike.h. */
int policers_new(struct policers *policers, __u64 rate, __u64 burst, __u32 parent, __u32 *ret);
int policers_set(struct policers *policers, __u32 index, __u64 rate, __u64 burst);
void policers_free(struct policers *policers, __u32 index);
int policers_charge(struct policers *policers, __u32 index, __u32 bytes);

#endif /* TURNPIKE_ATTACH_FLOWS_POLICERS_H */

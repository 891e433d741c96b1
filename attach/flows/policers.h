/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Allocates elements of the map policers. A policer's number is its index.
 */
#ifndef TURNPIKE_ATTACH_FLOWS_POLICERS_H
#define TURNPIKE_ATTACH_FLOWS_POLICERS_H

#include <linux/types.h>

#include <turnpike/turnpike.h>

/**
 * struct policers - begin with all zero
 * @map:  mapped memory of the caller
 * @max:  number of its elements
 * @free: stack of @n_free free numbers; the first TURNPIKE_RESERVED_POLICERS are not
 */
struct policers {
	struct turnpike_policer *map;
	__u32 max;
	__u32 *free;
	__u32 n_free;
};

/** policers_open() - manage @max elements of @map. Return: 0, or -ENOMEM. */
int policers_open(struct policers *policers, struct turnpike_policer *map, __u32 max);

void policers_close(struct policers *policers);

/** policers_size(), policers_used() - see turnpike_table_size() */
__u32 policers_size(const struct policers *policers);
__u32 policers_used(const struct policers *policers);

/** See turnpike_policer_new(), _set(), _full(), _free(), and turnpike_police(). */
int policers_new(struct policers *policers, const struct turnpike_policer_opts *opts, __u32 *ret);
int policers_set(struct policers *policers, __u32 index, __u64 rate, __u64 burst);
__u64 policers_full(const struct policers *policers, __u32 index);
void policers_free(struct policers *policers, __u32 index);
int policers_charge(struct policers *policers, __u32 index, __u32 bytes);

#endif /* TURNPIKE_ATTACH_FLOWS_POLICERS_H */

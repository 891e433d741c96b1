/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file runs.h
 * Runs of many vectors through the open testbed. All return how many have failed.
 */
#ifndef TURNPIKE_TESTS_PACKETS_RUNS_H
#define TURNPIKE_TESTS_PACKETS_RUNS_H

#include "tables.h"

extern struct testbed *opened;

#define DIRECTIONS 3
extern const enum turnpike_direction directions[DIRECTIONS];

/** run_table() - run each vector, of which at least one is for the testbed */
int run_table(const struct table *table);

/** run_poisoned() - the same with garbage around the frames */
int run_poisoned(const struct table *table);

/** run_reframed() - the same with indications instead of channels */
int run_reframed(const struct table *table);

/** run_other_relays() - run the hairpins of a table with relayed addresses of the other family */
int run_other_relays(const struct table *table);

/** run_lengths() - run @like in all directions that can have its framings, and in many lengths */
int run_lengths(const struct vector *like, __u16 shortest);

/** run_truncated() - run packets of a flow, truncated to every length that is an Ethernet frame */
int run_truncated(enum turnpike_direction direction, struct framings which);

#endif /* TURNPIKE_TESTS_PACKETS_RUNS_H */

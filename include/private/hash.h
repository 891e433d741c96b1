/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * uthash, as all components use it.
 */
#ifndef TURNPIKE_PRIVATE_HASH_H
#define TURNPIKE_PRIVATE_HASH_H

/** An insertion that runs out of memory leaves hh.tbl NULL. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

/**
 * A table doubles when one of its chains reaches this length. With uthash's own 10, a table of
 * 10,000 elements has two or three in each chain, and whoever looks for what is not there waits
 * for the memory of all of them. With 5 there are fewer elements than chains, at 16 bytes a chain.
 */
#undef HASH_BKT_CAPACITY_THRESH
#define HASH_BKT_CAPACITY_THRESH 5U

#endif /* TURNPIKE_PRIVATE_HASH_H */

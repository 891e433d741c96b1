/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file tables.h
 * The vectors that are not made by counting lengths up, by what they are about.
 */
#ifndef TURNPIKE_TEST_TABLES_H
#define TURNPIKE_TEST_TABLES_H

#include "vector.h"

struct table {
	const struct vector *vectors;
	size_t len;
};

extern const struct table relayed_fields;   /* what is kept and what is not */
extern const struct table relayed_checksum; /* of UDP, whole, partial, absent and wrong */
extern const struct table relayed_hops;     /* which way out, and what keeps it shut */
extern const struct table made_room;        /* frames with little or no room around them */
extern const struct table passed_foreign;   /* never ours */
extern const struct table passed_broken;    /* ours, but not in order */
extern const struct table passed_late;      /* in order, but there is no flow, or not now */

#endif /* TURNPIKE_TEST_TABLES_H */

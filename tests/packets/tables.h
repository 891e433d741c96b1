/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file tables.h
 * Tables of vectors, by subject.
 */
#ifndef TURNPIKE_TESTS_PACKETS_TABLES_H
#define TURNPIKE_TESTS_PACKETS_TABLES_H

#include "vector.h"

struct table {
	const struct vector *vectors;
	size_t len;
};

extern const struct table relayed_fields;     /* header fields that are kept or set */
extern const struct table relayed_checksum;   /* full, partial, absent and wrong UDP checksums */
extern const struct table relayed_egress;     /* next hops, VLANs and MTUs */
extern const struct table made_room;          /* frames with little or no room */
extern const struct table passed_foreign;     /* packets that are not for the relay */
extern const struct table passed_broken;      /* invalid or unsupported packets for the relay */
extern const struct table passed_unconfirmed; /* flows that are not confirmed */
extern const struct table passed_checked;     /* confirmed flows, of which some are checked */
extern const struct table passed_late;        /* valid packets without a flow, or refused by it */

/* Where a client sends or gets indications. */
extern const struct table relayed_sends;         /* in all forms that clients send */
extern const struct table passed_unusual;        /* in other forms, or without a flow */
extern const struct table relayed_indications;   /* next hops, VLANs and MTUs */
extern const struct table made_room_indications; /* frames with little or no room */

#endif /* TURNPIKE_TESTS_PACKETS_TABLES_H */

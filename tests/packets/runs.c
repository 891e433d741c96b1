/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "private/array_len.h"
#include "runs.h"

/* From this length on, IPv4 data needs DF to be relayed as a Data indication over IPv6. */
#define MAY_NEED_DF (1280 - 40 - 8 - 48)

/* All residues of 4 and 32, the step sizes of the programs' loops, and typical packets. */
static const __u16 lengths[] = { 0,   1,   2,   3,   4,   5,   6,   7,    8,    9,    10,   11,
				 12,  13,  14,  15,  16,  17,  18,  19,   20,   21,   22,   23,
				 24,  25,  26,  27,  28,  29,  30,  31,   32,   33,   34,   35,
				 36,  37,  63,  64,  65,  66,  95,  96,   97,   98,   99,   127,
				 128, 129, 160, 161, 162, 163, 172, 1199, 1200, 1201, 1399, 1400 };

const enum turnpike_direction directions[DIRECTIONS] = { TURNPIKE_DIR_TO_PEER,
							 TURNPIKE_DIR_TO_CLIENT,
							 TURNPIKE_DIR_HAIRPIN };

struct testbed *opened;

int run_table(const struct table *table)
{
	const int before = vector_count();
	int failed = 0;
	size_t i;

	for (i = 0; i < table->len; i++)
		failed += vector_run(opened, &table->vectors[i]);
	assert_true(vector_count() > before);
	return failed;
}

int run_poisoned(const struct table *table)
{
	struct vector vector;
	int failed = 0;
	size_t i;

	for (i = 0; i < table->len; i++) {
		vector = table->vectors[i];
		vector.room = ROOM_POISONED;
		failed += vector_run(opened, &vector);
	}
	return failed;
}

/* No data gives the checksum of a Data indication a value, because its transaction ID is random. */
static bool can_reframe(const struct vector *vector, struct framings which)
{
	return vector_may_have(vector->flow, which) &&
	       !(which.out == FRAMING_INDICATION && vector->craft == CRAFT_OUT_ONES);
}

static struct vector reframe(const struct vector *like, struct framings which)
{
	struct vector vector = *like;

	vector.framings = which;
	if (which.in == FRAMING_INDICATION && like->in.channel == CHANNEL) {
		vector.in.channel = 0;
		vector.in.padding = 0;
		vector.in.stun = SEND_INDICATION;
		vector.in.attrs = "PDF";
		vector.in.filler = 0x20;
	}
	return vector;
}

int run_reframed(const struct table *table)
{
	const int before = vector_count();
	struct vector vector;
	int failed = 0;
	size_t i, j;

	for (i = 0; i < table->len; i++) {
		for (j = 1; j < FRAMINGS; j++) {
			if (!can_reframe(&table->vectors[i], framings[j]))
				continue;
			vector = reframe(&table->vectors[i], framings[j]);
			failed += vector_run(opened, &vector);
		}
	}
	assert_true(vector_count() > before);
	return failed;
}

int run_other_relays(const struct table *table)
{
	const int before = vector_count();
	struct vector vector;
	int failed = 0;
	size_t i;

	for (i = 0; i < table->len; i++) {
		vector = table->vectors[i];
		if (vector.flow != TURNPIKE_DIR_HAIRPIN)
			continue;
		vector.framings.other_relays = true;
		failed += vector_run(opened, &vector);
	}
	assert_true(vector_count() > before);
	return failed;
}

/* ChannelData with 0 to 3 bytes of padding; plain UDP has none, that of indications is fixed. */
static int run_paddings(const struct vector *vector)
{
	struct vector padded = *vector;
	int failed = 0;

	do {
		failed += vector_run(opened, &padded);
		padded.in.padding++;
	} while (padded.in.channel && padded.in.padding <= 3);
	return failed;
}

static int run_length(const struct vector *like, enum turnpike_direction direction, __u16 len)
{
	struct vector vector = *like;

	vector.flow = direction;
	vector.verdict = TURNPIKE_RELAYED;
	vector.in = vector_plain(direction, like->framings);
	vector.in.checksum = like->in.checksum;
	vector.in.min_len = like->in.min_len;
	vector.in.filler = like->in.filler;
	vector.in.data_len = len;
	if (len >= MAY_NEED_DF)
		vector.in.frag_off = 0x4000;
	return vector.complete ? vector_run(opened, &vector) : run_paddings(&vector);
}

/*
 * The kernel drops a CHECKSUM_COMPLETE if the tail of the frame moves, as it does for padding, but
 * BPF_PROG_TEST_RUN compares it anyway.
 */
static bool has_length(const struct vector *like, __u16 len)
{
	return !like->complete || !(like->framings.in || like->framings.out) || len % 4 == 0;
}

int run_lengths(const struct vector *like, __u16 shortest)
{
	int failed = 0;
	size_t i, j;

	for (i = 0; i < ARRAY_LEN(directions); i++)
		for (j = 0; j < ARRAY_LEN(lengths); j++)
			if (lengths[j] >= shortest && has_length(like, lengths[j]) &&
			    vector_may_have(directions[i], like->framings))
				failed += run_length(like, directions[i], lengths[j]);
	return failed;
}

static int run_cuts(struct vector *vector, __u8 family)
{
	const size_t headers = ETHERNET_HLEN + ip_hlen(family) + UDP_HLEN;
	size_t whole;
	int failed = 0;

	vector->in.family = family;
	whole = ETHERNET_HLEN + ip_len(&vector->in);
	for (vector->in.cut = ETHERNET_HLEN; vector->in.cut < whole; vector->in.cut++) {
		vector->verdict = vector->in.cut < headers ? TURNPIKE_NOT_UDP : TURNPIKE_MALFORMED;
		failed += vector_run(opened, vector);
	}
	return failed;
}

int run_truncated(enum turnpike_direction direction, struct framings which)
{
	struct vector vector = { .name = "truncated", .flow = direction, .framings = which };
	int failed = 0;

	vector.in = vector_plain(direction, which);
	vector.in.peer_family = TURNPIKE_IPV4; /* of any length */
	vector.in.data_len = 37;
	vector.only = ON_IPV4;
	failed += run_cuts(&vector, TURNPIKE_IPV4);
	vector.only = ON_IPV6;
	return failed + run_cuts(&vector, TURNPIKE_IPV6);
}

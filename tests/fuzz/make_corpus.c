/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * make_corpus DIRECTORY: write seeds for fuzz_relay, one for each packet vector, with one of the
 * programs and pairs of families that it is for, and one for each path of a plain packet.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>

#include "private/array_len.h"
#include "expect.h"
#include "scenario.h"
#include "tables.h"
#include "wire.h"

#define PLENTY 200 /* bytes of room */
#define SECOND 1000000000ull

static const char *directory;
static int written;

static void put_hop(const struct vector *vector, const struct expectation *expected,
		    struct scenario *ret)
{
	const struct turnpike_hop *hop = turnpike_current_hop(&expected->nexthop);
	int i;

	ret->hop = (__u8)vector->hop;
	ret->hop_tags = hop->tags % (TURNPIKE_TAGS_MAX + 1);
	for (i = 0; i < TURNPIKE_TAGS_MAX; i++)
		memcpy(ret->hop_tag[i], &hop->tag[i], sizeof(ret->hop_tag[i]));
	put_wire16(ret->hop_mtu, ret->stretch[0] ? 65535 : hop->mtu);
	put_wire16(ret->device_mtu, ret->stretch[0] ? 65535 : expected->mtu);
}

static void put_room(const struct vector *vector, struct scenario *ret)
{
	ret->head = ret->tail = PLENTY;
	if (vector->room == ROOM_HEAD)
		ret->head = (__u8)vector->left;
	if (vector->room == ROOM_NEITHER)
		ret->head = 0;
	if (vector->room == ROOM_TAIL || vector->room == ROOM_NEITHER)
		ret->tail = (__u8)vector->left;
	if (vector->room == ROOM_TAIL)
		ret->stuck = 1;
	if (vector->room == ROOM_POISONED)
		ret->linear = 1;
}

/* Whether one of the policers of @level refuses the packet. */
static bool is_short(const struct expectation *expected, int level)
{
	const __u64 takes = vector_units(level, expected->in.data_len) * SECOND;

	return expected->policers[0][level].burst < takes ||
	       expected->policers[1][level].burst < takes;
}

static void put_limits(const struct expectation *expected, struct scenario *ret)
{
	int level = 0, i;

	if (!expected->flow.flow.policer[0])
		return;
	while (level < TURNPIKE_POLICER_LEVELS - 1 && !is_short(expected, level))
		level++;
	ret->limited = (__u8)(1 | level << 1);
	for (i = 0; i < TURNPIKE_FLOW_POLICERS; i++)
		put_wire16(ret->allow[i], (__u32)(expected->policers[i][level].burst / SECOND));
}

static void write_seed(const struct scenario *scenario, const __u8 *frame, __u32 len)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%03d", directory, written++);
	file = fopen(path, "wb");
	if (!file || fwrite(scenario, sizeof(*scenario), 1, file) != 1 ||
	    fwrite(frame, 1, len, file) != len || fclose(file)) {
		perror(path);
		exit(1);
	}
}

static void seed(const struct vector *vector, const struct variant *variant, int pair,
		 const struct scenario *like)
{
	static struct expectation expected;
	struct scenario scenario = *like;
	struct testbed *testbed;

	if (testbed_open(variant, &testbed))
		exit(1);
	if (expect(testbed, vector, families[pair], &expected)) {
		scenario.variant = (__u8)(variant - variants);
		scenario.flow = (__u8)vector->flow;
		scenario.pair = (__u8)pair;
		scenario.expired = (__u8)(vector->expired | vector->muted << 1);
		scenario.gso = vector->gso_size != 0;
		put_hop(vector, &expected, &scenario);
		put_room(vector, &scenario);
		put_limits(&expected, &scenario);
		put_wire16(scenario.hwaccel_tag, vector->in.tag[0] >> 16);
		put_wire16(scenario.hwaccel_tag + 2, vector->in.tag[0] & 0xffff);
		write_seed(&scenario, expected.in_bytes, expected.in_len);
	}
	testbed_close(testbed);
}

/* Rotate through the programs and families from vector to vector. */
static void seed_once(const struct vector *vector, const struct scenario *like)
{
	static int turn;
	int i;

	for (i = 0; i < VARIANTS * FAMILIES; i++, turn++) {
		const struct variant *variant = &variants[turn % VARIANTS];
		const int pair = turn / VARIANTS % FAMILIES;

		if (!vector_is_for(vector, variant, families[pair]))
			continue;
		seed(vector, variant, pair, like);
		turn++;
		return;
	}
}

static void seed_table(const struct table *table, const struct scenario *like)
{
	size_t i;

	for (i = 0; i < table->len; i++)
		seed_once(&table->vectors[i], like);
}

/* A plain packet in each direction through each program. */
static void seed_paths(const struct vector *like, const struct scenario *scenario)
{
	struct vector vector = *like;
	int direction, pair, i;

	vector.verdict = TURNPIKE_RELAYED;
	for (direction = TURNPIKE_DIR_TO_PEER; direction < TURNPIKE_DIR_MAX; direction++) {
		vector.flow = (enum turnpike_direction)direction;
		vector.in = vector_plain(vector.flow, framings[0]);
		vector.in.data_len = 37;
		vector.in.checksum = like->in.checksum;
		memcpy(vector.in.tag, like->in.tag, sizeof(vector.in.tag));
		for (pair = 0; pair < FAMILIES; pair++)
			for (i = 0; i < VARIANTS; i++)
				if (vector_is_for(&vector, &variants[i], families[pair]))
					seed(&vector, &variants[i], pair, scenario);
	}
}

/* A packet of a flow in each state of confirmation, in each direction. */
static void seed_confirmations(const struct scenario *like)
{
	static const struct scenario states[] = {
		{ .seen = SEEN_NOTHING, .check_at = 128, .life = 255 },
		{ .seen = SEEN_NOTHING, .check_at = 1, .life = 255, .tries = 3 },
		{ .seen = SEEN_NOTHING, .check_at = 1, .life = 255, .tries = 255 },
		{ .seen = SEEN_NOTHING, .check_at = 1, .life = 20, .tries = 9 },
		{ .seen = SEEN_NOTHING, .check_at = 140, .life = 255, .tries = 2 },
		{ .seen = SEEN_NOTHING, .check_at = 1, .life = 255, .expired = 4 },
		{ .seen = SEEN_THIS, .dscp = 0x80, .life = 255, .expired = 4 },
		{ .seen = SEEN_THIS, .check_at = 128, .life = 255, .expired = 4 },
		{ .seen = SEEN_OTHER_DEVICE, .life = 255 },
		{ .seen = SEEN_OTHER_DEVICE, .life = 1, .check_at = 1 },
		{ .seen = SEEN_OTHER_DEVICE, .life = 1, .check_at = 1, .no_checks = 1 },
		{ .seen = SEEN_OTHER_PUBLICATION, .life = 255 },
		{ .seen = SEEN_THIS, .dscp = 0x80, .life = 255 },
		{ .seen = SEEN_THIS, .dscp = 0xc0, .life = 255 },
		{ .seen = SEEN_THIS, .dscp = 0x80, .check_at = 1, .life = 255 },
		{ .seen = SEEN_OTHER_DEVICE, .dscp = 0x80, .life = 255 },
		{ .seen = SEEN_THIS, .until = 128, .life = 255 },
		{ .seen = SEEN_THIS, .until = 129, .check_at = 1, .life = 255 },
		{ .seen = SEEN_THIS, .check_at = 128, .life = 255 },
		{ .seen = SEEN_THIS, .check_at = 128, .life = 1 },
		{ .seen = SEEN_THIS, .check_at = 128, .life = 1, .no_checks = 1 },
		{ .seen = SEEN_THIS, .check_at = 128, .life = 255, .no_checks = 1 },
		{ .seen = SEEN_THIS, .check_at = 129, .life = 255 },
	};
	struct vector plain = { .verdict = TURNPIKE_RELAYED, .only = ON_CONFIRMING };
	struct scenario state;
	size_t i;

	for (i = 0; i < ARRAY_LEN(states); i++) {
		state = states[i];
		state.repair = like->repair;
		memcpy(state.stretch, like->stretch, sizeof(state.stretch));
		state.indications = like->indications;
		memcpy(state.attrs, like->attrs, sizeof(state.attrs));
		for (plain.flow = TURNPIKE_DIR_TO_PEER; plain.flow < TURNPIKE_DIR_MAX;
		     plain.flow++) {
			plain.in = vector_plain(plain.flow, framings[0]);
			plain.in.data_len = (__u16)(3 * i);
			seed_once(&plain, &state);
		}
	}
}

static void seed_more(void)
{
	static const struct vector likes[] = {
		{ .verdict = TURNPIKE_RELAYED }, /* plain */
		{ .only = ON_SKB, .in.checksum = CHECKSUM_PARTIAL },
		{ .only = ON_NATIVE | ON_IPV4 | ON_SAME, .in.checksum = CHECKSUM_PARTIAL },
		{ .only = ON_IPV4 | ON_SAME, .in.checksum = CHECKSUM_WRONG },
		{ .only = ON_IPV4 | ON_SAME, .in.checksum = CHECKSUM_ZERO },
		{ .only = ON_IPV6 | ON_SAME, .in.tag = { 0x81000005 } },
		{ .only = ON_6TO4, .in.tag = { 0x88a80007, 0x8100f005 } },
	};
	static const struct vector tagged = { .only = ON_TC | ON_CROSS,
					      .in.tag = { 0x88a80007, 0x81000005 } };
	static const struct vector large = { .only = ON_SKB | ON_IPV6 };
	struct scenario scenario = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_LEN(likes); i++)
		seed_paths(&likes[i], &scenario);
	scenario.linear = 20;
	for (scenario.fails_in = 1; scenario.fails_in < 8; scenario.fails_in++)
		seed_paths(&tagged, &scenario);
	scenario = (struct scenario){ .repair = REPAIR_MAC | REPAIR_KEY | REPAIR_LENGTHS |
						REPAIR_IP_CHECK | REPAIR_UDP_CHECK,
				      .padding = 3 };
	put_wire16(scenario.stretch, 8000);
	seed_paths(&large, &scenario);
	put_wire16(scenario.stretch, 20000);
	seed_paths(&large, &scenario);
}

/* What turns the frame of a vector into a packet of a flow with indications. */
#define MENDED                                                                                   \
	.repair = REPAIR_MAC | REPAIR_KEY | REPAIR_LENGTHS | REPAIR_IP_CHECK | REPAIR_UDP_CHECK, \
	.stretch = { 0, 180 }, .indications = IND_SEND | IND_DATA

/* Send indications as clients form them (docs/clients.md), with one fault, and at the limits. */
static void seed_messages(const struct vector *like)
{
	static const struct scenario messages[] = {
		{ MENDED, .attrs = { ATTR_PEER, ATTR_DATA } },
		{ MENDED, .attrs = { ATTR_PEER, ATTR_DATA, ATTR_FINGERPRINT }, .padding = 2 },
		{ MENDED, .attrs = { ATTR_DATA, ATTR_PEER, ATTR_FINGERPRINT }, .padding = 3 },
		{ MENDED, .attrs = { ATTR_DATA, ATTR_PEER, ATTR_REQUIRED, ATTR_FINGERPRINT } },
		{ MENDED,
		  .attrs = { ATTR_PEER, ATTR_DATA, ATTR_OPTIONAL | 2 << 3, ATTR_FINGERPRINT } },
		{ MENDED, .attrs = { ATTR_PEER, ATTR_DATA, ATTR_OPTIONAL, ATTR_OPTIONAL,
				     ATTR_FINGERPRINT } },
		{ MENDED, .attrs = { ATTR_PEER, ATTR_FINGERPRINT, ATTR_DATA } },
		{ MENDED, .attrs = { ATTR_PEER, ATTR_DATA, ATTR_PEER } },
		{ MENDED, .attrs = { ATTR_DATA, ATTR_PEER, ATTR_DATA }, .trailer = 160 },
		{ MENDED, .attrs = { ATTR_DATA, ATTR_FINGERPRINT } },
		{ MENDED, .attrs = { ATTR_PEER } },
		{ MENDED, .attrs = { ATTR_OPTIONAL | 17 << 3, ATTR_PEER, ATTR_DATA },
		  .padding = 1 },
		{ MENDED, .attrs = { ATTR_OPTIONAL | 18 << 3, ATTR_PEER, ATTR_DATA } },
		{ MENDED,
		  .attrs = { ATTR_PEER, ATTR_DATA, ATTR_OPTIONAL | 23 << 3, ATTR_FINGERPRINT } },
		{ MENDED,
		  .attrs = { ATTR_PEER, ATTR_DATA, ATTR_OPTIONAL | 23 << 3, ATTR_FINGERPRINT },
		  .padding = 1 },
		{ MENDED, .attrs = { ATTR_PEER, ATTR_DATA }, .spoil = { 1, 1 } }, /* type */
		{ MENDED, .attrs = { ATTR_PEER, ATTR_DATA }, .spoil = { 3, 4 } }, /* length */
		{ MENDED, .attrs = { ATTR_PEER, ATTR_DATA }, .spoil = { 6, 1 } }, /* cookie */
		{ MENDED, .attrs = { ATTR_PEER, ATTR_DATA }, .spoil = { 8, 1 } }, /* transaction */
		{ MENDED, .attrs = { ATTR_PEER, ATTR_DATA },
		  .spoil = { 23, 1 } }, /* length of the peer */
		{ MENDED, .attrs = { ATTR_PEER, ATTR_DATA }, .spoil = { 25, 3 } }, /* its family */
		{ MENDED, .attrs = { ATTR_PEER, ATTR_DATA }, .spoil = { 27, 1 } }, /* its port */
		{ MENDED, .attrs = { ATTR_PEER, ATTR_DATA }, .spoil = { 31, 1 } }, /* its address */
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(messages); i++)
		seed_paths(like, &messages[i]);
}

/* Indications in all framings, through each program, and what makes room and checksums special. */
static void seed_indications(void)
{
	static const struct vector plain, same = { .only = ON_SAME };
	static const struct vector once = { .only = ON_TC | ON_IPV4 | ON_SAME };
	static const struct vector likes[] = {
		{ .only = ON_SKB, .in.checksum = CHECKSUM_PARTIAL },
		{ .only = ON_NATIVE | ON_SAME, .in.checksum = CHECKSUM_PARTIAL },
		{ .only = ON_IPV4, .in.tag = { 0x81000005 } },
		{ .only = ON_TC | ON_CROSS, .in.tag = { 0x88a80007, 0x81000005 } },
	};
	struct scenario scenario = { MENDED, .attrs = { ATTR_PEER, ATTR_DATA, ATTR_FINGERPRINT } };
	size_t i;

	seed_messages(&once);
	seed_confirmations(&scenario);
	seed_table(&made_room, &scenario);
	seed_table(&relayed_egress, &scenario);
	for (scenario.indications = IND_SEND; scenario.indications <= 7; scenario.indications++) {
		scenario.padding = scenario.indications % 4;
		seed_paths(&plain, &scenario);
	}
	scenario.indications = IND_SEND | IND_DATA;
	for (i = 0; i < ARRAY_LEN(likes); i++) {
		scenario.repair ^= likes[i].in.checksum ? REPAIR_UDP_CHECK | REPAIR_UDP_PARTIAL : 0;
		seed_paths(&likes[i], &scenario);
		scenario.repair = REPAIR_MAC | REPAIR_KEY | REPAIR_LENGTHS | REPAIR_IP_CHECK |
				  REPAIR_UDP_CHECK;
	}
	scenario.repair ^= REPAIR_UDP_CHECK | REPAIR_UDP_ZERO;
	seed_paths(&same, &scenario);
	scenario.repair ^= REPAIR_UDP_ZERO; /* wrong */
	seed_paths(&same, &scenario);
}

int main(int argc, char **argv)
{
	static const struct table *const tables[] = {
		&relayed_fields, &relayed_checksum, &relayed_egress, &made_room,
		&passed_foreign, &passed_broken,    &passed_late,
	};
	static const struct scenario none;
	size_t i;

	if (argc != 2) {
		fprintf(stderr, "usage: make_corpus DIRECTORY\n");
		return 1;
	}
	directory = argv[1];
	for (i = 0; i < ARRAY_LEN(tables); i++)
		seed_table(tables[i], &none);
	seed_more();
	seed_indications();
	seed_confirmations(&none);
	printf("%d seeds\n", written);
	return 0;
}

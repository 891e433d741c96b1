/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * make_sights DIRECTORY: write seeds for fuzz_observe: packets as their flows say, and with one
 * difference.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "private/array_len.h"
#include "sight.h"
#include "wire.h"

#define ALL 0xff /* of enum mend */

/** struct seed - what makes a seed special; the frame is all zeros beforehand */
struct seed {
	struct scenario scenario;
	struct sight sight;
	__u16 payload; /* 0: some */
	__u16 ethertype;
	__u16 fragment; /* flags and offset of IPv4 */
	__u8 protocol;
	__u8 tags; /* in-band */
};

static const char *directory;
static int written;

static void write_seed(const struct seed *seed, const __u8 *frame, size_t len)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%03d", directory, written++);
	file = fopen(path, "wb");
	if (!file || fwrite(&seed->scenario, sizeof(seed->scenario), 1, file) != 1 ||
	    fwrite(&seed->sight, sizeof(seed->sight), 1, file) != 1 ||
	    fwrite(frame, 1, len, file) != len || fclose(file)) {
		perror(path);
		exit(1);
	}
}

static void make_seed(const struct seed *seed, int direction, int pair, __u8 indications)
{
	const __u8 family = families[pair].out;
	struct seed full = *seed;
	__u8 frame[2048] = { 0 };
	size_t l2 = ETH_HLEN, i, at;

	full.scenario.flow = (__u8)direction;
	full.scenario.pair = (__u8)pair;
	if (!full.scenario.life)
		full.scenario.life = 255;
	full.sight.mend ^= ALL;
	full.scenario.indications = indications;
	for (i = 0; i < seed->tags; i++, l2 += 4)
		memcpy(frame + l2 - 2, seed->scenario.hop_tag[i + !!seed->scenario.hwaccel_tag[0]],
		       4);
	put_wire16(frame + l2 - 2, seed->ethertype           ? seed->ethertype
				   : family == TURNPIKE_IPV4 ? 0x0800
							     : 0x86dd);
	if (family == TURNPIKE_IPV4 && seed->fragment) {
		frame[l2] = 0x45;
		put_wire16(frame + l2 + 6, seed->fragment);
	}
	if (seed->protocol)
		frame[l2 + (family == TURNPIKE_IPV4 ? 9 : 6)] = seed->protocol;
	at = l2 + wire_ip_hlen(family) + UDP_HLEN;
	for (i = 0; i < (seed->payload ? seed->payload : 60u); i++, at++)
		frame[at] = (__u8)(i * 3);
	write_seed(&full, frame, at);
}

/* A flow that is not confirmed. */
#define HERE .scenario.seen = SEEN_NOTHING, .scenario.check_at = 1

/* The attributes that the server writes. */
#define ATTRS_AS_SENT .scenario.attrs = { ATTR_PEER, ATTR_DATA }

/* Seeds for flows with Data indications, of each pair of families. */
static void make_indications(void)
{
	static const struct seed seeds[] = {
		{ HERE, ATTRS_AS_SENT },
		{ HERE, ATTRS_AS_SENT, .scenario.padding = 3, .sight.socket = SOCKET_SERVER },
		{ HERE, .scenario.attrs = { ATTR_DATA, ATTR_PEER, ATTR_FINGERPRINT } },
		{ HERE, .scenario.attrs = { ATTR_OPTIONAL | 5 << 3, ATTR_PEER, ATTR_DATA } },
		{ HERE, .scenario.attrs = { ATTR_PEER, ATTR_REQUIRED, ATTR_DATA } },
		{ HERE, .scenario.attrs = { ATTR_PEER, ATTR_DATA, ATTR_DATA } },
		{ HERE, .scenario.attrs = { ATTR_PEER, ATTR_FINGERPRINT, ATTR_DATA } },
		{ HERE, ATTRS_AS_SENT, .sight.mend = MEND_PEER },
		{ HERE, ATTRS_AS_SENT, .sight.more = 1 },
		{ HERE, ATTRS_AS_SENT, .sight.age = 201 },
		{ HERE, ATTRS_AS_SENT, .sight = { .gso_size = { 0, 100 }, .segment = 1 },
		  .payload = 1400 },
		{ HERE, ATTRS_AS_SENT, .sight = { .mend = MEND_IP, .beyond = 100 }, .protocol = 17,
		  .fragment = 0x2000, .payload = 1000 },
		{ .scenario = { .seen = SEEN_NOTHING,
				.check_at = 1,
				.linear = 1,
				.attrs = { ATTR_PEER, ATTR_DATA },
				.padding = 1 } },
	};
	size_t i;
	int pair;

	for (i = 0; i < ARRAY_LEN(seeds); i++) {
		for (pair = 0; pair < FAMILIES; pair++) {
			make_seed(&seeds[i], TURNPIKE_DIR_TO_CLIENT, pair, IND_DATA);
			make_seed(&seeds[i], TURNPIKE_DIR_HAIRPIN, pair, IND_DATA);
			make_seed(&seeds[i], TURNPIKE_DIR_HAIRPIN, pair,
				  IND_SEND | IND_DATA | IND_PEER_AS_IN);
		}
	}
}

int main(int argc, char **argv)
{
	static const struct seed seeds[] = {
		{ HERE },
		{ HERE, .sight.socket = SOCKET_SERVER },
		{ .scenario = { .seen = SEEN_THIS } },
		{ .scenario = { .seen = SEEN_OTHER_DEVICE }, .sight = { .segment = 0x80 } },
		{ .scenario = { .expired = 1 }, .sight = { .socket = SOCKET_SERVER } },
		{ HERE, .sight = { .socket = SOCKET_TCP } },
		{ HERE, .sight = { .socket = SOCKET_REQUEST } },
		{ HERE, .sight = { .socket = SOCKET_OTHER } },
		{ HERE, .sight = { .forwarded = 1 } },
		{ HERE, .sight = { .age = 200 } },
		{ HERE, .sight = { .age = 201 } },
		{ HERE, .sight = { .age = 255 } },
		{ HERE, .sight = { .more = 1 } },
		{ .scenario = { .dscp = 0x80 }, .sight = { .more = 1 } },
		{ .scenario = { .seen = SEEN_OTHER_DEVICE, .dscp = 0x80 }, .sight = { .more = 1 } },
		{ .scenario = { .hop = HOP_XMIT }, .sight = { .socket = SOCKET_SERVER } },
		{ .scenario = { .hop = HOP_UNRESOLVED } },
		{ .scenario = { .hop = HOP_BEYOND } },
		{ HERE, .sight = { .mend = MEND_MACS } },
		{ HERE, .sight = { .mend = MEND_SOURCE } },
		{ HERE, .sight = { .mend = MEND_DESTINATION } },
		{ HERE, .sight = { .mend = MEND_SPORT } },
		{ HERE, .sight = { .mend = MEND_SPORT, .socket = SOCKET_SERVER } },
		{ HERE, .sight = { .mend = MEND_DPORT } },
		{ HERE, .sight = { .mend = MEND_FRAMING } },
		{ HERE, .sight = { .mend = MEND_IP, .socket = SOCKET_SERVER }, .protocol = 50 },
		{ HERE, .sight = { .mend = MEND_IP, .socket = SOCKET_SERVER }, .protocol = 51 },
		{ HERE, .sight = { .mend = MEND_IP, .socket = SOCKET_SERVER }, .protocol = 47 },
		{ HERE, .sight = { .mend = MEND_IP, .socket = SOCKET_SERVER }, .protocol = 44 },
		{ HERE, .sight = { .mend = MEND_IP, .socket = SOCKET_SERVER }, .protocol = 17 },
		{ HERE, .sight = { .mend = MEND_IP }, .protocol = 6 },
		{ HERE, .sight = { .mend = MEND_MACS, .socket = SOCKET_SERVER },
		  .ethertype = 0x8847 },
		{ HERE, .sight = { .gso_size = { 0, 20 }, .segment = 1 } },
		{ HERE, .sight = { .gso_size = { 0, 50 }, .segment = 1 }, .payload = 1400 },
		{ HERE, .sight = { .gso_size = { 0, 5 } }, .payload = 1400 },
		{ .scenario = { .seen = SEEN_NOTHING, .check_at = 1, .linear = 1 } },
		{ .scenario = { .hop_tags = 1, .hop_tag = { { 0x81, 0, 0, 5 } } }, .tags = 1 },
		{ .scenario = { .hop_tags = 1,
				.hop_tag = { { 0x81, 0, 0, 5 } },
				.hwaccel_tag = { 0x81, 0, 0xf0, 5 } } },
		{ .scenario = { .hop_tags = 2,
				.hop_tag = { { 0x88, 0xa8, 0, 7 }, { 0x81, 0, 0, 5 } },
				.hwaccel_tag = { 0x88, 0xa8, 0, 7 } },
		  .tags = 1 },
		{ .scenario = { .hop_tags = 2,
				.hop_tag = { { 0x88, 0xa8, 0, 7 }, { 0x81, 0, 0, 5 } },
				.hwaccel_tag = { 0x88, 0xa8, 0, 7 } } },
		{ .scenario = { .hwaccel_tag = { 0x81, 0, 0, 5 } } },
		{ HERE, .payload = 4 },
	};
	size_t i;
	int direction, turn = 0;

	if (argc != 2) {
		fprintf(stderr, "usage: make_sights DIRECTORY\n");
		return 1;
	}
	directory = argv[1];
	for (i = 0; i < ARRAY_LEN(seeds); i++)
		for (direction = 1; direction < TURNPIKE_DIR_MAX; direction++)
			make_seed(&seeds[i], direction, turn++ / 3 % FAMILIES, 0);
	make_indications();
	printf("%d seeds\n", written);
	return 0;
}

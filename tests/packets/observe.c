/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The observer, by the tables of sightings.c, in each direction and for each pair of families. In
 * the kernel, packets of BPF_PROG_TEST_RUN have no socket.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "sample.h"
#include "sighting.h"
#include "wire.h"

#define SKIPPED 77 /* CTest's SKIP_RETURN_CODE */

static int open_observer(void **state)
{
	(void)state;
	if (testbed_open(&observer, &opened))
		return -1;
	vector_prepare(opened);
	return 0;
}

static int close_observer(void **state)
{
	(void)state;
	testbed_close(opened);
	return 0;
}

static void run_table(const struct sightings *table, int (*test)(struct run *run))
{
	int failed = 0;
	size_t i;

	for (i = 0; i < table->len; i++)
		failed += run_each(&table->of[i], test);
	assert_int_equal(failed, 0);
}

static void test_same(void **state)
{
	(void)state;
	run_table(&seen_same, run_sockets);
}

static void test_indications(void **state)
{
	(void)state;
	run_table(&seen_indications, run_sockets);
}

static void test_other(void **state)
{
	(void)state;
	run_table(&seen_other, run_sockets);
}

static void test_hidden(void **state)
{
	(void)state;
	run_table(&seen_hidden, run_hidden);
}

static void test_foreign(void **state)
{
	(void)state;
	run_table(&seen_foreign, run_sockets);
}

static const struct sighting plain = { { "plain", .confirmation = { .state = STATE_NEW } },
				       .effect = EFFECT_CONFIRMED };
static const struct sighting unseen = { { "unseen", .confirmation = { .state = STATE_CHECKING } },
					.effect = EFFECT_NONE };
static const struct sighting refused = { { "refused", .confirmation = { .state = STATE_CHECKING } },
					 .spent = true };

/* Write @count datagrams into the payload, the last one shorter. Return: its length. */
static __u32 put_segments(struct run *run, __u32 count, __u32 sampled)
{
	__u8 *to = run->bytes + l4_offset(&run->out) + UDP_HLEN, *start = to;
	struct frame segment = run->out;
	__u8 data[SOME_DATA];
	__u32 i;

	for (i = 0; i < count; i++) {
		segment.word = (__u16)(0x7700 + i);
		segment.data_len = i + 1 < count ? SOME_DATA : 20;
		to += build_payload(&segment, to);
		build_data(&segment, data);
		if (i == sampled)
			sample_of(&run->flow, 0, data, segment.data_len, run->samples);
	}
	return (__u32)(to - start);
}

/* Each datagram of a GSO super-packet is found, but not with another segment size. */
static int run_segments(struct run *run)
{
	const __u32 payload = l4_offset(&run->out) + UDP_HLEN;
	const __u32 count = 4, size = run->len - payload;
	__u32 sampled;
	int failed = 0;

	for (sampled = 0; sampled < count; sampled++) {
		run->len = payload + put_segments(run, count, sampled);
		run->sighting = &plain;
		run->gso_size = size;
		failed += observe(run);
		run->sighting = &unseen;
		run->gso_size = size - 1;
		failed += observe(run);
	}
	return failed;
}

static void test_segments(void **state)
{
	(void)state;
	assert_int_equal(run_each(&plain, run_segments), 0);
}

static const struct sighting fragment4 = { { "fragment",
					     { .frag_off = 0x2000 },
					     .only = ON_IPV4,
					     .confirmation = { .state = STATE_NEW } },
					   .effect = EFFECT_CONFIRMED };
static const struct sighting fragment6 = { { "fragment",
					     { .extensions = 8 },
					     .only = ON_IPV6,
					     .confirmation = { .state = STATE_NEW } },
					   .effect = EFFECT_CONFIRMED };

/* Of a fragmented datagram, the first fragment has the header, with the length of it all. */
static int run_fragment(struct run *run)
{
	run->len -= SOME_DATA / 2;
	return run_sockets(run);
}

/* Make the extension header a fragment header (RFC 8200 section 4.5). */
static int run_fragment6(struct run *run)
{
	__u8 *header = run->bytes + l4_offset(&run->out) - run->out.extensions;
	int failed;

	header[6 - 40] = IPPROTO_FRAGMENT;
	memset(header, 0, 8);
	header[0] = IPPROTO_UDP;
	put_wire16(header + 2, 1);
	failed = run_fragment(run);
	run->sighting = &unseen;
	put_wire16(header + 2, 9);
	return failed + observe(run);
}

static void test_fragments(void **state)
{
	(void)state;
	assert_int_equal(run_each(&fragment4, run_fragment), 0);
	assert_int_equal(run_each(&fragment6, run_fragment6), 0);
}

/* Truncated to every length that is still an Ethernet frame. */
static int run_truncated(struct run *run)
{
	const __u32 whole = run->len;
	int failed = 0;

	for (run->cut = ETHERNET_HLEN; run->cut < whole; run->cut++)
		failed += observe(run);
	return failed;
}

static void test_truncated(void **state)
{
	(void)state;
	assert_int_equal(run_each(&unseen, run_truncated), 0);
}

/* The hash does not depend on what is in XOR-PEER-ADDRESS. */
static int run_other_peers(struct run *run)
{
	struct turnpike_addr *peer = &run->flow.flow.xor_peer;
	const struct turnpike_addr right = *peer;
	const __u32 len = peer->family == TURNPIKE_IPV4 ? 4 : 16;
	int failed = 0;
	__u32 i;

	for (i = 0; i < len; i++) {
		peer->ip[i] ^= 1;
		failed += observe(run);
		*peer = right;
	}
	peer->port ^= htons(1);
	failed += observe(run);
	*peer = right;
	peer->family ^= TURNPIKE_IPV4 ^ TURNPIKE_IPV6;
	failed += observe(run);
	*peer = right;
	return failed;
}

/* Two packets may have the same hash. Only the one that goes where the flow goes belongs to it. */
static int run_collision(struct run *run)
{
	struct turnpike_flow *flow = &run->flow.flow;
	const struct turnpike_flow right = *flow;
	int failed = run->out.stun ? run_other_peers(run) : 0;

	flow->dport ^= htons(1);
	failed += observe(run);
	*flow = right;
	flow->dst[run->pair.out == TURNPIKE_IPV4 ? 0 : 3] ^= htonl(1);
	failed += observe(run);
	*flow = right;
	flow->framing ^= htons(1);
	return failed + observe(run);
}

static void test_collision(void **state)
{
	(void)state;
	assert_int_equal(run_each(&refused, run_collision), 0);
}

/* After the sample, the host's rules have changed. */
static int run_changed(struct run *run)
{
	int failed;

	testbed_set_check_now(opened, TESTBED_CHECK_NOW + 3 * TESTBED_CONFIRM_NS);
	failed = observe(run);
	testbed_set_check_now(opened, TESTBED_CHECK_NOW);
	return failed;
}

static void test_changed(void **state)
{
	(void)state;
	assert_int_equal(run_each(&refused, run_changed), 0);
}

/* The flow was deleted after the sample. */
static int run_deleted(struct run *run)
{
	struct test_run test;

	install(run);
	testbed_delete_flow(opened, &run->flow.key);
	return send_packet(run, &test) || !is_unnoticed(run, &test) || !same_samples(run);
}

static void test_deleted(void **state)
{
	(void)state;
	assert_int_equal(run_each(&refused, run_deleted), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),        cmocka_unit_test(test_other),
		cmocka_unit_test(test_indications), cmocka_unit_test(test_hidden),
		cmocka_unit_test(test_foreign),     cmocka_unit_test(test_segments),
		cmocka_unit_test(test_truncated),   cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_collision),   cmocka_unit_test(test_changed),
		cmocka_unit_test(test_deleted),
	};
	const char *missing = testbed_missing();
	int failed;

	if (missing) {
		fprintf(stderr, "SKIPPED: %s\n", missing);
		return SKIPPED;
	}
	failed = cmocka_run_group_tests_name("observer", tests, open_observer, close_observer);
	printf("%d packets observed\n", compared);
	return failed != 0;
}

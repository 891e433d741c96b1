/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Long random sessions of a few clients on few ports, peers and channel numbers, of both families
 * and including each other's relays, so that they often collide. The owner in turn_fixture.c checks
 * the invariants of its operations.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "turn_fixture.h"

#define STEPS   20000
#define CLIENTS 3
#define PEERS   5
#define NUMBERS 4

struct dice {
	uint64_t state;
};

static uint32_t roll(struct dice *dice, uint32_t sides)
{
	dice->state = dice->state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(dice->state >> 33) % sides;
}

static const char *random_peer(struct dice *dice, char text[static 32])
{
	switch (roll(dice, 4)) {
	case 0:
		snprintf(text, 32, "192.0.2.1:%u", roll(dice, 4) + 50000);
		break;
	case 1:
		snprintf(text, 32, "[2001:db8::%u]:7000", roll(dice, 2) + 1);
		break;
	default:
		snprintf(text, 32, "198.51.100.%u:%u", roll(dice, PEERS) / 2 + 1,
			 roll(dice, 2) + 7000);
	}
	return text;
}

static void random_client_data(struct fixture *f, struct dice *dice)
{
	uint8_t data[64];
	size_t len = roll(dice, sizeof(data) + 1);

	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)roll(dice, 256);
	data[0] = (uint8_t)(roll(dice, 2) * 0x40);
	data[1] = (uint8_t)roll(dice, NUMBERS);
	from_client(f, data, len);
}

/** Sends a valid request with one bit flipped. */
static void damaged_request(struct fixture *f, struct dice *dice)
{
	uint64_t allocations, channels;

	allocate_as(f, &f->bob, STUN_FAMILY_IPV4);
	refresh(f, 3600);
	allocations = stats(f)->allocations;
	channels = stats(f)->channels;
	f->request_buf[roll(dice, (uint32_t)f->request.len)] ^= (uint8_t)(1 << roll(dice, 8));
	send_plain(f);
	assert_int_equal(stats(f)->allocations, allocations);
	assert_int_equal(stats(f)->channels, channels);
}

static void random_refresh(struct fixture *f, struct dice *dice)
{
	uint32_t family = roll(dice, 3);

	begin(f, STUN_REQUEST, TURN_REFRESH);
	stun_write_u32(&f->request, STUN_ATTR_LIFETIME, roll(dice, 3) * 1000);
	if (family)
		stun_write_u32(&f->request, STUN_ATTR_REQUESTED_ADDRESS_FAMILY, family << 24);
	send_signed(f, &f->alice);
}

static void random_step(struct fixture *f, struct dice *dice)
{
	char peer[32];

	f->install_error = roll(dice, 4) == 0 ? -E2BIG : 0;
	f->open_error = -EADDRINUSE;
	f->open_failures = roll(dice, 4) == 0 ? 1 : 0;
	random_peer(dice, peer);
	switch (roll(dice, 11)) {
	case 0:
		f->limited = roll(dice, 2) == 0;
		if (roll(dice, 2) == 0)
			allocate_both(f);
		else
			allocate_as(f, &f->alice, STUN_FAMILY_IPV4);
		break;
	case 1:
		random_refresh(f, dice);
		break;
	case 2:
		create_permission(f, peer);
		break;
	case 3:
		random_client_data(f, dice);
		break;
	case 4:
		damaged_request(f, dice);
		break;
	case 5:
		send_indication(f, peer, "data");
		break;
	default:
		channel_bind(f, (uint16_t)(0x4000 + roll(dice, NUMBERS)), peer);
	}
}

static void check(const struct fixture *f)
{
	assert_int_equal(stats(f)->flows, f->n_flows);
	assert_true(f->n_flows <= stats(f)->channels + stats(f)->pairs);
	assert_true(stats(f)->allocations <= stats(f)->relays);
	assert_true(stats(f)->relays <= 2 * stats(f)->allocations);
	for (size_t i = 0; i < f->n_flows; i++)
		assert_true(f->flows[i].channel_expiry_ns > f->now);
}

static void test_random_lives(void **state)
{
	struct dice dice = { 1 };
	struct turn_config config;
	struct fixture *f;

	(void)state;
	fixture_config(&config);
	config.port_lo = 50000;
	config.port_hi = 50003;
	f = fixture_new(&config);
	for (int i = 0; i < STEPS; i++) {
		f->tuple.client.port = htons((uint16_t)(40000 + roll(&dice, CLIENTS)));
		f->nonce_len = 0;
		random_step(f, &dice);
		clear(f);
		expire_at(f, f->now + roll(&dice, 100) * SECOND);
		clear(f);
		check(f);
	}
	/* The random steps have reached both success and failure often enough. */
	assert_true(turn_stats_by_reason(stats(f), TURN_REASON_NONE) > STEPS / 4);
	assert_true(turn_stats_by_code(stats(f), 400) > 100);
	assert_true(turn_stats_by_code(stats(f), 437) > 100);
	assert_true(turn_stats_by_code(stats(f), 443) > 100);
	assert_true(turn_stats_by_code(stats(f), 403) > 100);
	assert_true(stats(f)->install_failures > 100);
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_lives),
	};

	return cmocka_run_group_tests_name("turn random", tests, NULL, NULL);
}

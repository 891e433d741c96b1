/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Interim records of allocations that go on. */
#include "turn_fixture.h"

#define PEER     "198.51.100.2:7000"
#define INTERVAL 60

static struct fixture *new_fixture(uint32_t interval)
{
	struct turn_config config;

	fixture_config(&config);
	config.record_interval = interval;
	return fixture_new(&config);
}

static void record_at(struct fixture *f, uint64_t now)
{
	f->now = now;
	clear(f);
	turn_server_record(f->server, now);
}

static void expect_traffic(const struct turn_traffic *traffic, uint64_t packets, uint64_t bytes)
{
	assert_int_equal(traffic->packets, packets);
	assert_int_equal(traffic->bytes, bytes);
}

static void expect_due(const struct fixture *f, uint64_t when)
{
	assert_true(turn_server_next_record(f->server) == when);
}

static void test_none(void **state)
{
	struct fixture *f = new_fixture(0);

	(void)state;
	allocate(f);
	expect_due(f, TURN_NEVER);
	record_at(f, f->now + 599 * SECOND);
	assert_int_equal(f->n_logged, 0);
	fixture_free(f);
}

/* A record says what was relayed so far. Flows that exist count, and so do those that have ended.
 */
static void test_life(void **state)
{
	struct fixture *f = new_fixture(INTERVAL);
	const uint64_t begin = f->now;
	uint64_t id;

	(void)state;
	expect_due(f, TURN_NEVER);
	allocate(f);
	id = only_logged(f)->id;
	create_permission(f, PEER);
	send_indication(f, PEER, "abc");
	channel_bind(f, 0x4001, PEER);
	channel_bind(f, 0x4002, "198.51.100.3:7000");
	expect_due(f, begin + INTERVAL * SECOND);
	record_at(f, begin + INTERVAL * SECOND - 1);
	assert_int_equal(f->n_logged, 0);
	record_at(f, begin + INTERVAL * SECOND);
	assert_int_equal(only_logged(f)->kind, TURN_EVENT_INTERIM);
	assert_int_equal(only_logged(f)->id, id);
	assert_string_equal(only_logged(f)->username, "alice");
	assert_int_equal(only_logged(f)->age_ns, INTERVAL * SECOND);
	expect_traffic(&only_logged(f)->traffic[TURN_TO_PEER], 1, 3);
	/* The pair, which the channel has replaced, and two channels: the fixture counts 3 each. */
	expect_traffic(&only_logged(f)->in_kernel[TURN_TO_PEER], 9, 900);
	/* A late record moves the next one. */
	expect_due(f, begin + 2 * INTERVAL * SECOND);
	record_at(f, begin + (2 * INTERVAL + 7) * SECOND);
	assert_int_equal(only_logged(f)->age_ns, (2 * INTERVAL + 7) * SECOND);
	expect_due(f, begin + (3 * INTERVAL + 7) * SECOND);
	refresh(f, 0);
	assert_int_equal(only_logged(f)->kind, TURN_EVENT_ENDED);
	expect_traffic(&only_logged(f)->in_kernel[TURN_TO_PEER], 9, 900);
	expect_due(f, TURN_NEVER);
	fixture_free(f);
}

/* The allocation that has waited for longest is next, and those that have ended are left out. */
static void test_order(void **state)
{
	struct fixture *f = new_fixture(INTERVAL);
	const uint64_t begin = f->now;

	(void)state;
	for (uint16_t i = 0; i < 3; i++) {
		f->now = begin + i * SECOND;
		from_port(f, 40000 + i);
		allocate(f);
	}
	from_port(f, 40001);
	refresh(f, 0);
	record_at(f, begin + INTERVAL * SECOND);
	assert_int_equal(f->n_logged, 1);
	expect_due(f, begin + (INTERVAL + 2) * SECOND);
	record_at(f, begin + (2 * INTERVAL) * SECOND);
	assert_int_equal(f->n_logged, 2);
	assert_int_equal(f->logged[0].age_ns, (2 * INTERVAL - 2) * SECOND);
	assert_int_equal(f->logged[1].age_ns, 2 * INTERVAL * SECOND);
	fixture_free(f);
}

/* Each call reads the counters of a limited number of flows. */
static void test_steps(void **state)
{
	struct fixture *f = new_fixture(INTERVAL);
	const uint64_t due = f->now + INTERVAL * SECOND;

	(void)state;
	for (uint16_t i = 0; i < 3; i++) {
		from_port(f, 40000 + i);
		allocate(f);
		for (uint16_t channel = 0; channel < 40; channel++) {
			struct turnpike_addr peer = addr("198.51.100.2:7000");
			char text[ADDR_TEXT_MAX];

			peer.port = (uint16_t)(peer.port + channel);
			channel_bind(f, (uint16_t)(0x4000 + channel), addr_format(&peer, text));
		}
	}
	record_at(f, due);
	assert_int_equal(f->n_logged, 2);
	expect_due(f, due);
	record_at(f, due);
	assert_int_equal(f->n_logged, 1);
	expect_due(f, due + INTERVAL * SECOND);
	fixture_free(f);
}

/* A new interval holds for allocations that exist, as if it had been the same all the time. */
static void test_reconfigure(void **state)
{
	struct fixture *f = new_fixture(0);
	const uint64_t begin = f->now;
	struct turn_config config;

	(void)state;
	allocate(f);
	fixture_config(&config);
	config.record_interval = INTERVAL;
	assert_int_equal(turn_server_reconfigure(f->server, &config, f->now), 0);
	expect_due(f, begin + INTERVAL * SECOND);
	record_at(f, begin + INTERVAL * SECOND);
	assert_int_equal(f->n_logged, 1);
	config.record_interval = 0;
	assert_int_equal(turn_server_reconfigure(f->server, &config, f->now), 0);
	expect_due(f, TURN_NEVER);
	fixture_free(f);
}

/* As at the end, each relayed transport address has its own. */
static void test_both_families(void **state)
{
	struct fixture *f = new_fixture(INTERVAL);

	(void)state;
	allocate_both(f);
	record_at(f, f->now + INTERVAL * SECOND);
	assert_int_equal(f->n_logged, 2);
	assert_int_equal(f->logged[0].id, f->logged[1].id);
	assert_int_not_equal(f->logged[0].relay.family, f->logged[1].relay.family);
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),        cmocka_unit_test(test_life),
		cmocka_unit_test(test_order),       cmocka_unit_test(test_steps),
		cmocka_unit_test(test_reconfigure), cmocka_unit_test(test_both_families),
	};

	return cmocka_run_group_tests_name("interim records", tests, NULL, NULL);
}

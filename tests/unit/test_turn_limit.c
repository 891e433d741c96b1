/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The limit on unauthenticated requests, and which requests it does not count. */
#include <stdio.h>

#include "turn_fixture.h"

static void allocate_at(struct fixture *f, uint16_t port)
{
	char text[32];

	snprintf(text, sizeof(text), "203.0.113.7:%u", port);
	f->tuple.client = addr(text);
	f->nonce_len = 0;
	allocate(f);
}

static uint64_t unanswered(const struct fixture *f)
{
	return turn_stats_by_reason(stats(f), TURN_REASON_UNAUTHENTICATED_RATE) +
	       turn_stats_by_reason(stats(f), TURN_REASON_GUESS_RATE);
}

static struct fixture *limited(uint32_t rate)
{
	struct turn_config config;

	fixture_config(&config);
	config.unauthenticated_rate = rate;
	return fixture_new(&config);
}

static size_t answers_to(struct fixture *f, enum stun_method method, unsigned int n)
{
	size_t answers = 0;

	while (n-- > 0) {
		begin(f, STUN_REQUEST, method);
		send_plain(f);
		answers += f->n_events;
	}
	return answers;
}

static void test_limit(void **state)
{
	struct fixture *f = limited(2);

	(void)state;
	assert_int_equal(answers_to(f, STUN_BINDING, 12), 12);
	assert_int_equal(answers_to(f, TURN_ALLOCATE, 12), 8);
	assert_int_equal(unanswered(f), 4);
	assert_int_equal(turn_stats_requests(stats(f)), 24);
	assert_int_equal(turn_stats_by_reason(stats(f), TURN_REASON_NONE), 12);
	assert_int_equal(turn_stats_by_code(stats(f), 401), 8);
	f->now += SECOND;
	assert_int_equal(answers_to(f, STUN_BINDING, 12), 2);
	f->tuple.client = addr("203.0.113.8:1");
	assert_int_equal(answers_to(f, STUN_BINDING, 30), 20);
	fixture_free(f);
}

static size_t answers_to_guesses(struct fixture *f, const struct credentials *guess, unsigned int n)
{
	size_t answers = 0;

	while (n-- > 0) {
		begin(f, STUN_REQUEST, TURN_ALLOCATE);
		send_signed(f, guess);
		answers += f->n_events;
	}
	return answers;
}

/* Further guesses are not checked: even the right one has no effect. Another source has its own. */
static void test_limit_of_guesses(void **state)
{
	struct turn_config config;
	struct fixture *f;

	(void)state;
	fixture_config(&config);
	config.guess_rate = 2;
	f = fixture_new(&config);
	struct credentials wrong = { .name = "alice", .hmac = f->bob.hmac };

	assert_int_equal(answers_to_guesses(f, &wrong, 100), 10 + 20);
	assert_int_equal(unanswered(f), 70);
	assert_int_equal(answers_to_guesses(f, &f->alice, 1), 0);
	assert_int_equal(stats(f)->allocations, 0);
	f->tuple.client = addr("198.51.100.9:1");
	f->nonce_len = 0;
	allocate(f);
	fixture_free(f);
}

/* Whoever has not shown that it receives at its address learns nothing, and uses up nothing. */
static void test_foreign_nonce(void **state)
{
	struct turn_config config;
	struct fixture *f;

	(void)state;
	fixture_config(&config);
	config.guess_rate = 1;
	f = fixture_new(&config);
	struct credentials wrong = { .name = "alice", .hmac = f->bob.hmac };

	allocate(f);
	f->tuple.client = addr("203.0.113.99:7");
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(answers_to_guesses(f, i % 2 ? &wrong : &f->alice, 1), 1);
		expect_error(f, 438);
	}
	f->nonce_len = 0;
	allocate(f);
	fixture_free(f);
}

/* A user's requests do not count, nor do the one for the nonce and Binding requests. */
static void test_users(void **state)
{
	struct fixture *f = limited(1);

	(void)state;
	allocate_at(f, 1);
	for (int i = 0; i < 100; i++) {
		refresh(f, 600);
		expect_success(f, &f->alice);
	}
	assert_int_equal(answers_to(f, STUN_BINDING, 100), 100);
	refresh(f, 0);
	for (int i = 0; i < 100; i++) {
		allocate_at(f, 2);
		release(f);
	}
	assert_int_equal(unanswered(f), 0);
	fixture_free(f);
}

/* A copy of a request has the right key, but not a nonce of now: it counts. */
static void test_stale_nonce(void **state)
{
	struct fixture *f = limited(1);
	size_t answers = 0;

	(void)state;
	allocate_at(f, 3);
	f->now += 3600 * SECOND;
	for (int i = 0; i < 1000; i++) {
		create_permission(f, "198.51.100.1");
		answers += f->n_events > 0;
	}
	assert_int_equal(answers, 100);
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limit),         cmocka_unit_test(test_limit_of_guesses),
		cmocka_unit_test(test_foreign_nonce), cmocka_unit_test(test_users),
		cmocka_unit_test(test_stale_nonce),
	};

	return cmocka_run_group_tests_name("turn limit", tests, NULL, NULL);
}

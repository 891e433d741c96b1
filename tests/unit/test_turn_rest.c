/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Time-limited usernames of a shared secret, and the accounts that they count for. */
#include <stdio.h>

#include "private/array_len.h"
#include "turn/auth/rest.h"
#include "turn/state/shared.h"
#include "turn_users.h"

static struct credentials rest_user(const char *secret, const char *name)
{
	char password[TURN_REST_PASSWORD_SIZE];

	assert_int_equal(turn_rest_password(secret, name, password), 0);
	return make_credentials(name, password, 0);
}

static void test_rest(void **state)
{
	struct fixture *f = fixture_default();
	struct credentials user = rest_user("north", "1700000600:ann");
	struct credentials bare = rest_user("north", "1700000600");
	struct credentials wrong = rest_user("west", "1700000600:ann");
	struct credentials no_text = rest_user("north", "1700000600:\xff");

	(void)state;
	use_credentials(f, with_secret("north"));
	allocate_at(f, 1, &user);
	expect_success(f, &user);
	allocate_at(f, 2, &bare);
	expect_success(f, &bare);
	allocate_at(f, 3, &wrong);
	expect_error(f, 401);
	allocate_at(f, 3, &no_text);
	expect_error(f, 401);
	/* Users and secrets can coexist; here there are no users. */
	allocate_at(f, 4, &f->alice);
	expect_error(f, 401);
	assert_int_equal(stats(f)->allocations, 2);
	stun_hmac_free(user.hmac);
	stun_hmac_free(bare.hmac);
	stun_hmac_free(wrong.hmac);
	stun_hmac_free(no_text.hmac);
	fixture_free(f);
}

/* An expired username cannot allocate, but keeps its allocations. */
static void test_rest_expiry(void **state)
{
	struct fixture *f = fixture_default();
	struct credentials user = rest_user("north", "1700000600:ann");

	(void)state;
	use_credentials(f, with_secret("north"));
	f->unix_time = 1700000599;
	allocate_at(f, 1, &user);
	expect_success(f, &user);
	f->unix_time = 1700000600;
	allocate_at(f, 2, &user);
	expect_error(f, 401);
	from_port(f, 1);
	refresh_as(f, &user, 1200);
	expect_success(f, &user);
	permit_as(f, &user);
	expect_success(f, &user);
	/* If the clock is set back, it is valid again. */
	f->unix_time = 1;
	allocate_at(f, 2, &user);
	expect_success(f, &user);
	stun_hmac_free(user.hmac);
	fixture_free(f);
}

/* Rotation: first both secrets are valid, then only the new one. */
static void test_rest_rotation(void **state)
{
	struct turn_credentials *both = with_secret("north");
	struct fixture *f = fixture_default();
	struct credentials old = rest_user("north", "1700000600:ann");
	struct credentials new = rest_user("south", "1700000600:ann");

	(void)state;
	assert_int_equal(turn_credentials_add_secret(both, "south"), 0);
	use_credentials(f, both);
	allocate_at(f, 1, &old);
	expect_success(f, &old);
	allocate_at(f, 2, &new);
	expect_success(f, &new);
	use_credentials(f, with_secret("south"));
	refresh_as(f, &new, 600);
	expect_success(f, &new);
	allocate_at(f, 3, &old);
	expect_error(f, 401);
	from_port(f, 1);
	refresh_as(f, &old, 600);
	expect_signed_error(f, &old, 403);
	/* The same username with the new key is the same user. */
	refresh_as(f, &new, 600);
	expect_success(f, &new);
	stun_hmac_free(old.hmac);
	stun_hmac_free(new.hmac);
	fixture_free(f);
}

/* A secret that goes takes its allocations along; one that comes beside it ends none. */
static void test_rest_revoked(void **state)
{
	struct turn_credentials *both = with_secret("south");
	struct fixture *f = fixture_default();
	struct credentials ann = rest_user("north", "1700000600:ann");
	struct credentials ben = rest_user("north", "1700000600:ben");
	struct credentials new_ben = rest_user("south", "1700000600:ben");
	struct credentials cid = rest_user("south", "1700000600:cid");

	(void)state;
	use_credentials(f, with_secret("north"));
	allocate_at(f, 1, &ann);
	allocate_at(f, 2, &ben);
	assert_int_equal(turn_credentials_add_secret(both, "north"), 0);
	use_credentials(f, both);
	assert_int_equal(turn_server_end_revoked(f->server, f->now), 0);
	allocate_at(f, 3, &cid);
	from_port(f, 2);
	refresh_as(f, &new_ben, 600);
	expect_success(f, &new_ben);
	/* An expired username is not a revoked one. */
	f->unix_time = 1700000601;
	assert_int_equal(turn_server_end_revoked(f->server, f->now), 0);
	assert_int_equal(stats(f)->allocations, 3);
	use_credentials(f, with_secret("south"));
	assert_int_equal(turn_server_end_revoked(f->server, f->now), 1);
	from_port(f, 1);
	assert_false(turn_server_has_allocation(f->server, &f->tuple));
	from_port(f, 2);
	assert_true(turn_server_has_allocation(f->server, &f->tuple));
	use_credentials(f, no_users());
	assert_int_equal(turn_server_end_revoked(f->server, f->now), 2);
	assert_int_equal(stats(f)->allocations, 0);
	stun_hmac_free(ann.hmac);
	stun_hmac_free(ben.hmac);
	stun_hmac_free(new_ben.hmac);
	stun_hmac_free(cid.hmac);
	fixture_free(f);
}

/* Usernames with the same name after the colon share an account; without a colon it is separate. */
static void test_accounts(void **state)
{
	static const struct {
		const char *name;
		int code;
	} rows[] = {
		{ "1700000600:ann", 0 },   { "1700000601:ann", 0 }, { "1700000602:ann", 486 },
		{ "1700000600:bea", 0 },   { "1700000600", 0 },     { "1700000600:ann", 486 },
		{ "1700000600:bea:x", 0 },
	};
	struct turn_config config;
	struct fixture *f;

	(void)state;
	fixture_config(&config);
	config.user_quota = 2;
	f = fixture_new(&config);
	use_credentials(f, with_secret("north"));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct credentials user = rest_user("north", rows[i].name);

		allocate_at(f, (uint16_t)(i + 1), &user);
		if (rows[i].code)
			expect_signed_error(f, &user, rows[i].code);
		else
			expect_success(f, &user);
		stun_hmac_free(user.hmac);
	}
	/* Expired allocations are returned to the account, once their ports have rested. */
	expire_at(f, f->now + 600 * SECOND);
	f->now += REST;
	for (uint16_t i = 0; i < 2; i++) {
		struct credentials user = rest_user("north", rows[i].name);

		allocate_at(f, i + 1, &user);
		expect_success(f, &user);
		stun_hmac_free(user.hmac);
	}
	fixture_free(f);
}

/* A name has one rate of new allocations, whenever it is valid until, and whether it has any or
 * not. */
static void test_rate(void **state)
{
	struct turn_config config;
	struct fixture *f;
	char name[32];

	(void)state;
	fixture_config(&config);
	config.user_quota = 0;
	config.user_allocations = 3;
	f = fixture_new(&config);
	use_credentials(f, with_secret("north"));
	for (unsigned int i = 0; i < 4; i++) {
		struct credentials user;

		snprintf(name, sizeof(name), "%u:ann", 1700000600 + i);
		user = rest_user("north", name);
		allocate_at(f, 1, &user);
		if (i < 3) {
			expect_success(f, &user);
			refresh_as(f, &user, 0);
		} else {
			expect_signed_error(f, &user, 486);
		}
		f->now += SECOND;
		stun_hmac_free(user.hmac);
	}
	fixture_free(f);
}

/* Accounts are freed once the ports of their last allocation have rested. */
static void test_many_names(void **state)
{
	struct turn_shared *shared;
	struct turn_config config;
	struct fixture *f;
	char name[32];

	(void)state;
	fixture_config(&config);
	assert_int_equal(turn_shared_new(&config, shared_secret, &shared), 0);
	config.shared = shared;
	f = fixture_new(&config);
	use_credentials(f, with_secret("north"));
	for (unsigned int i = 0; i < 1000; i++) {
		struct credentials user;

		snprintf(name, sizeof(name), "1700000600:user%u", i);
		user = rest_user("north", name);
		allocate_at(f, 1, &user);
		expect_success(f, &user);
		assert_non_null(shared->accounts.table);
		refresh_as(f, &user, 0);
		expect_success(f, &user);
		expire_at(f, f->now + REST - 1);
		assert_non_null(shared->accounts.table);
		expire_at(f, f->now + 1);
		assert_null(shared->accounts.table);
		stun_hmac_free(user.hmac);
	}
	assert_int_equal(stats(f)->allocations, 0);
	fixture_free(f);
	turn_shared_free(shared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rest),          cmocka_unit_test(test_rest_expiry),
		cmocka_unit_test(test_rest_rotation), cmocka_unit_test(test_rest_revoked),
		cmocka_unit_test(test_accounts),      cmocka_unit_test(test_rate),
		cmocka_unit_test(test_many_names),
	};

	return cmocka_run_group_tests_name("turn rest", tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Replaced credentials, and the password algorithms and security features of RFC 8489. */
#include <arpa/inet.h>
#include <string.h>

#include "turn/walk.h"
#include "turn_users.h"

static void test_nobody(void **state)
{
	struct fixture *f = fixture_default();

	(void)state;
	use_credentials(f, no_users());
	allocate_as(f, &f->alice, STUN_FAMILY_IPV4);
	expect_error(f, 401);
	fixture_free(f);
}

/* A removed user that is kept can use an allocation until it expires, but not refresh it. */
static void test_removed_user(void **state)
{
	struct fixture *f = fixture_default();
	struct turn_credentials *credentials = no_users();

	(void)state;
	allocate_at(f, 1, &f->alice);
	allocate_at(f, 2, &f->alice);
	assert_int_equal(turn_credentials_add_password(credentials, "bob", "hidden"), 0);
	use_credentials(f, credentials);
	allocate_at(f, 3, &f->alice);
	expect_error(f, 401);
	allocate_at(f, 3, &f->bob);
	expect_success(f, &f->bob);
	from_port(f, 1);
	permit_as(f, &f->alice);
	expect_success(f, &f->alice);
	channel_bind(f, 0x4000, "198.51.100.1:7000");
	expect_success(f, &f->alice);
	assert_int_equal(f->n_flows, 1);
	refresh_as(f, &f->alice, 600);
	expect_signed_error(f, &f->alice, 403);
	refresh_as(f, &f->alice, 0);
	expect_success(f, &f->alice);
	assert_int_equal(stats(f)->allocations, 2);
	expire_at(f, f->now + 600 * SECOND);
	assert_int_equal(stats(f)->allocations, 0);
	/* A user who is added again can allocate. */
	credentials = no_users();
	assert_int_equal(turn_credentials_add_password(credentials, "alice", "secret"), 0);
	use_credentials(f, credentials);
	allocate_at(f, 1, &f->alice);
	expect_success(f, &f->alice);
	fixture_free(f);
}

/* Credentials with the same key change nothing for the user. */
static void test_kept_user(void **state)
{
	struct fixture *f = fixture_default();
	struct turn_credentials *credentials = no_users();

	(void)state;
	allocate_at(f, 1, &f->alice);
	assert_int_equal(turn_credentials_add_password(credentials, "alice", "secret"), 0);
	use_credentials(f, credentials);
	refresh_as(f, &f->alice, 600);
	expect_success(f, &f->alice);
	allocate_at(f, 2, &f->alice);
	expect_success(f, &f->alice);
	fixture_free(f);
}

static void test_changed_password(void **state)
{
	struct fixture *f = fixture_default();
	struct credentials renewed = make_credentials("alice", "better", 0);
	struct turn_credentials *credentials = no_users();

	(void)state;
	allocate_at(f, 1, &f->alice);
	assert_int_equal(turn_credentials_add_password(credentials, "alice", "better"), 0);
	use_credentials(f, credentials);
	refresh_as(f, &f->alice, 600);
	expect_signed_error(f, &f->alice, 403);
	permit_as(f, &f->alice);
	expect_success(f, &f->alice);
	/* RFC 8656 section 5: the username has to be the same, not the key. */
	refresh_as(f, &renewed, 600);
	expect_success(f, &renewed);
	allocate_at(f, 2, &f->alice);
	expect_error(f, 401);
	allocate_at(f, 2, &renewed);
	expect_success(f, &renewed);
	stun_hmac_free(renewed.hmac);
	fixture_free(f);
}

/* Allocations end with their flows when nobody could create them any more; others stay. */
static void test_revoked(void **state)
{
	struct credentials renewed = make_credentials("bob", "better", 0);
	struct fixture *f = fixture_default();
	struct turn_credentials *credentials = no_users();

	(void)state;
	allocate_at(f, 1, &f->alice);
	channel_bind(f, 0x4000, "198.51.100.1:7000");
	allocate_at(f, 2, &f->alice);
	allocate_at(f, 3, &f->bob);
	allocate_at(f, 4, &f->bob);
	assert_int_equal(turn_server_end_revoked(f->server, f->now), 0);
	assert_int_equal(turn_credentials_add_password(credentials, "bob", "hidden"), 0);
	use_credentials(f, credentials);
	clear(f);
	assert_int_equal(turn_server_end_revoked(f->server, f->now), 2);
	assert_int_equal(stats(f)->allocations, 2);
	assert_int_equal(f->n_flows, 0);
	assert_string_equal(f->logged[(f->n_logged - 1) % MAX_LOGGED].why, "revoked");
	from_port(f, 1);
	refresh_as(f, &f->alice, 0);
	expect_error(f, 401);
	/* A new password ends what the old one has created, unless the new one has refreshed it. */
	credentials = no_users();
	assert_int_equal(turn_credentials_add_password(credentials, "bob", "better"), 0);
	use_credentials(f, credentials);
	from_port(f, 4);
	refresh_as(f, &renewed, 600);
	expect_success(f, &renewed);
	assert_int_equal(turn_server_end_revoked(f->server, f->now), 1);
	assert_true(turn_server_has_allocation(f->server, &f->tuple));
	from_port(f, 4);
	refresh_as(f, &renewed, 0);
	expect_success(f, &renewed);
	assert_int_equal(stats(f)->allocations, 0);
	stun_hmac_free(renewed.hmac);
	fixture_free(f);
}

static bool is_from_port_2(void *arg, const struct turn_allocation_info *info)
{
	(*(size_t *)arg)++;
	assert_string_equal(info->username, "alice");
	return info->tuple.client.port == htons(2);
}

/* The owner can end any allocations. */
static void test_chosen(void **state)
{
	struct fixture *f = fixture_default();
	size_t asked = 0;

	(void)state;
	for (uint16_t port = 1; port <= 3; port++)
		allocate_at(f, port, &f->alice);
	assert_int_equal(
		turn_server_end_allocations(f->server, is_from_port_2, &asked, "denied", f->now),
		1);
	assert_int_equal(asked, 3);
	assert_int_equal(stats(f)->allocations, 2);
	assert_string_equal(f->logged[(f->n_logged - 1) % MAX_LOGGED].why, "denied");
	from_port(f, 2);
	assert_false(turn_server_has_allocation(f->server, &f->tuple));
	fixture_free(f);
}

/* RFC 8489 sections 9.2.3 and 9.2.4: either algorithm, with USERNAME or USERHASH. */
static void test_algorithms(void **state)
{
	static const enum stun_password_algorithm algorithms[] = { STUN_PASSWORD_MD5,
								   STUN_PASSWORD_SHA256 };
	struct turn_config config;
	struct credentials user;
	struct fixture *f;

	(void)state;
	fixture_config(&config);
	config.user_quota = 4;
	f = fixture_new(&config);
	for (uint16_t i = 0; i < 4; i++) {
		user = make_credentials("alice", "secret", algorithms[i % 2]);
		user.userhash = i >= 2;
		allocate_at(f, i + 1, &user);
		expect_success(f, &user);
		refresh_as(f, &user, 600);
		expect_success(f, &user);
		permit_as(f, &user);
		expect_success(f, &user);
		stun_hmac_free(user.hmac);
	}
	/* A client of RFC 5389 can use the allocation of a client of RFC 8489. */
	refresh_as(f, &f->alice, 600);
	expect_success(f, &f->alice);
	refresh_as(f, &f->bob, 600);
	expect_signed_error(f, &f->bob, 441);
	fixture_free(f);
}

static void expect_offer(struct fixture *f, const char *cookie, const char *algorithms, size_t len)
{
	struct stun_message msg;
	struct stun_attr attr;

	begin(f, STUN_REQUEST, TURN_ALLOCATE);
	send_plain(f);
	expect_error(f, 401);
	msg = response(f);
	assert_int_equal(stun_find_attr(&msg, STUN_ATTR_NONCE, &attr), 0);
	assert_memory_equal(attr.value, cookie, 13);
	assert_int_equal(stun_find_attr(&msg, STUN_ATTR_PASSWORD_ALGORITHMS, &attr), 0);
	assert_int_equal(attr.len, len);
	assert_memory_equal(attr.value, algorithms, len);
}

/* RFC 8489 section 18.1: bit 0 for the algorithms, bit 1 for USERHASH. */
static void test_offers(void **state)
{
	static const uint8_t key[16] = { 1 };
	struct fixture *f = fixture_default();
	struct turn_credentials *credentials = no_users();

	(void)state;
	expect_offer(f, "obMatJos2wAAA", "\0\2\0\0\0\1\0\0", 8);
	use_credentials(f, with_secret("north"));
	expect_offer(f, "obMatJos2gAAA", "\0\2\0\0\0\1\0\0", 8);
	assert_int_equal(turn_credentials_add_key(credentials, "alice", key, sizeof(key)), 0);
	use_credentials(f, credentials);
	expect_offer(f, "obMatJos2wAAA", "\0\1\0\0", 4);
	fixture_free(f);
}

/* Without USERHASH, the nonce still has the offered algorithms. */
static void test_offer_without_userhash(void **state)
{
	struct credentials alice = make_credentials("alice", "secret", STUN_PASSWORD_SHA256);
	struct turn_credentials *credentials = with_secret("north");
	struct fixture *f = fixture_default();

	(void)state;
	assert_int_equal(turn_credentials_add_password(credentials, "alice", "secret"), 0);
	use_credentials(f, credentials);
	allocate_at(f, 1, &alice);
	expect_success(f, &alice);
	memcpy(f->algorithms, "\0\1\0\0", 4);
	refresh_as(f, &alice, 600);
	expect_error(f, 400);
	stun_hmac_free(alice.hmac);
	fixture_free(f);
}

static void add_key(struct turn_credentials *credentials, const char *name, const char *password,
		    enum stun_password_algorithm algorithm)
{
	struct stun_key key;

	assert_int_equal(stun_long_term_key(algorithm, name, "example.org", password, &key), 0);
	assert_int_equal(turn_credentials_add_key(credentials, name, key.bytes, key.len), 0);
}

/* If only MD5 keys are known, SHA-256 is not offered, so that clients old and new succeed. */
static void test_precomputed_md5(void **state)
{
	struct fixture *f = fixture_default();
	struct credentials modern = make_credentials("alice", "secret", STUN_PASSWORD_MD5);
	struct turn_credentials *credentials = no_users();

	(void)state;
	add_key(credentials, "alice", "secret", STUN_PASSWORD_MD5);
	use_credentials(f, credentials);
	allocate_at(f, 1, &f->alice);
	expect_success(f, &f->alice);
	allocate_at(f, 2, &modern);
	expect_success(f, &modern);
	stun_hmac_free(modern.hmac);
	fixture_free(f);
}

/* If a user only has a SHA-256 key, it is offered, and locks out users who have none. */
static void test_precomputed_mixed(void **state)
{
	struct fixture *f = fixture_default();
	struct credentials alice = make_credentials("alice", "secret", STUN_PASSWORD_SHA256);
	struct credentials bob = make_credentials("bob", "hidden", STUN_PASSWORD_SHA256);
	struct turn_credentials *credentials = no_users();

	(void)state;
	add_key(credentials, "alice", "secret", STUN_PASSWORD_MD5);
	add_key(credentials, "bob", "hidden", STUN_PASSWORD_SHA256);
	use_credentials(f, credentials);
	allocate_at(f, 1, &f->alice);
	expect_success(f, &f->alice);
	allocate_at(f, 2, &alice);
	expect_error(f, 401);
	allocate_at(f, 3, &bob);
	expect_success(f, &bob);
	allocate_at(f, 4, &f->bob);
	expect_error(f, 401);
	stun_hmac_free(alice.hmac);
	stun_hmac_free(bob.hmac);
	fixture_free(f);
}

/* After a reload, an older nonce goes with the algorithms that were offered with it. */
static void test_offer_of_the_nonce(void **state)
{
	struct fixture *f = fixture_default();
	struct credentials alice = make_credentials("alice", "secret", STUN_PASSWORD_MD5);
	struct turn_credentials *credentials = no_users();

	(void)state;
	allocate_at(f, 1, &alice);
	expect_success(f, &alice);
	add_key(credentials, "alice", "secret", STUN_PASSWORD_MD5);
	use_credentials(f, credentials);
	refresh_as(f, &alice, 600);
	expect_success(f, &alice);
	/* The new list was never offered with the old nonce. */
	f->algorithms_len = 4;
	memcpy(f->algorithms, "\0\1\0\0", 4);
	refresh_as(f, &alice, 600);
	expect_error(f, 400);
	stun_hmac_free(alice.hmac);
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_removed_user),
		cmocka_unit_test(test_kept_user),
		cmocka_unit_test(test_changed_password),
		cmocka_unit_test(test_revoked),
		cmocka_unit_test(test_chosen),
		cmocka_unit_test(test_algorithms),
		cmocka_unit_test(test_offers),
		cmocka_unit_test(test_offer_without_userhash),
		cmocka_unit_test(test_precomputed_md5),
		cmocka_unit_test(test_precomputed_mixed),
		cmocka_unit_test(test_offer_of_the_nonce),
	};

	return cmocka_run_group_tests_name("turn credentials", tests, NULL, NULL);
}

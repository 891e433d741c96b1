/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whom a server lets in: time-limited names, credentials that are replaced, the algorithms of RFC
 * 8489, quotas of accounts, and how many strangers are answered.
 */
#include <stdio.h>
#include <string.h>

#include "turn/auth/rest.h"
#include "turn/state/shared.h"
#include "turn_fixture.h"

static struct turn_credentials *empty(void)
{
	struct turn_credentials *credentials;

	assert_int_equal(turn_credentials_new("example.org", &credentials), 0);
	return credentials;
}

/* From now on those in @credentials are let in. */
static void let_in(struct fixture *f, struct turn_credentials *credentials)
{
	turn_server_set_credentials(f->server, credentials);
	turn_credentials_put(credentials);
}

static struct turn_credentials *with_secret(const char *secret)
{
	struct turn_credentials *credentials = empty();

	assert_int_equal(turn_credentials_add_secret(credentials, secret), 0);
	return credentials;
}

static struct credentials rest_user(const char *secret, const char *name)
{
	char password[TURN_REST_PASSWORD_SIZE];

	assert_int_equal(turn_rest_password(secret, name, password), 0);
	return make_credentials(name, password, 0);
}

static void from_port(struct fixture *f, uint16_t port)
{
	char text[32];

	snprintf(text, sizeof(text), "203.0.113.7:%u", port);
	f->tuple.client = addr(text);
	f->nonce_len = 0;
}

static void allocate_at(struct fixture *f, uint16_t port, const struct credentials *user)
{
	from_port(f, port);
	allocate_as(f, user, STUN_FAMILY_IPV4);
}

static void refresh_as(struct fixture *f, const struct credentials *user, uint32_t lifetime)
{
	begin(f, STUN_REQUEST, TURN_REFRESH);
	stun_write_u32(&f->request, STUN_ATTR_LIFETIME, lifetime);
	send_signed(f, user);
}

static void permit_as(struct fixture *f, const struct credentials *user)
{
	struct turnpike_addr peer = addr("198.51.100.1");

	begin(f, STUN_REQUEST, TURN_CREATE_PERMISSION);
	stun_write_xor_addr(&f->request, STUN_ATTR_XOR_PEER_ADDRESS, &peer);
	send_signed(f, user);
}

/* An error that the owner of @user's key has signed. */
static void expect_signed_error(struct fixture *f, const struct credentials *user, int code)
{
	struct stun_message msg = response(f);

	expect_error(f, code);
	assert_int_equal(stun_check_integrity(&msg, user->hmac), 0);
}

static void test_nobody(void **state)
{
	struct fixture *f = fixture_default();

	(void)state;
	let_in(f, empty());
	allocate_as(f, &f->alice, STUN_FAMILY_IPV4);
	expect_error(f, 401);
	fixture_free(f);
}

static void test_rest(void **state)
{
	struct fixture *f = fixture_default();
	struct credentials user = rest_user("north", "1700000600:ann");
	struct credentials bare = rest_user("north", "1700000600");
	struct credentials wrong = rest_user("west", "1700000600:ann");
	struct credentials no_text = rest_user("north", "1700000600:\xff");

	(void)state;
	let_in(f, with_secret("north"));
	allocate_at(f, 1, &user);
	expect_success(f, &user);
	allocate_at(f, 2, &bare);
	expect_success(f, &bare);
	allocate_at(f, 3, &wrong);
	expect_error(f, 401);
	allocate_at(f, 3, &no_text);
	expect_error(f, 401);
	/* Users of a file and secrets go together; here there are none of the first. */
	allocate_at(f, 4, &f->alice);
	expect_error(f, 401);
	assert_int_equal(stats(f)->allocations, 2);
	stun_hmac_free(user.hmac);
	stun_hmac_free(bare.hmac);
	stun_hmac_free(wrong.hmac);
	stun_hmac_free(no_text.hmac);
	fixture_free(f);
}

/* From its time on a name makes no allocation, but keeps those it has. */
static void test_rest_expiry(void **state)
{
	struct fixture *f = fixture_default();
	struct credentials user = rest_user("north", "1700000600:ann");

	(void)state;
	let_in(f, with_secret("north"));
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
	/* A clock that is put back makes it valid again, and nothing else happens. */
	f->unix_time = 1;
	allocate_at(f, 2, &user);
	expect_success(f, &user);
	stun_hmac_free(user.hmac);
	fixture_free(f);
}

/* Rotation: both secrets hold, then the old one holds no more. */
static void test_rest_rotation(void **state)
{
	struct turn_credentials *both = with_secret("north");
	struct fixture *f = fixture_default();
	struct credentials old = rest_user("north", "1700000600:ann");
	struct credentials new = rest_user("south", "1700000600:ann");

	(void)state;
	assert_int_equal(turn_credentials_add_secret(both, "south"), 0);
	let_in(f, both);
	allocate_at(f, 1, &old);
	expect_success(f, &old);
	allocate_at(f, 2, &new);
	expect_success(f, &new);
	let_in(f, with_secret("south"));
	refresh_as(f, &new, 600);
	expect_success(f, &new);
	allocate_at(f, 3, &old);
	expect_error(f, 401);
	from_port(f, 1);
	refresh_as(f, &old, 600);
	expect_signed_error(f, &old, 403);
	/* The same name with the new key is the same user. */
	refresh_as(f, &new, 600);
	expect_success(f, &new);
	stun_hmac_free(old.hmac);
	stun_hmac_free(new.hmac);
	fixture_free(f);
}

/* Who is gone keeps an allocation with all it needs until it expires, or until it is given up. */
static void test_removed_user(void **state)
{
	struct fixture *f = fixture_default();
	struct turn_credentials *credentials = empty();

	(void)state;
	allocate_at(f, 1, &f->alice);
	allocate_at(f, 2, &f->alice);
	assert_int_equal(turn_credentials_add_password(credentials, "bob", "hidden"), 0);
	let_in(f, credentials);
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
	/* Who comes back is let in. */
	credentials = empty();
	assert_int_equal(turn_credentials_add_password(credentials, "alice", "secret"), 0);
	let_in(f, credentials);
	allocate_at(f, 1, &f->alice);
	expect_success(f, &f->alice);
	fixture_free(f);
}

/* Credentials that say the same of a user change nothing for this user. */
static void test_kept_user(void **state)
{
	struct fixture *f = fixture_default();
	struct turn_credentials *credentials = empty();

	(void)state;
	allocate_at(f, 1, &f->alice);
	assert_int_equal(turn_credentials_add_password(credentials, "alice", "secret"), 0);
	let_in(f, credentials);
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
	struct turn_credentials *credentials = empty();

	(void)state;
	allocate_at(f, 1, &f->alice);
	assert_int_equal(turn_credentials_add_password(credentials, "alice", "better"), 0);
	let_in(f, credentials);
	refresh_as(f, &f->alice, 600);
	expect_signed_error(f, &f->alice, 403);
	permit_as(f, &f->alice);
	expect_success(f, &f->alice);
	/* RFC 8656 section 5: it is the username that has to be the same. */
	refresh_as(f, &renewed, 600);
	expect_success(f, &renewed);
	allocate_at(f, 2, &f->alice);
	expect_error(f, 401);
	allocate_at(f, 2, &renewed);
	expect_success(f, &renewed);
	stun_hmac_free(renewed.hmac);
	fixture_free(f);
}

/* RFC 8489 sections 9.2.3 and 9.2.4: with either algorithm, and with either form of the name. */
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
	/* A client of RFC 5389 may use the allocation of one of RFC 8489 with the same name. */
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
	struct turn_credentials *credentials = empty();

	(void)state;
	expect_offer(f, "obMatJos2wAAA", "\0\2\0\0\0\1\0\0", 8);
	let_in(f, with_secret("north"));
	expect_offer(f, "obMatJos2gAAA", "\0\2\0\0\0\1\0\0", 8);
	assert_int_equal(turn_credentials_add_key(credentials, "alice", key, sizeof(key)), 0);
	let_in(f, credentials);
	expect_offer(f, "obMatJos2wAAA", "\0\1\0\0", 4);
	fixture_free(f);
}

/* Without USERHASH, the nonce still says that there are algorithms, and which. */
static void test_offer_without_userhash(void **state)
{
	struct credentials alice = make_credentials("alice", "secret", STUN_PASSWORD_SHA256);
	struct turn_credentials *credentials = with_secret("north");
	struct fixture *f = fixture_default();

	(void)state;
	assert_int_equal(turn_credentials_add_password(credentials, "alice", "secret"), 0);
	let_in(f, credentials);
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

/* Of whom only the MD5 key is known: clients old and new come in, as SHA-256 is not offered. */
static void test_precomputed_md5(void **state)
{
	struct fixture *f = fixture_default();
	struct credentials modern = make_credentials("alice", "secret", STUN_PASSWORD_MD5);
	struct turn_credentials *credentials = empty();

	(void)state;
	add_key(credentials, "alice", "secret", STUN_PASSWORD_MD5);
	let_in(f, credentials);
	allocate_at(f, 1, &f->alice);
	expect_success(f, &f->alice);
	allocate_at(f, 2, &modern);
	expect_success(f, &modern);
	stun_hmac_free(modern.hmac);
	fixture_free(f);
}

/* If others have nothing but a SHA-256 key, it is offered, and is no use to those without. */
static void test_precomputed_mixed(void **state)
{
	struct fixture *f = fixture_default();
	struct credentials alice = make_credentials("alice", "secret", STUN_PASSWORD_SHA256);
	struct credentials bob = make_credentials("bob", "hidden", STUN_PASSWORD_SHA256);
	struct turn_credentials *credentials = empty();

	(void)state;
	add_key(credentials, "alice", "secret", STUN_PASSWORD_MD5);
	add_key(credentials, "bob", "hidden", STUN_PASSWORD_SHA256);
	let_in(f, credentials);
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

/* A nonce from before a reload comes with the list that it was given out with. */
static void test_offer_of_the_nonce(void **state)
{
	struct fixture *f = fixture_default();
	struct credentials alice = make_credentials("alice", "secret", STUN_PASSWORD_MD5);
	struct turn_credentials *credentials = empty();

	(void)state;
	allocate_at(f, 1, &alice);
	expect_success(f, &alice);
	add_key(credentials, "alice", "secret", STUN_PASSWORD_MD5);
	let_in(f, credentials);
	refresh_as(f, &alice, 600);
	expect_success(f, &alice);
	/* The new list with the old nonce is none that we sent. */
	f->algorithms_len = 4;
	memcpy(f->algorithms, "\0\1\0\0", 4);
	refresh_as(f, &alice, 600);
	expect_error(f, 400);
	stun_hmac_free(alice.hmac);
	fixture_free(f);
}

/* The client of @names behind the colon are one account; one without a colon is one by itself. */
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
	let_in(f, with_secret("north"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct credentials user = rest_user("north", rows[i].name);

		allocate_at(f, (uint16_t)(i + 1), &user);
		if (rows[i].code)
			expect_signed_error(f, &user, rows[i].code);
		else
			expect_success(f, &user);
		stun_hmac_free(user.hmac);
	}
	/* What expires is given back to the account. */
	expire_at(f, f->now + 600 * SECOND);
	for (uint16_t i = 0; i < 2; i++) {
		struct credentials user = rest_user("north", rows[i].name);

		allocate_at(f, i + 1, &user);
		expect_success(f, &user);
		stun_hmac_free(user.hmac);
	}
	fixture_free(f);
}

/* Names that come and go leave no accounts behind. */
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
	let_in(f, with_secret("north"));
	for (unsigned int i = 0; i < 1000; i++) {
		struct credentials user;

		snprintf(name, sizeof(name), "1700000600:user%u", i);
		user = rest_user("north", name);
		allocate_at(f, 1, &user);
		expect_success(f, &user);
		assert_non_null(shared->accounts);
		refresh_as(f, &user, 0);
		expect_success(f, &user);
		assert_null(shared->accounts);
		stun_hmac_free(user.hmac);
	}
	assert_int_equal(stats(f)->allocations, 0);
	fixture_free(f);
	turn_shared_free(shared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_rest),
		cmocka_unit_test(test_rest_expiry),
		cmocka_unit_test(test_rest_rotation),
		cmocka_unit_test(test_removed_user),
		cmocka_unit_test(test_kept_user),
		cmocka_unit_test(test_changed_password),
		cmocka_unit_test(test_algorithms),
		cmocka_unit_test(test_offers),
		cmocka_unit_test(test_offer_without_userhash),
		cmocka_unit_test(test_precomputed_md5),
		cmocka_unit_test(test_precomputed_mixed),
		cmocka_unit_test(test_offer_of_the_nonce),
		cmocka_unit_test(test_accounts),
		cmocka_unit_test(test_many_names),
	};

	return cmocka_run_group_tests_name("turn credentials", tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Users, keys and secrets without a server, and time-limited usernames. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "private/array_len.h"
#include "turn/auth/credentials.h"
#include "turn/auth/rest.h"

static const uint8_t md5_key[16] = { 1 }, sha256_key[32] = { 2 };

static struct turn_credentials *make(void)
{
	struct turn_credentials *credentials;

	assert_int_equal(turn_credentials_new("example.org", &credentials), 0);
	return credentials;
}

static struct stun_key made_of(enum stun_password_algorithm algorithm, const char *username,
			       const char *password)
{
	struct stun_key key = { 0 };

	assert_int_equal(stun_long_term_key(algorithm, username, "example.org", password, &key), 0);
	return key;
}

static void expect_key(const struct turn_credentials *credentials, const char *username,
		       enum stun_password_algorithm algorithm, size_t nth,
		       const struct stun_key *expected)
{
	struct stun_key key;

	assert_int_equal(turn_credentials_key(credentials, username, algorithm, nth, &key), 0);
	assert_int_equal(key.len, expected->len);
	assert_memory_equal(key.bytes, expected->bytes, key.len);
	assert_true(turn_credentials_has_key(credentials, username, algorithm, expected));
}

static void expect_no_key(const struct turn_credentials *credentials, const char *username,
			  enum stun_password_algorithm algorithm, size_t nth)
{
	struct stun_key key;

	assert_int_equal(turn_credentials_key(credentials, username, algorithm, nth, &key),
			 -ENOENT);
}

static void test_realm(void **state)
{
	static const char long_realm[129] = { [0 ... 127] = 'r' };
	struct turn_credentials *credentials;

	(void)state;
	assert_int_equal(turn_credentials_new("", &credentials), -EINVAL);
	assert_int_equal(turn_credentials_new("a\tb", &credentials), -EINVAL);
	assert_int_equal(turn_credentials_new(long_realm, &credentials), -EINVAL);
	assert_int_equal(turn_credentials_new(long_realm + 1, &credentials), 0);
	assert_true(turn_credentials_is_empty(credentials));
	turn_credentials_put(credentials);
	turn_credentials_put(NULL);
}

static void test_password(void **state)
{
	static const char long_name[510] = { [0 ... 508] = 'x' };
	struct turn_credentials *credentials = make();
	struct stun_key md5 = made_of(STUN_PASSWORD_MD5, "alice", "secret");
	struct stun_key sha256 = made_of(STUN_PASSWORD_SHA256, "alice", "secret");

	(void)state;
	assert_int_equal(turn_credentials_add_password(credentials, "alice", "secret"), 0);
	assert_false(turn_credentials_is_empty(credentials));
	assert_true(turn_credentials_has_user(credentials, "alice"));
	assert_false(turn_credentials_has_user(credentials, "alic"));
	expect_key(credentials, "alice", STUN_PASSWORD_MD5, 0, &md5);
	expect_key(credentials, "alice", STUN_PASSWORD_SHA256, 0, &sha256);
	expect_no_key(credentials, "alice", STUN_PASSWORD_MD5, 1);
	expect_no_key(credentials, "bob", STUN_PASSWORD_MD5, 0);
	assert_false(turn_credentials_has_key(credentials, "alice", STUN_PASSWORD_MD5, &sha256));
	assert_int_equal(turn_credentials_add_password(credentials, "alice", "p"), -EEXIST);
	assert_int_equal(turn_credentials_add_key(credentials, "alice", md5_key, 16), -EEXIST);
	assert_int_equal(turn_credentials_add_password(credentials, "", "p"), -EINVAL);
	assert_int_equal(turn_credentials_add_password(credentials, "bob", ""), -EINVAL);
	assert_int_equal(turn_credentials_add_password(credentials, "bob", "a\nb"), -EINVAL);
	assert_int_equal(turn_credentials_add_password(credentials, long_name, "p"), -EINVAL);
	assert_int_equal(turn_credentials_add_password(credentials, long_name + 1, "p"), 0);
	turn_credentials_put(credentials);
}

/* RFC 8489 sections 9.2.2 and 14.3: OpaqueString applies to username, realm and password. */
static void test_preparation(void **state)
{
	struct turn_credentials *credentials;
	struct stun_key expected, key;

	(void)state;
	assert_int_equal(turn_credentials_new("caf\u00e9", &credentials), 0);
	assert_int_equal(turn_credentials_add_password(credentials, "u\u0308ser", "a\u00a0b"), 0);
	assert_int_equal(turn_credentials_add_password(credentials, "\u00fcser", "p"), -EEXIST);
	assert_int_equal(
		stun_long_term_key(STUN_PASSWORD_MD5, "\u00fcser", "caf\u00e9", "a b", &expected),
		0);
	assert_int_equal(turn_credentials_key(credentials, "\u00fcser", STUN_PASSWORD_MD5, 0, &key),
			 0);
	assert_memory_equal(key.bytes, expected.bytes, 16);
	turn_credentials_put(credentials);
}

static void test_keys(void **state)
{
	struct turn_credentials *credentials = make();
	struct stun_key md5 = { .len = 16 }, sha256 = { .len = 32 };

	(void)state;
	memcpy(md5.bytes, md5_key, 16);
	memcpy(sha256.bytes, sha256_key, 32);
	assert_int_equal(turn_credentials_add_key(credentials, "alice", md5_key, 15), -EINVAL);
	assert_int_equal(turn_credentials_add_key(credentials, "", md5_key, 16), -EINVAL);
	assert_int_equal(turn_credentials_add_key(credentials, "alice", md5_key, 16), 0);
	expect_key(credentials, "alice", STUN_PASSWORD_MD5, 0, &md5);
	expect_no_key(credentials, "alice", STUN_PASSWORD_SHA256, 0);
	assert_int_equal(turn_credentials_add_key(credentials, "alice", md5_key, 16), -EEXIST);
	assert_int_equal(turn_credentials_add_key(credentials, "alice", sha256_key, 32), 0);
	expect_key(credentials, "alice", STUN_PASSWORD_SHA256, 0, &sha256);
	assert_int_equal(turn_credentials_add_key(credentials, "alice", sha256_key, 32), -EEXIST);
	assert_int_equal(turn_credentials_add_password(credentials, "alice", "p"), -EEXIST);
	turn_credentials_put(credentials);
}

/* Clients must use the best algorithm offered, so the offer must not lock anyone out. */
static void test_offer(void **state)
{
	struct turn_credentials *credentials = make();

	(void)state;
	assert_true(turn_credentials_prefer_sha256(credentials));
	assert_true(turn_credentials_prefer_userhash(credentials));
	turn_credentials_add_password(credentials, "alice", "secret");
	assert_true(turn_credentials_prefer_sha256(credentials));
	turn_credentials_add_key(credentials, "bob", md5_key, 16);
	assert_false(turn_credentials_prefer_sha256(credentials));
	turn_credentials_add_key(credentials, "carol", sha256_key, 32);
	assert_true(turn_credentials_prefer_sha256(credentials));
	turn_credentials_add_key(credentials, "carol", md5_key, 16);
	assert_false(turn_credentials_prefer_sha256(credentials));
	turn_credentials_add_key(credentials, "bob", sha256_key, 32);
	assert_true(turn_credentials_prefer_sha256(credentials));
	assert_true(turn_credentials_prefer_userhash(credentials));
	turn_credentials_add_secret(credentials, "s");
	assert_false(turn_credentials_prefer_userhash(credentials));
	turn_credentials_put(credentials);
}

static void test_userhash(void **state)
{
	struct turn_credentials *credentials = make();
	uint8_t hash[STUN_USERHASH_LEN];

	(void)state;
	turn_credentials_add_password(credentials, "alice", "secret");
	turn_credentials_add_password(credentials, "bob", "hidden");
	assert_int_equal(stun_userhash("bob", "example.org", hash), 0);
	assert_string_equal(turn_credentials_find_hash(credentials, hash), "bob");
	hash[31] ^= 1;
	assert_null(turn_credentials_find_hash(credentials, hash));
	turn_credentials_put(credentials);
}

static void test_rest_names(void **state)
{
	static const struct {
		const char *username;
		uint64_t expiry;
		const char *name;
	} rows[] = {
		{ "1433895918", 1433895918, "1433895918" },
		{ "1433895918:alice", 1433895918, "alice" },
		{ "1433895918:", 1433895918, "1433895918:" },
		{ "1433895918:a:b", 1433895918, "a:b" },
		{ "0", 0, "0" },
		{ "9999999999999999999", 9999999999999999999u, "9999999999999999999" },
	};
	static const char *const others[] = { "",
					      ":alice",
					      "alice",
					      "alice:1433895918",
					      "1 :a",
					      "1433895918a",
					      "-1",
					      "+1",
					      "10000000000000000000" };
	const char *name;
	uint64_t expiry;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_true(turn_rest_parse(rows[i].username, &expiry, &name));
		assert_true(expiry == rows[i].expiry);
		assert_string_equal(name, rows[i].name);
	}
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		assert_false(turn_rest_parse(others[i], &expiry, &name));
}

/* From openssl dgst -sha1 -hmac north -binary | base64. */
static void test_rest_password(void **state)
{
	char password[TURN_REST_PASSWORD_SIZE];

	(void)state;
	assert_int_equal(turn_rest_password("north", "1433895918:ninefingers", password), 0);
	assert_string_equal(password, "jy8hTxmOO7UtEKXqSkSlvakPVYA=");
}

static void test_secrets(void **state)
{
	static const char name[] = "1700000600:alice";
	struct turn_credentials *credentials = make();
	char password[TURN_REST_PASSWORD_SIZE];
	struct stun_key key;

	(void)state;
	assert_int_equal(turn_credentials_add_secret(credentials, ""), -EINVAL);
	assert_int_equal(turn_credentials_add_secret(credentials, "north"), 0);
	assert_int_equal(turn_credentials_add_secret(credentials, "south"), 0);
	assert_false(turn_credentials_is_empty(credentials));
	turn_rest_password("north", name, password);
	key = made_of(STUN_PASSWORD_MD5, name, password);
	expect_key(credentials, name, STUN_PASSWORD_MD5, 0, &key);
	turn_rest_password("south", name, password);
	key = made_of(STUN_PASSWORD_SHA256, name, password);
	expect_key(credentials, name, STUN_PASSWORD_SHA256, 1, &key);
	expect_no_key(credentials, name, STUN_PASSWORD_MD5, 2);
	expect_no_key(credentials, "alice", STUN_PASSWORD_MD5, 0);
	/* A user with a name of that form is a plain user. */
	turn_credentials_add_password(credentials, name, "secret");
	key = made_of(STUN_PASSWORD_MD5, name, "secret");
	expect_key(credentials, name, STUN_PASSWORD_MD5, 0, &key);
	expect_no_key(credentials, name, STUN_PASSWORD_MD5, 1);
	turn_credentials_put(credentials);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_realm),       cmocka_unit_test(test_password),
		cmocka_unit_test(test_preparation), cmocka_unit_test(test_keys),
		cmocka_unit_test(test_offer),       cmocka_unit_test(test_userhash),
		cmocka_unit_test(test_rest_names),  cmocka_unit_test(test_rest_password),
		cmocka_unit_test(test_secrets),
	};

	return cmocka_run_group_tests_name("credentials", tests, NULL, NULL);
}

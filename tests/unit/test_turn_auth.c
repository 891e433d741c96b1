/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Long-term credentials: RFC 8489 section 9.2.4, RFC 8656 section 5. */
#include <string.h>

#include "private/array_len.h"
#include "turn_fixture.h"

static void expect_challenge(const struct fixture *f, int code)
{
	struct stun_message msg = response(f);
	struct stun_attr nonce, algorithms;

	expect_error(f, code);
	expect_response_text(f, STUN_ATTR_REALM, "example.org");
	assert_int_equal(stun_find_attr(&msg, STUN_ATTR_NONCE, &nonce), 0);
	assert_memory_equal(nonce.value, "obMatJos2wAAA", 13);
	assert_int_equal(stun_find_attr(&msg, STUN_ATTR_PASSWORD_ALGORITHMS, &algorithms), 0);
	assert_int_equal(algorithms.len, 8);
	assert_memory_equal(algorithms.value, "\0\2\0\0\0\1\0\0", 8);
	assert_int_equal(msg.integrity, 0);
	assert_int_equal(msg.integrity_sha256, 0);
	assert_false(response_has(f, STUN_ATTR_USERNAME));
	assert_false(response_has(f, STUN_ATTR_USERHASH));
}

static void test_no_integrity(void **state)
{
	static const enum stun_method methods[] = { TURN_ALLOCATE, TURN_REFRESH,
						    TURN_CREATE_PERMISSION, TURN_CHANNEL_BIND };
	struct fixture *f = fixture_default();

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		begin(f, STUN_REQUEST, methods[i]);
		/* Before authentication the server does not report unknown attributes. */
		stun_write_u32(&f->request, (enum stun_attr_type)0x7001, 0);
		send_plain(f);
		expect_challenge(f, 401);
		expect_response_text(f, STUN_ATTR_SOFTWARE, "turnpike");
	}
	assert_int_equal(turn_stats_by_code(stats(f), 401), 4);
	fixture_free(f);
}

static void send_without(struct fixture *f, enum stun_attr_type missing)
{
	begin(f, STUN_REQUEST, TURN_ALLOCATE);
	if (missing != STUN_ATTR_USERNAME)
		stun_write_string(&f->request, STUN_ATTR_USERNAME, "alice");
	if (missing != STUN_ATTR_REALM)
		stun_write_string(&f->request, STUN_ATTR_REALM, "example.org");
	if (missing != STUN_ATTR_NONCE)
		stun_write_bytes(&f->request, STUN_ATTR_NONCE, f->nonce, f->nonce_len);
	stun_write_integrity(&f->request, f->alice.hmac);
	send_plain(f);
}

static void test_missing_credentials(void **state)
{
	static const enum stun_attr_type types[] = { STUN_ATTR_USERNAME, STUN_ATTR_REALM,
						     STUN_ATTR_NONCE };
	struct fixture *f = fixture_default();

	(void)state;
	allocate(f);
	for (size_t i = 0; i < 3; i++) {
		send_without(f, types[i]);
		expect_error(f, 400);
		assert_false(response_has(f, STUN_ATTR_REALM));
		assert_false(response_has(f, STUN_ATTR_NONCE));
		assert_int_equal(response(f).integrity, 0);
	}
	fixture_free(f);
}

static void test_wrong_credentials(void **state)
{
	struct fixture *f = fixture_default();
	struct credentials wrong = { .name = "alice", .hmac = f->bob.hmac };
	struct credentials nobody = { .name = "mallory", .hmac = f->bob.hmac };

	(void)state;
	allocate_as(f, &wrong, STUN_FAMILY_IPV4);
	expect_challenge(f, 401);
	allocate_as(f, &nobody, STUN_FAMILY_IPV4);
	expect_challenge(f, 401);
	assert_int_equal(stats(f)->allocations, 0);
	fixture_free(f);
}

/** The key is checked before the nonce, so that only its owner learns that a nonce is stale. */
static void test_stale_nonce(void **state)
{
	struct fixture *f = fixture_default();
	struct credentials wrong = { .name = "alice", .hmac = f->bob.hmac };

	(void)state;
	allocate(f);
	f->now += 599 * SECOND;
	refresh(f, 3600);
	expect_success(f, &f->alice);
	f->now += 3001 * SECOND;
	refresh(f, 0);
	expect_challenge(f, 438);
	assert_int_equal(stats(f)->allocations, 1);
	allocate_as(f, &wrong, STUN_FAMILY_IPV4);
	expect_challenge(f, 401);
	f->nonce_len = 0;
	refresh(f, 0);
	expect_success(f, &f->alice);
	fixture_free(f);
}

/** A nonce is valid for the address that it was issued to only. */
static void test_stolen_nonce(void **state)
{
	struct fixture *f = fixture_default();

	(void)state;
	allocate(f);
	f->tuple.client = addr("203.0.113.7:40001");
	allocate_as(f, &f->alice, STUN_FAMILY_IPV4);
	expect_challenge(f, 438);
	fixture_free(f);
}

static void test_no_allocation(void **state)
{
	struct fixture *f = fixture_default();

	(void)state;
	refresh(f, 600);
	expect_error(f, 437);
	assert_int_equal(response(f).integrity > 0, 1);
	create_permission(f, "198.51.100.1");
	expect_error(f, 437);
	channel_bind(f, 0x4000, "198.51.100.1:1");
	expect_error(f, 437);
	fixture_free(f);
}

static void test_other_user(void **state)
{
	static const enum stun_method methods[] = { TURN_REFRESH, TURN_CREATE_PERMISSION,
						    TURN_CHANNEL_BIND };
	struct fixture *f = fixture_default();
	struct stun_message msg;

	(void)state;
	allocate(f);
	for (size_t i = 0; i < 3; i++) {
		begin(f, STUN_REQUEST, methods[i]);
		stun_write_u32(&f->request, STUN_ATTR_LIFETIME, 0);
		send_signed(f, &f->bob);
		expect_error(f, 441);
		msg = response(f);
		assert_int_equal(stun_check_integrity(&msg, f->bob.hmac), 0);
	}
	assert_int_equal(stats(f)->allocations, 1);
	allocate_as(f, &f->bob, STUN_FAMILY_IPV4);
	expect_error(f, 437);
	fixture_free(f);
}

/* An error response without integrity and without a challenge. */
static void expect_bare_400(const struct fixture *f)
{
	expect_error(f, 400);
	assert_false(response_has(f, STUN_ATTR_REALM));
	assert_false(response_has(f, STUN_ATTR_NONCE));
	assert_false(response_has(f, STUN_ATTR_PASSWORD_ALGORITHMS));
	assert_int_equal(response(f).integrity, 0);
	assert_int_equal(response(f).integrity_sha256, 0);
}

/* Writes an Allocate request up to its integrity; a length of SIZE_MAX leaves an attribute out. */
static void begin_with(struct fixture *f, const char *name, const char *algorithms,
		       size_t algorithms_len, const char *algorithm, size_t algorithm_len)
{
	begin(f, STUN_REQUEST, TURN_ALLOCATE);
	stun_write_u32(&f->request, STUN_ATTR_REQUESTED_TRANSPORT, TURN_TRANSPORT_UDP << 24);
	stun_write_string(&f->request, STUN_ATTR_USERNAME, name);
	stun_write_string(&f->request, STUN_ATTR_REALM, "example.org");
	stun_write_bytes(&f->request, STUN_ATTR_NONCE, f->nonce, f->nonce_len);
	if (algorithms_len != SIZE_MAX)
		stun_write_bytes(&f->request, STUN_ATTR_PASSWORD_ALGORITHMS, algorithms,
				 algorithms_len);
	if (algorithm_len != SIZE_MAX)
		stun_write_bytes(&f->request, STUN_ATTR_PASSWORD_ALGORITHM, algorithm,
				 algorithm_len);
}

static void get_nonce(struct fixture *f)
{
	refresh(f, 0);
	expect_error(f, 437);
}

/** RFC 8489 section 9.2.4, third check: made before the username is looked up. */
static void test_bid_down(void **state)
{
	static const struct {
		const char *algorithms;
		size_t algorithms_len;
		const char *algorithm;
		size_t algorithm_len;
		int code;
	} rows[] = {
		{ "\0\2\0\0\0\1\0\0", 8, "\0\2\0\0", 4, 0 },
		{ "\0\2\0\0\0\1\0\0", 8, "", SIZE_MAX, 400 },           /* no choice */
		{ "", SIZE_MAX, "\0\2\0\0", 4, 400 },                   /* no list */
		{ "\0\2\0\0\0\1\0\0\0\3\0\0", 12, "\0\2\0\0", 4, 400 }, /* one added */
		{ "\0\1\0\0", 4, "\0\1\0\0", 4, 400 },                  /* one taken away */
		{ "\0\1\0\0\0\2\0\0", 8, "\0\1\0\0", 4, 400 },          /* reordered */
		{ "\0\2\0\0\0\1\0\0", 8, "\0\3\0\0", 4, 400 },          /* not offered */
		{ "\0\2\0\0\0\1\0\0", 8, "\0\0\0\0", 4, 400 },
		{ "\0\2\0\0\0\1\0\0", 8, "\0\2\0\1a", 5, 400 }, /* a parameter */
		{ "\0\2\0\0\0\1\0\0", 8, "", 0, 400 },
		{ "", 0, "\0\2\0\0", 4, 400 },
	};
	struct credentials modern = make_credentials("alice", "secret", STUN_PASSWORD_SHA256);
	struct fixture *f = fixture_default();

	(void)state;
	get_nonce(f);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		begin_with(f, rows[i].code ? "mallory" : "alice", rows[i].algorithms,
			   rows[i].algorithms_len, rows[i].algorithm, rows[i].algorithm_len);
		stun_write_integrity(&f->request, modern.hmac);
		send_plain(f);
		if (rows[i].code)
			expect_bare_400(f);
		else
			expect_success(f, &modern);
	}
	stun_hmac_free(modern.hmac);
	fixture_free(f);
}

/** Removing a feature from the nonce makes it stale. */
static void test_changed_cookie(void **state)
{
	static const char letters[] = "AgQ?";
	struct credentials modern = make_credentials("alice", "secret", STUN_PASSWORD_SHA256);
	struct fixture *f = fixture_default();

	(void)state;
	get_nonce(f);
	for (size_t i = 0; i < 4; i++) {
		f->nonce[9] = (uint8_t)letters[i];
		allocate_as(f, &f->alice, STUN_FAMILY_IPV4);
		expect_challenge(f, 438);
		allocate_as(f, &f->bob, STUN_FAMILY_IPV4);
		expect_challenge(f, 438);
	}
	f->nonce[9] = 'w';
	f->nonce[13] = 'M';
	begin_with(f, "alice", "\0\1\0\0", 4, "\0\1\0\0", 4);
	stun_write_integrity(&f->request, f->alice.hmac);
	send_plain(f);
	expect_challenge(f, 438);
	f->nonce[13] = 'S';
	allocate_as(f, &modern, STUN_FAMILY_IPV4);
	expect_success(f, &modern);
	stun_hmac_free(modern.hmac);
	fixture_free(f);
}

/** Section 9.2.4, fourth check: names that no user can have, in USERNAME and USERHASH. */
static void test_names(void **state)
{
	static uint8_t hash[STUN_USERHASH_LEN + 4]; /* of alice, and more */
	static const char long_name[763 + 1] = { [0 ... 762] = 'x' };
	static const struct {
		enum stun_attr_type type;
		const char *value;
		size_t len;
	} rows[] = {
		{ STUN_ATTR_USERNAME, "alice", 4 },
		{ STUN_ATTR_USERNAME, "alice", 6 },
		{ STUN_ATTR_USERNAME, "", 0 },
		{ STUN_ATTR_USERNAME, long_name, 508 },
		{ STUN_ATTR_USERNAME, long_name, 509 },
		{ STUN_ATTR_USERNAME, long_name, 763 },
		{ STUN_ATTR_USERNAME, "\xff", 1 },
		{ STUN_ATTR_USERHASH, long_name, 32 },
		{ STUN_ATTR_USERHASH, (const char *)hash, sizeof(hash) },
		{ STUN_ATTR_USERHASH, (const char *)hash, 31 },
		{ STUN_ATTR_USERHASH, "", 0 },
	};
	struct fixture *f = fixture_default();

	(void)state;
	get_nonce(f);
	assert_int_equal(stun_userhash("alice", "example.org", hash), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		begin(f, STUN_REQUEST, TURN_ALLOCATE);
		stun_write_bytes(&f->request, rows[i].type, rows[i].value, rows[i].len);
		stun_write_string(&f->request, STUN_ATTR_REALM, "example.org");
		stun_write_bytes(&f->request, STUN_ATTR_NONCE, f->nonce, f->nonce_len);
		stun_write_integrity(&f->request, f->alice.hmac);
		send_plain(f);
		expect_challenge(f, 401);
	}
	fixture_free(f);
}

/** Sections 14.6 and 9.2.4: the stronger attribute is verified, untruncated. */
static void test_integrity_sha256(void **state)
{
	struct credentials modern = make_credentials("alice", "secret", STUN_PASSWORD_SHA256);
	struct fixture *f = fixture_default();
	size_t end;

	(void)state;
	get_nonce(f);
	/* Of both, only MESSAGE-INTEGRITY-SHA256 is verified. */
	begin_with(f, "alice", "\0\2\0\0\0\1\0\0", 8, "\0\2\0\0", 4);
	stun_write_integrity(&f->request, f->bob.hmac);
	stun_write_integrity(&f->request, modern.hmac);
	send_plain(f);
	expect_success(f, &modern);
	begin_with(f, "alice", "", SIZE_MAX, "", SIZE_MAX);
	stun_write_integrity(&f->request, f->alice.hmac);
	stun_write_integrity(&f->request, modern.hmac);
	send_plain(f);
	expect_challenge(f, 401);
	/* Truncated: not allowed by TURN. */
	for (uint8_t len = 28; len >= 12; len = (uint8_t)(len - 4)) {
		begin_with(f, "alice", "\0\2\0\0\0\1\0\0", 8, "\0\2\0\0", 4);
		end = f->request.len;
		stun_write_integrity(&f->request, modern.hmac);
		f->request.len = end + 4 + len;
		f->request_buf[end + 3] = len;
		f->request_buf[2] = (uint8_t)((f->request.len - 20) >> 8);
		f->request_buf[3] = (uint8_t)(f->request.len - 20);
		send_plain(f);
		if (len >= 16)
			expect_challenge(f, 401);
		else
			assert_int_equal(f->n_events, 0);
	}
	stun_hmac_free(modern.hmac);
	fixture_free(f);
}

/** Section 9.2.4: MESSAGE-INTEGRITY for clients without PASSWORD-ALGORITHM, else -SHA256. */
static void test_integrity_of_responses(void **state)
{
	struct credentials sha256_of_md5 = make_credentials("alice", "secret", STUN_PASSWORD_MD5);
	struct credentials sha256 = make_credentials("alice", "secret", STUN_PASSWORD_SHA256);
	struct stun_hmac *sha1_of_sha256;
	struct fixture *f = fixture_default();
	struct stun_key key;

	(void)state;
	get_nonce(f);
	begin_with(f, "alice", "", SIZE_MAX, "", SIZE_MAX);
	stun_write_integrity(&f->request, sha256_of_md5.hmac);
	send_plain(f);
	expect_success(f, &f->alice);
	refresh(f, 0);
	assert_int_equal(
		stun_long_term_key(STUN_PASSWORD_SHA256, "alice", "example.org", "secret", &key),
		0);
	sha1_of_sha256 = stun_hmac_new(STUN_INTEGRITY_SHA1, key.bytes, key.len);
	begin_with(f, "alice", "\0\2\0\0\0\1\0\0", 8, "\0\2\0\0", 4);
	stun_write_integrity(&f->request, sha1_of_sha256);
	send_plain(f);
	expect_success(f, &sha256);
	stun_hmac_free(sha1_of_sha256);
	stun_hmac_free(sha256.hmac);
	stun_hmac_free(sha256_of_md5.hmac);
	fixture_free(f);
}

/** Section 9: attributes after either integrity attribute are ignored. */
static void test_after_integrity(void **state)
{
	struct credentials modern = make_credentials("alice", "secret", STUN_PASSWORD_SHA256);
	const struct credentials *users[2];
	struct fixture *f = fixture_default();

	(void)state;
	users[0] = &f->alice;
	users[1] = &modern;
	allocate(f);
	for (size_t i = 0; i < 2; i++) {
		begin(f, STUN_REQUEST, TURN_REFRESH);
		stun_write_string(&f->request, STUN_ATTR_USERNAME, "alice");
		stun_write_string(&f->request, STUN_ATTR_REALM, "example.org");
		stun_write_bytes(&f->request, STUN_ATTR_NONCE, f->nonce, f->nonce_len);
		if (users[i]->algorithm) {
			stun_write_bytes(&f->request, STUN_ATTR_PASSWORD_ALGORITHMS, f->algorithms,
					 f->algorithms_len);
			stun_write_u32(&f->request, STUN_ATTR_PASSWORD_ALGORITHM, 2 << 16);
		}
		stun_write_integrity(&f->request, users[i]->hmac);
		stun_write_u32(&f->request, STUN_ATTR_LIFETIME, 0);
		stun_write_u32(&f->request, (enum stun_attr_type)0x7001, 0);
		stun_write_fingerprint(&f->request);
		send_plain(f);
		expect_success(f, users[i]);
		assert_true(response(f).fingerprint);
		assert_int_equal(response_u32(f, STUN_ATTR_LIFETIME), 600);
	}
	assert_int_equal(stats(f)->allocations, 1);
	stun_hmac_free(modern.hmac);
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_integrity),
		cmocka_unit_test(test_missing_credentials),
		cmocka_unit_test(test_wrong_credentials),
		cmocka_unit_test(test_stale_nonce),
		cmocka_unit_test(test_stolen_nonce),
		cmocka_unit_test(test_no_allocation),
		cmocka_unit_test(test_other_user),
		cmocka_unit_test(test_bid_down),
		cmocka_unit_test(test_changed_cookie),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_integrity_sha256),
		cmocka_unit_test(test_integrity_of_responses),
		cmocka_unit_test(test_after_integrity),
	};

	return cmocka_run_group_tests_name("turn auth", tests, NULL, NULL);
}

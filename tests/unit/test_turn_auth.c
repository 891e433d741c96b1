/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What every request goes through: RFC 8489 sections 6.3 and 9.2.4, RFC 8656 section 5. */
#include <string.h>

#include "turn_fixture.h"

static bool has(const struct fixture *f, enum stun_attr_type type)
{
	struct stun_message msg = response(f);
	struct stun_attr attr;

	return stun_find_attr(&msg, type, &attr) == 0;
}

static void expect_text(const struct fixture *f, enum stun_attr_type type, const char *text)
{
	struct stun_message msg = response(f);
	struct stun_attr attr;

	assert_int_equal(stun_find_attr(&msg, type, &attr), 0);
	assert_int_equal(attr.len, strlen(text));
	assert_memory_equal(attr.value, text, attr.len);
}

static void expect_challenge(const struct fixture *f, int code)
{
	struct stun_message msg = response(f);
	struct stun_attr nonce;

	expect_error(f, code);
	expect_text(f, STUN_ATTR_REALM, "example.org");
	assert_int_equal(stun_find_attr(&msg, STUN_ATTR_NONCE, &nonce), 0);
	assert_memory_equal(nonce.value, "obMatJos2AAAA", 13);
	assert_int_equal(msg.integrity, 0);
	assert_false(has(f, STUN_ATTR_USERNAME));
}

static void test_binding(void **state)
{
	struct fixture *f = fixture_default();
	struct turnpike_addr mapped;

	(void)state;
	begin(f, STUN_REQUEST, STUN_BINDING);
	send_plain(f);
	assert_int_equal(response(f).class, STUN_SUCCESS);
	assert_int_equal(response(f).integrity, 0);
	assert_false(response(f).fingerprint);
	mapped = response_addr(f, STUN_ATTR_XOR_MAPPED_ADDRESS);
	assert_true(addr_equal(&mapped, &f->tuple.client));
	expect_text(f, STUN_ATTR_SOFTWARE, "turnpike");
	begin(f, STUN_REQUEST, STUN_BINDING);
	stun_write_fingerprint(&f->request);
	send_plain(f);
	assert_true(response(f).fingerprint);
	assert_int_equal(stats(f)->requests, 2);
	assert_int_equal(stats(f)->successes, 2);
	fixture_free(f);
}

static void test_binding_unknown(void **state)
{
	struct fixture *f = fixture_default();
	struct stun_message msg;
	struct stun_attr attr;

	(void)state;
	begin(f, STUN_REQUEST, STUN_BINDING);
	stun_write_u32(&f->request, (enum stun_attr_type)0x0003, 0);
	stun_write_u32(&f->request, (enum stun_attr_type)0x8003, 0);
	stun_write_u32(&f->request, (enum stun_attr_type)0x7001, 0);
	send_plain(f);
	expect_error(f, 420);
	msg = response(f);
	assert_int_equal(stun_find_attr(&msg, STUN_ATTR_UNKNOWN_ATTRIBUTES, &attr), 0);
	assert_int_equal(attr.len, 4);
	assert_memory_equal(attr.value, "\x00\x03\x70\x01", 4);
	fixture_free(f);
}

/** RFC 8489 section 6.3: no answer at all. */
static void test_silence(void **state)
{
	struct fixture *f = fixture_default();
	uint8_t data[32];

	(void)state;
	begin(f, STUN_REQUEST, (enum stun_method)0x00a);
	send_plain(f);
	begin(f, STUN_REQUEST, TURN_SEND);
	send_plain(f);
	assert_int_equal(f->n_events, 0);
	begin(f, STUN_SUCCESS, STUN_BINDING);
	send_plain(f);
	begin(f, STUN_INDICATION, TURN_ALLOCATE);
	send_plain(f);
	begin(f, STUN_INDICATION, STUN_BINDING);
	send_plain(f);
	assert_int_equal(f->n_events, 0);
	assert_int_equal(stats(f)->malformed, 4);
	for (int first = 0; first < 256; first++) {
		memset(data, first, sizeof(data));
		from_client(f, data, sizeof(data));
		from_client(f, data, 1);
	}
	from_client(f, NULL, 0);
	begin(f, STUN_REQUEST, STUN_BINDING);
	stun_write_fingerprint(&f->request);
	f->request_buf[27] ^= 1;
	send_plain(f);
	assert_int_equal(f->n_events, 0);
	assert_int_equal(stats(f)->requests, 0);
	fixture_free(f);
}

static void test_no_integrity(void **state)
{
	static const enum stun_method methods[] = { TURN_ALLOCATE, TURN_REFRESH,
						    TURN_CREATE_PERMISSION, TURN_CHANNEL_BIND };
	struct fixture *f = fixture_default();

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		begin(f, STUN_REQUEST, methods[i]);
		/* Strangers do not even learn that this is unknown. */
		stun_write_u32(&f->request, (enum stun_attr_type)0x7001, 0);
		send_plain(f);
		expect_challenge(f, 401);
		expect_text(f, STUN_ATTR_SOFTWARE, "turnpike");
	}
	assert_int_equal(stats(f)->errors[401 - TURN_ERROR_FIRST], 4);
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
		assert_false(has(f, STUN_ATTR_REALM));
		assert_false(has(f, STUN_ATTR_NONCE));
		assert_int_equal(response(f).integrity, 0);
	}
	fixture_free(f);
}

static void test_wrong_credentials(void **state)
{
	struct fixture *f = fixture_default();
	struct credentials wrong = { "alice", f->bob.hmac };
	struct credentials nobody = { "mallory", f->bob.hmac };

	(void)state;
	allocate_as(f, &wrong, STUN_FAMILY_IPV4);
	expect_challenge(f, 401);
	allocate_as(f, &nobody, STUN_FAMILY_IPV4);
	expect_challenge(f, 401);
	assert_int_equal(stats(f)->allocations, 0);
	fixture_free(f);
}

/** The key is checked before the nonce, so that only the owner of it learns of staleness. */
static void test_stale_nonce(void **state)
{
	struct fixture *f = fixture_default();
	struct credentials wrong = { "alice", f->bob.hmac };

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

/** A nonce belongs to the address that it was given to. */
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

/** RFC 8489 section 6.3: after authentication, before anything else. */
static void test_unknown_attribute(void **state)
{
	/* Reserved: were BANDWIDTH and TIMER-VAL. */
	static const enum stun_attr_type types[] = { (enum stun_attr_type)0x0010,
						     (enum stun_attr_type)0x0021 };
	struct fixture *f = fixture_default();
	struct stun_message msg;
	struct stun_attr attr;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		begin(f, STUN_REQUEST, TURN_ALLOCATE);
		stun_write_bytes(&f->request, types[i], "", 0);
		send_signed(f, &f->alice);
		expect_error(f, 420);
		msg = response(f);
		assert_int_equal(stun_check_integrity(&msg, f->alice.hmac), 0);
		assert_int_equal(stun_find_attr(&msg, STUN_ATTR_UNKNOWN_ATTRIBUTES, &attr), 0);
		assert_int_equal(attr.len, 2);
		assert_int_equal(attr.value[1], types[i]);
	}
	/* Comprehension-optional: ignored. */
	begin(f, STUN_REQUEST, TURN_ALLOCATE);
	stun_write_u32(&f->request, STUN_ATTR_REQUESTED_TRANSPORT, TURN_TRANSPORT_UDP << 24);
	stun_write_u32(&f->request, (enum stun_attr_type)0x8002, 2u << 24);
	send_signed(f, &f->alice);
	expect_success(f, &f->alice);
	fixture_free(f);
}

static void test_many_unknown(void **state)
{
	struct fixture *f = fixture_default();
	struct stun_message msg;
	struct stun_attr attr;

	(void)state;
	begin(f, STUN_REQUEST, STUN_BINDING);
	for (unsigned int i = 0; i < 100; i++)
		stun_write_u32(&f->request, (enum stun_attr_type)(0x7000 + i), 0);
	send_plain(f);
	expect_error(f, 420);
	msg = response(f);
	assert_int_equal(stun_find_attr(&msg, STUN_ATTR_UNKNOWN_ATTRIBUTES, &attr), 0);
	assert_int_equal(attr.len, 32);
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

/** Integrity and fingerprint in one, and in the right order. */
static void test_fingerprint_echo(void **state)
{
	struct fixture *f = fixture_default();

	(void)state;
	allocate(f);
	assert_false(response(f).fingerprint);
	begin(f, STUN_REQUEST, TURN_REFRESH);
	stun_write_string(&f->request, STUN_ATTR_USERNAME, "alice");
	stun_write_string(&f->request, STUN_ATTR_REALM, "example.org");
	stun_write_bytes(&f->request, STUN_ATTR_NONCE, f->nonce, f->nonce_len);
	stun_write_integrity(&f->request, f->alice.hmac);
	stun_write_fingerprint(&f->request);
	send_plain(f);
	expect_success(f, &f->alice);
	assert_true(response(f).fingerprint);
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_binding),
		cmocka_unit_test(test_binding_unknown),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_no_integrity),
		cmocka_unit_test(test_missing_credentials),
		cmocka_unit_test(test_wrong_credentials),
		cmocka_unit_test(test_stale_nonce),
		cmocka_unit_test(test_stolen_nonce),
		cmocka_unit_test(test_unknown_attribute),
		cmocka_unit_test(test_many_unknown),
		cmocka_unit_test(test_no_allocation),
		cmocka_unit_test(test_other_user),
		cmocka_unit_test(test_fingerprint_echo),
	};

	return cmocka_run_group_tests_name("turn auth", tests, NULL, NULL);
}

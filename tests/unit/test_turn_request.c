/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Rules for all requests: RFC 8489 section 6.3. */
#include <string.h>

#include "turn_fixture.h"

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
	expect_response_text(f, STUN_ATTR_SOFTWARE, "turnpike");
	begin(f, STUN_REQUEST, STUN_BINDING);
	stun_write_fingerprint(&f->request);
	send_plain(f);
	assert_true(response(f).fingerprint);
	assert_int_equal(turn_stats_requests(stats(f)), 2);
	assert_int_equal(turn_stats_by_reason(stats(f), TURN_REASON_NONE), 2);
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
	uint64_t malformed;
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
	assert_int_equal(stats(f)->dropped[TURN_REASON_MALFORMED], 4);
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
	assert_int_equal(turn_stats_requests(stats(f)), 0);
	malformed = stats(f)->dropped[TURN_REASON_MALFORMED];
	begin(f, STUN_INDICATION, STUN_BINDING);
	stun_write_fingerprint(&f->request);
	f->request_buf[27] ^= 1;
	send_plain(f);
	assert_int_equal(stats(f)->dropped[TURN_REASON_MALFORMED], malformed + 1);
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
	stun_write_u32(&f->request, (enum stun_attr_type)0x8005, 2u << 24);
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

/** A message that would cost a multiple of an honest one is not answered, and nobody is told. */
static void test_too_many_attributes(void **state)
{
	struct fixture *f = fixture_default();

	(void)state;
	begin(f, STUN_REQUEST, STUN_BINDING);
	for (unsigned int i = 0; i < STUN_ATTRS_MAX; i++)
		stun_write_bytes(&f->request, (enum stun_attr_type)(0x9000 + i), "", 0);
	send_plain(f);
	assert_int_equal(response(f).class, STUN_SUCCESS);
	begin(f, STUN_REQUEST, STUN_BINDING);
	for (unsigned int i = 0; i < STUN_ATTRS_MAX + 1; i++)
		stun_write_bytes(&f->request, (enum stun_attr_type)(0x7000 + i), "", 0);
	send_plain(f);
	assert_int_equal(f->n_events, 0);
	assert_int_equal(stats(f)->dropped[TURN_REASON_MALFORMED], 1);
	fixture_free(f);
}

/** A response with integrity and FINGERPRINT, in that order. */
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
		cmocka_unit_test(test_binding),          cmocka_unit_test(test_binding_unknown),
		cmocka_unit_test(test_silence),          cmocka_unit_test(test_unknown_attribute),
		cmocka_unit_test(test_many_unknown),     cmocka_unit_test(test_too_many_attributes),
		cmocka_unit_test(test_fingerprint_echo),
	};

	return cmocka_run_group_tests_name("turn request", tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/addr.h"
#include "private/array_len.h"
#include "rfc5769.h"
#include "stun/message.h"
#include "stun/writer.h"

/** Rebuilds a test vector and expects the same bytes. */
static void rewrite_response(const struct rfc5769_vector *vector, const char *mapped)
{
	struct stun_hmac *hmac = rfc5769_short_term();
	uint8_t buf[128], expected[128];
	struct stun_writer writer;
	struct turnpike_addr addr;
	struct stun_message msg;
	size_t len;

	assert_int_equal(addr_parse(mapped, &addr), 0);
	stun_writer_begin(&writer, buf, sizeof(buf), STUN_SUCCESS, STUN_BINDING, vector->data + 8);
	stun_write_string(&writer, STUN_ATTR_SOFTWARE, "test vector");
	stun_write_xor_addr(&writer, STUN_ATTR_XOR_MAPPED_ADDRESS, &addr);
	/* The vector pads with a space, the writer with zero: the only difference so far. */
	memcpy(expected, vector->data, vector->len);
	expected[35] = 0;
	assert_memory_equal(buf + 4, expected + 4, writer.len - 4);
	stun_write_integrity(&writer, hmac);
	stun_write_fingerprint(&writer);
	assert_int_equal(stun_writer_end(&writer, &len), 0);
	assert_int_equal(len, vector->len);
	assert_memory_equal(buf, vector->data, 4);
	assert_int_equal(stun_parse(buf, len, &msg), 0);
	assert_true(msg.fingerprint);
	assert_int_equal(stun_check_integrity(&msg, hmac), 0);
	stun_hmac_free(hmac);
}

static void test_responses(void **state)
{
	(void)state;
	rewrite_response(&rfc5769_response_v4, "192.0.2.1:32853");
	rewrite_response(&rfc5769_response_v6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853");
}

/** This vector pads with zeros, as the writer does: all bytes are equal. */
static void test_long_term(void **state)
{
	struct stun_hmac *hmac = rfc5769_long_term_hmac();
	struct stun_writer writer;
	uint8_t buf[128];
	size_t len;

	(void)state;
	stun_writer_begin(&writer, buf, sizeof(buf), STUN_REQUEST, STUN_BINDING,
			  rfc5769_long_term.data + 8);
	stun_write_string(&writer, STUN_ATTR_USERNAME, RFC5769_USERNAME);
	stun_write_string(&writer, STUN_ATTR_NONCE, RFC5769_NONCE);
	stun_write_string(&writer, STUN_ATTR_REALM, RFC5769_REALM);
	stun_write_integrity(&writer, hmac);
	assert_int_equal(stun_writer_end(&writer, &len), 0);
	assert_int_equal(len, rfc5769_long_term.len);
	assert_memory_equal(buf, rfc5769_long_term.data, len);
	stun_hmac_free(hmac);
}

/** RFC 8489 appendix B.1, which pads with zeros, too. */
static void test_userhash(void **state)
{
	struct stun_hmac *hmac = rfc8489_userhash_hmac();
	uint8_t buf[256], hash[STUN_USERHASH_LEN];
	struct stun_writer writer;
	size_t len;

	(void)state;
	assert_int_equal(stun_userhash(RFC5769_USERNAME, RFC5769_REALM, hash), 0);
	stun_writer_begin(&writer, buf, sizeof(buf), STUN_REQUEST, STUN_BINDING,
			  rfc8489_userhash.data + 8);
	stun_write_bytes(&writer, STUN_ATTR_USERHASH, hash, sizeof(hash));
	stun_write_string(&writer, STUN_ATTR_NONCE, RFC8489_NONCE);
	stun_write_string(&writer, STUN_ATTR_REALM, RFC5769_REALM);
	stun_write_integrity(&writer, hmac);
	assert_int_equal(stun_writer_end(&writer, &len), 0);
	assert_int_equal(len, rfc8489_userhash.len);
	assert_memory_equal(buf, rfc8489_userhash.data, len);
	stun_hmac_free(hmac);
}

static size_t write_everything(uint8_t *buf, size_t size, int *err)
{
	static const uint8_t transaction[STUN_TRANSACTION_LEN] = { 1, 2, 3 };
	static const uint16_t unknown[3] = { 0x7fff, 0x0003, 0x0018 };
	struct stun_hmac *hmac = rfc5769_short_term();
	struct stun_writer writer;
	struct turnpike_addr addr;
	size_t len = 0;

	assert_int_equal(addr_parse("[2001:db8::1]:5", &addr), 0);
	stun_writer_begin(&writer, buf, size, STUN_ERROR, TURN_CHANNEL_BIND, transaction);
	stun_write_error(&writer, STUN_UNKNOWN_ATTRIBUTE);
	stun_write_unknown(&writer, unknown, 3);
	stun_write_addr(&writer, STUN_ATTR_MAPPED_ADDRESS, &addr);
	stun_write_u32(&writer, STUN_ATTR_LIFETIME, 0x01020304);
	stun_write_integrity(&writer, hmac);
	stun_write_fingerprint(&writer);
	*err = stun_writer_end(&writer, &len);
	stun_hmac_free(hmac);
	return len;
}

static void test_bytes(void **state)
{
	static const uint8_t expected[] = {
		0x01, 0x19, 0x00, 0x68, 0x21, 0x12, 0xa4, 0x42, 1,    2,    3,    0,    0,    0,
		0,    0,    0,    0,    0,    0,    0x00, 0x09, 0x00, 21,   0,    0,    4,    20,
		'U',  'n',  'k',  'n',  'o',  'w',  'n',  ' ',  'A',  't',  't',  'r',  'i',  'b',
		'u',  't',  'e',  0,    0,    0,    0x00, 0x0a, 0x00, 6,    0x7f, 0xff, 0x00, 0x03,
		0x00, 0x18, 0,    0,    0x00, 0x01, 0x00, 20,   0,    2,    0,    5,    0x20, 0x01,
		0x0d, 0xb8, 0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    1,
		0x00, 0x0d, 0x00, 4,    1,    2,    3,    4,    0x00, 0x08, 0x00, 20,
	};
	struct turnpike_addr addr, plain;
	struct stun_message msg;
	struct stun_attr attr;
	uint8_t buf[256];
	size_t len;
	int err;

	(void)state;
	len = write_everything(buf, sizeof(buf), &err);
	assert_int_equal(err, 0);
	assert_int_equal(len, 20 + 0x68);
	assert_memory_equal(buf, expected, sizeof(expected));
	assert_int_equal(stun_parse(buf, len, &msg), 0);
	assert_int_equal(msg.class, STUN_ERROR);
	assert_int_equal(msg.method, TURN_CHANNEL_BIND);
	assert_int_equal(stun_find_attr(&msg, STUN_ATTR_MAPPED_ADDRESS, &attr), 0);
	assert_int_equal(stun_attr_addr(&attr, &plain), 0);
	assert_int_equal(addr_parse("[2001:db8::1]:5", &addr), 0);
	assert_true(addr_equal(&plain, &addr));
}

static void test_never_overflows(void **state)
{
	uint8_t whole[256];
	size_t full;
	int err;

	(void)state;
	full = write_everything(whole, sizeof(whole), &err);
	for (size_t size = 0; size <= full; size++) {
		uint8_t *buf = malloc(size > 0 ? size : 1);
		size_t len = write_everything(buf, size, &err);

		assert_int_equal(err, size < full ? -EMSGSIZE : 0);
		assert_int_equal(len, size < full ? 0 : full);
		free(buf);
	}
}

static void test_limits(void **state)
{
	static const uint8_t transaction[STUN_TRANSACTION_LEN];
	static uint8_t buf[70000], value[65536];
	struct turnpike_addr none = { 0 };
	struct stun_writer writer;
	size_t len = 77;

	(void)state;
	stun_writer_begin(&writer, buf, sizeof(buf), STUN_INDICATION, TURN_SEND, transaction);
	stun_write_bytes(&writer, STUN_ATTR_DATA, value, 65536);
	assert_int_equal(stun_writer_end(&writer, &len), -EMSGSIZE);
	assert_int_equal(len, 77);
	stun_writer_begin(&writer, buf, sizeof(buf), STUN_INDICATION, TURN_SEND, transaction);
	/* Together with its header, one byte more than a message's length field can hold. */
	stun_write_bytes(&writer, STUN_ATTR_DATA, value, 65529);
	assert_int_equal(stun_writer_end(&writer, &len), -EMSGSIZE);
	stun_writer_begin(&writer, buf, sizeof(buf), STUN_INDICATION, TURN_SEND, transaction);
	stun_write_bytes(&writer, STUN_ATTR_DATA, value, 65528);
	assert_int_equal(stun_writer_end(&writer, &len), 0);
	assert_int_equal(len, 20 + 65532);
	stun_write_xor_addr(&writer, STUN_ATTR_XOR_PEER_ADDRESS, &none);
	assert_int_equal(stun_writer_end(&writer, &len), -EINVAL);
}

/* The phrases that RFC 8489 section 14.8 and RFC 8656 section 19 recommend. */
static void test_reasons(void **state)
{
	static const struct {
		enum stun_error_code code;
		const char *reason;
	} rows[] = {
		{ 300, "Try Alternate" },
		{ 400, "Bad Request" },
		{ 401, "Unauthenticated" },
		{ 403, "Forbidden" },
		{ 420, "Unknown Attribute" },
		{ 437, "Allocation Mismatch" },
		{ 438, "Stale Nonce" },
		{ 440, "Address Family not Supported" },
		{ 441, "Wrong Credentials" },
		{ 442, "Unsupported Transport Protocol" },
		{ 443, "Peer Address Family Mismatch" },
		{ 486, "Allocation Quota Reached" },
		{ 500, "Server Error" },
		{ 508, "Insufficient Capacity" },
	};
	static const uint8_t transaction[STUN_TRANSACTION_LEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *reason = rows[i].reason;
		const uint8_t class = (uint8_t)(rows[i].code / 100);
		const uint8_t number = (uint8_t)(rows[i].code % 100);
		const uint8_t error[] = { 0, 9, 0,     (uint8_t)(4 + strlen(reason)),
					  0, 0, class, number };
		const uint8_t address_error[] = { 0x80, 1, 0,     (uint8_t)(4 + strlen(reason)),
						  2,    0, class, number };
		struct stun_writer writer;
		uint8_t buf[128] = { 0 };

		stun_writer_begin(&writer, buf, sizeof(buf), STUN_ERROR, TURN_ALLOCATE,
				  transaction);
		stun_write_error(&writer, rows[i].code);
		assert_memory_equal(buf + 20, error, sizeof(error));
		assert_memory_equal(buf + 28, reason, strlen(reason));
		/* Reserved bits are zero (RFC 8656 section 18.12). */
		stun_writer_begin(&writer, buf, sizeof(buf), STUN_SUCCESS, TURN_ALLOCATE,
				  transaction);
		stun_write_address_error(&writer, TURNPIKE_IPV6, rows[i].code);
		assert_memory_equal(buf + 20, address_error, sizeof(address_error));
		assert_memory_equal(buf + 28, reason, strlen(reason));
	}
}

/* Neither does a message reveal a zone, nor can it name one. */
static void test_zone(void **state)
{
	static const uint8_t transaction[STUN_TRANSACTION_LEN] = { 1 };
	struct turnpike_addr addr, plain, read;
	struct stun_writer writer;
	struct stun_message msg;
	struct stun_attr attr;
	uint8_t buf[128];
	size_t len;

	(void)state;
	assert_int_equal(addr_parse("[fe80::1]:5", &plain), 0);
	addr = addr_with_zone(&plain, 7);
	stun_writer_begin(&writer, buf, sizeof(buf), STUN_SUCCESS, STUN_BINDING, transaction);
	stun_write_xor_addr(&writer, STUN_ATTR_XOR_MAPPED_ADDRESS, &addr);
	stun_write_addr(&writer, STUN_ATTR_ALTERNATE_SERVER, &plain);
	assert_int_equal(stun_writer_end(&writer, &len), 0);
	assert_int_equal(stun_parse(buf, len, &msg), 0);
	assert_int_equal(stun_find_attr(&msg, STUN_ATTR_XOR_MAPPED_ADDRESS, &attr), 0);
	assert_int_equal(stun_attr_xor_addr(&msg, &attr, &read), 0);
	assert_true(addr_equal(&read, &plain));
	assert_int_equal(stun_find_attr(&msg, STUN_ATTR_ALTERNATE_SERVER, &attr), 0);
	((uint8_t *)attr.value)[11] = 7;
	assert_int_equal(stun_attr_addr(&attr, &read), 0);
	assert_true(addr_equal(&read, &plain));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_responses),       cmocka_unit_test(test_long_term),
		cmocka_unit_test(test_bytes),           cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_never_overflows), cmocka_unit_test(test_limits),
		cmocka_unit_test(test_userhash),        cmocka_unit_test(test_zone),
	};

	return cmocka_run_group_tests_name("stun writer", tests, NULL, NULL);
}

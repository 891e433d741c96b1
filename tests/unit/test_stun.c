/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/addr.h"
#include "rfc5769.h"
#include "stun/fingerprint.h"
#include "stun/integrity.h"
#include "stun/message.h"

static struct stun_attr find(const struct stun_message *msg, enum stun_attr_type type)
{
	struct stun_attr attr;

	assert_int_equal(stun_find_attr(msg, type, &attr), 0);
	return attr;
}

static void expect_text(const struct stun_message *msg, enum stun_attr_type type, const char *text)
{
	struct stun_attr attr = find(msg, type);

	assert_int_equal(attr.len, strlen(text));
	assert_memory_equal(attr.value, text, attr.len);
}

/* RFC 5769 section 2.1 */
static void test_request(void **state)
{
	struct stun_hmac *hmac = rfc5769_short_term();
	struct stun_message msg;
	struct stun_attr attr;
	uint32_t priority;

	(void)state;
	assert_int_equal(stun_parse(rfc5769_request.data, rfc5769_request.len, &msg), 0);
	assert_int_equal(msg.class, STUN_REQUEST);
	assert_int_equal(msg.method, STUN_BINDING);
	assert_true(msg.fingerprint);
	assert_memory_equal(msg.transaction, rfc5769_request.data + 8, 12);
	expect_text(&msg, STUN_ATTR_SOFTWARE, "STUN test client");
	expect_text(&msg, STUN_ATTR_USERNAME, "evtj:h6vY");
	attr = find(&msg, (enum stun_attr_type)0x0024);
	assert_int_equal(stun_attr_u32(&attr, &priority), 0);
	assert_int_equal(priority, 0x6e0001ff);
	assert_int_equal(stun_check_integrity(&msg, hmac), 0);
	/* The context restarts each time. */
	assert_int_equal(stun_check_integrity(&msg, hmac), 0);
	stun_hmac_free(hmac);
}

static void check_response(const struct rfc5769_vector *vector, const char *mapped)
{
	struct stun_hmac *hmac = rfc5769_short_term();
	struct turnpike_addr addr, expected;
	struct stun_message msg;
	struct stun_attr attr;

	assert_int_equal(stun_parse(vector->data, vector->len, &msg), 0);
	assert_int_equal(msg.class, STUN_SUCCESS);
	assert_true(msg.fingerprint);
	expect_text(&msg, STUN_ATTR_SOFTWARE, "test vector");
	attr = find(&msg, STUN_ATTR_XOR_MAPPED_ADDRESS);
	assert_int_equal(stun_attr_xor_addr(&msg, &attr, &addr), 0);
	assert_int_equal(addr_parse(mapped, &expected), 0);
	assert_true(addr_equal(&addr, &expected));
	assert_int_equal(stun_check_integrity(&msg, hmac), 0);
	stun_hmac_free(hmac);
}

/* RFC 5769 sections 2.2 and 2.3 */
static void test_responses(void **state)
{
	(void)state;
	check_response(&rfc5769_response_v4, "192.0.2.1:32853");
	check_response(&rfc5769_response_v6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853");
}

/* RFC 5769 section 2.4 */
static void test_long_term(void **state)
{
	struct stun_hmac *right = rfc5769_long_term_hmac(), *wrong = rfc5769_short_term();
	struct stun_message msg;

	(void)state;
	assert_int_equal(stun_parse(rfc5769_long_term.data, rfc5769_long_term.len, &msg), 0);
	assert_false(msg.fingerprint);
	expect_text(&msg, STUN_ATTR_USERNAME, RFC5769_USERNAME);
	expect_text(&msg, STUN_ATTR_NONCE, RFC5769_NONCE);
	expect_text(&msg, STUN_ATTR_REALM, RFC5769_REALM);
	assert_int_equal(stun_check_integrity(&msg, right), 0);
	assert_int_equal(stun_check_integrity(&msg, wrong), -EBADMSG);
	stun_hmac_free(right);
	stun_hmac_free(wrong);
}

/*
 * RFC 8489 appendix B.1. It uses the SHA-256 key. Its nonce cookie sets an unassigned feature bit
 * (section 18.1) where the text means USERHASH.
 */
static void test_userhash(void **state)
{
	struct stun_hmac *right = rfc8489_userhash_hmac(), *wrong = rfc5769_long_term_hmac();
	const struct rfc5769_vector *vector = &rfc8489_userhash;
	uint8_t hash[STUN_USERHASH_LEN];
	struct stun_message msg;
	struct stun_attr attr;

	(void)state;
	assert_int_equal(stun_parse(vector->data, vector->len, &msg), 0);
	assert_int_equal(msg.integrity, 0);
	assert_int_equal(msg.integrity_sha256, vector->len - 36);
	attr = find(&msg, STUN_ATTR_USERHASH);
	assert_int_equal(attr.len, STUN_USERHASH_LEN);
	assert_int_equal(stun_userhash(RFC5769_USERNAME, RFC5769_REALM, hash), 0);
	assert_memory_equal(attr.value, hash, sizeof(hash));
	expect_text(&msg, STUN_ATTR_NONCE, RFC8489_NONCE);
	expect_text(&msg, STUN_ATTR_REALM, RFC5769_REALM);
	assert_int_equal(stun_check_integrity(&msg, right), 0);
	/* This HMAC is for MESSAGE-INTEGRITY. */
	assert_int_equal(stun_check_integrity(&msg, wrong), -ENOENT);
	stun_hmac_free(right);
	stun_hmac_free(wrong);
}

/* RFC 8489 section 9.2.2 */
static void test_long_term_key(void **state)
{
	static const uint8_t expected[] = {
		0x84, 0x93, 0xfb, 0xc5, 0x3b, 0xa5, 0x82, 0xfb,
		0x4c, 0x04, 0x4c, 0x45, 0x6b, 0xdc, 0x40, 0xeb,
	};
	struct stun_key key;

	(void)state;
	assert_int_equal(stun_long_term_key(STUN_PASSWORD_MD5, "user", "realm", "pass", &key), 0);
	assert_int_equal(key.len, sizeof(expected));
	assert_memory_equal(key.bytes, expected, sizeof(expected));
}

/** Parses a copy on the heap, so that ASan finds overreads, and iterates over all attributes. */
static int parse_copy(const uint8_t *data, size_t len)
{
	struct stun_hmac *hmac = rfc5769_short_term();
	uint8_t *copy = malloc(len > 0 ? len : 1);
	struct stun_attr attr = { 0 };
	struct stun_message msg;
	struct turnpike_addr addr;
	uint16_t unknown[8];
	int err;

	memcpy(copy, data, len);
	err = stun_parse(copy, len, &msg);
	while (!err && stun_next_attr(&msg, &attr)) {
		stun_attr_addr(&attr, &addr);
		stun_attr_xor_addr(&msg, &attr, &addr);
	}
	if (!err) {
		stun_unknown_attrs(&msg, NULL, 0, unknown, 8);
		stun_check_integrity(&msg, hmac);
	}
	free(copy);
	stun_hmac_free(hmac);
	return err;
}

static void test_truncations(void **state)
{
	(void)state;
	for (size_t i = 0; i < RFC5769_VECTORS; i++) {
		for (size_t len = 0; len < rfc5769_all[i]->len; len++)
			assert_int_equal(parse_copy(rfc5769_all[i]->data, len), -EBADMSG);
		assert_int_equal(parse_copy(rfc5769_all[i]->data, rfc5769_all[i]->len), 0);
	}
}

/** The same with a matching length in the header: only whole attributes parse. */
static void test_truncated_attributes(void **state)
{
	const struct rfc5769_vector *vector = &rfc5769_long_term;
	/* Offsets where attributes end. */
	static const size_t ends[] = { 20, 44, 76, 92, 116 };
	uint8_t copy[128];
	size_t next = 0;

	(void)state;
	memcpy(copy, vector->data, vector->len);
	for (size_t len = 20; len <= vector->len; len += 4) {
		copy[3] = (uint8_t)(len - 20);
		assert_int_equal(parse_copy(copy, len), len == ends[next] ? 0 : -EBADMSG);
		if (len == ends[next])
			next++;
	}
	assert_int_equal(next, 5);
}

/** Returns whether the message passes all checks. */
static bool is_genuine(const uint8_t *data, size_t len, bool fingerprint, struct stun_hmac *hmac)
{
	struct stun_message msg;

	return stun_parse(data, len, &msg) == 0 && stun_check_integrity(&msg, hmac) == 0 &&
	       msg.fingerprint == fingerprint;
}

static void flip_all_bits(const struct rfc5769_vector *vector, bool fingerprint,
			  struct stun_hmac *hmac)
{
	uint8_t copy[256];

	memcpy(copy, vector->data, vector->len);
	assert_true(is_genuine(copy, vector->len, fingerprint, hmac));
	for (size_t bit = 0; bit < vector->len * 8; bit++) {
		copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
		parse_copy(copy, vector->len);
		assert_false(is_genuine(copy, vector->len, fingerprint, hmac));
		copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	stun_hmac_free(hmac);
}

static void test_bit_flips(void **state)
{
	(void)state;
	flip_all_bits(&rfc5769_request, true, rfc5769_short_term());
	flip_all_bits(&rfc5769_response_v4, true, rfc5769_short_term());
	flip_all_bits(&rfc5769_response_v6, true, rfc5769_short_term());
	flip_all_bits(&rfc5769_long_term, false, rfc5769_long_term_hmac());
	flip_all_bits(&rfc8489_userhash, false, rfc8489_userhash_hmac());
}

/** Builds a Binding request with attributes given as 32-bit words. */
static int parse_words(const uint32_t *words, size_t n, uint8_t *buf, struct stun_message *msg)
{
	uint32_t header[5] = { htonl((uint32_t)(0x00010000 | n * 4)), htonl(STUN_MAGIC_COOKIE) };

	memcpy(buf, header, sizeof(header));
	for (size_t i = 0; i < n; i++) {
		uint32_t word = htonl(words[i]);

		memcpy(buf + 20 + 4 * i, &word, 4);
	}
	return stun_parse(buf, 20 + 4 * n, msg);
}

static void test_header_rules(void **state)
{
	uint8_t buf[64];
	struct stun_message msg;

	(void)state;
	assert_int_equal(parse_words(NULL, 0, buf, &msg), 0);
	buf[4] ^= 1;
	assert_int_equal(stun_parse(buf, 20, &msg), -EBADMSG);
	buf[4] ^= 1;
	buf[0] = 0x40;
	assert_int_equal(stun_parse(buf, 20, &msg), -EBADMSG);
	buf[0] = 0;
	buf[3] = 3;
	assert_int_equal(stun_parse(buf, 23, &msg), -EBADMSG);
	buf[3] = 0;
	assert_int_equal(stun_parse(buf, 24, &msg), -EBADMSG);
	assert_int_equal(stun_parse(buf, 20, &msg), 0);
}

static void test_after_integrity(void **state)
{
	const uint32_t words[] = {
		0x00080014, 1,          2, 3, 4, 5, /* MESSAGE-INTEGRITY */
		0x00060004, 0x61626364,             /* USERNAME, ignored */
		0x7ffe0000,                         /* unknown, ignored */
	};
	/* The two integrity attributes, the first one truncated, with USERNAME in between. */
	const uint32_t both[] = {
		0x001c0010, 1,          2, 3, 4,    /* MESSAGE-INTEGRITY-SHA256 */
		0x00060004, 0x61626364,             /* USERNAME */
		0x00080014, 1,          2, 3, 4, 5, /* MESSAGE-INTEGRITY */
	};
	struct stun_message msg;
	struct stun_attr attr;
	uint16_t unknown[4];
	uint8_t buf[80];

	(void)state;
	assert_int_equal(parse_words(words, 9, buf, &msg), 0);
	assert_int_equal(msg.integrity, 20);
	assert_int_equal(stun_find_attr(&msg, STUN_ATTR_USERNAME, &attr), -ENOENT);
	assert_int_equal(stun_unknown_attrs(&msg, NULL, 0, unknown, 4), 1);
	assert_int_equal(unknown[0], STUN_ATTR_MESSAGE_INTEGRITY);
	/* The second one is found; USERNAME in between is ignored. */
	assert_int_equal(parse_words(both, 13, buf, &msg), 0);
	assert_int_equal(msg.integrity, 20 + 7 * 4);
	assert_int_equal(msg.integrity_sha256, 20);
	assert_int_equal(stun_find_attr(&msg, STUN_ATTR_USERNAME, &attr), -ENOENT);
	/* MESSAGE-INTEGRITY of another length */
	assert_int_equal(parse_words((const uint32_t[]){ 0x00080004, 1 }, 2, buf, &msg), -EBADMSG);
}

/** RFC 8489 section 14.6: 16 to 32 bytes in steps of 4 parse; only 32 verify. */
static void test_truncated_integrity(void **state)
{
	uint32_t words[12] = { 0 };
	struct stun_hmac *hmac = rfc8489_userhash_hmac();
	struct stun_message msg;
	uint8_t buf[128], value[STUN_INTEGRITY_LEN_MAX];

	(void)state;
	for (uint32_t len = 0; len <= 40; len++) {
		size_t n = 1 + (len + 3) / 4;
		bool is_well_formed = len >= 16 && len <= 32 && len % 4 == 0;

		words[0] = 0x001c0000 | len;
		assert_int_equal(parse_words(words, n, buf, &msg), is_well_formed ? 0 : -EBADMSG);
		if (!is_well_formed)
			continue;
		assert_int_equal(stun_hmac_message(hmac, buf, 20, value), 0);
		/* The correct bytes follow, but beyond the value's length. */
		memcpy(buf + 24, value, sizeof(value));
		assert_int_equal(stun_check_integrity(&msg, hmac), len == 32 ? 0 : -EBADMSG);
	}
	stun_hmac_free(hmac);
}

static void test_fingerprint_rules(void **state)
{
	uint32_t words[] = { 0x80280004, 0, 0x80220000 };
	struct stun_message msg;
	uint8_t buf[64];

	(void)state;
	parse_words(words, 2, buf, &msg);
	words[1] = stun_fingerprint(buf, 20);
	assert_int_equal(parse_words(words, 2, buf, &msg), 0);
	assert_true(msg.fingerprint);
	words[1] ^= 1;
	assert_int_equal(parse_words(words, 2, buf, &msg), -EBADMSG);
	/* Not checked in a Send indication, but in a request of that number, and a Data indication.
	 */
	buf[1] = 0x16;
	assert_int_equal(stun_parse(buf, 28, &msg), 0);
	buf[1] = 0x06;
	assert_int_equal(stun_parse(buf, 28, &msg), -EBADMSG);
	buf[1] = 0x17;
	assert_int_equal(stun_parse(buf, 28, &msg), -EBADMSG);
	/* Correct, but not last. */
	parse_words(words, 3, buf, &msg);
	words[1] = stun_fingerprint(buf, 20);
	assert_int_equal(parse_words(words, 3, buf, &msg), -EBADMSG);
	words[0] = 0x80280000;
	assert_int_equal(parse_words(words, 1, buf, &msg), -EBADMSG);
}

static void test_unknown(void **state)
{
	const uint32_t words[] = { 0x7fff0000, 0x80000000, 0x00180001, 0,
				   0x7fff0000, 0x00060000, 0x00030000 };
	const uint16_t known[] = { STUN_ATTR_USERNAME };
	struct stun_message msg;
	uint16_t unknown[4];
	uint8_t buf[64];

	(void)state;
	assert_int_equal(parse_words(words, 7, buf, &msg), 0);
	assert_int_equal(stun_unknown_attrs(&msg, known, 1, unknown, 4), 3);
	assert_int_equal(unknown[0], 0x7fff);
	assert_int_equal(unknown[1], 0x0018);
	assert_int_equal(unknown[2], 0x0003);
	assert_int_equal(stun_unknown_attrs(&msg, known, 1, unknown, 2), 2);
}

/** Returns the result for @n attributes of @len bytes each, of a type that is not indexed. */
static int parse_many(enum stun_class class, size_t n, size_t len)
{
	const size_t size = 4 + len;
	uint8_t *data = calloc(1, STUN_HEADER_LEN + n * size);
	uint32_t words[2];
	struct stun_message msg;
	int err;

	assert_non_null(data);
	words[0] = htonl((uint32_t)(class == STUN_INDICATION ? 0x00110000 : 0x00010000) |
			 (uint32_t)(n * size));
	words[1] = htonl(STUN_MAGIC_COOKIE);
	memcpy(data, words, sizeof(words));
	for (size_t i = 0; i < n; i++) {
		words[0] = htonl(0x90000000 | (uint32_t)len);
		memcpy(data + STUN_HEADER_LEN + i * size, words, 4);
	}
	err = stun_parse(data, STUN_HEADER_LEN + n * size, &msg);
	free(data);
	return err;
}

/** What a stranger can make the server read is limited; data in indications is not. */
static void test_limits(void **state)
{
	(void)state;
	assert_int_equal(parse_many(STUN_REQUEST, STUN_ATTRS_MAX, 0), 0);
	assert_int_equal(parse_many(STUN_REQUEST, STUN_ATTRS_MAX + 1, 0), -EBADMSG);
	assert_int_equal(parse_many(STUN_INDICATION, STUN_ATTRS_MAX, 0), 0);
	assert_int_equal(parse_many(STUN_INDICATION, STUN_ATTRS_MAX + 1, 0), -EBADMSG);
	assert_int_equal(parse_many(STUN_INDICATION, 16000, 0), -EBADMSG);
	assert_int_equal(parse_many(STUN_REQUEST, 1, STUN_REQUEST_MAX - STUN_HEADER_LEN - 4), 0);
	assert_int_equal(parse_many(STUN_REQUEST, 1, STUN_REQUEST_MAX - STUN_HEADER_LEN), -EBADMSG);
	assert_int_equal(parse_many(STUN_INDICATION, 1, 65528), 0);
}

/** The first of a type counts, wherever the type is in the index, or if it is not. */
static void test_repeated(void **state)
{
	static const uint16_t types[] = { 0x0000, 0x0001, 0x003f, 0x0040, 0x7fff,
					  0x8000, 0x8022, 0x803f, 0x8040, 0xffff };
	struct stun_message msg;
	uint16_t unknown[4];
	uint8_t buf[64];

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		const uint32_t head = (uint32_t)types[i] << 16 | 4;
		const uint32_t words[] = { 0x00200000, head, 1, head, 2, head, 3 };
		struct stun_attr attr;
		uint32_t number;

		assert_int_equal(parse_words(words, 7, buf, &msg), 0);
		attr = find(&msg, (enum stun_attr_type)types[i]);
		assert_int_equal(attr.type, types[i]);
		assert_int_equal(stun_attr_u32(&attr, &number), 0);
		assert_int_equal(number, 1);
		assert_int_equal(stun_unknown_attrs(&msg, (uint16_t[]){ 0x0020 }, 1, unknown, 4),
				 types[i] < STUN_ATTR_OPTIONAL);
	}
}

static void test_address_rules(void **state)
{
	static const uint32_t bad[][7] = {
		{ 0x00120004, 0x00010000, 0x00120000 },    /* no address */
		{ 0x00120008, 0x00030000, 0x01020304 },    /* family 3 */
		{ 0x00120008, 0x00020000, 0x01020304 },    /* IPv6 of 4 bytes */
		{ 0x00120014, 0x00010000, 1, 2, 3, 4 },    /* IPv4 of 16 bytes */
		{ 0x00120009, 0x00010000, 0x01020304, 0 }, /* one byte too many */
		{ 0x00120000 },                            /* empty */
	};
	static const size_t lens[] = { 2, 3, 3, 6, 4, 1 };
	const uint32_t good[] = { 0x00120008, 0xff010000, 0x01020304 };
	struct turnpike_addr addr;
	struct stun_message msg;
	struct stun_attr attr;
	uint8_t buf[64];

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(parse_words(bad[i], lens[i], buf, &msg), 0);
		attr = find(&msg, STUN_ATTR_XOR_PEER_ADDRESS);
		assert_int_equal(stun_attr_xor_addr(&msg, &attr, &addr), -EBADMSG);
		assert_int_equal(stun_attr_addr(&attr, &addr), -EBADMSG);
	}
	assert_int_equal(parse_words(good, 3, buf, &msg), 0);
	attr = find(&msg, STUN_ATTR_XOR_PEER_ADDRESS);
	assert_int_equal(stun_attr_addr(&attr, &addr), 0);
	assert_memory_equal(addr.ip, "\1\2\3\4\0", 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),         cmocka_unit_test(test_responses),
		cmocka_unit_test(test_long_term),       cmocka_unit_test(test_long_term_key),
		cmocka_unit_test(test_userhash),        cmocka_unit_test(test_truncated_integrity),
		cmocka_unit_test(test_truncations),     cmocka_unit_test(test_truncated_attributes),
		cmocka_unit_test(test_bit_flips),       cmocka_unit_test(test_header_rules),
		cmocka_unit_test(test_after_integrity), cmocka_unit_test(test_fingerprint_rules),
		cmocka_unit_test(test_unknown),         cmocka_unit_test(test_limits),
		cmocka_unit_test(test_repeated),        cmocka_unit_test(test_address_rules),
	};

	return cmocka_run_group_tests_name("stun", tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Requests of a client, and answers of any server, which is a stranger. */
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
#include "check/guess.h"
#include "check/message.h"
#include "private/array_len.h"
#include "stun/writer.h"

static const uint8_t transaction[STUN_TRANSACTION_LEN] = "transaction";
static const uint8_t other[STUN_TRANSACTION_LEN] = "transmission";
static const struct check_request allocate = { .method = TURN_ALLOCATE, .family = TURNPIKE_IPV6 };

static struct turnpike_addr address(const char *text)
{
	struct turnpike_addr addr;

	assert_int_equal(addr_parse(text, &addr), 0);
	return addr;
}

static struct stun_hmac *hmac_of(const char *key)
{
	struct stun_hmac *hmac = stun_hmac_new(STUN_INTEGRITY_SHA1, key, strlen(key));

	assert_non_null(hmac);
	return hmac;
}

static struct stun_message parsed(const uint8_t *message, size_t len)
{
	struct stun_message msg;

	assert_int_equal(stun_parse(message, len, &msg), 0);
	return msg;
}

static struct stun_attr attribute(const struct stun_message *msg, enum stun_attr_type type)
{
	struct stun_attr attr;

	assert_int_equal(stun_find_attr(msg, type, &attr), 0);
	return attr;
}

static uint32_t number(const struct stun_message *msg, enum stun_attr_type type)
{
	const struct stun_attr attr = attribute(msg, type);
	uint32_t value;

	assert_int_equal(stun_attr_u32(&attr, &value), 0);
	return value;
}

/* Requests. */

static void test_unsigned_request(void **state)
{
	const struct check_challenge challenge = { 0 };
	uint8_t buf[CHECK_REQUEST_MAX];
	struct stun_message msg;
	size_t len;

	(void)state;
	assert_int_equal(check_request_write(&allocate, &challenge, transaction, buf, &len), 0);
	msg = parsed(buf, len);
	assert_int_equal(msg.class, STUN_REQUEST);
	assert_int_equal(msg.method, TURN_ALLOCATE);
	assert_memory_equal(msg.transaction, transaction, STUN_TRANSACTION_LEN);
	assert_int_equal(msg.integrity, 0);
	assert_int_equal(number(&msg, STUN_ATTR_REQUESTED_TRANSPORT), 17u << 24);
	assert_int_equal(number(&msg, STUN_ATTR_REQUESTED_ADDRESS_FAMILY), 2u << 24);
}

static void test_signed_request(void **state)
{
	const struct turnpike_addr peer = address("192.0.2.1:5000");
	const struct check_request bind = { .method = TURN_CHANNEL_BIND,
					    .peer = &peer,
					    .channel = 0x4001 };
	const struct check_challenge challenge = { .user = "alice",
						   .realm = "example.org",
						   .nonce = "nonce",
						   .nonce_len = 5,
						   .hmac = hmac_of("key") };
	uint8_t buf[CHECK_REQUEST_MAX];
	struct turnpike_addr found;
	struct stun_message msg;
	struct stun_attr attr;
	size_t len;

	(void)state;
	assert_int_equal(check_request_write(&bind, &challenge, transaction, buf, &len), 0);
	msg = parsed(buf, len);
	assert_int_equal(stun_check_integrity(&msg, challenge.hmac), 0);
	assert_memory_equal(attribute(&msg, STUN_ATTR_USERNAME).value, "alice", 5);
	assert_memory_equal(attribute(&msg, STUN_ATTR_REALM).value, "example.org", 11);
	assert_memory_equal(attribute(&msg, STUN_ATTR_NONCE).value, "nonce", 5);
	assert_int_equal(number(&msg, STUN_ATTR_CHANNEL_NUMBER), 0x40010000);
	attr = attribute(&msg, STUN_ATTR_XOR_PEER_ADDRESS);
	assert_int_equal(stun_attr_xor_addr(&msg, &attr, &found), 0);
	assert_true(addr_equal(&found, &peer));
	stun_hmac_free(challenge.hmac);
}

static void test_last_refresh(void **state)
{
	const struct check_request end = { .method = TURN_REFRESH, .ends = true };
	const struct check_challenge challenge = { 0 };
	uint8_t buf[CHECK_REQUEST_MAX];
	struct stun_message msg;
	size_t len;

	(void)state;
	assert_int_equal(check_request_write(&end, &challenge, transaction, buf, &len), 0);
	msg = parsed(buf, len);
	assert_int_equal(number(&msg, STUN_ATTR_LIFETIME), 0);
}

/* Answers. */

/** struct fixture - an answer under construction */
struct fixture {
	struct stun_writer writer;
	uint8_t buf[CHECK_REQUEST_MAX];
};

static void begin(struct fixture *f, enum stun_class class)
{
	stun_writer_begin(&f->writer, f->buf, sizeof(f->buf), class, TURN_ALLOCATE, transaction);
}

static int read_answer(struct fixture *f, struct stun_hmac *hmac, struct check_answer *answer)
{
	struct stun_message msg;
	uint8_t *exact;
	size_t len;
	int err;

	assert_int_equal(stun_writer_end(&f->writer, &len), 0);
	exact = malloc(len); /* ASan finds overreads */
	assert_non_null(exact);
	memcpy(exact, f->buf, len);
	msg = parsed(exact, len);
	err = check_answer_read(&msg, &allocate, transaction, hmac, answer);
	free(exact);
	return err;
}

static void write_success(struct fixture *f, const struct turnpike_addr *relayed)
{
	begin(f, STUN_SUCCESS);
	stun_write_xor_addr(&f->writer, STUN_ATTR_XOR_RELAYED_ADDRESS, relayed);
	stun_write_u32(&f->writer, STUN_ATTR_LIFETIME, 600);
	stun_write_string(&f->writer, STUN_ATTR_SOFTWARE, "some server");
}

static void test_success(void **state)
{
	const struct turnpike_addr relayed = address("[2001:db8::1]:5000");
	struct check_answer answer;
	struct fixture f;

	(void)state;
	write_success(&f, &relayed);
	assert_int_equal(read_answer(&f, NULL, &answer), 0);
	assert_int_equal(answer.code, 0);
	assert_true(addr_equal(&answer.relayed, &relayed));
	assert_int_equal(answer.mapped.family, 0);
	assert_int_equal(answer.lifetime, 600);
	assert_string_equal(answer.software, "some server");
}

static void test_signature(void **state)
{
	const struct turnpike_addr relayed = address("192.0.2.1:5000");
	struct stun_hmac *mine = hmac_of("mine"), *another = hmac_of("another");
	struct check_answer answer = { .code = 7 };
	struct fixture f;

	(void)state;
	write_success(&f, &relayed);
	assert_int_equal(read_answer(&f, mine, &answer), -EKEYREJECTED);
	stun_write_integrity(&f.writer, mine);
	assert_int_equal(read_answer(&f, another, &answer), -EKEYREJECTED);
	assert_int_equal(answer.code, 7);
	assert_int_equal(read_answer(&f, mine, &answer), 0);
	stun_hmac_free(mine);
	stun_hmac_free(another);
}

static void test_error(void **state)
{
	struct check_answer answer;
	struct fixture f;

	(void)state;
	begin(&f, STUN_ERROR);
	stun_write_error(&f.writer, STUN_UNAUTHENTICATED);
	stun_write_string(&f.writer, STUN_ATTR_REALM, "example.org");
	stun_write_string(&f.writer, STUN_ATTR_NONCE, "nonce");
	assert_int_equal(read_answer(&f, NULL, &answer), 0);
	assert_int_equal(answer.code, 401);
	assert_string_equal(answer.realm, "example.org");
	assert_int_equal(answer.nonce_len, 5);
	assert_memory_equal(answer.nonce, "nonce", 5);
}

static void test_alternate(void **state)
{
	const struct turnpike_addr alternate = address("192.0.2.9:3478");
	struct check_answer answer;
	struct fixture f;

	(void)state;
	begin(&f, STUN_ERROR);
	stun_write_error(&f.writer, STUN_TRY_ALTERNATE);
	stun_write_addr(&f.writer, STUN_ATTR_ALTERNATE_SERVER, &alternate);
	assert_int_equal(read_answer(&f, NULL, &answer), 0);
	assert_int_equal(answer.code, 300);
	assert_true(addr_equal(&answer.alternate, &alternate));
}

/* What is too long is left out, not cut. */
static void test_too_long(void **state)
{
	static const uint8_t zeros[CHECK_NONCE_MAX + 1];
	struct check_answer answer;
	struct fixture f;

	(void)state;
	begin(&f, STUN_ERROR);
	stun_write_error(&f.writer, STUN_STALE_NONCE);
	stun_write_bytes(&f.writer, STUN_ATTR_REALM, zeros, STUN_TEXT_MAX + 1);
	stun_write_bytes(&f.writer, STUN_ATTR_NONCE, zeros, CHECK_NONCE_MAX + 1);
	assert_int_equal(read_answer(&f, NULL, &answer), 0);
	assert_string_equal(answer.realm, "");
	assert_int_equal(answer.nonce_len, 0);
}

static const struct {
	const char *what;
	enum stun_class class;
	enum stun_attr_type type;
	uint8_t value[8];
	size_t len;
} malformed[] = {
	{ "no code", STUN_ERROR, STUN_ATTR_SOFTWARE, "", 0 },
	{ "a short code", STUN_ERROR, STUN_ATTR_ERROR_CODE, { 0, 0, 4 }, 3 },
	{ "class 2", STUN_ERROR, STUN_ATTR_ERROR_CODE, { 0, 0, 2, 0 }, 4 },
	{ "class 7", STUN_ERROR, STUN_ATTR_ERROR_CODE, { 0, 0, 7, 0 }, 4 },
	{ "number 100", STUN_ERROR, STUN_ATTR_ERROR_CODE, { 0, 0, 4, 100 }, 4 },
	{ "a short lifetime", STUN_SUCCESS, STUN_ATTR_LIFETIME, { 0, 0, 1 }, 3 },
	{ "a short address", STUN_SUCCESS, STUN_ATTR_XOR_MAPPED_ADDRESS, { 0, 1, 2, 3 }, 4 },
	{ "an unknown family", STUN_SUCCESS, STUN_ATTR_XOR_RELAYED_ADDRESS, { 0, 3, 2, 3 }, 8 },
};

static void test_malformed(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(malformed); i++) {
		struct check_answer answer = { .code = 7 };
		struct fixture f;

		print_message("%s\n", malformed[i].what);
		begin(&f, malformed[i].class);
		stun_write_bytes(&f.writer, malformed[i].type, malformed[i].value,
				 malformed[i].len);
		assert_int_equal(read_answer(&f, NULL, &answer), -EBADMSG);
		assert_int_equal(answer.code, 7);
	}
}

static void test_other_messages(void **state)
{
	static const struct {
		enum stun_class class;
		enum stun_method method;
		const uint8_t *transaction;
	} others[] = {
		{ STUN_SUCCESS, TURN_ALLOCATE, other },
		{ STUN_SUCCESS, TURN_REFRESH, transaction },
		{ STUN_REQUEST, TURN_ALLOCATE, transaction },
		{ STUN_INDICATION, TURN_ALLOCATE, transaction },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		struct check_answer answer;
		struct fixture f;

		stun_writer_begin(&f.writer, f.buf, sizeof(f.buf), others[i].class,
				  others[i].method, others[i].transaction);
		assert_int_equal(read_answer(&f, NULL, &answer), -ENOENT);
	}
}

/* Data. */

static void test_channel_data(void **state)
{
	static const uint8_t wanted[] = { 0x40, 0, 0, 5, 'h', 'e', 'l', 'l', 'o', 0, 0, 0 };
	const struct check_data data = { .bytes = wanted + 4, .len = 5, .channel = 0x4000 };
	uint8_t buf[CHECK_REQUEST_MAX];
	struct check_data found;
	size_t len;

	(void)state;
	assert_int_equal(check_data_write(&data, transaction, buf, &len), 0);
	assert_int_equal(len, sizeof(wanted));
	assert_memory_equal(buf, wanted, sizeof(wanted));
	assert_int_equal(check_data_read(buf, len, &found), 0);
	assert_int_equal(found.channel, 0x4000);
	assert_int_equal(found.len, 5);
	assert_ptr_equal(found.bytes, buf + 4);
	/* Over UDP there may be no padding; but all of the data. */
	assert_int_equal(check_data_read(buf, 9, &found), 0);
	assert_int_equal(check_data_read(buf, 8, &found), -ENOENT);
}

static void test_too_much_data(void **state)
{
	static const uint8_t bytes[CHECK_REQUEST_MAX];
	struct check_data data = { .bytes = bytes,
				   .len = CHECK_REQUEST_MAX - 4,
				   .channel = 0x4000 };
	uint8_t buf[CHECK_REQUEST_MAX];
	size_t len;

	(void)state;
	assert_int_equal(check_data_write(&data, transaction, buf, &len), 0);
	data.len++;
	assert_int_equal(check_data_write(&data, transaction, buf, &len), -EMSGSIZE);
	data.channel = 0;
	data.peer = address("192.0.2.1:5000");
	assert_int_equal(check_data_write(&data, transaction, buf, &len), -EMSGSIZE);
}

static void test_send_indication(void **state)
{
	const struct check_data data = { .bytes = (const uint8_t *)"hello",
					 .len = 5,
					 .peer = address("192.0.2.1:5000") };
	uint8_t buf[CHECK_REQUEST_MAX];
	struct stun_message msg;
	struct check_data found;
	size_t len;

	(void)state;
	assert_int_equal(check_data_write(&data, transaction, buf, &len), 0);
	msg = parsed(buf, len);
	assert_int_equal(msg.class, STUN_INDICATION);
	assert_int_equal(msg.method, TURN_SEND);
	assert_memory_equal(attribute(&msg, STUN_ATTR_DATA).value, "hello", 5);
	/* A server does not send it. */
	assert_int_equal(check_data_read(buf, len, &found), -ENOENT);
}

static void test_data_indication(void **state)
{
	const struct turnpike_addr peer = address("[2001:db8::1]:5000");
	struct check_data found;
	struct fixture f;
	size_t len;

	(void)state;
	stun_writer_begin(&f.writer, f.buf, sizeof(f.buf), STUN_INDICATION, TURN_DATA, transaction);
	stun_write_xor_addr(&f.writer, STUN_ATTR_XOR_PEER_ADDRESS, &peer);
	assert_int_equal(stun_writer_end(&f.writer, &len), 0);
	assert_int_equal(check_data_read(f.buf, len, &found), -ENOENT);
	stun_write_string(&f.writer, STUN_ATTR_DATA, "hello");
	assert_int_equal(stun_writer_end(&f.writer, &len), 0);
	assert_int_equal(check_data_read(f.buf, len, &found), 0);
	assert_true(addr_equal(&found.peer, &peer));
	assert_int_equal(found.channel, 0);
	assert_int_equal(found.len, 5);
	assert_memory_equal(found.bytes, "hello", 5);
}

static void test_guess(void **state)
{
	(void)state;
	assert_string_equal(check_guess((const uint8_t *)"HTTP/1.1 400", 12), "an HTTP server");
	assert_string_equal(check_guess((const uint8_t *)"\x15\x03\x03", 3), "a TLS server");
	assert_string_equal(check_guess((const uint8_t *)"HTTP", 4),
			    "something other than a TURN server");
	assert_string_equal(check_guess((const uint8_t *)"", 0),
			    "something other than a TURN server");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unsigned_request),
		cmocka_unit_test(test_signed_request),
		cmocka_unit_test(test_last_refresh),
		cmocka_unit_test(test_success),
		cmocka_unit_test(test_signature),
		cmocka_unit_test(test_error),
		cmocka_unit_test(test_alternate),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_other_messages),
		cmocka_unit_test(test_channel_data),
		cmocka_unit_test(test_too_much_data),
		cmocka_unit_test(test_send_indication),
		cmocka_unit_test(test_data_indication),
		cmocka_unit_test(test_guess),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

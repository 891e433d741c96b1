/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which DTLS records pass at which stage of a session (RFC 6347 section 4.1.2.7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/dtls_record.h"
#include "private/array_len.h"

#define HEADER_LEN  13
#define MESSAGE_LEN 12
#define FIRST_SEQ   3
#define LONGEST     (1 << 14)

struct header {
	uint8_t type;
	uint16_t version;
	uint16_t epoch;
	uint64_t seq;
};

/* A datagram in memory of its own, so that ASan finds reads beyond its end. */
struct datagram {
	uint8_t *data;
	size_t len;
};

static void put(uint8_t *to, uint64_t value, size_t len)
{
	while (len-- > 0) {
		to[len] = (uint8_t)value;
		value >>= 8;
	}
}

static void append(struct datagram *datagram, struct header header, const uint8_t *body, size_t len)
{
	uint8_t *at;

	datagram->data = realloc(datagram->data, datagram->len + HEADER_LEN + len);
	assert_non_null(datagram->data);
	at = datagram->data + datagram->len;
	put(at, header.type, 1);
	put(at + 1, header.version, 2);
	put(at + 3, header.epoch, 2);
	put(at + 5, header.seq, 6);
	put(at + 11, len, 2);
	if (len > 0 && body)
		memcpy(at + HEADER_LEN, body, len);
	else
		memset(at + HEADER_LEN, 0xa5, len);
	datagram->len += HEADER_LEN + len;
}

static bool passes(const struct dtls_filter *filter, struct header header, const uint8_t *body,
		   size_t len)
{
	struct datagram datagram = { NULL, 0 };
	struct turn_packet rest, record;
	uint64_t discarded = 0;
	bool result;

	append(&datagram, header, body, len);
	rest = (struct turn_packet){ .data = datagram.data, .len = datagram.len };
	result = dtls_filter_next(filter, &rest, &record, &discarded);
	assert_int_equal(discarded, !result);
	assert_int_equal(rest.len, 0);
	if (result) {
		assert_ptr_equal(record.data, datagram.data);
		assert_int_equal(record.len, datagram.len);
	}
	free(datagram.data);
	return result;
}

static struct dtls_filter at_stage(enum dtls_stage stage, size_t overhead)
{
	return (struct dtls_filter){
		.stage = stage,
		.overhead = overhead,
		.first_seq = FIRST_SEQ,
	};
}

static const struct header plain = { 22, 0xfefd, 0, FIRST_SEQ + 1 };

/** struct fragment - part of a handshake message; @stated_len: length in its header */
struct fragment {
	uint8_t type;
	size_t message_len;
	uint16_t seq;
	size_t offset;
	size_t stated_len;
	size_t len;
	uint8_t first;
};

static size_t put_fragment(uint8_t *to, const struct fragment *fragment)
{
	memset(to, 0, MESSAGE_LEN + fragment->len);
	put(to, fragment->type, 1);
	put(to + 1, fragment->message_len, 3);
	put(to + 4, fragment->seq, 2);
	put(to + 6, fragment->offset, 3);
	put(to + 9, fragment->stated_len, 3);
	if (fragment->len > 0)
		to[MESSAGE_LEN] = fragment->first;
	return MESSAGE_LEN + fragment->len;
}

static bool message_passes(enum dtls_stage stage, const struct fragment *fragment)
{
	const struct dtls_filter filter = at_stage(stage, 0);
	uint8_t body[MESSAGE_LEN + 400];

	return passes(&filter, plain, body, put_fragment(body, fragment));
}

static void passes_hellos(void **state)
{
	static const struct fragment hello = { 1, 60, 1, 0, 60, 60, 0 };
	static const struct fragment wrong[] = {
		{ 1, 90, 1, 0, 60, 60, 0 }, /* incomplete: DTLSv1_listen() rejects fragments */
		{ 1, 60, 1, 0, 61, 60, 0 }, { 1, 60, 1, 1, 60, 60, 0 },
		{ 1, 0, 1, 0, 0, 0, 0 },    { 0, 60, 1, 0, 60, 60, 0 },
		{ 2, 60, 1, 0, 60, 60, 0 }, { 16, 66, 2, 0, 66, 66, 65 },
	};
	const struct dtls_filter filter = at_stage(DTLS_HELLO, 0);
	uint8_t body[MESSAGE_LEN + 60];
	struct header header = plain;

	(void)state;
	assert_true(message_passes(DTLS_HELLO, &hello));
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_false(message_passes(DTLS_HELLO, &wrong[i]));
	for (enum dtls_stage stage = DTLS_KEY_EXCHANGE; stage <= DTLS_OPEN; stage++)
		assert_false(message_passes(stage, &hello));
	put_fragment(body, &hello);
	for (unsigned int version = 0; version <= 0xffff; version++) {
		header.version = (uint16_t)version;
		assert_int_equal(passes(&filter, header, body, sizeof(body)), version >> 8 == 0xfe);
	}
}

static void passes_keys(void **state)
{
	static const struct fragment right[] = {
		{ 16, 66, 2, 0, 66, 66, 65 },     /* P-256 */
		{ 16, 33, 2, 0, 33, 33, 32 },     /* X25519 */
		{ 16, 256, 2, 0, 256, 256, 255 }, /* the longest point */
		{ 16, 66, 2, 0, 30, 30, 65 },     /* in two fragments */
		{ 16, 66, 2, 30, 36, 36, 0 },
	};
	static const struct fragment wrong[] = {
		{ 16, 66, 1, 0, 66, 66, 65 },      { 16, 66, 3, 0, 66, 66, 65 },
		{ 16, 66, 2, 0, 66, 66, 64 },      { 16, 66, 2, 0, 67, 66, 65 },
		{ 16, 66, 2, 0, 65, 66, 65 }, /* and a trailing byte */
		{ 16, 66, 2, 31, 36, 36, 0 },      { 16, 66, 2, 0xffffff, 36, 36, 0 },
		{ 16, 66, 2, 30, 0, 0, 0 },        { 16, 257, 2, 0, 257, 257, 0 },
		{ 16, 0xffffff, 2, 1, 36, 36, 0 }, { 0, 0, 2, 0, 0, 0, 0 },
		{ 1, 66, 2, 0, 66, 66, 65 },       { 20, 12, 2, 0, 12, 12, 11 },
	};
	const struct dtls_filter filter = at_stage(DTLS_KEY_EXCHANGE, 0);
	uint8_t body[2 * (MESSAGE_LEN + 36)];
	size_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(right); i++) {
		assert_true(message_passes(DTLS_KEY_EXCHANGE, &right[i]));
		assert_false(message_passes(DTLS_HELLO, &right[i]));
		assert_false(message_passes(DTLS_CHANGE_CIPHER, &right[i]));
		assert_false(message_passes(DTLS_OPEN, &right[i]));
	}
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_false(message_passes(DTLS_KEY_EXCHANGE, &wrong[i]));
	/* Both fragments in one record: each must be complete. */
	len = put_fragment(body, &right[3]);
	len += put_fragment(body + len, &right[4]);
	for (size_t part = 0; part <= len; part++)
		assert_int_equal(passes(&filter, plain, body, part),
				 part == len || part == MESSAGE_LEN + 30);
	for (unsigned int type = 0; type <= 0xff; type++) {
		struct header header = plain;

		header.type = (uint8_t)type;
		assert_int_equal(passes(&filter, header, body, len), type == 22);
	}
}

static void passes_change_cipher_spec(void **state)
{
	static const uint8_t bytes[] = { 1, 1 };
	const struct dtls_filter filter = at_stage(DTLS_CHANGE_CIPHER, 0);
	struct header header = plain;

	(void)state;
	header.type = 20;
	assert_true(passes(&filter, header, bytes, 1));
	assert_false(passes(&filter, header, bytes, 0));
	assert_false(passes(&filter, header, bytes, 2));
	for (unsigned int value = 0; value <= 0xff; value++) {
		const uint8_t byte = (uint8_t)value;

		assert_int_equal(passes(&filter, header, &byte, 1), value == 1);
		header.type = (uint8_t)value;
		assert_int_equal(passes(&filter, header, bytes, 1), value == 20);
		header.type = 20;
	}
	for (enum dtls_stage stage = DTLS_HELLO; stage <= DTLS_OPEN; stage++) {
		const struct dtls_filter other = at_stage(stage, 0);

		assert_int_equal(passes(&other, header, bytes, 1), stage == DTLS_CHANGE_CIPHER);
	}
	header.version = 0xfeff;
	assert_false(passes(&filter, header, bytes, 1));
}

/* Forged sequence numbers cannot move OpenSSL's window beyond those of the client. */
static void limits_sequence_numbers(void **state)
{
	static const uint64_t far[] = {
		0,
		FIRST_SEQ - 1,
		FIRST_SEQ + 32,
		FIRST_SEQ + (1ull << 32),
		FIRST_SEQ + (1ull << 47),
	};
	static const uint8_t one[] = { 1 };
	const struct dtls_filter filter = at_stage(DTLS_CHANGE_CIPHER, 0);
	struct header header = { 20, 0xfefd, 0, 0 };

	(void)state;
	for (header.seq = FIRST_SEQ; header.seq < FIRST_SEQ + 32; header.seq++)
		assert_true(passes(&filter, header, one, 1));
	for (size_t i = 0; i < ARRAY_LEN(far); i++) {
		header.seq = far[i];
		assert_false(passes(&filter, header, one, 1));
	}
	header.seq = FIRST_SEQ;
	for (header.epoch = 1; header.epoch != 0; header.epoch++)
		assert_false(passes(&filter, header, one, 1));
}

static void expect_lengths(const struct dtls_filter *filter, struct header header, size_t min,
			   size_t max)
{
	const size_t shortest = min + filter->overhead, longest = max + filter->overhead;

	for (size_t len = 0; len < 200; len++)
		assert_int_equal(passes(filter, header, NULL, len),
				 len >= shortest && len <= longest);
	assert_true(passes(filter, header, NULL, longest));
	assert_false(passes(filter, header, NULL, longest + 1));
	assert_false(passes(filter, header, NULL, UINT16_MAX));
}

static void checks_the_length_of_protected_records(void **state)
{
	static const struct header alert = { 21, 0xfefd, 1, (1ull << 48) - 1 };
	static const struct header handshake = { 22, 0xfefd, 1, 0 };
	static const struct header data = { 23, 0xfefd, 1, (1ull << 48) - 1 };
	static const size_t overheads[] = { 16, 24 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(overheads); i++) {
		const struct dtls_filter finished = at_stage(DTLS_FINISHED, overheads[i]);
		const struct dtls_filter open = at_stage(DTLS_OPEN, overheads[i]);

		expect_lengths(&finished, handshake, 24, 24);
		assert_false(passes(&finished, alert, NULL, 2 + overheads[i]));
		expect_lengths(&open, alert, 2, 2);
		expect_lengths(&open, handshake, 24, 24);
		expect_lengths(&open, data, 0, LONGEST);
	}
}

/* A client sends Finished, and then again, and no other message; OpenSSL would keep them. */
static void limits_protected_messages(void **state)
{
	(void)state;
	for (enum dtls_stage stage = DTLS_FINISHED; stage <= DTLS_OPEN; stage++) {
		const struct dtls_filter filter = at_stage(stage, 16);
		struct header header = { 22, 0xfefd, 1, 0 };

		for (; header.seq < 100; header.seq++)
			assert_int_equal(passes(&filter, header, NULL, 24 + 16), header.seq < 8);
		header.seq = (1ull << 48) - 1;
		assert_false(passes(&filter, header, NULL, 24 + 16));
	}
}

static void checks_the_header_of_protected_records(void **state)
{
	const struct dtls_filter open = at_stage(DTLS_OPEN, 16);
	const struct dtls_filter finished = at_stage(DTLS_FINISHED, 16);
	struct header header = { 23, 0xfefd, 1, 0 };

	(void)state;
	assert_false(passes(&finished, header, NULL, 24 + 16));
	for (unsigned int value = 0; value <= 0xffff; value++) {
		header.epoch = (uint16_t)value;
		assert_int_equal(passes(&open, header, NULL, 24 + 16), value == 1);
		header.epoch = 1;
		header.version = (uint16_t)value;
		assert_int_equal(passes(&open, header, NULL, 24 + 16), value == 0xfefd);
		header.version = 0xfefd;
		header.type = (uint8_t)value;
		assert_int_equal(passes(&open, header, NULL, 24 + 16),
				 header.type == 22 || header.type == 23);
		header.type = 23;
	}
}

static void keeps_the_valid_records_of_a_datagram(void **state)
{
	const struct dtls_filter filter = at_stage(DTLS_OPEN, 16);
	const struct header valid = { 23, 0xfefd, 1, 9 }, old = { 23, 0xfefd, 0, 9 };
	struct datagram datagram = { NULL, 0 };
	struct turn_packet rest, record;
	uint64_t discarded = 0;

	(void)state;
	append(&datagram, old, NULL, 40);
	append(&datagram, valid, NULL, 20);
	append(&datagram, valid, NULL, 15);
	append(&datagram, old, NULL, 0);
	append(&datagram, valid, NULL, 30);
	append(&datagram, valid, NULL, 50);
	rest = (struct turn_packet){ .data = datagram.data, .len = datagram.len - 1 };
	assert_true(dtls_filter_next(&filter, &rest, &record, &discarded));
	assert_ptr_equal(record.data, datagram.data + HEADER_LEN + 40);
	assert_int_equal(record.len, HEADER_LEN + 20);
	assert_int_equal(discarded, 1);
	assert_true(dtls_filter_next(&filter, &rest, &record, &discarded));
	assert_ptr_equal(record.data, datagram.data + 4 * HEADER_LEN + 40 + 20 + 15);
	assert_int_equal(record.len, HEADER_LEN + 30);
	assert_int_equal(discarded, 3);
	assert_false(dtls_filter_next(&filter, &rest, &record, &discarded));
	assert_int_equal(discarded, 4);
	assert_false(dtls_filter_next(&filter, &rest, &record, &discarded));
	assert_int_equal(discarded, 4);
	free(datagram.data);
}

static void counts_a_truncated_record(void **state)
{
	const struct dtls_filter filter = at_stage(DTLS_OPEN, 16);
	struct datagram whole = { NULL, 0 };

	(void)state;
	append(&whole, (struct header){ 23, 0xfefd, 1, 9 }, NULL, 40);
	for (size_t len = 0; len < whole.len; len++) {
		uint8_t *exact = malloc(len > 0 ? len : 1);
		struct turn_packet rest = { .data = exact, .len = len }, record;
		uint64_t discarded = 0;

		assert_non_null(exact);
		memcpy(exact, whole.data, len);
		assert_false(dtls_filter_next(&filter, &rest, &record, &discarded));
		assert_int_equal(rest.len, 0);
		assert_int_equal(discarded, len > 0);
		free(exact);
	}
	free(whole.data);
}

/* A client usually sends its last flight in one datagram. */
static void passes_several_stages_in_a_datagram(void **state)
{
	static const struct fragment key = { 16, 66, 2, 0, 66, 66, 65 };
	static const uint8_t one[] = { 1 };
	struct dtls_filter filter = at_stage(DTLS_KEY_EXCHANGE, 24);
	struct datagram datagram = { NULL, 0 };
	struct turn_packet rest, record;
	uint8_t body[MESSAGE_LEN + 66];
	uint64_t discarded = 0;

	(void)state;
	put_fragment(body, &key);
	append(&datagram, plain, body, sizeof(body));
	append(&datagram, (struct header){ 20, 0xfefd, 0, FIRST_SEQ + 2 }, one, 1);
	append(&datagram, (struct header){ 22, 0xfefd, 1, 0 }, NULL, 48);
	rest = (struct turn_packet){ .data = datagram.data, .len = datagram.len };
	for (; filter.stage <= DTLS_FINISHED; filter.stage++)
		assert_true(dtls_filter_next(&filter, &rest, &record, &discarded));
	assert_int_equal(rest.len, 0);
	assert_int_equal(discarded, 0);
	free(datagram.data);
}

static void finds_hellos(void **state)
{
	static const struct fragment hello = { 1, 60, 1, 0, 60, 60, 0xfe };
	struct datagram datagram = { NULL, 0 };
	struct turn_packet packet;
	struct dtls_filter filter;
	uint8_t body[MESSAGE_LEN + 60];

	(void)state;
	put_fragment(body, &hello);
	append(&datagram, plain, body, sizeof(body));
	packet = (struct turn_packet){ .data = datagram.data, .len = datagram.len };
	assert_ptr_equal(dtls_client_random(&packet), datagram.data + HEADER_LEN + MESSAGE_LEN + 2);
	dtls_filter_begin(&filter, &packet);
	assert_int_equal(filter.stage, DTLS_HELLO);
	assert_int_equal(filter.first_seq, FIRST_SEQ + 1);
	/* Type and epoch of the record, and type of its message. */
	for (size_t i = 0; i < 4; i++) {
		uint8_t *byte = datagram.data + (size_t[]){ 0, 3, 4, HEADER_LEN }[i];

		*byte ^= 2;
		assert_null(dtls_client_random(&packet));
		*byte ^= 2;
	}
	for (packet.len = 0; packet.len < HEADER_LEN + MESSAGE_LEN + 2 + 32; packet.len++)
		assert_null(dtls_client_random(&packet));
	assert_non_null(dtls_client_random(&packet));
	free(datagram.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passes_hellos),
		cmocka_unit_test(passes_keys),
		cmocka_unit_test(passes_change_cipher_spec),
		cmocka_unit_test(limits_sequence_numbers),
		cmocka_unit_test(checks_the_length_of_protected_records),
		cmocka_unit_test(limits_protected_messages),
		cmocka_unit_test(checks_the_header_of_protected_records),
		cmocka_unit_test(keeps_the_valid_records_of_a_datagram),
		cmocka_unit_test(counts_a_truncated_record),
		cmocka_unit_test(passes_several_stages_in_a_datagram),
		cmocka_unit_test(finds_hellos),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

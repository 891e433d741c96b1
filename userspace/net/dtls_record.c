/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "net/dtls_record.h"
#include "private/array_len.h"

/* RFC 6347 section 4.1. */
#define RECORD_HEADER_LEN 13
#define PLAINTEXT_MAX     (1 << 14)
#define VERSION_MAJOR     0xfe
#define VERSION_1_2       0xfefd

enum content_type {
	CHANGE_CIPHER_SPEC = 20,
	ALERT = 21,
	HANDSHAKE = 22,
	APPLICATION_DATA = 23,
};

/* RFC 6347 section 4.2.2. */
#define MESSAGE_HEADER_LEN  12
#define CLIENT_HELLO        1
#define CLIENT_KEY_EXCHANGE 16

/** ClientKeyExchange follows the ClientHellos without and with a cookie. */
#define KEY_EXCHANGE_SEQ 2
/** A public key of up to 255 bytes, and one byte for its length (RFC 8422 section 5.7). */
#define KEY_EXCHANGE_MAX 256

/**
 * Plaintext records that a client may send, retransmissions included, before HANDSHAKE_SECONDS are
 * over. OpenSSL's replay window has as many bits as a long: within them no forged record can move
 * it beyond the client's own.
 */
#define PLAINTEXT_RECORDS 32

/** Header and verify_data (RFC 5246 section 7.4.9): the only message that a client protects. */
#define FINISHED_LEN (MESSAGE_HEADER_LEN + 12)

/**
 * Protected handshake records that a client may send: Finished and its retransmissions, within 10 s
 * and with a timer of 50 ms at first. OpenSSL would keep ten messages of 16 KB each until the one
 * before them arrives. Forged records do not use up these numbers, as each is accepted once.
 */
#define FINISHED_RECORDS 8

#define ANY_SEQ UINT64_MAX

/** A ClientHello begins with its version; the random follows. */
#define CLIENT_RANDOM_OFFSET (RECORD_HEADER_LEN + MESSAGE_HEADER_LEN + 2)

struct record {
	uint8_t type;
	uint16_t version;
	uint16_t epoch;
	uint64_t seq;
	const uint8_t *body;
	size_t len;
};

struct fragment {
	uint8_t type;
	size_t message_len;
	uint16_t seq;
	size_t offset;
	const uint8_t *body;
	size_t len;
};

static uint64_t big_endian(const uint8_t *data, size_t len)
{
	uint64_t value = 0;

	for (size_t i = 0; i < len; i++)
		value = value << 8 | data[i];
	return value;
}

static bool parse_record(const struct turn_packet *packet, struct record *record)
{
	const uint8_t *data = packet->data;

	if (packet->len < RECORD_HEADER_LEN)
		return false;
	*record = (struct record){
		.type = data[0],
		.version = (uint16_t)big_endian(data + 1, 2),
		.epoch = (uint16_t)big_endian(data + 3, 2),
		.seq = big_endian(data + 5, 6),
		.body = data + RECORD_HEADER_LEN,
		.len = (size_t)big_endian(data + 11, 2),
	};
	return record->len <= packet->len - RECORD_HEADER_LEN;
}

/* A client sends no empty messages, so a fragment is not empty either. */
static bool parse_fragment(const uint8_t *data, size_t len, struct fragment *fragment)
{
	if (len < MESSAGE_HEADER_LEN)
		return false;
	*fragment = (struct fragment){
		.type = data[0],
		.message_len = (size_t)big_endian(data + 1, 3),
		.seq = (uint16_t)big_endian(data + 4, 2),
		.offset = (size_t)big_endian(data + 6, 3),
		.body = data + MESSAGE_HEADER_LEN,
		.len = (size_t)big_endian(data + 9, 3),
	};
	return fragment->len > 0 && fragment->len <= len - MESSAGE_HEADER_LEN &&
	       fragment->offset + fragment->len <= fragment->message_len;
}

static bool is_hello(const struct fragment *fragment)
{
	return fragment->type == CLIENT_HELLO && fragment->len == fragment->message_len;
}

static bool is_key_exchange(const struct fragment *fragment)
{
	return fragment->type == CLIENT_KEY_EXCHANGE && fragment->seq == KEY_EXCHANGE_SEQ &&
	       fragment->message_len <= KEY_EXCHANGE_MAX &&
	       (fragment->offset > 0 || fragment->body[0] + 1u == fragment->message_len);
}

static bool has_only(const struct record *record, bool (*is_expected)(const struct fragment *))
{
	struct fragment fragment;

	if (record->type != HANDSHAKE || record->len == 0)
		return false;
	for (size_t at = 0; at < record->len; at += MESSAGE_HEADER_LEN + fragment.len) {
		if (!parse_fragment(record->body + at, record->len - at, &fragment) ||
		    !is_expected(&fragment))
			return false;
	}
	return true;
}

/* Alerts are discarded: as long as no key protects them, anyone can forge one. */
static bool is_valid_plaintext(const struct dtls_filter *filter, const struct record *record)
{
	if (record->epoch != 0 || record->seq - filter->first_seq >= PLAINTEXT_RECORDS)
		return false;
	/* A client may use an older version until it knows that of the server. */
	if (filter->stage == DTLS_HELLO)
		return record->version >> 8 == VERSION_MAJOR && has_only(record, is_hello);
	if (record->version != VERSION_1_2)
		return false;
	if (filter->stage == DTLS_KEY_EXCHANGE)
		return has_only(record, is_key_exchange);
	return record->type == CHANGE_CIPHER_SPEC && record->len == 1 && record->body[0] == 1;
}

/**
 * struct protection - a type of protected records
 * @min, @max: bounds of its plaintext length
 * @seqs:      only lower sequence numbers may have it
 */
struct protection {
	uint8_t type;
	enum dtls_stage since;
	size_t min;
	size_t max;
	uint64_t seqs;
};

/* OpenSSL buffers up to 100 alerts between ChangeCipherSpec and Finished, with 16 KB for each. */
static const struct protection protected_types[] = {
	{ ALERT, DTLS_OPEN, 2, 2, ANY_SEQ },
	{ HANDSHAKE, DTLS_FINISHED, FINISHED_LEN, FINISHED_LEN, FINISHED_RECORDS },
	{ APPLICATION_DATA, DTLS_OPEN, 0, PLAINTEXT_MAX, ANY_SEQ },
};

/* There is no renegotiation, so the epoch stays 1. */
static bool is_valid_protected(const struct dtls_filter *filter, const struct record *record)
{
	const struct protection *type = protected_types;
	const struct protection *end = protected_types + ARRAY_LEN(protected_types);

	if (record->epoch != 1 || record->version != VERSION_1_2)
		return false;
	while (type < end && type->type != record->type)
		type++;
	return type < end && filter->stage >= type->since && record->seq < type->seqs &&
	       record->len >= type->min + filter->overhead &&
	       record->len <= type->max + filter->overhead;
}

static bool is_valid(const struct dtls_filter *filter, const struct record *record)
{
	return filter->stage < DTLS_FINISHED ? is_valid_plaintext(filter, record)
					     : is_valid_protected(filter, record);
}

void dtls_filter_begin(struct dtls_filter *filter, const struct turn_packet *packet)
{
	*filter = (struct dtls_filter){
		.stage = DTLS_HELLO,
		.first_seq = big_endian(packet->data + 5, 6),
	};
}

bool dtls_filter_next(const struct dtls_filter *filter, struct turn_packet *rest,
		      struct turn_packet *record, uint64_t *discarded)
{
	struct record parsed;

	while (parse_record(rest, &parsed)) {
		*record = (struct turn_packet){
			.data = rest->data,
			.len = RECORD_HEADER_LEN + parsed.len,
			.ttl = rest->ttl,
		};
		rest->data += record->len;
		rest->len -= record->len;
		if (is_valid(filter, &parsed))
			return true;
		++*discarded;
	}
	*discarded += rest->len > 0;
	rest->len = 0;
	return false;
}

const uint8_t *dtls_client_random(const struct turn_packet *packet)
{
	const uint8_t *data = packet->data;

	if (packet->len < CLIENT_RANDOM_OFFSET + DTLS_RANDOM_LEN || data[0] != HANDSHAKE ||
	    big_endian(data + 3, 2) != 0 || data[RECORD_HEADER_LEN] != CLIENT_HELLO)
		return NULL;
	return data + CLIENT_RANDOM_OFFSET;
}

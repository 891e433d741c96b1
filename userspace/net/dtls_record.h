/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file dtls_record.h
 * Discards invalid DTLS 1.2 records before OpenSSL reads them (RFC 6347 section 4.1.2.7).
 *
 * Anyone who knows a client's address and port can send records in its name. OpenSSL 3.0 discards
 * a record with a wrong tag, but a record shorter than a tag ends the session, and most unexpected
 * plaintext ends the handshake. So the filter passes only records that a client may send at the
 * current stage of its session. It also bounds what OpenSSL keeps for a client, which would be 1 MB
 * of messages that never become whole. Pure functions, any thread.
 */
#ifndef TURNPIKE_NET_DTLS_RECORD_H
#define TURNPIKE_NET_DTLS_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "turn/types.h"

#define DTLS_RANDOM_LEN 32

/**
 * enum dtls_stage - which records the server expects from a client without a certificate
 * @DTLS_HELLO:         ClientHello
 * @DTLS_KEY_EXCHANGE:  ClientKeyExchange
 * @DTLS_CHANGE_CIPHER: ChangeCipherSpec; the last plaintext record
 * @DTLS_FINISHED:      Finished, protected
 * @DTLS_OPEN:          application data, alerts, and Finished again
 */
enum dtls_stage {
	DTLS_HELLO,
	DTLS_KEY_EXCHANGE,
	DTLS_CHANGE_CIPHER,
	DTLS_FINISHED,
	DTLS_OPEN,
};

/**
 * struct dtls_filter - state of a session that decides which records are valid
 * @overhead:  bytes that the cipher adds to a plaintext; used from DTLS_FINISHED on
 * @first_seq: sequence number of the first plaintext record that may pass
 */
struct dtls_filter {
	enum dtls_stage stage;
	size_t overhead;
	uint64_t first_seq;
};

/**
 * dtls_filter_begin() - start a session
 * @filter: the result, at stage DTLS_HELLO
 * @packet: datagram for which dtls_client_random() is not NULL
 */
void dtls_filter_begin(struct dtls_filter *filter, const struct turn_packet *packet);

/**
 * dtls_filter_next() - find the next valid record of a datagram
 * @rest:      the unread part of the datagram; updated to begin after @record
 * @record:    the result, including its header
 * @discarded: incremented for each invalid record, and for a truncated one at the end
 *
 * The caller may change @filter between two calls, because one datagram can carry records of
 * several stages.
 *
 * Return: false if there is no further valid record.
 */
bool dtls_filter_next(const struct dtls_filter *filter, struct turn_packet *rest,
		      struct turn_packet *record, uint64_t *discarded);

/**
 * dtls_client_random() - find the random of the ClientHello at the start of a datagram
 *
 * Return: DTLS_RANDOM_LEN bytes inside @packet, or NULL if it starts with anything else.
 */
const uint8_t *dtls_client_random(const struct turn_packet *packet);

#endif /* TURNPIKE_NET_DTLS_RECORD_H */

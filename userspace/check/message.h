/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file message.h
 * The messages of a TURN client: requests with their answers, and data. Pure functions.
 */
#ifndef TURNPIKE_CHECK_MESSAGE_H
#define TURNPIKE_CHECK_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <turnpike/addr.h>

#include "stun/integrity.h"
#include "stun/message.h"
#include "stun/protocol.h"

/** RFC 8489 section 14.10: fewer than 764 bytes. */
#define CHECK_NONCE_MAX   763
#define CHECK_REQUEST_MAX 2048

/** struct check_challenge - what signs requests; @hmac: NULL: they are not signed */
struct check_challenge {
	const char *user;
	const char *realm;
	uint8_t nonce[CHECK_NONCE_MAX];
	size_t nonce_len;
	struct stun_hmac *hmac;
};

/**
 * struct check_request - a request
 * @family:  enum turnpike_family of the relayed address; 0: the server chooses
 * @ends:    the lifetime is 0
 * @peer:    NULL: none
 * @channel: 0: none
 */
struct check_request {
	enum stun_method method;
	unsigned int family;
	bool ends;
	const struct turnpike_addr *peer;
	uint16_t channel;
};

/**
 * struct check_answer - an answer. Addresses without a family were not in it
 * @code:      0: success; otherwise the error code, 300 to 699
 * @software:  not trusted, and perhaps empty
 * @realm:     likewise; empty, too, if it is longer than allowed
 * @nonce_len: 0: there is none
 * @rtt:       ns since the request was sent last
 */
struct check_answer {
	unsigned int code;
	struct turnpike_addr mapped;
	struct turnpike_addr relayed;
	struct turnpike_addr alternate;
	uint32_t lifetime;
	char software[STUN_TEXT_MAX + 1];
	char realm[STUN_TEXT_MAX + 1];
	uint8_t nonce[CHECK_NONCE_MAX];
	size_t nonce_len;
	uint64_t rtt;
};

/**
 * check_request_write() - write a request, signed unless it is a Binding request
 *
 * Return: 0, or a negative errno of stun_writer_end().
 */
int check_request_write(const struct check_request *request,
			const struct check_challenge *challenge,
			const uint8_t transaction[static STUN_TRANSACTION_LEN],
			uint8_t buf[static CHECK_REQUEST_MAX], size_t *len);

/**
 * check_answer_read() - read the answer to a request
 * @hmac: of the request; NULL: it was not signed
 *
 * Return: 0; -ENOENT if @msg is not the answer to it; -EBADMSG if it is malformed; -EKEYREJECTED
 * if it is a success to a signed request and not signed with the same key.
 */
int check_answer_read(const struct stun_message *msg, const struct check_request *request,
		      const uint8_t transaction[static STUN_TRANSACTION_LEN],
		      struct stun_hmac *hmac, struct check_answer *answer);

/**
 * struct check_data - application data
 * @peer:    if @channel is 0
 * @channel: 0: in an indication
 */
struct check_data {
	const uint8_t *bytes;
	size_t len;
	struct turnpike_addr peer;
	uint16_t channel;
};

/** check_data_write() - write ChannelData with its padding, or a Send indication; as above */
int check_data_write(const struct check_data *data,
		     const uint8_t transaction[static STUN_TRANSACTION_LEN],
		     uint8_t buf[static CHECK_REQUEST_MAX], size_t *len);

/**
 * check_data_read() - read ChannelData, or a Data indication
 *
 * Return: 0; -ENOENT if the message is something else, such as a late answer.
 */
int check_data_read(const uint8_t *message, size_t len, struct check_data *data);

#endif /* TURNPIKE_CHECK_MESSAGE_H */

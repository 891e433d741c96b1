/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "check/message.h"

#include <errno.h>
#include <string.h>

#include "stun/cursor.h"
#include "stun/writer.h"

static void write_attributes(struct stun_writer *writer, const struct check_request *request)
{
	if (request->method == TURN_ALLOCATE)
		stun_write_u32(writer, STUN_ATTR_REQUESTED_TRANSPORT,
			       (uint32_t)TURN_TRANSPORT_UDP << 24);
	if (request->family)
		stun_write_u32(writer, STUN_ATTR_REQUESTED_ADDRESS_FAMILY,
			       (uint32_t)(request->family == TURNPIKE_IPV4 ? STUN_FAMILY_IPV4
									   : STUN_FAMILY_IPV6)
				       << 24);
	if (request->ends)
		stun_write_u32(writer, STUN_ATTR_LIFETIME, 0);
	if (request->channel)
		stun_write_u32(writer, STUN_ATTR_CHANNEL_NUMBER, (uint32_t)request->channel << 16);
	if (request->peer)
		stun_write_xor_addr(writer, STUN_ATTR_XOR_PEER_ADDRESS, request->peer);
}

int check_request_write(const struct check_request *request,
			const struct check_challenge *challenge,
			const uint8_t transaction[static STUN_TRANSACTION_LEN],
			uint8_t buf[static CHECK_REQUEST_MAX], size_t *len)
{
	struct stun_writer writer;

	stun_writer_begin(&writer, buf, CHECK_REQUEST_MAX, STUN_REQUEST, request->method,
			  transaction);
	write_attributes(&writer, request);
	if (challenge->hmac && request->method != STUN_BINDING) {
		stun_write_string(&writer, STUN_ATTR_USERNAME, challenge->user);
		stun_write_string(&writer, STUN_ATTR_REALM, challenge->realm);
		stun_write_bytes(&writer, STUN_ATTR_NONCE, challenge->nonce, challenge->nonce_len);
		stun_write_integrity(&writer, challenge->hmac);
	}
	return stun_writer_end(&writer, len);
}

static void read_text(const struct stun_message *msg, enum stun_attr_type type,
		      char text[static STUN_TEXT_MAX + 1])
{
	struct stun_attr attr;

	if (stun_find_attr(msg, type, &attr) || attr.len > STUN_TEXT_MAX)
		return;
	memcpy(text, attr.value, attr.len);
	text[attr.len] = '\0';
}

static void read_nonce(const struct stun_message *msg, struct check_answer *answer)
{
	struct stun_attr attr;

	if (stun_find_attr(msg, STUN_ATTR_NONCE, &attr) || attr.len > CHECK_NONCE_MAX)
		return;
	memcpy(answer->nonce, attr.value, attr.len);
	answer->nonce_len = attr.len;
}

/* Leaves *addr as it is if there is none. */
static int read_addr(const struct stun_message *msg, enum stun_attr_type type, bool masked,
		     struct turnpike_addr *addr)
{
	struct stun_attr attr;

	if (stun_find_attr(msg, type, &attr))
		return 0;
	return masked ? stun_attr_xor_addr(msg, &attr, addr) : stun_attr_addr(&attr, addr);
}

static int read_code(const struct stun_message *msg, unsigned int *code)
{
	struct stun_attr attr;
	unsigned int class, number;

	if (stun_find_attr(msg, STUN_ATTR_ERROR_CODE, &attr) || attr.len < 4)
		return -EBADMSG;
	/* RFC 8489 section 14.8 */
	class = attr.value[2] & 7;
	number = attr.value[3];
	if (class < 3 || class > 6 || number > 99)
		return -EBADMSG;
	*code = class * 100 + number;
	return 0;
}

static int read_success(const struct stun_message *msg, struct check_answer *answer)
{
	struct stun_attr attr;

	if (read_addr(msg, STUN_ATTR_MAPPED_ADDRESS, false, &answer->mapped) ||
	    read_addr(msg, STUN_ATTR_XOR_MAPPED_ADDRESS, true, &answer->mapped) ||
	    read_addr(msg, STUN_ATTR_XOR_RELAYED_ADDRESS, true, &answer->relayed))
		return -EBADMSG;
	if (stun_find_attr(msg, STUN_ATTR_LIFETIME, &attr))
		return 0;
	return stun_attr_u32(&attr, &answer->lifetime);
}

static int read_error(const struct stun_message *msg, struct check_answer *answer)
{
	read_text(msg, STUN_ATTR_REALM, answer->realm);
	read_nonce(msg, answer);
	if (read_addr(msg, STUN_ATTR_ALTERNATE_SERVER, false, &answer->alternate))
		return -EBADMSG;
	return read_code(msg, &answer->code);
}

/* What makes a success response one: RFC 8489 section 7.3.1, RFC 8656 section 7.3. */
static bool lacks_address(const struct check_request *request, const struct check_answer *answer)
{
	if (request->method == TURN_ALLOCATE)
		return !answer->relayed.family;
	return request->method == STUN_BINDING && !answer->mapped.family;
}

static int check_signature(const struct stun_message *msg, struct stun_hmac *hmac)
{
	return hmac && stun_check_integrity(msg, hmac) ? -EKEYREJECTED : 0;
}

int check_answer_read(const struct stun_message *msg, const struct check_request *request,
		      const uint8_t transaction[static STUN_TRANSACTION_LEN],
		      struct stun_hmac *hmac, struct check_answer *answer)
{
	struct check_answer result = { 0 };
	int err;

	if ((msg->class != STUN_SUCCESS && msg->class != STUN_ERROR) ||
	    msg->method != request->method ||
	    memcmp(msg->transaction, transaction, STUN_TRANSACTION_LEN) != 0)
		return -ENOENT;
	read_text(msg, STUN_ATTR_SOFTWARE, result.software);
	err = msg->class == STUN_SUCCESS ? read_success(msg, &result) : read_error(msg, &result);
	if (!err && msg->class == STUN_SUCCESS && lacks_address(request, &result))
		err = -EBADMSG;
	if (!err && msg->class == STUN_SUCCESS)
		err = check_signature(msg, hmac);
	if (!err)
		*answer = result;
	return err;
}

static int write_channel_data(const struct check_data *data, uint8_t *buf, size_t *len)
{
	const size_t padding = -data->len & 3;

	if (TURN_CHANNEL_HEADER_LEN + data->len + padding > CHECK_REQUEST_MAX)
		return -EMSGSIZE;
	buf[0] = (uint8_t)(data->channel >> 8);
	buf[1] = (uint8_t)data->channel;
	buf[2] = (uint8_t)(data->len >> 8);
	buf[3] = (uint8_t)data->len;
	memcpy(buf + TURN_CHANNEL_HEADER_LEN, data->bytes, data->len);
	memset(buf + TURN_CHANNEL_HEADER_LEN + data->len, 0, padding);
	*len = TURN_CHANNEL_HEADER_LEN + data->len + padding;
	return 0;
}

int check_data_write(const struct check_data *data,
		     const uint8_t transaction[static STUN_TRANSACTION_LEN],
		     uint8_t buf[static CHECK_REQUEST_MAX], size_t *len)
{
	struct stun_writer writer;

	if (data->channel)
		return write_channel_data(data, buf, len);
	stun_writer_begin(&writer, buf, CHECK_REQUEST_MAX, STUN_INDICATION, TURN_SEND, transaction);
	stun_write_xor_addr(&writer, STUN_ATTR_XOR_PEER_ADDRESS, &data->peer);
	stun_write_bytes(&writer, STUN_ATTR_DATA, data->bytes, data->len);
	return stun_writer_end(&writer, len);
}

static int read_indication(const uint8_t *message, size_t len, struct check_data *data)
{
	struct stun_message msg;
	struct stun_attr peer, bytes;

	if (stun_parse(message, len, &msg) || msg.class != STUN_INDICATION ||
	    msg.method != TURN_DATA || stun_find_attr(&msg, STUN_ATTR_XOR_PEER_ADDRESS, &peer) ||
	    stun_find_attr(&msg, STUN_ATTR_DATA, &bytes) ||
	    stun_attr_xor_addr(&msg, &peer, &data->peer))
		return -ENOENT;
	data->bytes = bytes.value;
	data->len = bytes.len;
	data->channel = 0;
	return 0;
}

int check_data_read(const uint8_t *message, size_t len, struct check_data *data)
{
	struct stun_cursor cursor = { .pos = message, .left = len };
	uint16_t channel, data_len;

	if (stun_take_u16(&cursor, &channel) || stun_take_u16(&cursor, &data_len))
		return -ENOENT;
	if (channel < TURN_CHANNEL_MIN)
		return read_indication(message, len, data);
	if (channel > TURN_CHANNEL_MAX || stun_take(&cursor, data_len, &data->bytes))
		return -ENOENT;
	data->len = data_len;
	data->channel = channel;
	return 0;
}

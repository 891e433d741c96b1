/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "check/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "check/guess.h"
#include "stun/opaque_string.h"

/** RFC 8489 section 6.2.1: when a request is sent again; the interval doubles. */
#define FIRST_RTO (500 * NS_PER_MS)
/** How long to wait for the answer to the last request. */
#define LAST_PATIENCE NS_PER_S

/** struct exchange - a request and the time until it is sent again */
struct exchange {
	const struct check_request *request;
	uint8_t transaction[STUN_TRANSACTION_LEN];
	uint8_t message[CHECK_REQUEST_MAX];
	size_t len;
	uint64_t deadline;
	uint64_t sent;
	uint64_t rto;
};

void check_session_init(struct check_session *session, uint64_t patience)
{
	memset(session, 0, sizeof(*session));
	session->transport.fd = -1;
	session->patience = patience;
}

void check_session_forget(struct check_session *session)
{
	stun_hmac_free(session->challenge.hmac);
	free(session->realm);
	session->realm = NULL;
	session->challenge = (struct check_challenge){ 0 };
}

void check_session_end(struct check_session *session)
{
	const struct check_request end = { .method = TURN_REFRESH, .ends = true };
	const uint64_t patience = session->patience;
	struct check_answer answer;

	/* The answer does not matter, and there may be none. */
	session->patience = patience < LAST_PATIENCE ? patience : LAST_PATIENCE;
	if (session->transport.fd >= 0 && session->relayed.family)
		check_session_ask(session, &end, &answer);
	check_transport_close(&session->transport);
	check_session_forget(session);
	check_session_init(session, patience);
}

static int derive_key(struct check_session *session)
{
	struct stun_key key;
	int err = stun_long_term_key(STUN_PASSWORD_MD5, session->user, session->realm,
				     session->password, &key);

	if (err)
		return err;
	session->challenge.hmac = stun_hmac_new(STUN_INTEGRITY_SHA1, key.bytes, key.len);
	explicit_bzero(&key, sizeof(key));
	session->challenge.user = session->user;
	session->challenge.realm = session->realm;
	return session->challenge.hmac ? 0 : -ENOMEM;
}

/* Takes over realm and nonce of a 401 or 438; without both, what is known stays. */
static int take_challenge(struct check_session *session, const struct check_answer *answer)
{
	char *realm;

	if ((answer->code != STUN_UNAUTHENTICATED && answer->code != STUN_STALE_NONCE) ||
	    answer->nonce_len == 0 || stun_opaque_string(answer->realm, &realm))
		return 0;
	check_session_forget(session);
	session->realm = realm;
	memcpy(session->challenge.nonce, answer->nonce, answer->nonce_len);
	session->challenge.nonce_len = answer->nonce_len;
	return session->user ? derive_key(session) : 0;
}

static bool is_channel_data(const uint8_t *message, size_t len)
{
	return len > 0 && message[0] >= TURN_CHANNEL_MIN >> 8 &&
	       message[0] <= TURN_CHANNEL_MAX >> 8;
}

/* Returns 0, or -EAGAIN if no answer is there yet, or an error of check_session_ask(). */
static int receive_answer(struct check_session *session, const struct exchange *exchange,
			  struct check_answer *answer)
{
	const bool is_signed = exchange->request->method != STUN_BINDING;
	const uint8_t *message;
	struct stun_message msg;
	size_t len;
	int err;

	do {
		/* A server that never ceases to send something else must not hold the check up. */
		if (clock_now() >= exchange->deadline)
			return -ETIMEDOUT;
		err = check_transport_receive(&session->transport, &message, &len);
		if (err && err != -EBADMSG)
			return err;
		if (!err && is_channel_data(message, len)) {
			err = -ENOENT;
		} else if (err || stun_parse(message, len, &msg)) {
			session->guess = check_guess(message, len);
			err = -EBADMSG;
		} else {
			err = check_answer_read(&msg, exchange->request, exchange->transaction,
						is_signed ? session->challenge.hmac : NULL, answer);
		}
	} while (err == -ENOENT);
	return err;
}

static int send_request(struct check_session *session, struct exchange *exchange)
{
	exchange->sent = clock_now();
	return check_transport_send(&session->transport, exchange->message, exchange->len,
				    exchange->deadline);
}

/* Returns -EAGAIN to go on. */
static int await(struct check_session *session, struct exchange *exchange)
{
	const bool again = !turn_transport_is_stream(session->transport.kind);
	const uint64_t next = exchange->sent + exchange->rto;
	int err;

	check_transport_wait(&session->transport, NULL,
			     again && next < exchange->deadline ? next : exchange->deadline);
	if (clock_now() >= exchange->deadline)
		return -ETIMEDOUT;
	if (!again || clock_now() < next)
		return -EAGAIN;
	exchange->rto *= 2;
	err = send_request(session, exchange);
	return err ? err : -EAGAIN;
}

static int run(struct check_session *session, const struct check_request *request,
	       struct check_answer *answer)
{
	struct exchange exchange = {
		.request = request,
		.deadline = clock_now() + session->patience,
		.rto = FIRST_RTO,
	};
	int err;

	session->guess = NULL;
	random_fill(exchange.transaction, sizeof(exchange.transaction));
	err = check_request_write(request, &session->challenge, exchange.transaction,
				  exchange.message, &exchange.len);
	if (!err)
		err = send_request(session, &exchange);
	if (!err)
		err = receive_answer(session, &exchange, answer);
	while (err == -EAGAIN) {
		err = await(session, &exchange);
		if (err == -EAGAIN || err == -ETIMEDOUT) {
			const int received = receive_answer(session, &exchange, answer);

			err = received == -EAGAIN ? err : received;
		}
	}
	answer->rtt = clock_now() - exchange.sent;
	return err ? err : take_challenge(session, answer);
}

int check_session_ask(struct check_session *session, const struct check_request *request,
		      struct check_answer *answer)
{
	int err;

	*answer = (struct check_answer){ 0 };
	err = run(session, request, answer);
	if (!err && answer->code == STUN_STALE_NONCE && session->challenge.hmac)
		err = run(session, request, answer);
	if (err || answer->code)
		return err;
	if (answer->relayed.family)
		session->relayed = answer->relayed;
	if (answer->mapped.family)
		session->mapped = answer->mapped;
	if (request->ends)
		session->relayed.family = 0;
	return 0;
}

int check_session_provoke(struct check_session *session)
{
	static const uint8_t empty_line[] = "\r\n\r\n";
	const uint64_t deadline = clock_now() + LAST_PATIENCE;
	const uint8_t *message;
	size_t len;
	int err = check_transport_send(&session->transport, empty_line, sizeof(empty_line) - 1,
				       deadline);

	while (!err && clock_now() < deadline) {
		check_transport_wait(&session->transport, NULL, deadline);
		err = check_transport_receive(&session->transport, &message, &len);
		if (err == -EBADMSG)
			session->guess = check_guess(message, len);
		else if (err == -EAGAIN)
			err = 0;
	}
	return err == -EBADMSG ? err : -ETIMEDOUT;
}

int check_session_send(struct check_session *session, const struct check_data *data)
{
	uint8_t transaction[STUN_TRANSACTION_LEN], message[CHECK_REQUEST_MAX];
	size_t len;
	int err;

	random_fill(transaction, sizeof(transaction));
	err = check_data_write(data, transaction, message, &len);
	if (err)
		return err;
	return check_transport_send(&session->transport, message, len,
				    clock_now() + session->patience);
}

int check_session_receive(struct check_session *session, struct check_data *data)
{
	unsigned int ignored = 0;
	const uint8_t *message;
	size_t len;
	int err;

	do {
		if (ignored++ == CHECK_DRAIN_MAX)
			return -EAGAIN;
		err = check_transport_receive(&session->transport, &message, &len);
		if (!err)
			err = check_data_read(message, len, data);
	} while (err == -ENOENT);
	return err;
}

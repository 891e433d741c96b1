/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file session.h
 * A TURN client: requests and data over one connection.
 */
#ifndef TURNPIKE_CHECK_SESSION_H
#define TURNPIKE_CHECK_SESSION_H

#include "check/message.h"
#include "check/transport.h"

/**
 * struct check_session - a client
 * @transport: connected by the owner, and closed by check_session_end()
 * @patience:  ns to wait for an answer
 * @user, @password: prepared by stun_opaque_string(); NULL: requests are not signed
 * @realm:     of the server, NULL before its first challenge
 * @relayed:   the relayed transport address, without a family before Allocate has succeeded
 * @mapped:    the client's address, as the server sees it
 * @guess:     who sends what is not TURN, after -EBADMSG
 */
struct check_session {
	struct check_transport transport;
	uint64_t patience;
	const char *user;
	const char *password;
	char *realm;
	struct check_challenge challenge;
	struct turnpike_addr relayed;
	struct turnpike_addr mapped;
	const char *guess;
};

/** check_session_init() - @session is used for the first time */
void check_session_init(struct check_session *session, uint64_t patience);

/** check_session_end() - end the allocation, if there is one, close the connection, forget all */
void check_session_end(struct check_session *session);

/** check_session_forget() - forget the challenge: the next request is not signed */
void check_session_forget(struct check_session *session);

/**
 * check_session_ask() - send a request, over UDP several times, and wait for the answer
 *
 * A challenge in the answer (401, 438) is kept for the next requests. A stale nonce is replaced
 * once.
 *
 * Return: 0; -ETIMEDOUT; -EBADMSG if something else answers (@guess) or the answer is malformed;
 * -EKEYREJECTED; a negative errno of the connection.
 */
int check_session_ask(struct check_session *session, const struct check_request *request,
		      struct check_answer *answer);

/**
 * check_session_provoke() - find out who is silent: servers of line protocols wait for a line
 *
 * Return: -EBADMSG if something else answers (@guess), or -ETIMEDOUT. The connection is of no
 * further use.
 */
int check_session_provoke(struct check_session *session);

/** check_session_send() - send data; Return: as check_transport_send() */
int check_session_send(struct check_session *session, const struct check_data *data);

/** Messages that are read at once, before anybody looks at the time. */
#define CHECK_DRAIN_MAX 1000

/**
 * check_session_receive() - receive data without waiting
 * @data: lent until the next call
 *
 * Return: 0, -EAGAIN, or a negative errno of the connection.
 */
int check_session_receive(struct check_session *session, struct check_data *data);

#endif /* TURNPIKE_CHECK_SESSION_H */

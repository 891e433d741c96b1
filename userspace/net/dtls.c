/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "net/dtls.h"
#include "net/dtls_bio.h"
#include "net/dtls_record.h"

/** What every path carries (RFC 8200 section 5), so that handshakes get through. */
#define PATH_MTU   1280
#define HEADERS_V4 (20 + 8)
#define HEADERS_V6 (40 + 8)

/**
 * struct session - a connection, or what the next one will be
 * @class: the traffic class of what is sent right now
 * @retry: when a flight of the handshake has to be sent again
 */
struct session {
	struct connection connection;
	struct dtls *dtls;
	struct port *port;
	struct dtls_wire wire;
	struct dtls_filter filter;
	int class;
	SSL *ssl;
	struct event *retry;
};

/**
 * struct dtls - see dtls.h
 * @candidate: answers whoever has no session yet; becomes the session of the first that returns a
 *             cookie. NULL: to be made
 * @nobody:    BIOs of ours do not know who has sent what they read
 */
struct dtls {
	struct connections *connections;
	struct tls *tls;
	BIO_METHOD *method;
	struct session *candidate;
	BIO_ADDR *nobody;
};

static struct session *of_wire(struct dtls_wire *wire)
{
	return (struct session *)((char *)wire - offsetof(struct session, wire));
}

static void wire_send(struct dtls_wire *wire, const uint8_t *data, size_t len)
{
	const struct session *session = of_wire(wire);

	port_send(session->port, &session->connection.tuple.client, session->class, data, len,
		  false);
}

static void session_free(struct session *session)
{
	if (!session)
		return;
	if (session->retry)
		event_free(session->retry);
	SSL_free(session->ssl);
	free(session);
}

static void session_send(struct connection *connection, const uint8_t *data, size_t len)
{
	struct session *session = (struct session *)connection;

	session->class = port_class(session->port, data);
	if (SSL_write(session->ssl, data, (int)len) <= 0)
		connection->connections->stats.unsent++;
	session->class = 0;
	ERR_clear_error();
}

static void session_close(struct connection *connection, enum connection_end why)
{
	struct session *session = (struct session *)connection;

	if (connection->is_open && why != CONNECTION_FAILED)
		SSL_shutdown(session->ssl);
	ERR_clear_error();
	session_free(session);
}

static const struct connection_kind kind = { .send = session_send, .close = session_close };

/* Only a handshake has something to send again. */
static void arm_retry(struct session *session)
{
	struct timeval left;

	if (DTLSv1_get_timeout(session->ssl, &left) == 1)
		event_add(session->retry, &left);
	else
		event_del(session->retry);
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct session *session = arg;
	long err = DTLSv1_handle_timeout(session->ssl);

	(void)fd;
	(void)what;
	ERR_clear_error();
	if (err < 0)
		connection_end(&session->connection, CONNECTION_TIMED_OUT);
	else
		arm_retry(session);
}

static struct session *session_new(struct dtls *dtls)
{
	struct session *session = calloc(1, sizeof(*session));
	BIO *bio;

	if (!session)
		return NULL;
	session->dtls = dtls;
	session->wire.send = wire_send;
	session->ssl = tls_new_datagrams(dtls->tls);
	session->retry = evtimer_new(dtls->connections->base, on_retry, session);
	bio = dtls_bio_new(dtls->method, &session->wire);
	if (!session->ssl || !session->retry || !bio) {
		BIO_free(bio);
		session_free(session);
		return NULL;
	}
	SSL_set_bio(session->ssl, bio, bio);
	SSL_set_accept_state(session->ssl);
	SSL_set_app_data(session->ssl, &session->connection.tuple);
	return session;
}

static bool let_in(struct dtls *dtls, struct session *session)
{
	const struct turn_tuple tuple = session->connection.tuple;
	const int headers = tuple.client.family == TURNPIKE_IPV4 ? HEADERS_V4 : HEADERS_V6;

	dtls->candidate = NULL;
	if (connection_begin(dtls->connections, &session->connection, &kind, &tuple)) {
		session_free(session);
		return false;
	}
	SSL_set_mtu(session->ssl, PATH_MTU - headers);
	return true;
}

static void note_handshake(struct session *session)
{
	if (!session->connection.is_open && SSL_is_init_finished(session->ssl))
		connection_opened(&session->connection);
}

/* Handles the error of SSL_read(). Return: whether the session continues. */
static bool continues(struct session *session, int result)
{
	int error = SSL_get_error(session->ssl, result);

	ERR_clear_error();
	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
		return true;
	connection_end(&session->connection,
		       error == SSL_ERROR_ZERO_RETURN ? CONNECTION_CLOSED : CONNECTION_FAILED);
	return false;
}

/* OpenSSL reads in these states only. TLS_ST_SW_FINISHED occurs when a session is resumed. */
static enum dtls_stage stage_of(const struct session *session)
{
	if (session->connection.is_open)
		return DTLS_OPEN;
	switch (SSL_get_state(session->ssl)) {
	case TLS_ST_SW_SRVR_DONE:
		return DTLS_KEY_EXCHANGE;
	case TLS_ST_SR_KEY_EXCH:
	case TLS_ST_SW_FINISHED:
		return DTLS_CHANGE_CIPHER;
	case TLS_ST_SR_CHANGE:
		return DTLS_FINISHED;
	default:
		return DTLS_HELLO;
	}
}

/* An open session stays open: OpenSSL's state changes when a client asks for a renegotiation. */
static void update_filter(struct session *session)
{
	struct dtls_filter *filter = &session->filter;

	if (filter->stage == DTLS_OPEN)
		return;
	filter->stage = stage_of(session);
	if (filter->stage >= DTLS_FINISHED)
		filter->overhead = tls_record_overhead(session->ssl);
}

/*
 * Decrypts @record in place, so that relayed data keeps the traffic class of its datagram. The
 * plaintext with its tailroom is shorter than the record, so the next record stays intact.
 *
 * SSL_get_error() also reports what other code has left in the thread's error queue, so the queue
 * is cleared before each SSL_read().
 *
 * Return: whether the session continues.
 */
static bool serve_record(struct session *session, const struct turn_packet *record, uint64_t now)
{
	const bool was_open = session->connection.is_open;
	int len;

	session->wire.in = record->data;
	session->wire.in_len = record->len;
	ERR_clear_error();
	while ((len = SSL_read(session->ssl, record->data, (int)record->len)) > 0) {
		const struct turn_packet message = { .data = record->data, .len = (size_t)len };

		note_handshake(session);
		connection_input(&session->connection, &message, now);
		ERR_clear_error();
	}
	session->wire.in = NULL;
	note_handshake(session);
	if (!was_open)
		arm_retry(session);
	return continues(session, len);
}

/* OpenSSL gets one record at a time, since each record may change which one must follow. */
static void serve(struct session *session, const struct turn_packet *packet, uint64_t now)
{
	uint64_t *discarded = &session->dtls->connections->stats.discarded;
	struct turn_packet rest = *packet, record;

	do {
		update_filter(session);
	} while (dtls_filter_next(&session->filter, &rest, &record, discarded) &&
		 serve_record(session, &record, now));
}

/* Answers a ClientHello. A session begins when the client returns the cookie of the answer. */
static void greet(struct dtls *dtls, struct port *port, const struct turn_tuple *tuple,
		  const struct turn_packet *packet, uint64_t now)
{
	struct connection *before = connections_find(dtls->connections, tuple);
	struct session *session = dtls->candidate;
	struct turn_packet rest = *packet, hello;
	int done;

	if (!session)
		session = dtls->candidate = session_new(dtls);
	if (!session) {
		dtls->connections->stats.unaccepted++;
		return;
	}
	dtls_filter_begin(&session->filter, packet);
	if (!dtls_filter_next(&session->filter, &rest, &hello, &dtls->connections->stats.discarded))
		return;
	session->port = port;
	session->connection.tuple = *tuple;
	session->wire.in = hello.data;
	session->wire.in_len = hello.len;
	done = DTLSv1_listen(session->ssl, dtls->nobody);
	session->wire.in = NULL;
	ERR_clear_error();
	if (done <= 0)
		return;
	/* RFC 6347 section 4.2.8: it has begun anew, and what it has returned shows that it was it.
	 */
	if (before)
		connection_end(before, CONNECTION_CLOSED);
	if (let_in(dtls, session))
		serve(session, packet, now);
}

/* A client repeats its random when it retransmits, and chooses another for a new handshake. */
static bool is_of(const struct session *session, const uint8_t *client_random)
{
	uint8_t random[DTLS_RANDOM_LEN];

	SSL_get_client_random(session->ssl, random, sizeof(random));
	return memcmp(client_random, random, sizeof(random)) == 0;
}

void dtls_input(struct dtls *dtls, struct port *port, const struct turnpike_addr *from,
		const struct turn_packet *packet, uint64_t now)
{
	const struct turn_tuple tuple = {
		.client = *from,
		.server = *port_addr(port),
		.transport = TURN_DTLS,
	};
	struct session *session = (struct session *)connections_find(dtls->connections, &tuple);
	const uint8_t *client_random = dtls_client_random(packet);

	if (client_random && !(session && is_of(session, client_random)))
		greet(dtls, port, &tuple, packet, now);
	else if (session && packet->len > 0)
		serve(session, packet, now);
	else
		dtls->connections->stats.strays++;
}

struct dtls *dtls_new(struct connections *connections, struct tls *tls)
{
	struct dtls *dtls = calloc(1, sizeof(*dtls));

	if (!dtls)
		return NULL;
	*dtls = (struct dtls){
		.connections = connections,
		.tls = tls,
		.method = dtls_bio_method_new(),
		.nobody = BIO_ADDR_new(),
	};
	if (dtls->method && dtls->nobody)
		return dtls;
	dtls_free(dtls);
	return NULL;
}

void dtls_free(struct dtls *dtls)
{
	if (!dtls)
		return;
	session_free(dtls->candidate);
	BIO_ADDR_free(dtls->nobody);
	BIO_meth_free(dtls->method);
	free(dtls);
}

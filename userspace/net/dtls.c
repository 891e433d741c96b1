/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "net/dtls.h"
#include "net/dtls_record.h"
#include "net/handshake_memory.h"

/** Every IPv6 path carries packets of this size (RFC 8200 section 5), so handshakes succeed. */
#define PATH_MTU   1280
#define HEADERS_V4 (20 + 8)
#define HEADERS_V6 (40 + 8)

/**
 * struct session - a DTLS connection, or the candidate for one
 * @sock:       NULL while the host does not have its address
 * @fields:     IP header fields of the record that is being sent
 * @retransmit: timer for the last flight of the handshake
 */
struct session {
	struct connection connection;
	struct dtls *dtls;
	struct udp_socket *sock;
	struct tls_wire wire;
	struct dtls_filter filter;
	struct handshake_memory memory;
	struct udp_tx_fields fields;
	SSL *ssl;
	struct event *retransmit;
};

/**
 * struct dtls - see dtls.h
 * @candidate: answers clients that have no session; becomes the session of the first client that
 *             returns a cookie. NULL: create one when needed
 * @unknown:   for DTLSv1_listen(), which stores the client's address here; our BIO does not know it
 */
struct dtls {
	struct connections *connections;
	struct tls *tls;
	struct session *candidate;
	BIO_ADDR *unknown;
};

static struct session *session_of(struct tls_wire *wire)
{
	return (struct session *)((char *)wire - offsetof(struct session, wire));
}

/* While there is no socket, records are lost, as on the way. */
static bool wire_send(struct tls_wire *wire, const uint8_t *data, size_t len)
{
	const struct session *session = session_of(wire);

	if (session->sock)
		udp_socket_send(session->sock, &session->connection.tuple.client, session->fields,
				data, len);
	return true;
}

static void session_free(struct session *session)
{
	if (!session)
		return;
	if (session->retransmit)
		event_free(session->retransmit);
	SSL_free(session->ssl);
	free(session);
}

/*
 * A session has OpenSSL's buffers for records, 34 KB, only while OpenSSL runs. For DTLS, OpenSSL
 * ignores SSL_MODE_RELEASE_BUFFERS, and allocates them when it reads but not when it writes. In a
 * handshake, they must not become a part of the step.
 */
static bool enter_openssl(struct session *session)
{
	if (SSL_alloc_buffers(session->ssl) != 1)
		return false;
	if (!session->connection.is_open)
		handshake_memory_begin(&session->memory);
	return true;
}

static void leave_openssl(struct session *session)
{
	handshake_memory_end();
	SSL_free_buffers(session->ssl);
	ERR_clear_error();
}

static void session_send(struct connection *connection, const uint8_t *data, size_t len)
{
	struct session *session = (struct session *)connection;

	if (session->sock)
		session->fields = udp_socket_fields(session->sock, data);
	if (!enter_openssl(session) || SSL_write(session->ssl, data, (int)len) <= 0)
		connection->connections->stats.unsent++;
	session->fields = (struct udp_tx_fields){ 0 };
	leave_openssl(session);
}

static void session_close(struct connection *connection, enum connection_end why)
{
	struct session *session = (struct session *)connection;

	if (connection->is_open && why != CONNECTION_FAILED && enter_openssl(session))
		SSL_shutdown(session->ssl);
	ERR_clear_error();
	session_free(session);
}

static const struct connection_kind kind = { .send = session_send, .close = session_close };

/* Only a handshake has a flight to retransmit. */
static void arm_retransmit(struct session *session)
{
	struct timeval left;

	if (DTLSv1_get_timeout(session->ssl, &left) == 1)
		event_add(session->retransmit, &left);
	else
		event_del(session->retransmit);
}

static void on_retransmit(evutil_socket_t fd, short what, void *arg)
{
	struct session *session = arg;
	long err = enter_openssl(session) ? DTLSv1_handle_timeout(session->ssl) : -ENOMEM;

	(void)fd;
	(void)what;
	leave_openssl(session);
	if (err < 0)
		connection_end(&session->connection, CONNECTION_TIMED_OUT);
	else
		arm_retransmit(session);
}

static struct session *session_new(struct dtls *dtls)
{
	struct session *session = calloc(1, sizeof(*session));

	if (!session)
		return NULL;
	session->dtls = dtls;
	session->wire.send = wire_send;
	session->ssl = tls_new_datagrams(dtls->tls, &session->wire);
	session->retransmit = evtimer_new(dtls->connections->base, on_retransmit, session);
	if (!session->ssl || !session->retransmit) {
		session_free(session);
		return NULL;
	}
	SSL_set_app_data(session->ssl, &session->connection.tuple);
	return session;
}

static bool begin_session(struct dtls *dtls, struct session *session)
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

/* OpenSSL keeps the memory of a handshake, in case its last flight has to be sent again. */
static void check_handshake(struct session *session)
{
	if (session->connection.is_open || !SSL_is_init_finished(session->ssl))
		return;
	handshake_memory_end();
	connection_opened(&session->connection);
}

/* Handles the error of SSL_read(). Return: whether the session continues. */
static bool continues(struct session *session, int result)
{
	int error = SSL_get_error(session->ssl, result);

	leave_openssl(session);
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
 * Decrypts @record in place, so that relayed data keeps traffic class and TTL of its datagram. The
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
	if (!enter_openssl(session))
		return continues(session, -1);
	while ((len = SSL_read(session->ssl, record->data, (int)record->len)) > 0) {
		const struct turn_packet message = {
			.data = record->data,
			.len = (size_t)len,
			.ttl = record->ttl,
		};

		check_handshake(session);
		connection_input(&session->connection, &message, now);
		ERR_clear_error();
	}
	session->wire.in_len = 0;
	check_handshake(session);
	if (!was_open)
		arm_retransmit(session);
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
static void answer_hello(struct dtls *dtls, struct udp_socket *sock, const struct turn_tuple *tuple,
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
	session->sock = sock;
	session->connection.tuple = *tuple;
	session->wire.in = hello.data;
	session->wire.in_len = hello.len;
	done = DTLSv1_listen(session->ssl, dtls->unknown);
	session->wire.in_len = 0;
	ERR_clear_error();
	if (done <= 0)
		return;
	/* RFC 6347 section 4.2.8: the cookie proves that the client itself begins a new session. */
	if (before)
		connection_end(before, CONNECTION_CLOSED);
	if (begin_session(dtls, session))
		serve(session, packet, now);
}

/* A client repeats its random when it retransmits, and chooses another for a new handshake. */
static bool has_random(const struct session *session, const uint8_t *client_random)
{
	uint8_t random[DTLS_RANDOM_LEN];

	SSL_get_client_random(session->ssl, random, sizeof(random));
	return memcmp(client_random, random, sizeof(random)) == 0;
}

void dtls_forget(struct dtls *dtls, const struct udp_socket *sock)
{
	struct connection *connection, *next;

	HASH_ITER(hh, dtls->connections->table, connection, next) {
		struct session *session = (struct session *)connection;

		if (connection->kind == &kind && session->sock == sock)
			session->sock = NULL;
	}
	if (dtls->candidate && dtls->candidate->sock == sock)
		dtls->candidate->sock = NULL;
}

void dtls_input(struct dtls *dtls, struct udp_socket *sock, const struct turnpike_addr *from,
		const struct turn_packet *packet, uint64_t now)
{
	const struct turn_tuple tuple = {
		.client = *from,
		.server = *udp_socket_addr(sock),
		.transport = TURN_DTLS,
	};
	struct session *session = (struct session *)connections_find(dtls->connections, &tuple);
	const uint8_t *client_random = dtls_client_random(packet);

	if (session)
		session->sock = sock;
	if (client_random && !(session && has_random(session, client_random)))
		answer_hello(dtls, sock, &tuple, packet, now);
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
		.unknown = BIO_ADDR_new(),
	};
	if (dtls->unknown)
		return dtls;
	dtls_free(dtls);
	return NULL;
}

void dtls_free(struct dtls *dtls)
{
	if (!dtls)
		return;
	session_free(dtls->candidate);
	BIO_ADDR_free(dtls->unknown);
	free(dtls);
}

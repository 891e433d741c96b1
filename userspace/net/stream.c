/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <event2/event_struct.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/stream.h"
#include "net/stream_tx.h"

/** Bytes queued for a client; further messages are dropped, because late media is useless. */
#define OUTPUT_MAX (128 << 10)
/** What TLS adds to a message: header, explicit nonce, type and tag of a record, at most. */
#define RECORD_OVERHEAD 64
/** Bytes that TLS may add on its own, such as alerts, if the queue is full. */
#define ALERTS_MAX (16 << 10)
/** The longest message of a client without an allocation, which sends only requests. */
#define REQUEST_MAX 4096

/** A client that does not read is disconnected after this time. */
static const struct timeval stalled = { .tv_sec = 30 };

/**
 * struct stream - a connection
 * @ssl:      NULL for TCP
 * @writable: pending while the socket does not take more
 */
struct stream {
	struct connection connection;
	int fd;
	SSL *ssl;
	struct tls_wire wire;
	struct stream_partial partial;
	struct stream_tx tx;
	struct event readable;
	struct event writable;
};

static struct stream *stream_of(struct tls_wire *wire)
{
	return (struct stream *)((char *)wire - offsetof(struct stream, wire));
}

/* Called for each record, and for the messages of the handshake. */
static bool wire_send(struct tls_wire *wire, const uint8_t *data, size_t len)
{
	struct stream *stream = stream_of(wire);

	return stream_tx_len(&stream->tx) + len <= OUTPUT_MAX + ALERTS_MAX &&
	       !stream_tx_add(&stream->tx, data, len);
}

/* Some clients (turnutils_uclient) take each record for one message, so each has a record. */
static bool add_record(struct stream *stream, const uint8_t *data, size_t len)
{
	if (SSL_write(stream->ssl, data, (int)len) > 0)
		return true;
	ERR_clear_error();
	return false;
}

static bool add(struct stream *stream, const uint8_t *data, size_t len)
{
	if (stream_tx_len(&stream->tx) + len + RECORD_OVERHEAD > OUTPUT_MAX)
		return false;
	return stream->ssl ? add_record(stream, data, len) : !stream_tx_add(&stream->tx, data, len);
}

static void stream_send(struct connection *connection, const uint8_t *data, size_t len)
{
	if (add((struct stream *)connection, data, len))
		connection_flush_later(connection);
	else
		connection->connections->stats.unsent++;
}

static void stream_flush(struct connection *connection)
{
	struct stream *stream = (struct stream *)connection;
	int err;

	if (event_pending(&stream->writable, EV_WRITE, NULL))
		return;
	err = stream_tx_send(&stream->tx, stream->fd);
	if (err == -EAGAIN)
		event_add(&stream->writable, &stalled);
	else if (err)
		connection_end(connection, CONNECTION_FAILED);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct stream *stream = arg;

	(void)fd;
	if (what & EV_TIMEOUT)
		connection_end(&stream->connection, CONNECTION_TIMED_OUT);
	else
		stream_flush(&stream->connection);
}

void stream_reset_at_close(int fd)
{
	static const struct linger reset = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
}

static void stream_free(struct stream *stream)
{
	event_del(&stream->readable);
	event_del(&stream->writable);
	SSL_free(stream->ssl);
	stream_partial_free(&stream->partial);
	stream_tx_free(&stream->tx);
	free(stream);
}

/*
 * What the socket takes is still sent. With a reset, neither the connection nor the rest stays in
 * the kernel. SSL_shutdown() must not be called after a fatal error (SSL_shutdown(3)).
 */
static void stream_close(struct connection *connection, enum connection_end why)
{
	struct stream *stream = (struct stream *)connection;

	if (stream->ssl && connection->is_open && why != CONNECTION_FAILED)
		SSL_shutdown(stream->ssl);
	ERR_clear_error();
	if (stream_tx_send(&stream->tx, stream->fd))
		stream_reset_at_close(stream->fd);
	close(stream->fd);
	stream_free(stream);
}

static const struct connection_kind kind = {
	.send = stream_send,
	.flush = stream_flush,
	.close = stream_close,
};

/* Limits the memory that unauthenticated clients can use. */
static bool may_buffer(const struct stream *stream, size_t len)
{
	return len <= REQUEST_MAX || connection_has_allocation(&stream->connection);
}

/* Return: 0; -ENODATA if everything has been handled; another negative errno. */
static int next_message(struct stream *stream, struct turn_packet *message)
{
	struct stream_rx *rx = &stream->connection.connections->rx;
	size_t len;
	int err;

	do {
		err = stream_rx_next(rx, &stream->partial, message, &len);
		if (err != -EAGAIN)
			return err;
		if (!may_buffer(stream, len))
			return -EMSGSIZE;
		err = stream_rx_keep(rx, &stream->partial, len);
	} while (!err);
	return err;
}

/* Ends the connection. Return: false, for functions that return whether it continues. */
static bool end(struct stream *stream, enum connection_end why)
{
	connection_end(&stream->connection, why);
	return false;
}

/* Handles the messages of what has been read. Return: whether the connection continues. */
static bool handle(struct stream *stream, size_t len, uint64_t now)
{
	struct turn_packet message;
	int err;

	stream_rx_received(&stream->connection.connections->rx, &stream->partial, len);
	while (!(err = next_message(stream, &message)))
		connection_input(&stream->connection, &message, now);
	return err == -ENODATA || end(stream, CONNECTION_GARBAGE);
}

/* Handles the result of a read that is not positive. Return: whether the connection continues. */
static bool handle_end(struct stream *stream, ssize_t result)
{
	if (result == 0)
		return end(stream, CONNECTION_CLOSED);
	return errno == EAGAIN || end(stream, CONNECTION_FAILED);
}

static bool read_messages(struct stream *stream, uint64_t now)
{
	struct iovec room[2];
	const int n = stream_rx_room(&stream->connection.connections->rx, &stream->partial, room);
	const ssize_t len = readv(stream->fd, room, n);

	return len > 0 ? handle(stream, (size_t)len, now) : handle_end(stream, len);
}

static void check_handshake(struct stream *stream)
{
	if (!stream->connection.is_open && SSL_is_init_finished(stream->ssl))
		connection_opened(&stream->connection);
}

/*
 * Reads what a record has, at most. SSL_get_error() also reports what other code has left in the
 * thread's error queue, so the queue is cleared before each SSL_read().
 */
static int read_record(struct stream *stream)
{
	struct iovec room[2];
	int len;

	stream_rx_room(&stream->connection.connections->rx, &stream->partial, room);
	ERR_clear_error();
	len = SSL_read(stream->ssl, room[0].iov_base, (int)room[0].iov_len);
	check_handshake(stream);
	return len;
}

static bool handle_records(struct stream *stream, uint64_t now)
{
	int len, error;

	while ((len = read_record(stream)) > 0) {
		if (!handle(stream, (size_t)len, now))
			return false;
	}
	error = SSL_get_error(stream->ssl, len);
	ERR_clear_error();
	if (error == SSL_ERROR_WANT_READ) {
		/* What the handshake has written; a message has done this itself. */
		if (stream_tx_len(&stream->tx) > 0)
			connection_flush_later(&stream->connection);
		return true;
	}
	return end(stream, error == SSL_ERROR_ZERO_RETURN ? CONNECTION_CLOSED : CONNECTION_FAILED);
}

/* OpenSSL keeps the beginning of an incomplete record itself. */
static bool read_records(struct stream *stream, uint64_t now)
{
	struct stream_rx *rx = &stream->connection.connections->rx;
	const ssize_t len = recv(stream->fd, rx->records, sizeof(rx->records), 0);

	if (len <= 0)
		return handle_end(stream, len);
	stream->wire.in = rx->records;
	stream->wire.in_len = (size_t)len;
	return handle_records(stream, now);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct stream *stream = arg;
	const struct connections *connections = stream->connection.connections;
	const uint64_t now = clock_now();

	(void)fd;
	(void)what;
	if (stream->ssl)
		read_records(stream, now);
	else
		read_messages(stream, now);
	connections->ops->done(connections->ctx, now);
}

static struct stream *stream_new(struct connections *connections, struct tls *tls, int fd)
{
	struct stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return NULL;
	stream->fd = fd;
	stream->wire.send = wire_send;
	event_assign(&stream->readable, connections->base, fd, EV_READ | EV_PERSIST, on_readable,
		     stream);
	event_assign(&stream->writable, connections->base, fd, EV_WRITE, on_writable, stream);
	stream->ssl = tls ? tls_new_stream(tls, &stream->wire) : NULL;
	if (!tls || stream->ssl)
		return stream;
	stream_free(stream);
	return NULL;
}

int stream_open(struct connections *connections, struct tls *tls, int fd,
		const struct turn_tuple *tuple)
{
	struct stream *stream = stream_new(connections, tls, fd);
	int err;

	if (!stream)
		return -ENOMEM;
	err = connection_begin(connections, &stream->connection, &kind, tuple);
	if (!err && event_add(&stream->readable, NULL)) {
		connection_end(&stream->connection, CONNECTION_FAILED);
		return 0;
	}
	if (err)
		stream_free(stream);
	else if (!tls)
		connection_opened(&stream->connection);
	return err;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/listener.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/clock.h"
#include "net/socket.h"
#include "net/streams.h"

/** Bytes queued for a client; further messages are dropped, because late media is useless. */
#define OUTPUT_MAX (128 << 10)
/** Messages queued for a TLS client, each of which needs memory besides its bytes. */
#define QUEUED_MAX 1024
/** The longest message of a client without an allocation, which sends only requests. */
#define REQUEST_MAX 4096
/** Seconds after which a client that does not read is disconnected. */
#define STALLED_SECONDS 30
/** Milliseconds until accept() is retried after an error, such as EMFILE. */
#define ACCEPT_RETRY_MS 250

struct streams {
	struct connections *connections;
	struct tls *tls;
	struct turnpike_addr addr;
	struct evconnlistener *listener;
	struct event *resume;
};

/** struct stream - @queued: number of TLS messages that have not been sent */
struct stream {
	struct connection connection;
	struct bufferevent *buffers;
	unsigned int queued;
};

static void free_copy(const void *copy, size_t len, void *arg)
{
	struct stream *stream = arg;

	(void)len;
	stream->queued--;
	free((void *)(uintptr_t)copy);
}

/*
 * libevent writes one TLS record per chain of the buffer, and some clients (turnutils_uclient)
 * take each record for one message. So every message gets a chain of its own.
 */
static int append_chain(struct stream *stream, struct evbuffer *output, const uint8_t *data,
			size_t len)
{
	uint8_t *copy = stream->queued < QUEUED_MAX ? malloc(len) : NULL;
	int err;

	if (!copy)
		return -ENOBUFS;
	memcpy(copy, data, len);
	err = evbuffer_add_reference(output, copy, len, free_copy, stream);
	if (err)
		free(copy);
	else
		stream->queued++;
	return err;
}

static void stream_send(struct connection *connection, const uint8_t *data, size_t len)
{
	struct stream *stream = (struct stream *)connection;
	struct evbuffer *output = bufferevent_get_output(stream->buffers);
	int err = -ENOBUFS;

	if (evbuffer_get_length(output) + len <= OUTPUT_MAX)
		err = connection->tuple.transport == TURN_TLS
			      ? append_chain(stream, output, data, len)
			      : evbuffer_add(output, data, len);
	if (err)
		connection->connections->stats.unsent++;
}

/* A reset leaves neither the connection nor unsent data in the kernel. */
static void reset_at_close(int fd)
{
	static const struct linger reset = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
}

/* bufferevent_free() is deferred, but free_copy() needs the stream: drain the output now. */
static void free_buffers(struct stream *stream)
{
	struct evbuffer *output = bufferevent_get_output(stream->buffers);

	if (evbuffer_get_length(output) > 0)
		reset_at_close(bufferevent_getfd(stream->buffers));
	evbuffer_unfreeze(output, 1);
	evbuffer_drain(output, evbuffer_get_length(output));
	bufferevent_free(stream->buffers);
}

/* SSL_shutdown() must not be called after a fatal error (SSL_shutdown(3)). */
static void stream_close(struct connection *connection, enum connection_end why)
{
	struct stream *stream = (struct stream *)connection;
	const bool notifies = connection->tuple.transport == TURN_TLS && connection->is_open &&
			      why != CONNECTION_FAILED;

	if (notifies) {
		SSL_shutdown(bufferevent_openssl_get_ssl(stream->buffers));
		ERR_clear_error();
	}
	if (stream->buffers)
		free_buffers(stream);
	free(stream);
}

static const struct connection_kind kind = { .send = stream_send, .close = stream_close };

/* Handles the first message of the input if it is complete. Return: see turn_frame(). */
static int handle_message(struct stream *stream, uint64_t now, size_t *len)
{
	uint8_t *data = stream->connection.connections->message.data;
	struct evbuffer *input = bufferevent_get_input(stream->buffers);
	const size_t available = evbuffer_get_length(input);
	int err = turn_frame(evbuffer_pullup(input, -1), available, len);

	if (err)
		return err;
	evbuffer_remove(input, data, *len);
	connection_input(&stream->connection, &(struct turn_packet){ .data = data, .len = *len },
			 now);
	return 0;
}

/* Limits the memory that unauthenticated clients can use. */
static bool may_buffer(const struct stream *stream, size_t len)
{
	return len <= REQUEST_MAX || connection_has_allocation(&stream->connection);
}

static void on_read(struct bufferevent *buffers, void *arg)
{
	struct stream *stream = arg;
	struct connections *connections = stream->connection.connections;
	const uint64_t now = clock_now();
	size_t len;
	int err;

	do {
		err = handle_message(stream, now, &len);
	} while (!err);
	if (err == -EAGAIN && may_buffer(stream, len))
		bufferevent_setwatermark(buffers, EV_READ, len, TURN_FRAME_MAX);
	else
		connection_end(&stream->connection, CONNECTION_GARBAGE);
	connections->ops->done(connections->ctx, now);
}

static void on_event(struct bufferevent *buffers, short what, void *arg)
{
	struct stream *stream = arg;

	(void)buffers;
	if (what & BEV_EVENT_CONNECTED)
		connection_opened(&stream->connection);
	else if (what & BEV_EVENT_TIMEOUT)
		connection_end(&stream->connection, CONNECTION_TIMED_OUT);
	else if (what & BEV_EVENT_EOF)
		connection_end(&stream->connection, CONNECTION_CLOSED);
	else
		connection_end(&stream->connection, CONNECTION_FAILED);
}

static struct bufferevent *make_buffers(const struct streams *streams, int fd)
{
	struct event_base *base = streams->connections->base;
	struct bufferevent *buffers;
	SSL *ssl;

	if (!streams->tls)
		return bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	ssl = tls_new_stream(streams->tls);
	if (!ssl)
		return NULL;
	buffers = bufferevent_openssl_socket_new(base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING,
						 BEV_OPT_CLOSE_ON_FREE);
	if (!buffers)
		SSL_free(ssl);
	return buffers;
}

static int stream_open(struct streams *streams, int fd, const struct turn_tuple *tuple)
{
	static const struct timeval stalled = { .tv_sec = STALLED_SECONDS };
	struct stream *stream = calloc(1, sizeof(*stream));
	int err;

	if (!stream)
		return -ENOMEM;
	err = connection_begin(streams->connections, &stream->connection, &kind, tuple);
	if (err) {
		free(stream);
		return err;
	}
	stream->buffers = make_buffers(streams, fd);
	if (!stream->buffers) {
		connection_end(&stream->connection, CONNECTION_FAILED);
		return -ENOMEM;
	}
	bufferevent_setcb(stream->buffers, on_read, NULL, on_event, stream);
	bufferevent_setwatermark(stream->buffers, EV_READ, 0, TURN_FRAME_MAX);
	bufferevent_set_timeouts(stream->buffers, NULL, &stalled);
	bufferevent_enable(stream->buffers, EV_READ | EV_WRITE);
	if (!streams->tls)
		connection_opened(&stream->connection);
	return 0;
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *sa,
		      int len, void *arg)
{
	struct streams *streams = arg;
	struct turn_tuple tuple = { .server = streams->addr,
				    .transport = streams->tls ? TURN_TLS : TURN_TCP };
	struct sockaddr_storage client = { 0 };

	(void)listener;
	memcpy(&client, sa, (size_t)len);
	if (addr_from_sockaddr(&client, &tuple.client) ||
	    connections_denies(streams->connections, &tuple.client) ||
	    stream_open(streams, fd, &tuple)) {
		reset_at_close(fd);
		close(fd);
	}
}

static void on_resume(evutil_socket_t fd, short what, void *arg)
{
	struct streams *streams = arg;

	(void)fd;
	(void)what;
	evconnlistener_enable(streams->listener);
}

/* The listener stays readable: without a pause, libevent would call this in a busy loop. */
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
	static const struct timeval delay = { .tv_usec = ACCEPT_RETRY_MS * 1000 };
	struct streams *streams = arg;

	streams->connections->stats.unaccepted++;
	evconnlistener_disable(listener);
	event_add(streams->resume, &delay);
}

int streams_open(struct connections *connections, const struct turnpike_addr *addr, bool reuseport,
		 struct tls *tls, struct streams **ret)
{
	struct streams *streams = calloc(1, sizeof(*streams));
	int fd, err;

	if (!streams)
		return -ENOMEM;
	*streams = (struct streams){ .connections = connections, .tls = tls, .addr = *addr };
	err = socket_listen(addr, reuseport, &fd);
	if (err)
		goto free_streams;
	err = -ENOMEM;
	streams->resume = evtimer_new(connections->base, on_resume, streams);
	if (!streams->resume)
		goto close_fd;
	/* The backlog is 0 because the socket is listening already. */
	streams->listener =
		evconnlistener_new(connections->base, on_accept, streams,
				   LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (!streams->listener)
		goto close_fd;
	evconnlistener_set_error_cb(streams->listener, on_accept_error);
	*ret = streams;
	return 0;
close_fd:
	close(fd);
free_streams:
	if (streams->resume)
		event_free(streams->resume);
	free(streams);
	return err;
}

void streams_close(struct streams *streams)
{
	if (!streams)
		return;
	evconnlistener_free(streams->listener);
	event_free(streams->resume);
	free(streams);
}

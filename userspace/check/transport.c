/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "check/transport.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/clock.h"
#include "check/tls.h"

/* Waits for the connection; returns 0 or a negative errno. */
static int finish_connecting(int fd, uint64_t deadline)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(int);
	int err = 0;

	if (poll(&pollfd, 1, clock_ms_until(deadline)) <= 0)
		return -ETIMEDOUT;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len))
		return -errno;
	return -err;
}

int check_transport_connect(struct check_transport *transport, enum turn_transport kind,
			    const struct turnpike_addr *server, uint64_t deadline)
{
	struct sockaddr_storage sa;
	const socklen_t len = addr_to_sockaddr(server, &sa);
	int type;

	transport->kind = kind;
	transport->server = *server;
	transport->ssl = NULL;
	transport->start = transport->filled = 0;
	type = turn_transport_is_stream(transport->kind) ? SOCK_STREAM : SOCK_DGRAM;
	transport->fd = socket(sa.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (transport->fd < 0)
		return -errno;
	if (type == SOCK_STREAM)
		setsockopt(transport->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	if (connect(transport->fd, (struct sockaddr *)&sa, len) == 0)
		return 0;
	return errno == EINPROGRESS ? finish_connecting(transport->fd, deadline) : -errno;
}

void check_transport_close(struct check_transport *transport)
{
	check_tls_close(transport);
	if (transport->fd >= 0)
		close(transport->fd);
	transport->fd = -1;
}

static ssize_t send_some(struct check_transport *transport, const uint8_t *data, size_t len)
{
	const ssize_t sent = transport->ssl ? check_tls_write(transport, data, len)
					    : send(transport->fd, data, len, MSG_NOSIGNAL);

	return sent < 0 && !transport->ssl ? -errno : sent;
}

int check_transport_send(struct check_transport *transport, const uint8_t *message, size_t len,
			 uint64_t deadline)
{
	struct pollfd pollfd = { .fd = transport->fd, .events = POLLOUT };
	size_t done = 0;

	while (done < len) {
		const ssize_t sent = send_some(transport, message + done, len - done);

		if (sent >= 0)
			done += (size_t)sent;
		else if (sent != -EAGAIN)
			return (int)sent;
		else if (poll(&pollfd, 1, clock_ms_until(deadline)) <= 0)
			return -ETIMEDOUT;
	}
	return 0;
}

/* Returns 0, or a negative errno; -EPIPE at the end of a stream. */
static int receive_some(struct check_transport *transport)
{
	uint8_t *to = transport->buf + transport->filled;
	const size_t room = sizeof(transport->buf) - transport->filled;
	ssize_t got;

	if (transport->ssl) {
		got = check_tls_read(transport, to, room);
		if (got < 0)
			return (int)got;
	} else {
		got = recv(transport->fd, to, room, 0);
		if (got < 0)
			return -errno;
	}
	if (got == 0 && turn_transport_is_stream(transport->kind))
		return -EPIPE;
	transport->filled += (size_t)got;
	return 0;
}

static int receive_datagram(struct check_transport *transport, const uint8_t **message, size_t *len)
{
	int err;

	transport->filled = 0;
	err = receive_some(transport);
	if (err)
		return err;
	*message = transport->buf;
	*len = transport->filled;
	return 0;
}

/* Moves what is left to the start of the buffer, which has room for the longest message. */
static void compact(struct check_transport *transport)
{
	transport->filled -= transport->start;
	memmove(transport->buf, transport->buf + transport->start, transport->filled);
	transport->start = 0;
}

static int receive_from_stream(struct check_transport *transport, const uint8_t **message,
			       size_t *len)
{
	int err = -EAGAIN;

	compact(transport);
	*message = transport->buf;
	while (err == -EAGAIN) {
		size_t frame = 0;

		err = turn_frame(transport->buf, transport->filled, &frame);
		if (err == -EAGAIN) {
			const int receive_err = receive_some(transport);

			if (receive_err)
				return receive_err;
		} else if (err) {
			*len = transport->filled;
		} else {
			*len = frame;
			transport->start = frame;
		}
	}
	return err;
}

int check_transport_receive(struct check_transport *transport, const uint8_t **message, size_t *len)
{
	return turn_transport_is_stream(transport->kind)
		       ? receive_from_stream(transport, message, len)
		       : receive_datagram(transport, message, len);
}

void check_transport_wait(const struct check_transport *a, const struct check_transport *b,
			  uint64_t deadline)
{
	struct pollfd fds[] = { { .fd = a->fd, .events = POLLIN },
				{ .fd = b ? b->fd : -1, .events = POLLIN } };

	poll(fds, 2, clock_ms_until(deadline));
}

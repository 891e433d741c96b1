/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file transport.h
 * A client's connection to a server by UDP, TCP, TLS or DTLS. One call, one message. All waiting
 * ends at a deadline, a time of clock_now().
 */
#ifndef TURNPIKE_CHECK_TRANSPORT_H
#define TURNPIKE_CHECK_TRANSPORT_H

#include <stddef.h>
#include <stdint.h>
#include <openssl/types.h>

#include <turnpike/addr.h>

#include "turn/framing.h"
#include "turn/types.h"

/**
 * struct check_transport - a connection
 * @fd:     -1: not open
 * @ssl:    NULL without TLS and DTLS
 * @ssl_deadline: until when an operation of OpenSSL may read, see check_tls_start()
 * @buf:    what was received and not handed out yet, @filled bytes from @start on
 */
struct check_transport {
	enum turn_transport kind;
	struct turnpike_addr server;
	int fd;
	SSL *ssl;
	uint64_t ssl_deadline;
	size_t start;
	size_t filled;
	uint8_t buf[TURN_FRAME_MAX + 4096];
};

/**
 * check_transport_connect() - open a socket to @server, and for TCP and TLS connect it
 * @transport: unused until now; check_transport_close() it also after an error
 *
 * Return: 0, -ETIMEDOUT, or another negative errno of socket(2) and connect(2).
 */
int check_transport_connect(struct check_transport *transport, enum turn_transport kind,
			    const struct turnpike_addr *server, uint64_t deadline);

/** check_transport_close() - close it, if it is open, and free what it has */
void check_transport_close(struct check_transport *transport);

/**
 * check_transport_send() - send a message
 *
 * Return: 0, -ETIMEDOUT, -EPIPE if the connection has ended, or another negative errno.
 */
int check_transport_send(struct check_transport *transport, const uint8_t *message, size_t len,
			 uint64_t deadline);

/**
 * check_transport_receive() - receive the next message without waiting
 * @message: lent until the next call
 * @len:     includes padding of ChannelData in a stream
 *
 * Return: 0; -EAGAIN; -EPIPE if the server has closed the connection; -EBADMSG if what a stream
 * has brought is neither STUN nor ChannelData: then @message and @len are the beginning; another
 * negative errno, such as -ECONNREFUSED after an ICMP error.
 */
int check_transport_receive(struct check_transport *transport, const uint8_t **message,
			    size_t *len);

/**
 * check_transport_wait() - wait until one of two connections, or of one if @b is NULL, may have
 * something, or the deadline
 */
void check_transport_wait(const struct check_transport *a, const struct check_transport *b,
			  uint64_t deadline);

#endif /* TURNPIKE_CHECK_TRANSPORT_H */

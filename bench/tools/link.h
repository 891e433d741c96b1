/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file link.h
 * The connection of one client with the server, over UDP, TCP, TLS or DTLS.
 */
#ifndef TURNPIKE_BENCH_LINK_H
#define TURNPIKE_BENCH_LINK_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** enum transport - how a client reaches the server */
enum transport {
	OVER_UDP,
	OVER_TCP,
	OVER_TLS,
	OVER_DTLS,
	TRANSPORTS,
};

struct link;

/** transport_parse() - find a transport by its name; return: 0, or -EINVAL */
int transport_parse(const char *name, enum transport *ret);

/** link_open() - connect from @local, any port, to @server; any error ends the process */
struct link *link_open(enum transport transport, struct in_addr local,
		       const struct sockaddr_in *server);

/** link_close() - @link may be NULL */
void link_close(struct link *link);

/** link_fd() - the descriptor, for epoll(7) */
int link_fd(const struct link *link);

/** link_ask() - send a request, and wait for a message; return: its length in @buf, or 0 */
size_t link_ask(struct link *link, const uint8_t *request, size_t len, uint8_t *buf, size_t size);

/** link_stop_waiting() - after the last link_ask(), before the other functions */
void link_stop_waiting(struct link *link);

/**
 * link_send() - send a message
 *
 * If only a part of it fits, the next call must have the same message, and sends the rest.
 *
 * Return: whether all of it has been sent.
 */
bool link_send(struct link *link, const uint8_t *message, size_t len);

/** link_flush() - to be called after each series of link_send() */
void link_flush(struct link *link);

/**
 * link_receive() - read what has arrived, which must be copies of @message
 *
 * Return: how many have become complete.
 */
unsigned int link_receive(struct link *link, const uint8_t *message, size_t len);

#endif /* TURNPIKE_BENCH_LINK_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>
#include <utlist.h>

#include "base/clock.h"
#include "net/socket.h"
#include "net/udp_rx.h"
#include "net/udp_sockets.h"

/** ICMP errors handled before datagrams are received again. */
#define ERRORS_MAX 32
/** Limit of reads before UDP_GRO is switched off: datagrams may arrive faster than it relays. */
#define LAST_READS 256
/** Attempts to switch UDP_GRO off while the queue is empty. */
#define ATTEMPTS 64

/**
 * struct udp_socket - a socket of the loop
 * @messages: how many to receive at once
 * @list:     list of struct udp_sockets that has this socket
 */
struct udp_socket {
	struct udp_sockets *sockets;
	int fd;
	struct event *event;
	struct turnpike_addr addr;
	unsigned int messages;
	const struct udp_socket_kind *kind;
	void *owner;
	struct udp_socket **list;
	struct udp_socket *prev;
	struct udp_socket *next;
};

/**
 * struct udp_sockets - see udp_sockets.h
 * @in_kernel: argument of socket_adapt()
 * @adapted:   sockets that have been adapted to @in_kernel
 * @stale:     sockets that have not
 * @reading:   socket whose input is being handled; NULL after the handler has closed it
 * @unsplit:   see udp_sockets_unsplit()
 * @flush:     sends the queue after all readable sockets have been served
 */
struct udp_sockets {
	struct event_base *base;
	struct udp_rx *rx;
	struct udp_tx *tx;
	void (*done)(void *arg, uint64_t now);
	void *arg;
	bool in_kernel;
	struct udp_socket *adapted;
	struct udp_socket *stale;
	struct udp_socket *reading;
	uint64_t unsplit;
	struct event *flush;
};

/*
 * Called when a readable socket has no datagrams. A busy socket thereby delays its errors, but not
 * for long: a pending error makes the next receive call fail, which leaves the datagrams queued.
 */
static void read_errors(struct udp_socket *sock, uint64_t now)
{
	struct udp_sockets *sockets = sock->sockets;
	struct socket_error error;

	for (int i = 0; i < ERRORS_MAX && sockets->reading; i++) {
		if (!socket_error_next(sock->fd, &error))
			break;
		sock->kind->error(sock->owner, sock, &error, now);
	}
}

/* May close @sock; otherwise it remains @reading. Return: how many messages there were. */
static unsigned int read_batch(struct udp_socket *sock)
{
	struct udp_sockets *sockets = sock->sockets;
	unsigned int received = udp_rx_receive(sockets->rx, sock->fd, sock->messages);
	uint64_t now = clock_now();
	struct turnpike_addr from;
	struct turn_packet packet;

	sockets->reading = sock;
	if (received == 0)
		read_errors(sock, now);
	while (sockets->reading && udp_rx_next(sockets->rx, &packet, &from))
		sock->kind->input(sock->owner, sock, &from, &packet, now);
	if (sockets->reading && received > 0)
		sock->messages = udp_rx_messages(sockets->rx);
	sockets->done(sockets->arg, now);
	return received;
}

/* May close @sock. Return: whether there were datagrams. */
static bool serve(struct udp_socket *sock)
{
	struct udp_sockets *sockets = sock->sockets;
	const bool received = read_batch(sock) > 0;

	sockets->reading = NULL;
	return received;
}

/*
 * Reads several small batches, whose buffers stay in the cache. The more datagrams there are when
 * the queue is sent, the more of them are of the same flow.
 */
static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct udp_socket *sock = arg;
	struct udp_sockets *sockets = sock->sockets;
	unsigned int asked, received, datagrams = 0;

	(void)fd;
	(void)what;
	do {
		asked = sock->messages;
		received = read_batch(sock);
		datagrams += udp_rx_datagrams(sockets->rx);
	} while (sockets->reading && received == asked && datagrams < UDP_RX_DATAGRAMS);
	sockets->reading = NULL;
}

/*
 * Runs after all sockets that are readable now: their output often has the same destinations, and
 * leaves in longer runs.
 */
static void on_flush(evutil_socket_t fd, short what, void *arg)
{
	struct udp_sockets *sockets = arg;

	(void)fd;
	(void)what;
	udp_tx_flush(sockets->tx);
}

struct udp_sockets *udp_sockets_new(struct event_base *base, void (*done)(void *arg, uint64_t now),
				    void *arg)
{
	struct udp_sockets *sockets = calloc(1, sizeof(*sockets));

	if (!sockets)
		return NULL;
	*sockets = (struct udp_sockets){
		.base = base,
		.rx = udp_rx_new(),
		.tx = udp_tx_new(),
		.done = done,
		.arg = arg,
	};
	sockets->flush = event_new(base, -1, 0, on_flush, sockets);
	if (sockets->rx && sockets->tx && sockets->flush)
		return sockets;
	udp_sockets_free(sockets);
	return NULL;
}

void udp_sockets_free(struct udp_sockets *sockets)
{
	if (!sockets)
		return;
	if (sockets->flush)
		event_free(sockets->flush);
	udp_tx_free(sockets->tx);
	udp_rx_free(sockets->rx);
	free(sockets);
}

uint64_t udp_sockets_unsent(const struct udp_sockets *sockets)
{
	return udp_tx_unsent(sockets->tx);
}

static void list_add(struct udp_socket **list, struct udp_socket *sock)
{
	DL_APPEND(*list, sock);
	sock->list = list;
}

static void list_remove(struct udp_socket *sock)
{
	DL_DELETE(*sock->list, sock);
}

uint64_t udp_sockets_unsplit(const struct udp_sockets *sockets)
{
	return sockets->unsplit;
}

static bool has_datagrams(const struct udp_socket *sock)
{
	struct pollfd fd = { .fd = sock->fd, .events = POLLIN };

	return poll(&fd, 1, 0) > 0 && fd.revents & POLLIN;
}

/* Return: whether @sock still exists. */
static bool empty_queue(struct udp_socket *sock)
{
	const struct udp_sockets *sockets = sock->sockets;

	for (int i = 0; i < LAST_READS && sockets->stale == sock && serve(sock); i++)
		;
	return sockets->stale == sock;
}

static void discard_queue(struct udp_socket *sock)
{
	struct udp_sockets *sockets = sock->sockets;
	struct turnpike_addr from;
	struct turn_packet packet;

	for (int i = 0; i < LAST_READS && has_datagrams(sock); i++) {
		udp_rx_receive(sockets->rx, sock->fd, sock->messages);
		while (udp_rx_next(sockets->rx, &packet, &from))
			sockets->unsplit++;
	}
}

/*
 * Once UDP_GRO is off, merged datagrams in the receive queue can no longer be split. So it is
 * switched off while the queue is empty. No call does both: the thread may be preempted in between,
 * and whatever arrives meanwhile makes it try again. Only datagrams that arrive faster than they
 * are relayed are discarded in the end.
 *
 * Return: whether @sock still exists; its input may close it.
 */
static bool stop_merging(struct udp_socket *sock)
{
	for (int i = 0; i < ATTEMPTS; i++) {
		if (i > 0)
			socket_adapt(sock->fd, sock->addr.family, false);
		if (!empty_queue(sock))
			return false;
		socket_adapt(sock->fd, sock->addr.family, true);
		if (!has_datagrams(sock))
			return true;
	}
	discard_queue(sock);
	return true;
}

static void adapt_first(struct udp_sockets *sockets)
{
	struct udp_socket *sock = sockets->stale;

	if (!sockets->in_kernel)
		socket_adapt(sock->fd, sock->addr.family, false);
	else if (!stop_merging(sock))
		return;
	list_remove(sock);
	list_add(&sockets->adapted, sock);
}

void udp_sockets_adapt(struct udp_sockets *sockets, bool in_kernel)
{
	struct udp_socket *sock;

	if (in_kernel == sockets->in_kernel)
		return;
	sockets->in_kernel = in_kernel;
	udp_tx_adapt(sockets->tx, in_kernel);
	while ((sock = sockets->adapted)) {
		list_remove(sock);
		list_add(&sockets->stale, sock);
	}
	while (sockets->stale)
		adapt_first(sockets);
}

int udp_socket_open(struct udp_sockets *sockets, const struct turnpike_addr *addr, bool reuseport,
		    const struct udp_socket_kind *kind, void *owner, struct udp_socket **ret)
{
	struct udp_socket *sock = calloc(1, sizeof(*sock));
	int err;

	if (!sock)
		return -ENOMEM;
	*sock = (struct udp_socket){
		.sockets = sockets,
		.addr = *addr,
		.messages = UDP_RX_MESSAGES,
		.kind = kind,
		.owner = owner,
	};
	err = socket_open(addr, reuseport, kind->receive_bytes, sockets->in_kernel, &sock->fd);
	if (err)
		goto free_sock;
	err = -ENOMEM;
	sock->event = event_new(sockets->base, sock->fd, EV_READ | EV_PERSIST, on_readable, sock);
	if (!sock->event)
		goto close_fd;
	if (event_add(sock->event, NULL))
		goto free_event;
	list_add(&sockets->adapted, sock);
	*ret = sock;
	return 0;
free_event:
	event_free(sock->event);
close_fd:
	close(sock->fd);
free_sock:
	free(sock);
	return err;
}

void udp_socket_close(struct udp_socket *sock)
{
	struct udp_sockets *sockets = sock->sockets;

	/* The queue refers to the descriptor, which the next socket may reuse. */
	udp_tx_flush(sockets->tx);
	if (sockets->reading == sock)
		sockets->reading = NULL;
	list_remove(sock);
	event_free(sock->event);
	close(sock->fd);
	free(sock);
}

const struct turnpike_addr *udp_socket_addr(const struct udp_socket *sock)
{
	return &sock->addr;
}

struct udp_tx_fields udp_socket_fields(const struct udp_socket *sock, const uint8_t *data)
{
	return udp_rx_fields(sock->sockets->rx, data);
}

void udp_socket_send(struct udp_socket *sock, const struct turnpike_addr *to,
		     struct udp_tx_fields fields, const uint8_t *data, size_t len)
{
	struct udp_sockets *sockets = sock->sockets;

	if (udp_tx_is_empty(sockets->tx))
		event_active(sockets->flush, 0, 0);
	udp_tx_add(sockets->tx, sock->fd, to, fields, data, len);
}

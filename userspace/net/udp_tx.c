/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "net/socket.h"
#include "net/udp_batch.h"
#include "net/udp_tx.h"

/** Attempts to send a datagram: pending ICMP errors make them fail. */
#define TRIES_MAX 4
/** Datagrams sent one by one after a device or a route has rejected a run. */
#define SINGLES_AFTER_EIO 1024

/**
 * struct udp_tx - see udp_tx.h
 * @sets_discovery: call socket_before_sending() and socket_after_sending()
 * @singles:        number of datagrams to send one by one before runs are tried again
 */
struct udp_tx {
	bool sets_discovery;
	unsigned int singles;
	uint64_t unsent;
	struct udp_batch batch;
	struct mmsghdr headers[UDP_BATCH_RUNS];
};

struct udp_tx *udp_tx_new(void)
{
	return calloc(1, sizeof(struct udp_tx));
}

void udp_tx_free(struct udp_tx *tx)
{
	free(tx);
}

void udp_tx_adapt(struct udp_tx *tx, bool in_kernel)
{
	udp_tx_flush(tx);
	tx->sets_discovery = in_kernel;
}

static bool take_single(struct udp_tx *tx)
{
	if (tx->singles == 0)
		return false;
	tx->singles--;
	return true;
}

void udp_tx_add(struct udp_tx *tx, int fd, const struct turnpike_addr *to,
		struct udp_tx_fields fields, const uint8_t *data, size_t len)
{
	const struct udp_run datagram = {
		.fd = fd,
		.to = *to,
		.fields = fields,
		.datagrams = 1,
		.size = len,
		.len = len,
		.is_ended = take_single(tx),
	};

	if (udp_batch_add(&tx->batch, &datagram, data))
		return;
	udp_tx_flush(tx);
	udp_batch_add(&tx->batch, &datagram, data);
}

/*
 * A datagram with DF that is too big fails each time, and each failure queues an error. It is still
 * retried once, because EMSGSIZE may also be a pending ICMP error.
 */
static unsigned int tries_max(const struct udp_run *run)
{
	return run->fields.dont_fragment && errno == EMSGSIZE ? 2 : TRIES_MAX;
}

/*
 * A pending ICMP error makes the next call fail, whatever its destination, and is cleared by that
 * (ip(7), IP_RECVERR). So a failed datagram is retried before it is dropped.
 */
static void send_one(struct udp_tx *tx, struct udp_message *message)
{
	const struct msghdr header = udp_message_header(message);
	unsigned int tries = 0;

	while (sendmsg(message->run.fd, &header, 0) < 0) {
		if (errno != EAGAIN && ++tries < tries_max(&message->run))
			continue;
		tx->unsent++;
		break;
	}
}

static void send_singly(struct udp_tx *tx, const struct udp_message *message)
{
	const size_t size = message->run.size;
	struct udp_message one = *message;
	struct iovec iov;

	one.run.datagrams = 1;
	one.iov = &iov;
	one.parts = 1;
	for (size_t i = 0; i < message->parts; i++) {
		const struct iovec part = message->iov[i];

		for (size_t at = 0; at < part.iov_len; at += size) {
			iov.iov_base = (uint8_t *)part.iov_base + at;
			iov.iov_len = part.iov_len - at < size ? part.iov_len - at : size;
			send_one(tx, &one);
		}
	}
}

/*
 * The kernel rejects a run if its datagrams exceed the path MTU (EINVAL; EMSGSIZE since Linux 6.13)
 * and must be fragmented. With EIO it rejects every run on a route with IPsec, and before
 * Linux 6.11 on a device without checksum offload; runs are tried again after a while.
 */
static bool is_rejected(struct udp_tx *tx, const struct udp_run *run)
{
	if (run->datagrams == 1 || (errno != EINVAL && errno != EMSGSIZE && errno != EIO))
		return false;
	if (errno == EIO)
		tx->singles = SINGLES_AFTER_EIO;
	return true;
}

static void send_messages(struct udp_tx *tx, unsigned int start, unsigned int end)
{
	unsigned int tries = 0;

	while (start < end) {
		const struct udp_message *message = &tx->batch.messages[start];
		const struct udp_run *run = &message->run;
		int sent = sendmmsg(run->fd, tx->headers + start, end - start, 0);

		if (sent <= 0 && is_rejected(tx, run))
			send_singly(tx, message);
		else if (sent <= 0 && errno != EAGAIN && ++tries < tries_max(run))
			continue;
		else if (sent <= 0)
			tx->unsent += run->datagrams;
		start += sent <= 0 ? 1 : (unsigned int)sent;
		tries = 0;
	}
}

/*
 * Sends messages of one socket with the same DF bit. A client that sets DF must be notified of
 * datagrams that are too big, so from then on sockets receive these errors while they do not send.
 */
static void send_alike(struct udp_tx *tx, unsigned int start, unsigned int end)
{
	const struct udp_run *run = &tx->batch.messages[start].run;

	tx->sets_discovery |= run->fields.dont_fragment;
	if (tx->sets_discovery)
		socket_before_sending(run->fd, run->to.family, run->fields.dont_fragment);
	send_messages(tx, start, end);
	if (tx->sets_discovery)
		socket_after_sending(run->fd, run->to.family);
}

static bool are_alike(const struct udp_run *a, const struct udp_run *b)
{
	return a->fd == b->fd && a->fields.dont_fragment == b->fields.dont_fragment;
}

bool udp_tx_is_empty(const struct udp_tx *tx)
{
	return tx->batch.n_runs == 0;
}

void udp_tx_flush(struct udp_tx *tx)
{
	struct udp_message *messages = tx->batch.messages;
	const unsigned int n = udp_batch_merge(&tx->batch);
	unsigned int start = 0;

	for (unsigned int i = 0; i < n; i++)
		tx->headers[i].msg_hdr = udp_message_header(&messages[i]);
	for (unsigned int i = 1; i <= n; i++) {
		if (i < n && are_alike(&messages[i].run, &messages[start].run))
			continue;
		send_alike(tx, start, i);
		start = i;
	}
}

uint64_t udp_tx_unsent(const struct udp_tx *tx)
{
	return tx->unsent;
}

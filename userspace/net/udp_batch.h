/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file udp_batch.h
 * Collects datagrams and merges those of a flow, that is, of one socket to one destination, also if
 * datagrams of other flows are between them. Each flow stays in order.
 */
#ifndef TURNPIKE_NET_UDP_BATCH_H
#define TURNPIKE_NET_UDP_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <turnpike/addr.h>

#include "net/udp_tx.h"

/** Runs of a batch, of which each can be a message. The kernel takes 1024 at once (UIO_MAXIOV). */
#define UDP_BATCH_RUNS 256
/** Payload of an IPv4 packet: a message is one packet until it is segmented. */
#define UDP_BATCH_PAYLOAD 65507
#define UDP_BATCH_BYTES   (4 * UDP_BATCH_PAYLOAD)

/**
 * struct udp_run - datagrams of a flow with the same fields
 * @datagrams: number of datagrams
 * @size:      length of each datagram; the last one may be shorter
 * @len:       length of all
 * @is_ended:  none may follow: the last one is shorter, or shall be alone
 */
struct udp_run {
	int fd;
	struct turnpike_addr to;
	struct udp_tx_fields fields;
	unsigned int datagrams;
	size_t size;
	size_t len;
	bool is_ended;
};

/**
 * struct udp_message - what leaves as one message
 * @iov:     its parts, each of which begins with a datagram
 * @addr:    destination, see udp_message_header()
 * @control: control messages, likewise
 */
struct udp_message {
	struct udp_run run;
	struct iovec *iov;
	size_t parts;
	struct sockaddr_storage addr;
	union {
		struct cmsghdr align;
		char bytes[2 * CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(uint16_t))];
	} control;
};

/**
 * struct udp_batch - datagrams in the order of udp_batch_add()
 * @runs:  what follows each other and can be merged
 * @parts: bytes of each run
 * @order: the runs, sorted by flow
 * @iov:   bytes of each run in that order
 */
struct udp_batch {
	unsigned int n_runs;
	size_t n_bytes;
	struct udp_run runs[UDP_BATCH_RUNS];
	struct iovec parts[UDP_BATCH_RUNS];
	const struct udp_run *order[UDP_BATCH_RUNS];
	struct iovec iov[UDP_BATCH_RUNS];
	struct udp_message messages[UDP_BATCH_RUNS];
	uint8_t bytes[UDP_BATCH_BYTES];
};

/**
 * udp_batch_add() - add a copy of a datagram
 * @datagram: a run of this datagram
 *
 * Return: false if the batch is full; it takes any datagram while it is empty.
 */
bool udp_batch_add(struct udp_batch *batch, const struct udp_run *datagram, const uint8_t *data);

/**
 * udp_batch_merge() - make @messages of what was added, and empty the batch
 *
 * Messages of a socket follow each other, as do those of a flow. They refer to the batch until the
 * next udp_batch_add().
 *
 * Return: the number of messages.
 */
unsigned int udp_batch_merge(struct udp_batch *batch);

/** udp_message_header() - what sendmsg() takes; it refers to @message */
struct msghdr udp_message_header(struct udp_message *message);

#endif /* TURNPIKE_NET_UDP_BATCH_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "io/batch.h"
#include "io/socket.h"

#define BATCH_PACKETS 32
/** More than a UDP datagram can carry, so that none is ever cut short. */
#define PAYLOAD_MAX 65536
/** How often a datagram is tried, if ICMP errors come faster than it is sent. */
#define SEND_TRIES 4

struct buffer {
	uint8_t headroom[TURN_HEADROOM];
	uint8_t payload[PAYLOAD_MAX];
	uint8_t tailroom[TURN_TAILROOM];
};

/** What one struct msghdr points to. */
struct slot {
	struct sockaddr_storage addr;
	struct iovec iov;
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
};

struct batch {
	bool learns;
	struct mmsghdr in[BATCH_PACKETS];
	struct mmsghdr out[BATCH_PACKETS];
	struct slot in_slots[BATCH_PACKETS];
	struct slot out_slots[BATCH_PACKETS];
	int out_fds[BATCH_PACKETS];
	unsigned int queued;
	unsigned int current;
	uint64_t unsent;
	struct buffer buffers[BATCH_PACKETS];
};

struct batch *batch_new(bool learns)
{
	struct batch *batch = calloc(1, sizeof(*batch));

	if (batch)
		batch->learns = learns;
	return batch;
}

void batch_free(struct batch *batch)
{
	free(batch);
}

static void set_message(struct mmsghdr *message, struct slot *slot, socklen_t addr_len,
			const uint8_t *data, size_t len, size_t control_len)
{
	slot->iov = (struct iovec){ .iov_base = (void *)data, .iov_len = len };
	message->msg_hdr = (struct msghdr){
		.msg_name = &slot->addr,
		.msg_namelen = addr_len,
		.msg_iov = &slot->iov,
		.msg_iovlen = 1,
		.msg_control = control_len ? &slot->control : NULL,
		.msg_controllen = control_len,
	};
}

unsigned int batch_receive(struct batch *batch, int fd)
{
	int received;

	for (unsigned int i = 0; i < BATCH_PACKETS; i++)
		set_message(&batch->in[i], &batch->in_slots[i], sizeof(struct sockaddr_storage),
			    batch->buffers[i].payload, PAYLOAD_MAX,
			    sizeof(batch->in_slots[i].control));
	received = recvmmsg(fd, batch->in, BATCH_PACKETS, 0, NULL);
	return received < 0 ? 0 : (unsigned int)received;
}

struct turn_packet batch_packet(struct batch *batch, unsigned int index, struct turnpike_addr *from)
{
	batch->current = index;
	addr_from_sockaddr(&batch->in_slots[index].addr, from);
	return (struct turn_packet){
		.data = batch->buffers[index].payload,
		.len = batch->in[index].msg_len,
	};
}

static bool is_relayed(const struct batch *batch, const uint8_t *data)
{
	const struct buffer *buffer = &batch->buffers[batch->current];

	return (uintptr_t)data >= (uintptr_t)buffer && (uintptr_t)data < (uintptr_t)(buffer + 1);
}

/* IPv4 tells it in one byte, IPv6 in an int. */
static int received_class(struct msghdr *message)
{
	const struct cmsghdr *header = CMSG_FIRSTHDR(message);
	int class = 0;

	if (!header)
		return 0;
	if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_TOS)
		return *CMSG_DATA(header);
	if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_TCLASS)
		memcpy(&class, CMSG_DATA(header), sizeof(class));
	return class;
}

static void put_class(struct slot *slot, int class)
{
	bool v4 = slot->addr.ss_family == AF_INET;

	slot->control.align = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(sizeof(class)),
		.cmsg_level = v4 ? IPPROTO_IP : IPPROTO_IPV6,
		.cmsg_type = v4 ? IP_TOS : IPV6_TCLASS,
	};
	memcpy(CMSG_DATA(&slot->control.align), &class, sizeof(class));
}

void batch_send(struct batch *batch, int fd, const struct turnpike_addr *to, const uint8_t *data,
		size_t len)
{
	struct slot *slot = &batch->out_slots[batch->queued];
	bool relayed = is_relayed(batch, data);
	int class = relayed ? received_class(&batch->in[batch->current].msg_hdr) : 0;
	socklen_t addr_len = addr_to_sockaddr(to, &slot->addr);

	if (class)
		put_class(slot, class);
	set_message(&batch->out[batch->queued], slot, addr_len, data, len,
		    class ? sizeof(slot->control) : 0);
	batch->out_fds[batch->queued++] = fd;
	if (!relayed || batch->queued == BATCH_PACKETS)
		batch_flush(batch);
}

/*
 * An ICMP error that has come for the socket fails the next call, whatever it is about, and is gone
 * with that (ip(7), IP_RECVERR). So what failed is tried again before it is lost, as in UDP.
 */
static void send_all(struct batch *batch, unsigned int start, unsigned int end)
{
	unsigned int tries = 0;

	while (start < end) {
		int sent = sendmmsg(batch->out_fds[start], batch->out + start, end - start, 0);

		if (sent <= 0 && errno != EAGAIN && ++tries < SEND_TRIES)
			continue;
		if (sent <= 0)
			batch->unsent++;
		start += sent <= 0 ? 1 : (unsigned int)sent;
		tries = 0;
	}
}

/* All of one socket. */
static void send_run(struct batch *batch, unsigned int start, unsigned int end)
{
	int fd = batch->out_fds[start], family = batch->out_slots[start].addr.ss_family;

	if (batch->learns)
		socket_before_sending(fd, family);
	send_all(batch, start, end);
	if (batch->learns)
		socket_after_sending(fd, family);
}

void batch_flush(struct batch *batch)
{
	unsigned int start = 0;

	for (unsigned int i = 1; i <= batch->queued; i++) {
		if (i < batch->queued && batch->out_fds[i] == batch->out_fds[start])
			continue;
		send_run(batch, start, i);
		start = i;
	}
	batch->queued = 0;
}

uint64_t batch_unsent(const struct batch *batch)
{
	return batch->unsent;
}

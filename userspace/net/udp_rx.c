/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "net/udp_rx.h"

/** No datagram is longer, merged or not, so none is truncated. */
#define PAYLOAD_MAX 65536

struct buffer {
	uint8_t headroom[TURN_HEADROOM];
	uint8_t payload[PAYLOAD_MAX];
	uint8_t tailroom[TURN_TAILROOM];
};

/** What a struct msghdr points to. Control messages: the traffic class, the TTL, the GRO size. */
struct slot {
	struct sockaddr_storage addr;
	struct iovec iov;
	union {
		struct cmsghdr align;
		char bytes[3 * CMSG_SPACE(sizeof(int))];
	} control;
};

/**
 * struct udp_rx - see udp_rx.h
 * @received:  messages in the batch
 * @started:   messages of which at least one datagram was returned
 * @datagrams: datagrams that were returned
 * @from:      source of the current message
 * @class:     its traffic class
 * @ttl:       its TTL or hop limit
 * @size:      length of each of its datagrams; the last one may be shorter
 * @next:      its next datagram
 * @remaining: bytes of the message from @next on
 * @saved:     copy of the first of these bytes: the core may overwrite them, as they are the
 *             tailroom of the previous datagram
 */
struct udp_rx {
	unsigned int received;
	unsigned int started;
	unsigned int datagrams;
	struct turnpike_addr from;
	int class;
	uint8_t ttl;
	size_t size;
	uint8_t *next;
	size_t remaining;
	uint8_t saved[TURN_TAILROOM];
	struct mmsghdr messages[UDP_RX_MESSAGES];
	struct slot slots[UDP_RX_MESSAGES];
	struct buffer buffers[UDP_RX_MESSAGES];
};

static void reset_message(struct udp_rx *rx, unsigned int index)
{
	struct slot *slot = &rx->slots[index];

	rx->messages[index].msg_hdr = (struct msghdr){
		.msg_name = &slot->addr,
		.msg_namelen = sizeof(slot->addr),
		.msg_iov = &slot->iov,
		.msg_iovlen = 1,
		.msg_control = &slot->control,
		.msg_controllen = sizeof(slot->control),
	};
}

struct udp_rx *udp_rx_new(void)
{
	struct udp_rx *rx = calloc(1, sizeof(*rx));

	if (!rx)
		return NULL;
	for (unsigned int i = 0; i < UDP_RX_MESSAGES; i++) {
		rx->slots[i].iov = (struct iovec){ rx->buffers[i].payload, PAYLOAD_MAX };
		reset_message(rx, i);
	}
	return rx;
}

void udp_rx_free(struct udp_rx *rx)
{
	free(rx);
}

unsigned int udp_rx_receive(struct udp_rx *rx, int fd, unsigned int messages)
{
	int received;

	for (unsigned int i = 0; i < rx->received; i++)
		reset_message(rx, i);
	received = recvmmsg(fd, rx->messages, messages, 0, NULL);
	rx->received = received < 0 ? 0 : (unsigned int)received;
	rx->started = 0;
	rx->datagrams = 0;
	rx->remaining = 0;
	return rx->received;
}

static int int_value(const struct cmsghdr *header)
{
	int value;

	memcpy(&value, CMSG_DATA(header), sizeof(value));
	return value;
}

/* A TTL of 0 is no further from its end than one of 1; struct turn_packet needs the 0. */
static uint8_t at_least_one(int ttl)
{
	return ttl > 1 ? (uint8_t)ttl : 1;
}

/* IP_TOS is one byte; the other values are int. */
static void read_control(struct udp_rx *rx, struct msghdr *message)
{
	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header;
	     header = CMSG_NXTHDR(message, header)) {
		if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_TOS)
			rx->class = *CMSG_DATA(header);
		else if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_TCLASS)
			rx->class = int_value(header);
		else if ((header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_TTL) ||
			 (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_HOPLIMIT))
			rx->ttl = at_least_one(int_value(header));
		else if (header->cmsg_level == IPPROTO_UDP && header->cmsg_type == UDP_GRO)
			rx->size = (size_t)int_value(header);
	}
}

/*
 * All datagrams of a message have the same class and TTL: the kernel merges only datagrams with
 * equal addresses, ports, traffic class, TTL and DF (inet_gro_receive(), ipv6_gro_receive(),
 * udp_gro_receive_segment()).
 */
static void start_message(struct udp_rx *rx, unsigned int index)
{
	rx->next = rx->buffers[index].payload;
	rx->remaining = rx->messages[index].msg_len;
	rx->size = rx->remaining;
	rx->class = 0;
	rx->ttl = 0;
	addr_from_sockaddr(&rx->slots[index].addr, &rx->from);
	read_control(rx, &rx->messages[index].msg_hdr);
}

bool udp_rx_next(struct udp_rx *rx, struct turn_packet *packet, struct turnpike_addr *from)
{
	size_t len;

	if (rx->remaining > 0)
		memcpy(rx->next, rx->saved, sizeof(rx->saved));
	else if (rx->started < rx->received)
		start_message(rx, rx->started++);
	else
		return false;
	len = rx->remaining < rx->size ? rx->remaining : rx->size;
	*packet = (struct turn_packet){ .data = rx->next, .len = len, .ttl = rx->ttl };
	*from = rx->from;
	rx->next += len;
	rx->remaining -= len;
	rx->datagrams++;
	memcpy(rx->saved, rx->next, sizeof(rx->saved));
	return true;
}

unsigned int udp_rx_messages(const struct udp_rx *rx)
{
	const unsigned int messages =
		rx->datagrams ? UDP_RX_DATAGRAMS * rx->started / rx->datagrams : UDP_RX_MESSAGES;

	if (messages < 1)
		return 1;
	return messages < UDP_RX_MESSAGES ? messages : UDP_RX_MESSAGES;
}

unsigned int udp_rx_datagrams(const struct udp_rx *rx)
{
	return rx->datagrams;
}

struct udp_tx_fields udp_rx_fields(const struct udp_rx *rx, const uint8_t *data)
{
	const uintptr_t first = (uintptr_t)rx->buffers, pos = (uintptr_t)data;
	const size_t at = (pos - first) / sizeof(rx->buffers[0]);

	if (pos < first || at + 1 != rx->started)
		return (struct udp_tx_fields){ 0 };
	return (struct udp_tx_fields){ .class = rx->class, .ttl = rx->ttl - (rx->ttl > 0) };
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "net/udp_rx.h"

/** What one call receives: more saves little, and would push out of the cache what is relayed. */
#define MESSAGES_MAX 16
/** More than a UDP datagram, or many that were merged, can carry: none is ever cut short. */
#define PAYLOAD_MAX 65536

struct buffer {
	uint8_t headroom[TURN_HEADROOM];
	uint8_t payload[PAYLOAD_MAX];
	uint8_t tailroom[TURN_TAILROOM];
};

/** What one struct msghdr points to; of control messages there are a traffic class and a size. */
struct slot {
	struct sockaddr_storage addr;
	struct iovec iov;
	union {
		struct cmsghdr align;
		char bytes[2 * CMSG_SPACE(sizeof(int))];
	} control;
};

/**
 * struct udp_rx - see rx.h
 * @received: messages there are
 * @opened:   messages looked at
 * @from:     where the last of these came from
 * @class:    its traffic class
 * @size:     of each of its datagrams, of which only the last may be shorter
 * @next:     its next datagram
 * @left:     how many bytes there are from @next on
 * @behind:   the first of these, which the core may overwrite as the last datagram's tailroom
 */
struct udp_rx {
	unsigned int received;
	unsigned int opened;
	struct turnpike_addr from;
	int class;
	size_t size;
	uint8_t *next;
	size_t left;
	uint8_t behind[TURN_TAILROOM];
	struct mmsghdr messages[MESSAGES_MAX];
	struct slot slots[MESSAGES_MAX];
	struct buffer buffers[MESSAGES_MAX];
};

static void make_ready(struct udp_rx *rx, unsigned int index)
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
	for (unsigned int i = 0; i < MESSAGES_MAX; i++) {
		rx->slots[i].iov = (struct iovec){ rx->buffers[i].payload, PAYLOAD_MAX };
		make_ready(rx, i);
	}
	return rx;
}

void udp_rx_free(struct udp_rx *rx)
{
	free(rx);
}

bool udp_rx_receive(struct udp_rx *rx, int fd)
{
	int received;

	for (unsigned int i = 0; i < rx->received; i++)
		make_ready(rx, i);
	received = recvmmsg(fd, rx->messages, MESSAGES_MAX, 0, NULL);
	rx->received = received < 0 ? 0 : (unsigned int)received;
	rx->opened = 0;
	rx->left = 0;
	return rx->received > 0;
}

static int int_of(const struct cmsghdr *header)
{
	int value;

	memcpy(&value, CMSG_DATA(header), sizeof(value));
	return value;
}

/* IPv4 tells the traffic class in one byte, all else is an int. */
static void read_control(struct udp_rx *rx, struct msghdr *message)
{
	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header;
	     header = CMSG_NXTHDR(message, header)) {
		if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_TOS)
			rx->class = *CMSG_DATA(header);
		else if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_TCLASS)
			rx->class = int_of(header);
		else if (header->cmsg_level == IPPROTO_UDP && header->cmsg_type == UDP_GRO)
			rx->size = (size_t)int_of(header);
	}
}

/*
 * The kernel merges only what is alike but for its payload: addresses, ports, traffic class, TTL
 * and DF (inet_gro_receive(), ipv6_gro_receive(), udp_gro_receive_segment()). So one class is of
 * all.
 */
static void open_message(struct udp_rx *rx, unsigned int index)
{
	rx->next = rx->buffers[index].payload;
	rx->left = rx->messages[index].msg_len;
	rx->size = rx->left;
	rx->class = 0;
	addr_from_sockaddr(&rx->slots[index].addr, &rx->from);
	read_control(rx, &rx->messages[index].msg_hdr);
}

bool udp_rx_next(struct udp_rx *rx, struct turn_packet *packet, struct turnpike_addr *from)
{
	size_t len;

	if (rx->left > 0)
		memcpy(rx->next, rx->behind, sizeof(rx->behind));
	else if (rx->opened < rx->received)
		open_message(rx, rx->opened++);
	else
		return false;
	len = rx->left < rx->size ? rx->left : rx->size;
	*packet = (struct turn_packet){ .data = rx->next, .len = len };
	*from = rx->from;
	rx->next += len;
	rx->left -= len;
	memcpy(rx->behind, rx->next, sizeof(rx->behind));
	return true;
}

int udp_rx_class(const struct udp_rx *rx, const uint8_t *data)
{
	const uintptr_t first = (uintptr_t)rx->buffers, pos = (uintptr_t)data;
	const size_t at = (pos - first) / sizeof(rx->buffers[0]);

	return pos >= first && at + 1 == rx->opened ? rx->class : 0;
}

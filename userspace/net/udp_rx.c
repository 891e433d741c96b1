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
 * struct inbox - see inbox.h
 * @received: messages there are
 * @opened:   messages looked at
 * @from:     where the last of these came from
 * @class:    its traffic class
 * @size:     of each of its datagrams, of which only the last may be shorter
 * @next:     its next datagram
 * @left:     how many bytes there are from @next on
 * @behind:   the first of these, which the core may overwrite as the last datagram's tailroom
 */
struct inbox {
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

static void make_ready(struct inbox *inbox, unsigned int index)
{
	struct slot *slot = &inbox->slots[index];

	inbox->messages[index].msg_hdr = (struct msghdr){
		.msg_name = &slot->addr,
		.msg_namelen = sizeof(slot->addr),
		.msg_iov = &slot->iov,
		.msg_iovlen = 1,
		.msg_control = &slot->control,
		.msg_controllen = sizeof(slot->control),
	};
}

struct inbox *inbox_new(void)
{
	struct inbox *inbox = calloc(1, sizeof(*inbox));

	if (!inbox)
		return NULL;
	for (unsigned int i = 0; i < MESSAGES_MAX; i++) {
		inbox->slots[i].iov = (struct iovec){ inbox->buffers[i].payload, PAYLOAD_MAX };
		make_ready(inbox, i);
	}
	return inbox;
}

void inbox_free(struct inbox *inbox)
{
	free(inbox);
}

bool inbox_receive(struct inbox *inbox, int fd)
{
	int received;

	for (unsigned int i = 0; i < inbox->received; i++)
		make_ready(inbox, i);
	received = recvmmsg(fd, inbox->messages, MESSAGES_MAX, 0, NULL);
	inbox->received = received < 0 ? 0 : (unsigned int)received;
	inbox->opened = 0;
	inbox->left = 0;
	return inbox->received > 0;
}

static int int_of(const struct cmsghdr *header)
{
	int value;

	memcpy(&value, CMSG_DATA(header), sizeof(value));
	return value;
}

/* IPv4 tells the traffic class in one byte, all else is an int. */
static void read_control(struct inbox *inbox, struct msghdr *message)
{
	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header;
	     header = CMSG_NXTHDR(message, header)) {
		if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_TOS)
			inbox->class = *CMSG_DATA(header);
		else if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_TCLASS)
			inbox->class = int_of(header);
		else if (header->cmsg_level == IPPROTO_UDP && header->cmsg_type == UDP_GRO)
			inbox->size = (size_t)int_of(header);
	}
}

/*
 * The kernel merges only what is alike but for its payload: addresses, ports, traffic class, TTL
 * and DF (inet_gro_receive(), ipv6_gro_receive(), udp_gro_receive_segment()). So one class is of
 * all.
 */
static void open_message(struct inbox *inbox, unsigned int index)
{
	inbox->next = inbox->buffers[index].payload;
	inbox->left = inbox->messages[index].msg_len;
	inbox->size = inbox->left;
	inbox->class = 0;
	addr_from_sockaddr(&inbox->slots[index].addr, &inbox->from);
	read_control(inbox, &inbox->messages[index].msg_hdr);
}

bool inbox_next(struct inbox *inbox, struct turn_packet *packet, struct turnpike_addr *from)
{
	size_t len;

	if (inbox->left > 0)
		memcpy(inbox->next, inbox->behind, sizeof(inbox->behind));
	else if (inbox->opened < inbox->received)
		open_message(inbox, inbox->opened++);
	else
		return false;
	len = inbox->left < inbox->size ? inbox->left : inbox->size;
	*packet = (struct turn_packet){ .data = inbox->next, .len = len };
	*from = inbox->from;
	inbox->next += len;
	inbox->left -= len;
	memcpy(inbox->behind, inbox->next, sizeof(inbox->behind));
	return true;
}

int inbox_class(const struct inbox *inbox, const uint8_t *data)
{
	const uintptr_t first = (uintptr_t)inbox->buffers, pos = (uintptr_t)data;
	const size_t at = (pos - first) / sizeof(inbox->buffers[0]);

	return pos >= first && at + 1 == inbox->opened ? inbox->class : 0;
}

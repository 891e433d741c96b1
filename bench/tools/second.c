/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "crowd.h"

#include <arpa/inet.h>
#include <string.h>

#include "tool.h"

#define PATIENCE_NS 500000000ull

/** struct numbered - ChannelData whose application data is the number of its client */
struct numbered {
	uint16_t channel;
	uint16_t len;
	uint32_t index;
};

/** Whether a datagram is the one that await() waits for. */
typedef bool (*awaited_fn)(struct crowd *crowd, uint32_t index,
			   const struct udp_datagram *datagram);

static bool await(struct crowd *crowd, struct udp *udp, uint32_t index, awaited_fn is_awaited)
{
	uint64_t start = clock_now();

	while (clock_now() - start < PATIENCE_NS) {
		unsigned int received = udp_receive(udp);

		for (unsigned int i = 0; i < received; i++) {
			struct udp_datagram datagram = udp_received(udp, i);

			if (is_awaited(crowd, index, &datagram))
				return true;
		}
	}
	return false;
}

static bool is_bound(struct crowd *crowd, uint32_t index, const struct udp_datagram *datagram)
{
	unsigned int code;
	uint32_t whose;

	return request_answered(&crowd->clients, datagram->data, datagram->len, &whose, &code) ==
		       ANSWER_SUCCESS &&
	       whose == index;
}

static struct numbered numbered(uint32_t index)
{
	return (struct numbered){ htons(CHANNEL), htons(sizeof(index)), index };
}

static bool is_at_client(struct crowd *crowd, uint32_t index, const struct udp_datagram *datagram)
{
	struct numbered expected = numbered(index);

	(void)crowd;
	return datagram->len == sizeof(expected) &&
	       memcmp(datagram->data, &expected, sizeof(expected)) == 0;
}

static bool is_at_peer(struct crowd *crowd, uint32_t index, const struct udp_datagram *datagram)
{
	const struct sockaddr_in *relayed = &crowd->clients.client[index].relayed;

	return datagram->len == sizeof(index) &&
	       memcmp(datagram->data, &index, sizeof(index)) == 0 &&
	       datagram->from.sin_port == relayed->sin_port;
}

static void bind_channel(struct crowd *crowd, uint32_t index)
{
	size_t len;

	if (request_write(&crowd->clients, index, REQUEST_BIND, udp_next(crowd->udp), UDP_ROOM,
			  &len))
		return;
	udp_send(crowd->udp, client_address(&crowd->clients, index), &crowd->server, len);
	udp_flush(crowd->udp);
}

static bool send_to_peer(struct crowd *crowd, uint32_t index)
{
	struct numbered data = numbered(index);

	memcpy(udp_next(crowd->udp), &data, sizeof(data));
	udp_send(crowd->udp, client_address(&crowd->clients, index), &crowd->server, sizeof(data));
	udp_flush(crowd->udp);
	return await(crowd, crowd->peer, index, is_at_peer);
}

static bool send_to_client(struct crowd *crowd, uint32_t index)
{
	memcpy(udp_next(crowd->peer), &index, sizeof(index));
	udp_send(crowd->peer, peer_address(&crowd->clients, index).sin_addr,
		 &crowd->clients.client[index].relayed, sizeof(index));
	udp_flush(crowd->peer);
	return await(crowd, crowd->udp, index, is_at_client);
}

static bool send_data(struct crowd *crowd, uint32_t index, bool to_peer)
{
	return to_peer ? send_to_peer(crowd, index) : send_to_client(crowd, index);
}

struct outcome crowd_bind_and_send(struct crowd *crowd, bool to_peer)
{
	struct outcome outcome = { 0 };
	uint64_t start = clock_now();

	crowd->clients.round++;
	for (uint32_t i = 0; i < crowd->clients.n; i++) {
		struct client *client = &crowd->clients.client[i];

		client->took = 0;
		bind_channel(crowd, i);
		if (!await(crowd, crowd->udp, i, is_bound)) {
			outcome.refused++;
			continue;
		}
		/* The server relays the first packet, and the stack confirms the flow. */
		send_data(crowd, i, to_peer);
		client->sent = clock_now();
		if (send_data(crowd, i, to_peer)) {
			client->took = clock_now() - client->sent;
			outcome.done++;
		} else {
			outcome.lost++;
		}
	}
	outcome.ns = clock_now() - start;
	return outcome;
}

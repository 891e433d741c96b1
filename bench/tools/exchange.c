/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every client sends unique data to its peer, which echoes it with all bits inverted. Both check
 * every byte and the source address.
 */
#include "crowd.h"

#include <arpa/inet.h>
#include <string.h>

#include "tool.h"

#define HEADER   4
#define DATA_MAX 600

/** struct run - one run of crowd_exchange() */
struct run {
	struct crowd *crowd;
	struct outcome outcome;
	uint32_t begun;
};

/** Write the data of client @index in this round, which begins with @index. Return: its length. */
static size_t write_data(const struct clients *clients, uint32_t index, bool back, uint8_t *data)
{
	uint32_t noise = (index ^ clients->round << 20) * 2654435761u | 1;
	const size_t len = sizeof(index) + noise % (DATA_MAX - sizeof(index));

	memcpy(data, &index, sizeof(index));
	for (size_t i = sizeof(index); i < len; i++) {
		noise ^= noise << 13;
		noise ^= noise >> 17;
		noise ^= noise << 5;
		data[i] = (uint8_t)(back ? ~noise : noise);
	}
	return len;
}

static bool is_data(const struct clients *clients, uint32_t index, bool back, const uint8_t *data,
		    size_t len)
{
	uint8_t right[DATA_MAX];

	return write_data(clients, index, back, right) == len && memcmp(data, right, len) == 0;
}

static void send_to_peer(struct run *run, uint32_t index)
{
	struct crowd *crowd = run->crowd;
	uint8_t *buf = udp_next(crowd->udp);
	const size_t len = write_data(&crowd->clients, index, false, buf + HEADER);
	const uint16_t header[] = { htons(CHANNEL), htons((uint16_t)len) };

	memcpy(buf, header, HEADER);
	udp_send(crowd->udp, client_address(&crowd->clients, index), &crowd->server, HEADER + len);
}

static void begin(struct run *run)
{
	struct clients *clients = &run->crowd->clients;

	while (run->begun < clients->n && run->begun - run->outcome.done < run->crowd->window) {
		clients->client[run->begun].sent = clock_now();
		send_to_peer(run, run->begun++);
	}
}

/* The client that the data claims to be from. */
static bool read_index(const struct run *run, const uint8_t *data, size_t len, uint32_t *index)
{
	if (len < sizeof(*index))
		return false;
	memcpy(index, data, sizeof(*index));
	return *index < run->begun;
}

static void at_peer(struct run *run, const struct udp_datagram *datagram)
{
	struct crowd *crowd = run->crowd;
	const struct sockaddr_in *relayed;
	uint32_t index;
	size_t len;

	if (!read_index(run, datagram->data, datagram->len, &index) ||
	    !is_data(&crowd->clients, index, false, datagram->data, datagram->len)) {
		run->outcome.wrong++;
		return;
	}
	relayed = &crowd->clients.client[index].relayed;
	if (datagram->from.sin_port != relayed->sin_port ||
	    datagram->from.sin_addr.s_addr != relayed->sin_addr.s_addr) {
		run->outcome.wrong++;
		return;
	}
	len = write_data(&crowd->clients, index, true, udp_next(crowd->peer));
	udp_send(crowd->peer, peer_address(&crowd->clients, index).sin_addr, relayed, len);
}

/* RFC 8656 section 12: the first two bits tell it from ChannelData. */
static bool is_stun(const struct udp_datagram *datagram)
{
	return datagram->len && datagram->data[0] >> 6 == 0;
}

static void at_client(struct run *run, const struct udp_datagram *datagram)
{
	struct clients *clients = &run->crowd->clients;
	uint16_t header[2];
	uint32_t index;
	struct client *client;

	/* A late answer to a request that was sent twice. */
	if (is_stun(datagram))
		return;
	if (datagram->len < HEADER ||
	    !read_index(run, datagram->data + HEADER, datagram->len - HEADER, &index)) {
		run->outcome.wrong++;
		return;
	}
	memcpy(header, datagram->data, HEADER);
	client = &clients->client[index];
	if (header[0] != htons(CHANNEL) || ntohs(header[1]) != datagram->len - HEADER ||
	    !is_data(clients, index, true, datagram->data + HEADER, datagram->len - HEADER)) {
		run->outcome.wrong++;
	} else if (!client->took) {
		client->took = clock_now() - client->sent;
		run->outcome.done++;
	}
}

static unsigned int receive(struct run *run, struct udp *udp,
			    void (*at)(struct run *run, const struct udp_datagram *datagram))
{
	const unsigned int received = udp_receive(udp);

	for (unsigned int i = 0; i < received; i++) {
		struct udp_datagram datagram = udp_received(udp, i);

		at(run, &datagram);
	}
	return received;
}

static void retransmit(struct run *run)
{
	for (uint32_t i = 0; i < run->begun; i++) {
		if (!run->crowd->clients.client[i].took) {
			send_to_peer(run, i);
			run->outcome.resent++;
		}
	}
}

static void exchange_all(struct run *run)
{
	struct crowd *crowd = run->crowd;
	uint64_t heard = clock_now();
	int tries = 1;

	while (run->outcome.done < crowd->clients.n && tries <= CROWD_TRIES) {
		begin(run);
		udp_flush(crowd->udp);
		if (receive(run, crowd->peer, at_peer) + receive(run, crowd->udp, at_client)) {
			heard = clock_now();
			tries = 1;
		} else if (clock_now() - heard > CROWD_PATIENCE_NS) {
			retransmit(run);
			heard = clock_now();
			tries++;
		} else {
			crowd_wait(crowd);
		}
		udp_flush(crowd->peer);
	}
}

struct outcome crowd_exchange(struct crowd *crowd)
{
	struct run run = { .crowd = crowd };
	uint64_t start = clock_now();

	crowd->clients.round++;
	for (uint32_t i = 0; i < crowd->clients.n; i++)
		crowd->clients.client[i].took = 0;
	exchange_all(&run);
	run.outcome.ns = clock_now() - start;
	run.outcome.lost = crowd->clients.n - run.outcome.done;
	return run.outcome;
}

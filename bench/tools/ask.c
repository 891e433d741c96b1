/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "crowd.h"

#include "tool.h"

/** struct run - one run of crowd_ask() */
struct run {
	struct crowd *crowd;
	enum request request;
	struct outcome outcome;
	uint32_t begun; /* clients that have sent their request */
};

static uint32_t answered(const struct run *run)
{
	return run->outcome.done + run->outcome.refused;
}

static void ask(struct run *run, uint32_t index)
{
	struct crowd *crowd = run->crowd;
	uint8_t *buf = udp_next(crowd->udp);
	size_t len;

	if (request_write(&crowd->clients, index, run->request, buf, UDP_ROOM, &len) == 0)
		udp_send(crowd->udp, client_address(&crowd->clients, index), &crowd->server, len);
}

static void begin(struct run *run)
{
	struct clients *clients = &run->crowd->clients;

	while (run->begun < clients->n && run->begun - answered(run) < run->crowd->window) {
		clients->client[run->begun].sent = clock_now();
		ask(run, run->begun++);
	}
}

static void handle_response(struct run *run, const struct udp_datagram *datagram)
{
	struct clients *clients = &run->crowd->clients;
	struct client *client;
	unsigned int code = 0;
	uint32_t index;
	enum answer answer =
		request_answered(clients, datagram->data, datagram->len, &index, &code);

	if (answer == ANSWER_OTHER)
		return;
	client = &clients->client[index];
	if (client->took) /* answers a retransmission */
		return;
	if (answer == ANSWER_AGAIN) {
		ask(run, index);
		return;
	}
	client->took = clock_now() - client->sent;
	if (answer == ANSWER_SUCCESS)
		run->outcome.done++;
	else {
		run->outcome.refused++;
		run->outcome.code = code;
	}
}

static void retransmit(struct run *run)
{
	const struct clients *clients = &run->crowd->clients;

	for (uint32_t i = 0; i < run->begun; i++) {
		if (!clients->client[i].took) {
			ask(run, i);
			run->outcome.resent++;
		}
	}
}

void crowd_wait(const struct crowd *crowd)
{
	if (!crowd->spins)
		udp_wait(crowd->udp, crowd->peer);
}

static void ask_all(struct run *run)
{
	const struct clients *clients = &run->crowd->clients;
	uint64_t heard = clock_now();
	int tries = 1;

	while (answered(run) < clients->n && tries <= CROWD_TRIES) {
		unsigned int received;

		begin(run);
		udp_flush(run->crowd->udp);
		received = udp_receive(run->crowd->udp);
		for (unsigned int i = 0; i < received; i++) {
			struct udp_datagram datagram = udp_received(run->crowd->udp, i);

			handle_response(run, &datagram);
		}
		if (received) {
			heard = clock_now();
			tries = 1;
		} else if (clock_now() - heard > CROWD_PATIENCE_NS) {
			retransmit(run);
			heard = clock_now();
			tries++;
		} else {
			crowd_wait(run->crowd);
		}
	}
}

struct outcome crowd_ask(struct crowd *crowd, enum request request)
{
	struct run run = { .crowd = crowd, .request = request };
	uint64_t start = clock_now();

	crowd->clients.round++;
	for (uint32_t i = 0; i < crowd->clients.n; i++)
		crowd->clients.client[i].took = 0;
	ask_all(&run);
	run.outcome.ns = clock_now() - start;
	run.outcome.lost = crowd->clients.n - answered(&run);
	return run.outcome;
}

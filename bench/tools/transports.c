/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * TURN clients over UDP, TCP, TLS or DTLS, with a connection and a channel each. Peers are in a
 * namespace of their own. The flows take turns, in which they send one packet or several.
 *
 * Orders, each answered with a line of JSON:
 * - to-peer PPS MS: the clients send PPS packets per second in total (0: as many as possible), and
 *   the peers count them
 * - to-client PPS MS: the peers send, and the clients count
 * - flood PPS MS: the first client sends, and the round trips of the others are timed
 *
 * Clients receive every few milliseconds only, since this process must be faster than the server.
 */
#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "tool.h"
#include "transports.h"

#define PATIENCE_NS (NSEC / 20) /* for the last packets */
#define RECEIVE_NS  (NSEC / 250)
#define BURST       64 /* packets sent before the time is taken */
#define READY_MAX   1024
#define DATA_MAX    (UDP_ROOM - HEADER)
#define ANSWER_MAX  2048

struct direction {
	const char *name;
	unsigned int (*send)(struct load *load, uint32_t index);
	unsigned int (*receive)(struct load *load);
};

static const struct argp_option argp_options[] = {
	{ "server", 's', "ADDR:PORT", 0, "address of the server", 0 },
	{ "over", 'o', "TRANSPORT", 0, "udp, tcp, tls or dtls", 0 },
	{ "clients", 'c', "ADDR", 0, "address of the first client; the others follow", 0 },
	{ "count", 'n', "N", 0, "number of clients", 0 },
	{ "peers", 'p', "ADDR:PORT", 0, "peer of the first client; the others follow", 0 },
	{ "peer-namespace", 'P', "PATH", 0, "network namespace of the peers", 0 },
	{ "size", 'b', "BYTES", 0, "size of the application data, a multiple of four", 0 },
	{ "turn", 't', "N", 0, "packets of a flow that follow each other", 0 },
	{ "user", 'u', "NAME", 0, "user name of all clients", 0 },
	{ "password", 'k', "PASSWORD", 0, "password of all clients", 0 },
	{ "cpu", 'C', "CPU", 0, "run on this CPU", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct load *load = state->input;
	struct sockaddr_in peer;

	switch (key) {
	case 's':
		load->server = ipv4_address("--server", arg);
		return 0;
	case 'o':
		if (transport_parse(arg, &load->transport))
			argp_error(state, "--over must be udp, tcp, tls or dtls, not '%s'", arg);
		return 0;
	case 'c':
		load->clients.first = ntohl(ipv4_address("--clients", arg).sin_addr.s_addr);
		return 0;
	case 'n':
		load->clients.n = (uint32_t)number("--count", arg, 1, MAX_CLIENTS);
		return 0;
	case 'p':
		peer = ipv4_address("--peers", arg);
		load->clients.peers = ntohl(peer.sin_addr.s_addr);
		load->clients.peer_port = ntohs(peer.sin_port);
		return 0;
	case 'P':
		load->peer_namespace = arg;
		return 0;
	case 'b':
		load->size = number("--size", arg, HEADER, DATA_MAX) / 4 * 4;
		return 0;
	case 't':
		load->in_turn = (uint32_t)number("--turn", arg, 1, BURST);
		return 0;
	case 'u':
		load->clients.user = arg;
		return 0;
	case 'k':
		load->clients.password = arg;
		return 0;
	case 'C':
		load->cpu = (int)number("--cpu", arg, 0, CPU_SETSIZE - 1);
		return 0;
	case ARGP_KEY_END:
		if (!load->server.sin_port || !load->clients.first || !load->clients.peer_port)
			argp_error(state, "--server, --clients and --peers are required");
		if (load->size * load->in_turn > UDP_ROOM)
			argp_error(state, "--size times --turn must not exceed %d", UDP_ROOM);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = { argp_options, parse, NULL, "TURN clients over any transport.",
				  NULL,         NULL,  NULL };

static void ask(struct load *load, uint32_t index, enum request request)
{
	uint8_t buf[ANSWER_MAX];
	enum answer answer;
	unsigned int code;
	uint32_t found;
	size_t len;

	do {
		if (request_write(&load->clients, index, request, buf, sizeof(buf), &len))
			die(0, "cannot write a request");
		len = link_ask(load->links[index], buf, len, buf, sizeof(buf));
		answer = request_answered(&load->clients, buf, len, &found, &code);
	} while (answer == ANSWER_AGAIN);
	if (answer != ANSWER_SUCCESS)
		die(0, "the server did not grant a request of client %" PRIu32, index);
}

static void open_client(struct load *load, uint32_t index)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = index };
	struct link *link =
		link_open(load->transport, client_address(&load->clients, index), &load->server);

	load->links[index] = link;
	ask(load, index, REQUEST_ALLOCATE);
	ask(load, index, REQUEST_BIND);
	link_stop_waiting(link);
	if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, link_fd(link), &event))
		die(-errno, "watching a socket");
}

static void fill_message(struct load *load)
{
	const uint16_t header[] = { htons(CHANNEL), htons((uint16_t)load->size) };

	memcpy(load->message, header, HEADER);
	for (size_t i = 0; i < load->size; i++)
		load->message[HEADER + i] = (uint8_t)(i * 7);
}

static void set_up(struct load *load)
{
	struct clients *clients = &load->clients;
	int err;

	pin(load->cpu);
	clients->n_peers = clients->n;
	clients->client = calloc(clients->n, sizeof(clients->client[0]));
	load->links = calloc(clients->n, sizeof(load->links[0]));
	load->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!clients->client || !load->links || load->epoll < 0)
		die(-ENOMEM, "creating %" PRIu32 " clients", clients->n);
	err = udp_open(load->peer_namespace, clients->peer_port, &load->peer);
	if (err)
		die(err, "opening the peers' socket");
	fill_message(load);
	for (uint32_t i = 0; i < clients->n; i++)
		open_client(load, i);
}

static unsigned int send_to_peer(struct load *load, uint32_t index)
{
	unsigned int sent = 0;

	while (sent < load->in_turn &&
	       link_send(load->links[index], load->message, HEADER + load->size))
		sent++;
	link_flush(load->links[index]);
	return sent;
}

static unsigned int receive_at_peers(struct load *load)
{
	unsigned int arrived = 0, received;

	while ((received = udp_receive(load->peer))) {
		for (unsigned int i = 0; i < received; i++) {
			const struct udp_datagram datagram = udp_received(load->peer, i);

			if (datagram.len != load->size ||
			    memcmp(datagram.data, load->message + HEADER, load->size) != 0)
				die(0, "other data has arrived than was sent");
		}
		arrived += received;
	}
	return arrived;
}

static unsigned int send_to_client(struct load *load, uint32_t index)
{
	uint8_t *buf = udp_next(load->peer);

	for (uint32_t i = 0; i < load->in_turn; i++)
		memcpy(buf + i * load->size, load->message + HEADER, load->size);
	udp_send_run(load->peer, peer_address(&load->clients, index).sin_addr,
		     &load->clients.client[index].relayed, load->in_turn * load->size,
		     (uint16_t)load->size);
	return load->in_turn;
}

static unsigned int receive_at_clients(struct load *load)
{
	struct epoll_event ready[READY_MAX];
	const int n = epoll_wait(load->epoll, ready, READY_MAX, 0);
	unsigned int arrived = 0;

	for (int i = 0; i < n; i++)
		arrived += link_receive(load->links[ready[i].data.u32], load->message,
					HEADER + load->size);
	return arrived;
}

static const struct direction directions[] = {
	{ "to-peer", send_to_peer, receive_at_peers },
	{ "to-client", send_to_client, receive_at_clients },
};

/* Lets flows take turns until @due packets have been sent, or at least BURST. */
static uint64_t send_due(struct load *load, const struct direction *direction, uint64_t due)
{
	uint64_t sent = 0;

	for (uint64_t i = 0; i + load->in_turn <= due && i < BURST; i += load->in_turn) {
		sent += direction->send(load, load->turn);
		load->turn = (load->turn + 1) % load->clients.n;
	}
	udp_flush(load->peer);
	return sent;
}

/* Receives until nothing has arrived for a while. Return: the time of the last arrival. */
static uint64_t await_rest(struct load *load, const struct direction *direction, uint64_t *arrived)
{
	uint64_t last = clock_now(), now = last;

	while (now - last < PATIENCE_NS) {
		const unsigned int more = direction->receive(load);

		*arrived += more;
		now = clock_now();
		last = more ? now : last;
	}
	return last;
}

/* At a given rate, a burst makes up for a delay of this process, at most. */
static void run(struct load *load, const struct direction *direction, uint64_t pps, uint64_t ms)
{
	const uint64_t start = clock_now(), end = start + ms * (NSEC / 1000);
	uint64_t now = start, received = start, sent = 0, arrived = 0, due = BURST;

	while (now < end) {
		if (pps)
			due = (now - start) * pps / NSEC - sent;
		sent += send_due(load, direction, due);
		if (now - received >= RECEIVE_NS) {
			arrived += direction->receive(load);
			received = now;
		}
		now = clock_now();
	}
	now = await_rest(load, direction, &arrived);
	printf("{\"sent\": %" PRIu64 ", \"arrived\": %" PRIu64 ", \"ns\": %" PRIu64 "}\n", sent,
	       arrived, now - start);
}

static void carry_out(struct load *load, const char *order)
{
	uint64_t pps, ms;
	char name[16];

	if (sscanf(order, "%15s %" SCNu64 " %" SCNu64, name, &pps, &ms) != 3)
		die(0, "an order must be DIRECTION PPS MS, not '%s'", order);
	if (strcmp(name, "flood") == 0) {
		flood(load, pps, ms);
		return;
	}
	for (size_t i = 0; i < sizeof(directions) / sizeof(directions[0]); i++) {
		if (strcmp(directions[i].name, name) == 0) {
			run(load, &directions[i], pps, ms);
			return;
		}
	}
	die(0, "unknown direction '%s'", name);
}

int main(int argc, char **argv)
{
	static struct load load = {
		.clients = { .user = "", .password = "", .n = 1 },
		.size = 160,
		.in_turn = 1,
		.cpu = -1,
	};
	const char *order;

	argp_parse(&argp, argc, argv, 0, NULL, &load);
	set_up(&load);
	puts("{}");
	while ((order = next_order()))
		carry_out(&load, order);
	for (uint32_t i = 0; i < load.clients.n; i++)
		link_close(load.links[i]);
	udp_close(load.peer);
	stun_hmac_free(load.clients.hmac);
	free(load.clients.client);
	free(load.links);
	return 0;
}

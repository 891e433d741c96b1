/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Thousands of TURN clients in one process, with one socket and an address each. A route makes the
 * addresses local to the namespace (ip route add local PREFIX dev lo).
 *
 * Orders, each answered with a line of JSON:
 * - allocate, permit, bind, refresh, release: all clients send this request, a window of them at a
 * time
 * - exchange: likewise with data, which the peers echo
 * - second-to-peer, second-to-client: one client after the other binds a channel, and sends two
 *   packets through it
 */
#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crowd.h"
#include "times.h"
#include "tool.h"

struct options {
	struct crowd *crowd;
	const char *peer_namespace;
	int cpu;
};

static const struct argp_option argp_options[] = {
	{ "server", 's', "ADDR:PORT", 0, "address of the server", 0 },
	{ "clients", 'c', "ADDR", 0, "address of the first client; the others follow", 0 },
	{ "count", 'n', "N", 0, "number of clients", 0 },
	{ "peers", 'p', "ADDR:PORT", 0, "peer of the first client; the others follow", 0 },
	{ "peer-count", 'm', "N", 0, "number of peers; clients use them in turn", 0 },
	{ "peer-namespace", 'P', "PATH", 0, "network namespace of the peers", 0 },
	{ "window", 'w', "N", 0, "maximum number of pending requests", 0 },
	{ "user", 'u', "NAME", 0, "user name of all clients", 0 },
	{ "password", 'k', "PASSWORD", 0, "password of all clients", 0 },
	{ "cpu", 'C', "CPU", 0, "run on this CPU, before other processes", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;
	struct clients *clients = &options->crowd->clients;
	struct sockaddr_in peer;

	switch (key) {
	case 's':
		options->crowd->server = ipv4_address("--server", arg);
		return 0;
	case 'c':
		clients->first = ntohl(ipv4_address("--clients", arg).sin_addr.s_addr);
		return 0;
	case 'n':
		clients->n = (uint32_t)number("--count", arg, 1, MAX_CLIENTS);
		return 0;
	case 'p':
		peer = ipv4_address("--peers", arg);
		clients->peers = ntohl(peer.sin_addr.s_addr);
		clients->peer_port = ntohs(peer.sin_port);
		return 0;
	case 'm':
		clients->n_peers = (uint32_t)number("--peer-count", arg, 1, MAX_CLIENTS);
		return 0;
	case 'P':
		options->peer_namespace = arg;
		return 0;
	case 'w':
		options->crowd->window = (uint32_t)number("--window", arg, 1, MAX_CLIENTS);
		return 0;
	case 'u':
		clients->user = arg;
		return 0;
	case 'k':
		clients->password = arg;
		return 0;
	case 'C':
		options->cpu = (int)number("--cpu", arg, 0, CPU_SETSIZE - 1);
		options->crowd->spins = true;
		return 0;
	case ARGP_KEY_END:
		if (!options->crowd->server.sin_port || !clients->first || !clients->peer_port)
			argp_error(state, "--server, --clients and --peers are required");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = { argp_options, parse, NULL, "Thousands of TURN clients.",
				  NULL,         NULL,  NULL };

static void print(const struct clients *clients, const struct outcome *outcome)
{
	__u64 *times = calloc(clients->n, sizeof(*times));

	if (!times)
		die(-ENOMEM, "allocating %u times", clients->n);
	for (uint32_t i = 0; i < clients->n; i++)
		times[i] = clients->client[i].took;
	printf("{\"done\": %" PRIu32 ", \"refused\": %" PRIu32 ", \"code\": %u, \"lost\": %" PRIu32
	       ", \"resent\": %" PRIu32 ", \"wrong\": %" PRIu32 ", \"ns\": %" PRIu64,
	       outcome->done, outcome->refused, outcome->code, outcome->lost, outcome->resent,
	       outcome->wrong, outcome->ns);
	times_print(times, times_sort(times, clients->n));
	printf("}\n");
	free(times);
}

static struct outcome carry_out(struct crowd *crowd, const char *order)
{
	enum request request;

	if (strcmp(order, "second-to-peer") == 0)
		return crowd_bind_and_send(crowd, true);
	if (strcmp(order, "second-to-client") == 0)
		return crowd_bind_and_send(crowd, false);
	if (strcmp(order, "exchange") == 0)
		return crowd_exchange(crowd);
	if (request_parse(order, &request))
		die(0, "unknown order '%s'", order);
	return crowd_ask(crowd, request);
}

static void set_up(const struct options *options)
{
	struct crowd *crowd = options->crowd;
	struct clients *clients = &crowd->clients;
	int err;

	pin(options->cpu);
	clients->client = calloc(clients->n, sizeof(clients->client[0]));
	if (!clients->client)
		die(-ENOMEM, "allocating %u clients", clients->n);
	err = udp_open(NULL, 0, &crowd->udp);
	if (err)
		die(err, "opening the clients' socket");
	err = udp_open(options->peer_namespace, clients->peer_port, &crowd->peer);
	if (err)
		die(err, "opening the peers' socket");
}

int main(int argc, char **argv)
{
	struct crowd crowd = { .clients = { .user = "", .password = "", .n = 1, .n_peers = 1 },
			       .window = 256 };
	struct options options = { .crowd = &crowd, .cpu = -1 };
	char *order;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	set_up(&options);
	while ((order = next_order())) {
		struct outcome outcome = carry_out(&crowd, order);

		print(&crowd.clients, &outcome);
	}
	udp_close(crowd.udp);
	udp_close(crowd.peer);
	stun_hmac_free(crowd.clients.hmac);
	free(crowd.clients.client);
	return 0;
}

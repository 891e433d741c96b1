/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Very many TURN clients in one process, each with an address of its own, all on one socket: the
 * addresses are local to the namespace by a route (ip route add local PREFIX dev lo).
 *
 * What they shall do is read from standard input, a word a line: allocate, bind, refresh or release
 * (all clients, so many requests at a time), first-to-peer or first-to-client (one after the
 * other). After each a line of JSON says how it went.
 */
#include "crowd.h"

#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
	struct crowd *crowd;
	const char *peer_namespace;
};

enum key {
	KEY_SERVER = 's',
	KEY_CLIENTS = 'c',
	KEY_COUNT = 'n',
	KEY_PEERS = 'p',
	KEY_PEER_NAMESPACE = 'P',
	KEY_WINDOW = 'w',
	KEY_USER = 'u',
	KEY_PASSWORD = 'k',
};

static const struct argp_option argp_options[] = {
	{ "server", KEY_SERVER, "ADDR:PORT", 0, "Ask this server", 0 },
	{ "clients", KEY_CLIENTS, "ADDR", 0, "Address of the first client", 0 },
	{ "count", KEY_COUNT, "N", 0, "How many clients, at addresses that follow", 0 },
	{ "peers", KEY_PEERS, "ADDR:PORT", 0, "The first client's peer; the others' follow", 0 },
	{ "peer-namespace", KEY_PEER_NAMESPACE, "PATH", 0, "Where the peers are", 0 },
	{ "window", KEY_WINDOW, "N", 0, "How many requests are under way at a time", 0 },
	{ "user", KEY_USER, "NAME", 0, "Who they are", 0 },
	{ "password", KEY_PASSWORD, "PASSWORD", 0, "And how they show it", 0 },
	{ 0 },
};

static int parse_address(const char *text, struct sockaddr_in *ret)
{
	char host[INET_ADDRSTRLEN] = "";
	uint16_t port = 0;

	if (sscanf(text, "%15[0-9.]:%" SCNu16, host, &port) < 1)
		return -EINVAL;
	*ret = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
	return inet_pton(AF_INET, host, &ret->sin_addr) == 1 ? 0 : -EINVAL;
}

static struct sockaddr_in address(struct argp_state *state, const char *text)
{
	struct sockaddr_in result = { 0 };

	if (parse_address(text, &result))
		argp_error(state, "'%s' is not an IPv4 address", text);
	return result;
}

static uint32_t number(struct argp_state *state, const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*end || value < 1 || value > MAX_CLIENTS)
		argp_error(state, "'%s' is not a number from 1 to %u", text, MAX_CLIENTS);
	return (uint32_t)value;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct options *options = state->input;
	struct clients *clients = &options->crowd->clients;
	struct sockaddr_in peer;

	switch (key) {
	case KEY_SERVER:
		options->crowd->server = address(state, text);
		return 0;
	case KEY_CLIENTS:
		clients->first = ntohl(address(state, text).sin_addr.s_addr);
		return 0;
	case KEY_COUNT:
		clients->n = number(state, text);
		return 0;
	case KEY_PEERS:
		peer = address(state, text);
		clients->peers = ntohl(peer.sin_addr.s_addr);
		clients->peer_port = ntohs(peer.sin_port);
		return 0;
	case KEY_PEER_NAMESPACE:
		options->peer_namespace = text;
		return 0;
	case KEY_WINDOW:
		options->crowd->window = number(state, text);
		return 0;
	case KEY_USER:
		clients->user = text;
		return 0;
	case KEY_PASSWORD:
		clients->password = text;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static int compare(const void *a, const void *b)
{
	uint64_t first = *(const uint64_t *)a, second = *(const uint64_t *)b;

	return (first > second) - (first < second);
}

/* The times of those that have one, in order. */
static size_t sort_times(const struct clients *clients, uint64_t *times)
{
	size_t n = 0;

	for (uint32_t i = 0; i < clients->n; i++) {
		if (clients->client[i].took)
			times[n++] = clients->client[i].took;
	}
	qsort(times, n, sizeof(times[0]), compare);
	return n;
}

static void print_times(const uint64_t *times, size_t n)
{
	static const struct {
		const char *name;
		double share;
	} quantiles[] = { { "p50", 0.5 }, { "p99", 0.99 }, { "p999", 0.999 } };

	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++)
		printf(", \"%s_us\": %.2f", quantiles[i].name,
		       n ? (double)times[(size_t)(quantiles[i].share * (double)(n - 1))] / 1e3 : 0);
}

static int print(const struct clients *clients, const struct outcome *outcome)
{
	uint64_t *times = calloc(clients->n, sizeof(*times));

	if (!times)
		return -ENOMEM;
	printf("{\"done\": %" PRIu32 ", \"refused\": %" PRIu32 ", \"code\": %u, \"lost\": %" PRIu32
	       ", \"resent\": %" PRIu32 ", \"seconds\": %.6f",
	       outcome->done, outcome->refused, outcome->code, outcome->lost, outcome->resent,
	       (double)outcome->ns / 1e9);
	print_times(times, sort_times(clients, times));
	printf("}\n");
	fflush(stdout);
	free(times);
	return 0;
}

static int carry_out(struct crowd *crowd, const char *word)
{
	struct outcome outcome;
	enum request request;

	if (strcmp(word, "first-to-peer") == 0)
		outcome = crowd_bind_and_send(crowd, true);
	else if (strcmp(word, "first-to-client") == 0)
		outcome = crowd_bind_and_send(crowd, false);
	else if (request_parse(word, &request) == 0)
		outcome = crowd_ask(crowd, request);
	else
		return -EINVAL;
	return print(&crowd->clients, &outcome);
}

static int run(struct crowd *crowd)
{
	char word[32];
	int err = 0;

	while (!err && scanf("%31s", word) == 1) {
		err = carry_out(crowd, word);
		if (err)
			fprintf(stderr, "clients: '%s': %s\n", word, strerror(-err));
	}
	return err;
}

static int open_all(const struct options *options)
{
	struct crowd *crowd = options->crowd;
	int err;

	crowd->clients.client = calloc(crowd->clients.n, sizeof(crowd->clients.client[0]));
	if (!crowd->clients.client)
		return -ENOMEM;
	err = udp_open(NULL, 0, &crowd->udp);
	return err ? err
		   : udp_open(options->peer_namespace, crowd->clients.peer_port, &crowd->peer);
}

int main(int argc, char **argv)
{
	static const struct argp argp = { argp_options, parse, NULL, NULL, NULL, NULL, NULL };
	struct crowd crowd = { .clients = { .user = "", .password = "", .n = 1 }, .window = 256 };
	struct options options = { .crowd = &crowd };
	int err;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	err = open_all(&options);
	if (err)
		fprintf(stderr, "clients: sockets cannot be opened: %s\n", strerror(-err));
	else
		err = run(&crowd);
	udp_close(crowd.udp);
	udp_close(crowd.peer);
	stun_hmac_free(crowd.clients.hmac);
	free(crowd.clients.client);
	return err ? 1 : 0;
}

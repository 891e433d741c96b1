/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file transports.h
 * What the loads of transports.c have in common.
 */
#ifndef TURNPIKE_BENCH_TRANSPORTS_H
#define TURNPIKE_BENCH_TRANSPORTS_H

#include "link.h"
#include "requests.h"
#include "udp.h"

#define NSEC   1000000000ULL
#define HEADER 4

/** struct load - everything; @message is ChannelData, which begins with HEADER bytes */
struct load {
	struct clients clients;
	struct sockaddr_in server;
	enum transport transport;
	const char *peer_namespace;
	int cpu;
	size_t size;
	uint32_t in_turn; /* packets of a flow that follow each other */
	uint8_t message[UDP_ROOM];
	struct link **links;
	struct udp *peer;
	int epoll;
	uint32_t turn;
};

/**
 * flood() - let the first client flood the server, and time the others' round trips to a peer
 *
 * Prints a line of JSON.
 */
void flood(struct load *load, uint64_t pps, uint64_t ms);

#endif /* TURNPIKE_BENCH_TRANSPORTS_H */

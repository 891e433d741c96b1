/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file crowd.h
 * What clients.c does with its clients: all at once, or one after the other.
 */
#ifndef TURNPIKE_BENCH_CROWD_H
#define TURNPIKE_BENCH_CROWD_H

#include "requests.h"
#include "udp.h"

/**
 * struct crowd - the clients, and their ways out
 * @server: whom they ask
 * @udp:    of all clients
 * @peer:   of all peers
 * @window: how many requests are under way at a time
 */
struct crowd {
	struct clients clients;
	struct sockaddr_in server;
	struct udp *udp, *peer;
	uint32_t window;
};

/**
 * struct outcome - what became of one thing that every client did
 * @done:    by so many of the clients
 * @refused: to so many; @code is the last error code
 * @lost:    so many got no answer
 * @resent:  requests sent again
 * @wrong:   datagrams that are not what was sent
 * @ns:      how long it took
 */
struct outcome {
	uint32_t done, refused, lost, resent, wrong;
	unsigned int code;
	uint64_t ns;
};

/** crowd_ask() - every client asks for the same; struct client.took has the times to the answers */
struct outcome crowd_ask(struct crowd *crowd, enum request request);

/**
 * crowd_bind_and_send() - one client after the other binds its channel, and at once the first
 * packet is sent through it
 * @to_peer: by the client; otherwise by the peer
 *
 * struct client.took has the times from the success response to the packet's arrival; @done
 * counts the packets that have arrived.
 */
struct outcome crowd_bind_and_send(struct crowd *crowd, bool to_peer);

/**
 * crowd_exchange() - every client has its peer echo something through the channel, all bits changed
 *
 * struct client.took has the times to the echoes.
 */
struct outcome crowd_exchange(struct crowd *crowd);

#endif /* TURNPIKE_BENCH_CROWD_H */

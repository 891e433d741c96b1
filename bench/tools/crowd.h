/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file crowd.h
 * The operations of clients.c: all clients at once, or one after the other.
 */
#ifndef TURNPIKE_BENCH_CROWD_H
#define TURNPIKE_BENCH_CROWD_H

#include "requests.h"
#include "udp.h"

/*
 * After this time without any datagram, a crowd retransmits what is unanswered, CROWD_TRIES times
 * at most. It is long enough for a machine whose CPUs are all busy, because the server counts
 * duplicates, too.
 */
#define CROWD_PATIENCE_NS 5000000000ull
#define CROWD_TRIES       4

/**
 * struct crowd - the clients with their sockets
 * @server: the TURN server
 * @udp:    socket of all clients
 * @peer:   socket of all peers
 * @window: maximum number of pending requests
 * @spins:  never sleep, with a CPU of its own: the CPU time of waking this process would be charged
 *          to the server
 */
struct crowd {
	struct clients clients;
	struct sockaddr_in server;
	struct udp *udp, *peer;
	uint32_t window;
	bool spins;
};

/** crowd_wait() - wait for a datagram, for some milliseconds at most, unless the crowd spins */
void crowd_wait(const struct crowd *crowd);

/**
 * struct outcome - the result of an operation
 * @done:    clients that succeeded
 * @refused: clients that got an error; @code is the last one
 * @lost:    clients without a response
 * @resent:  retransmissions
 * @wrong:   datagrams with unexpected contents
 * @ns:      duration
 */
struct outcome {
	uint32_t done, refused, lost, resent, wrong;
	unsigned int code;
	uint64_t ns;
};

/** crowd_ask() - let every client send @request; struct client.took is the time to the response */
struct outcome crowd_ask(struct crowd *crowd, enum request request);

/**
 * crowd_bind_and_send() - bind one channel after the other and send two packets through it at once
 * @to_peer: the client sends the packet; otherwise the peer
 *
 * struct client.took is the time to the arrival of the second packet, which is sent when the first
 * has arrived. @done counts those that arrived.
 */
struct outcome crowd_bind_and_send(struct crowd *crowd, bool to_peer);

/**
 * crowd_exchange() - let every peer echo its client's data through the channel, all bits inverted
 *
 * struct client.took is the time to the echo.
 */
struct outcome crowd_exchange(struct crowd *crowd);

#endif /* TURNPIKE_BENCH_CROWD_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file requests.h
 * TURN clients that differ in their address only, what they ask of a server, and its answers.
 */
#ifndef TURNPIKE_BENCH_REQUESTS_H
#define TURNPIKE_BENCH_REQUESTS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stun/integrity.h"
#include "stun/message.h"

#define NONCE_MAX   128
#define REALM_MAX   128
#define CHANNEL     0x4001
#define MAX_CLIENTS (1u << 20)

/** What is asked for, in the order of the names of request_parse(). */
enum request {
	REQUEST_ALLOCATE,
	REQUEST_BIND, /* the channel CHANNEL to the client's peer */
	REQUEST_REFRESH,
	REQUEST_RELEASE, /* Refresh with lifetime 0 */
	REQUESTS,
};

/**
 * struct client - one of them
 * @sent:    when its request was first sent, ns
 * @took:    ns from then to the answer; 0: there is none
 * @relayed: its relayed transport address
 */
struct client {
	uint64_t sent;
	uint64_t took;
	struct sockaddr_in relayed;
	uint8_t nonce_len;
	uint8_t nonce[NONCE_MAX];
};

/**
 * struct clients - all of them
 * @first:  address of the first client, in host order; the others follow
 * @peers:  the same of their peers, of which there are @n_peers
 * @peer_port: of every peer, in host order
 * @round:  counted up with each run, so that late answers of another are known
 * @realm:  as the server has told; empty until then
 * @hmac:   the key of that realm
 */
struct clients {
	const char *user, *password;
	uint32_t first, peers;
	uint32_t n, n_peers;
	uint16_t peer_port;
	uint32_t round;
	char realm[REALM_MAX];
	struct stun_hmac *hmac;
	struct client *client;
};

/** enum answer - what became of a request */
enum answer {
	ANSWER_SUCCESS,
	ANSWER_AGAIN,   /* now that the nonce is known: write the request once more */
	ANSWER_REFUSED, /* an error that trying again does not help */
	ANSWER_OTHER,   /* none: not an answer, or not of this run */
};

/** request_parse() - find a request by its name; return: 0, or -EINVAL */
int request_parse(const char *name, enum request *ret);

/** client_address() and peer_address() - of the client @index */
struct in_addr client_address(const struct clients *clients, uint32_t index);
struct sockaddr_in peer_address(const struct clients *clients, uint32_t index);

/**
 * request_write() - write the request of the client @index
 * @len: of the result in @buf
 *
 * Return: 0, or a negative errno.
 */
int request_write(const struct clients *clients, uint32_t index, enum request request, uint8_t *buf,
		  size_t size, size_t *len);

/**
 * request_answered() - take in what came
 * @index: the client that it is for, unless ANSWER_OTHER is returned
 * @code:  the error code, if ANSWER_REFUSED is returned
 */
enum answer request_answered(struct clients *clients, const uint8_t *data, size_t len,
			     uint32_t *index, unsigned int *code);

#endif /* TURNPIKE_BENCH_REQUESTS_H */

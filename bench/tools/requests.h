/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file requests.h
 * TURN clients that differ only in their address: their requests and the responses.
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

/** enum request - requests of a client */
enum request {
	REQUEST_ALLOCATE,
	REQUEST_PERMIT, /* CreatePermission for the client's peer */
	REQUEST_BIND,   /* ChannelBind of CHANNEL to the client's peer */
	REQUEST_REFRESH,
	REQUEST_RELEASE, /* Refresh with lifetime 0 */
	REQUESTS,
};

/**
 * struct client - a TURN client
 * @sent:    time of the first transmission of its request, ns
 * @took:    time from @sent to the response, ns; 0: none yet
 * @relayed: its relayed transport address
 */
struct client {
	uint64_t sent;
	uint64_t took;
	struct sockaddr_in relayed;
	uint32_t challenges; /* taken */
	uint8_t nonce_len;
	uint8_t nonce[NONCE_MAX];
};

/**
 * struct clients - all of them
 * @first:  address of the first client, host order; the others follow
 * @peers:  address of the first of @n_peers peers, host order
 * @peer_port: port of every peer, host order
 * @round:  number of the run, which identifies late responses to an earlier one
 * @realm:  realm of the server; empty until known
 * @hmac:   key for @realm
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

/** enum answer - result of request_answered() */
enum answer {
	ANSWER_SUCCESS,
	ANSWER_AGAIN,   /* the nonce is now known: write the request again */
	ANSWER_REFUSED, /* a permanent error */
	ANSWER_OTHER,   /* not a response, or to an earlier run */
};

/** request_parse() - find a request by its name; return: 0, or -EINVAL */
int request_parse(const char *name, enum request *ret);

/** client_address() and peer_address() - of the client @index */
struct in_addr client_address(const struct clients *clients, uint32_t index);
struct sockaddr_in peer_address(const struct clients *clients, uint32_t index);

/**
 * request_write() - write the request of the client @index
 * @len: set to the length of the request in @buf
 *
 * Return: 0, or a negative errno.
 */
int request_write(const struct clients *clients, uint32_t index, enum request request, uint8_t *buf,
		  size_t size, size_t *len);

/**
 * request_answered() - process a received datagram
 * @index: set to the receiving client, unless ANSWER_OTHER is returned
 * @code:  set to the error code, if ANSWER_REFUSED is returned
 */
enum answer request_answered(struct clients *clients, const uint8_t *data, size_t len,
			     uint32_t *index, unsigned int *code);

#endif /* TURNPIKE_BENCH_REQUESTS_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "requests.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "stun/writer.h"

/** struct transaction - transaction ID that identifies the client, the round and the attempt */
struct transaction {
	uint32_t index;
	uint32_t round;
	uint32_t challenges;
};

_Static_assert(sizeof(struct transaction) == STUN_TRANSACTION_LEN, "a transaction ID");

static void write_allocate(const struct clients *clients, uint32_t index,
			   struct stun_writer *writer)
{
	(void)clients;
	(void)index;
	stun_write_u32(writer, STUN_ATTR_REQUESTED_TRANSPORT, TURN_TRANSPORT_UDP << 24);
}

static void write_permit(const struct clients *clients, uint32_t index, struct stun_writer *writer)
{
	struct sockaddr_in peer = peer_address(clients, index);
	struct turnpike_addr addr = { .port = peer.sin_port, .family = TURNPIKE_IPV4 };

	memcpy(addr.ip, &peer.sin_addr, sizeof(peer.sin_addr));
	stun_write_xor_addr(writer, STUN_ATTR_XOR_PEER_ADDRESS, &addr);
}

static void write_bind(const struct clients *clients, uint32_t index, struct stun_writer *writer)
{
	stun_write_u32(writer, STUN_ATTR_CHANNEL_NUMBER, CHANNEL << 16);
	write_permit(clients, index, writer);
}

static void write_refresh(const struct clients *clients, uint32_t index, struct stun_writer *writer)
{
	(void)clients;
	(void)index;
	(void)writer;
}

static void write_release(const struct clients *clients, uint32_t index, struct stun_writer *writer)
{
	(void)clients;
	(void)index;
	stun_write_u32(writer, STUN_ATTR_LIFETIME, 0);
}

static const struct {
	const char *name;
	enum stun_method method;
	void (*write)(const struct clients *clients, uint32_t index, struct stun_writer *writer);
} requests[REQUESTS] = {
	[REQUEST_ALLOCATE] = { "allocate", TURN_ALLOCATE, write_allocate },
	[REQUEST_PERMIT] = { "permit", TURN_CREATE_PERMISSION, write_permit },
	[REQUEST_BIND] = { "bind", TURN_CHANNEL_BIND, write_bind },
	[REQUEST_REFRESH] = { "refresh", TURN_REFRESH, write_refresh },
	[REQUEST_RELEASE] = { "release", TURN_REFRESH, write_release },
};

int request_parse(const char *name, enum request *ret)
{
	for (unsigned int i = 0; i < REQUESTS; i++) {
		if (strcmp(requests[i].name, name) == 0) {
			*ret = (enum request)i;
			return 0;
		}
	}
	return -EINVAL;
}

struct in_addr client_address(const struct clients *clients, uint32_t index)
{
	return (struct in_addr){ htonl(clients->first + index) };
}

struct sockaddr_in peer_address(const struct clients *clients, uint32_t index)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(clients->peer_port),
				     .sin_addr.s_addr =
					     htonl(clients->peers + index % clients->n_peers) };
}

static void sign(const struct clients *clients, const struct client *client,
		 struct stun_writer *writer)
{
	stun_write_string(writer, STUN_ATTR_USERNAME, clients->user);
	stun_write_string(writer, STUN_ATTR_REALM, clients->realm);
	stun_write_bytes(writer, STUN_ATTR_NONCE, client->nonce, client->nonce_len);
	stun_write_integrity(writer, clients->hmac);
}

int request_write(const struct clients *clients, uint32_t index, enum request request, uint8_t *buf,
		  size_t size, size_t *len)
{
	const struct client *client = &clients->client[index];
	const struct transaction transaction = { index, clients->round, client->challenges };
	struct stun_writer writer;

	stun_writer_begin(&writer, buf, size, STUN_REQUEST, requests[request].method,
			  (const uint8_t *)&transaction);
	requests[request].write(clients, index, &writer);
	if (client->nonce_len)
		sign(clients, client, &writer);
	return stun_writer_end(&writer, len);
}

static int set_realm(struct clients *clients, const struct stun_attr *realm)
{
	struct stun_key key;

	if (realm->len >= REALM_MAX)
		return -EMSGSIZE;
	memcpy(clients->realm, realm->value, realm->len);
	clients->realm[realm->len] = '\0';
	if (stun_long_term_key(STUN_PASSWORD_MD5, clients->user, clients->realm, clients->password,
			       &key))
		return -EIO;
	clients->hmac = stun_hmac_new(STUN_INTEGRITY_SHA1, key.bytes, key.len);
	return clients->hmac ? 0 : -ENOMEM;
}

static enum answer take_challenge(struct clients *clients, struct client *client,
				  const struct stun_message *msg)
{
	struct stun_attr nonce, realm;

	if (stun_find_attr(msg, STUN_ATTR_NONCE, &nonce) || nonce.len > NONCE_MAX ||
	    stun_find_attr(msg, STUN_ATTR_REALM, &realm))
		return ANSWER_REFUSED;
	if (!clients->hmac && set_realm(clients, &realm))
		return ANSWER_REFUSED;
	memcpy(client->nonce, nonce.value, nonce.len);
	client->nonce_len = (uint8_t)nonce.len;
	client->challenges++;
	return ANSWER_AGAIN;
}

static enum answer take_error(struct clients *clients, struct client *client,
			      const struct stun_message *msg, unsigned int *code)
{
	bool had_nonce = client->nonce_len > 0;
	struct stun_attr attr;

	*code = 0;
	if (stun_find_attr(msg, STUN_ATTR_ERROR_CODE, &attr) == 0 && attr.len >= 4)
		*code = attr.value[2] * 100u + attr.value[3];
	if ((*code == STUN_UNAUTHENTICATED && !had_nonce) || *code == STUN_STALE_NONCE)
		return take_challenge(clients, client, msg);
	return ANSWER_REFUSED;
}

static void take_success(struct client *client, const struct stun_message *msg)
{
	struct turnpike_addr relayed;
	struct stun_attr attr;

	if (stun_find_attr(msg, STUN_ATTR_XOR_RELAYED_ADDRESS, &attr) ||
	    stun_attr_xor_addr(msg, &attr, &relayed))
		return;
	client->relayed = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = relayed.port };
	memcpy(&client->relayed.sin_addr, relayed.ip, sizeof(client->relayed.sin_addr));
}

enum answer request_answered(struct clients *clients, const uint8_t *data, size_t len,
			     uint32_t *index, unsigned int *code)
{
	struct transaction transaction;
	struct stun_message msg;
	struct client *client;

	if (stun_parse(data, len, &msg))
		return ANSWER_OTHER;
	memcpy(&transaction, msg.transaction, sizeof(transaction));
	if (transaction.index >= clients->n || transaction.round != clients->round)
		return ANSWER_OTHER;
	client = &clients->client[transaction.index];
	/* RFC 8489 section 9.2.5: what follows a challenge is a new transaction. */
	if (transaction.challenges != client->challenges)
		return ANSWER_OTHER;
	*index = transaction.index;
	if (msg.class == STUN_ERROR)
		return take_error(clients, client, &msg, code);
	if (msg.class != STUN_SUCCESS)
		return ANSWER_OTHER;
	take_success(client, &msg);
	return ANSWER_SUCCESS;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "check/reach.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/random.h"

#define COOKIE   16
#define INTERVAL (200 * NS_PER_MS)
#define LIMIT    (2 * NS_PER_S)

/** struct attempt - @cookie: the datagram, which nobody else can know */
struct attempt {
	struct check_session *client;
	struct check_transport socket;
	uint8_t cookie[COOKIE];
	enum check_reach reach;
};

/* The client sends back what comes from the socket, to where it came from. */
static int reflect(struct attempt *attempt)
{
	struct check_data data;
	int err;

	while ((err = check_session_receive(attempt->client, &data)) == 0) {
		if (data.channel || data.len != COOKIE ||
		    memcmp(data.bytes, attempt->cookie, COOKIE) != 0)
			continue;
		attempt->reach = CHECK_REACH_CLIENT;
		err = check_session_send(attempt->client, &data);
		if (err)
			return err;
	}
	return err == -EAGAIN ? 0 : err;
}

/* ICMP errors do not matter: another datagram may arrive. */
static void collect(struct attempt *attempt)
{
	const uint8_t *message;
	size_t len;

	while (check_transport_receive(&attempt->socket, &message, &len) == 0) {
		if (len == COOKIE && memcmp(message, attempt->cookie, COOKIE) == 0)
			attempt->reach = CHECK_REACH_BOTH;
	}
}

static int exchange(struct attempt *attempt)
{
	const uint64_t deadline = clock_now() + LIMIT;
	uint64_t next = clock_now();
	int err = 0;

	while (!err && attempt->reach != CHECK_REACH_BOTH && clock_now() < deadline) {
		if (clock_now() >= next) {
			check_transport_send(&attempt->socket, attempt->cookie, COOKIE, deadline);
			next += INTERVAL;
		}
		check_transport_wait(&attempt->client->transport, &attempt->socket, next);
		err = reflect(attempt);
		collect(attempt);
	}
	return err;
}

int check_reach_run(struct check_session *client, enum check_reach *reach)
{
	struct attempt attempt = { .client = client, .socket.fd = -1 };
	int err = 0;

	random_fill(attempt.cookie, sizeof(attempt.cookie));
	/* Without a route nothing gets anywhere. */
	if (check_transport_connect(&attempt.socket, TURN_UDP, &client->relayed, 0) == 0)
		err = exchange(&attempt);
	check_transport_close(&attempt.socket);
	if (!err)
		*reach = attempt.reach;
	return err;
}

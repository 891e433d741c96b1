/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <string.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/counters.h"
#include "base/random.h"
#include "net/connections.h"

_Static_assert(sizeof(struct turn_tuple) == 42, "a tuple has no padding, so it can be a key");

static void leave_waiting(struct connection *connection)
{
	if (connection->is_waiting)
		DL_DELETE2(connection->connections->waiting, connection, waiting_prev,
			   waiting_next);
	connection->is_waiting = false;
}

static void on_flush(evutil_socket_t fd, short what, void *arg)
{
	struct connections *connections = arg;
	struct connection *connection;

	(void)fd;
	(void)what;
	while ((connection = connections->waiting)) {
		leave_waiting(connection);
		connection->kind->flush(connection);
	}
}

void connection_flush_later(struct connection *connection)
{
	struct connections *connections = connection->connections;

	if (connection->is_waiting)
		return;
	if (!connections->waiting)
		event_active(&connections->flush, 0, 0);
	DL_APPEND2(connections->waiting, connection, waiting_prev, waiting_next);
	connection->is_waiting = true;
}

void connections_init(struct connections *connections, struct event_base *base,
		      struct admission *admission, const struct client_ops *ops, void *ctx)
{
	memset(connections, 0, sizeof(*connections));
	connections->base = base;
	connections->admission = admission;
	connections->ops = ops;
	connections->ctx = ctx;
	event_assign(&connections->flush, base, -1, 0, on_flush, connections);
	memory_return_init(&connections->memory, base);
	random_fill(connections->hash_key, sizeof(connections->hash_key));
}

void connection_stats_add(struct connection_stats *sum, const struct connection_stats *more)
{
	_Static_assert(sizeof(*sum) % sizeof(uint64_t) == 0, "counters only");
	counters_add(sum, more, sizeof(*sum));
}

static unsigned int hash(const struct connections *connections, const struct turn_tuple *tuple)
{
	return (unsigned int)siphash(connections->hash_key, tuple, sizeof(*tuple));
}

struct connection *connections_find(const struct connections *connections,
				    const struct turn_tuple *tuple)
{
	struct connection *connection;

	HASH_FIND_BYHASHVALUE(hh, connections->table, tuple, sizeof(*tuple),
			      hash(connections, tuple), connection);
	return connection;
}

void connections_send(struct connections *connections, const struct turn_tuple *tuple,
		      const uint8_t *data, size_t len)
{
	struct connection *connection = connections_find(connections, tuple);

	if (connection && connection->is_open)
		connection->kind->send(connection, data, len);
}

static void arm(struct connection *connection, time_t seconds)
{
	const struct timeval delay = { .tv_sec = seconds };

	event_add(connection->timer, &delay);
}

bool connection_has_allocation(const struct connection *connection)
{
	const struct connections *connections = connection->connections;

	return connections->ops->has_allocation(connections->ctx, &connection->tuple);
}

static void on_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct connection *connection = arg;

	(void)fd;
	(void)what;
	if (connection->is_open && connection_has_allocation(connection))
		arm(connection, UNALLOCATED_SECONDS);
	else
		connection_end(connection, CONNECTION_TIMED_OUT);
}

static int insert(struct connections *connections, struct connection *connection)
{
	connection->timer = evtimer_new(connections->base, on_timeout, connection);
	if (!connection->timer)
		return -ENOMEM;
	HASH_ADD_BYHASHVALUE(hh, connections->table, tuple, sizeof(connection->tuple),
			     hash(connections, &connection->tuple), connection);
	if (!connection->hh.tbl) {
		event_free(connection->timer);
		return -ENOMEM;
	}
	DL_APPEND2(connections->strangers, connection, stranger_prev, stranger_next);
	DL_APPEND2(connections->handshakes, connection, handshake_prev, handshake_next);
	memory_return_update(&connections->memory, HASH_COUNT(connections->table));
	return 0;
}

static void leave_handshakes(struct connection *connection)
{
	if (!connection->is_open)
		DL_DELETE2(connection->connections->handshakes, connection, handshake_prev,
			   handshake_next);
}

static void leave_strangers(struct connection *connection)
{
	if (connection->is_stranger)
		DL_DELETE2(connection->connections->strangers, connection, stranger_prev,
			   stranger_next);
}

void connection_opened(struct connection *connection)
{
	leave_handshakes(connection);
	connection->is_open = true;
	arm(connection, UNALLOCATED_SECONDS);
}

static void settle(struct connection *connection)
{
	leave_strangers(connection);
	connection->is_stranger = false;
	admission_settle(connection->connections->admission);
}

void connection_input(struct connection *connection, const struct turn_packet *packet, uint64_t now)
{
	struct connections *connections = connection->connections;

	connections->ops->input(connections->ctx, &connection->tuple, packet, now);
	if (connection->is_stranger && connection_has_allocation(connection))
		settle(connection);
}

static void close_connection(struct connection *connection, enum connection_end why)
{
	struct connections *connections = connection->connections;

	HASH_DELETE(hh, connections->table, connection);
	leave_handshakes(connection);
	leave_strangers(connection);
	leave_waiting(connection);
	memory_return_update(&connections->memory, HASH_COUNT(connections->table));
	event_free(connection->timer);
	admission_leave(connections->admission, &connection->tuple.client, connection->is_stranger);
	connections->stats.open[connection->tuple.transport]--;
	connections->stats.ended[why]++;
	connection->kind->close(connection, why);
}

void connection_end(struct connection *connection, enum connection_end why)
{
	struct connections *connections = connection->connections;
	const struct turn_tuple tuple = connection->tuple;

	close_connection(connection, why);
	connections->ops->gone(connections->ctx, &tuple);
}

/*
 * Returns the handshake that gives way to another one from @client, or NULL if there is room. A
 * source pushes out its own ones first.
 */
static struct connection *handshake_in_the_way(const struct connections *connections,
					       const struct turnpike_addr *client)
{
	const struct turnpike_addr source = addr_source(client);
	struct connection *handshake, *oldest_of_source = NULL;
	unsigned int n = 0, n_of_source = 0;

	DL_FOREACH2(connections->handshakes, handshake, handshake_next) {
		const struct turnpike_addr other = addr_source(&handshake->tuple.client);

		n++;
		if (!addr_equal(&other, &source))
			continue;
		n_of_source++;
		if (!oldest_of_source)
			oldest_of_source = handshake;
	}
	if (n_of_source >= HANDSHAKES_PER_SOURCE_MAX)
		return oldest_of_source;
	return n >= HANDSHAKES_MAX ? connections->handshakes : NULL;
}

/* Returns whether there was one to push out. */
static bool push_out(struct connection *connection)
{
	if (!connection)
		return false;
	connection_end(connection, CONNECTION_PUSHED_OUT);
	return true;
}

static bool admit(struct connections *connections, const struct turn_tuple *tuple)
{
	switch (admission_enter(connections->admission, &tuple->client, clock_now())) {
	case ADMISSION_GRANTED:
		break;
	case ADMISSION_FULL:
		if (push_out(connections->strangers))
			break;
		admission_leave(connections->admission, &tuple->client, true);
		return false;
	case ADMISSION_REFUSED:
		return false;
	}
	/* TCP has none. */
	if (tuple->transport != TURN_TCP)
		push_out(handshake_in_the_way(connections, &tuple->client));
	return true;
}

int connection_begin(struct connections *connections, struct connection *connection,
		     const struct connection_kind *kind, const struct turn_tuple *tuple)
{
	int err;

	if (!admit(connections, tuple)) {
		connections->stats.refused++;
		return -EUSERS;
	}
	connection->connections = connections;
	connection->kind = kind;
	connection->tuple = *tuple;
	connection->is_open = false;
	connection->is_stranger = true;
	connection->is_waiting = false;
	err = insert(connections, connection);
	if (err) {
		admission_leave(connections->admission, &tuple->client, true);
		connections->stats.unaccepted++;
		return err;
	}
	connections->stats.open[tuple->transport]++;
	connections->stats.accepted[tuple->transport]++;
	arm(connection, HANDSHAKE_SECONDS);
	return 0;
}

static bool is_denied(const struct connections *connections, const struct turnpike_addr *client)
{
	const struct turnpike_addr addr = addr_without_zone(client);

	return cidr_set_has(connections->denied, &addr) ||
	       block_set_has_client(connections->blocked, &addr);
}

bool connections_denies(struct connections *connections, const struct turnpike_addr *client)
{
	const bool denied =
		(connections->denied || connections->blocked) && is_denied(connections, client);

	connections->stats.denied += denied;
	return denied;
}

void connections_deny(struct connections *connections, const struct cidr_set *denied)
{
	connections->denied = denied;
	connections_end_denied(connections);
}

void connections_end_denied(struct connections *connections)
{
	struct connection *connection, *next;

	HASH_ITER(hh, connections->table, connection, next) {
		if (is_denied(connections, &connection->tuple.client))
			connection_end(connection, CONNECTION_DENIED);
	}
}

void connections_close(struct connections *connections)
{
	struct connection *connection, *next;

	HASH_ITER(hh, connections->table, connection, next)
		close_connection(connection, CONNECTION_CLOSED);
	event_del(&connections->flush);
	memory_return_stop(&connections->memory);
}

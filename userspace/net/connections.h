/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file connections.h
 * The clients of one worker that have a connection: of TCP, TLS or DTLS. What they have in common
 * is here: how they are found, counted and timed. All in the thread of the worker.
 */
#ifndef TURNPIKE_NET_CONNECTIONS_H
#define TURNPIKE_NET_CONNECTIONS_H

#include <event2/event.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "net/admission.h"
#include "turn/framing.h"
#include "base/siphash.h"
#include "turn/turn.h"

/** Seconds that a handshake may take. */
#define HANDSHAKE_SECONDS 10
/** Seconds that a connection may have no allocation, whatever else it is used for. */
#define UNALLOCATED_SECONDS 30

/**
 * struct client_ops - what becomes of what clients send; none of them ends a connection
 * @input:          a message has come, by UDP or by a connection
 * @done:           all that had come has been handed on
 * @gone:           a connection has ended
 * @has_allocation: whether a client has one
 * @path_changed:   the path MTU between two addresses is another one
 */
struct client_ops {
	void (*input)(void *ctx, const struct turn_tuple *tuple, const struct turn_packet *packet,
		      uint64_t now);
	void (*done)(void *ctx, uint64_t now);
	void (*gone)(void *ctx, const struct turn_tuple *tuple);
	bool (*has_allocation)(void *ctx, const struct turn_tuple *tuple);
	void (*path_changed)(void *ctx, const struct turnpike_addr *local,
			     const struct turnpike_addr *remote);
};

/** enum connection_end - why a connection has ended */
enum connection_end {
	CONNECTION_CLOSED,
	CONNECTION_FAILED,
	CONNECTION_GARBAGE,
	CONNECTION_TIMED_OUT,
};

#define CONNECTION_ENDS 4

/**
 * struct connection_stats - what became of connections; counters only
 * @open:       those there are, by enum turn_transport
 * @accepted:   those there have ever been, likewise
 * @ended:      those there are no more, by enum connection_end
 * @refused:    those that would have been too many, of all or of their source
 * @unaccepted: how often there was no descriptor or no memory for one
 * @unsent:     messages to clients that were lost: that do not read what they are sent, or, too
 * long for DTLS
 * @strays:     datagrams of DTLS that belong to no connection and begin none
 * @discarded:  records of DTLS that are invalid, or that their session does not expect
 */
struct connection_stats {
	uint64_t open[TURN_TRANSPORTS];
	uint64_t accepted[TURN_TRANSPORTS];
	uint64_t ended[CONNECTION_ENDS];
	uint64_t refused;
	uint64_t unaccepted;
	uint64_t unsent;
	uint64_t strays;
	uint64_t discarded;
};

/** connection_stats_add() - add the counters of @more to those of @sum */
void connection_stats_add(struct connection_stats *sum, const struct connection_stats *more);

struct connection;

/**
 * struct connection_kind - how one kind of connection works
 * @send:  send a message; what cannot be sent is lost
 * @close: take leave of the client as far as it is still there, and free the connection; the table
 *         has it no more
 */
struct connection_kind {
	void (*send)(struct connection *connection, const uint8_t *data, size_t len);
	void (*close)(struct connection *connection, enum connection_end why);
};

/** struct message - room for one, with what the core needs around it */
struct message {
	uint8_t headroom[TURN_HEADROOM];
	uint8_t data[TURN_FRAME_MAX];
	uint8_t tailroom[TURN_TAILROOM];
};

/**
 * struct connections - all of one worker
 * @message: where the message of a stream lies while the core works at it
 */
struct connections {
	struct event_base *base;
	struct admission *admission;
	const struct client_ops *ops;
	void *ctx;
	struct connection *table;
	uint8_t hash_key[SIPHASH_KEY_LEN];
	struct connection_stats stats;
	struct message message;
};

/**
 * struct connection - the first member of each
 * @is_open: the handshake is over
 * @timer:   ends what takes too long
 */
struct connection {
	UT_hash_handle hh;
	struct connections *connections;
	const struct connection_kind *kind;
	struct turn_tuple tuple;
	bool is_open;
	struct event *timer;
};

/** connections_init() - make none yet; @admission may be shared by workers */
void connections_init(struct connections *connections, struct event_base *base,
		      struct admission *admission, const struct client_ops *ops, void *ctx);

/** connections_close() - end them all and tell nobody: there is no server any more */
void connections_close(struct connections *connections);

/** connections_find() - the connection of a client, or NULL */
struct connection *connections_find(const struct connections *connections,
				    const struct turn_tuple *tuple);

/** connections_send() - send a message to a client that may have gone */
void connections_send(struct connections *connections, const struct turn_tuple *tuple,
		      const uint8_t *data, size_t len);

/**
 * connection_begin() - a client has come; its handshake begins
 * @connection: of the caller, until @kind's close() is called
 *
 * Return: 0, or a negative errno if it cannot be let in: then @connection is still the caller's.
 */
int connection_begin(struct connections *connections, struct connection *connection,
		     const struct connection_kind *kind, const struct turn_tuple *tuple);

/** connection_opened() - its handshake is over */
void connection_opened(struct connection *connection);

/** connection_input() - a message has come, with room around it */
void connection_input(struct connection *connection, const struct turn_packet *packet,
		      uint64_t now);

/** connection_has_allocation() - whether its client has one */
bool connection_has_allocation(const struct connection *connection);

/** connection_end() - end it, and what the client had; not from inside of an operation of the core
 */
void connection_end(struct connection *connection, enum connection_end why);

#endif /* TURNPIKE_NET_CONNECTIONS_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file connections.h
 * The TCP, TLS and DTLS connections of one worker: what they have in common, such as lookup,
 * counters and timeouts. All functions must be called in the thread of the worker.
 */
#ifndef TURNPIKE_NET_CONNECTIONS_H
#define TURNPIKE_NET_CONNECTIONS_H

#include <event2/event.h>
#include <event2/event_struct.h>

#include <utlist.h>

#include "base/cidr_set.h"
#include "base/siphash.h"
#include "net/admission.h"
#include "net/block_set.h"
#include "net/memory_return.h"
#include "net/stream_rx.h"
#include "private/hash.h"
#include "turn/types.h"

/** Time limit for a handshake, in seconds. */
#define HANDSHAKE_SECONDS 10
/** Seconds for which a connection may exist without an allocation. */
#define UNALLOCATED_SECONDS 30
/**
 * Simultaneous handshakes of one worker, and those among them of one source (an IPv4 address or an
 * IPv6 /64). Each takes some 21 KB. A worker finishes some thousands per second, each of which
 * takes a round trip.
 */
#define HANDSHAKES_MAX            1024
#define HANDSHAKES_PER_SOURCE_MAX 128

/**
 * struct client_ops - callbacks for the clients of all transports; they must not end a connection
 * @input:          handle a message
 * @done:           called after all received messages have been handled
 * @gone:           a connection has ended
 * @has_allocation: whether the client has an allocation
 * @path_changed:   the path MTU between two addresses has changed
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

/** enum connection_end - why a connection has ended; PUSHED_OUT: by a newer one */
enum connection_end {
	CONNECTION_CLOSED,
	CONNECTION_FAILED,
	CONNECTION_GARBAGE,
	CONNECTION_TIMED_OUT,
	CONNECTION_PUSHED_OUT,
	CONNECTION_DENIED,
};

#define CONNECTION_ENDS 6

/**
 * struct connection_stats - uint64_t counters only
 * @open:       current connections, by enum turn_transport
 * @accepted:   all connections ever accepted, by enum turn_transport
 * @ended:      connections ended, by enum connection_end
 * @refused:    connections refused because of struct admission
 * @denied:     datagrams and connections of clients that are denied, dropped
 * @unaccepted: connections not accepted for lack of descriptors or memory
 * @unsent:     messages dropped: the client does not read, or they exceed a DTLS record
 * @strays:     DTLS datagrams that belong to no connection and begin none
 * @discarded:  DTLS records that are invalid, or unexpected at the stage of their session
 */
struct connection_stats {
	uint64_t open[TURN_TRANSPORTS];
	uint64_t accepted[TURN_TRANSPORTS];
	uint64_t ended[CONNECTION_ENDS];
	uint64_t refused;
	uint64_t denied;
	uint64_t unaccepted;
	uint64_t unsent;
	uint64_t strays;
	uint64_t discarded;
};

/** connection_stats_add() - add the counters of @more to those of @sum */
void connection_stats_add(struct connection_stats *sum, const struct connection_stats *more);

struct connection;

/**
 * struct connection_kind - operations of one kind of connection
 * @send:  send a message, or drop it and count it as unsent
 * @flush: called once after connection_flush_later(); may end the connection; NULL: never needed
 * @close: notify the client if possible, and free the connection, which is no longer in the table
 */
struct connection_kind {
	void (*send)(struct connection *connection, const uint8_t *data, size_t len);
	void (*flush)(struct connection *connection);
	void (*close)(struct connection *connection, enum connection_end why);
};

/**
 * struct connections - all connections of one worker
 * @denied:     clients that get no service, borrowed; NULL: none
 * @blocked:    likewise, for a while
 * @strangers:  those without an allocation, the oldest first
 * @handshakes: the strangers whose handshake is not complete, the oldest first
 * @waiting:    those for which connection_flush_later() has been called
 * @flush:      flushes them after all sockets that are readable now have been served
 * @memory:     gives memory back after many connections have ended
 * @rx:         what a stream has received
 */
struct connections {
	struct event_base *base;
	struct admission *admission;
	const struct client_ops *ops;
	void *ctx;
	const struct cidr_set *denied;
	const struct block_set *blocked;
	struct connection *table;
	struct connection *strangers;
	struct connection *handshakes;
	struct connection *waiting;
	struct event flush;
	struct memory_return memory;
	uint8_t hash_key[SIPHASH_KEY_LEN];
	struct connection_stats stats;
	struct stream_rx rx;
};

/**
 * struct connection - first member of the struct of each kind
 * @is_open: the handshake is complete; else it is in @handshakes
 * @is_stranger: it is in @strangers: the client has had no allocation yet
 * @is_waiting: it is in @waiting
 * @timer:   ends the connection if the handshake or the first allocation takes too long
 */
struct connection {
	UT_hash_handle hh;
	struct connections *connections;
	const struct connection_kind *kind;
	struct turn_tuple tuple;
	bool is_open;
	bool is_stranger;
	bool is_waiting;
	struct connection *stranger_prev;
	struct connection *stranger_next;
	struct connection *handshake_prev;
	struct connection *handshake_next;
	struct connection *waiting_prev;
	struct connection *waiting_next;
	struct event *timer;
};

/** connections_init() - initialise an empty table; workers may share @admission */
void connections_init(struct connections *connections, struct event_base *base,
		      struct admission *admission, const struct client_ops *ops, void *ctx);

/**
 * connections_deny() - end the connections of clients that are denied now
 * @denied: all clients that are denied, borrowed until the next call; NULL: none
 */
void connections_deny(struct connections *connections, const struct cidr_set *denied);

/** connections_end_denied() - end the connections of clients that are denied or blocked */
void connections_end_denied(struct connections *connections);

/**
 * connections_denies() - whether nothing of @client is to be handled; counts it
 *
 * To be called for each datagram and for each new connection, before anything else.
 */
bool connections_denies(struct connections *connections, const struct turnpike_addr *client);

/** connections_close() - end all connections without calling gone(): the core has been freed */
void connections_close(struct connections *connections);

/** connections_find() - find the connection of a client; Return: NULL if there is none */
struct connection *connections_find(const struct connections *connections,
				    const struct turn_tuple *tuple);

/** connections_send() - send a message, or drop it if the connection has ended */
void connections_send(struct connections *connections, const struct turn_tuple *tuple,
		      const uint8_t *data, size_t len);

/**
 * connection_begin() - add a connection whose handshake begins
 *
 * If there are too many, the oldest of those without an allocation ends.
 *
 * @connection: owned by the table until it calls @kind's close()
 *
 * Return: 0, or a negative errno if it is not admitted; then the caller keeps @connection.
 */
int connection_begin(struct connections *connections, struct connection *connection,
		     const struct connection_kind *kind, const struct turn_tuple *tuple);

/** connection_opened() - the handshake is complete */
void connection_opened(struct connection *connection);

/** connection_input() - handle a message; @packet has TURN_HEADROOM and TURN_TAILROOM around it */
void connection_input(struct connection *connection, const struct turn_packet *packet,
		      uint64_t now);

/**
 * connection_flush_later() - let @kind's flush() be called at the end of this round of the event
 * loop
 *
 * What many peers send to a client in a round leaves together.
 */
void connection_flush_later(struct connection *connection);

/** connection_has_allocation() - whether the client has an allocation */
bool connection_has_allocation(const struct connection *connection);

/**
 * connection_end() - end a connection and the client's allocation
 *
 * Must not be called from callbacks of the TURN core.
 */
void connection_end(struct connection *connection, enum connection_end why);

#endif /* TURNPIKE_NET_CONNECTIONS_H */

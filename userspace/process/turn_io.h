/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file turn_io.h
 * Connects the TURN core with sockets, the clock and the datapath.
 */
#ifndef TURNPIKE_PROCESS_TURN_IO_H
#define TURNPIKE_PROCESS_TURN_IO_H

#include <event2/event.h>

#include "datapath/datapath.h"
#include "net/listeners.h"
#include "turn/turn.h"

struct turn_io;

/** turn_io_try_relay() - check that a relay address can be bound; Return: 0 or a negative errno */
int turn_io_try_relay(const struct turnpike_addr *relay);

/**
 * turn_io_open() - open the listeners, and create a TURN server for them
 * @datapath:  receives the flows; must outlive the result
 * @config:    its own addresses must be those of @listen, which are not valid peers
 * @reuseport: other workers of this process listen on the same addresses
 *
 * The loop of @base serves the clients. All functions except turn_io_open() and turn_io_close()
 * must be called in its thread. Errors are logged.
 *
 * Return: 0 or a negative errno.
 */
int turn_io_open(struct event_base *base, struct datapath *datapath,
		 const struct listen_config *listen, const struct turn_config *config,
		 bool reuseport, struct turn_io **ret);

/** turn_io_close() - end all allocations and close all sockets; accepts NULL */
void turn_io_close(struct turn_io *io);

/** turn_io_reconfigure() - see turn_server_reconfigure() */
int turn_io_reconfigure(struct turn_io *io, const struct turn_config *config);

/** turn_io_listen() - see listeners_update() */
int turn_io_listen(struct turn_io *io, const struct listen_config *listen);

/**
 * turn_io_deny() - see connections_deny(); also ends the allocations of these clients
 * @denied: borrowed until the next call; the initial one is that of @listen
 */
void turn_io_deny(struct turn_io *io, const struct cidr_set *denied);

/**
 * turn_io_block() - refuse new allocations of users, and all packets of clients
 * @blocked: borrowed until the next call; NULL: none, as at first
 */
void turn_io_block(struct turn_io *io, const struct block_set *blocked);

/** turn_io_end_denied() - see connections_end_denied() */
void turn_io_end_denied(struct turn_io *io);

/** turn_io_adapt() - call socket_adapt() for all sockets; the initial @in_kernel is false */
void turn_io_adapt(struct turn_io *io, bool in_kernel);

/** turn_io_server() - the TURN server */
struct turn_server *turn_io_server(const struct turn_io *io);

/** turn_io_connections() - counters of TCP, TLS and DTLS connections */
const struct connection_stats *turn_io_connections(const struct turn_io *io);

/** turn_io_unsent() - number of datagrams that could not be sent */
uint64_t turn_io_unsent(const struct turn_io *io);

/** turn_io_unsplit() - see udp_sockets_unsplit() */
uint64_t turn_io_unsplit(const struct turn_io *io);

#endif /* TURNPIKE_PROCESS_TURN_IO_H */

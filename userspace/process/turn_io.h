/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file turn_io.h
 * Gives the TURN core its sockets, its clock and its kernel.
 */
#ifndef TURNPIKE_PROCESS_TURN_IO_H
#define TURNPIKE_PROCESS_TURN_IO_H

#include <event2/event.h>

#include "datapath/datapath.h"
#include "net/listeners.h"
#include "turn/turn.h"

struct turn_io;

/**
 * turn_io_try_addresses() - find out whether addresses can be bound, by nobody else's leave
 * @listen: see listeners_try()
 * @config: its relay addresses
 *
 * On error a sentence has been said. Return: 0 or a negative errno.
 */
int turn_io_try_addresses(const struct listen_config *listen, const struct turn_config *config);

/**
 * turn_io_open() - listen, and make a TURN server of it
 * @datapath: where flows go; has to outlive the result
 * @config: its own addresses have to be those of @listen, which are no peers
 * @shares: others of this process listen there, too
 *
 * Clients are served by the loop of @base, in whose thread everything but turn_io_open() and
 * turn_io_close() is called. On error a sentence has been said.
 *
 * Return: 0 or a negative errno.
 */
int turn_io_open(struct event_base *base, struct datapath *datapath,
		 const struct listen_config *listen, const struct turn_config *config, bool shares,
		 struct turn_io **ret);

/** turn_io_close() - end all allocations and close all sockets; NULL is fine */
void turn_io_close(struct turn_io *io);

/** turn_io_adapt() - adapt all sockets, see socket_adapt(); until then @in_kernel is false */
void turn_io_adapt(struct turn_io *io, bool in_kernel);

/** turn_io_server() - the TURN server, to add users to and to ask for statistics */
struct turn_server *turn_io_server(const struct turn_io *io);

/** turn_io_connections() - what became of the clients on TCP, TLS and DTLS */
const struct connection_stats *turn_io_connections(const struct turn_io *io);

/** turn_io_unsent() - how many datagrams could not be sent */
uint64_t turn_io_unsent(const struct turn_io *io);

#endif /* TURNPIKE_PROCESS_TURN_IO_H */

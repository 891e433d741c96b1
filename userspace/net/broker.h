/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file broker.h
 * A process that does for sockets what the server has no capability for: it binds them to ports
 * below 1024, and gives them large receive buffers.
 *
 * It gets a socket of the server's with each request, knows the ports that are configured, and
 * reads nothing from the network. Without a broker, the server tries it itself.
 */
#ifndef TURNPIKE_NET_BROKER_H
#define TURNPIKE_NET_BROKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <turnpike/addr.h>

/** Ports below this need CAP_NET_BIND_SERVICE. */
#define BROKER_PORTS 1024

/** Receive buffers are not made larger than this. */
#define BROKER_BYTES_MAX (4 << 20)

/**
 * struct broker_plan
 * @ports: by number, those to which the broker binds
 * @begin: called in the broker, to wipe secrets and give up privileges. Return: 0 or a negative
 *         errno
 */
struct broker_plan {
	bool ports[BROKER_PORTS];
	int (*begin)(void *arg);
	void *arg;
};

/**
 * broker_fork() - start a broker for whoever gets its socket, see broker_use()
 * @ret: the socket, to be closed or passed on
 * @pid: the child
 *
 * Return: 0 or a negative errno.
 */
int broker_fork(const struct broker_plan *plan, int *ret, pid_t *pid);

/**
 * broker_use() - let a broker that exists be the one of this process
 * @socket: from broker_fork(), of this process or of another one; closed by broker_stop()
 *
 * Return: 0, or a negative errno of the broker's start.
 */
int broker_use(int socket, pid_t pid);

/**
 * broker_start() - start the broker of this process; call it before there are threads
 *
 * It ends with the server. Return: 0 or a negative errno.
 */
int broker_start(const struct broker_plan *plan);

/** broker_stop() - let the broker end, if there is one */
void broker_stop(void);

/**
 * broker_bind() - bind(2)
 *
 * Any thread. Return: 0 or a negative errno; -EACCES: the port is not one of the broker's.
 */
int broker_bind(int fd, const struct turnpike_addr *addr);

/** broker_set_receive_buffer() - make the receive buffer of a socket this large, or as large as
 * net.core.rmem_max allows. Any thread. */
void broker_set_receive_buffer(int fd, int bytes);

/** broker_pid() - its process id; 0: there is none, or it has ended */
pid_t broker_pid(void);

#endif /* TURNPIKE_NET_BROKER_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file turn.h
 * The TURN server core (RFC 8656): a state machine without I/O, clock or threads.
 *
 * The owner passes in messages and the time, and the core acts through struct turn_ops. It calls
 * operations only from within a call of the owner. One server must not be entered from two threads
 * at once, nor from inside one of its operations. Several servers can act as one relay, each in its
 * own thread and for some of the clients: see turn_shared_new().
 *
 * Times are absolute, in nanoseconds of CLOCK_MONOTONIC. An object with expiry t is expired at
 * every now >= t.
 *
 * An IPv4 address has one form, also in what the owner passes in: it is never embedded in an IPv6
 * address. Clients that name such a peer get error 403.
 */
#ifndef TURNPIKE_TURN_TURN_H
#define TURNPIKE_TURN_TURN_H

#include "turn/config.h"
#include "turn/ops.h"
#include "turn/stats.h"
#include "turn/types.h"

struct turn_server;
struct turn_credentials;

/** Bytes of the secret of turn_shared_new(). */
#define TURN_SECRET_LEN 16

/**
 * turn_shared_new() - create the state that the servers of one relay share
 * @config: copied
 * @secret: random bytes that nobody else knows
 * @shared: the result; free it with turn_shared_free()
 *
 * Its servers take ports from the same pools, apply @config's limits to their total, and know each
 * other's relayed transport addresses. All messages of one client must reach the same server.
 *
 * Return: 0, -EINVAL if @config is not valid, -ENOMEM.
 */
int turn_shared_new(const struct turn_config *config, const uint8_t secret[static TURN_SECRET_LEN],
		    struct turn_shared **shared);

/**
 * turn_shared_reconfigure() - replace the relay addresses
 * @config: the ports must be as before
 *
 * Every server uses them from its next turn_server_reconfigure() on, which must follow.
 *
 * Return: 0, -EINVAL or -ENOMEM; on error nothing has changed.
 */
int turn_shared_reconfigure(struct turn_shared *shared, const struct turn_config *config);

/** turn_shared_free() - free @shared, after all of its servers; NULL is allowed */
void turn_shared_free(struct turn_shared *shared);

/**
 * turn_server_new() - create a server
 * @config: copied
 * @ops:    copied
 * @ctx:    passed to every operation; turn_server_new() already calls turn_ops.random
 * @server: the result; free it with turn_server_free()
 *
 * The server refuses every user until turn_server_set_credentials().
 *
 * Return: 0, -EINVAL if @config is not valid, -ENOMEM.
 */
int turn_server_new(const struct turn_config *config, const struct turn_ops *ops, void *ctx,
		    struct turn_server **server);

/**
 * turn_server_free() - end all allocations and free @server
 * @server: NULL is allowed
 * @now:    the time of its last events; CLOCK_MONOTONIC in ns
 */
void turn_server_free(struct turn_server *server, uint64_t now);

/**
 * turn_server_client_input() - process a message that arrived at a listener
 * @tuple:  its 5-tuple
 * @packet: the message, untrusted
 */
void turn_server_client_input(struct turn_server *server, const struct turn_tuple *tuple,
			      const struct turn_packet *packet, uint64_t now);

/**
 * turn_server_peer_input() - process a datagram that arrived at a relay socket
 * @relay:  from turn_ops.open_relay of that socket
 * @from:   the source address
 * @packet: the datagram, untrusted
 */
void turn_server_peer_input(struct turn_server *server, struct turn_relay *relay,
			    const struct turnpike_addr *from, const struct turn_packet *packet,
			    uint64_t now);

/**
 * turn_server_icmp_input() - process an ICMP error of a relay socket (RFC 8656 section 11.5)
 * @relay: from turn_ops.open_relay of that socket
 * @peer:  destination of the datagram that caused the error; port 0 if unknown
 * @icmp:  the error, from any source
 *
 * The client gets a Data indication with the error, if it has a permission for @peer.
 */
void turn_server_icmp_input(struct turn_server *server, struct turn_relay *relay,
			    const struct turnpike_addr *peer, const struct turn_icmp *icmp,
			    uint64_t now);

/**
 * turn_server_client_gone() - end the allocation of a client whose connection has ended
 * @tuple: of TURN_TCP, TURN_TLS or TURN_DTLS, with an allocation or without
 *
 * Must not be called from inside an operation, such as a turn_ops.send_client that fails.
 */
void turn_server_client_gone(struct turn_server *server, const struct turn_tuple *tuple,
			     uint64_t now);

/** turn_server_has_allocation() - whether the client at @tuple has an allocation */
bool turn_server_has_allocation(const struct turn_server *server, const struct turn_tuple *tuple);

/**
 * turn_server_set_credentials() - replace the credentials
 * @credentials: for the same realm; the server takes a reference, and nobody may change them any
 *               more
 *
 * Existing allocations keep the keys that they were created with, but users without that key in
 * @credentials cannot refresh theirs (error 403). turn_server_end_revoked() ends them.
 */
void turn_server_set_credentials(struct turn_server *server, struct turn_credentials *credentials);

/**
 * turn_server_end_revoked() - end the allocations that nobody could create any more
 *
 * Those are allocations whose key the credentials lack: the user, or the secret that made a
 * time-limited password, has been removed, or the password has changed. A time-limited username
 * that has only expired is not revoked.
 *
 * Return: the number of allocations that have ended.
 */
size_t turn_server_end_revoked(struct turn_server *server, uint64_t now);

/**
 * turn_server_reconfigure() - replace limits, peer policy and relay addresses
 * @config: realm, ports and shared must be as before; the rest is copied
 *
 * Relay addresses of @config->shared must be replaced first, see turn_shared_reconfigure().
 * Allocations stay, also those on relay addresses that @config lacks. Permissions and channels of
 * peers that @config no longer allows end.
 *
 * Return: 0, -EINVAL or -ENOMEM; on error the configuration is unchanged.
 */
int turn_server_reconfigure(struct turn_server *server, const struct turn_config *config,
			    uint64_t now);

/**
 * turn_server_drain() - refuse new allocations from now on, or accept them again
 *
 * Clients get error 300 if there are alternates, else 508. Existing allocations stay and can be
 * refreshed.
 */
void turn_server_drain(struct turn_server *server, bool drains);

/**
 * turn_server_expire() - end what has expired: remove flows, close relays
 *
 * Expired objects never relay in user space, however late this is called.
 */
void turn_server_expire(struct turn_server *server, uint64_t now);

/**
 * turn_server_next_expiry() - when to call turn_server_expire() next
 *
 * The ends of rests are not worth waking up for: each request looks for them.
 *
 * Return: that time, which may be in the past, or TURN_NEVER.
 */
uint64_t turn_server_next_expiry(const struct turn_server *server);

/**
 * turn_server_record() - make the interim records that are due, but only a few of them
 *
 * That takes less than a millisecond. If more are due, turn_server_next_record() says so, and the
 * owner serves clients before the next call.
 */
void turn_server_record(struct turn_server *server, uint64_t now);

/** turn_server_next_record() - when to call turn_server_record() next; as turn_server_next_expiry()
 */
uint64_t turn_server_next_record(const struct turn_server *server);

/** turn_server_stats() - the live counters of @server, valid as long as it is */
const struct turn_stats *turn_server_stats(const struct turn_server *server);

/** turn_server_limits() - the limits in force, valid as long as @server is */
const struct turn_limits *turn_server_limits(const struct turn_server *server);

/**
 * turn_server_ports_at_rest() - number of ports that nobody gets, since their allocation has ended
 *
 * Those of all servers of the relay.
 */
uint32_t turn_server_ports_at_rest(const struct turn_server *server, uint64_t now);

/** turn_server_ports() - ports of the relay addresses, and those that are in use or at rest */
struct turn_use turn_server_ports(const struct turn_server *server);

#endif /* TURNPIKE_TURN_TURN_H */

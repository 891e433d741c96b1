/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file admission.h
 * Limits the number of connections, in total, per source and per site, and the rate of new ones per
 * source: a TLS handshake is the most expensive request that an unauthenticated client can make.
 *
 * A source is an IPv4 address or an IPv6 /64, a site an IPv6 /48. A connection is a stranger until
 * its client has an allocation. Any thread.
 */
#ifndef TURNPIKE_NET_ADMISSION_H
#define TURNPIKE_NET_ADMISSION_H

#include <stdbool.h>
#include <stdint.h>

#include <turnpike/addr.h>

/** A source, a site, and all strangers may each have one such part of all connections. */
#define ADMISSION_SOURCE_PART    4
#define ADMISSION_SITE_PART      2
#define ADMISSION_STRANGERS_PART 2

struct admission;

/**
 * admission_new() - create limits without connections
 * @max:  simultaneous connections
 * @rate: new connections of a source per second, with bursts of TURN_UNAUTH_BURST_S seconds' worth;
 *        0: no limit
 *
 * Return: the limits, for admission_free(), or NULL if out of memory.
 */
struct admission *admission_new(uint32_t max, uint32_t rate);

/** admission_free() - accepts NULL */
void admission_free(struct admission *admission);

/** admission_set() - change the arguments of admission_new() for later connections */
void admission_set(struct admission *admission, uint32_t max, uint32_t rate);

/** admission_max() - the largest number of simultaneous connections */
uint32_t admission_max(struct admission *admission);

/**
 * enum admitted - result of admission_enter()
 * @ADMISSION_REFUSED: the source has its share, or comes too often
 * @ADMISSION_FULL:    admitted, but there are too many: end a stranger, or the new connection
 */
enum admitted {
	ADMISSION_REFUSED,
	ADMISSION_GRANTED,
	ADMISSION_FULL,
};

/**
 * admission_enter() - admit a connection from @client, a stranger
 * @now: in ns
 *
 * Unless it is refused, call admission_leave() when the connection ends.
 */
enum admitted admission_enter(struct admission *admission, const struct turnpike_addr *client,
			      uint64_t now);

/** admission_settle() - a connection is no stranger any more */
void admission_settle(struct admission *admission);

/** admission_leave() - an admitted connection has ended */
void admission_leave(struct admission *admission, const struct turnpike_addr *client,
		     bool is_stranger);

#endif /* TURNPIKE_NET_ADMISSION_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file admission.h
 * Limits the number of connections, in total and per source, and the rate of new ones per source: a
 * TLS handshake is the most expensive request that an unauthenticated client can make. Any thread.
 */
#ifndef TURNPIKE_NET_ADMISSION_H
#define TURNPIKE_NET_ADMISSION_H

#include <stdbool.h>
#include <stdint.h>

#include <turnpike/addr.h>

struct admission;

/**
 * admission_new() - create limits without connections
 * @max:            simultaneous connections
 * @max_per_source: simultaneous connections of a source, an IPv4 address or an IPv6 /64
 * @rate:           new connections of a source per second, with bursts of TURN_UNAUTH_BURST_S
 *                  seconds' worth; 0: no limit
 *
 * Return: the limits, for admission_free(), or NULL if out of memory.
 */
struct admission *admission_new(uint32_t max, uint32_t max_per_source, uint32_t rate);

/** admission_free() - accepts NULL */
void admission_free(struct admission *admission);

/** admission_set_rate() - change the rate of admission_new() for later connections */
void admission_set_rate(struct admission *admission, uint32_t rate);

/**
 * admission_enter() - admit a connection from @source
 * @now: in ns
 *
 * Return: whether the limits permit it; if so, call admission_leave() when the connection ends.
 */
bool admission_enter(struct admission *admission, const struct turnpike_addr *source, uint64_t now);

/** admission_leave() - an admitted connection has ended */
void admission_leave(struct admission *admission, const struct turnpike_addr *source);

#endif /* TURNPIKE_NET_ADMISSION_H */

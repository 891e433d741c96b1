/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file unauth_limit.h
 * The rate limit on answers to requests without valid credentials, for each source. It keeps the
 * server from reflecting traffic to a spoofed source, and passwords from being guessed at full
 * speed.
 *
 * A source is an IPv4 address, or an IPv6 /64 since one client may have all of it. Memory is fixed:
 * a secret key maps each source to two slots of a table. A source without a slot takes the one with
 * the smaller debt. Thousands of sources, most likely spoofed, thus evict each other; a source that
 * sends little loses nothing, as it starts over with a full burst. Any thread may use one limit, so
 * that a source has one rate across all workers.
 */
#ifndef TURNPIKE_TURN_AUTH_UNAUTH_LIMIT_H
#define TURNPIKE_TURN_AUTH_UNAUTH_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include <turnpike/addr.h>

#include "base/siphash.h"

/** Burst of a source, in seconds of its rate: clients behind one NAT arrive together. */
#define TURN_UNAUTH_BURST_S 10

struct turn_unauth_limit;

/**
 * turn_unauth_limit_new() - create a limit
 * @key: random bytes that nobody else knows
 *
 * Return: the limit, to be freed with turn_unauth_limit_free(); NULL if out of memory.
 */
struct turn_unauth_limit *turn_unauth_limit_new(const uint8_t key[static SIPHASH_KEY_LEN]);

/** turn_unauth_limit_free() - free @unauth_limit; NULL is allowed */
void turn_unauth_limit_free(struct turn_unauth_limit *unauth_limit);

/**
 * turn_unauth_charge() - charge one answer to @source
 * @rate: answers per second; 0: no limit
 * @now:  in ns
 *
 * Return: whether the answer may be sent; if not, nothing is charged.
 */
bool turn_unauth_charge(struct turn_unauth_limit *unauth_limit, const struct turnpike_addr *source,
			uint32_t rate, uint64_t now);

/**
 * turn_unauth_refund() - give back one answer once a client at @source has authenticated
 *
 * Every client has to send one request without credentials to get a nonce. The refund keeps many
 * clients behind one address from exhausting its rate.
 */
void turn_unauth_refund(struct turn_unauth_limit *unauth_limit, const struct turnpike_addr *source,
			uint32_t rate, uint64_t now);

#endif /* TURNPIKE_TURN_AUTH_UNAUTH_LIMIT_H */

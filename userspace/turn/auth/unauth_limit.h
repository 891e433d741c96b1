/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file unauth_limit.h
 * How many answers strangers get: requests without valid credentials are answered at a limited rate
 * a source, so that the server is no use to who sends in a victim's name, and passwords cannot be
 * tried out at will.
 *
 * A source is an IPv4 address, or a /64 of IPv6, of which one client may have all. Memory is fixed:
 * a source has one of two places in a table that a secret key points to, and takes it over from the
 * source that has used less of its rate. Sources by the thousand, spoofed ones above all, thereby
 * push each other out; but one that sends little loses nothing by it, as it begins anew with all it
 * may have. For any thread, so that a source has one rate however many workers it reaches.
 */
#ifndef TURNPIKE_TURN_AUTH_UNAUTH_LIMIT_H
#define TURNPIKE_TURN_AUTH_UNAUTH_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include <turnpike/addr.h>

#include "base/siphash.h"

/** So many seconds of its rate a source may use at once: behind a NAT, clients come together. */
#define TURN_UNAUTH_BURST_S 10

struct turn_unauth_limit;

/** turn_unauth_limit_new() - @key: secret; NULL without memory; free it with
 * turn_unauth_limit_free() */
struct turn_unauth_limit *turn_unauth_limit_new(const uint8_t key[static SIPHASH_KEY_LEN]);

/** turn_unauth_limit_free() - NULL is fine */
void turn_unauth_limit_free(struct turn_unauth_limit *unauth_limit);

/**
 * turn_unauth_charge() - may a stranger at @source be answered?
 * @rate: answers a second; 0: no limit
 * @now:  in ns
 *
 * Return: whether there is one left; then it is used up.
 */
bool turn_unauth_charge(struct turn_unauth_limit *unauth_limit, const struct turnpike_addr *source,
			uint32_t rate, uint64_t now);

/**
 * turn_unauth_refund() - a client at @source has turned out to be no stranger
 *
 * It had to begin as one: clients ask without credentials to get a nonce. So the one answer that
 * this took does not count, and many clients behind one address do not use up what that may have.
 */
void turn_unauth_refund(struct turn_unauth_limit *unauth_limit, const struct turnpike_addr *source,
			uint32_t rate, uint64_t now);

#endif /* TURNPIKE_TURN_AUTH_UNAUTH_LIMIT_H */

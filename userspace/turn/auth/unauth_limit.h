/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file unauth_limit.h
 * Rate limits on what the server does for clients that it does not know: answers to requests
 * without valid credentials, and checks of credentials. They keep it from reflecting traffic to a
 * spoofed source, and passwords from being guessed.
 *
 * A source is an IPv4 address, or an IPv6 /64 since one client may have all of it. A network is an
 * IPv4 /24 or an IPv6 /48. Any thread may use one limit, so that a source has one rate across all
 * workers.
 *
 * A source is proven for some time after it has returned a nonce: then it receives what is sent to
 * its address. It has allowances of its own, so that nobody who spoofs other addresses, or guesses
 * from other ones, can lock it out.
 */
#ifndef TURNPIKE_TURN_AUTH_UNAUTH_LIMIT_H
#define TURNPIKE_TURN_AUTH_UNAUTH_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include <turnpike/addr.h>

#include "base/siphash.h"

/** Burst of a source, in seconds of its rate: clients behind one NAT arrive together. */
#define TURN_UNAUTH_BURST_S 10

/** A network, and a proven source, get this many times the rate of a source; all sources this. */
#define TURN_UNAUTH_NETWORK 10
#define TURN_UNAUTH_PROVEN  10
#define TURN_UNAUTH_ALL     100

/** Seconds for which a source is proven. */
#define TURN_UNAUTH_PROVEN_S 3600

/** Checks of credentials that a source gets whatever others do: so many at once, and their rate */
#define TURN_GUESS_OWN_BURST 10
#define TURN_GUESS_OWN_S     10 /* seconds for one */

struct turn_unauth_limit;

/**
 * turn_unauth_limit_new() - create a limit
 * @key: random bytes that nobody else knows
 *
 * Return: the limit, to be freed with turn_unauth_limit_free(); NULL if out of memory.
 */
struct turn_unauth_limit *turn_unauth_limit_new(const uint8_t key[static SIPHASH_KEY_LEN]);

/** turn_unauth_limit_free() - free @limit; NULL is allowed */
void turn_unauth_limit_free(struct turn_unauth_limit *limit);

/**
 * turn_unauth_prove() - @source has returned a nonce at @now (ns)
 *
 * The answer with that nonce is given back if the source was not proven before.
 */
void turn_unauth_prove(struct turn_unauth_limit *limit, const struct turnpike_addr *source,
		       uint32_t rate, uint64_t now);

/**
 * turn_unauth_charge() - charge one answer to @source, and to its network and to all sources unless
 * it is proven
 * @rate: answers per second; 0: no limit
 * @now:  in ns
 *
 * Return: whether the answer may be sent; if not, nothing is charged.
 */
bool turn_unauth_charge(struct turn_unauth_limit *limit, const struct turnpike_addr *source,
			uint32_t rate, uint64_t now);

/**
 * turn_unauth_refund() - give back one answer once a client at @source, which is proven, has
 * authenticated
 *
 * Every client has to send one request without credentials to get a nonce. The refund keeps many
 * clients behind one address from exhausting its rate.
 */
void turn_unauth_refund(struct turn_unauth_limit *limit, const struct turnpike_addr *source,
			uint32_t rate, uint64_t now);

/**
 * struct turn_guess - a check of credentials
 * @source:  proven
 * @account: the name that is claimed, not verified
 * @rate:    wrong credentials per second that one source may try, and that may be tried for one
 *           account; 0: no limit
 * @now:     in ns
 * @own:     by turn_guess_charge(): the source's own allowance was charged
 */
struct turn_guess {
	struct turnpike_addr source;
	const char *account;
	uint32_t rate;
	uint64_t now;
	bool own;
};

/**
 * turn_guess_charge() - charge a check before it is made
 *
 * Return: whether it may be made; if not, nothing is charged.
 */
bool turn_guess_charge(struct turn_unauth_limit *limit, struct turn_guess *guess);

/** turn_guess_refund() - give the charge back, since the credentials were right */
void turn_guess_refund(struct turn_unauth_limit *limit, const struct turn_guess *guess);

#endif /* TURNPIKE_TURN_AUTH_UNAUTH_LIMIT_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file policy.h
 * Which peers clients may reach through this relay.
 */
#ifndef TURNPIKE_TURN_STATE_POLICY_H
#define TURNPIKE_TURN_STATE_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "turn/turn.h"

struct turn_policy;

/**
 * turn_policy_new() - work out a policy
 * @config: its lists allow and deny; own, whose addresses are no peers; and relays, whose addresses
 *          are peers as the world knows them
 * @policy: the result; free it with turn_policy_free()
 *
 * Return: 0, or -ENOMEM.
 */
int turn_policy_new(const struct turn_config *config, struct turn_policy **policy);

/** turn_policy_free() - free @policy, which may be NULL */
void turn_policy_free(struct turn_policy *policy);

/**
 * turn_policy_allows() - may this be a peer?
 * @peer: as the client knows it
 *
 * The port does not matter here; self_addr.h tells of the ports of our own addresses. An IPv6
 * address that only wraps an IPv4 address is judged as that one.
 */
bool turn_policy_allows(const struct turn_policy *policy, const struct turnpike_addr *peer);

/** turn_policy_exempts() - is this a peer that is allowed by the configuration, whatever else
 * holds? */
bool turn_policy_exempts(const struct turn_policy *policy, const struct turnpike_addr *peer);

/**
 * turn_policy_is_tunnel() - is this a Teredo or 6to4 address?
 *
 * RFC 8656 section 21.4: such clients must be refused too.
 */
bool turn_policy_is_tunnel(const struct turn_policy *policy, const struct turnpike_addr *addr);

#endif /* TURNPIKE_TURN_STATE_POLICY_H */

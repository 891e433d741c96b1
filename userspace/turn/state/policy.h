/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file policy.h
 * Which peers clients may reach through this relay.
 */
#ifndef TURNPIKE_TURN_STATE_POLICY_H
#define TURNPIKE_TURN_STATE_POLICY_H

#include "turn/config.h"

struct turn_policy;

/**
 * turn_policy_new() - compile a policy
 * @config: its @allow, @deny, @private_peers and @translated; @self_addrs and @self_nets, which are
 * not allowed; and @relays, whose external addresses are allowed
 * @policy: the result; free it with turn_policy_free()
 *
 * Return: 0, or -ENOMEM.
 */
int turn_policy_new(const struct turn_config *config, struct turn_policy **policy);

/**
 * turn_policy_follow() - keep what relay addresses have decided, although they come and go
 * @before: the policy that @policy replaces
 *
 * Without any address, private networks stay permitted or not, so that a failover ends no
 * permission. Once an address was public they stay refused, also while it is away.
 */
void turn_policy_follow(struct turn_policy *policy, const struct turn_policy *before);

/** turn_policy_free() - free @policy; NULL is allowed */
void turn_policy_free(struct turn_policy *policy);

/** turn_policy_equal() - whether both were compiled from the same lists */
bool turn_policy_equal(const struct turn_policy *a, const struct turn_policy *b);

/**
 * turn_policy_allows() - whether clients may reach @peer
 * @peer: as the client knows it; its port is ignored
 *
 * An IPv6 address that stands for an IPv4 address is never allowed. For addresses of this relay,
 * turn_self_is_live_relay() checks the port.
 */
bool turn_policy_allows(const struct turn_policy *policy, const struct turnpike_addr *peer);

/**
 * turn_policy_exempts() - whether the configuration's @allow permits @peer on all ports
 *
 * A prefix permits a special-purpose network (special_net.h) only if it is at least as long. So a
 * metadata service is permitted only by its own address. The same holds for each address of this
 * host, except loopback addresses: they are a special-purpose network.
 */
bool turn_policy_exempts(const struct turn_policy *policy, const struct turnpike_addr *peer);

/**
 * turn_policy_is_tunnel() - whether @addr is a Teredo or 6to4 address
 *
 * RFC 8656 section 21.4 forbids these as clients, too.
 */
bool turn_policy_is_tunnel(const struct turnpike_addr *addr);

#endif /* TURNPIKE_TURN_STATE_POLICY_H */

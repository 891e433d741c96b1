/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/special_net.h"
#include "turn/state/policy.h"

/** struct cidrs - a growing list */
struct cidrs {
	struct addr_cidr *list;
	size_t n;
};

/**
 * struct turn_policy - the first list that has the peer decides; peers in none are allowed
 * @translated: by configuration, denied
 * @allowed:    by configuration; see turn_policy_exempts()
 * @denied:     by configuration
 * @relays:     external relay addresses, allowed
 * @refused:    networks that this host receives, denied
 * @own:        addresses of this host, sorted, denied
 * @private_ok: whether private networks are no special ones
 * @is_auto:    the relay addresses decide that
 * @is_decided: there have been some
 *
 * Special-purpose networks are denied as @refused is.
 */
struct turn_policy {
	struct cidrs translated;
	struct cidrs allowed;
	struct cidrs denied;
	struct cidrs relays;
	struct cidrs refused;
	struct turnpike_addr *own;
	size_t n_own;
	bool private_ok;
	bool is_auto;
	bool is_decided;
};

static int add_all(struct cidrs *cidrs, const struct addr_cidr *list, size_t n)
{
	struct addr_cidr *grown;

	if (n == 0)
		return 0;
	grown = realloc(cidrs->list, (cidrs->n + n) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	memcpy(grown + cidrs->n, list, n * sizeof(*list));
	cidrs->list = grown;
	cidrs->n += n;
	return 0;
}

static int add_relays(struct turn_policy *policy, const struct turn_config *config)
{
	for (size_t i = 0; i < config->n_relays; i++) {
		const struct turn_relay_address *relay = &config->relays[i];
		const bool mapped = relay->external.family != 0;
		struct addr_cidr host = addr_host(mapped ? &relay->external : &relay->addr);

		if (add_all(&policy->relays, &host, 1))
			return -ENOMEM;
	}
	return 0;
}

/* Without loopback addresses: their networks are special as a whole. */
static void add_own(struct turn_policy *policy, const struct turnpike_addr *addr)
{
	if (addr_len(addr) > 0 && !addr_is_loopback(addr))
		policy->own[policy->n_own++] = addr_without_port(addr);
}

static int add_net(struct turn_policy *policy, const struct addr_cidr *net)
{
	if (net->prefix < 8 * addr_len(&net->addr))
		return add_all(&policy->refused, net, 1);
	add_own(policy, &net->addr);
	return 0;
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct turnpike_addr));
}

/* Sorted, because a host may have thousands, and every permission is checked against them. */
static int fill_own(struct turn_policy *policy, const struct turn_config *config)
{
	const size_t n = config->n_self_addrs + config->n_self_nets + 2 * config->n_relays;

	policy->own = calloc(n + 1, sizeof(*policy->own));
	if (!policy->own)
		return -ENOMEM;
	for (size_t i = 0; i < config->n_self_addrs; i++)
		add_own(policy, &config->self_addrs[i]);
	for (size_t i = 0; i < config->n_self_nets; i++) {
		if (add_net(policy, &config->self_nets[i]))
			return -ENOMEM;
	}
	for (size_t i = 0; i < config->n_relays; i++) {
		add_own(policy, &config->relays[i].addr);
		add_own(policy, &config->relays[i].external);
	}
	qsort(policy->own, policy->n_own, sizeof(*policy->own), compare);
	return 0;
}

static int fill(struct turn_policy *policy, const struct turn_config *config)
{
	if (add_all(&policy->translated, config->translated, config->n_translated) ||
	    add_all(&policy->allowed, config->allow, config->n_allow) ||
	    add_all(&policy->denied, config->deny, config->n_deny) || add_relays(policy, config))
		return -ENOMEM;
	policy->private_ok =
		turn_permits_private(config->private_peers, config->relays, config->n_relays);
	policy->is_auto = config->private_peers == TURN_PRIVATE_AUTO;
	policy->is_decided = config->n_relays > 0;
	return fill_own(policy, config);
}

int turn_policy_new(const struct turn_config *config, struct turn_policy **policy)
{
	struct turn_policy *result = calloc(1, sizeof(*result));

	if (!result || fill(result, config)) {
		turn_policy_free(result);
		return -ENOMEM;
	}
	*policy = result;
	return 0;
}

void turn_policy_follow(struct turn_policy *policy, const struct turn_policy *before)
{
	if (!policy->is_auto || !before->is_auto || !before->is_decided)
		return;
	if (!policy->is_decided || !before->private_ok)
		policy->private_ok = before->private_ok;
	policy->is_decided = true;
}

void turn_policy_free(struct turn_policy *policy)
{
	if (!policy)
		return;
	free(policy->translated.list);
	free(policy->allowed.list);
	free(policy->denied.list);
	free(policy->relays.list);
	free(policy->refused.list);
	free(policy->own);
	free(policy);
}

static bool same_cidrs(const struct cidrs *a, const struct cidrs *b)
{
	return a->n == b->n &&
	       (a->n == 0 || memcmp(a->list, b->list, a->n * sizeof(*a->list)) == 0);
}

_Static_assert(sizeof(struct addr_cidr) == 24, "compared without padding");

bool turn_policy_equal(const struct turn_policy *a, const struct turn_policy *b)
{
	return same_cidrs(&a->translated, &b->translated) && same_cidrs(&a->allowed, &b->allowed) &&
	       same_cidrs(&a->denied, &b->denied) && same_cidrs(&a->relays, &b->relays) &&
	       same_cidrs(&a->refused, &b->refused) && a->private_ok == b->private_ok &&
	       a->n_own == b->n_own && memcmp(a->own, b->own, a->n_own * sizeof(*a->own)) == 0;
}

/* Returns the length of the longest prefix in @cidrs that has @addr, or -1. */
static int longest(const struct cidrs *cidrs, const struct turnpike_addr *addr)
{
	int bits = -1;

	for (size_t i = 0; i < cidrs->n; i++) {
		if ((int)cidrs->list[i].prefix > bits && addr_cidr_contains(&cidrs->list[i], addr))
			bits = (int)cidrs->list[i].prefix;
	}
	return bits;
}

static bool contains(const struct cidrs *cidrs, const struct turnpike_addr *addr)
{
	return longest(cidrs, addr) >= 0;
}

/*
 * An IPv4 peer has one form. So neither policy nor flows depend on what a translator would make of
 * another one, and an IPv6 socket never sends IPv4.
 */
static bool is_embedding(const struct turn_policy *policy, const struct turnpike_addr *addr)
{
	const struct addr_cidr host = addr_host(addr);

	return addr_cidr_embeds_v4(&host) || contains(&policy->translated, addr);
}

/* Returns the length of the special-purpose prefix that denies @addr, or -1. */
static int special_bits(const struct turn_policy *policy, const struct turnpike_addr *addr)
{
	unsigned int prefix;
	enum special_net what = special_net_find(addr, &prefix);

	if (what == SPECIAL_NONE || (what == SPECIAL_PRIVATE && policy->private_ok))
		return -1;
	return (int)prefix;
}

/* Returns the length of the prefix that an entry of @allowed must have to permit @addr. */
static int refused_bits(const struct turn_policy *policy, const struct turnpike_addr *addr)
{
	const struct turnpike_addr ip = addr_without_port(addr);
	const int special = special_bits(policy, addr), net = longest(&policy->refused, addr);

	if (bsearch(&ip, policy->own, policy->n_own, sizeof(ip), compare))
		return 8 * (int)addr_len(addr);
	return special > net ? special : net;
}

bool turn_policy_exempts(const struct turn_policy *policy, const struct turnpike_addr *peer)
{
	const int allowed = longest(&policy->allowed, peer);

	return allowed >= 0 && allowed >= refused_bits(policy, peer) && !is_embedding(policy, peer);
}

bool turn_policy_allows(const struct turn_policy *policy, const struct turnpike_addr *peer)
{
	if (is_embedding(policy, peer))
		return false;
	if (turn_policy_exempts(policy, peer))
		return true;
	if (contains(&policy->denied, peer))
		return false;
	return contains(&policy->relays, peer) || refused_bits(policy, peer) < 0;
}

bool turn_policy_is_tunnel(const struct turnpike_addr *addr)
{
	unsigned int prefix;

	return special_net_find(addr, &prefix) == SPECIAL_TUNNEL;
}

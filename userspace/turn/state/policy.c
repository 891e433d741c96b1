/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "private/array_len.h"
#include "turn/state/policy.h"

/** struct cidrs - a growing list */
struct cidrs {
	struct addr_cidr *list;
	size_t n;
};

/** struct turn_policy - the first four lists decide in this order; peers in none are allowed */
struct turn_policy {
	struct cidrs allowed; /* by configuration */
	struct cidrs denied;  /* by configuration */
	struct cidrs relays;  /* external relay addresses, allowed */
	struct cidrs refused; /* built-in and self addresses, denied */
	struct cidrs tunnels;
	struct cidrs embeddings;
};

static const char *const never_peers[] = {
	"0.0.0.0/8",          /* this network */
	"127.0.0.0/8",        /* loopback */
	"169.254.0.0/16",     /* link-local */
	"224.0.0.0/4",        /* multicast */
	"255.255.255.255/32", /* broadcast */
	"::/128",             /* unspecified */
	"::1/128",            /* loopback */
	"fe80::/10",          /* link-local */
	"ff00::/8",           /* multicast */
};

/** RFC 8656 section 21.4 */
static const char *const tunnel_prefixes[] = {
	"192.88.99.0/24", /* 6to4 relays */
	"2001::/32",      /* Teredo */
	"2002::/16",      /* 6to4 */
};

/** IPv6 prefixes whose addresses embed an IPv4 address in the last four bytes. */
static const char *const embedding_prefixes[] = {
	"::ffff:0:0/96", /* IPv4-mapped */
	"::/96",         /* IPv4-compatible */
	"64:ff9b::/96",  /* NAT64 (RFC 6052) */
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

static int add_texts(struct cidrs *cidrs, const char *const *texts, size_t n)
{
	struct addr_cidr cidr;

	for (size_t i = 0; i < n; i++) {
		if (addr_cidr_parse(texts[i], &cidr) || add_all(cidrs, &cidr, 1))
			return -ENOMEM;
	}
	return 0;
}

static int add_host(struct cidrs *cidrs, const struct turnpike_addr *addr)
{
	struct addr_cidr host = {
		.addr = addr_without_port(addr),
		.prefix = 8 * (unsigned int)addr_len(addr),
	};

	return addr_len(addr) > 0 ? add_all(cidrs, &host, 1) : 0;
}

static int add_self(struct turn_policy *policy, const struct turn_config *config)
{
	for (size_t i = 0; i < config->n_self_addrs; i++) {
		if (add_host(&policy->refused, &config->self_addrs[i]))
			return -ENOMEM;
	}
	for (size_t i = 0; i < config->n_relays; i++) {
		const struct turn_relay_address *relay = &config->relays[i];
		bool mapped = relay->external.family != 0;

		if (add_host(&policy->relays, mapped ? &relay->external : &relay->addr) ||
		    add_host(&policy->refused, &relay->addr) ||
		    add_host(&policy->refused, &relay->external))
			return -ENOMEM;
	}
	return 0;
}

static int fill(struct turn_policy *policy, const struct turn_config *config)
{
	if (add_all(&policy->allowed, config->allow, config->n_allow) ||
	    add_all(&policy->denied, config->deny, config->n_deny) || add_self(policy, config) ||
	    add_texts(&policy->refused, never_peers, ARRAY_LEN(never_peers)) ||
	    add_texts(&policy->refused, tunnel_prefixes, ARRAY_LEN(tunnel_prefixes)) ||
	    add_texts(&policy->tunnels, tunnel_prefixes, ARRAY_LEN(tunnel_prefixes)) ||
	    add_texts(&policy->embeddings, embedding_prefixes, ARRAY_LEN(embedding_prefixes)))
		return -ENOMEM;
	return 0;
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

void turn_policy_free(struct turn_policy *policy)
{
	if (!policy)
		return;
	free(policy->allowed.list);
	free(policy->denied.list);
	free(policy->relays.list);
	free(policy->refused.list);
	free(policy->tunnels.list);
	free(policy->embeddings.list);
	free(policy);
}

static bool contains(const struct cidrs *cidrs, const struct turnpike_addr *addr)
{
	for (size_t i = 0; i < cidrs->n; i++) {
		if (addr_cidr_contains(&cidrs->list[i], addr))
			return true;
	}
	return false;
}

static struct turnpike_addr unembed(const struct turn_policy *policy,
				    const struct turnpike_addr *addr)
{
	static const uint8_t unspecified[15];
	struct turnpike_addr v4 = { .family = TURNPIKE_IPV4 };

	if (!contains(&policy->embeddings, addr))
		return *addr;
	/* "::" and "::1" match the IPv4-compatible prefix but embed nothing. */
	if (memcmp(addr->ip, unspecified, sizeof(unspecified)) == 0 && addr->ip[15] <= 1)
		return *addr;
	memcpy(v4.ip, addr->ip + 12, 4);
	return v4;
}

bool turn_policy_allows(const struct turn_policy *policy, const struct turnpike_addr *peer)
{
	struct turnpike_addr ip = unembed(policy, peer);

	if (contains(&policy->allowed, &ip))
		return true;
	if (contains(&policy->denied, &ip))
		return false;
	/* @peer and not @ip: an IPv4 relay address embedded in an IPv6 one is not reachable. */
	return contains(&policy->relays, peer) || !contains(&policy->refused, &ip);
}

bool turn_policy_exempts(const struct turn_policy *policy, const struct turnpike_addr *peer)
{
	struct turnpike_addr ip = unembed(policy, peer);

	return contains(&policy->allowed, &ip);
}

bool turn_policy_is_tunnel(const struct turn_policy *policy, const struct turnpike_addr *addr)
{
	struct turnpike_addr ip = unembed(policy, addr);

	return contains(&policy->tunnels, &ip);
}

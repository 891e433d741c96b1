/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "turn/state/policy.h"

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

/** struct cidrs - a growing list */
struct cidrs {
	struct addr_cidr *list;
	size_t n;
};

struct turn_policy {
	struct cidrs allowed; /* these come first, */
	struct cidrs denied;  /* then these, */
	struct cidrs relays;  /* then these may be peers, */
	struct cidrs refused; /* and these may not */
	struct cidrs tunnels;
	struct cidrs wrappers;
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

/** The last four bytes of these are an IPv4 address. */
static const char *const wrapper_prefixes[] = {
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

static int add_own(struct turn_policy *policy, const struct turn_config *config)
{
	for (size_t i = 0; i < config->n_own; i++) {
		if (add_host(&policy->refused, &config->own[i]))
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
	    add_all(&policy->denied, config->deny, config->n_deny) || add_own(policy, config) ||
	    add_texts(&policy->refused, never_peers, ARRAY_LEN(never_peers)) ||
	    add_texts(&policy->refused, tunnel_prefixes, ARRAY_LEN(tunnel_prefixes)) ||
	    add_texts(&policy->tunnels, tunnel_prefixes, ARRAY_LEN(tunnel_prefixes)) ||
	    add_texts(&policy->wrappers, wrapper_prefixes, ARRAY_LEN(wrapper_prefixes)))
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
	free(policy->wrappers.list);
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

static struct turnpike_addr unwrap(const struct turn_policy *policy,
				   const struct turnpike_addr *addr)
{
	static const uint8_t unspecified[15];
	struct turnpike_addr v4 = { .family = TURNPIKE_IPV4 };

	if (!contains(&policy->wrappers, addr))
		return *addr;
	/* "::" and "::1" look IPv4-compatible, and are not. */
	if (memcmp(addr->ip, unspecified, sizeof(unspecified)) == 0 && addr->ip[15] <= 1)
		return *addr;
	memcpy(v4.ip, addr->ip + 12, 4);
	return v4;
}

bool turn_policy_allows(const struct turn_policy *policy, const struct turnpike_addr *peer)
{
	struct turnpike_addr ip = unwrap(policy, peer);

	if (contains(&policy->allowed, &ip))
		return true;
	if (contains(&policy->denied, &ip))
		return false;
	/* Only by its own name: in a wrapper it is no address that we relay from. */
	return contains(&policy->relays, peer) || !contains(&policy->refused, &ip);
}

bool turn_policy_exempts(const struct turn_policy *policy, const struct turnpike_addr *peer)
{
	struct turnpike_addr ip = unwrap(policy, peer);

	return contains(&policy->allowed, &ip);
}

bool turn_policy_is_tunnel(const struct turn_policy *policy, const struct turnpike_addr *addr)
{
	struct turnpike_addr ip = unwrap(policy, addr);

	return contains(&policy->tunnels, &ip);
}

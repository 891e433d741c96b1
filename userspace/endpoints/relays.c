/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "endpoints/relays.h"

#include <errno.h>

#include "base/array.h"

static int add_relay(struct endpoints *ret, const struct turnpike_addr *addr)
{
	const struct turn_relay_address relay = { .addr = addr_without_port(addr) };
	void *grown = array_append(ret->relays, &ret->n_relays, &relay, sizeof(relay));

	if (!grown)
		return -ENOMEM;
	ret->relays = grown;
	return 0;
}

static int add_named(struct candidates *all)
{
	const struct endpoint_rules *rules = all->rules;
	int err = 0;

	for (size_t i = 0; i < rules->n_relays && !err; i++) {
		struct turnpike_addr found;
		enum endpoint_why why;

		if (candidate_find(all, &rules->relays[i], &found, &why))
			err = add_relay(all->ret, &found);
		else
			err = endpoints_note(all->ret, &rules->relays[i].addr,
					     rules->relays[i].zone, why);
	}
	return err;
}

/* Of the listeners, in the order in which they are configured. */
static const struct turnpike_addr *listener(const struct endpoints *endpoints, size_t i)
{
	return i < endpoints->n_plain ? &endpoints->plain[i]
				      : &endpoints->secure[i - endpoints->n_plain];
}

static size_t n_listeners(const struct endpoints *endpoints)
{
	return endpoints->n_plain + endpoints->n_secure;
}

/* Peers on other networks cannot reach such an address. It is a last resort, and for tests. */
static int add_listeners(struct endpoints *ret, bool local_only)
{
	int err = 0;

	for (size_t i = 0; i < n_listeners(ret) && !err; i++) {
		if (addr_is_local_only(listener(ret, i)) == local_only)
			err = add_relay(ret, listener(ret, i));
	}
	return err;
}

/* Without a private address, @external belongs to any address of its family without another. */
static bool matches(const struct endpoint_rules *rules, const struct turn_relay_address *external,
		    const struct turnpike_addr *relay)
{
	if (external->addr.family)
		return addr_same_ip(&external->addr, relay);
	for (size_t i = 0; i < rules->n_externals; i++) {
		if (addr_same_ip(&rules->externals[i].addr, relay))
			return false;
	}
	return external->external.family == relay->family;
}

static bool was_mapped(const struct endpoints *before, const struct turn_relay_address *external,
		       const struct turnpike_addr *relay)
{
	for (size_t i = 0; before && i < before->n_relays; i++) {
		if (addr_same_ip(&before->relays[i].addr, relay))
			return addr_same_ip(&before->relays[i].external, &external->external);
	}
	return false;
}

/* While the server runs, further addresses may come: the one that has it keeps it. */
static int map_external(struct candidates *all, const struct turn_relay_address *external)
{
	struct turn_relay_address *match = NULL;
	bool is_kept = false;
	size_t n = 0;

	for (size_t i = 0; i < all->ret->n_relays && !is_kept; i++) {
		struct turn_relay_address *relay = &all->ret->relays[i];

		if (!matches(all->rules, external, &relay->addr))
			continue;
		match = relay;
		n++;
		is_kept = was_mapped(all->before, external, &relay->addr);
	}
	if (n == 1 || is_kept) {
		match->external = external->external;
		return 0;
	}
	return endpoints_note(all->ret, &external->external, "",
			      n ? ENDPOINT_AMBIGUOUS : ENDPOINT_NO_RELAY);
}

/* The relay address of @family for clients of @listener: preferably of the same device. */
static struct turnpike_addr choose(const struct candidates *all,
				   const struct turnpike_addr *listener, unsigned int family)
{
	const unsigned int link = candidate_link(all, listener);
	struct turnpike_addr first = { 0 };

	for (size_t i = 0; i < all->ret->n_relays; i++) {
		const struct turnpike_addr *relay = &all->ret->relays[i].addr;

		if (relay->family != family)
			continue;
		if (addr_same_ip(relay, listener))
			return *relay;
		if (!first.family ||
		    (candidate_link(all, &first) != link && candidate_link(all, relay) == link))
			first = *relay;
	}
	return first;
}

static int add_homes(struct candidates *all)
{
	struct endpoints *ret = all->ret;

	for (size_t i = 0; i < n_listeners(ret); i++) {
		const struct turnpike_addr addr = addr_without_port(listener(ret, i));
		const struct turn_home home = {
			.listener = addr,
			.relays = { choose(all, &addr, TURNPIKE_IPV4),
				    choose(all, &addr, TURNPIKE_IPV6) },
		};
		void *grown = array_append(ret->homes, &ret->n_homes, &home, sizeof(home));

		if (!grown)
			return -ENOMEM;
		ret->homes = grown;
	}
	return 0;
}

int relays_resolve(struct candidates *all)
{
	const struct endpoint_rules *rules = all->rules;
	int err = rules->n_relays > 0 ? add_named(all) : add_listeners(all->ret, false);

	if (!err && rules->n_relays == 0 && all->ret->n_relays == 0)
		err = add_listeners(all->ret, true);
	for (size_t i = 0; i < rules->n_externals && !err; i++)
		err = map_external(all, &rules->externals[i]);
	if (!err && rules->n_relays == 0)
		err = add_homes(all);
	return err;
}

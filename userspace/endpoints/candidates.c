/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "endpoints/candidates.h"

#include <string.h>

static bool has(const struct turnpike_addr *list, size_t n, const struct turnpike_addr *addr)
{
	for (size_t i = 0; i < n; i++) {
		if (addr_same_ip(&list[i], addr))
			return true;
	}
	return false;
}

static bool was_served(const struct endpoints *before, const struct turnpike_addr *addr)
{
	return before && (has(before->plain, before->n_plain, addr) ||
			  has(before->secure, before->n_secure, addr));
}

/* Whoever names an address as the private side of a NAT wants to serve it. */
static bool is_mapped(const struct endpoint_rules *rules, const struct turnpike_addr *addr)
{
	for (size_t i = 0; i < rules->n_externals; i++) {
		if (addr_same_ip(&rules->externals[i].addr, addr))
			return true;
	}
	return false;
}

/* Return: whether @address can be bound at all. */
static bool is_usable(const struct host_address *address, enum endpoint_why *why)
{
	if (address->flags & HOST_DADFAILED)
		*why = ENDPOINT_DUPLICATE;
	else if (address->flags & HOST_TENTATIVE)
		*why = ENDPOINT_DETECTING;
	else if (!address->link.up)
		*why = ENDPOINT_LINK_DOWN;
	else
		return true;
	return false;
}

static bool is_inward(const struct host_link *link, enum host_link_kind kind)
{
	return link->kind == kind && !link->is_default && !link->is_uplink;
}

static bool is_promising(const struct host_address *address, enum endpoint_why *why)
{
	if (is_inward(&address->link, HOST_LINK_BRIDGE))
		*why = ENDPOINT_BRIDGE;
	else if (is_inward(&address->link, HOST_LINK_TUNNEL))
		*why = ENDPOINT_TUNNEL;
	else if (!address->link.carrier)
		*why = ENDPOINT_NO_CARRIER;
	else if (address->flags & HOST_TEMPORARY)
		*why = ENDPOINT_TEMPORARY;
	else if (address->flags & HOST_DEPRECATED)
		*why = ENDPOINT_DEPRECATED;
	else
		return true;
	return false;
}

bool candidate_is_good(const struct candidates *all, const struct host_address *address,
		       enum endpoint_why *why)
{
	return is_usable(address, why) &&
	       (was_served(all->before, &address->addr) || is_mapped(all->rules, &address->addr) ||
		is_promising(address, why));
}

bool candidate_is_good_elsewhere(const struct candidates *all, const struct host_address *address)
{
	enum endpoint_why why;

	for (size_t i = 0; i < all->host->n; i++) {
		const struct host_address *other = &all->host->list[i];

		if (addr_equal(&other->addr, &address->addr) && candidate_is_good(all, other, &why))
			return true;
	}
	return false;
}

/* What is_usable() says of a candidate, said of a configured address. */
static enum endpoint_why named(enum endpoint_why why)
{
	switch (why) {
	case ENDPOINT_DUPLICATE:
		return ENDPOINT_DADFAILED;
	case ENDPOINT_DETECTING:
		return ENDPOINT_TENTATIVE;
	default:
		return ENDPOINT_DOWN;
	}
}

static bool is_named(const struct host_address *address, const struct endpoint_name *name)
{
	return addr_same_ip(&address->addr, &name->addr) &&
	       (!name->zone[0] || strcmp(address->link.name, name->zone) == 0);
}

bool candidate_find(const struct candidates *all, const struct endpoint_name *name,
		    struct turnpike_addr *ret, enum endpoint_why *why)
{
	enum endpoint_why problem;

	*why = ENDPOINT_ABSENT;
	for (size_t i = 0; i < all->host->n; i++) {
		const struct host_address *address = &all->host->list[i];

		if (!is_named(address, name))
			continue;
		if (is_usable(address, &problem)) {
			*ret = addr_with_zone(&address->addr, address->link.ifindex);
			return true;
		}
		*why = named(problem);
	}
	*ret = addr_without_port(&name->addr);
	return *why == ENDPOINT_ABSENT && !name->zone[0] && all->rules->can_bind &&
	       all->rules->can_bind(ret);
}

unsigned int candidate_link(const struct candidates *all, const struct turnpike_addr *addr)
{
	const struct turnpike_addr ip = addr_without_zone(addr);

	if (addr_zone(addr))
		return addr_zone(addr);
	for (size_t i = 0; i < all->host->n; i++) {
		if (addr_same_ip(&all->host->list[i].addr, &ip))
			return all->host->list[i].link.ifindex;
	}
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "endpoints/endpoints.h"

#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "endpoints/candidates.h"
#include "endpoints/relays.h"

/** struct listeners - the addresses of one option */
struct listeners {
	struct turnpike_addr **list;
	size_t *n;
};

static int listen_on(struct listeners listeners, const struct turnpike_addr *ip, __be16 port)
{
	struct turnpike_addr addr = *ip;
	void *grown;

	addr.port = port;
	grown = array_append(*listeners.list, listeners.n, &addr, sizeof(addr));
	if (!grown)
		return -ENOMEM;
	*listeners.list = grown;
	return 0;
}

/* By address, not by device: a loopback device may carry addresses that others can reach. */
static bool covers(const struct turnpike_addr *wildcard, const struct turnpike_addr *addr)
{
	return (!wildcard->family || wildcard->family == addr->family) && !addr_is_local_only(addr);
}

/* A note about a candidate has no port, so that it is the same one for all wildcards. */
static int expand(struct candidates *all, const struct turnpike_addr *wildcard,
		  struct listeners listeners)
{
	const size_t before = *listeners.n;
	int err = 0;

	for (size_t i = 0; i < all->host->n && !err; i++) {
		const struct host_address *address = &all->host->list[i];
		enum endpoint_why why;

		if (!covers(wildcard, &address->addr))
			continue;
		if (candidate_is_good(all, address, &why))
			err = listen_on(listeners, &address->addr, wildcard->port);
		else if (!candidate_is_good_elsewhere(all, address))
			err = endpoints_note(all->ret, &address->addr, address->link.name, why);
	}
	if (!err && *listeners.n == before)
		err = endpoints_note(all->ret, wildcard, "", ENDPOINT_NO_ADDRESS);
	return err;
}

static int add_named(struct candidates *all, const struct endpoint_name *name,
		     struct listeners listeners)
{
	struct turnpike_addr found;
	enum endpoint_why why;

	if (candidate_find(all, name, &found, &why))
		return listen_on(listeners, &found, name->addr.port);
	return endpoints_note(all->ret, &name->addr, name->zone, why);
}

static int add_listeners(struct candidates *all, const struct endpoint_name *names, size_t n,
			 struct listeners listeners)
{
	int err = 0;

	for (size_t i = 0; i < n && !err; i++)
		err = endpoint_is_wildcard(&names[i].addr) ? expand(all, &names[i].addr, listeners)
							   : add_named(all, &names[i], listeners);
	return err;
}

int endpoints_resolve(const struct endpoint_rules *rules, const struct host_addresses *host,
		      const struct endpoints *before, struct endpoints *ret)
{
	struct endpoints result = { 0 };
	struct candidates all = { rules, host, before, &result };
	int err = add_listeners(&all, rules->plain, rules->n_plain,
				(struct listeners){ &result.plain, &result.n_plain });

	if (!err)
		err = add_listeners(&all, rules->secure, rules->n_secure,
				    (struct listeners){ &result.secure, &result.n_secure });
	if (!err)
		err = relays_resolve(&all);
	if (err)
		endpoints_free(&result);
	else
		*ret = result;
	return err;
}

void endpoints_free(struct endpoints *endpoints)
{
	free(endpoints->plain);
	free(endpoints->secure);
	free(endpoints->relays);
	free(endpoints->homes);
	free(endpoints->notes);
	*endpoints = (struct endpoints){ 0 };
}

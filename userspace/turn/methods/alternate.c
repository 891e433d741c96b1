/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "turn/methods/alternate.h"

int turn_alternates_set(struct turn_server *server, const struct turnpike_addr *alternates,
			size_t n)
{
	struct turnpike_addr *copy = NULL;

	if (n > 0) {
		copy = calloc(n, sizeof(*copy));
		if (!copy)
			return -ENOMEM;
		memcpy(copy, alternates, n * sizeof(*copy));
	}
	free(server->alternates);
	server->alternates = copy;
	server->n_alternates = n;
	return 0;
}

static size_t count(const struct turn_server *server, unsigned int family)
{
	size_t n = 0;

	for (size_t i = 0; i < server->n_alternates; i++)
		n += server->alternates[i].family == family;
	return n;
}

/** Returns an alternate of @family, uniformly at random, or NULL if there is none. */
static const struct turnpike_addr *choose(const struct turn_server *server, unsigned int family)
{
	size_t i = 0, left;
	uint32_t random;

	server->ops.random(server->ctx, &random, sizeof(random));
	left = (size_t)((uint64_t)random * count(server, family) >> 32);
	for (; i < server->n_alternates; i++) {
		if (server->alternates[i].family == family && left-- == 0)
			return &server->alternates[i];
	}
	return NULL;
}

bool turn_has_alternate(const struct turn_request *request)
{
	return count(request->server, request->tuple->client.family) > 0;
}

void turn_write_alternates(const struct turn_request *request, struct stun_writer *response)
{
	const unsigned int family = request->tuple->client.family;
	/* The client's family first: it is required, the other one is optional. */
	const unsigned int families[] = {
		family,
		family == TURNPIKE_IPV4 ? TURNPIKE_IPV6 : TURNPIKE_IPV4,
	};

	for (size_t i = 0; i < 2; i++) {
		const struct turnpike_addr *addr = choose(request->server, families[i]);

		if (addr)
			stun_write_addr(response, STUN_ATTR_ALTERNATE_SERVER, addr);
	}
}

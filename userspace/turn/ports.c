/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>

#include "turn/ports.h"

#define TAKEN UINT64_MAX

/**
 * struct turn_ports - see ports.h
 * @lo:      the first port
 * @n:       how many there are
 * @free_at: when each is free to be given away, or TAKEN
 */
struct turn_ports {
	uint16_t lo;
	uint32_t n;
	uint64_t free_at[];
};

struct turn_ports *turn_ports_new(uint16_t lo, uint16_t hi)
{
	uint32_t n = hi - lo + 1u;
	struct turn_ports *ports = calloc(1, sizeof(*ports) + n * sizeof(ports->free_at[0]));

	if (!ports)
		return NULL;
	ports->lo = lo;
	ports->n = n;
	return ports;
}

void turn_ports_free(struct turn_ports *ports)
{
	free(ports);
}

static bool is_odd(const struct turn_ports *ports, uint32_t index)
{
	return (ports->lo + index) & 1;
}

int turn_ports_take(struct turn_ports *ports, uint32_t start, bool even, uint64_t now,
		    uint16_t *port)
{
	uint32_t first = start % ports->n;
	uint64_t best_free_at = TAKEN;
	uint32_t best = first;

	for (uint32_t i = 0; i < ports->n && best_free_at > now; i++) {
		uint32_t candidate = (first + i) % ports->n;

		if (ports->free_at[candidate] >= best_free_at || (even && is_odd(ports, candidate)))
			continue;
		best = candidate;
		best_free_at = ports->free_at[candidate];
	}
	if (best_free_at == TAKEN)
		return -ENOSPC;
	ports->free_at[best] = TAKEN;
	*port = (uint16_t)(ports->lo + best);
	return 0;
}

void turn_ports_give(struct turn_ports *ports, uint16_t port, uint64_t free_at)
{
	ports->free_at[port - ports->lo] = free_at;
}

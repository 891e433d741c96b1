/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "turn/ports.h"

#define TAKEN UINT64_MAX

/**
 * struct port - one of them
 * @free_at:    when it is free to be given away, or TAKEN
 * @live_until: asked for with every datagram between clients, so it needs no lock
 */
struct port {
	uint64_t free_at;
	_Atomic uint64_t live_until;
};

/**
 * struct turn_ports - see ports.h
 * @lock: of all @free_at
 * @lo:   the first port
 * @n:    how many there are
 */
struct turn_ports {
	pthread_mutex_t lock;
	uint16_t lo;
	uint32_t n;
	struct port list[];
};

struct turn_ports *turn_ports_new(uint16_t lo, uint16_t hi)
{
	uint32_t n = hi - lo + 1u;
	struct turn_ports *ports = calloc(1, sizeof(*ports) + n * sizeof(ports->list[0]));

	if (!ports)
		return NULL;
	pthread_mutex_init(&ports->lock, NULL);
	ports->lo = lo;
	ports->n = n;
	return ports;
}

void turn_ports_free(struct turn_ports *ports)
{
	if (!ports)
		return;
	pthread_mutex_destroy(&ports->lock);
	free(ports);
}

static bool is_odd(const struct turn_ports *ports, uint32_t index)
{
	return (ports->lo + index) & 1;
}

static int take(struct turn_ports *ports, uint32_t start, bool even, uint64_t now, uint16_t *port)
{
	uint32_t first = start % ports->n;
	uint64_t best_free_at = TAKEN;
	uint32_t best = first;

	for (uint32_t i = 0; i < ports->n && best_free_at > now; i++) {
		uint32_t candidate = (first + i) % ports->n;

		if (ports->list[candidate].free_at >= best_free_at ||
		    (even && is_odd(ports, candidate)))
			continue;
		best = candidate;
		best_free_at = ports->list[candidate].free_at;
	}
	if (best_free_at == TAKEN)
		return -ENOSPC;
	ports->list[best].free_at = TAKEN;
	*port = (uint16_t)(ports->lo + best);
	return 0;
}

int turn_ports_take(struct turn_ports *ports, uint32_t start, bool even, uint64_t now,
		    uint16_t *port)
{
	int err;

	pthread_mutex_lock(&ports->lock);
	err = take(ports, start, even, now, port);
	pthread_mutex_unlock(&ports->lock);
	return err;
}

void turn_ports_set_live(struct turn_ports *ports, uint16_t port, uint64_t until)
{
	atomic_store(&ports->list[port - ports->lo].live_until, until);
}

bool turn_ports_is_live(const struct turn_ports *ports, uint16_t port, uint64_t now)
{
	return port >= ports->lo && (uint32_t)(port - ports->lo) < ports->n &&
	       atomic_load(&ports->list[port - ports->lo].live_until) > now;
}

void turn_ports_give(struct turn_ports *ports, uint16_t port, uint64_t free_at)
{
	pthread_mutex_lock(&ports->lock);
	ports->list[port - ports->lo].free_at = free_at;
	pthread_mutex_unlock(&ports->lock);
}

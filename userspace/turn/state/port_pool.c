/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "turn/state/port_pool.h"

/** Ports tried from a random start. If none of them is free, few are. */
#define PROBES 64

/**
 * struct port - a port
 * @live_until: atomic instead of locked: every datagram between two clients reads it
 * @is_taken:   it is not on the free list
 * @next:       next in the free list; the last entry links to the head
 * @prev:       previous in the free list
 */
struct port {
	_Atomic uint64_t live_until;
	bool is_taken;
	uint16_t next;
	uint16_t prev;
};

/**
 * struct turn_ports - the ports of a relay address
 * @lock:   protects all but port.live_until and @n_free
 * @n_free: number of ports on the free list
 * @lo:     the first port
 * @n:      number of ports; also the index of the free list's head
 * @list:   the ports, then the head of the free list
 */
struct turn_ports {
	pthread_mutex_t lock;
	atomic_uint n_free;
	uint16_t lo;
	uint16_t n;
	struct port list[];
};

/** Appends, so that the ports that were given back longest ago come first. */
static void enlist(struct turn_ports *ports, uint16_t index)
{
	struct port *list = ports->list;

	list[index].is_taken = false;
	list[index].next = ports->n;
	list[index].prev = list[ports->n].prev;
	list[list[ports->n].prev].next = index;
	list[ports->n].prev = index;
	atomic_fetch_add(&ports->n_free, 1);
}

static void delist(struct turn_ports *ports, uint16_t index)
{
	struct port *port = &ports->list[index];

	ports->list[port->prev].next = port->next;
	ports->list[port->next].prev = port->prev;
	port->is_taken = true;
	atomic_fetch_sub(&ports->n_free, 1);
}

struct turn_ports *turn_ports_new(uint16_t lo, uint16_t hi)
{
	uint16_t n = (uint16_t)(hi - lo + 1);
	struct turn_ports *ports = calloc(1, sizeof(*ports) + (n + 1u) * sizeof(ports->list[0]));

	if (!ports)
		return NULL;
	pthread_mutex_init(&ports->lock, NULL);
	ports->lo = lo;
	ports->n = n;
	ports->list[n].next = n;
	ports->list[n].prev = n;
	for (uint16_t index = 0; index < n; index++)
		enlist(ports, index);
	return ports;
}

void turn_ports_free(struct turn_ports *ports)
{
	if (!ports)
		return;
	pthread_mutex_destroy(&ports->lock);
	free(ports);
}

static bool fits(const struct turn_ports *ports, uint16_t index, enum turn_port_kind kind)
{
	if (ports->list[index].is_taken)
		return false;
	if (kind == TURN_PORT_ANY)
		return true;
	if (((ports->lo + index) & 1) != 0)
		return false;
	return kind == TURN_PORT_EVEN || (index + 1 < ports->n && !ports->list[index + 1].is_taken);
}

/** Returns an index, or that of the head if there is none. */
static uint16_t find_at_random(const struct turn_ports *ports, uint32_t start,
			       enum turn_port_kind kind)
{
	for (uint32_t i = 0; i < PROBES && i < ports->n; i++) {
		uint16_t index = (uint16_t)((start % ports->n + i) % ports->n);

		if (fits(ports, index, kind))
			return index;
	}
	return ports->n;
}

/** Returns an index, or that of the head if there is none. */
static uint16_t find_first(const struct turn_ports *ports, enum turn_port_kind kind)
{
	uint16_t index = ports->list[ports->n].next;

	while (index != ports->n && !fits(ports, index, kind))
		index = ports->list[index].next;
	return index;
}

static int take(struct turn_ports *ports, uint32_t start, enum turn_port_kind kind, uint16_t *port)
{
	uint16_t index = find_at_random(ports, start, kind);

	if (index == ports->n)
		index = find_first(ports, kind);
	if (index == ports->n)
		return -ENOSPC;
	delist(ports, index);
	if (kind == TURN_PORT_PAIR)
		delist(ports, (uint16_t)(index + 1));
	*port = (uint16_t)(ports->lo + index);
	return 0;
}

int turn_ports_take(struct turn_ports *ports, uint32_t start, enum turn_port_kind kind,
		    uint16_t *port)
{
	int err;

	pthread_mutex_lock(&ports->lock);
	err = take(ports, start, kind, port);
	pthread_mutex_unlock(&ports->lock);
	return err;
}

uint32_t turn_ports_n_free(const struct turn_ports *ports)
{
	return atomic_load(&ports->n_free);
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

void turn_ports_give(struct turn_ports *ports, uint16_t port)
{
	pthread_mutex_lock(&ports->lock);
	enlist(ports, (uint16_t)(port - ports->lo));
	pthread_mutex_unlock(&ports->lock);
}

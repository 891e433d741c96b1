/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file port_pool.h
 * The ports of a relay address, taken or free. Any thread.
 */
#ifndef TURNPIKE_TURN_STATE_PORT_POOL_H
#define TURNPIKE_TURN_STATE_PORT_POOL_H

#include <stdbool.h>
#include <stdint.h>

struct turn_ports;

/**
 * enum turn_port_kind - which port an allocation wants (RFC 8656 section 7.2)
 * @TURN_PORT_PAIR: an even port, and the next one along with it
 */
enum turn_port_kind {
	TURN_PORT_ANY,
	TURN_PORT_EVEN,
	TURN_PORT_PAIR,
};

/** turn_ports_new() - create the ports @lo to @hi, all free; NULL if out of memory */
struct turn_ports *turn_ports_new(uint16_t lo, uint16_t hi);

/** turn_ports_free() - free @ports; NULL is allowed */
void turn_ports_free(struct turn_ports *ports);

/**
 * turn_ports_take() - take a port, or two
 * @start: a random number: where the search begins (RFC 6056 section 3.3.1). It continues with
 *         the ports that were given back longest ago
 * @port:  the result, in host byte order; of TURN_PORT_PAIR, the first port
 *
 * Return: 0, or -ENOSPC if all ports that fit are taken.
 */
int turn_ports_take(struct turn_ports *ports, uint32_t start, enum turn_port_kind kind,
		    uint16_t *port);

/** turn_ports_n_free() - number of ports that are not taken; takes no lock */
uint32_t turn_ports_n_free(const struct turn_ports *ports);

/** turn_ports_set_live() - mark a taken port as a relayed transport address until @until */
void turn_ports_set_live(struct turn_ports *ports, uint16_t port, uint64_t until);

/** turn_ports_is_live() - whether @port is such an address at @now; it may be out of range */
bool turn_ports_is_live(const struct turn_ports *ports, uint16_t port, uint64_t now);

/** turn_ports_give() - give back a taken port, which anyone may get next: see port_rest.h */
void turn_ports_give(struct turn_ports *ports, uint16_t port);

#endif /* TURNPIKE_TURN_STATE_PORT_POOL_H */

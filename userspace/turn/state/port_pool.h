/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file port_pool.h
 * Which ports of a relay address are taken, free, or not to be given away again just yet. For any
 * thread.
 */
#ifndef TURNPIKE_TURN_STATE_PORT_POOL_H
#define TURNPIKE_TURN_STATE_PORT_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct turn_ports;

/**
 * enum turn_port_kind - what a port has to be like (RFC 8656 section 7.2)
 * @TURN_PORT_PAIR: even, and the next one is taken as well
 */
enum turn_port_kind {
	TURN_PORT_ANY,
	TURN_PORT_EVEN,
	TURN_PORT_PAIR,
};

/** turn_ports_new() - all ports from @lo to @hi, free; return: NULL if there is no memory */
struct turn_ports *turn_ports_new(uint16_t lo, uint16_t hi);

/** turn_ports_are() - whether these are the ports from @lo to @hi */
bool turn_ports_are(const struct turn_ports *ports, uint16_t lo, uint16_t hi);

/** turn_ports_free() - free @ports, which may be NULL */
void turn_ports_free(struct turn_ports *ports);

/**
 * turn_ports_take() - take a port, or two
 * @start: a random number; the search begins there (RFC 6056 section 3.3.1), and
 *         goes on with the ports that have rested longest
 * @port:  the result, in host order; of two, the first
 *
 * A port that is not to be given away yet is taken only if there is no other, and then it is the
 * one that would have been free first.
 *
 * Return: 0, or -ENOSPC if all that will do are taken.
 */
int turn_ports_take(struct turn_ports *ports, uint32_t start, enum turn_port_kind kind,
		    uint64_t now, uint16_t *port);

/** turn_ports_set_live() - a port that was taken is a relayed transport address up to a time */
void turn_ports_set_live(struct turn_ports *ports, uint16_t port, uint64_t until);

/** turn_ports_is_live() - whether any port, of these or not, is such an address at @now */
bool turn_ports_is_live(const struct turn_ports *ports, uint16_t port, uint64_t now);

/** turn_ports_give() - give back a port that was taken; it is free again at the time @free_at */
void turn_ports_give(struct turn_ports *ports, uint16_t port, uint64_t free_at);

#endif /* TURNPIKE_TURN_STATE_PORT_POOL_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A network namespace with eth0, and next hops by its kernel. Nothing is attached: the map is plain
 * memory, read as the programs read it.
 *
 * eth0 has 10.0.0.1 and fd00::1; 10.9.0.0/16 and fd09::/16 are behind 10.0.0.2 and fd00::2.
 */
#ifndef TURNPIKE_TESTS_NETWORK_FIXTURE_H
#define TURNPIKE_TESTS_NETWORK_FIXTURE_H

#include <stdbool.h>

#include "devices/device.h"
#include "net/nexthop.h"

/* Calls of struct nexthop_owner. */
struct calls {
	int changed;
	int rules_changed;
	bool has_tunnels; /* as reported last */
};

extern struct device eth0;
extern struct devices devices;
extern struct nexthops *nexthops;
extern struct calls calls;

/* Enters the namespace. Return: 0, or the exit status of a program that cannot. */
int make_network(void);

/* Says why nothing can be tested. Return: the exit status. */
int cannot_run(const char *why);

/* Runs ip(8). */
bool ip(const char *words);

/* For each test: opens the next hops, and closes them. */
int open_all(void **state);
int close_all(void **state);

struct turnpike_addr addr(const char *text);
struct nexthop *get(const char *local, const char *remote);

/* The element of the map, and the hop that packets use. */
const struct turnpike_nexthop *element_of(const struct nexthop *nexthop);
const struct turnpike_hop *hop_of(const struct nexthop *nexthop);

#endif /* TURNPIKE_TESTS_NETWORK_FIXTURE_H */

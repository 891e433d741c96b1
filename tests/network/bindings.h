/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A handle with bindings in a network namespace of its own. Nothing is attached, and no next hop is
 * resolved.
 */
#ifndef TURNPIKE_TESTS_NETWORK_BINDINGS_H
#define TURNPIKE_TESTS_NETWORK_BINDINGS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <turnpike/turnpike.h>

#include "private/array_len.h"

#define CHANNEL 0x4000

/* The handle of the current test: opened by open_with(), closed by close_it(). */
extern struct turnpike *tp;

void open_with(__u32 max_flows, __u32 max_nexthops, __u32 max_waiting);
int close_it(void **state);

struct turnpike_addr addr(const char *ip, int port);

/* Each number has a client with its own address; all have the same peer. */
struct turnpike_binding binding_of(int number);
int bind_one(int number);
int unbind_one(int number);

/* Return: the exit status of the program. */
int run_in_namespace(const char *what, const struct CMUnitTest *tests, size_t n);

#endif /* TURNPIKE_TESTS_NETWORK_BINDINGS_H */

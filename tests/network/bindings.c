/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE
#include "bindings.h"

#include <arpa/inet.h>
#include <sched.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define SKIPPED 77

struct turnpike *tp;

void open_with(__u32 max_flows, __u32 max_nexthops, __u32 max_waiting)
{
	TURNPIKE_OPTS(turnpike_open_opts, opts, .max_flows = max_flows,
		      .max_nexthops = max_nexthops, .max_waiting = max_waiting);

	assert_int_equal(turnpike_open(&opts, &tp), 0);
}

int close_it(void **state)
{
	(void)state;
	turnpike_close(tp);
	tp = NULL;
	return 0;
}

struct turnpike_addr addr(const char *ip, int port)
{
	struct turnpike_addr addr = { .family = TURNPIKE_IPV4, .port = htons((__u16)port) };

	assert_int_equal(inet_pton(AF_INET, ip, addr.ip), 1);
	return addr;
}

struct turnpike_binding binding_of(int number)
{
	struct timespec now;
	struct turnpike_binding binding = {
		.sz = sizeof(binding),
		.server = addr("10.0.0.1", 3478),
		.relay = addr("10.0.0.1", 50000 + number),
		.peer = addr("10.2.0.1", 9),
		.channel = CHANNEL,
	};
	char client[32];

	snprintf(client, sizeof(client), "10.1.%d.%d", number / 200, number % 200 + 1);
	binding.client = addr(client, 1000);
	clock_gettime(CLOCK_MONOTONIC, &now);
	binding.channel_expires = ((__u64)now.tv_sec + 600) * 1000000000u;
	binding.permission_expires = binding.channel_expires;
	return binding;
}

int bind_one(int number)
{
	const struct turnpike_binding binding = binding_of(number);

	return turnpike_bind(tp, &binding);
}

int unbind_one(int number)
{
	const struct turnpike_binding binding = binding_of(number);

	return turnpike_unbind(tp, &binding);
}

int run_in_namespace(const char *what, const struct CMUnitTest *tests, size_t n)
{
	if (geteuid() != 0 || unshare(CLONE_NEWNET)) {
		printf("SKIPPED %s: no network namespace, run as root\n", what);
		return SKIPPED;
	}
	return _cmocka_run_group_tests(what, tests, n, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A handle accepts structs of other versions, but not unknown members. Needs root; nothing is
 * attached.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include <turnpike/turnpike.h>

#include "private/array_len.h"

#define SKIPPED 77
#define NOBODY  65534

/* The struct of a later version. */
struct later_binding {
	struct turnpike_binding binding;
	__u64 later;
};

static const struct later_binding model = {
	.binding = {
		.sz = sizeof(struct later_binding),
		.client = { .ip = { 192, 0, 2, 7 }, .port = 1, .family = TURNPIKE_IPV4 },
		.server = { .ip = { 192, 0, 2, 1 }, .port = 2, .family = TURNPIKE_IPV4 },
		.relay = { .ip = { 192, 0, 2, 1 }, .port = 3, .family = TURNPIKE_IPV4 },
		.peer = { .ip = { 192, 0, 2, 9 }, .port = 4, .family = TURNPIKE_IPV4 },
		.channel = TURNPIKE_CHANNEL_MIN,
		.channel_expires = UINT64_MAX,
		.permission_expires = UINT64_MAX,
	},
};

static int open_handle(void **state)
{
	TURNPIKE_OPTS(turnpike_open_opts, opts, .max_flows = 16, .max_nexthops = 16,
		      .max_policers = 16);
	struct turnpike *tp;
	const int err = turnpike_open(&opts, &tp);

	*state = err ? NULL : tp;
	return err;
}

static int close_handle(void **state)
{
	turnpike_close(*state);
	return 0;
}

static void test_binding_of_a_later_version(void **state)
{
	struct later_binding later = model;

	assert_int_equal(turnpike_bind(*state, &later.binding), 0);
	assert_int_equal(turnpike_flows(*state), 2);
	assert_int_equal(turnpike_unbind(*state, &later.binding), 0);
	later.later = 1;
	assert_int_equal(turnpike_bind(*state, &later.binding), -E2BIG);
	assert_non_null(strstr(turnpike_error(*state), "turnpike_binding has members"));
	assert_int_equal(turnpike_unbind(*state, &later.binding), -E2BIG);
	assert_int_equal(turnpike_flows(*state), 0);
}

/* An IPv6 socket would send IPv4 to such an address. */
static void test_ipv4_mapped_addresses(void **state)
{
	const struct turnpike_addr mapped = { .ip = { [10] = 0xff, 0xff, 192, 0, 2, 9 },
					      .port = 4,
					      .family = TURNPIKE_IPV6 };
	struct turnpike_binding binding = model.binding;

	binding.sz = sizeof(binding);
	binding.client = binding.server = mapped;
	assert_int_equal(turnpike_bind(*state, &binding), -EINVAL);
	binding = model.binding;
	binding.sz = sizeof(binding);
	binding.relay = binding.peer = mapped;
	assert_int_equal(turnpike_bind(*state, &binding), -EINVAL);
	assert_int_equal(turnpike_flows(*state), 0);
}

static void test_binding_of_an_earlier_version(void **state)
{
	struct turnpike_binding earlier = model.binding;

	/* The struct ends before the policers, which do not exist and would be refused. */
	earlier.sz = offsetof(struct turnpike_binding, to_peer_policer);
	earlier.to_peer_policer = UINT32_MAX;
	earlier.to_client_policer = UINT32_MAX;
	assert_int_equal(turnpike_bind(*state, &earlier), 0);
	assert_int_equal(turnpike_unbind(*state, &earlier), 0);
}

static void test_binding_without_a_size(void **state)
{
	struct turnpike_binding unset = model.binding;

	unset.sz = 0;
	assert_int_equal(turnpike_bind(*state, &unset), -EINVAL);
	assert_non_null(strstr(turnpike_error(*state), "TURNPIKE_OPTS()"));
	unset.sz = SIZE_MAX;
	assert_int_equal(turnpike_unbind(*state, &unset), -EINVAL);
}

/* Addresses are hashed including their padding, and later versions may use it. */
static void test_padding_of_a_binding(void **state)
{
	struct turnpike_binding padded[] = { model.binding, model.binding, model.binding };
	size_t i;

	padded[0].pad[1] = 1;
	padded[1].client.pad = 1;
	padded[2].peer.ip[15] = 1;
	for (i = 0; i < ARRAY_LEN(padded); i++) {
		padded[i].sz = sizeof(padded[i]);
		assert_int_equal(turnpike_bind(*state, &padded[i]), -EINVAL);
	}
	assert_int_equal(turnpike_flows(*state), 0);
}

static void test_policer_opts(void **state)
{
	struct {
		struct turnpike_policer_opts opts;
		__u64 later;
	} later = { { .sz = sizeof(later), .rate = 1000 }, 0 };
	struct turnpike_policer_opts earlier = { .rate = 1, .burst = 1, .parent = UINT32_MAX };
	__u32 policer = 0;

	assert_int_equal(turnpike_policer_new(*state, &later.opts, &policer), 0);
	turnpike_policer_free(*state, policer);
	later.later = 1;
	assert_int_equal(turnpike_policer_new(*state, &later.opts, &policer), -E2BIG);
	/* The struct ends before the parent, which does not exist. */
	earlier.sz = offsetof(struct turnpike_policer_opts, parent);
	assert_int_equal(turnpike_policer_new(*state, &earlier, &policer), 0);
	turnpike_policer_free(*state, policer);
	earlier.sz = sizeof(earlier);
	assert_int_equal(turnpike_policer_new(*state, &earlier, &policer), -EINVAL);
	earlier.parent = 0;
	earlier.unit = TURNPIKE_POLICER_PACKETS + 1;
	assert_int_equal(turnpike_policer_new(*state, &earlier, &policer), -EINVAL);
}

static void test_attach_opts(void **state)
{
	struct turnpike_attach_opts opts = { .sz = sizeof(opts), .pad = 1 };

	assert_int_equal(turnpike_attach(*state, "missing", &opts), -E2BIG);
	assert_int_equal(turnpike_switch(*state, "missing", &opts), -E2BIG);
	opts.sz = 1;
	assert_int_equal(turnpike_attach(*state, "missing", &opts), -EINVAL);
	/* A shorter struct is accepted; then the device does not exist. */
	opts.sz = sizeof(size_t);
	assert_int_equal(turnpike_attach(*state, "missing", &opts), -ENODEV);
}

/* Uses a handle as a user without privileges, and ends as if it were killed. */
static int use_helper(int connection, pid_t helper)
{
	TURNPIKE_OPTS(turnpike_open_opts, opts, .max_flows = 16, .max_nexthops = 16,
		      .max_policers = 16, .connection = connection);
	struct turnpike *tp;

	if (setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY))
		return 1;
	if (turnpike_open(&opts, &tp)) {
		printf("%s\n", turnpike_error(NULL));
		return 2;
	}
	if (turnpike_helper(tp)->pid != (__u32)helper || turnpike_helper(tp)->lost)
		return 3;
	return turnpike_bind(tp, &model.binding) || turnpike_flows(tp) != 2 ? 4 : 0;
}

static int status_of(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* A process of its own has the privileges; it ends with the program. */
static void test_helper_of_its_own(void **state)
{
	int sockets[2];
	pid_t helper, program;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets), 0);
	helper = fork();
	if (helper == 0) {
		close(sockets[0]);
		_exit(turnpike_helper_serve(sockets[1], NULL) ? 1 : 0);
	}
	close(sockets[1]);
	program = fork();
	if (program == 0)
		_exit(use_helper(sockets[0], helper));
	close(sockets[0]);
	assert_int_equal(status_of(program), 0);
	assert_int_equal(status_of(helper), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_binding_of_a_later_version),
		cmocka_unit_test(test_ipv4_mapped_addresses),
		cmocka_unit_test(test_binding_of_an_earlier_version),
		cmocka_unit_test(test_binding_without_a_size),
		cmocka_unit_test(test_padding_of_a_binding),
		cmocka_unit_test(test_policer_opts),
		cmocka_unit_test(test_attach_opts),
		cmocka_unit_test(test_helper_of_its_own),
	};

	if (geteuid() != 0) {
		printf("skipped: needs root\n");
		return SKIPPED;
	}
	return cmocka_run_group_tests(tests, open_handle, close_handle);
}

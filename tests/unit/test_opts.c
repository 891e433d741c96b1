/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Structs of programs that were compiled with another version of turnpike.h.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <turnpike/turnpike.h>

#include "base/opts.h"
#include "private/array_len.h"

/* Two versions of a struct. The later one uses the padding, and is longer. */
struct early {
	size_t sz;
	__u32 first;
	__u32 pad;
};

struct late {
	size_t sz;
	__u32 first;
	__u32 second;
	__u64 third;
};

#define EARLY_KNOWN OPTS_KNOWN(early, first)
#define LATE_KNOWN  OPTS_KNOWN(late, third)

static void test_same_version(void **state)
{
	const struct late opts = { .sz = sizeof(opts), .first = 1, .second = 2, .third = 3 };
	struct late own = { .sz = sizeof(own) };

	(void)state;
	assert_int_equal(opts_copy(&own, LATE_KNOWN, &opts), 0);
	assert_memory_equal(&own, &opts, sizeof(own));
}

static void test_null_is_all_defaults(void **state)
{
	struct late own = { .sz = sizeof(own) };

	(void)state;
	assert_int_equal(opts_copy(&own, LATE_KNOWN, NULL), 0);
	assert_int_equal(own.sz, sizeof(own));
	assert_int_equal(own.first, 0);
	assert_int_equal(own.third, 0);
}

static void test_shorter_is_accepted(void **state)
{
	/* Memory after the caller's struct is not read. */
	const struct {
		struct early opts;
		__u64 behind;
	} caller = { { .sz = sizeof(struct early), .first = 1 }, UINT64_MAX };
	struct late own = { .sz = sizeof(own) };

	(void)state;
	assert_int_equal(opts_copy(&own, LATE_KNOWN, &caller), 0);
	assert_int_equal(own.sz, sizeof(own));
	assert_int_equal(own.first, 1);
	assert_int_equal(own.second, 0);
	assert_int_equal(own.third, 0);
}

static void test_only_a_size_is_accepted(void **state)
{
	const size_t opts = sizeof(opts);
	struct late own = { .sz = sizeof(own) };

	(void)state;
	assert_int_equal(opts_copy(&own, LATE_KNOWN, &opts), 0);
	assert_int_equal(own.first, 0);
}

static void test_longer_with_zero_tail_is_accepted(void **state)
{
	const struct late opts = { .sz = sizeof(opts), .first = 1 };
	struct early own = { .sz = sizeof(own) };

	(void)state;
	assert_int_equal(opts_copy(&own, EARLY_KNOWN, &opts), 0);
	assert_int_equal(own.sz, sizeof(own));
	assert_int_equal(own.first, 1);
}

static void test_unknown_members_are_refused(void **state)
{
	const struct late in_padding = { .sz = sizeof(in_padding), .first = 1, .second = 2 };
	const struct late behind = { .sz = sizeof(behind), .first = 1, .third = 1ull << 63 };
	struct early own = { .sz = sizeof(own) };

	(void)state;
	assert_int_equal(opts_copy(&own, EARLY_KNOWN, &in_padding), -E2BIG);
	assert_int_equal(opts_copy(&own, EARLY_KNOWN, &behind), -E2BIG);
	assert_int_equal(own.first, 0);
}

static void test_sizes_that_cannot_be(void **state)
{
	const size_t sizes[] = { 0, 1, sizeof(size_t) - 1, OPTS_SIZE_MAX + 1, SIZE_MAX };
	struct late opts = { .first = 1 }, own = { .sz = sizeof(own) };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(sizes); i++) {
		opts.sz = sizes[i];
		assert_int_equal(opts_copy(&own, LATE_KNOWN, &opts), -EINVAL);
		assert_int_equal(own.first, 0);
	}
}

/* Padding must consist of members, so that the compiler zeroes it: a later version may use it. The
 * sizes of all members must add up to that of the struct. */
#define ASSERT_NO_HIDDEN_PADDING(type, sum) _Static_assert(sizeof(struct type) == (sum), #type)

ASSERT_NO_HIDDEN_PADDING(turnpike_open_opts,
			 sizeof(size_t) + 12 * sizeof(__u32) + 2 * sizeof(void *));
ASSERT_NO_HIDDEN_PADDING(turnpike_helper_opts,
			 sizeof(size_t) + 2 * sizeof(__u32) + 2 * sizeof(void *));
ASSERT_NO_HIDDEN_PADDING(turnpike_attach_opts, sizeof(size_t) + 4 * sizeof(__u32));
ASSERT_NO_HIDDEN_PADDING(turnpike_policer_opts,
			 sizeof(size_t) + 3 * sizeof(__u64) + 2 * sizeof(__u32));
ASSERT_NO_HIDDEN_PADDING(turnpike_binding, sizeof(size_t) + 5 * sizeof(struct turnpike_addr) +
						   4 * sizeof(__u16) + 2 * sizeof(__u64) +
						   3 * sizeof(__u32));

static int no_helper(const struct turnpike_helper_info *helper, void *arg)
{
	(void)helper;
	(void)arg;
	return -EPERM;
}

/* The options are checked before a handle exists. */
static void test_open_refuses_with_a_sentence(void **state)
{
	struct {
		struct turnpike_open_opts opts;
		__u64 later;
	} newer = { { .sz = sizeof(newer) }, 1 };
	struct turnpike_open_opts unset = { 0 };
	TURNPIKE_OPTS(turnpike_open_opts, two_helpers, .helper = no_helper);
	struct turnpike *tp = NULL;

	(void)state;
	assert_int_equal(turnpike_open(&newer.opts, &tp), -E2BIG);
	assert_int_equal(errno, E2BIG);
	assert_non_null(strstr(turnpike_error(NULL), "turnpike_open_opts has members"));
	assert_non_null(strstr(turnpike_error(NULL), TURNPIKE_VERSION));
	assert_int_equal(turnpike_open(&unset, &tp), -EINVAL);
	assert_non_null(strstr(turnpike_error(NULL), "TURNPIKE_OPTS()"));
	two_helpers.connection = dup(STDERR_FILENO);
	assert_int_equal(turnpike_open(&two_helpers, &tp), -EINVAL);
	assert_non_null(strstr(turnpike_error(NULL), "one helper at most"));
	assert_int_equal(close(two_helpers.connection), -1); /* it was the handle's */
	assert_null(tp);
}

static void test_version(void **state)
{
	(void)state;
	assert_int_equal(turnpike_version(), TURNPIKE_VERSION_NUM);
	assert_true(TURNPIKE_MAKE_VERSION(0, 2, 0) > TURNPIKE_MAKE_VERSION(0, 1, 255));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_version),
		cmocka_unit_test(test_null_is_all_defaults),
		cmocka_unit_test(test_shorter_is_accepted),
		cmocka_unit_test(test_only_a_size_is_accepted),
		cmocka_unit_test(test_longer_with_zero_tail_is_accepted),
		cmocka_unit_test(test_unknown_members_are_refused),
		cmocka_unit_test(test_sizes_that_cannot_be),
		cmocka_unit_test(test_open_refuses_with_a_sentence),
		cmocka_unit_test(test_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

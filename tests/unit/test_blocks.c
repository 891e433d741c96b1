/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The list of blocks, and the sets of it that the workers use. Memory may be short. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

#include "base/clock.h"
#include "base/log.h"
#include "process/blocks.h"

#define SOON_NS 1000000

/* What the only worker uses, how many times it was told so, and what was logged. */
static struct {
	const struct block_set *set;
	unsigned int changes;
	unsigned int ended;
	bool is_short;
} seen;

struct fixture {
	struct event_base *base;
	struct blocks *blocks;
};

void turn_io_block(struct turn_io *io, const struct block_set *blocked)
{
	(void)io;
	seen.set = blocked;
	seen.changes++;
}

void workers_each(struct workers *workers, void (*fn)(struct turn_io *io, void *arg), void *arg)
{
	(void)workers;
	fn(NULL, arg);
}

void log_event(enum log_level level, const char *event, const char *message,
	       const struct log_field *fields, size_t n_fields)
{
	(void)level;
	(void)message;
	(void)fields;
	assert_string_equal(event, "unblocked");
	assert_true(n_fields > 0);
	seen.ended++;
}

struct block_set *__real_block_set_new(const struct block *list, size_t n);
struct block_set *__wrap_block_set_new(const struct block *list, size_t n);

struct block_set *__wrap_block_set_new(const struct block *list, size_t n)
{
	return seen.is_short ? NULL : __real_block_set_new(list, n);
}

static struct block user(const char *name, uint64_t until)
{
	struct block block = { .until = until };

	strcpy(block.user, name);
	return block;
}

static int add(struct fixture *f, const char *name, uint64_t until)
{
	const struct block block = user(name, until);

	return blocks_add(f->blocks, &block);
}

static int remove_user(struct fixture *f, const char *name)
{
	const struct block block = user(name, 0);

	return blocks_remove(f->blocks, &block);
}

static size_t listed(const struct fixture *f)
{
	size_t n;

	blocks_list(f->blocks, &n);
	return n;
}

static int setup(void **state)
{
	static struct fixture f;

	memset(&seen, 0, sizeof(seen));
	f.base = event_base_new();
	assert_non_null(f.base);
	assert_int_equal(blocks_open(f.base, NULL, &f.blocks), 0);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	const struct fixture *f = *state;

	blocks_close(f->blocks);
	event_base_free(f->base);
	return 0;
}

static void test_changes(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(add(f, "alice", TURN_NEVER), 0);
	assert_int_equal(add(f, "bob", TURN_NEVER), 0);
	assert_true(block_set_has_user(seen.set, "alice"));
	assert_true(block_set_has_user(seen.set, "bob"));
	assert_int_equal(remove_user(f, "alice"), 0);
	assert_false(block_set_has_user(seen.set, "alice"));
	assert_true(block_set_has_user(seen.set, "bob"));
	assert_int_equal(remove_user(f, "bob"), 0);
	assert_null(seen.set);
	assert_int_equal(seen.changes, 4);
	assert_int_equal(remove_user(f, "bob"), -ENOENT);
	assert_int_equal(seen.changes, 4);
	assert_int_equal(seen.ended, 0);
}

/* The second one only changes the end. */
static void test_again(void **state)
{
	const uint64_t until = clock_now() + 3600 * NS_PER_S;
	struct fixture *f = *state;
	const struct block *list;
	size_t n;

	assert_int_equal(add(f, "alice", TURN_NEVER), 0);
	assert_int_equal(add(f, "alice", until), 0);
	list = blocks_list(f->blocks, &n);
	assert_int_equal(n, 1);
	assert_true(list[0].until == until);
}

static void test_limit(void **state)
{
	struct fixture *f = *state;
	char name[TURN_USERNAME_SIZE];

	for (int i = 0; i < BLOCKS_MAX; i++) {
		snprintf(name, sizeof(name), "user-%d", i);
		assert_int_equal(add(f, name, TURN_NEVER), 0);
	}
	assert_int_equal(add(f, "alice", TURN_NEVER), -ENOSPC);
	assert_false(block_set_has_user(seen.set, "alice"));
	assert_int_equal(listed(f), BLOCKS_MAX);
	assert_int_equal(add(f, name, clock_now() + 3600 * NS_PER_S), 0);
	assert_int_equal(remove_user(f, "user-0"), 0);
	assert_int_equal(add(f, "alice", TURN_NEVER), 0);
	assert_true(block_set_has_user(seen.set, "alice"));
	assert_true(block_set_has_user(seen.set, name));
}

/* Those with an end go, one after the other, and the others stay. */
static void test_ends(void **state)
{
	struct fixture *f = *state;
	const uint64_t now = clock_now();

	assert_int_equal(add(f, "later", now + 2 * SOON_NS), 0);
	assert_int_equal(add(f, "never", TURN_NEVER), 0);
	assert_int_equal(add(f, "soon", now + SOON_NS), 0);
	while (listed(f) > 1)
		assert_int_equal(event_base_loop(f->base, EVLOOP_ONCE), 0);
	assert_int_equal(seen.ended, 2);
	assert_true(clock_now() >= now + 2 * SOON_NS);
	assert_true(block_set_has_user(seen.set, "never"));
	assert_false(block_set_has_user(seen.set, "soon"));
	assert_false(block_set_has_user(seen.set, "later"));
	/* Nothing is left to wait for. */
	assert_int_equal(event_base_loop(f->base, EVLOOP_ONCE), 1);
}

/* Without memory, nothing changes. */
static void test_short_of_memory(void **state)
{
	struct fixture *f = *state;
	const struct block_set *before;
	const struct block *list;
	size_t n;

	assert_int_equal(add(f, "alice", TURN_NEVER), 0);
	assert_int_equal(add(f, "bob", TURN_NEVER), 0);
	before = seen.set;
	seen.is_short = true;
	assert_int_equal(add(f, "carol", TURN_NEVER), -ENOMEM);
	assert_int_equal(add(f, "alice", 1), -ENOMEM);
	assert_int_equal(remove_user(f, "alice"), -ENOMEM);
	assert_ptr_equal(seen.set, before);
	list = blocks_list(f->blocks, &n);
	assert_int_equal(n, 2);
	assert_true(list[0].until == TURN_NEVER && list[1].until == TURN_NEVER);
	seen.is_short = false;
	assert_int_equal(remove_user(f, "alice"), 0);
	assert_int_equal(remove_user(f, "bob"), 0);
	assert_null(seen.set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_changes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(test_short_of_memory, setup, teardown),
	};

	return cmocka_run_group_tests_name("blocks", tests, NULL, NULL);
}

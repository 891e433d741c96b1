/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which sessions a request is about. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/addr.h"
#include "control/session_filter.h"
#include "private/array_len.h"

static int read_text(const char *text, struct session_filter *filter)
{
	json_t *request = json_loads(text, 0, NULL);
	int err;

	assert_non_null(request);
	err = session_filter_read(request, filter);
	json_decref(request);
	return err;
}

static struct turnpike_addr addr(const char *text)
{
	struct turnpike_addr result;

	assert_int_equal(addr_parse(text, &result), 0);
	return result;
}

static struct turn_allocation_info session(void)
{
	return (struct turn_allocation_info){
		.id = 7,
		.tuple.client = addr("192.0.2.1:5000"),
		.username = "1893456000:carol",
		.account = "carol",
	};
}

/* Each row is a request, and whether it finds the session. */
static void test_matches(void **state)
{
	static const struct {
		const char *request;
		bool wanted;
	} rows[] = {
		{ "{}", true },
		{ "{\"user\": \"carol\"}", true },
		{ "{\"user\": \"1893456000:carol\"}", true },
		{ "{\"user\": \"1893456000\"}", false },
		{ "{\"user\": \"caro\"}", false },
		{ "{\"user\": \"carol2\"}", false },
		{ "{\"client\": \"192.0.2.1\"}", true },
		{ "{\"client\": \"192.0.2.1:5000\"}", true },
		{ "{\"client\": \"192.0.2.1:5001\"}", false },
		{ "{\"client\": \"192.0.2.2\"}", false },
		{ "{\"client\": \"::ffff:192.0.2.2\"}", false },
		{ "{\"client\": \"2001:db8::1\"}", false },
		{ "{\"id\": 7}", true },
		{ "{\"id\": 8}", false },
		{ "{\"user\": \"carol\", \"client\": \"192.0.2.1\", \"id\": 7}", true },
		{ "{\"user\": \"carol\", \"client\": \"192.0.2.1\", \"id\": 8}", false },
		{ "{\"user\": \"carol\", \"client\": \"192.0.2.9\", \"id\": 7}", false },
		{ "{\"user\": \"bob\", \"client\": \"192.0.2.1\", \"id\": 7}", false },
		{ "{\"something\": \"else\"}", true },
	};
	const struct turn_allocation_info info = session();
	struct session_filter filter;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(read_text(rows[i].request, &filter), 0);
		if (session_filter_matches(&filter, &info) != rows[i].wanted)
			fail_msg("%s", rows[i].request);
	}
}

static void test_invalid(void **state)
{
	static const char *const requests[] = {
		"{\"user\": \"\"}",    "{\"user\": 5}",       "{\"user\": null}",
		"{\"client\": \"x\"}", "{\"client\": \"\"}",  "{\"client\": 5}",
		"{\"id\": 0}",         "{\"id\": -1}",        "{\"id\": \"7\"}",
		"{\"id\": 7.5}",       "{\"user\": [\"a\"]}",
	};
	struct session_filter filter;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		if (read_text(requests[i], &filter) != -EINVAL)
			fail_msg("%s", requests[i]);
	}
}

static void test_longest_user(void **state)
{
	char name[TURN_USERNAME_SIZE + 1];
	struct session_filter filter;
	json_t *request;

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	request = json_pack("{s:s}", "user", name);
	assert_int_equal(session_filter_read(request, &filter), -EINVAL);
	json_object_set_new(request, "user", json_string(name + 1));
	assert_int_equal(session_filter_read(request, &filter), 0);
	assert_string_equal(filter.user, name + 1);
	json_decref(request);
}

static void test_empty(void **state)
{
	struct session_filter filter;

	(void)state;
	assert_int_equal(read_text("{\"command\": \"sessions\"}", &filter), 0);
	assert_true(session_filter_is_empty(&filter));
	assert_int_equal(read_text("{\"user\": \"a\"}", &filter), 0);
	assert_false(session_filter_is_empty(&filter));
	assert_int_equal(read_text("{\"client\": \"192.0.2.1\"}", &filter), 0);
	assert_false(session_filter_is_empty(&filter));
	assert_int_equal(read_text("{\"id\": 1}", &filter), 0);
	assert_false(session_filter_is_empty(&filter));
}

/* Zones are not part of what operators name. */
static void test_prefix(void **state)
{
	struct turn_allocation_info info = session();
	struct session_filter filter = { 0 };

	(void)state;
	assert_int_equal(addr_cidr_parse("192.0.2.0/24", &filter.prefix), 0);
	assert_true(session_filter_matches(&filter, &info));
	info.tuple.client = addr("192.0.3.1:5000");
	assert_false(session_filter_matches(&filter, &info));
	assert_int_equal(addr_cidr_parse("fe80::/10", &filter.prefix), 0);
	assert_false(session_filter_matches(&filter, &info));
	info.tuple.client = addr("[fe80::1]:5000");
	assert_true(session_filter_matches(&filter, &info));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matches),      cmocka_unit_test(test_invalid),
		cmocka_unit_test(test_longest_user), cmocka_unit_test(test_empty),
		cmocka_unit_test(test_prefix),
	};

	return cmocka_run_group_tests_name("session_filter", tests, NULL, NULL);
}

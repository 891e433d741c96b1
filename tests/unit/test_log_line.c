/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One event is one line, for any bytes in a username. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/log_line.h"
#include "private/array_len.h"

static char *formatted(enum log_format form, enum log_level level, const char *message,
		       const struct log_field *fields, size_t n)
{
	const struct log_line line = {
		.level = level,
		.event = "tested",
		.message = message,
		.fields = fields,
		.n_fields = n,
		.time = { .tv_sec = 951782399, .tv_nsec = 7654321 },
	};
	char *text = log_line_format(&line, form);

	assert_non_null(text);
	return text;
}

static void check(enum log_format form, enum log_level level, const char *message,
		  const struct log_field *fields, size_t n, const char *wanted)
{
	char *text = formatted(form, level, message, fields, n);

	assert_string_equal(text, wanted);
	free(text);
}

static void test_levels(void **state)
{
	(void)state;
	check(LOG_PLAIN, LOG_ERROR, "text", NULL, 0, "turnpike: error: text\n");
	check(LOG_PLAIN, LOG_WARNING, "text", NULL, 0, "turnpike: warning: text\n");
	check(LOG_PLAIN, LOG_INFO, "text", NULL, 0, "turnpike: text\n");
	check(LOG_PLAIN, LOG_DEBUG, "text", NULL, 0, "turnpike: text\n");
	check(LOG_JOURNAL, LOG_ERROR, "text", NULL, 0, "<3>turnpike: error: text\n");
	check(LOG_JOURNAL, LOG_WARNING, "text", NULL, 0, "<4>turnpike: warning: text\n");
	check(LOG_JOURNAL, LOG_INFO, "text", NULL, 0, "<6>turnpike: text\n");
	check(LOG_JOURNAL, LOG_DEBUG, "text", NULL, 0, "<7>turnpike: text\n");
}

static void test_fields(void **state)
{
	static const struct log_field fields[] = {
		{ "user", "alice", 0 },
		{ "lifetime", NULL, UINT32_MAX },
		{ "client", "[2001:db8::1]:3478", 0 },
		{ "empty", "", 0 },
		{ "spaced", "a b", 0 },
	};

	(void)state;
	check(LOG_PLAIN, LOG_INFO, "made", fields, 5,
	      "turnpike: made user=alice lifetime=4294967295 client=[2001:db8::1]:3478 empty=\"\" "
	      "spaced=\"a b\"\n");
	check(LOG_JSON, LOG_INFO, "made", fields, 2,
	      "{\"time\":\"2000-02-28T23:59:59.007Z\",\"level\":\"info\",\"event\":\"tested\","
	      "\"message\":\"made\",\"user\":\"alice\",\"lifetime\":4294967295}\n");
}

/* Values and their quoted forms. */
static const struct {
	const char *text;
	const char *plain;
	const char *utf8; /* in JSON; NULL: @text */
} names[] = {
	{ "a\nturnpike: forged", "\"a\\nturnpike: forged\"", NULL },
	{ "a\r\t\x1b[31m", "\"a\\r\\t\\u001B[31m\"", NULL },
	{ "\"", "\"\\\"\"", NULL },
	{ "back\\slash", "\"back\\\\slash\"", NULL },
	{ "a user=root", "\"a user=root\"", NULL },
	{ "a=b", "\"a=b\"", NULL },
	{ "J\xc3\xbcrgen", "\"J\\u00FCrgen\"", NULL },
	{ "\xe2\x80\xae", "\"\\u202E\"", NULL }, /* right-to-left override */
	{ "\xf0\x9f\x98\x80", "\"\\uD83D\\uDE00\"", NULL },
	{ "bad\xff\x80", "\"bad\\u00FF\\u0080\"", "bad\xc3\xbf\xc2\x80" },
	{ "\xc0\x80\n", "\"\\u00C0\\u0080\\n\"", "\xc3\x80\xc2\x80\n" },
};

static void test_escapes(void **state)
{
	char wanted[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct log_field field = { "user", names[i].text, 0 };

		strcpy(wanted, "turnpike: made user=");
		strcat(strcat(wanted, names[i].plain), "\n");
		check(LOG_PLAIN, LOG_INFO, "made", &field, 1, wanted);
	}
}

static void test_json_parses_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct log_field field = { "user", names[i].text, 0 };
		const char *wanted = names[i].utf8 ? names[i].utf8 : names[i].text;
		char *text = formatted(LOG_JSON, LOG_WARNING, names[i].text, &field, 1);
		json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

		assert_non_null(object);
		assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
		assert_int_equal(json_object_size(object), 5);
		assert_string_equal(json_string_value(json_object_get(object, "user")), wanted);
		assert_string_equal(json_string_value(json_object_get(object, "message")), wanted);
		assert_string_equal(json_string_value(json_object_get(object, "level")), "warning");
		json_decref(object);
		free(text);
	}
}

static void test_a_message_is_one_line(void **state)
{
	(void)state;
	check(LOG_PLAIN, LOG_ERROR, "there is no\ndevice\x1b", NULL, 0,
	      "turnpike: error: there is no device \n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_json_parses_back),
		cmocka_unit_test(test_a_message_is_one_line),
	};

	return cmocka_run_group_tests_name("log_line", tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* OpaqueString, RFC 8265 section 4.2, on the classes of RFC 8264. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "private/array_len.h"
#include "stun/opaque_string.h"

static void expect(const char *text, const char *expected)
{
	char *result = NULL;

	assert_int_equal(stun_opaque_string(text, &result), 0);
	assert_string_equal(result, expected);
	free(result);
}

static void refuse(const char *text)
{
	char *result = NULL;

	assert_int_equal(stun_opaque_string(text, &result), -EINVAL);
	assert_null(result);
}

/* RFC 8265 section 4.3, tables 3 and 4. */
static void test_examples(void **state)
{
	(void)state;
	expect("correct horse battery staple", "correct horse battery staple");
	expect("Correct Horse Battery Staple", "Correct Horse Battery Staple");
	expect("\u03c0\u00df\u00e5", "\u03c0\u00df\u00e5");
	expect("Jack of \u2666s", "Jack of \u2666s");
	expect("foo\u1680bar", "foo bar");
	refuse("");
	refuse("my cat is a \tby");
}

static void test_spaces(void **state)
{
	static const char *const spaces[] = { " ",      "\u00a0", "\u1680", "\u2000", "\u2009",
					      "\u200a", "\u202f", "\u205f", "\u3000" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(spaces); i++)
		expect(spaces[i], " ");
}

/* Canonical composition, no compatibility mapping, no change of case or width. */
static void test_normalization(void **state)
{
	(void)state;
	expect("e\u0301", "\u00e9");
	expect("\u212b", "\u00c5");
	expect("\u1100\u1161", "\uac00");
	expect("q\u0323\u0307", "q\u0323\u0307");
	expect("q\u0307\u0323", "q\u0323\u0307");
	expect("\uff21\u2168\u00aa\ufb01", "\uff21\u2168\u00aa\ufb01");
	expect("\U0001f511\u00c4\u00e4", "\U0001f511\u00c4\u00e4");
}

/* RFC 8264 section 8: code points that FreeformClass excludes. */
static void test_disallowed(void **state)
{
	static const char *const texts[] = {
		"\x01",   "\n",     "\x7f",       "\xc2\x80",    "\u00ad",     "\u0600", "\u115f",
		"\u1100", "\u200b", "\u200e",     "\u2028",      "\u2060",     "\ue000", "\ufeff",
		"\uffff", "\ufdd0", "\U000e0001", "\U00010ffff", "\U000e0100", "\u0378", "\u0640",
		"\u07fa", "\u302e", "\u3031",     "\u3035",      "\u303b",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		refuse(texts[i]);
}

static void test_utf8(void **state)
{
	static const char *const texts[] = {
		"\x80",
		"\xc3",
		"\xc0\xaf",
		"\xe0\x80\xaf",
		"\xed\xa0\x80",
		("a\xff"
		 "b"),
		"\xf4\x90\x80\x80",
		"\xf8\x88\x80\x80\x80",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		refuse(texts[i]);
	assert_true(stun_is_utf8("a\u00e9", 3));
	assert_false(stun_is_utf8("a\u00e9", 2));
	assert_false(stun_is_utf8("a\0b", 3));
	assert_true(stun_is_utf8("", 0));
}

/* RFC 5892 appendix A: each rule, satisfied and violated. */
static void test_context(void **state)
{
	static const struct {
		const char *good;
		const char *bad;
	} rows[] = {
		{ "\u0915\u094d\u200c\u0937", "a\u200cb" },           /* A.1: virama */
		{ "\u0628\u200c\u0628", "\u0627\u200c\u0628" },       /* A.1: joining types */
		{ "\u0628\u064b\u200c\u064b\u0627", "\u200c\u0628" }, /* transparent between */
		{ "\u0915\u094d\u200d\u0937", "\u0915\u200d\u0937" }, /* A.2 */
		{ "l\u00b7l", "l\u00b7a" },                           /* A.3 */
		{ "\u0375\u03b1", "\u0375a" },                        /* A.4 */
		{ "\u05d0\u05f3", "a\u05f3" },                        /* A.5 */
		{ "\u05d0\u05f4", "\u05f4\u05d0" },                   /* A.6 */
		{ "\u30de\u30fb\u30c8", "a\u30fbb" },                 /* A.7 */
		{ "\u6f22\u30fb", "\u30fb" },                         /* A.7: Han */
		{ "\u0660\u0669", "\u0660\u06f9" },                   /* A.8 */
		{ "\u06f0\u06f9", "\u06f0\u0669" },                   /* A.9 */
		{ "\u06fd\u0f0b\u3007\u03c2", "\u07fa" },             /* the exceptions */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		expect(rows[i].good, rows[i].good);
		refuse(rows[i].bad);
	}
	/* Normalization turns it into a middle dot, which is what the rule checks. */
	expect("l\u0387l", "l\u00b7l");
	refuse("a\u0387a");
}

/*
 * RFC 8489 appendix B.1 maps its password to "TheMatrIX", as SASLprep of RFC 5389 did. OpaqueString
 * has no compatibility mapping and disallows soft hyphens.
 */
static void test_vector_of_stun(void **state)
{
	(void)state;
	refuse("The\u00adM\u00aatr\u2168");
	expect("TheM\u00aatr\u2168", "TheM\u00aatr\u2168");
	expect("\u30de\u30c8\u30ea\u30c3\u30af\u30b9", "\u30de\u30c8\u30ea\u30c3\u30af\u30b9");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples),       cmocka_unit_test(test_spaces),
		cmocka_unit_test(test_normalization),  cmocka_unit_test(test_disallowed),
		cmocka_unit_test(test_utf8),           cmocka_unit_test(test_context),
		cmocka_unit_test(test_vector_of_stun),
	};

	return cmocka_run_group_tests_name("opaque string", tests, NULL, NULL);
}

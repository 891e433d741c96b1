/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* URIs of TURN servers: RFC 7065. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "check/uri.h"
#include "private/array_len.h"

#define UDP  (1u << TURN_UDP)
#define TCP  (1u << TURN_TCP)
#define TLS  (1u << TURN_TLS)
#define DTLS (1u << TURN_DTLS)

static const struct {
	const char *text;
	const char *host;
	uint16_t port;
	unsigned int transports;
	bool chosen;
} valid[] = {
	{ "turn:example.org", "example.org", 3478, UDP | TCP, false },
	{ "turns:example.org", "example.org", 5349, TLS | DTLS, false },
	{ "turn:example.org:80", "example.org", 80, UDP | TCP, false },
	{ "turn:example.org?transport=udp", "example.org", 3478, UDP, true },
	{ "turn:example.org:1?transport=tcp", "example.org", 1, TCP, true },
	{ "turns:example.org:443?transport=tcp", "example.org", 443, TLS, true },
	{ "turns:192.0.2.1:65535?transport=udp", "192.0.2.1", 65535, DTLS, true },
	{ "turn:[2001:db8::1]", "2001:db8::1", 3478, UDP | TCP, false },
	{ "turn:[2001:db8::1]:5000?transport=udp", "2001:db8::1", 5000, UDP, true },
	{ "TURNS:Example.ORG?Transport=TCP", "Example.ORG", 5349, TLS, true },
};

static const char *const invalid[] = {
	"",
	"turn",
	"turn:",
	"example.org",
	"stun:example.org",
	"turn://example.org",
	"turn:user@example.org",
	"turn:example.org/",
	"turn:example.org:",
	"turn:example.org:0",
	"turn:example.org:65536",
	"turn:example.org:123456",
	"turn:example.org:34x",
	"turn:example.org?",
	"turn:example.org?transport=sctp",
	"turn:example.org?transport=udp&x=y",
	"turn:example.org?transport=udpx",
	"turn:2001:db8::1",
	"turn:[2001:db8::1",
	"turn:[2001:db8::1]x",
	"turn:[example.org]",
	"turn:[]",
	"turn:exa mple",
	"turn:ex\033ample",
};

static void test_valid(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(valid); i++) {
		struct check_uri uri;

		print_message("%s\n", valid[i].text);
		assert_int_equal(check_uri_parse(valid[i].text, &uri), 0);
		assert_string_equal(uri.host, valid[i].host);
		assert_int_equal(uri.port, valid[i].port);
		assert_int_equal(uri.transports, valid[i].transports);
		assert_int_equal(uri.chosen, valid[i].chosen);
	}
}

static void test_invalid(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(invalid); i++) {
		struct check_uri uri = { .port = 7 };

		print_message("%s\n", invalid[i]);
		assert_int_equal(check_uri_parse(invalid[i], &uri), -EINVAL);
		assert_int_equal(uri.port, 7);
	}
}

static void test_longest_name(void **state)
{
	char text[sizeof("turn:") + CHECK_HOST_MAX + 1] = "turn:";
	struct check_uri uri;

	(void)state;
	memset(text + 5, 'a', CHECK_HOST_MAX);
	assert_int_equal(check_uri_parse(text, &uri), 0);
	text[5 + CHECK_HOST_MAX] = 'a';
	assert_int_equal(check_uri_parse(text, &uri), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_invalid),
		cmocka_unit_test(test_longest_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

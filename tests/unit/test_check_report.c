/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a check reports, and how it explains errors. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/x509_vfy.h>

#include "base/addr.h"
#include "check/credentials.h"
#include "check/explain.h"
#include "check/report.h"
#include "private/array_len.h"

static const struct check_row here = { "binding", "udp 192.0.2.1:3478" };

/* The report. */

static const struct {
	const char *statuses; /* o, w, c, u, s */
	enum check_status worst;
	const char *summary;
} cases[] = {
	{ "", CHECK_UNKNOWN, "UNKNOWN - turn:x: 0 checks passed" },
	{ "o", CHECK_OK, "OK - turn:x: 1 checks passed" },
	{ "oso", CHECK_OK, "OK - turn:x: 2 checks passed" },
	{ "s", CHECK_UNKNOWN, "UNKNOWN - turn:x: 0 checks passed" },
	{ "ow", CHECK_WARNING, "WARNING - turn:x: udp 192.0.2.1:3478 binding: row 1" },
	{ "uw", CHECK_WARNING, "WARNING - turn:x: udp 192.0.2.1:3478 binding: row 1" },
	{ "ouo", CHECK_UNKNOWN, "UNKNOWN - turn:x: udp 192.0.2.1:3478 binding: row 1" },
	{ "wcuoc", CHECK_CRITICAL,
	  "CRITICAL - turn:x: udp 192.0.2.1:3478 binding: row 1 (and 1 more)" },
};

static enum check_status status_of(char letter)
{
	return (enum check_status)(strchr("owcus", letter) - "owcus");
}

static void test_summary(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_t *report = json_array(), *document;

		for (int row = 0; cases[i].statuses[row]; row++)
			check_report_add(report, &here, status_of(cases[i].statuses[row]), NULL,
					 "row %d", row);
		assert_int_equal(check_report_worst(report), cases[i].worst);
		document = check_report_document("turn:x", report);
		assert_string_equal(json_string_value(json_object_get(document, "summary")),
				    cases[i].summary);
		assert_string_equal(json_string_value(json_object_get(document, "status")),
				    check_status_name(cases[i].worst));
		json_decref(document);
		json_decref(report);
	}
}

/* Whatever a server sends: neither an escape sequence, nor invalid UTF-8, which JSON cannot have.
 */
static void test_strangers_text(void **state)
{
	char text[600];
	json_t *report = json_array();
	const char *what;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	check_report_add(report, &here, CHECK_OK, NULL, "%s", "a\033[2J\n\xff\xc3\xa4\x9b");
	check_report_add(report, &here, CHECK_OK, NULL, "%s", text);
	assert_int_equal(json_array_size(report), 2);
	what = json_string_value(json_object_get(json_array_get(report, 0), "what"));
	assert_string_equal(what, "a?[2J?????");
	what = json_string_value(json_object_get(json_array_get(report, 1), "what"));
	assert_in_range(strlen(what), 100, sizeof(text) - 2);
	json_decref(report);
}

static void test_values(void **state)
{
	json_t *report = json_array(), *values;

	(void)state;
	check_report_add(report, &here, CHECK_OK, NULL, "first");
	check_report_add(report, &here, CHECK_OK, NULL, "last");
	check_report_measure(report, json_pack("{s:i}", "days", 7));
	assert_null(json_object_get(json_array_get(report, 0), "values"));
	values = json_object_get(json_array_get(report, 1), "values");
	assert_int_equal(json_integer_value(json_object_get(values, "days")), 7);
	json_decref(report);
}

/* Explanations. */

static void expect_finding(struct check_finding finding, const char *what, const char *remedy)
{
	assert_non_null(finding.what);
	assert_non_null(finding.remedy);
	print_message("%s\n", finding.what);
	assert_non_null(strstr(finding.what, what));
	assert_non_null(strstr(finding.remedy, remedy));
}

static const struct {
	enum stun_method method;
	unsigned int code;
	const char *what;
	const char *remedy;
} codes[] = {
	{ TURN_ALLOCATE, 300, "another one", "alternate servers" },
	{ TURN_ALLOCATE, 401, "credentials", "password" },
	{ TURN_ALLOCATE, 403, "client or user", "blocked" },
	{ TURN_CREATE_PERMISSION, 403, "peer", "denied-peer-ip" },
	{ TURN_CHANNEL_BIND, 403, "peer", "deny-peer" },
	{ TURN_ALLOCATE, 437, "already", "load balancer" },
	{ TURN_REFRESH, 437, "does not know", "load balancer" },
	{ TURN_REFRESH, 438, "stale", "load balancer" },
	{ TURN_REFRESH, 441, "another user", "load balancer" },
	{ TURN_ALLOCATE, 442, "UDP", "no-udp-relay" },
	{ TURN_ALLOCATE, 486, "quota", "user-quota" },
	{ TURN_ALLOCATE, 508, "no port", "relay-ports" },
	{ TURN_ALLOCATE, 699, "does not define", "log" },
};

static void test_codes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		expect_finding(check_explain_code(codes[i].method, codes[i].code), codes[i].what,
			       codes[i].remedy);
}

static const struct {
	enum turn_transport transport;
	unsigned int family;
	int err;
	const char *what;
	const char *remedy;
} silences[] = {
	{ TURN_UDP, TURNPIKE_IPV4, -ETIMEDOUT, "no answer by UDP", "Open the UDP port" },
	{ TURN_DTLS, TURNPIKE_IPV4, -ETIMEDOUT, "DTLS", "serve DTLS" },
	{ TURN_TCP, TURNPIKE_IPV4, -ETIMEDOUT, "no answer by TCP", "Open the TCP port" },
	{ TURN_UDP, TURNPIKE_IPV6, -ETIMEDOUT, "no answer by IPv6", "AAAA" },
	{ TURN_UDP, TURNPIKE_IPV6, -ENETUNREACH, "this machine has no route to IPv6", "-4" },
	{ TURN_UDP, TURNPIKE_IPV4, -ENETUNREACH, "no route to the server", "routes" },
	{ TURN_TCP, TURNPIKE_IPV4, -ECONNREFUSED, "nothing listens", "Start the server" },
	{ TURN_TLS, TURNPIKE_IPV4, -EPROTO, "not TLS", "listen-tls" },
	{ TURN_TCP, TURNPIKE_IPV6, -EBADMSG, "not TURN", "proxy" },
	{ TURN_TCP, TURNPIKE_IPV4, -EPIPE, "closed", "load balancer" },
	{ TURN_TCP, TURNPIKE_IPV4, -ELOOP, "failed", "log" },
};

static void test_silences(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(silences); i++)
		expect_finding(check_explain_silence(silences[i].transport, silences[i].family,
						     silences[i].err),
			       silences[i].what, silences[i].remedy);
}

static void test_faults(void **state)
{
	(void)state;
	expect_finding(check_explain_fault(X509_V_ERR_CERT_HAS_EXPIRED, 2), "expired", "Renew");
	expect_finding(check_explain_fault(X509_V_ERR_HOSTNAME_MISMATCH, 2), "another name",
		       "name that clients use");
	expect_finding(check_explain_fault(X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, 1),
		       "self-signed", "public authority");
	expect_finding(check_explain_fault(X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, 1),
		       "intermediate", "fullchain.pem");
	expect_finding(check_explain_fault(X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, 2),
		       "trusts", "public authority");
}

static struct turnpike_addr address(const char *text)
{
	struct turnpike_addr addr;

	assert_int_equal(addr_parse(text, &addr), 0);
	return addr;
}

static const struct {
	const char *relayed;
	const char *server;
	const char *what; /* NULL: nothing is wrong */
} relayed[] = {
	{ "8.8.4.4:50000", "8.8.8.8:3478", NULL },
	{ "10.0.0.1:50000", "10.0.0.1:3478", NULL },
	{ "8.8.8.8:50000", "10.0.0.1:3478", NULL },
	{ "10.0.0.1:50000", "8.8.8.8:3478", "private" },
	{ "192.168.0.1:50000", "8.8.8.8:3478", "private" },
	{ "100.64.0.1:50000", "8.8.8.8:3478", "private" },
	{ "[fd00::1]:50000", "[2600::1]:3478", "private" },
	{ "0.0.0.0:50000", "10.0.0.1:3478", "no peer can reach" },
	{ "127.0.0.1:50000", "8.8.8.8:3478", "no peer can reach" },
	{ "127.0.0.1:50000", "127.0.0.1:3478", NULL },
	{ "169.254.1.1:50000", "10.0.0.1:3478", "no peer can reach" },
	{ "[::]:50000", "[fd00::1]:3478", "no peer can reach" },
};

static void test_relayed_addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(relayed); i++) {
		const struct turnpike_addr a = address(relayed[i].relayed);
		const struct turnpike_addr b = address(relayed[i].server);
		const struct check_finding finding = check_explain_relayed(&a, &b);

		print_message("%s of %s\n", relayed[i].relayed, relayed[i].server);
		if (relayed[i].what)
			expect_finding(finding, relayed[i].what, "external-ip");
		else
			assert_null(finding.what);
	}
}

static void test_unreachable(void **state)
{
	const struct turnpike_addr server = address("192.0.2.1:3478");
	const struct turnpike_addr same = address("192.0.2.1:50000");
	const struct turnpike_addr elsewhere = address("192.0.2.2:50000");

	(void)state;
	expect_finding(check_explain_unreachable(&same, &server), "no datagram",
		       "Open the relay ports");
	expect_finding(check_explain_unreachable(&elsewhere, &server), "not that of the server",
		       "Correct external-ip");
}

static const struct {
	struct check_echo echo;
	enum check_status status;
	const char *remedy;
} echoes[] = {
	{ { .sent = 50, .received = 50, .rtt_ms = 299.9 }, CHECK_OK, NULL },
	{ { .sent = 50, .received = 50, .rtt_ms = 300 }, CHECK_WARNING, "nearer" },
	{ { .sent = 50, .received = 49, .rtt_ms = 1 }, CHECK_WARNING, "limits of bandwidth" },
	{ { .sent = 50, .received = 46, .rtt_ms = 1 }, CHECK_WARNING, "limits of bandwidth" },
	{ { .sent = 50, .received = 45, .rtt_ms = 1 }, CHECK_CRITICAL, "limits of bandwidth" },
	{ { .sent = 50, .received = 0 }, CHECK_CRITICAL, "hairpin" },
};

static void test_echoes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(echoes); i++) {
		const char *remedy;

		assert_int_equal(check_explain_echo(&echoes[i].echo, 300, 10, &remedy),
				 echoes[i].status);
		if (echoes[i].remedy)
			assert_non_null(strstr(remedy, echoes[i].remedy));
		else
			assert_null(remedy);
	}
}

static void test_age(void **state)
{
	(void)state;
	assert_int_equal(check_credentials_age("alice"), 0);
	assert_int_equal(check_credentials_age("12345"), 0);
	assert_int_equal(check_credentials_age("99999999999:alice"), 0);
	assert_in_range(check_credentials_age("1700000000:alice"), 1, UINT32_MAX);
}

/* A name that does not fit is left out, and shorter ones may follow. */
static void test_certificate_names(void **state)
{
	char names[CHECK_NAMES_MAX] = "", longer[CHECK_NAMES_MAX];

	(void)state;
	memset(longer, 'x', sizeof(longer));
	check_certificate_add_name(names, "a.example", 9);
	check_certificate_add_name(names, longer, sizeof(longer) - 9 - 2);
	assert_string_equal(names, "a.example");
	check_certificate_add_name(names, longer, sizeof(longer) - 9 - 2 - 1);
	assert_int_equal(strlen(names), CHECK_NAMES_MAX - 1);
	check_certificate_add_name(names, "b", 1);
	assert_int_equal(strlen(names), CHECK_NAMES_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_summary),
		cmocka_unit_test(test_strangers_text),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_silences),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_relayed_addresses),
		cmocka_unit_test(test_unreachable),
		cmocka_unit_test(test_echoes),
		cmocka_unit_test(test_age),
		cmocka_unit_test(test_certificate_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

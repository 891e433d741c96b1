/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The formats of metrics, byte by byte, and the part of HTTP that carries them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "metrics/exposition.h"
#include "metrics/http.h"
#include "private/array_len.h"

static void expect(struct evbuffer *buffer, const char *wanted)
{
	assert_int_equal(evbuffer_get_length(buffer), strlen(wanted));
	assert_memory_equal(evbuffer_pullup(buffer, -1), wanted, strlen(wanted));
	evbuffer_drain(buffer, strlen(wanted));
}

/* A metric of each type, as @out demands. */
static void write_all(struct exposition *out)
{
	const struct metric_label labels[] = { { "path", "kernel" }, { "direction", "to-peer" } };
	const struct metric_label version = { "version", "1.2" };

	exposition_metric(out, "x_bytes_total", METRIC_COUNTER, "Bytes");
	exposition_sample(out, labels, 2, UINT64_MAX);
	exposition_metric(out, "x_used", METRIC_GAUGE, "Use");
	exposition_sample(out, NULL, 0, 0);
	exposition_metric(out, "x_build_info", METRIC_INFO, "The version");
	exposition_sample(out, &version, 1, 1);
	exposition_metric(out, "turn_x_rcvp", METRIC_ALIAS, "Datagrams");
	exposition_sample(out, NULL, 0, 7);
	assert_int_equal(exposition_end(out), 0);
}

static void test_text(void **state)
{
	struct exposition out = { .output = evbuffer_new() };

	(void)state;
	write_all(&out);
	expect(out.output,
	       "# HELP x_bytes_total Bytes.\n"
	       "# TYPE x_bytes_total counter\n"
	       "x_bytes_total{path=\"kernel\",direction=\"to-peer\"} 18446744073709551615\n"
	       "# HELP x_used Use.\n"
	       "# TYPE x_used gauge\n"
	       "x_used 0\n"
	       "# HELP x_build_info The version.\n"
	       "# TYPE x_build_info gauge\n"
	       "x_build_info{version=\"1.2\"} 1\n"
	       "# HELP turn_x_rcvp Datagrams.\n"
	       "# TYPE turn_x_rcvp counter\n"
	       "turn_x_rcvp 7\n");
	evbuffer_free(out.output);
}

/* A counter is named without _total, its samples with it, and the document has an end. */
static void test_openmetrics(void **state)
{
	struct exposition out = { .output = evbuffer_new(), .is_openmetrics = true };

	(void)state;
	write_all(&out);
	expect(out.output,
	       "# HELP x_bytes Bytes.\n"
	       "# TYPE x_bytes counter\n"
	       "x_bytes_total{path=\"kernel\",direction=\"to-peer\"} 18446744073709551615\n"
	       "# HELP x_used Use.\n"
	       "# TYPE x_used gauge\n"
	       "x_used 0\n"
	       "# HELP x_build The version.\n"
	       "# TYPE x_build info\n"
	       "x_build_info{version=\"1.2\"} 1\n"
	       "# HELP turn_x_rcvp Datagrams.\n"
	       "# TYPE turn_x_rcvp unknown\n"
	       "turn_x_rcvp 7\n"
	       "# EOF\n");
	evbuffer_free(out.output);
}

static void test_escaping(void **state)
{
	static const char *const values[][2] = {
		{ "", "" },   { "\\", "\\\\" },         { "a\"b\nc", "a\\\"b\\nc" },
		{ "ü", "ü" }, { "ü\xff\"", "???\\\"" }, /* not UTF-8 */
	};
	struct exposition out = { .output = evbuffer_new() };
	char wanted[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		const struct metric_label label = { "file", values[i][0] };

		out.name = "x";
		exposition_sample(&out, &label, 1, 1);
		snprintf(wanted, sizeof(wanted), "x{file=\"%s\"} 1\n", values[i][1]);
		expect(out.output, wanted);
	}
	evbuffer_free(out.output);
}

static int read_all(const char *text, struct http_request *request)
{
	struct evbuffer *input = evbuffer_new();
	int err;

	evbuffer_add(input, text, strlen(text));
	err = http_read(input, request);
	evbuffer_free(input);
	return err;
}

static void test_requests(void **state)
{
	static const struct {
		const char *text;
		int err;
		const char *method;
		const char *path;
		bool wants_openmetrics;
	} requests[] = {
		{ "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 0, "GET", "/metrics", false },
		{ "HEAD /a?b=c HTTP/1.0\r\n\r\n", 0, "HEAD", "/a", false },
		{ "GET / HTTP/1.1\r\naccept: text/plain, application/openmetrics-text;version=1.0.0\r\n\r\n",
		  0, "GET", "/", true },
		{ "GET / HTTP/1.1\r\nX-Accept: application/openmetrics-text\r\n\r\n", 0, "GET", "/",
		  false },
		{ "PROPFIND / HTTP/1.1\r\n\r\n", 0, "PROPFIN", "/", false },
		{ "", -EAGAIN, NULL, NULL, false },
		{ "GET / HTTP/1.1\r\nHost: x\r\n", -EAGAIN, NULL, NULL, false },
		{ "\r\n\r\n", -EBADMSG, NULL, NULL, false },
		{ "GET /\r\n\r\n", -EBADMSG, NULL, NULL, false },
		{ "GET / HTTP/2\r\n\r\n", -EBADMSG, NULL, NULL, false },
		{ "GET http://x/ HTTP/1.1\r\n\r\n", -EBADMSG, NULL, NULL, false },
		{ " / HTTP/1.1\r\n\r\n", 0, "", "/", false },
	};
	struct http_request request;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		assert_int_equal(read_all(requests[i].text, &request), requests[i].err);
		if (requests[i].err)
			continue;
		assert_string_equal(request.method, requests[i].method);
		assert_string_equal(request.path, requests[i].path);
		assert_int_equal(request.wants_openmetrics, requests[i].wants_openmetrics);
	}
}

/* A path that does not fit is cut, and is none of ours. */
static void test_long_path(void **state)
{
	struct http_request request;
	char text[256] = "GET /metrics";

	(void)state;
	memset(text + 12, 'x', 200);
	strcpy(text + 212, " HTTP/1.1\r\n\r\n");
	assert_int_equal(read_all(text, &request), 0);
	assert_int_equal(strlen(request.path), sizeof(request.path) - 1);
}

static void test_responses(void **state)
{
	struct evbuffer *output = evbuffer_new(), *body = evbuffer_new();

	(void)state;
	evbuffer_add(body, "ok\n", 3);
	assert_int_equal(http_write(output, HTTP_OK, "text/plain", body, 3), 0);
	expect(output, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n"
		       "Cache-Control: no-store\r\nConnection: close\r\n\r\nok\n");
	assert_int_equal(http_write(output, HTTP_METHOD_NOT_ALLOWED, "text/plain", NULL, 0), 0);
	expect(output,
	       "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD\r\nContent-Type: text/plain\r\n"
	       "Content-Length: 0\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n");
	evbuffer_free(output);
	evbuffer_free(body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),      cmocka_unit_test(test_openmetrics),
		cmocka_unit_test(test_escaping),  cmocka_unit_test(test_requests),
		cmocka_unit_test(test_long_path), cmocka_unit_test(test_responses),
	};

	return cmocka_run_group_tests_name("exposition", tests, NULL, NULL);
}

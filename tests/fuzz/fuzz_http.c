/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Requests to the metrics: whatever comes, and in whatever pieces, the result is the same. */
#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "metrics/http.h"

static unsigned long long incomplete, invalid, requests, openmetrics, queries, cut;

/* In two pieces. @left: bytes that were not taken. */
static int read_in_pieces(const uint8_t *data, size_t size, size_t first,
			  struct http_request *request, size_t *left)
{
	struct evbuffer *input = evbuffer_new();
	int err;

	if (!input || evbuffer_add(input, data, first))
		abort();
	err = http_read(input, request);
	if (err == -EAGAIN) {
		must(evbuffer_get_length(input) == first, "an incomplete request stays");
		evbuffer_add(input, data + first, size - first);
		err = http_read(input, request);
		first = size;
	}
	*left = size - first + evbuffer_get_length(input);
	evbuffer_free(input);
	return err;
}

/* The header by a simple implementation, with its end; 0: there is none. */
static size_t header_len(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i + 4 <= size; i++) {
		if (memcmp(data + i, "\r\n\r\n", 4) == 0)
			return i + 4;
	}
	return 0;
}

static void count(const uint8_t *data, const struct http_request *request)
{
	requests++;
	openmetrics += request->wants_openmetrics;
	queries += memchr(data, '?', strcspn((const char *)data, "\r\n")) != NULL;
	cut += strlen(request->path) == sizeof(request->path) - 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_request whole, other;
	const size_t len = header_len(data, size);
	size_t left, left_of_other;
	int err;

	if (size == 0)
		return 0;
	err = read_in_pieces(data, size, size, &whole, &left);
	must(err == 0 || err == -EAGAIN || err == -EBADMSG, "no other error");
	must((err == -EAGAIN) == (len == 0), "a request ends with an empty line");
	must(read_in_pieces(data, size, data[size - 1] % size, &other, &left_of_other) == err,
	     "pieces do not matter");
	if (err) {
		incomplete += err == -EAGAIN;
		invalid += err == -EBADMSG;
		return 0;
	}
	must(memcmp(&whole, &other, sizeof(whole)) == 0, "the request does not depend on pieces");
	must(*whole.path == '/' && !strchr(whole.path, '?'), "a path without a query");
	must(memcmp(data, whole.method, strlen(whole.method)) == 0, "the method comes first");
	count(data, &whole);
	return 0;
}

int fuzz_missed(void)
{
	return missed("incomplete", incomplete) + missed("invalid", invalid) +
	       missed("requests", requests) + missed("for OpenMetrics", openmetrics) +
	       missed("with a query", queries) + missed("with a path that is cut", cut);
}

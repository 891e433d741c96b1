/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "metrics/http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define END_OF_HEADER "\r\n\r\n"

static const char *phrase(enum http_status status)
{
	switch (status) {
	case HTTP_OK:
		return "OK";
	case HTTP_BAD_REQUEST:
		return "Bad Request";
	case HTTP_NOT_FOUND:
		return "Not Found";
	case HTTP_METHOD_NOT_ALLOWED:
		return "Method Not Allowed";
	case HTTP_UNAVAILABLE:
		return "Service Unavailable";
	}
	return "";
}

/* "GET /metrics?name=value HTTP/1.1". Other versions have another syntax. */
static int read_first_line(const char *line, struct http_request *request)
{
	const char *target = strchr(line, ' '), *version = target ? strchr(target + 1, ' ') : NULL;

	if (!version || strncmp(version + 1, "HTTP/1.", 7) != 0 || target[1] != '/')
		return -EBADMSG;
	snprintf(request->method, sizeof(request->method), "%.*s", (int)(target - line), line);
	snprintf(request->path, sizeof(request->path), "%.*s", (int)(version - target - 1),
		 target + 1);
	request->path[strcspn(request->path, "?")] = '\0';
	return 0;
}

/* RFC 9110 section 12.5.1, except for weights: whoever lists OpenMetrics prefers it. */
static void read_field(const char *line, struct http_request *request)
{
	static const char name[] = "Accept:";

	if (strncasecmp(line, name, sizeof(name) - 1) == 0 &&
	    strstr(line, "application/openmetrics-text"))
		request->wants_openmetrics = true;
}

static int read_lines(struct evbuffer *input, struct http_request *request)
{
	char *line = evbuffer_readln(input, NULL, EVBUFFER_EOL_CRLF);
	int err = line ? read_first_line(line, request) : -ENOMEM;

	while (line && *line) {
		free(line);
		line = evbuffer_readln(input, NULL, EVBUFFER_EOL_CRLF);
		if (line)
			read_field(line, request);
	}
	free(line);
	return err;
}

int http_read(struct evbuffer *input, struct http_request *request)
{
	const struct evbuffer_ptr end =
		evbuffer_search(input, END_OF_HEADER, strlen(END_OF_HEADER), NULL);

	*request = (struct http_request){ 0 };
	return end.pos < 0 ? -EAGAIN : read_lines(input, request);
}

int http_write(struct evbuffer *output, enum http_status status, const char *type,
	       struct evbuffer *body, size_t len)
{
	const char *allow = status == HTTP_METHOD_NOT_ALLOWED ? "Allow: GET, HEAD\r\n" : "";

	if (evbuffer_add_printf(output,
				"HTTP/1.1 %d %s\r\n%sContent-Type: %s\r\nContent-Length: %zu\r\n"
				"Cache-Control: no-store\r\nConnection: close\r\n\r\n",
				(int)status, phrase(status), allow, type, len) < 0)
		return -ENOMEM;
	return body && evbuffer_add_buffer(output, body) ? -ENOMEM : 0;
}

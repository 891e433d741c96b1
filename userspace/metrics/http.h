/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file http.h
 * As much of HTTP/1.1 (RFC 9112) as monitoring needs: one request without a body for each
 * connection, which the server closes.
 */
#ifndef TURNPIKE_METRICS_HTTP_H
#define TURNPIKE_METRICS_HTTP_H

#include <event2/buffer.h>
#include <stdbool.h>

/** The longest request line with its header fields, in bytes. */
#define HTTP_REQUEST_MAX 8192

/** enum http_status - the status codes that the server uses */
enum http_status {
	HTTP_OK = 200,
	HTTP_BAD_REQUEST = 400,
	HTTP_NOT_FOUND = 404,
	HTTP_METHOD_NOT_ALLOWED = 405,
	HTTP_UNAVAILABLE = 503,
};

/**
 * struct http_request - a request; texts that do not fit are cut
 * @method:           as sent
 * @path:             without the query
 * @wants_openmetrics: Accept lists application/openmetrics-text
 */
struct http_request {
	char method[8];
	char path[64];
	bool wants_openmetrics;
};

/**
 * http_read() - take a request out of @input
 *
 * Return: 0, -EAGAIN if its header is incomplete, -EBADMSG if it is none of HTTP/1, or -ENOMEM.
 */
int http_read(struct evbuffer *input, struct http_request *request);

/**
 * http_write() - append a response to @output
 * @type: of the contents, for Content-Type
 * @body: moved to the response; NULL: only its head, for HEAD
 * @len:  of the body, in bytes
 *
 * Return: 0 or -ENOMEM.
 */
int http_write(struct evbuffer *output, enum http_status status, const char *type,
	       struct evbuffer *body, size_t len);

#endif /* TURNPIKE_METRICS_HTTP_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file service.h
 * A service at a listening stream socket. A client sends one request and receives one answer; then
 * the server closes the connection.
 *
 * All connections are served in a thread of their own. An answer is made in pieces: the next one
 * once the client has read the one before. So a large answer takes little memory, and a client that
 * does not read takes no time. A client is disconnected if its request is not complete, or a piece
 * is not read, within seconds, or if it is the one that has kept silent for longest when there are
 * too many.
 */
#ifndef TURNPIKE_CONTROL_SERVICE_H
#define TURNPIKE_CONTROL_SERVICE_H

#include <event2/buffer.h>
#include <stdbool.h>

#include "process/loop.h"

struct service;
struct control_client;

/**
 * struct control_answer - an answer in the making
 * @next:     append the next piece to @output: some bytes, at most about 64 KB. Return: 1 if there
 *            are more, 0 if it was the last one, or a negative errno, which ends the connection. If
 *            it clears @is_ready, it has appended nothing, and is called again later
 * @leave:    the client has gone: end what others do for the answer. Return: whether it can be
 * freed now; otherwise control_ready() will say so. NULL: it can whenever @is_ready
 * @free:     free the answer, in whatever state it is
 * @is_ready: @next can be called; otherwise control_ready() will say so
 * @is_endless: its client may have to give way at any time when there are too many
 */
struct control_answer {
	int (*next)(struct control_answer *answer, struct evbuffer *output);
	bool (*leave)(struct control_answer *answer);
	void (*free)(struct control_answer *answer);
	bool is_ready;
	bool is_endless;
	struct control_client *client; /* private */
};

/**
 * struct service_protocol - how requests are read
 * @request_max: longest request in bytes
 * @end:         what follows the last piece of an answer
 * @begin:       take a whole request out of @input, and begin an answer, in the thread of the
 *               service, without blocking. @fd: the connection. Return: 0, -EAGAIN if the request
 *               is incomplete, or another negative errno, which ends the connection
 */
struct service_protocol {
	size_t request_max;
	const char *end;
	int (*begin)(void *arg, int fd, struct evbuffer *input, struct control_answer **answer);
};

/**
 * service_open() - prepare to serve
 * @fd:       non-blocking and listening; belongs to the service, even if this fails
 * @protocol: not copied
 * @arg:      passed to its @begin
 *
 * Return: 0 or a negative errno.
 */
int service_open(int fd, const struct service_protocol *protocol, void *arg, struct service **ret);

/** service_start() - start the thread; @name as for loop_start(). Return: 0 or a negative errno. */
int service_start(struct service *service, const char *name);

/** service_loop() - the loop of the thread */
struct loop *service_loop(const struct service *service);

/** control_ready() - let the pieces of an answer be made; in the thread of the service */
void control_ready(struct control_answer *answer);

/** control_text() - an answer that is this text, copied; NULL: out of memory */
struct control_answer *control_text(const char *text);

/** service_stop() - stop the thread. Answers stay, as others may still work at them. */
void service_stop(struct service *service);

/** service_close() - free all answers; accepts NULL */
void service_close(struct service *service);

#endif /* TURNPIKE_CONTROL_SERVICE_H */

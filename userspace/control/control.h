/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file control.h
 * The control socket. A client sends one line of JSON and receives one JSON document; then the
 * server closes the connection.
 *
 * All connections are served in a thread of their own. An answer is made in pieces: the next one
 * once the client has read the one before. So a large answer takes little memory, and a client that
 * does not read takes no time. A client is disconnected if a piece is not read within seconds, or
 * if it is the one that has kept silent for longest when there are too many.
 */
#ifndef TURNPIKE_CONTROL_CONTROL_H
#define TURNPIKE_CONTROL_CONTROL_H

#include <event2/buffer.h>
#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "process/loop.h"

struct control;
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
 */
struct control_answer {
	int (*next)(struct control_answer *answer, struct evbuffer *output);
	bool (*leave)(struct control_answer *answer);
	void (*free)(struct control_answer *answer);
	bool is_ready;
	struct control_client *client; /* private */
};

/**
 * struct control_command - a command that clients may send
 * @name:    the "command" of the request
 * @changes: it changes something: the request is logged, with the client's process and user
 * @begin:   begin an answer, in the thread of the socket, without blocking. Return: the answer, or
 *           NULL for an invalid request
 */
struct control_command {
	const char *name;
	bool changes;
	struct control_answer *(*begin)(void *arg, const json_t *request);
};

/** struct control_path - where to listen, and the owner and group of the socket; -1: unchanged */
struct control_path {
	const char *path;
	uid_t uid;
	gid_t gid;
};

/**
 * control_open() - listen
 * @commands: an array that ends with a nameless command; not copied
 * @arg:      passed to each @begin
 *
 * Replaces the socket of a server that has ended. Errors are logged.
 *
 * Return: 0 or a negative errno.
 */
int control_open(const struct control_path *at, const struct control_command *commands, void *arg,
		 struct control **ret);

/** control_start() - start the thread that serves clients; errors are logged */
int control_start(struct control *control);

/** control_loop() - the loop of the thread */
struct loop *control_loop(const struct control *control);

/** control_ready() - let the pieces of an answer be made; in the thread of the socket */
void control_ready(struct control_answer *answer);

/** control_write() - append a document to @output. Return: 0 or -ENOMEM; @document is freed. */
int control_write(struct evbuffer *output, json_t *document);

/** control_write_members() - the same for an object, without its braces */
int control_write_members(struct evbuffer *output, json_t *object);

/** control_stop() - stop the thread. Answers stay, as others may still work at them. */
void control_stop(struct control *control);

/**
 * control_close() - free all answers, and remove the socket; accepts NULL
 *
 * If the directory is not writable, the socket stays, and the next server replaces it.
 */
void control_close(struct control *control);

#endif /* TURNPIKE_CONTROL_CONTROL_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file control.h
 * The control socket. A client sends one line of JSON and receives one JSON document.
 */
#ifndef TURNPIKE_CONTROL_CONTROL_H
#define TURNPIKE_CONTROL_CONTROL_H

#include <jansson.h>
#include <sys/types.h>

#include "control/service.h"

struct control;

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

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file control.h
 * The control socket: a line of JSON in, a document of JSON out, and the connection is closed.
 */
#ifndef TURNPIKE_CONTROL_CONTROL_H
#define TURNPIKE_CONTROL_CONTROL_H

#include <event2/event.h>
#include <jansson.h>

#include "process/privileges.h"

struct control;

/**
 * control_open() - listen at @path
 * @owner:  whose the socket is
 * @answer: gets a request, an object with a "command"; Return: a document that is the caller's, or
 * NULL if there is no such command
 *
 * The socket of a server that is no more is replaced. On error a sentence has been said.
 *
 * Return: 0 or a negative errno.
 */
int control_open(struct event_base *base, const char *path, const struct privileges *owner,
		 json_t *(*answer)(void *arg, const json_t *request), void *arg,
		 struct control **ret);

/**
 * control_close() - stop listening and remove the socket; NULL is fine
 *
 * Where its directory is somebody else's, it stays; the next server replaces it.
 */
void control_close(struct control *control);

#endif /* TURNPIKE_CONTROL_CONTROL_H */

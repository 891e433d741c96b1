/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file control.h
 * The control socket. A client sends one line of JSON and receives one JSON document; then the
 * server closes the connection.
 */
#ifndef TURNPIKE_CONTROL_CONTROL_H
#define TURNPIKE_CONTROL_CONTROL_H

#include <event2/event.h>
#include <jansson.h>

#include "process/privileges.h"

struct control;

/**
 * control_open() - listen on @path
 * @owner:  owner of the socket
 * @answer: called for each request, an object with a "command". Returns a document, which the
 * caller frees, or NULL for an unknown command
 *
 * Replaces the socket of a server that has ended. Errors are logged.
 *
 * Return: 0 or a negative errno.
 */
int control_open(struct event_base *base, const char *path, const struct privileges *owner,
		 json_t *(*answer)(void *arg, const json_t *request), void *arg,
		 struct control **ret);

/**
 * control_close() - stop listening and remove the socket; accepts NULL
 *
 * If the directory is not writable, the socket stays, and the next server replaces it.
 */
void control_close(struct control *control);

#endif /* TURNPIKE_CONTROL_CONTROL_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file methods.h
 * The request methods of STUN and TURN that the server implements.
 */
#ifndef TURNPIKE_TURN_METHODS_METHODS_H
#define TURNPIKE_TURN_METHODS_METHODS_H

#include "stun/writer.h"
#include "turn/methods/request.h"

/**
 * turn_method_fn - execute @request and write the attributes of its success response
 *
 * Return: 0 (TURN_REASON_NONE), or why the request is refused, and nothing has changed.
 */
typedef enum turn_reason (*turn_method_fn)(struct turn_request *request,
					   struct stun_writer *response);

enum turn_reason turn_binding(struct turn_request *request, struct stun_writer *response);
enum turn_reason turn_allocate(struct turn_request *request, struct stun_writer *response);
enum turn_reason turn_refresh(struct turn_request *request, struct stun_writer *response);

/* These two require that turn_check_allocation() has succeeded. */
enum turn_reason turn_create_permission(struct turn_request *request, struct stun_writer *response);
enum turn_reason turn_channel_bind(struct turn_request *request, struct stun_writer *response);

#endif /* TURNPIKE_TURN_METHODS_METHODS_H */

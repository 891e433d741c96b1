/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file request.h
 * A request while it is being processed.
 *
 * dispatch.c parses, authenticates and answers requests. Between that it calls one of the methods
 * of methods.h. The other headers of this folder are what both are built from.
 */
#ifndef TURNPIKE_TURN_METHODS_REQUEST_H
#define TURNPIKE_TURN_METHODS_REQUEST_H

#include "stun/message.h"
#include "turn/state/server.h"

/**
 * struct turn_request - a request and what processing has found out about it so far
 * @server:        the server
 * @tuple:         the client's 5-tuple
 * @msg:           the request
 * @now:           the time in ns
 * @alloc:         the allocation of @tuple, or NULL
 * @user:          the authenticated user, a reference; NULL before, or if the nonce is stale
 * @integrity:     the attribute that protects responses to @user
 */
struct turn_request {
	struct turn_server *server;
	const struct turn_tuple *tuple;
	const struct stun_message *msg;
	uint64_t now;
	struct turn_allocation *alloc;
	struct turn_user *user;
	enum stun_integrity integrity;
};

#endif /* TURNPIKE_TURN_METHODS_REQUEST_H */

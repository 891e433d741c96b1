/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file dispatch.h
 * Process a request: authenticate it, call its method, answer it.
 */
#ifndef TURNPIKE_TURN_METHODS_DISPATCH_H
#define TURNPIKE_TURN_METHODS_DISPATCH_H

#include "stun/message.h"
#include "turn/state/server.h"

/** turn_dispatch_request() - process @msg; requests of unknown methods are dropped */
void turn_dispatch_request(struct turn_server *server, const struct turn_tuple *tuple,
			   const struct stun_message *msg, uint64_t now);

#endif /* TURNPIKE_TURN_METHODS_DISPATCH_H */

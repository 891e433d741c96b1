/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file alternate.h
 * Redirection of clients to other servers (RFC 8489 section 10).
 */
#ifndef TURNPIKE_TURN_METHODS_ALTERNATE_H
#define TURNPIKE_TURN_METHODS_ALTERNATE_H

#include "stun/writer.h"
#include "turn/methods/request.h"

/** turn_alternates_set() - replace the alternate servers by a copy of @alternates; 0 or -ENOMEM */
int turn_alternates_set(struct turn_server *server, const struct turnpike_addr *alternates,
			size_t n);

/** turn_has_alternate() - whether there is an alternate server of the client's family */
bool turn_has_alternate(const struct turn_request *request);

/**
 * turn_write_alternates() - write ALTERNATE-SERVER, once per family
 *
 * There is no ALTERNATE-DOMAIN (RFC 8489 section 10): the other servers must have certificates for
 * the same name.
 */
void turn_write_alternates(const struct turn_request *request, struct stun_writer *response);

#endif /* TURNPIKE_TURN_METHODS_ALTERNATE_H */

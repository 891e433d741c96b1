/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file authenticate.h
 * The long-term credential mechanism (RFC 8489 section 9.2).
 */
#ifndef TURNPIKE_TURN_METHODS_AUTHENTICATE_H
#define TURNPIKE_TURN_METHODS_AUTHENTICATE_H

#include "stun/writer.h"
#include "turn/methods/request.h"

/**
 * turn_authenticate() - make the checks of RFC 8489 section 9.2.4, in their order
 *
 * Sets @request->user and @request->integrity.
 *
 * Return: 0 (TURN_REASON_NONE), or why they have failed.
 */
enum turn_reason turn_authenticate(struct turn_request *request);

/** turn_write_challenge() - write REALM, NONCE and PASSWORD-ALGORITHMS of a 401 or 438 response */
void turn_write_challenge(const struct turn_request *request, struct stun_writer *response);

#endif /* TURNPIKE_TURN_METHODS_AUTHENTICATE_H */

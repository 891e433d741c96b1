/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file checks.h
 * Checks that several methods make. They return 0 or an enum stun_error_code.
 */
#ifndef TURNPIKE_TURN_METHODS_CHECKS_H
#define TURNPIKE_TURN_METHODS_CHECKS_H

#include "turn/methods/request.h"

/** turn_check_allocation() - check that the user has an allocation (RFC 8656 section 5): 437, 441
 */
int turn_check_allocation(const struct turn_request *request);

/** turn_check_peer() - check that the client may reach @peer from its allocation: 443, 403 */
int turn_check_peer(const struct turn_request *request, const struct turnpike_addr *peer);

#endif /* TURNPIKE_TURN_METHODS_CHECKS_H */

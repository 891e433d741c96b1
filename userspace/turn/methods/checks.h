/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file checks.h
 * Checks that several methods make. They return 0, or why the request is refused.
 */
#ifndef TURNPIKE_TURN_METHODS_CHECKS_H
#define TURNPIKE_TURN_METHODS_CHECKS_H

#include "turn/methods/request.h"

/** turn_check_allocation() - check that the user has an allocation (RFC 8656 section 5) */
enum turn_reason turn_check_allocation(const struct turn_request *request);

/** turn_check_peer() - check that the client may reach @peer from its allocation */
enum turn_reason turn_check_peer(const struct turn_request *request,
				 const struct turnpike_addr *peer);

/**
 * turn_why_not_made() - why an object of the core could not be made
 * @err:  -ENOSPC, -ENOMEM, or another errno that the owner's socket has failed with
 * @full: the reason for -ENOSPC
 */
enum turn_reason turn_why_not_made(int err, enum turn_reason full);

#endif /* TURNPIKE_TURN_METHODS_CHECKS_H */

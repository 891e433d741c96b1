/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file relays.h
 * Relay addresses, their public addresses, and which clients they belong to.
 */
#ifndef TURNPIKE_ENDPOINTS_RELAYS_H
#define TURNPIKE_ENDPOINTS_RELAYS_H

#include "endpoints/candidates.h"

/** relays_resolve() - fill in relays and homes of @all->ret, whose listeners are complete */
int relays_resolve(struct candidates *all);

#endif /* TURNPIKE_ENDPOINTS_RELAYS_H */

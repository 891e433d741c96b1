/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file home.h
 * From which relay addresses a client is served: see struct turn_home.
 */
#ifndef TURNPIKE_TURN_STATE_HOME_H
#define TURNPIKE_TURN_STATE_HOME_H

#include "turn/state/server.h"

/**
 * turn_home_has() - whether clients of @listener are relayed from @relay
 * @listener: the local address that the client came to; its port is ignored
 * @relay:    a relay address
 */
bool turn_home_has(const struct turn_server *server, const struct turnpike_addr *listener,
		   const struct turnpike_addr *relay);

/** turn_home_has_family() - whether clients of @listener have a relay address of @family */
bool turn_home_has_family(const struct turn_server *server, const struct turnpike_addr *listener,
			  unsigned int family);

#endif /* TURNPIKE_TURN_STATE_HOME_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file walks.h
 * Keeps struct turn_walk valid while allocations and peers end.
 */
#ifndef TURNPIKE_TURN_STATE_WALKS_H
#define TURNPIKE_TURN_STATE_WALKS_H

#include "turn/state/server.h"

/** turn_walks_leave_allocation() - move all walks on from @alloc, which is about to end */
void turn_walks_leave_allocation(const struct turn_server *server,
				 const struct turn_allocation *alloc);

/** turn_walks_leave_peer() - move all walks on from @peer, which is about to end */
void turn_walks_leave_peer(const struct turn_server *server, const struct turn_peer *peer);

/** turn_walks_end() - end all walks, since @server ends */
void turn_walks_end(struct turn_server *server);

/** turn_walks_first_peer() - the first peer of @alloc; NULL: none */
struct turn_peer *turn_walks_first_peer(const struct turn_allocation *alloc);

/** turn_walks_peer_after() - the next peer of the same allocation; NULL: none */
struct turn_peer *turn_walks_peer_after(const struct turn_peer *peer);

#endif /* TURNPIKE_TURN_STATE_WALKS_H */

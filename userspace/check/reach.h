/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file reach.h
 * This machine as a peer that is not behind the relay.
 */
#ifndef TURNPIKE_CHECK_REACH_H
#define TURNPIKE_CHECK_REACH_H

#include "check/session.h"

/** enum check_reach - how far a datagram got */
enum check_reach {
	CHECK_REACH_NONE,
	/** From the peer to the client. */
	CHECK_REACH_CLIENT,
	/** And the client's answer to the peer. */
	CHECK_REACH_BOTH,
};

/**
 * check_reach_run() - exchange datagrams between a plain UDP socket and the client
 *
 * The client has a permission for the socket's address.
 *
 * Return: 0, or a negative errno of the client's transport.
 */
int check_reach_run(struct check_session *client, enum check_reach *reach);

#endif /* TURNPIKE_CHECK_REACH_H */

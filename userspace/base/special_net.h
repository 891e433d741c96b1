/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file special_net.h
 * Networks that are not a part of the public Internet. Any thread.
 */
#ifndef TURNPIKE_BASE_SPECIAL_NET_H
#define TURNPIKE_BASE_SPECIAL_NET_H

#include <turnpike/addr.h>

/** enum special_net - what an address is for */
enum special_net {
	/** Anybody on the Internet: globally reachable. */
	SPECIAL_NONE,
	/** A network of somebody's own: private, shared or unique local, or that of a lab. */
	SPECIAL_PRIVATE,
	/** Nobody: loopback, one link, multicast, reserved or deprecated. */
	SPECIAL_UNUSABLE,
	/** Teredo and 6to4. */
	SPECIAL_TUNNEL,
	/** The service by which a cloud gives credentials and settings to its machines. */
	SPECIAL_METADATA,
};

/**
 * special_net_find() - find the longest special-purpose prefix that has @addr
 * @prefix: its length in bits, 0 if there is none
 */
enum special_net special_net_find(const struct turnpike_addr *addr, unsigned int *prefix);

#endif /* TURNPIKE_BASE_SPECIAL_NET_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file addr.h
 * One transport address, in the one form that all of Turnpike uses outside the packet path.
 */
#ifndef TURNPIKE_ADDR_H
#define TURNPIKE_ADDR_H

#include <linux/types.h>

/** Address families, named by their IP version. */
enum turnpike_family {
	TURNPIKE_IPV4 = 4,
	TURNPIKE_IPV6 = 6,
};

/**
 * struct turnpike_addr - an IP address and a UDP port
 * @ip:     network byte order; an IPv4 address takes the first 4 bytes, the other 12 are zero
 * @port:   network byte order
 * @family: enum turnpike_family; 0 means "no address"
 * @pad:    zero
 *
 * Every byte is defined, so two addresses are the same exactly if memcmp() says so, and the struct
 * can be hashed as it stands.
 */
struct turnpike_addr {
	__u8 ip[16];
	__be16 port;
	__u8 family;
	__u8 pad;
};

_Static_assert(sizeof(struct turnpike_addr) == 20, "turnpike_addr has no hidden padding");

#endif /* TURNPIKE_ADDR_H */

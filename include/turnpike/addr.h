/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file addr.h
 * A transport address, as the library and the server keep it.
 */
#ifndef TURNPIKE_ADDR_H
#define TURNPIKE_ADDR_H

#include <linux/types.h>

/** Checks the size of a struct whose layout is part of the ABI, in C and in C++. */
#ifdef __cplusplus
#define TURNPIKE_CHECK_SIZE(type, size) static_assert(sizeof(struct type) == (size), "ABI")
#else
#define TURNPIKE_CHECK_SIZE(type, size) _Static_assert(sizeof(struct type) == (size), "ABI")
#endif

/** Address families, numbered by their IP version. */
enum turnpike_family {
	TURNPIKE_IPV4 = 4,
	TURNPIKE_IPV6 = 6,
};

/**
 * struct turnpike_addr - an IP address and a UDP port
 * @ip:     network byte order; an IPv4 address takes the first 4 bytes, the other 12 are zero
 * @port:   network byte order
 * @family: enum turnpike_family; 0: no address
 * @pad:    zero
 *
 * Every byte is defined: memcmp() compares two addresses, and a hash may take the struct as it is.
 */
struct turnpike_addr {
	__u8 ip[16];
	__be16 port;
	__u8 family;
	__u8 pad;
};

TURNPIKE_CHECK_SIZE(turnpike_addr, 20);

#endif /* TURNPIKE_ADDR_H */

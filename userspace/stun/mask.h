/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file mask.h
 * The mask of XOR-MAPPED-ADDRESS and similar attributes (RFC 8489 section 14.2).
 */
#ifndef TURNPIKE_STUN_MASK_H
#define TURNPIKE_STUN_MASK_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <turnpike/addr.h>

/** struct stun_mask - magic cookie and transaction ID; all zero for MAPPED-ADDRESS */
struct stun_mask {
	uint8_t bytes[16];
};

/** stun_mask_of() - get the mask of a message; @header: its first 20 bytes */
static inline struct stun_mask stun_mask_of(const uint8_t *header)
{
	struct stun_mask mask;

	memcpy(mask.bytes, header + 4, sizeof(mask.bytes));
	return mask;
}

/** stun_mask_apply() - XOR the port and the @ip_len (4 or 16) bytes of the address */
static inline void stun_mask_apply(const struct stun_mask *mask, struct turnpike_addr *addr,
				   size_t ip_len)
{
	__be16 port_mask;

	memcpy(&port_mask, mask->bytes, sizeof(port_mask));
	addr->port ^= port_mask;
	for (size_t i = 0; i < ip_len; i++)
		addr->ip[i] ^= mask->bytes[i];
}

#endif /* TURNPIKE_STUN_MASK_H */

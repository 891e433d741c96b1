/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file fingerprint.h
 * FINGERPRINT (RFC 8489 section 14.7).
 */
#ifndef TURNPIKE_STUN_FINGERPRINT_H
#define TURNPIKE_STUN_FINGERPRINT_H

#include <stddef.h>
#include <stdint.h>

/**
 * stun_fingerprint() - compute the value of FINGERPRINT, in host byte order
 * @message: the message; its length field already includes the FINGERPRINT attribute
 * @len:     number of bytes before the FINGERPRINT attribute
 */
uint32_t stun_fingerprint(const uint8_t *message, size_t len);

#endif /* TURNPIKE_STUN_FINGERPRINT_H */

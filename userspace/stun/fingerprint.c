/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <zlib.h>

#include "stun/fingerprint.h"

/** RFC 8489 section 14.7 */
#define FINGERPRINT_XOR 0x5354554eu

uint32_t stun_fingerprint(const uint8_t *message, size_t len)
{
	return (uint32_t)crc32_z(0, message, len) ^ FINGERPRINT_XOR;
}

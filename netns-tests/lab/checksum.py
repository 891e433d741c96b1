# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The Internet checksum (RFC 1071)."""

from __future__ import annotations

import struct


def ones_sum(*words: int) -> int:
    """The one's complement sum of 16-bit words."""
    total = sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def sum16(data: bytes) -> int:
    """The one's complement sum of data as 16-bit words in network byte order; an odd last byte is padded."""
    data += bytes(len(data) % 2)
    return ones_sum(*struct.unpack(f"!{len(data) // 2}H", data))

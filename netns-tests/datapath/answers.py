# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A host's answers to frames, without the fields that differ each time: identifications, nonces, and checksums."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable

from lab import turn
from lab.relay import PORT

IPV4, IPV6, ARP = b"\x08\x00", b"\x86\xdd", b"\x08\x06"
UDP, ICMPV6, IGMP, FRAGMENT, HOP_BY_HOP = 17, 58, 2, 44, 0
ARP_REQUEST = 1
SOLICITATIONS = (133, 135)  # router and neighbour solicitations, which are no answers


def collect(frames: Iterable[bytes]) -> Counter[bytes]:
    """The answers among the frames that a host has sent, normalized, and how often each was sent."""
    return Counter(normal for frame in frames if (normal := _normal(frame)) is not None)


def _normal(frame: bytes) -> bytes | None:
    """None if the frame is no answer."""
    kind, packet = frame[12:14], bytearray(frame[14:])
    if kind == ARP:
        return None if packet[7] == ARP_REQUEST else frame
    if kind == IPV4:
        packet[4:6] = packet[10:12] = b"\0\0"
        return None if packet[9] == IGMP else frame[:14] + bytes(_datagram(packet, packet[9], 4 * (packet[0] & 15)))
    if kind != IPV6:
        return frame
    if packet[6] == HOP_BY_HOP:  # multicast listener reports
        return None
    if packet[6] == FRAGMENT:
        packet[44:48] = bytes(4)
    if packet[6] == ICMPV6 and packet[40] in SOLICITATIONS:
        return None
    return frame[:14] + bytes(_datagram(packet, packet[6], 40))


def _datagram(packet: bytearray, protocol: int, at: int) -> bytearray:
    """In answers of the TURN server the nonce and the checksum differ each time."""
    if protocol == UDP and struct.unpack_from("!H", packet, at)[0] == PORT:
        message = turn.parse(bytes(packet[at + 8:]))
        if message and (nonce := message.get(turn.NONCE)):
            start = packet.index(nonce, at)
            packet[start:start + len(nonce)] = bytes(len(nonce))
            packet[at + 6:at + 8] = b"\0\0"
    return packet

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Frames with all checksums, as on the wire: the first frame of the load, and the expected one."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass

UDP, TCP = 17, 6
DONT_FRAGMENT = 0x4000
TTL = 64
DOT1Q = b"\x81\x00"

Address = tuple[str, int]


def family_of(address: Address) -> int:
    return ipaddress.ip_address(address[0]).version


def headers(family: int) -> int:
    """Size of the Ethernet, IP and UDP headers in bytes."""
    return 14 + {4: 20, 6: 40}[family] + 8


@dataclass(frozen=True)
class Frame:
    """A UDP datagram."""

    to_mac: str
    from_mac: str
    source: Address
    target: Address
    payload: bytes
    ttl: int = TTL
    protocol: int = UDP
    dont_fragment: bool = True  # IPv4 only
    has_checksum: bool = True  # of UDP; only IPv4 may do without
    vlan: int | None = None

    def __bytes__(self) -> bytes:
        family = family_of(self.target)
        length = 8 + len(self.payload)
        addresses = packed(self.source) + packed(self.target)
        udp = struct.pack("!HHHH", self.source[1], self.target[1], length, 0)
        pseudo = addresses + struct.pack("!II", length, self.protocol)
        if self.has_checksum:
            udp = udp[:6] + struct.pack("!H", checksum(pseudo + udp + self.payload) or 0xFFFF)
        ip = self._ipv4(addresses, length) if family == 4 else self._ipv6(addresses, length)
        tag = b"" if self.vlan is None else DOT1Q + struct.pack("!H", self.vlan)
        return mac(self.to_mac) + mac(self.from_mac) + tag + ip + udp + self.payload

    def _ipv4(self, addresses: bytes, length: int) -> bytes:
        flags = DONT_FRAGMENT if self.dont_fragment else 0
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 0, flags, self.ttl, self.protocol, 0) + addresses
        return b"\x08\x00" + header[:10] + struct.pack("!H", checksum(header)) + header[12:]

    def _ipv6(self, addresses: bytes, length: int) -> bytes:
        return b"\x86\xdd" + struct.pack("!IHBB", 6 << 28, length, self.protocol, self.ttl) + addresses


def packed(address: Address) -> bytes:
    return ipaddress.ip_address(address[0]).packed


def mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def checksum(data: bytes) -> int:
    """RFC 1071"""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data[:len(data) & ~1])) + (data[-1] << 8 if len(data) & 1 else 0)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def split_tag(frame: bytes) -> tuple[bytes, bytes]:
    """The VLAN tag, if there is one, and the frame without it."""
    return (frame[12:16], frame[:12] + frame[16:]) if frame[12:14] == DOT1Q else (b"", frame)


def normal(frame: bytes, by_stack: bool) -> bytes:
    """Zero the unpredictable fields: flow label and identification. With @by_stack also those that a network stack
    chooses: DF, TTL, and the UDP checksum, which it may leave to the device. There is no VLAN tag."""
    data = bytearray(frame)
    unpredictable = [(15, 18)]
    if ip4 := data[12:14] == b"\x08\x00":
        # Keep everything if the checksum is wrong, so that the comparison fails.
        unpredictable = [] if checksum(data[14:34]) else [(18, 20), (24, 26)]
    if by_stack:
        unpredictable += [(20, 23), (40, 42)] if ip4 else [(21, 22), (60, 62)]
    for start, end in unpredictable:
        data[start:end] = bytes(end - start)
    return bytes(data)

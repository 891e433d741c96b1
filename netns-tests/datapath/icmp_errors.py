# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Forged ICMP errors: the packet that they quote counts, not their sender (RFC 8656 section 11.5)."""

from __future__ import annotations

import socket

from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.packet import Packet, Raw

from lab import turn
from lab.lab import Lab


def relayed_packet(source: turn.Address, destination: turn.Address, payload: bytes = b"data") -> Packet:
    """A packet that the relay might have sent to a peer, for an error to quote."""
    family = turn.family_of(source)
    ip = IP(src=source[0], dst=destination[0], flags="DF") if family == 4 else IPv6(src=source[0], dst=destination[0])
    return ip / UDP(sport=source[1], dport=destination[1]) / Raw(payload)


def send_error(lab: Lab, role: str, error: Packet, quoted: Packet) -> None:
    """Send an ICMP or ICMPv6 error from a role's host to the source of the packet that it quotes."""
    with lab.entered(role):
        if quoted.version == 4:
            raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
            message = bytes(error / quoted)
        else:
            raw = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
            # scapy needs an IPv6 header to compute a checksum, which the kernel replaces by its own.
            message = bytes(IPv6(src=quoted.dst, dst=quoted.src) / error / quoted)[40:]
    with raw:
        raw.sendto(message, (quoted.src, 0))

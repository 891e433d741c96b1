# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Datagrams with spoofed source addresses: a great many of them, none of which exists."""

from __future__ import annotations

import errno
import ipaddress
import os
import struct
import time
from collections.abc import Callable, Iterator, Sequence

from lab import turn, wire
from lab.checksum import sum16
from lab.lab import Lab
from lab.relay import PORT, REALM, USER

NETWORKS = {4: ipaddress.ip_network("10.64.0.0/12"), 6: ipaddress.ip_network("fd65::/32")}
# The distance of two sources. The server's limits are per IPv4 address and per IPv6 /64.
STEP = {4: 1, 6: 1 << 64}
SOURCE_PORT = 40000
ETHERTYPE = {4: 0x0800, 6: 0x86dd}


def binding() -> bytes:
    return turn.build(1, turn.REQUEST, os.urandom(12), [])


def allocate() -> bytes:
    return turn.build(turn.ALLOCATE, turn.REQUEST, os.urandom(12), [(turn.TRANSPORT, turn.UDP_TRANSPORT)])


def forged_credentials() -> bytes:
    """An Allocate request with every attribute of a client's, but with an invalid nonce and integrity."""
    attributes = [(turn.TRANSPORT, turn.UDP_TRANSPORT), (turn.USERNAME, USER.encode()), (turn.REALM, REALM.encode()),
                  (turn.NONCE, os.urandom(16).hex().encode())]
    return turn.build(turn.ALLOCATE, turn.REQUEST, os.urandom(12), attributes, key=os.urandom(16))


def garbage() -> bytes:
    return os.urandom(1 + os.urandom(1)[0])


def channel_data() -> bytes:
    return turn.channel_data(0x4000 + int.from_bytes(os.urandom(2), "big") % 0x1000, os.urandom(40))


def send_indication() -> bytes:
    transaction = os.urandom(12)
    return turn.build(turn.SEND, turn.INDICATION, transaction,
                      [(turn.XOR_PEER, turn.pack_address(("10.77.3.2", 3480), transaction)), (turn.PAYLOAD, b"hello")])


KINDS: tuple[Callable[[], bytes], ...] = (binding, allocate, forged_credentials, garbage, channel_data, send_indication)


class Spoofer:
    """Sends frames from the client's device. The relay routes its answers there, where they are dropped."""

    def __init__(self, lab: Lab, family: int) -> None:
        self._family = family
        self._target = lab.topology.listen.address(family)
        client, relay = (end for role in ("client", "relay") for end in lab.topology.links[0] if end.role == role)
        lab.run("relay", ["ip", f"-{family}", "route", "replace", str(NETWORKS[family]),
                          "via", lab.address("client", family), "dev", relay.device])
        self._socket = wire.sender(lab, "client", client.device)
        self._ethernet = wire.mac(lab, "relay", relay.device) + wire.mac(lab, "client", client.device) + \
            struct.pack("!H", ETHERTYPE[family])

    def flood(self, first: int, count: int) -> None:
        """Send a datagram from each of the given number of sources, of all kinds in turn."""
        for number, source in enumerate(sources(self._family, first, count)):
            self.send(source, [KINDS[number % len(KINDS)]()])

    def send(self, source: bytes, payloads: Sequence[bytes]) -> None:
        """Send datagrams from one address."""
        target = ipaddress.ip_address(self._target).packed
        for payload in payloads:
            self._send(self._ethernet + packet(self._family, source, target, payload))

    def _send(self, frame: bytes) -> None:
        """Retry until there is room: a veth without a qdisc refuses frames when the receiver's ring is full."""
        while True:
            try:
                self._socket.send(frame)
                return
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                time.sleep(0.001)

    def close(self) -> None:
        self._socket.close()


def sources(family: int, first: int, count: int) -> Iterator[bytes]:
    start, size = int(NETWORKS[family].network_address) + 1, {4: 4, 6: 16}[family]
    for number in range(first, first + count):
        yield (start + number * STEP[family]).to_bytes(size, "big")


def packet(family: int, source: bytes, target: bytes, payload: bytes) -> bytes:
    length = 8 + len(payload)
    udp = struct.pack("!HHHH", SOURCE_PORT, PORT, length, 0)  # over IPv4, the checksum is optional
    if family == 4:
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 0, 0, 64, 17, 0) + source + target
        return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + udp + payload
    pseudo = source + target + struct.pack("!II", length, 17)
    udp = udp[:6] + struct.pack("!H", checksum(pseudo + udp + payload) or 0xffff)
    return struct.pack("!IHBB", 6 << 28, length, 17, 64) + source + target + udp + payload


def checksum(data: bytes) -> int:
    return sum16(data) ^ 0xffff

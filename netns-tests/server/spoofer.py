# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Datagrams from very many sources, none of which exists."""

from __future__ import annotations

import errno
import ipaddress
import json
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator

from lab import turn
from lab.lab import Lab
from lab.relay import PORT, REALM, USER

NETWORKS = {4: ipaddress.ip_network("10.64.0.0/12"), 6: ipaddress.ip_network("fd65::/32")}
STEP = {4: 1, 6: 1 << 64}  # from one source to the next: of IPv6 it is a network that is a source
SPORT = 40000


def binding() -> bytes:
    return turn.build(1, turn.REQUEST, os.urandom(12), [])


def allocate() -> bytes:
    return turn.build(turn.ALLOCATE, turn.REQUEST, os.urandom(12), [(turn.TRANSPORT, turn.UDP_TRANSPORT)])


def forged() -> bytes:
    """With all that a client has, and none of it right."""
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


KINDS: tuple[Callable[[], bytes], ...] = (binding, allocate, forged, garbage, channel_data, send_indication)


class Spoofer:
    """Sends whole frames by the client's device; the relay's answers find a way there, and nobody at its end."""

    def __init__(self, lab: Lab, family: int) -> None:
        self._family = family
        self._target = lab.topology.listen.address(family)
        client, relay = ([end for end in link if end.role == role][0] for role in ("client", "relay")
                         for link in lab.topology.links[:1])
        gateway = lab.address("client", family)
        lab.run("relay", ["ip", f"-{family}", "route", "replace", str(NETWORKS[family]), "via", gateway,
                          "dev", relay.device])
        with lab.entered("client"):
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._socket.bind((client.device, 0))
        macs = [json.loads(lab.run(end.role, ["ip", "-json", "link", "show", end.device]).stdout)[0]["address"]
                for end in (relay, client)]
        self._ethernet = b"".join(bytes.fromhex(mac.replace(":", "")) for mac in macs) + \
            struct.pack("!H", {4: 0x0800, 6: 0x86dd}[family])

    def flood(self, first: int, count: int) -> None:
        """A datagram from each of so many sources, of all kinds in turn."""
        target = ipaddress.ip_address(self._target).packed
        for number, source in enumerate(sources(self._family, first, count)):
            payload = KINDS[number % len(KINDS)]()
            self._send(self._ethernet + packet(self._family, source, target, payload))

    def _send(self, frame: bytes) -> None:
        """Again, until it is taken: without a queue in between, a veth refuses what its other end has no place for."""
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
    udp = struct.pack("!HHHH", SPORT, PORT, length, 0)
    if family == 4:  # whose UDP needs no checksum
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 0, 0, 64, 17, 0) + source + target
        return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + udp + payload
    pseudo = source + target + struct.pack("!II", length, 17)
    udp = udp[:6] + struct.pack("!H", checksum(pseudo + udp + payload) or 0xffff)
    return struct.pack("!IHBB", 6 << 28, length, 17, 64) + source + target + udp + payload


def checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + bytes(len(data) % 2)))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total ^ 0xffff

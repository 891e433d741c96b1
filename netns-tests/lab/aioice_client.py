# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""aioice, a TURN client in Python: exchanges payloads of many sizes with an echoing peer, and compares every byte."""

from __future__ import annotations

import asyncio
import itertools
import os
import ssl
from collections import Counter
from dataclasses import dataclass
from typing import Any

from aioice import stun, turn

from lab.endpoints import echo_peer
from lab.lab import Lab
from lab.relay import PASSWORD, PORT, USER

# All small lengths, then a selection with every remainder of 4, then the largest that fit into an IPv6 packet.
SIZES = (*range(0, 66), *range(67, 1400, 29), 1400, *range(1441, 1449))
IN_FLIGHT = 16
REQUESTED_ADDRESS_FAMILY = "REQUESTED-ADDRESS-FAMILY"
stun.ATTRIBUTES_BY_NAME[REQUESTED_ADDRESS_FAMILY] = (
    0x0017, REQUESTED_ADDRESS_FAMILY, lambda family: bytes([family, 0, 0, 0]), lambda data: data[0])


class _WithFamily:
    """Adds the one attribute that aioice lacks for IPv6 relayed addresses."""

    relay_family = 4

    async def request(self, request: stun.Message) -> Any:
        if request.message_method == stun.Method.ALLOCATE:
            request.attributes[REQUESTED_ADDRESS_FAMILY] = {4: 1, 6: 2}[self.relay_family]
        return await super().request(request)  # type: ignore[misc]


class _UdpClient(_WithFamily, turn.TurnClientUdpProtocol):
    pass


class _TcpClient(_WithFamily, turn.TurnClientTcpProtocol):
    pass


class _Receiver:
    def __init__(self) -> None:
        self.received: list[bytes] = []

    def datagram_received(self, data: bytes, _sender: tuple[str, int]) -> None:
        self.received.append(data)

    def connection_lost(self, _error: Exception | None) -> None:
        pass  # aioice requires this method


@dataclass(frozen=True)
class Comparison:
    """The numbers of payloads sent and returned, and the differences."""

    sent: int
    returned: int
    complaints: list[str]

    @property
    def packets(self) -> int:
        return self.sent + self.returned


async def _open(server: tuple[str, int], transport: str) -> Any:
    loop = asyncio.get_running_loop()
    protocol = _UdpClient if transport == "udp" else _TcpClient

    def make() -> Any:
        return protocol(server, USER, PASSWORD, turn.DEFAULT_ALLOCATION_LIFETIME, turn.DEFAULT_CHANNEL_REFRESH_TIME)

    if transport == "udp":
        return (await loop.create_datagram_endpoint(make, remote_addr=server))[1]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return (await loop.create_connection(make, *server, ssl=context if transport == "tls" else None))[1]


def compare_bytes(lab: Lab, client_family: int, peer_family: int, transport: str = "udp",
                  port: int = PORT) -> Comparison:
    """Send payloads of many sizes to an echoing peer. Each must arrive once and unchanged in both directions."""
    payloads = [os.urandom(size) for size in SIZES]
    server = (lab.topology.listen.address(client_family), port)
    with echo_peer(lab, peer_family) as peer, lab.entered("client"):
        returned = asyncio.run(_exchange(server, transport, peer_family, peer.address, payloads))
    complaints = _differences("at the peer", payloads, peer.received) + _differences("back", payloads, returned)
    return Comparison(len(payloads), len(returned), complaints)


async def _exchange(server: tuple[str, int], transport: str, family: int, peer: tuple[str, int],
                    payloads: list[bytes]) -> list[bytes]:
    loop = asyncio.get_running_loop()
    client = await _open(server, transport)
    client.relay_family = family
    client.receiver = receiver = _Receiver()
    await asyncio.wait_for(client.connect(), 5)
    # The first goes alone: once it is back, the host has confirmed both directions.
    for start, end in itertools.pairwise((0, *range(1, len(payloads), IN_FLIGHT), len(payloads))):
        for payload in payloads[start:end]:
            await asyncio.wait_for(client.send_data(payload, peer), 5)
        deadline = loop.time() + 2
        while len(receiver.received) < end and loop.time() < deadline:
            await asyncio.sleep(0.001)
    await asyncio.wait_for(client.delete(), 5)
    return receiver.received


def _differences(where: str, sent: list[bytes], arrived: list[bytes]) -> list[str]:
    lost, strange = Counter(sent) - Counter(arrived), Counter(arrived) - Counter(sent)
    return [f"{where}: {sum(payloads.values())} {what}, of {sorted({len(each) for each in payloads})[:8]} bytes"
            for what, payloads in (("missing", lost), ("changed or duplicated", strange)) if payloads]

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Bursts: datagrams that a sender hands to its stack at once (UDP_SEGMENT), from a client and from its peers."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lab import turn
from lab.complaints import Complaints
from lab.endpoints import BUFFER, TOS, Received, drain, turn_client, udp_socket
from lab.lab import Lab

UDP_SEGMENT = 103
LARGEST_SEGMENT = 1444
CHANNELS = (0x4001, 0x4002)


@dataclass(frozen=True)
class Run:
    """Datagrams that a sender hands to its stack at once, so that they may arrive merged."""

    payloads: Sequence[bytes]
    tos: int = 0


def run(size: int, count: int, last: int | None = None, tos: int = 0) -> Run:
    """Random payloads of one size, and at most one shorter one at the end."""
    sizes = [size] * count + ([] if last is None else [last])
    return Run([os.urandom(each) for each in sizes], tos)


def send(sock: socket.socket, family: int, messages: Sequence[bytes], tos: int) -> None:
    """Send all at once if the stack can segment them, else one by one."""
    level, option = TOS[family][:2]
    sock.setsockopt(level, option, tos)
    size = len(messages[0])
    if 0 < size <= LARGEST_SEGMENT and len(messages) > 1:
        sock.sendmsg([b"".join(messages)], [(socket.IPPROTO_UDP, UDP_SEGMENT, struct.pack("=H", size))])
        return
    for message in messages:
        sock.send(message)


def differences(where: str, wanted: Sequence[tuple[bytes, int]], got: Sequence[Received]) -> Complaints:
    arrived = [(each.payload, each.tos) for each in got]
    if arrived == list(wanted):
        return []
    at = next((number for number, pair in enumerate(zip(wanted, arrived)) if pair[0] != pair[1]),
              min(len(wanted), len(arrived)))
    expected, found = (f"{len(each[at][0])} bytes of class {each[at][1]:#x}" if at < len(each) else "nothing"
                       for each in (wanted, arrived))
    return [f"{where}: {len(arrived)} datagrams, not {len(wanted)}; number {at} is {found}, not {expected}"]


class Ends:
    """A client with a channel to each of its peers."""

    def __init__(self, lab: Lab, family: int, relayed: int, peers: int = 1) -> None:
        self.family, self.relayed = family, relayed
        self.client = turn_client(lab, "client", family, relayed)
        self.peers = [udp_socket(lab, "peer", relayed) for _ in range(peers)]
        for channel, peer in zip(CHANNELS, self.peers):
            peer.connect(self.client.relayed)
            self.client.bind(channel, peer.getsockname()[:2])
        for sock in (self.client.socket, *self.peers):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)

    def to_peer(self, one: Run, index: int = 0) -> None:
        messages = [turn.channel_data(CHANNELS[index], payload) for payload in one.payloads]
        send(self.client.socket, self.family, messages, one.tos)

    def to_client(self, one: Run, index: int = 0) -> None:
        send(self.peers[index], self.relayed, one.payloads, one.tos)

    def at_peer(self, wanted: Sequence[Run], index: int = 0) -> Complaints:
        pairs = [(payload, one.tos) for one in wanted for payload in one.payloads]
        return differences("to the peer", pairs, drain(self.peers[index], self.relayed, 0.1, len(pairs)))

    def at_client(self, wanted: Sequence[tuple[Run, int]]) -> Complaints:
        pairs = [(turn.channel_data(CHANNELS[index], payload), one.tos)
                 for one, index in wanted for payload in one.payloads]
        return differences("to the client", pairs, drain(self.client.socket, self.family, 0.1, len(pairs)))

    def there_and_back(self, runs: Iterable[Run]) -> Complaints:
        """Send each run both ways, one after the other."""
        complaints: Complaints = []
        for one in runs:
            self.to_peer(one)
            complaints += self.at_peer([one])
            self.to_client(one)
            complaints += self.at_client([(one, 0)])
        return complaints

    def close(self) -> None:
        self.client.refresh(0)
        for sock in (self.client.socket, *self.peers):
            sock.close()

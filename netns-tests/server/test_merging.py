#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Runs of datagrams cross the relay's network stack as one; nobody else may notice.

    client ----- relay ----- peer

    bytes   runs of equal and of other lengths, each with its traffic class: every byte arrives, in order, both ways
    two     the same in turn to two peers, and from two peers to one client
    kernel  a mode in the kernel gets no merged packets, which it could not relay; back in user space there are some again

Whether the stack has merged is told by its own counters: it counts a run as one datagram.
"""

from __future__ import annotations

import itertools
import os
import socket
import struct
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import scenes
from lab import proc, turn
from lab.complaints import Complaints
from lab.endpoints import BUFFER, TOS, Received, drain, turn_client, udp_socket
from lab.lab import Lab
from lab.relay import BY_NAME, Turnpike
from lab.topology import FAMILIES

Test = Callable[[Lab], Complaints]
UDP_SEGMENT = 103
CHANNELS = (0x4001, 0x4002)
USERSPACE = BY_NAME["userspace"]


@dataclass(frozen=True)
class Run:
    """Datagrams that a sender hands to its own stack at once, so that they can come merged."""

    payloads: Sequence[bytes]
    tos: int = 0


def run(size: int, count: int, last: int | None = None, tos: int = 0) -> Run:
    """Random payloads of one size, and a shorter one behind."""
    sizes = [size] * count + ([] if last is None else [last])
    return Run([os.urandom(each) for each in sizes], tos)


def runs() -> list[Run]:
    """Fewer datagrams than a receiver's buffer has room for."""
    return [run(160, 40), run(160, 5, last=1), run(160, 1), run(1, 30), run(0, 3), run(1200, 50, last=1199),
            run(100, 20, tos=0xb8), run(100, 20, tos=0x02), run(100, 20, tos=0x03), run(1440, 45, tos=0x28),
            run(3000, 2), run(9000, 1), run(160, 2), run(161, 2), run(160, 2), run(2, 64), run(5, 63, last=4)]


def send(sock: socket.socket, family: int, messages: Sequence[bytes], tos: int) -> None:
    """All at once if the stack can make packets of it, or else one by one."""
    level, option = TOS[family][:2]
    sock.setsockopt(level, option, tos)
    size = len(messages[0])
    if 0 < size <= 1444 and len(messages) > 1:
        sock.sendmsg([b"".join(messages)], [(socket.IPPROTO_UDP, UDP_SEGMENT, struct.pack("=H", size))])
        return
    for message in messages:
        sock.send(message)


def datagrams(lab: Lab) -> tuple[int, int]:
    """What the relay's UDP has received and sent so far, both families together."""
    counts = lab.counts("relay", "Udp", "InDatagrams", "OutDatagrams")
    return counts["InDatagrams"], counts["OutDatagrams"]


def differences(where: str, wanted: Sequence[tuple[bytes, int]], got: Sequence[Received]) -> Complaints:
    arrived = [(each.payload, each.tos) for each in got]
    if arrived == list(wanted):
        return []
    at = next((number for number, pair in enumerate(zip(wanted, arrived)) if pair[0] != pair[1]),
              min(len(wanted), len(arrived)))
    show = [f"{len(each[at][0])} bytes of class {each[at][1]:#x}" if at < len(each) else "nothing"
            for each in (wanted, arrived)]
    return [f"{where}: {len(arrived)} datagrams of {len(wanted)}; number {at} should be {show[0]} and is {show[1]}"]


class Stage:
    """A client with a channel to each of some peers."""

    def __init__(self, lab: Lab, family: int, relayed: int, peers: int = 1) -> None:
        self.lab, self.family, self.relayed = lab, family, relayed
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

    def close(self) -> None:
        self.client.refresh(0)
        for sock in (self.client.socket, *self.peers):
            sock.close()


def merged(lab: Lab, exchange: Callable[[], Complaints], sent: int) -> Complaints:
    """The complaints of an exchange, and whether the relay's stack had less to do than one by one."""
    before = datagrams(lab)
    complaints = exchange()
    counts = [now - then for now, then in zip(datagrams(lab), before)]
    return complaints + [f"of {sent} datagrams the stack counted {count} {what}"
                         for count, what in zip(counts, ("received", "sent")) if count > sent / 2]


def same_bytes(lab: Lab, families: tuple[int, int]) -> Complaints:
    server = Turnpike(lab, USERSPACE)
    stage = Stage(lab, *families)
    complaints: Complaints = []
    for one in runs():
        stage.to_peer(one)
        complaints += stage.at_peer([one])
        stage.to_client(one)
        complaints += stage.at_client([(one, 0)])
    everything = runs()
    sent = sum(len(one.payloads) for one in everything)

    def there() -> Complaints:
        for one in everything:
            stage.to_peer(one)
        return stage.at_peer(everything)

    def back() -> Complaints:
        for one in everything:
            stage.to_client(one)
        return stage.at_client([(one, 0) for one in everything])

    complaints += merged(lab, there, sent) + merged(lab, back, sent)
    if server.in_user_space()["unsent"]:
        complaints.append(f"{server.in_user_space()['unsent']} datagrams were not sent")
    stage.close()
    server.stop()
    return complaints


def two_peers(lab: Lab, families: tuple[int, int]) -> Complaints:
    """What goes to one place keeps its order, whatever goes elsewhere in between."""
    server = Turnpike(lab, USERSPACE)
    stage = Stage(lab, *families, peers=2)
    complaints: Complaints = []
    pairs = [(each, number % 2) for number, each in enumerate([run(1, 1), run(160, 1), *runs(), run(160, 7)] * 2)]
    for one, index in pairs:
        stage.to_peer(one, index)
    for index in range(2):
        complaints += stage.at_peer([one for one, number in pairs if number == index], index)
    for one, index in pairs:  # two senders have no order between them
        stage.to_client(one, index)
        complaints += stage.at_client([(one, index)])
    stage.close()
    server.stop()
    return complaints


def kernel_gets_single_packets(lab: Lab, variant_name: str, family: int) -> Complaints:
    """As from a wire: single packets, which the relay's device merges for sockets that want it."""
    variant = BY_NAME[variant_name]
    ends = [("client", "nic0"), ("peer", "nic0")]
    for role, device in ends:
        lab.run(role, ["ethtool", "-K", device, "tso", "off", "tx-udp-segmentation", "off"])
    for device in lab.devices("relay"):
        lab.run("relay", ["ethtool", "-K", device, "gro", "on"])
    server = Turnpike(lab, USERSPACE)
    stage = Stage(lab, family, family)
    burst = run(160, 60)

    def there_and_back() -> Complaints:
        stage.to_peer(burst)
        complaints = stage.at_peer([burst])
        stage.to_client(burst)
        return complaints + stage.at_client([(burst, 0)])

    def in_user_space() -> Complaints:
        return merged(lab, there_and_back, 2 * len(burst.payloads))

    complaints = [f"before: {each}" for each in in_user_space()]
    server.change_mode(variant)
    if not proc.wait_until(lambda: not there_and_back() and server.relayed()[0] > 0, 3):
        complaints.append("nothing is relayed in the kernel")
    before = server.relayed()
    for _ in range(5):
        complaints += there_and_back()
    kernel, user = (now - then for now, then in zip(server.relayed(), before))
    if (kernel, user) != (10 * len(burst.payloads), 0):
        complaints.append(f"{kernel} packets were relayed in the kernel, {user} in user space")
    late = turn_client(lab, "client", family, family)  # sockets that are made now are no different
    server.change_mode(USERSPACE)
    complaints += [f"after: {each}" for each in in_user_space()]
    late.refresh(0)
    late.socket.close()
    stage.close()
    server.stop()
    for role, device in ends:
        lab.run(role, ["ethtool", "-K", device, "tso", "on", "tx-udp-segmentation", "on"])
    for device in lab.devices("relay"):
        lab.run("relay", ["ethtool", "-K", device, "gro", "off"])
    return complaints


def tests() -> Iterator[tuple[str, Test]]:
    for families in itertools.product(FAMILIES, repeat=2):
        name = "-".join(map(str, families))
        yield f"bytes/{name}", partial(same_bytes, families=families)
        yield f"two/{name}", partial(two_peers, families=families)
    for variant, family in itertools.product(("native-head", "generic-head", "tcx"), FAMILIES):
        yield f"kernel/{variant}/{family}", partial(kernel_gets_single_packets, variant_name=variant, family=family)


if __name__ == "__main__":
    sys.exit(scenes.main("Runs of datagrams cross the relay's network stack as one.", tests(), scenes.tried_in_lab,
                         Lab("two-nic", offload=True)))

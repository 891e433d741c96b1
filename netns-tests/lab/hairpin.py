# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Two clients of one relay that are each other's peers."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from typing import NamedTuple

from lab import proc, turn
from lab.complaints import Complaints
from lab.endpoints import turn_client
from lab.lab import Lab
from lab.relay import Turnpike

CHANNEL, OTHER_CHANNEL = 0x4001, 0x4fff
SIZES = (0, 1, 2, 3, 4, 5, 100, 1171, 1200)


class Pair:
    """Two clients, each with the other's relayed transport address as its peer."""

    def __init__(self, a: turn.Client, b: turn.Client) -> None:
        self.a, self.b = a, b

    @classmethod
    def over_udp(cls, lab: Lab, families: tuple[int, int, int], role: str = "peer") -> Pair:
        family, relayed, other_family = families
        return cls(turn_client(lab, "client", family, relayed), turn_client(lab, role, other_family, relayed))

    def both_ways(self) -> list[tuple[turn.Client, turn.Client]]:
        return [(self.a, self.b), (self.b, self.a)]

    def close(self) -> None:
        for client in (self.a, self.b):
            client.refresh(0)
            client.socket.close()


def send_channel(sender: turn.Client, channel: int, payload: bytes) -> None:
    sender.socket.send(turn.channel_data(channel, payload))


def expect_channel(receiver: turn.Client, channel: int, payload: bytes) -> Complaints:
    got, wanted = receiver.receive(1), turn.channel_data(channel, payload)
    return [] if got == wanted else [f"ChannelData of {len(payload)} bytes arrived as {got!r}"]


def expect_indication(receiver: turn.Client, peer: turn.Address, payload: bytes) -> Complaints:
    got = receiver.receive(1)
    if got is None or got != turn.data_indication(got[8:20], peer, payload):
        return [f"an indication of {len(payload)} bytes arrived as {got!r}"]
    return []


class End(NamedTuple):
    """How one of the two clients sends to the other, and receives from it."""

    send: Callable[[bytes], None]
    expect: Callable[[bytes], Complaints]


def by_channel(client: turn.Client, channel: int, peer: turn.Address) -> End:
    client.bind(channel, peer)
    return End(lambda payload: send_channel(client, channel, payload),
               lambda payload: expect_channel(client, channel, payload))


def by_indication(client: turn.Client, peer: turn.Address) -> End:
    """A permission for the relay's address is enough."""
    client.permit((peer[0], 9))
    return End(lambda payload: client.send_indication(peer, payload),
               lambda payload: expect_indication(client, peer, payload))


def channels(pair: Pair, server: Turnpike) -> Complaints:
    """Channel to channel."""
    return _relayed(server, by_channel(pair.a, CHANNEL, pair.b.relayed),
                    by_channel(pair.b, OTHER_CHANNEL, pair.a.relayed))


def mixed(pair: Pair, server: Turnpike) -> Complaints:
    """Channel to indication, and back."""
    return _relayed(server, by_channel(pair.a, CHANNEL, pair.b.relayed), by_indication(pair.b, pair.a.relayed))


def indications(pair: Pair, server: Turnpike) -> Complaints:
    """Indication to indication."""
    return _relayed(server, by_indication(pair.a, pair.b.relayed), by_indication(pair.b, pair.a.relayed))


def _relayed(server: Turnpike, a: End, b: End) -> Complaints:
    """In both directions, every payload arrives once and unchanged, by the path of the mode."""
    both_ways = ((a, b), (b, a))

    def flows() -> bool:  # false until neighbours are resolved
        before = server.hairpins()
        arrived = True
        for sender, receiver in both_ways:
            sender.send(b"warm-up")
            arrived = not receiver.expect(b"warm-up") and arrived
        return arrived and (server.hairpins() - before == 2) == server.variant.in_kernel

    if not proc.wait_until(flows, 3, step=0.1):
        return [f"packets do not take the path of the mode\n{server.report()}"]
    complaints: Complaints = []
    hairpins_before, (kernel_before, user_before) = server.hairpins(), server.relayed()
    for size, (sender, receiver) in itertools.product(SIZES, both_ways):
        payload = os.urandom(size)
        sender.send(payload)
        complaints += receiver.expect(payload)
    kernel, user = server.relayed()
    sent = 2 * len(SIZES)
    # User space relays a datagram twice: for the sender's allocation, and for the receiver's.
    wanted = (sent, sent, 0) if server.variant.in_kernel else (0, 0, 2 * sent)
    counted = server.hairpins() - hairpins_before, kernel - kernel_before, user - user_before
    if counted != wanted:
        complaints.append(f"hairpins, in the kernel, in user space: {counted}, not {wanted}")
    directions = {flow["direction"] for flow in server.flows()}
    if server.variant.in_kernel and "hairpin" not in directions:
        complaints.append(f"the flows have the directions {directions}")
    return complaints

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Payloads through a channel to an echoing peer and back: does the server relay, and on which path?"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Iterator, Sequence

from lab import proc, turn
from lab.complaints import Complaints
from lab.endpoints import echo_peer, turn_client, udp_socket
from lab.lab import Lab
from lab.relay import PASSWORD, PORT, USER, Turnpike
from lab.topology import FAMILIES

CHANNEL = 0x4001
ANSWER_TIMEOUT = 5.0
HELLOS = 3          # the first one of a flow takes the slow path, and confirms it
SETTLE_TIMEOUT = 3.0
RETRANSMIT_TIMEOUT, TRIES = 2.0, 3  # of a message that may be lost

Counts = tuple[int, int]  # packets relayed in the kernel and in user space


def echoed(client: turn.Client, payload: bytes, channel: int = CHANNEL) -> Complaints:
    """Send one payload to the peer, and check its echo."""
    message = turn.channel_data(channel, payload)
    client.socket.send(message)
    answer = client.receive(ANSWER_TIMEOUT)
    return [] if answer == message else [f"{payload!r} came back as {answer!r}"]


def exchanged(client: turn.Client, count: int = 1) -> Complaints:
    """Send random payloads to the peer, and check their echoes. Lost ones are sent again."""
    sent: set[bytes] = set()
    for _ in range(count):
        message = turn.channel_data(CHANNEL, os.urandom(100))
        for _try in range(TRIES):
            client.socket.send(message)
            while (answer := client.receive(RETRANSMIT_TIMEOUT)) in sent:
                pass  # a late answer to a message that was sent twice
            if answer is not None:
                break
        if answer != message:
            return [f"{answer!r} came back, not {message!r}"]
        sent.add(message)
    return []


@contextlib.contextmanager
def bound_clients(lab: Lab) -> Iterator[list[turn.Client]]:
    """One client for each family, with an allocation and a channel to an echoing peer."""
    with contextlib.ExitStack() as stack:
        clients = []
        for family in FAMILIES:
            peer = stack.enter_context(echo_peer(lab, family))
            clients.append(turn_client(lab, "client", family, family))
            stack.enter_context(clients[-1].socket)
            clients[-1].bind(CHANNEL, peer.address)
        yield clients


def since(relayed: Callable[[], Counts], before: Counts) -> Counts:
    """Packets relayed in the kernel and in user space since then."""
    kernel, user = relayed()
    return kernel - before[0], user - before[1]


def relayed_there(server: Turnpike, clients: Sequence[turn.Client], channels: Sequence[int] = (CHANNEL,),
                  payloads: Sequence[bytes] = (b"hello",)) -> Complaints:
    """Check that the data of every client takes the path of the mode: kernel or user space."""
    return takes_path(server.relayed, server.variant.in_kernel, clients, channels, payloads)


def takes_path(relayed: Callable[[], Counts], in_kernel: bool, clients: Sequence[turn.Client],
               channels: Sequence[int] = (CHANNEL,), payloads: Sequence[bytes] = (b"hello",)) -> Complaints:
    """Check that all payloads are echoed, and relayed in the kernel or in user space."""
    def send(sent: Sequence[bytes]) -> Complaints:
        return [each for client, channel, payload in itertools.product(clients, channels, sent)
                for each in echoed(client, payload, channel)]

    def wanted(count: int) -> Counts:
        packets = 2 * len(clients) * len(channels) * count
        return (packets, 0) if in_kernel else (0, packets)

    def warm() -> bool:
        before = relayed()
        send([b"warm-up"])
        return since(relayed, before) == wanted(1)

    # At first, next hops are resolved and flows are confirmed. How long that takes depends on the machine.
    proc.wait_until(warm, SETTLE_TIMEOUT)
    before = relayed()
    found = send(payloads)
    counted = since(relayed, before)
    if counted != wanted(len(payloads)):
        found.append(f"in the kernel, in user space: {counted} packets")
    return found


def relays(lab: Lab) -> Complaints:
    """Check that a new client of each family gets an allocation and HELLOS echoes."""
    complaints = []
    for family in FAMILIES:
        with echo_peer(lab, family) as peer, udp_socket(lab, "client", family) as sock:
            client = turn.Client(sock, (lab.topology.listen.address(family), PORT), USER, PASSWORD)
            try:
                client.allocate(family)
                client.bind(CHANNEL, peer.address)
                found = [each for _ in range(HELLOS) for each in echoed(client, b"hello")]
                client.refresh(0)
            except (turn.TurnError, TimeoutError, OSError) as error:
                found = [f"not relayed: {error}"]
            complaints += [f"IPv{family}: {each}" for each in found]
    return complaints


@contextlib.contextmanager
def bound_client(lab: Lab, user: str, password: str) -> Iterator[turn.Client]:
    """A client of this user, with an allocation and a channel to an echoing peer."""
    with echo_peer(lab, 4) as peer:
        client = turn_client(lab, "client", 4, user=user, password=password)
        with client.socket:
            client.allocate(4)
            client.bind(CHANNEL, peer.address)
            yield client


def admitted(lab: Lab, user: str, password: str) -> Complaints:
    """Check that a user gets an allocation. Raises turn.TurnError otherwise."""
    client = turn_client(lab, "client", 4, user=user, password=password)
    with client.socket:
        client.allocate(4)
        client.refresh(0)
    return []

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Payloads through a channel to an echoing peer and back: does the server relay, and on which path?"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence

from lab import turn
from lab.complaints import Complaints
from lab.endpoints import echo_peer, turn_client, udp_socket
from lab.lab import Lab
from lab.relay import PASSWORD, PORT, USER, Turnpike
from lab.topology import FAMILIES

CHANNEL = 0x4001
ANSWER_TIMEOUT = 5.0
HELLOS = 3          # the first one of a flow takes the slow path, and confirms it
RETRANSMIT_TIMEOUT, TRIES = 2.0, 3  # of a message that may be lost


def echoed(client: turn.Client, payload: bytes) -> Complaints:
    """Send one payload to the peer, and check its echo."""
    client.socket.send(turn.channel_data(CHANNEL, payload))
    answer = client.receive(ANSWER_TIMEOUT)
    return [] if answer == turn.channel_data(CHANNEL, payload) else [f"{payload!r} came back as {answer!r}"]


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
            for _ in range(3):
                echoed(clients[-1], b"warm-up")
        yield clients


def relayed_there(server: Turnpike, clients: Sequence[turn.Client]) -> Complaints:
    """Check that the data of every client takes the path of the mode: kernel or user space."""
    for client in clients:
        echoed(client, b"warm-up")  # a change of the mode changes next hops
    before = server.relayed()
    found = [each for client in clients for each in echoed(client, b"hello")]
    counted = tuple(now - then for now, then in zip(server.relayed(), before))
    wanted = 2 * len(clients)
    if counted != ((wanted, 0) if server.variant.in_kernel else (0, wanted)):
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
            for _ in range(3):
                echoed(client, b"warm-up")
            yield client


def admitted(lab: Lab, user: str, password: str) -> Complaints:
    """Check that a user gets an allocation. Raises turn.TurnError otherwise."""
    client = turn_client(lab, "client", 4, user=user, password=password)
    with client.socket:
        client.allocate(4)
        client.refresh(0)
    return []

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Two hundred clients of four kinds, of five users and at two addresses, who talk with one peer."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lab import connected, proc, turn
from lab.complaints import Complaints
from lab.credentials import rest_credentials
from lab.endpoints import EchoPeer
from lab.lab import Lab
from lab.relay import PASSWORD, PORT, USER
from lab.roundtrip import CHANNEL
from lab.sessions import BOB, FAMILY, SECRET

ERIN = "erin"
EACH = 10  # of each kind and user
ALIAS = "10.77.1.129"  # of the client's host; NETWORK has it, and not its own address
NETWORK = "10.77.1.128/25"
TIMEOUT = 10  # seconds; it only ends a failure
SOON = 1  # second, in which an order takes effect

Account = tuple[str, Callable[[int], tuple[str, str]]]  # name, and username and password of the n-th client
ACCOUNTS: tuple[Account, ...] = (
    *((name, lambda _number, name=name: (name, PASSWORD)) for name in (USER, BOB, ERIN)),  # type: ignore[misc]
    *((name, lambda number, name=name: rest_credentials(SECRET, name, 1000 + number))  # type: ignore[misc]
      for name in ("carol", "dave")))


def _udp(lab: Lab, host: str) -> tuple[socket.socket, turn.Address]:
    with lab.entered("client"):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((host, 0))
    return sock, (lab.topology.listen.address(FAMILY), PORT)


def _stream(transport: str) -> Callable[[Lab, str], tuple[connected.Connected, turn.Address]]:
    def make(lab: Lab, host: str) -> tuple[connected.Connected, turn.Address]:
        stream = connected.connected(lab, transport, FAMILY)
        assert isinstance(stream, connected.Stream)
        stream.socket.bind((host, 0))
        return stream, connected.server_of(lab, transport, FAMILY)
    return make


# By kind: how a client connects, its transport, and whether it has a channel. The others use indications.
KINDS = {"channel": (_udp, "udp", True), "indications": (_udp, "udp", False),
         "tcp": (_stream("tcp"), "tcp", True), "tls": (_stream("tls"), "tls", True)}


@dataclass
class Member:
    kind: str
    user: str
    account: str
    host: str
    client: turn.Client
    peer: turn.Address

    @property
    def transport(self) -> str:
        return KINDS[self.kind][1]

    def send(self, payload: bytes) -> None:
        """An ended session may have lost its connection."""
        message = (turn.channel_data(CHANNEL, payload) if KINDS[self.kind][2] else
                   turn.send_indication(self.peer, payload))
        with contextlib.suppress(OSError):
            self.client.socket.send(message)

    def receive(self, timeout: float) -> bytes | None:
        """The next payload; None: there is none."""
        try:
            data = self.client.receive(timeout)
        except OSError:
            return None
        if not data or KINDS[self.kind][2]:
            return data[4:] if data else None
        message = turn.parse(data)
        return message.get(turn.PAYLOAD) if message else None


def _member(lab: Lab, kind: str, account: Account, number: int, peer: turn.Address) -> Member:
    host = ALIAS if number % 2 else lab.address("client", FAMILY)
    connect, _transport, has_channel = KINDS[kind]
    user, password = account[1](number)
    client = turn.Client(*connect(lab, host), user, password)  # type: ignore[arg-type]
    client.allocate(FAMILY)
    if has_channel:
        client.bind(CHANNEL, peer)
    else:
        client.permit(peer)
    return Member(kind, user, account[0], host, client, peer)


class Population:
    """The members; and those who have lost their sessions."""

    def __init__(self, peer: EchoPeer, members: list[Member]) -> None:
        self.peer = peer
        self.members = members
        self._serial = 0

    def leave(self, is_leaving: Callable[[Member], bool]) -> list[Member]:
        """Those of whom it is true are no members any more."""
        left = [member for member in self.members if is_leaving(member)]
        self.members = [member for member in self.members if not is_leaving(member)]
        return left

    def talk(self, rounds: int = 1) -> Complaints:
        """Every member sends, and gets its own echo."""
        complaints = []
        for _ in range(rounds):
            payloads = [self._payload() for _ in self.members]
            for member, payload in zip(self.members, payloads):
                member.send(payload)
                if (echo := member.receive(TIMEOUT)) != payload:
                    complaints.append(f"{payload!r} of {member.user} by {member.kind} came back as {echo!r}")
        return complaints

    def _payload(self) -> bytes:
        self._serial += 1
        return b"message %d" % self._serial

    def is_silent(self, left: Sequence[Member]) -> bool:
        """Whether nothing that those or their peer send now arrives, though what the members send later does."""
        sent, answers = ([self._payload() for _ in left] for _ in range(2))
        for member, payload, answer in zip(left, sent, answers):
            member.send(payload)
            self.peer.socket.sendto(answer, member.client.relayed)
        complaints = self.talk(2)
        assert not complaints, complaints
        arrived = set(sent) & set(self.peer.received)
        return not arrived and not any(member.receive(0.000001) in answers for member in left)

    def falls_silent(self, left: Sequence[Member]) -> Complaints:
        silent = proc.wait_until(lambda: self.is_silent(left), SOON)
        return [] if silent else [f"{len(left)} clients of {left[0].user} still send or receive"]


@contextlib.contextmanager
def populated(lab: Lab, peer: EchoPeer) -> Iterator[Population]:
    lab.run("client", ["ip", "addr", "replace", f"{ALIAS}/24", "dev", "nic0"])
    members = [_member(lab, kind, account, number, peer.address)
               for kind in KINDS for account in ACCOUNTS for number in range(EACH)]
    try:
        yield Population(peer, members)
    finally:
        for member in members:
            with contextlib.suppress(OSError):
                inner = member.client.socket
                (inner.socket if isinstance(inner, connected.Connected) else inner).close()

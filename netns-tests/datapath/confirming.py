# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A relay with two uplinks, and what its kernel path does with the flow of one client.

    client ----- router ===== relay        two uplinks: nic0, which routes use, and nic1
                   |
                 peer
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import pytest

from hostrules import BOTH, Rule
from lab import proc, turn
from lab.complaints import Complaints
from lab.endpoints import TOS, EchoPeer, drain, echo_peer, udp_socket
from lab.lab import Lab
from lab.relay import BY_NAME, PASSWORD, PORT, USER, Turnpike, Variant
from lab.roundtrip import CHANNEL, echoed
from lab.topology import CLIENT, FAMILIES, PEER, End, Place, Topology

IN_KERNEL = [BY_NAME[name] for name in ("native-head", "generic-head", "tcx", "clsact")]
every_mode = pytest.mark.parametrize("variant", IN_KERNEL)
every_family = pytest.mark.parametrize("family", FAMILIES)
RELAY, ROUTER = Place(2, 2), Place(2, 1)
SPARE, SPARE_ROUTER = Place(4, 2), Place(4, 1)
UPLINKS = Topology(
    links=((End("client", "nic0", CLIENT), End("router", "to-client", Place(1, 1))),
           (End("relay", "nic0", RELAY), End("router", "to-relay", ROUTER)),
           (End("relay", "nic1", SPARE), End("router", "to-spare", SPARE_ROUTER)),
           (End("peer", "nic0", PEER), End("router", "to-peer", Place(3, 1)))),
    listen=RELAY, relayed=RELAY, router="router",
    gateways={"client": Place(1, 1), "relay": ROUTER, "peer": Place(3, 1)})
MESSAGES = 10
SOON = 5.0     # seconds for what happens at once, on a busy machine
WINDOW = 0.15  # seconds, in which changes of the host are reported together
QUIET = 0.2    # seconds without an answer, after which none is expected
OFTEN = 1      # seconds between checks


def serve(lab: Lab, variant: Variant, *options: str) -> Turnpike:
    devices = [word for nic in lab.devices("relay") for word in ("--dev", nic)]
    return Turnpike(lab, variant, options=[*devices, *options])


@contextlib.contextmanager
def bound(lab: Lab, family: int, peer: turn.Address, port: int = PORT, tos: int = 0) -> Iterator[turn.Client]:
    """A client with a channel to the peer. Nothing has been sent through it."""
    with udp_socket(lab, "client", family) as sock:
        client = turn.Client(sock, (lab.topology.listen.address(family), port), USER, PASSWORD)
        client.allocate(family)
        client.bind(CHANNEL, peer)
        level, option, _receive, _kind = TOS[family]
        sock.setsockopt(level, option, tos)
        yield client
        with contextlib.suppress(turn.TurnError, TimeoutError):
            client.refresh(0)


@contextlib.contextmanager
def channel(lab: Lab, family: int, rule: Rule | None = None) -> Iterator[turn.Client]:
    """A client with a channel to an echoing peer."""
    options = {"port": rule.client_port, "tos": rule.tos} if rule else {}
    with echo_peer(lab, family) as peer, bound(lab, family, peer.address, **options) as client:
        yield client


def relayed(server: Turnpike) -> dict[str, int]:
    """Packets relayed in the kernel, by direction."""
    return {direction: server.verdicts(direction).get("relayed", 0) for direction in BOTH}


def exchange(server: Turnpike, client: turn.Client, count: int = MESSAGES) -> tuple[dict[str, int], Complaints]:
    """Send messages, and compare their echoes. Returns what the kernel relayed meanwhile."""
    before = relayed(server)
    complaints = [each for number in range(count) for each in echoed(client, f"message {number}".encode())]
    return {direction: now - before[direction] for direction, now in relayed(server).items()}, complaints


def relays(server: Turnpike, client: turn.Client, wanted: dict[str, int]) -> bool:
    """Whether the kernel relays these packets of an echoed message, now and after the window of changes.

    The server's own TC filters are changes of the host, too.
    """
    if exchange(server, client, 1)[0] != wanted:
        return False
    time.sleep(WINDOW)
    return exchange(server, client, 1)[0] == wanted


def wait_until_confirmed(server: Turnpike, client: turn.Client) -> Complaints:
    """Send until the kernel relays both directions."""
    confirmed = proc.wait_until(lambda: relays(server, client, dict.fromkeys(BOTH, 1)), SOON)
    return [] if confirmed else [f"the flows are not confirmed: {server.flows()}"]


def reasons(server: Turnpike) -> dict[str, str]:
    """Why flows are not confirmed, by direction."""
    return {flow["direction"]: flow["why"] for flow in server.flows()}


def is_echoed(client: turn.Client) -> bool:
    client.socket.send(turn.channel_data(CHANNEL, b"hello"))
    return client.receive(QUIET) is not None


@contextlib.contextmanager
def route(lab: Lab, role: str, family: int, to: str, via: str, device: str) -> Iterator[None]:
    """A host route, for the length of the block."""
    where = [f"{to}/{32 if family == 4 else 128}", "via", via, "dev", device]
    lab.run(role, ["ip", f"-{family}", "route", "add", *where])
    try:
        yield
    finally:
        lab.run(role, ["ip", f"-{family}", "route", "del", *where])


class Flows:
    """A client and an echoing peer, of whose packets some must be lost."""

    def __init__(self, lab: Lab, server: Turnpike, client: turn.Client, peer: EchoPeer) -> None:
        self._lab, self._server, self._client, self._peer = lab, server, client, peer
        self._relayed_address = client.relayed

    def send(self, direction: str, payload: bytes) -> None:
        if direction == "to-peer":
            self._client.socket.send(turn.channel_data(CHANNEL, payload))
        else:
            self._peer.socket.sendto(payload, self._relayed_address)

    def _arrived(self, direction: str) -> list[bytes]:
        family = turn.family_of(self._peer.address)
        return (list(self._peer.received) if direction == "to-peer" else
                [each.payload for each in drain(self._client.socket, family, QUIET)])

    def leaks(self, direction: str) -> Complaints:
        """Send messages in one direction, none of which may arrive."""
        self._arrived("to-client")
        self._peer.received.clear()
        before = relayed(self._server)[direction]
        for number in range(MESSAGES):
            self.send(direction, f"message {number}".encode())
        proc.wait_until(lambda: relayed(self._server)[direction] != before, QUIET)
        complaints = [f"{each!r} was relayed {direction}" for each in self._arrived(direction)]
        if count := relayed(self._server)[direction] - before:
            complaints.append(f"{count} packets {direction} were relayed in the kernel")
        return complaints

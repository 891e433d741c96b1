# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A client with a channel to a peer, and checks of the packets that a test sends between them."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lab import proc, turn
from lab.endpoints import Received, drain, receive, udp_socket
from lab.lab import Lab
from lab.relay import PASSWORD, PORT, USER, Server

CHANNEL = 0x4001
QUIET = 0.04  # seconds without a packet, after which no more are expected
SETTLED = 0.2  # likewise after the warm-up


@dataclass(frozen=True)
class Arrived:
    """A received packet: plain payload, ChannelData or a Data indication, with header fields."""

    how: str
    payload: bytes
    raw: Received


@dataclass(frozen=True)
class Case:
    """A packet to send, and the payloads that must arrive, on which path."""

    name: str
    send: Callable[[Rig], None]
    peer: Sequence[bytes] | None = ()      # None: not checked
    client: Sequence[bytes] = ()
    client_how: str = "channel"
    kernel: int | None = None              # packets that the kernel must relay; None: not checked
    verdict: str | None = None             # verdict that must be counted in kernel modes
    check: Callable[[list[Arrived]], list[str]] = lambda _arrived: []
    families: Sequence[int] = (4, 6)
    kernel_only: bool = False              # user space may behave differently
    ours_only: bool = False                # coturn behaves differently
    once_before: bool = False              # sent once before, to confirm the flow for its DSCP


class Rig:
    def __init__(self, lab: Lab, server: Server, family: int, user: str = USER) -> None:
        self.lab, self.server, self.family, self._user = lab, server, family, user
        self.client = self.new_client()
        self.peer = udp_socket(lab, "peer", family)
        self.peer_address: turn.Address = self.peer.getsockname()[:2]
        self.client.bind(CHANNEL, self.peer_address)
        self.warm_up()

    def new_client(self) -> turn.Client:
        client = turn.Client(udp_socket(self.lab, "client", self.family), self.server_address, self._user, PASSWORD)
        client.allocate(self.family)
        return client

    @property
    def server_address(self) -> turn.Address:
        return self.lab.topology.listen.address(self.family), PORT

    def close(self) -> None:
        with contextlib.suppress(turn.TurnError, TimeoutError):
            self.client.refresh(0)
        self.client.socket.close()
        self.peer.close()

    # Sending.

    def to_relay(self, datagram: bytes) -> None:
        self.client.socket.send(datagram)

    def to_peer(self, payload: bytes, **oddities: int) -> None:
        self.to_relay(turn.channel_data(CHANNEL, payload, **oddities))

    def to_client(self, payload: bytes) -> None:
        self.peer.sendto(payload, self.client.relayed)

    def frame(self, frame: bytes) -> None:
        """Send an Ethernet frame from the client's NIC."""
        with self.lab.entered("client"), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
            raw.bind((self.lab.devices("client")[0], 0))
            raw.send(frame)

    def macs(self) -> tuple[str, str]:
        """The MAC addresses of the client and of the relay's NIC on the same link."""
        client, relay = (self.lab.mac(role, self.lab.devices(role)[0]) for role in ("client", "relay"))
        return client, relay

    # Receiving.

    def at_peer(self, quiet: float = QUIET, expected: int = 0) -> list[Arrived]:
        return [Arrived("plain", each.payload, each) for each in drain(self.peer, self.family, quiet, expected)]

    def at_client(self, quiet: float = QUIET, expected: int = 0) -> list[Arrived]:
        return [decode(each) for each in drain(self.client.socket, self.family, quiet, expected)]

    def run(self, case: Case) -> list[str]:
        if case.once_before:
            case.send(self)
            self.at_peer(expected=len(case.peer or ()))
            self.at_client(expected=len(case.client))
        self.at_peer(0.001)
        self.at_client(0.001)
        kernel_before, user_before = self.server.relayed()
        verdicts_before = self.server.verdicts()
        case.send(self)
        peer = self.at_peer(expected=len(case.peer or ()))
        client = self.at_client(expected=len(case.client))
        kernel, user = self.server.relayed()
        complaints = case.check(peer + client)
        if case.peer is not None:
            complaints += compare("the peer", "plain", case.peer, peer)
        complaints += compare("the client", case.client_how, case.client, client)
        if self.server.variant.in_kernel:
            if case.kernel is not None and kernel - kernel_before != case.kernel:
                complaints.append(f"relayed in the kernel: {kernel - kernel_before}, not {case.kernel}")
            after = self.server.verdicts()
            if case.verdict and after.get(case.verdict, 0) <= verdicts_before.get(case.verdict, 0):
                rose = [name for name in after if after[name] > verdicts_before.get(name, 0)]
                complaints.append(f"not counted as {case.verdict}, but as {', '.join(rose) or 'nothing'}")
        elif kernel:
            complaints.append(f"{kernel} packets relayed in the kernel")
        expected = len(case.peer or ()) + len(case.client)
        if self.server.tells_counts and kernel - kernel_before + user - user_before < expected:
            complaints.append(f"{kernel - kernel_before} + {user - user_before} relayed packets counted,"
                              f" not {expected}")
        return complaints

    def warm_up(self) -> None:
        """Send until packets take the path of the mode in both directions: neighbours must be resolved first, and the
        flows confirmed."""
        def flows() -> bool:
            before, _ = self.server.relayed()
            self.to_peer(b"warm-up")
            self.to_client(b"warm-up")
            arrived = receive(self.peer, self.family, 0.5) and receive(self.client.socket, self.family, 0.5)
            return bool(arrived) and (self.server.relayed()[0] - before == 2) == self.server.variant.in_kernel
        if not proc.wait_until(flows, 3, step=0.1):
            raise proc.LabError("packets do not take the path of the mode in both directions")
        # On a slow machine, echoes of the first tries may still arrive.
        self.at_peer(SETTLED)
        self.at_client(SETTLED)


def decode(one: Received) -> Arrived:
    data = one.payload
    if len(data) >= 4 and data[0] >> 6 == 1:
        channel, length = struct.unpack_from("!HH", data)
        if channel == CHANNEL and len(data) == 4 + length:
            return Arrived("channel", data[4:], one)
    message = turn.parse(data)
    if message and message.method == turn.DATA and message.kind == turn.INDICATION:
        return Arrived("indication", message.get(turn.PAYLOAD) or b"", one)
    return Arrived("strange", data, one)


def compare(where: str, how: str, expected: Sequence[bytes], arrived: list[Arrived]) -> list[str]:
    if sorted(expected) == sorted(each.payload for each in arrived) and all(each.how == how for each in arrived):
        return []
    def show(payloads: Sequence[bytes]) -> str:
        return ", ".join(f"{each[:16].hex()}({len(each)})" for each in payloads) or "nothing"
    return [f"{where} got {', '.join(sorted({each.how for each in arrived}))} "
            f"{show([each.payload for each in arrived])} instead of {how} {show(expected)}"]


@contextlib.contextmanager
def with_option(sock: socket.socket, level: int, name: int, on: int | bytes, off: int | bytes) -> Iterator[None]:
    sock.setsockopt(level, name, on)
    try:
        yield
    finally:
        sock.setsockopt(level, name, off)

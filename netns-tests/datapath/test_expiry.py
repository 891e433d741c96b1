# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The kernel expires flows to the second, each direction on its own, and relays while user space does not run.

    client ----- relay ----- peer
"""

from __future__ import annotations

import itertools
import json
import selectors
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lab import proc, turn
from lab.complaints import Complaints, check
from lab.endpoints import echo_peer, udp_socket
from lab.flow import Flow
from lab.lab import Lab
from lab.relay import BINARY, PORT, VARIANTS, Turnpike, Variant
from lab.rig import CHANNEL
from lab.topology import FAMILIES

LIBRARY = BINARY.parent.parent / "attach/libturnpike.so"
LIMIT = 10.0            # seconds to wait for what must happen
PACE = 0.02
SOON, LATE = 3.0, 5.0   # seconds after the binding: the expiries
END = 7.0               # seconds after the binding: the last packets
TOLERANCE = 1.0         # seconds: a tick of the kernel path's clock, and a busy machine
FIRST_RELAYED = 50000

every_kernel_variant = pytest.mark.parametrize("variant", [variant for variant in VARIANTS if variant.in_kernel])


@dataclass
class Direction:
    """One direction of a binding: numbered datagrams from one socket through the relay to another."""

    name: str
    sender: socket.socket
    relay: turn.Address
    receiver: socket.socket
    expires: float                   # seconds after the binding
    wrap: Callable[[bytes], bytes]   # a payload as the relay receives it
    wrapped: Callable[[bytes], bytes]  # and as the relay sends it
    sent: list[tuple[int, int]] = field(default_factory=list)  # by number: just before and just after, ns
    received: list[bytes] = field(default_factory=list)

    def send(self) -> None:
        before = time.monotonic_ns()
        self.sender.sendto(self.wrap(len(self.sent).to_bytes(8, "big")), self.relay)
        self.sent.append((before, time.monotonic_ns()))

    def complaints(self, bound: int) -> Complaints:
        """What was sent until the expiry has arrived, and nothing that was sent later."""
        arrived = len(self.received)
        if self.received != [self.wrapped(number.to_bytes(8, "big")) for number in range(arrived)]:
            return [f"{self.name}: the {arrived} datagrams that arrived are not the first that were sent, in order"]
        if arrived == len(self.sent):
            return [f"{self.name}: every datagram was relayed"]
        expires = bound + int(self.expires * 1e9)
        last_sent = self.sent[arrived - 1][0] if arrived else bound
        first_lost = self.sent[arrived][1]
        complaints = []
        if last_sent > expires + TOLERANCE * 1e9:
            complaints.append(f"{self.name}: still relayed {(last_sent - expires) / 1e9:.2f} s after the expiry")
        if first_lost < expires - TOLERANCE * 1e9:
            complaints.append(f"{self.name}: not relayed {(expires - first_lost) / 1e9:.2f} s before the expiry")
        return complaints


def plain(data: bytes) -> bytes:
    return data


def in_channel(data: bytes) -> bytes:
    return turn.channel_data(CHANNEL, data)


class Bindings:
    """Two for each pair of families: of one the channel expires first, of the other the permission."""

    def __init__(self, lab: Lab) -> None:
        self.directions: list[Direction] = []
        self.requests: list[dict[str, object]] = []  # for library_user.py
        cases = itertools.product(FAMILIES, FAMILIES, ((SOON, LATE), (LATE, SOON)))
        for number, (client_family, peer_family, (channel, permission)) in enumerate(cases):
            client, peer = udp_socket(lab, "client", client_family), udp_socket(lab, "peer", peer_family)
            server = lab.topology.listen.address(client_family), PORT
            relay = lab.topology.relayed.address(peer_family), FIRST_RELAYED + number
            self.requests.append({"client": client.getsockname()[:2], "server": server, "relay": relay,
                                  "peer": peer.getsockname()[:2], "channel": CHANNEL,
                                  "channel_expires": channel, "permission_expires": permission})
            name = f"IPv{client_family} to IPv{peer_family}, channel {channel:g} s, permission {permission:g} s"
            self.directions += [
                Direction(f"{name}, to the peer", client, server, peer, channel, in_channel, plain),
                Direction(f"{name}, to the client", peer, relay, client, permission, plain, in_channel)]

    def run(self, until: float) -> None:
        """Send at a steady pace, and receive what arrives meanwhile."""
        with selectors.DefaultSelector() as selector:
            for direction in self.directions:
                direction.receiver.setblocking(False)
                selector.register(direction.receiver, selectors.EVENT_READ, direction)
            next_send = time.monotonic()
            while (now := time.monotonic()) < until + 2 * PACE:
                if next_send <= now < until:
                    next_send += PACE
                    for direction in self.directions:
                        direction.send()
                for key, _events in selector.select(max(0, min(next_send, until + 2 * PACE) - time.monotonic())):
                    key.data.received.append(key.data.receiver.recv(2048))

    def close(self) -> None:
        for direction in self.directions:
            direction.sender.close()


def resolve_neighbours(lab: Lab) -> None:
    """A user of the library that is stopped does not hear that the kernel has resolved a neighbour."""
    for role, family in itertools.product(("client", "peer"), FAMILIES):
        lab.run("relay", ["busybox", "ping", "-c", "1", "-w", "5", lab.address(role, family)])


@every_kernel_variant
def test_expiries(lab: Lab, variant: Variant) -> None:
    """Packets are relayed to the peer until the channel expires, and to the client until the permission does.

    A user of the library has bound both, and is stopped meanwhile.
    """
    resolve_neighbours(lab)
    bindings = Bindings(lab)
    request = {"devices": lab.devices("relay"), "mode": variant.mode, "moves": variant.moves or "auto",
               "hook": variant.hook if variant.asks_for_hook else "auto", "bindings": bindings.requests}
    user = lab.start("relay", ["/usr/bin/python3", str(Path(__file__).with_name("library_user.py")), str(LIBRARY),
                               json.dumps(request)])
    user.wait_for(r"^bound \d+$")
    bound = int(user.log().split()[-1])
    assert proc.wait_until(user.is_paused, LIMIT), "the user of the library did not stop"
    bindings.run(bound / 1e9 + END)
    complaints = [each for direction in bindings.directions for each in direction.complaints(bound)]
    if not user.is_paused():
        complaints.append("the user of the library did not stay stopped")
    bindings.close()
    user.stop(signal.SIGKILL)
    print(f"{sum(len(direction.received) for direction in bindings.directions)} of"
          f" {sum(len(direction.sent) for direction in bindings.directions)} packets relayed")
    check(complaints)


@every_kernel_variant
def test_stopped_server(lab: Lab, variant: Variant) -> None:
    """The kernel relays established flows without loss while the server is stopped."""
    server = Turnpike(lab, variant)
    with echo_peer(lab, 4) as peer4, echo_peer(lab, 6) as peer6:
        flows = [Flow(lab, family, peer.address) for family, peer in zip(FAMILIES, (peer4, peer6))]
        for flow in flows:
            flow.start()
        assert proc.wait_until(lambda: not server.kernel_complaints(0.2), LIMIT), server.kernel_complaints()
        before = server.relayed()
        with server.process.paused():
            first = [flow.sent + 1 for flow in flows]  # certainly sent while the server is stopped
            lost = [flow.lost_in(2) for flow in flows]
            back = sum(number >= start for flow, start in zip(flows, first) for number in set(flow.back))
        for flow in flows:
            flow.stop()
        kernel, user = (now - then for now, then in zip(server.relayed(), before))
    print(f"while stopped: {kernel} packets relayed in the kernel, {user} in user space, {lost} lost")
    complaints = [each for flow in flows for each in flow.wrong[:3]]
    if any(lost) or not back or kernel < 2 * back or user:
        complaints.append(f"while the server was stopped {back} messages came back and {lost} were lost;"
                          f" {kernel} packets were relayed in the kernel, {user} in user space")
    if status := server.stop():
        complaints.append(f"the server ended with status {status}")
    check(complaints)

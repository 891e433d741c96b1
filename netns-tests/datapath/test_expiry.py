#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Expiry is the kernel's: to the second, in each direction for itself, and whether or not user space still runs.

    client ----- relay ----- peer

    NAME/apart    a user of libturnpike binds channels and is stopped. Toward the peer, packets are relayed until the
                  channel expires, toward the client until the permission does, and never after; bindings of all four
                  pairs of families at once, half of which lose the channel first, half the permission
    NAME/stopped  'turnpike serve' is stopped, and an established flow goes on in the kernel

NAME is a variant; with --only TEXT, only cases with TEXT in their names.
"""

from __future__ import annotations

import itertools
import json
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import scenes
from lab import proc, turn
from lab.complaints import Complaints
from lab.endpoints import echo_peer, udp_socket
from lab.flow import Flow
from lab.lab import Lab
from lab.relay import BINARY, PORT, VARIANTS, Turnpike, Variant
from lab.topology import FAMILIES

LIBRARY = BINARY.parent.parent / "attach/libturnpike.so"
PACE = 0.02
SOON, LATE = 3.0, 5.0   # when expiries come, after the binding
END = 7.0               # and how long packets are sent
TOLERANCE = 1.0         # a tick of the coarse clock, and a noisy machine
CHANNEL, FIRST_RELAYED = 0x4001, 50000


@dataclass
class Way:
    """One direction of a binding: numbered datagrams from one socket to another, by way of the relay."""

    name: str
    sock: socket.socket
    to: turn.Address
    out: socket.socket
    expires: float                    # seconds after the binding
    wrap: Callable[[bytes], bytes]    # into what the relay gets,
    wrapped: Callable[[bytes], bytes]  # and what it sends
    sent: list[int] = field(default_factory=list)             # times by number
    received: list[tuple[int, bytes]] = field(default_factory=list)

    def send(self) -> None:
        number = len(self.sent)
        self.sent.append(time.monotonic_ns())
        self.sock.sendto(self.wrap(number.to_bytes(8, "big")), self.to)

    def complaints(self, bound: int) -> Complaints:
        wanted = [self.wrapped(number.to_bytes(8, "big")) for number in range(len(self.received))]
        if [datagram for _at, datagram in self.received] != wanted:
            return [f"{self.name}: what arrived is not the first {len(wanted)} of what was sent, in order"]
        expires = bound + int(self.expires * 1e9)
        first_lost = self.sent[len(wanted)] if len(wanted) < len(self.sent) else None
        last_at = self.received[-1][0] if self.received else 0
        complaints = []
        if first_lost is None or first_lost > expires + TOLERANCE * 1e9 or last_at > expires + TOLERANCE * 1e9:
            complaints.append(f"{self.name}: still relayed {(last_at - expires) / 1e9:.2f} s after it had expired")
        elif first_lost < expires - TOLERANCE * 1e9:
            complaints.append(f"{self.name}: not relayed {(expires - first_lost) / 1e9:.2f} s before it expired")
        return complaints


def as_it_is(data: bytes) -> bytes:
    return data


def in_channel(data: bytes) -> bytes:
    return turn.channel_data(CHANNEL, data)


class Bindings:
    """For each pair of families one that loses its channel first, and one that loses its permission first."""

    def __init__(self, lab: Lab) -> None:
        self.ways: list[Way] = []
        self.requests: list[dict[str, object]] = []
        cases = itertools.product(FAMILIES, FAMILIES, ((SOON, LATE), (LATE, SOON)))
        for number, (client_family, peer_family, (channel, permission)) in enumerate(cases):
            client, peer = udp_socket(lab, "client", client_family), udp_socket(lab, "peer", peer_family)
            server = lab.topology.listen.address(client_family), PORT
            relay = lab.topology.relayed.address(peer_family), FIRST_RELAYED + number
            self.requests.append({"client": client.getsockname()[:2], "server": server, "relay": relay,
                                  "peer": peer.getsockname()[:2], "channel": CHANNEL,
                                  "channel_expires": channel, "permission_expires": permission})
            name = f"IPv{client_family} to IPv{peer_family}, channel {channel:g} s, permission {permission:g} s"
            self.ways += [Way(f"{name}, to the peer", client, server, peer, channel, in_channel, as_it_is),
                          Way(f"{name}, to the client", peer, relay, client, permission, as_it_is, in_channel)]

    def run(self, until: float) -> None:
        """Everything that is received is noted with its time."""
        with selectors.DefaultSelector() as selector:
            for way in self.ways:
                way.out.setblocking(False)
                selector.register(way.out, selectors.EVENT_READ, way)
            next_send = time.monotonic()
            while (now := time.monotonic()) < until + 2 * PACE:
                if next_send <= now < until:
                    next_send += PACE
                    for way in self.ways:
                        way.send()
                for key, _events in selector.select(max(0, min(next_send, until + 2 * PACE) - time.monotonic())):
                    key.data.received.append((time.monotonic_ns(), key.data.out.recv(2048)))

    def close(self) -> None:
        for way in self.ways:
            way.sock.close()


def resolve_neighbours(lab: Lab) -> None:
    """A stopped user of the library cannot hear that the kernel has found them."""
    for role, family in itertools.product(("client", "peer"), FAMILIES):
        lab.run("relay", ["busybox", "ping", "-c", "1", "-w", "5", lab.address(role, family)])


def apart(lab: Lab, variant: Variant) -> Complaints:
    resolve_neighbours(lab)
    bindings = Bindings(lab)
    request = {"devices": lab.devices("relay"), "mode": variant.mode, "moves": variant.moves or "auto",
               "hook": variant.hook if variant.asks_for_hook else "auto", "bindings": bindings.requests}
    user = lab.start("relay", ["/usr/bin/python3", str(Path(__file__).with_name("stopped.py")), str(LIBRARY), json.dumps(request)])
    user.wait_for(r"^stopped \d+$")
    bound = int(user.log().split()[-1])
    if not proc.wait_until(lambda: state(user.pid) == "T", 5):
        return ["the library's user did not stop"]
    bindings.run(bound / 1e9 + END)
    complaints = [each for way in bindings.ways for each in way.complaints(bound)]
    if state(user.pid) != "T":
        complaints.append("the library's user did not stay stopped")
    bindings.close()
    user.stop(signal.SIGKILL)
    print(f"    {variant.name}: {sum(len(way.received) for way in bindings.ways)} of"
          f" {sum(len(way.sent) for way in bindings.ways)} packets relayed")
    return complaints


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def stopped(lab: Lab, variant: Variant) -> Complaints:
    server = Turnpike(lab, variant)
    complaints = []
    with echo_peer(lab, 4) as peer4, echo_peer(lab, 6) as peer6:
        flows = [Flow(lab, family, peer.address) for family, peer in zip(FAMILIES, (peer4, peer6))]
        for flow in flows:
            flow.start()
        time.sleep(0.5)  # neighbours are resolved
        before = server.relayed()
        server.process.send_signal(signal.SIGSTOP)
        first = [flow.sent + 1 for flow in flows]  # certainly sent after that
        lost = [flow.lost_in(2) for flow in flows]
        if state(server.process.pid) != "T":
            complaints.append("the server did not stop")
        back = sum(number >= start for flow, start in zip(flows, first) for number in set(flow.back))
        server.process.send_signal(signal.SIGCONT)
        for flow in flows:
            flow.stop()
        after = server.relayed()
    complaints += [each for flow in flows for each in flow.wrong[:3]]
    kernel, user = after[0] - before[0], after[1] - before[1]
    print(f"    {variant.name}: while stopped {kernel} packets relayed in the kernel, {user} in user space, {lost} lost")
    if any(lost) or not back or kernel < 2 * back or user:
        complaints.append(f"while the server was stopped {back} messages came back and {lost} were lost;"
                          f" relayed: kernel {kernel}, userspace {user}")
    if server.stop() != 0:
        complaints.append("the server did not end well")
    return complaints


WHATS: dict[str, Callable[[Lab, Variant], Complaints]] = {"apart": apart, "stopped": stopped}
TESTS = [(f"{variant.name}/{what}", (test, variant)) for variant in VARIANTS if variant.in_kernel
         for what, test in WHATS.items()]


def run(lab: Lab, test: tuple[Callable[[Lab, Variant], Complaints], Variant]) -> Complaints:
    try:
        return scenes.tried(test[0], lab, test[1])
    finally:
        lab.stop_processes()


if __name__ == "__main__":
    sys.exit(scenes.main("Expiry in the kernel.", TESTS, run, Lab("two-nic", offload=True)))

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The model of tests/model against a running relay: random frames from the wire, in every kernel mode.

    client ----- switch ----- relay
                   |
                 peer

Clients have channels or send indications, in all combinations of families and as hairpins. User space relays what the
kernel passes up; that is not compared. A long run: --frames 10000.
"""

from __future__ import annotations

import itertools
import json
import select
import socket
import time
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

import model
from frames import random_frame
from indication import TRANSACTION_LENGTH
from lab import proc, turn
from lab.complaints import Complaints, check
from lab.endpoints import udp_socket
from lab.lab import Lab
from lab.relay import PASSWORD, PORT, USER, VARIANTS, Turnpike, Variant
from lab.topology import FAMILIES
from outgoing import build
from report import hexdump
from world import LISTENER, NSEC, RELAY, TPIDS, Address, Binding, Confirmation, Direction, Frame, Hop, World
from world import Variant as Program

pytestmark = pytest.mark.timeout(3600)  # for --frames 10000

CHANNEL, MTU, BUFFER = 0x4000, 1500, 4096
HOUR = 3600 * NSEC
ETH_P_ALL, OUTGOING = 3, 4
TRANSACTION_AT = 8  # RFC 8489 section 5
LIMIT = 10  # seconds to wait for a condition
QUIET = 0.002  # seconds for user space to relay a frame that the kernel passes up
# Other traffic of the lab may have these verdicts, too: ARP, neighbour discovery, answers to TURN requests.
NOISE = {"not-ip", "other-host", "not-udp", "not-ours", "control", "head-failed", "tail-failed"}


class Tap:
    """Sends and receives frames at a host's NIC."""

    def __init__(self, lab: Lab, role: str) -> None:
        self.device = lab.devices(role)[0]
        with lab.entered(role):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.bind((self.device, ETH_P_ALL))
        self.mac = bytes.fromhex(link(lab, role)["address"].replace(":", ""))

    def send(self, frame: bytes) -> None:
        self.socket.send(frame[:6] + self.mac + frame[12:])

    def receive(self, timeout: float) -> bytes | None:
        """The next incoming frame."""
        until = time.monotonic() + timeout
        while select.select([self.socket], [], [], max(until - time.monotonic(), 0))[0]:
            data, (_, _, kind, _, _) = self.socket.recvfrom(65536)
            if kind != OUTGOING:
                return data
        return None

    def drain(self, quiet: float) -> None:
        while self.receive(quiet):
            pass


def link(lab: Lab, role: str) -> dict[str, Any]:
    shown: list[dict[str, Any]] = json.loads(
        lab.run(role, ["ip", "-json", "link", "show", lab.devices(role)[0]]).stdout)
    return shown[0]


class Scene:
    """Clients on a server, half of them without channels, and the same as a world of the model."""

    def __init__(self, lab: Lab, server: Turnpike) -> None:
        self.lab, self.server = lab, server
        self.peers = {family: udp_socket(lab, "peer", family) for family in FAMILIES}
        self.taps = {role: Tap(lab, role) for role in ("client", "peer")}
        self.clients: list[turn.Client] = []
        self.bindings: list[Binding] = []
        for family, relayed, by_channel in itertools.product(FAMILIES, FAMILIES, (True, False)):
            self._bind(self._client(family, relayed), self.peers[relayed].getsockname()[:2], by_channel)
        self.n_to_peers = len(self.bindings)
        for ends in itertools.product((True, False), repeat=2):
            one, other = self._client(4, 4), self._client(6, 4)
            self._bind(one, other.relayed, ends[0])
            self._bind(other, one.relayed, ends[1])
        self.world = self._world()

    def _client(self, family: int, relayed: int) -> turn.Client:
        server = (self.lab.topology.listen.address(family), PORT)
        client = turn.Client(udp_socket(self.lab, "client", family), server, USER, PASSWORD)
        client.allocate(relayed)
        self.clients.append(client)
        return client

    def _bind(self, client: turn.Client, peer: turn.Address, by_channel: bool) -> None:
        channel = CHANNEL + len(self.bindings) if by_channel else 0
        if by_channel:
            client.bind(channel, peer)
        else:
            client.permit(peer)
        ends = (client.socket.getsockname(), client.server, client.relayed, peer)
        self.bindings.append(Binding(*(Address(*end[:2]) for end in ends), channel, HOUR, HOUR,
                                     xor_peer=None if by_channel else Address(*peer[:2])))

    def _world(self) -> World:
        nic = link(self.lab, "relay")
        mac = bytes.fromhex(nic["address"].replace(":", ""))
        roles = {PORT: LISTENER} | {binding.relay.port: RELAY for binding in self.bindings}
        world = World(mac, nic["ifindex"], MTU, roles, tuple(self.bindings), {},
                      [Confirmation()] * 2 * len(self.bindings))
        for flow in world.flows.values():
            to = self.taps[self.role_of(flow.direction)]
            world.hops[flow.src.ip, flow.dst.ip] = Hop(nic["ifindex"], MTU, True, to.mac, mac, ())
        return world

    @staticmethod
    def role_of(direction: Direction) -> str:
        """Where the packets of a direction arrive."""
        return "peer" if direction == Direction.TO_PEER else "client"

    def sender(self, frame: Frame) -> Tap:
        return self.taps["peer" if "to_client" in frame.what else "client"]

    def warm_up(self) -> None:
        """Until the kernel relays all flows, since their next hops are resolved."""
        def flows() -> bool:
            before, _ = self.server.relayed()
            for client, binding in zip(self.clients, self.bindings):
                if binding.channel:
                    client.socket.send(turn.channel_data(binding.channel, b"warm-up"))
                else:
                    client.send_indication((binding.peer.ip, binding.peer.port), b"warm-up")
            for binding in self.bindings[:self.n_to_peers]:
                self.peers[binding.peer.family].sendto(b"warm-up", (binding.relay.ip, binding.relay.port))
            sent = len(self.bindings) + self.n_to_peers
            return proc.wait_until(lambda: self.server.relayed()[0] - before == sent, 0.5)
        if not proc.wait_until(flows, LIMIT):
            raise proc.LabError("not all flows are relayed in the kernel")

    def close(self) -> None:
        """The allocations end with the server: the sockets may have got ICMP errors, and cannot delete them."""
        for sock in [*(client.socket for client in self.clients), *self.peers.values(),
                     *(tap.socket for tap in self.taps.values())]:
            sock.close()


class Trial:
    """Random frames in one scene, and how their outcomes differ from the model's."""

    def __init__(self, scene: Scene, variant: Variant) -> None:
        self.scene = scene
        self.program = Program(0, variant.name, native=variant.mode == "xdp-native", tail=variant.moves == "tail",
                               tc=variant.mode == "tc", confirms=False)
        self.labels: dict[int, int] = {}
        self.identifications: dict[tuple[str, str], int] = {}
        self.verdicts: Counter[str] = Counter()

    def frame(self, rng: Random) -> Frame:
        """
        One that the lab delivers unchanged: not longer than its MTU, and without VLAN tags, which the bridge moves out
        of the frame, and which veth hides from native XDP.
        """
        while True:
            frame = random_frame(rng, self.scene.world, BUFFER)
            tagged = int.from_bytes(frame.data[12:14], "big") in TPIDS
            if len(frame.data) <= MTU + model.ETH_HLEN and not tagged:
                return Frame(frame.data, frame.what, policers=frame.policers)

    def run(self, frame: Frame) -> list[str]:
        expected = model.predict(self.scene.world, frame, self.program, BUFFER)
        if expected.verdict == "no-flow" and not expected.case.is_channel_data:
            return []  # the server might relay it, and then makes a flow
        self.verdicts[expected.verdict] += 1
        for note in expected.notes:
            self.verdicts[note] += 1
        for tap in self.scene.taps.values():
            tap.drain(0)
        self.scene.sender(frame).send(frame.data)
        if expected.kind != "relay":
            self.scene.taps["client"].drain(QUIET)
            return []
        return self.arrived(expected)

    def arrived(self, expected: model.Outcome) -> list[str]:
        tap, last = self.scene.taps[self.scene.role_of(expected.direction)], b""
        until = time.monotonic() + LIMIT
        while time.monotonic() < until and (seen := tap.receive(until - time.monotonic())):
            wanted = self.adapt(expected, seen)
            if seen == wanted:
                return self.remember(expected, seen)
            last = seen if len(seen) == len(wanted) else last
        wanted = self.adapt(expected, last)
        return [f"{expected.case.frame.what}: it did not arrive; the most similar frame is\n{hexdump(last, wanted)}\n"
                f"  instead of\n{hexdump(wanted, last)}\n  in\n{hexdump(expected.case.data, expected.case.data)}"]

    @staticmethod
    def adapt(expected: model.Outcome, seen: bytes) -> bytes:
        """The expected frame, with the numbers that the library chooses at random."""
        at = model.ETH_HLEN
        start = at + model.IP_HLEN[expected.case.out_family] + model.UDP_HLEN + TRANSACTION_AT
        transaction = seen[start:start + TRANSACTION_LENGTH].ljust(TRANSACTION_LENGTH, b"\0")
        if expected.identification:
            return build(expected.case, int.from_bytes(seen[at + 4:at + 6], "big"), transaction)
        wanted = bytearray(build(expected.case, 0, transaction))
        if len(seen) > at + 4 and expected.case.out_family == 6:
            wanted[at + 1] = wanted[at + 1] & 0xf0 | seen[at + 1] & 0x0f
            wanted[at + 2:at + 4] = seen[at + 2:at + 4]
        return bytes(wanted)

    def remember(self, expected: model.Outcome, seen: bytes) -> list[str]:
        """A flow keeps its label; identifications without DF increase by one for each pair of addresses."""
        flow, at = expected.case.flow, model.ETH_HLEN
        if expected.case.out_family == 6:
            label = int.from_bytes(seen[at:at + 4], "big") & 0xfffff
            if self.labels.setdefault(flow.number, label) != label:
                return [f"flow label {label:#x} instead of {self.labels[flow.number]:#x}"]
        if expected.identification == "counted":
            number, path = int.from_bytes(seen[at + 4:at + 6], "big"), (flow.src.ip, flow.dst.ip)
            before = self.identifications.get(path)
            self.identifications[path] = number
            if before is not None and number != (before + 1) % 65536:
                return [f"identification {number:#x} after {before:#x}"]
        return []


@pytest.fixture(scope="module")
def shared_lab() -> Iterator[Lab]:
    with Lab("segment", offload=True) as lab:
        yield lab


@pytest.fixture
def frames(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--frames"))


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> str:
    return str(request.config.getoption("--frames-seed"))


@pytest.mark.parametrize("variant", [variant for variant in VARIANTS if variant.in_kernel])
def test_frames(lab: Lab, variant: Variant, frames: int, seed: str) -> None:
    """Each frame that the model relays arrives byte for byte, once; each verdict is counted as often as predicted."""
    # Random DSCPs would be confirmed one by one; tests/model compares what that does.
    server = Turnpike(lab, variant, options=["--confirm", "off"])
    scene = Scene(lab, server)
    scene.warm_up()
    trial, rng = Trial(scene, variant), Random(seed)
    before = server.verdicts()
    complaints = [complaint for _ in range(frames) for complaint in trial.run(trial.frame(rng))]
    complaints += count_complaints(server, before, trial.verdicts)
    scene.close()
    print(f"--frames-seed {seed}: {frames} frames, relayed: {trial.verdicts['relayed']}")
    check(complaints)


def count_complaints(server: Turnpike, before: dict[str, int], wanted: Counter[str]) -> Complaints:
    """The last frames may still be on their way."""
    counted: dict[str, int] = {}

    def all_counted() -> bool:
        after = server.verdicts()
        counted.update({verdict: after.get(verdict, 0) - before.get(verdict, 0)
                        for verdict in (after.keys() | wanted.keys()) - NOISE})
        return all(count == wanted[verdict] for verdict, count in counted.items())
    proc.wait_until(all_counted, LIMIT)
    return [f"{verdict} was counted {count} times, not {wanted[verdict]}" for verdict, count in sorted(counted.items())
            if count != wanted[verdict]]

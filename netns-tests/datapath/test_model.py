#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The model of tests/model against a running relay: random frames from the wire, in every kernel mode.

    client ----- switch ----- relay
                   |
                 peer

Channels of all combinations of families and a hairpin are bound as any client would. What the model says is relayed has
to arrive byte for byte, once; and at the end every verdict must have been counted as often as the model says. What is
passed up is user space's affair. --packets says how many frames go through each mode, --seed repeats a run.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import socket
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random

from lab import proc, turn
from lab.endpoints import udp_socket
from lab.lab import Lab
from lab.relay import PASSWORD, PORT, USER, VARIANTS, Turnpike, Variant
from lab.topology import FAMILIES

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests/model"))
import model  # noqa: E402
from frames import random_frame  # noqa: E402
from report import hexdump  # noqa: E402
from world import LISTENER, NSEC, RELAY, TPIDS, Address, Binding, Direction, Frame, Hop, World  # noqa: E402
from world import Variant as Program  # noqa: E402

CHANNEL, MTU, BUFFER = 0x4000, 1500, 4096
HOUR = 3600 * NSEC
ETH_P_ALL, OUTGOING = 3, 4
PATIENCE, QUIET = 1.0, 0.002
# What other traffic of the lab may be counted as too: ARP, neighbour discovery, the answers to TURN requests.
NOISE = {"not-ip", "other-host", "not-udp", "not-ours", "control", "head-failed", "tail-failed"}


class Tap:
    """Sends and sees frames at a host's NIC."""

    def __init__(self, lab: Lab, role: str) -> None:
        self.device = lab.devices(role)[0]
        with lab.entered(role):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.bind((self.device, ETH_P_ALL))
        self.mac = bytes.fromhex(link(lab, role)["address"].replace(":", ""))

    def send(self, frame: bytes) -> None:
        self.socket.send(frame[:6] + self.mac + frame[12:])

    def receive(self, timeout: float) -> bytes | None:
        """The next frame that comes in."""
        until = time.monotonic() + timeout
        while select.select([self.socket], [], [], max(until - time.monotonic(), 0))[0]:
            data, (_, _, kind, _, _) = self.socket.recvfrom(65536)
            if kind != OUTGOING:
                return data
        return None

    def drain(self, quiet: float) -> None:
        while self.receive(quiet):
            pass


def link(lab: Lab, role: str) -> dict:
    return json.loads(lab.run(role, ["ip", "-json", "link", "show", lab.devices(role)[0]]).stdout)[0]


class Scene:
    """Clients with channels on a server, and the world that the model makes of them."""

    def __init__(self, lab: Lab, server: Turnpike) -> None:
        self.lab, self.server = lab, server
        self.peers = {family: udp_socket(lab, "peer", family) for family in FAMILIES}
        self.taps = {role: Tap(lab, role) for role in ("client", "peer")}
        self.clients: list[turn.Client] = []
        self.bindings: list[Binding] = []
        for family in FAMILIES:
            for relayed in FAMILIES:
                self._bind(self._client(family, relayed), self.peers[relayed].getsockname()[:2])
        one, other = self._client(4, 4), self._client(6, 4)
        self._bind(one, other.relayed)
        self._bind(other, one.relayed)
        self.world = self._world()

    def _client(self, family: int, relayed: int) -> turn.Client:
        server = (self.lab.topology.listen.address(family), PORT)
        client = turn.Client(udp_socket(self.lab, "client", family), server, USER, PASSWORD)
        client.allocate(relayed)
        self.clients.append(client)
        return client

    def _bind(self, client: turn.Client, peer: turn.Address) -> None:
        channel = CHANNEL + len(self.bindings)
        client.bind(channel, peer)
        ends = (client.socket.getsockname(), client.server, client.relayed, peer)
        self.bindings.append(Binding(*(Address(*end[:2]) for end in ends), channel, HOUR, HOUR))

    def _world(self) -> World:
        nic = link(self.lab, "relay")
        mac = bytes.fromhex(nic["address"].replace(":", ""))
        roles = {PORT: LISTENER} | {binding.relay.port: RELAY for binding in self.bindings}
        world = World(mac, nic["ifindex"], MTU, roles, tuple(self.bindings), {})
        for flow in world.flows.values():
            to = self.taps[self.role_of(flow.direction)]
            world.hops[flow.src.ip, flow.dst.ip] = Hop(nic["ifindex"], MTU, True, to.mac, mac, ())
        return world

    @staticmethod
    def role_of(direction: Direction) -> str:
        """Where the packets of a direction go."""
        return "peer" if direction == Direction.TO_PEER else "client"

    def sender(self, frame: Frame) -> Tap:
        return self.taps["peer" if "to_client" in frame.what else "client"]

    def warm_up(self) -> None:
        """Until the next hops are resolved: all flows relay in the kernel."""
        def flows() -> bool:
            before, _ = self.server.relayed()
            for client, binding in zip(self.clients, self.bindings):
                client.socket.send(turn.channel_data(binding.channel, b"warm-up"))
            for binding in self.bindings[:4]:
                self.peers[binding.peer.family].sendto(b"warm-up", (binding.relay.ip, binding.relay.port))
            time.sleep(0.05)
            return self.server.relayed()[0] - before == len(self.bindings) + 4
        if not proc.wait_until(flows, 5, step=0.2):
            raise proc.LabError("not all flows are relayed in the kernel")

    def close(self) -> None:
        """The server is stopped next: there is no need to give allocations back by sockets that have met ICMP errors."""
        for sock in [*(client.socket for client in self.clients), *self.peers.values(),
                     *(tap.socket for tap in self.taps.values())]:
            sock.close()


class Trial:
    """Random frames for one scene, and the differences."""

    def __init__(self, scene: Scene, variant: Variant) -> None:
        self.scene = scene
        self.program = Program(0, variant.name, native=variant.mode == "xdp-native", tail=variant.moves == "tail",
                               tc=variant.mode == "tc")
        self.labels: dict[int, int] = {}
        self.identifications: dict[tuple[str, str], int] = {}
        self.verdicts: Counter[str] = Counter()

    def frame(self, rng: Random) -> Frame:
        """
        One that the lab takes as it is: not longer than its MTU, and without VLAN tags, which the bridge takes out of
        the frame and veth does not show to native XDP.
        """
        while True:
            frame = random_frame(rng, self.scene.world, BUFFER)
            tagged = int.from_bytes(frame.data[12:14], "big") in TPIDS
            if len(frame.data) <= MTU + model.ETH_HLEN and not tagged:
                return Frame(frame.data, frame.what, policers=frame.policers)

    def run(self, frame: Frame) -> list[str]:
        expected = model.predict(self.scene.world, frame, self.program, BUFFER)
        self.verdicts[expected.verdict] += 1
        for note in expected.notes:
            self.verdicts[note] += 1
        for tap in self.scene.taps.values():
            tap.drain(0)
        self.scene.sender(frame).send(frame.data)
        if expected.kind != "relay":
            self.scene.taps["client"].drain(QUIET)  # and user space has had its turn
            return []
        return self.arrived(expected)

    def arrived(self, expected: model.Outcome) -> list[str]:
        tap, last = self.scene.taps[self.scene.role_of(expected.direction)], b""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and (seen := tap.receive(until - time.monotonic())):
            wanted = self.adapt(expected, seen)
            if seen == wanted:
                return self.remember(expected, seen)
            last = seen if len(seen) == len(wanted) else last
        wanted = self.adapt(expected, last)
        return [f"{expected.case.frame.what}: nothing of the kind arrived; like it most\n{hexdump(last, wanted)}\n"
                f"  instead of\n{hexdump(wanted, last)}\n  in\n{hexdump(expected.case.data, expected.case.data)}"]

    @staticmethod
    def adapt(expected: model.Outcome, seen: bytes) -> bytes:
        """What is wanted, with the numbers that the library has chosen at random."""
        at = model.ETH_HLEN
        if expected.identification:
            return model.build(expected.case, int.from_bytes(seen[at + 4:at + 6], "big"))
        wanted = bytearray(model.build(expected.case, 0))
        if len(seen) > at + 4 and expected.case.out_family == 6:
            wanted[at + 1] = wanted[at + 1] & 0xf0 | seen[at + 1] & 0x0f
            wanted[at + 2:at + 4] = seen[at + 2:at + 4]
        return bytes(wanted)

    def remember(self, expected: model.Outcome, seen: bytes) -> list[str]:
        """A flow keeps its label; identifications without DF are counted up for each pair of addresses."""
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


def run_variant(lab: Lab, variant: Variant, packets: int, seed: str) -> tuple[int, int]:
    """How many frames passed, and how many differences there were."""
    server = Turnpike(lab, variant)
    scene = Scene(lab, server)
    scene.warm_up()
    trial, rng, failed = Trial(scene, variant), Random(seed), 0
    before = server.verdicts()
    for _ in range(packets):
        problems = trial.run(trial.frame(rng))
        for problem in problems:
            print(f"FAIL {variant.name}: {problem}", flush=True)
        failed += bool(problems)
    time.sleep(0.1)
    after = server.verdicts()
    for verdict in sorted((after.keys() | trial.verdicts.keys()) - NOISE):
        count = after.get(verdict, 0) - before.get(verdict, 0)
        if count != trial.verdicts[verdict]:
            print(f"FAIL {variant.name}: {verdict} counted {count} times, not {trial.verdicts[verdict]}", flush=True)
            failed += 1
    scene.close()
    server.stop()
    print(f"{variant.name}: {packets} frames, {trial.verdicts['relayed']} of them relayed; {failed} failed", flush=True)
    return packets - min(failed, packets), failed


def main() -> int:
    parser = argparse.ArgumentParser(description="The model against a running relay.")
    parser.add_argument("--packets", type=int, default=100, help="through each mode")
    parser.add_argument("--seed", default=str(int.from_bytes(os.urandom(4), "big")))
    parser.add_argument("--only", default="", metavar="TEXT", help="only modes with TEXT in their names")
    options = parser.parse_args()
    proc.die_cleanly_on_signals()
    print(f"--seed {options.seed}", flush=True)
    passed = failed = 0
    with Lab("segment", offload=True) as lab:
        for variant in VARIANTS:
            if variant.in_kernel and options.only in variant.name:
                good, bad = run_variant(lab, variant, options.packets, options.seed)
                passed, failed = passed + good, failed + bad
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())

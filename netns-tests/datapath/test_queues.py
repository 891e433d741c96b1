# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""One flow on two CPUs at once: every packet is counted exactly once, and packets of one queue keep their order.

    router      router ===== relay          two-nic     client ===== relay ===== peer

All devices have two queues each way (=====). Two senders at the far end of the relay's cable, each pinned to a CPU and
so to a queue, send packets of one flow at the same time. They keep so few packets in flight that no queue overflows.
The settings "...-rps" use receive packet steering, which moves the packets of both queues to one CPU.
"""

from __future__ import annotations

import contextlib
import ctypes
import ipaddress
import itertools
import multiprocessing
import os
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.sharedctypes import RawArray

import pytest

from lab import turn
from lab.checksum import ones_sum, sum16
from lab.complaints import Complaints, check
from lab.lab import Lab
from lab.relay import BY_NAME, VARIANTS, Turnpike, Variant
from lab.rig import CHANNEL, Rig
from lab.topology import FAMILIES
from lab.wire import SO_RCVBUFFORCE, SOL_PACKET, Tap, mac, sender

NETWORKS = ("two-nic", "router")
DIRECTIONS = ("to-peer", "to-client")
CPUS = sorted(os.sched_getaffinity(0))[:2]
COUNT = 10_000          # packets of each sender
WINDOW = 96             # packets of a sender in flight: two windows fit the shortest queue on the way, a veth's 256
PATIENCE = 0.5          # seconds, then a sender goes on: something was lost
LIMIT = 10.0            # seconds for the last packets to arrive
ATTEMPTS = 5            # runs in which packets of the host have moved a queue to another CPU do not count
QUIET = 0.1             # seconds in which no packet too many must arrive
PACKET_QDISC_BYPASS = 20
RCVBUF = 32 << 20
NUMBER = struct.Struct("!HIIx")  # sender, number, and the number's complement: so every packet has the same checksum


@dataclass(frozen=True)
class Setting:
    variant: Variant
    rps: bool = False


SETTINGS = {variant.name: Setting(variant) for variant in VARIANTS} | {
    f"{name}-rps": Setting(BY_NAME[name], rps=True) for name in ("generic-head", "tcx", "clsact")}

pytestmark = pytest.mark.skipif(len(CPUS) < 2, reason="this machine has one CPU")


@pytest.fixture(scope="module")
def shared_lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    with Lab(request.param, offload=False, queues=2) as lab:
        yield lab


@pytest.fixture(scope="module")
def server(shared_lab: Lab, request: pytest.FixtureRequest) -> Iterator[Turnpike]:
    setting = SETTINGS[request.param]
    steer_packets(shared_lab, setting.rps)
    server = Turnpike(shared_lab, setting.variant)
    yield server
    server.stop()
    shared_lab.servers.remove(server)


@pytest.fixture(scope="module")
def rig(shared_lab: Lab, server: Turnpike, family: int) -> Iterator[Rig]:
    with contextlib.closing(Rig(shared_lab, server, family)) as rig:
        yield rig


def steer_packets(lab: Lab, on: bool) -> None:
    """Let each device of the relay hand its packets to any CPU, which the packet's hash chooses."""
    cpus = sum(1 << cpu for cpu in CPUS) if on else 0
    lab.run("relay", ["unshare", "-m", "sh", "-ec", "mount -t sysfs none /sys;"
                      f" for each in /sys/class/net/nic*/queues/rx-*; do echo {cpus:x} >$each/rps_cpus; done"])


# The packets.

def headers(source: turn.Address, to: turn.Address, smac: bytes, dmac: bytes, payload: bytes) -> bytes:
    """The headers in front of payloads that all have the same checksum."""
    src, dst = (ipaddress.ip_address(host) for host, _port in (source, to))
    length = 8 + len(payload)
    pseudo = src.packed + dst.packed + struct.pack("!HH", socket.IPPROTO_UDP, length)
    ports = struct.pack("!HHH", source[1], to[1], length)
    check = ones_sum(sum16(pseudo), sum16(ports), sum16(payload)) ^ 0xFFFF or 0xFFFF
    if src.version == 6:
        ip = struct.pack("!IHBB", 6 << 28, length, socket.IPPROTO_UDP, 64) + src.packed + dst.packed
        return dmac + smac + b"\x86\xdd" + ip + ports + struct.pack("!H", check)
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 1, 0, 64, socket.IPPROTO_UDP, 0) + src.packed + dst.packed
    ip = ip[:10] + struct.pack("!H", sum16(ip) ^ 0xFFFF) + ip[12:]
    return dmac + smac + b"\x08\x00" + ip + ports + struct.pack("!H", check)


def send_all(lab: Lab, role: str, device: str, me: int, packet: bytes, count: int,
             arrived: ctypes.Array[ctypes.c_ulonglong]) -> None:
    """Send from a process and a CPU of its own: the kernel chooses the queue of that CPU."""
    os.sched_setaffinity(0, {CPUS[me]})
    with sender(lab, role, device) as out:
        out.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1)
        for number in range(count):
            deadline = time.monotonic() + PATIENCE
            while number - arrived[me] >= WINDOW and time.monotonic() < deadline:
                time.sleep(0.0002)
            out.send(packet + NUMBER.pack(me, number, number ^ 0xFFFFFFFF))


class Run:
    """Packets of one direction of one flow, sent by two CPUs at once."""

    def __init__(self, rig: Rig, direction: str, count: int) -> None:
        self.lab, self.count = rig.lab, count
        client, peer = rig.client.socket.getsockname()[:2], rig.peer_address
        header = turn.channel_data(CHANNEL, bytes(NUMBER.size))[:-NUMBER.size]
        if direction == "to-peer":
            self.source, self.to, self.receiver = client, rig.server_address, rig.peer
            self.header, self.header_out = header, b""
        else:
            self.source, self.to, self.receiver = peer, rig.client.relayed, rig.client.socket
            self.header, self.header_out = b"", header
        here, there = ("client", "peer") if direction == "to-peer" else ("peer", "client")
        self.role, self.device, self.relay_device = far_end(self.lab, here)
        self.out_role, self.out_device, relay_out = far_end(self.lab, there)
        self.out_mac = mac(self.lab, "relay", relay_out)
        self.receiver.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RCVBUF)
        self.left: list[list[int]] = [[], []]  # by sender: the numbers of packets in the order in which they left
        self.arrived = RawArray(ctypes.c_ulonglong, 2)  # by sender
        self.unexpected = 0

    def _packet(self, me: int) -> bytes:
        """A packet of one sender, without its NUMBER."""
        smac, dmac = mac(self.lab, self.role, self.device), mac(self.lab, "relay", self.relay_device)
        return headers(self.source, self.to, smac, dmac, self.header + NUMBER.pack(me, 0, 0xFFFFFFFF)) + self.header

    def go(self) -> None:
        self._drain()
        senders = [multiprocessing.Process(
            target=send_all, args=(self.lab, self.role, self.device, me, self._packet(me), self.count, self.arrived))
            for me in range(2)]
        tap = Tap(self.lab, self.out_role, self.out_device)
        for process in senders:
            process.start()
        try:
            self._receive(senders)
        finally:
            for process in senders:
                process.kill()
                process.join()
        self._note_order(tap.read())
        tap.close()

    def _drain(self) -> None:
        """Packets of an earlier run do not count."""
        self.receiver.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while self.receiver.recv(2048):
                pass

    def _receive(self, senders: list[multiprocessing.Process]) -> None:
        self.receiver.settimeout(QUIET)
        limit = None
        while True:
            try:
                datagram = self.receiver.recv(2048)
            except TimeoutError:
                if any(process.is_alive() for process in senders):
                    continue
                limit = limit or time.monotonic() + LIMIT
                if sum(self.arrived) >= 2 * self.count or time.monotonic() > limit:
                    return
                continue
            who, number, _complement = NUMBER.unpack(datagram[-NUMBER.size:].rjust(NUMBER.size))
            if who < 2 and datagram == self.header_out + NUMBER.pack(who, number, number ^ 0xFFFFFFFF):
                self.arrived[who] += 1
            else:
                self.unexpected += 1

    def _note_order(self, frames: list[bytes]) -> None:
        """The order in which packets leave the relay: behind it, a router may move them from one CPU to another."""
        for frame in frames:
            if frame[6:12] == self.out_mac and len(frame) > NUMBER.size:
                who, number, complement = NUMBER.unpack(frame[-NUMBER.size:])
                if who < 2 and number ^ complement == 0xFFFFFFFF:
                    self.left[who].append(number)

    def complaints(self) -> Complaints:
        complaints = [f"{self.unexpected} unexpected datagrams arrived"] if self.unexpected else []
        for cpu, numbers, arrived in zip(CPUS, self.left, self.arrived):
            if is_reordered(numbers):
                complaints.append(f"packets of CPU {cpu} left in another order than they arrived, or twice")
            if len(numbers) != self.count or arrived != self.count:
                complaints.append(f"of {self.count} packets of CPU {cpu}, {len(numbers)} left, {arrived} arrived")
        return complaints


def is_reordered(numbers: list[int]) -> bool:
    return any(later <= earlier for earlier, later in itertools.pairwise(numbers))


def far_end(lab: Lab, role: str) -> tuple[str, str, str]:
    """The far end of the cable by which a role's packets reach the relay: its role and device, and the relay's."""
    cables = [(b, a) if a.role == "relay" else (a, b) for a, b in lab.topology.links if "relay" in (a.role, b.role)]
    far, near = next((ends for ends in cables if ends[0].role == role), cables[0])
    return far.role, far.device, near.device


# What the relay counts.

@dataclass(frozen=True)
class Counts:
    flow: int       # of the flow itself
    verdict: int    # relayed in the kernel in this direction, on all devices
    user: int       # relayed in user space


def counts(server: Turnpike, direction: str) -> Counts:
    return Counts(sum(flow["packets"] for flow in server.flows() if flow["direction"] == direction),
                  server.verdicts(direction).get("relayed", 0), server.relayed()[1])


def other_packets(server: Turnpike) -> int:
    """Packets of the host itself, such as neighbour discovery. The CPU that sends one also polls the queue of the veth
    that it goes to, so the relay runs on another CPU for a moment, and redirects to another queue."""
    return sum(row["packets"] for row in server.ask("stats")["verdicts"] if row["direction"] == "-")


def packets_by_queue(lab: Lab, device: str) -> dict[str, int]:
    """What each queue of a veth has passed to its XDP program."""
    lines = lab.run("relay", ["ethtool", "-S", device]).stdout.splitlines()
    return {name: int(value) for name, _, value in (line.strip().partition(": ") for line in lines)
            if name.startswith("rx_queue_") and name.endswith("_xdp_packets")}


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize(("shared_lab", "server", "family"), itertools.product(NETWORKS, SETTINGS, FAMILIES),
                         indirect=["shared_lab", "server"], scope="module")
def test_two_queues(shared_lab: Lab, server: Turnpike, rig: Rig, direction: str) -> None:
    """All packets that both CPUs send arrive, in order for each CPU, and the counters of the relay agree."""
    variant = server.variant
    for _ in range(ATTEMPTS):
        others = other_packets(server)
        run = Run(rig, direction, COUNT)
        before, queues_before = counts(server, direction), packets_by_queue(shared_lab, run.relay_device)
        run.go()
        after, queues_after = counts(server, direction), packets_by_queue(shared_lab, run.relay_device)
        if not any(map(is_reordered, run.left)) or other_packets(server) == others:
            break
    arrived = sum(run.arrived)
    counted = {"flow": after.flow - before.flow, "verdicts": after.verdict - before.verdict} if variant.in_kernel else \
        {"user space": after.user - before.user}
    print(f"{arrived} of {2 * COUNT} arrived, counted: {counted}")
    complaints = run.complaints()
    complaints += [f"{counter}: {number} packets counted, {arrived} arrived" for counter, number in counted.items()
                   if number != arrived]
    if variant.name.startswith("native"):
        queues = {name: queues_after[name] - queues_before[name] for name in queues_after}
        if len(queues) != 2 or not all(number >= COUNT for number in queues.values()):
            complaints.append(f"not both queues were used: {queues}")
    check(complaints)

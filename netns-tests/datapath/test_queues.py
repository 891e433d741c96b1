#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""One flow on two CPUs at once: every packet is counted, once, and those of one queue stay in order.

    router      router ===== relay          two-nic     client ===== relay ===== peer

All devices have two queues each way (=====). Two senders, each pinned to a CPU and so to a queue, send packets of one
flow at the same time from the other end of the relay's cable. The flow's counter, the sum of the verdict's counters and
the packets that have arrived must be the same number, and so must be what was sent: the senders keep so little on its
way that no queue overflows. What one of them sends leaves the relay in order. A case is named
network/variant/family/direction; the variants "...-rps" have receive packet steering, which moves what both queues get
to one CPU. With --only TEXT, only cases with TEXT in their names.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import ipaddress
import itertools
import multiprocessing
import os
import socket
import struct
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.sharedctypes import RawArray

from lab import proc, turn
from lab.checksum import ones_sum, sum16
from lab.lab import Lab
from lab.relay import VARIANTS, Turnpike, Variant
from lab.rig import CHANNEL, Rig
from lab.topology import FAMILIES
from lab.wire import SO_RCVBUFFORCE, SOL_PACKET, Tap, mac, sender
from scenes import FAILURES

NETWORKS = ("two-nic", "router")
DIRECTIONS = ("to-peer", "to-client")
CPUS = sorted(os.sched_getaffinity(0))[:2]
WINDOW = 96             # packets of a sender on their way: two fit the shortest queue on the way, a veth's 256
PATIENCE = 0.5          # then the window moves on: something was lost
PACKET_QDISC_BYPASS = 20
RCVBUF = 32 << 20
NUMBER = struct.Struct("!HIIx")  # sender, number, and the number's complement: so every packet has the same checksum


@dataclass(frozen=True)
class Setting:
    variant: Variant
    rps: bool = False

    @property
    def name(self) -> str:
        return self.variant.name + "-rps" * self.rps


SETTINGS = [*map(Setting, VARIANTS),
            *(Setting(variant, rps=True) for variant in VARIANTS if variant.name in ("generic-head", "tcx", "clsact"))]


def steer_packets(lab: Lab, on: bool) -> None:
    """Each device of the relay may hand its packets to any CPU, which the packet's hash chooses."""
    cpus = sum(1 << cpu for cpu in CPUS) if on else 0
    lab.run("relay", ["unshare", "-m", "sh", "-ec", "mount -t sysfs none /sys;"
                      f" for each in /sys/class/net/nic*/queues/rx-*; do echo {cpus:x} >$each/rps_cpus; done"])


# The packets.

def headers(source: turn.Address, to: turn.Address, smac: bytes, dmac: bytes, payload: bytes) -> bytes:
    """All that comes before a payload whose every version has the same sum."""
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
    """In a process of its own, on a CPU of its own: the kernel takes the queue of that CPU."""
    os.sched_setaffinity(0, {CPUS[me]})
    with sender(lab, role, device) as out:
        out.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1)
        for number in range(count):
            deadline = time.monotonic() + PATIENCE
            while number - arrived[me] >= WINDOW and time.monotonic() < deadline:
                time.sleep(0.0002)
            out.send(packet + NUMBER.pack(me, number, number ^ 0xFFFFFFFF))


class Run:
    """The packets of one direction of one flow, from two CPUs at once."""

    def __init__(self, rig: Rig, direction: str, count: int) -> None:
        self.lab, self.count = rig.lab, count
        client, peer = rig.client.socket.getsockname()[:2], rig.peer_address
        header = turn.channel_data(CHANNEL, bytes(NUMBER.size))[:-NUMBER.size]
        if direction == "to-peer":
            self.source, self.to, self.receiver = client, rig.server_address, rig.peer
            self.before, self.before_out = header, b""
        else:
            self.source, self.to, self.receiver = peer, rig.client.relayed, rig.client.socket
            self.before, self.before_out = b"", header
        here, there = ("client", "peer") if direction == "to-peer" else ("peer", "client")
        self.role, self.device, self.relay_device = far_end(self.lab, here)
        self.out_role, self.out_device, relay_out = far_end(self.lab, there)
        self.out_mac = mac(self.lab, "relay", relay_out)
        self.receiver.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RCVBUF)
        self.left: list[list[int]] = [[], []]     # the numbers of each sender's, as they have left the relay
        self.arrived = RawArray(ctypes.c_ulonglong, 2)
        self.strange = 0

    def _packet(self, me: int) -> bytes:
        """All but the sender's and the packet's own number."""
        smac, dmac = mac(self.lab, self.role, self.device), mac(self.lab, "relay", self.relay_device)
        return headers(self.source, self.to, smac, dmac, self.before + NUMBER.pack(me, 0, 0xFFFFFFFF)) + self.before

    def go(self) -> None:
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
                process.terminate()
                process.join()
        self._look_at_order(tap.read())
        tap.close()

    def _receive(self, senders: list[multiprocessing.Process]) -> None:
        self.receiver.settimeout(0.3)
        while True:
            try:
                datagram = self.receiver.recv(2048)
            except TimeoutError:
                if not any(process.is_alive() for process in senders):
                    return
                continue
            who, number, _complement = NUMBER.unpack(datagram[-NUMBER.size:].rjust(NUMBER.size))
            if who < 2 and datagram == self.before_out + NUMBER.pack(who, number, number ^ 0xFFFFFFFF):
                self.arrived[who] += 1
            else:
                self.strange += 1

    def _look_at_order(self, frames: list[bytes]) -> None:
        """As they leave the relay: behind that, a router may move packets from one CPU to another."""
        for frame in frames:
            if frame[6:12] == self.out_mac and len(frame) > NUMBER.size:
                who, number, complement = NUMBER.unpack(frame[-NUMBER.size:])
                if who < 2 and number ^ complement == 0xFFFFFFFF:
                    self.left[who].append(number)


def far_end(lab: Lab, role: str) -> tuple[str, str, str]:
    """The other end of the cable by which a role's packets reach the relay: its role and device, and the relay's."""
    cables = [(b, a) if a.role == "relay" else (a, b) for a, b in lab.topology.links if "relay" in (a.role, b.role)]
    far, near = next((ends for ends in cables if ends[0].role == role), cables[0])
    return far.role, far.device, near.device


# What everyone has counted.

@dataclass(frozen=True)
class Counts:
    flow: int       # of the flow itself
    verdict: int    # relayed, of this direction, on all devices
    user: int       # relayed in user space


def counts(server: Turnpike, direction: str) -> Counts:
    flow = sum(each["packets"] for each in server.flows() if each["direction"] == direction)
    verdict = sum(row["packets"] for row in server.ask("stats")["verdicts"]
                  if row["verdict"] == "relayed" and row["direction"] == direction)
    return Counts(flow, verdict, server.relayed()[1])


def check(server: Turnpike, rig: Rig, setting: Setting, direction: str, count: int) -> tuple[str, list[str]]:
    run = Run(rig, direction, count)
    run.receiver.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while run.receiver.recv(2048):
            pass
    before, busy_before = counts(server, direction), busy(rig.lab, run.relay_device)
    run.go()
    after, busy_after = counts(server, direction), busy(rig.lab, run.relay_device)
    arrived = sum(run.arrived)
    complaints = [f"{run.strange} strange datagrams arrived"] if run.strange else []
    for who, numbers in enumerate(run.left):
        if any(later <= earlier for earlier, later in itertools.pairwise(numbers)):
            complaints.append(f"packets of CPU {CPUS[who]} left in another order than they came, or twice")
        if len(numbers) != count or run.arrived[who] != count:
            complaints.append(f"of {count} packets of CPU {CPUS[who]}, {len(numbers)} left,"
                              f" {run.arrived[who]} arrived")
    told = {"userspace": after.user - before.user}
    if setting.variant.in_kernel:
        told = {"flow": after.flow - before.flow, "verdicts": after.verdict - before.verdict}
    complaints += [f"{what}: {number} packets counted, {arrived} arrived" for what, number in told.items()
                   if number != arrived]
    if setting.variant.name.startswith("native"):
        queues = {name: busy_after[name] - busy_before[name] for name in busy_after}
        if len(queues) != 2 or not all(number >= count for number in queues.values()):
            complaints.append(f"not both queues were used: {queues}")
    return f"{arrived} of {2 * count} arrived, counted: {told}", complaints


def busy(lab: Lab, device: str) -> dict[str, int]:
    """What each queue of a veth has given to its XDP program."""
    told = lab.run("relay", ["ethtool", "-S", device]).stdout
    return {name: int(value) for name, _, value in (line.strip().partition(": ") for line in told.splitlines())
            if name.startswith("rx_queue_") and name.endswith("_xdp_packets")}


def run_setting(lab: Lab, network: str, setting: Setting, only: str, count: int) -> Iterator[tuple[str, list[str]]]:
    chosen = [(family, direction, name) for family in FAMILIES for direction in DIRECTIONS
              if only in (name := f"{network}/{setting.name}/ipv{family}/{direction}")]
    if not chosen:
        return
    steer_packets(lab, setting.rps)
    server = Turnpike(lab, setting.variant)
    for family, cases in itertools.groupby(chosen, key=lambda case: case[0]):
        rig = Rig(lab, server, family)
        for _family, direction, name in cases:
            numbers, complaints = check(server, rig, setting, direction, count)
            print(f"{'FAIL' if complaints else 'ok  '} {name}: {numbers}", flush=True)
            if complaints:
                print(server.report())
            yield name, complaints
        rig.close()
    server.stop()


def main() -> int:
    parser = argparse.ArgumentParser(description="One flow on two CPUs at once.")
    parser.add_argument("--only", default="", metavar="TEXT", help="only cases with TEXT in their names")
    parser.add_argument("--packets", type=int, default=10000, help="of each sender in each case")
    options = parser.parse_args()
    proc.die_cleanly_on_signals()
    if len(CPUS) < 2:
        print("SKIPPED one flow on two CPUs: this machine has one")
        return 77
    failed = []
    for network in NETWORKS:
        with Lab(network, offload=False, queues=2) as lab:
            for setting in SETTINGS:
                try:
                    for _name, complaints in run_setting(lab, network, setting, options.only, options.packets):
                        failed.append(bool(complaints))
                        for complaint in complaints:
                            print(f"        {complaint}")
                except FAILURES as error:
                    print(f"FAIL {network}/{setting.name}: {type(error).__name__}: {error}")
                    failed.append(True)
                lab.stop_processes()
    print(f"{len(failed) - sum(failed)} passed, {sum(failed)} failed")
    return 1 if any(failed) or not failed else 0


if __name__ == "__main__":
    sys.exit(main())

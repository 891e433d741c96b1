# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The client of feeder.c (see protocol.h): installs a world in the maps and runs frames through one program."""

from __future__ import annotations

import struct
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from world import (LISTENER, NOBODY, OTHER_DEVICE, OTHER_PUBLICATION, TPIDS, Address, Binding, Confirmation, Event,
                   Frame, Hop, Tag, Variant, World)

PLAIN, PLACED, POISONED, STUCK, VLAN, CUT = range(6)  # enum delivery of testbed.h
DEFAULT_HEAD = 64
XDP_XMIT = 1
EVENT = struct.Struct("=IIIIII")
STATE = struct.Struct("=qqqQIIII")
SAMPLE = 80  # size of struct sample
STALE = b"\xa5" * 28  # contents of the hop that is not current


class Skipped(Exception):
    """The feeder cannot run here."""


@dataclass
class Answer:
    """
    The result of a frame: counts by (direction, verdict), and the flows, hops, policers and samples that have changed.
    """
    error: int
    action: int
    data: bytes
    counts: dict[tuple[int, str], tuple[int, int]] = field(default_factory=dict)
    flows: dict[int, tuple[int, int, bytes]] = field(default_factory=dict)
    hops: dict[int, int] = field(default_factory=dict)
    policers: dict[int, int] = field(default_factory=dict)
    samples: set[bytes] = field(default_factory=set)
    events: int = 0
    event: Event | None = None


def wire_address(address: Address | None) -> bytes:
    if not address:
        return bytes(20)
    return struct.pack("!16sHBB", address.packed, address.port, address.family, 0)


def wire_hop(hop: Hop) -> bytes:
    """struct turnpike_nexthop."""
    tags = b"".join(struct.pack("!HH", tpid, vid) for tpid, vid in hop.tags)
    wire = struct.pack("=6s6sIHBB8s", hop.dmac, hop.smac, hop.ifindex, hop.mtu, XDP_XMIT if hop.xmit else 0,
                       len(hop.tags), tags)
    if not hop.ifindex:
        wire = bytes(len(wire))
    return struct.pack("=II", hop.current, hop.ip4_id) + (STALE + wire if hop.current & 1 else wire + STALE)


def wire_state(confirmation: Confirmation, ifindex: int, publication: int) -> bytes:
    """struct feed_state. @publication: of the next hop."""
    seen = {NOBODY: (0, 0), OTHER_DEVICE: (ifindex + 1, publication),
            OTHER_PUBLICATION: (ifindex, publication ^ 2)}.get(confirmation.seen, (ifindex, publication))
    return STATE.pack(confirmation.check_at, confirmation.until, confirmation.dscp_at, confirmation.dscps, *seen,
                      confirmation.tries, confirmation.observation)


class Feeder:
    """One program and its maps."""

    def __init__(self, path: Path, variant: Variant) -> None:
        self.variant = variant
        self.process = subprocess.Popen([path, str(variant.number)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.ifindex, self.buffer, verdicts, self.mac, self.event_frame = self._take("=III6sH")
        self.verdicts = [self._string() for _ in range(verdicts)]

    def close(self) -> None:
        self.process.stdin.close()
        if self.process.wait():
            raise RuntimeError(f"the feeder of {self.variant.name} exited with status {self.process.returncode}")

    def _read(self, size: int) -> bytes:
        data = self.process.stdout.read(size)
        if len(data) == size:
            return data
        if self.process.wait() == 77:
            raise Skipped
        raise RuntimeError(f"the feeder of {self.variant.name} exited early with status {self.process.returncode}")

    def _take(self, layout: str) -> tuple:
        return struct.unpack(layout, self._read(struct.calcsize(layout)))

    def _string(self) -> str:
        text = bytearray()
        while (byte := self._read(1)) != b"\0":
            text += byte
        return text.decode()

    def set_world(self, world: World) -> None:
        orders = [b"W", struct.pack("=HHHHH", world.mtu, len(world.roles), len(world.bindings),
                                      len(world.hairpins), len(world.hops))]
        for port, role in world.roles.items():
            orders.append(struct.pack("!HBx", port, 1 if role == LISTENER else 2))
        flows = {flow.number: flow for flow in world.flows.values()}
        for number, binding in enumerate(world.bindings):
            hops = [world.hop_numbers[flow.src.ip, flow.dst.ip] for flow in (flows[2 * number], flows[2 * number + 1])]
            states = b"".join(wire_state(world.confirmations[flow.number], world.ifindex, world.hop_of(flow).current)
                              for flow in (flows[2 * number], flows[2 * number + 1]))
            orders.append(self._binding(binding, hops) + states)
        orders += [struct.pack("=HH", *pair) for pair in world.hairpins.items()]
        orders += [wire_hop(hop) for hop in world.hops.values()]
        self.process.stdin.write(b"".join(orders))

    @staticmethod
    def _binding(b: Binding, hops: list[int]) -> bytes:
        addresses = b"".join(wire_address(each) for each in (b.client, b.server, b.relay, b.peer, b.xor_peer))
        return addresses + struct.pack("=HHHHIqqIIII", b.channel, 0, *hops, 0, b.channel_expires, b.permission_expires,
                                       b.to_peer_policer, b.to_client_policer, b.to_peer_label, b.to_client_label)

    def _delivery(self, frame: Frame, tag: Tag | None, poisoned: bool) -> tuple[int, int]:
        """How the frame is delivered to the program, and at which offset."""
        if not self.variant.tc:
            return PLACED, DEFAULT_HEAD if frame.head is None else frame.head
        if frame.whole:
            return CUT, len(frame.data)
        return (VLAN if tag else POISONED if poisoned else PLAIN), 0

    def can_run(self, frame: Frame) -> bool:
        """In TC, a frame cannot both be truncated and have a hwaccel tag."""
        return not (self.variant.tc and frame.whole and int.from_bytes(frame.data[12:14], "big") in TPIDS)

    def run(self, frame: Frame, poisoned: bool) -> Answer:
        """@poisoned: in TC, surround the frame with garbage; for IP without tags only."""
        data, tag = frame.seen_by(self.variant)
        delivery, offset = self._delivery(frame, tag, poisoned)
        if delivery == CUT:
            data = frame.whole
        order = [b"F", struct.pack("=BBHIII", delivery, len(frame.policers), frame.gso if self.variant.tc else 0,
                                   tag.tpid << 16 | tag.tci if tag else 0, offset, len(data))]
        order += [struct.pack("=HHIqQQ", number, policer.packets, policer.parent, policer.full, policer.cost,
                              policer.burst)
                  for number, policer in frame.policers.items()]
        self.process.stdin.write(b"".join(order) + data)
        self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> Answer:
        error, action, size, counts, flows, hops, policers, samples, events = self._take("=iiIHHHHHH")
        answer = Answer(error, action, self._read(size), events=events)
        for _ in range(counts):
            direction, verdict, packets, size = self._take("=IIQQ")
            answer.counts[direction, self.verdicts[verdict]] = packets, size
        for _ in range(flows):
            number, _, packets, size = self._take("=IIQQ")
            answer.flows[number] = packets, size, self._read(STATE.size)
        answer.hops = dict(self._take("=II") for _ in range(hops))
        for _ in range(policers):
            number, _, _, full, _, _ = self._take("=HHIqQQ")
            answer.policers[number] = full
        answer.samples = {self._read(SAMPLE) for _ in range(samples)}
        if events:
            verdict, ifindex, mtu, l2_len, size, _ = self._take(EVENT.format)
            frame = self._read(self.event_frame)
            answer.event = Event(self.verdicts[verdict], ifindex, mtu, l2_len, frame[:size])
        return answer

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Compares the result of a program with the expected outcome, and describes each difference."""

from __future__ import annotations

from collections.abc import Iterator

from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6
from scapy.utils import checksum

from confirm import samples
from feeder import STATE, Answer, wire_state
from indication import TRANSACTION_LENGTH
from model import IP_HLEN, POLICER_SHIFT, UDP_HLEN, Outcome
from outgoing import build
from world import Frame
from worlds import CHECKS

NOTES = {"head-failed", "tail-failed", "partial"}
# Both TC_ACT_OK and TC_ACT_UNSPEC (continue with the next program) pass the packet up the stack.
XDP_ACTIONS = {"pass": (2,), "drop": (1,), "tx": (3,), "redirect": (4,)}
TC_ACTIONS = {"pass": (0, -1), "drop": (2,), "tx": (7,), "redirect": (7,)}


def not_run(frame: Frame, answer: Answer) -> bool:
    """BPF_PROG_TEST_RUN rejects some frames, and cannot truncate everywhere: then no program has run."""
    return bool(answer.error) or (bool(frame.whole) and not answer.counts)


def readable(flows: dict[int, tuple[int, int, bytes]]) -> dict[int, tuple]:
    return {number: (packets, size, STATE.unpack(state)) for number, (packets, size, state) in flows.items()}


class Comparison:
    """The comparison of one frame."""

    def __init__(self, expected: Outcome, answer: Answer) -> None:
        self.expected, self.case, self.answer = expected, expected.case, answer
        self.relayed = expected.kind == "relay"

    def problems(self) -> list[str]:
        found = list(self._counts())
        # With another verdict, everything else differs as well.
        return found or [*self._action(), *self._bytes(), *self._flows(), *self._hops(), *self._policers(),
                         *self._samples(), *self._events()]

    def _counts(self) -> Iterator[str]:
        expected, notes = self.expected, set()
        for (direction, verdict), (packets, size) in self.answer.counts.items():
            if verdict in NOTES:
                notes.add(verdict)
                if packets != 1:
                    yield f"note {verdict} counted {packets} times"
            elif (direction, verdict) != (expected.direction, expected.verdict):
                yield (f"verdict {verdict} of direction {direction} instead of {expected.verdict} of "
                       f"{int(expected.direction)}")
            elif (packets, size) != (1, expected.counted):
                yield f"counted as {packets} packets and {size} bytes instead of 1 and {expected.counted}"
        if not self.answer.counts:
            yield f"not counted, expected {expected.verdict}; action {self.answer.action}"
        if expected.verdict != "no-room" and notes != expected.notes:
            yield f"notes {sorted(notes)} instead of {sorted(expected.notes)}"

    def _action(self) -> Iterator[str]:
        actions = (TC_ACTIONS if self.case.variant.tc else XDP_ACTIONS)[self.expected.action]
        if self.answer.action not in actions:
            yield f"action {self.answer.action} instead of {self.expected.action}"

    @property
    def _l3(self) -> bytes:
        return self.answer.data[self.case.l3:]

    def identification(self) -> int:
        return int.from_bytes(self._l3[4:6], "big")

    @property
    def transaction(self) -> bytes:
        """The transaction ID of a Data indication, or nothing."""
        if not self.relayed or not self.case.flow.xor_peer:
            return b""
        at = IP_HLEN[self.case.out_family] + UDP_HLEN + 8
        return self._l3[at:at + TRANSACTION_LENGTH]

    def wanted(self) -> bytes:
        """The outgoing frame; _hops() checks its identification, and the test that its transaction ID is new."""
        if not self.relayed:
            return self.case.data
        return build(self.case, self.identification() if self.expected.identification else 0, self.transaction)

    def _bytes(self) -> Iterator[str]:
        if self.expected.verdict == "policed":
            return  # the frame has moved already, and is dropped
        if self.answer.data != self.wanted():
            yield "other bytes"
        elif self.relayed and self.case.udp.chksum == self.case.right_checksum and not self._checksums_hold():
            yield "a valid checksum became invalid"

    def _checksums_hold(self) -> bool:
        """RFC 1071: the sum over the outgoing bytes is all ones; scapy returns its complement."""
        hlen = IP_HLEN[self.case.out_family]
        ip = (IP if hlen == 20 else IPv6)(self._l3[:hlen])
        udp = self._l3[hlen:]
        even = udp + bytes(len(udp) % 2)
        with_pseudo = even + self.case.pseudo_sum(ip, len(udp)).to_bytes(2, "big")
        return checksum(with_pseudo) == 0 and (hlen == 40 or checksum(self._l3[:hlen]) == 0)

    def _flows(self) -> Iterator[str]:
        """The counters and the confirmation of the flow."""
        wanted, step = {}, self.expected.step
        if self.relayed or step.after:
            number, world = self.case.flow.number, self.case.world
            state = wire_state(step.after or world.confirmations[number], world.ifindex, self.case.hop.current)
            wanted[number] = (*((1, len(self.case.app_data)) if self.relayed else (0, 0)), state)
        if self.answer.flows != wanted:
            yield f"flows changed {readable(self.answer.flows)} instead of {readable(wanted)}"

    def _samples(self) -> Iterator[str]:
        step = self.expected.step
        wanted = set(samples(self.case, step.more)) if step.sampled else set()
        if self.answer.samples != wanted:
            yield f"samples {self.answer.samples} instead of {wanted}"

    def _hops(self) -> Iterator[str]:
        wanted: dict[int, int] = {}
        if self.expected.identification == "counted":
            number = self.case.world.hop_numbers[self.case.flow.src.ip, self.case.flow.dst.ip]
            wanted = {number: (self.case.hop.ip4_id + 1) % 2**32}
            if self.identification() != self.case.hop.ip4_id % 2**16:
                yield f"identification {self.identification():#x} instead of {self.case.hop.ip4_id % 2**16:#x}"
        if self.answer.hops != wanted:
            yield f"identifications counted {self.answer.hops} instead of {wanted}"

    def _policers(self) -> Iterator[str]:
        charges = (self.case.charged or {}) if self.relayed else {}
        if self.expected.verdict == "checked":
            charges = {CHECKS: self.case.frame.policers[CHECKS].cost >> POLICER_SHIFT}
        for number in self.answer.policers.keys() | charges.keys():
            before = self.case.frame.policers[number].full
            after = self.answer.policers.get(number, before)
            if number not in charges and self.refunded(before, after):
                continue
            if number not in charges:
                yield f"policer {number} charged"
            elif charges[number] and after - max(before, 0) != charges[number]:
                yield f"policer {number} charged {after - max(before, 0)} ns instead of {charges[number]}"

    def refunded(self, before: int, after: int) -> bool:
        """A refund after another policer refused: the bucket is unchanged, or was full and is full now."""
        return self.expected.verdict == "policed" and after == max(before, 0)

    def _events(self) -> Iterator[str]:
        event, seen = self.expected.event, self.answer.event
        if self.answer.events != (1 if event else 0):
            yield f"{self.answer.events} events"
        elif event and vars(event) != vars(seen):
            yield f"event {seen} instead of {event}"

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a packet does to the confirmation of its flow, by the section Confirmation of docs/data-plane.md."""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from indication import DATA_INDICATION
from world import CONFIRM, NOBODY, NSEC, OTHER_DEVICE, OTHER_PUBLICATION, Address, Confirmation

if TYPE_CHECKING:
    from model import Case

MSEC = 10**6
GOLDEN = 0x9e3779b1
WORDS = 4
FLOWS, SENDS = {4: 1, 6: 2}, 3  # enum turnpike_flow_table


@dataclass(frozen=True)
class Step:
    """The verdict, if this decides; the confirmation afterwards, if it changes; whether a sample is taken."""
    verdict: str | None = None
    after: Confirmation | None = None
    sampled: bool = False
    more: bool = False


def step(before: Confirmation, left: int, dscp: int, may_check: bool) -> Step:
    """@left: ns until the flow expires."""
    if before.seen in (NOBODY, OTHER_PUBLICATION) or before.until <= 0:
        return awaiting(before, left)
    if before.check_at > 0:
        return confirmed(before, dscp)
    if may_check:
        return Step("checked", replace(before, until=min(before.until, NSEC), check_at=min(125 * MSEC, left)),
                    sampled=True)
    after = replace(before, until=before.until + CONFIRM // 4, check_at=min(CONFIRM // 4, left))
    following = confirmed(after, dscp)
    return replace(following, after=following.after or after)


def awaiting(before: Confirmation, left: int) -> Step:
    if before.seen == NOBODY and before.check_at > 0:
        return Step("unconfirmed")
    if before.seen != NOBODY:
        before = replace(before, seen=NOBODY, tries=0, observation=0)
    wait = 4 * MSEC << min(before.tries, 8)
    after = replace(before, check_at=min(wait, left), tries=min(before.tries + 1, 255))
    return Step("unconfirmed", after, sampled=True)


def confirmed(before: Confirmation, dscp: int) -> Step:
    if before.seen == OTHER_DEVICE:
        return Step("other-device")
    if before.dscps >> dscp & 1:
        return Step()
    if before.dscp_at > 0:
        return Step("unconfirmed")
    return Step("unconfirmed", replace(before, dscp_at=125 * MSEC), sampled=True, more=True)


# Samples: struct sample of testbed.h.

def mix(value: int, word: bytes) -> int:
    value = (value ^ int.from_bytes(word, sys.byteorder)) * GOLDEN % 2**32
    return value ^ value >> 15


def padded(address: Address) -> bytes:
    return address.packed.ljust(16, b"\0")


def hash_of(case: Case) -> int:
    dst = case.flow.dst
    framing = struct.pack("!H", DATA_INDICATION if case.flow.xor_peer else case.flow.channel)
    value = int.from_bytes(struct.pack("!H", dst.port), sys.byteorder) << 16 | int.from_bytes(framing, sys.byteorder)
    words = len(case.app_data) // 4
    data = padded(dst) + case.app_data[:4 * min(words, WORDS)]
    for at in range(0, len(data), 4):
        value = mix(value, data[at:at + 4])
    return value | 1


def flow_key(case: Case) -> tuple[int, bytes]:
    """The map that has the flow, and its key there."""
    ends = [Address(ip, 0) for ip in (case.ip.src, case.ip.dst)]
    ports = struct.pack("!HH", case.udp.sport, case.udp.dport)
    if case.send:
        peer = case.send.peer
        addresses = b"".join(padded(address) for address in (*ends, peer))
        return SENDS, addresses + ports + struct.pack("!HBB", peer.port, case.family, peer.family)
    return FLOWS[case.family], b"".join(end.packed for end in ends) + ports + struct.pack("!HH", case.in_channel, 0)


def samples(case: Case, more: bool) -> Iterator[bytes]:
    """The element of the packet, and that of its port."""
    table, key = flow_key(case)
    value = struct.pack("=QIHBB56s", 0, case.world.ifindex, table, case.dscp, more, key)
    port = struct.pack("!H", case.flow.src.port)
    yield struct.pack("=IH2s", hash_of(case), len(case.app_data), port) + value
    yield struct.pack("=IH2s", 0, 0, port) + value

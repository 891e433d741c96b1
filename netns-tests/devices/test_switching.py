# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Random changes of the mode under load: no message is changed or duplicated, and no flow is lost.

No message is lost either, except while the kernel empties the queue of a device.

    client ----- relay ----- peer        IPv4 and IPv6 at once, each with one channel to an echoing peer
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from lab.complaints import Complaints, check
from lab.endpoints import echo_peer
from lab.flow import Flow
from lab.lab import Lab
from lab.relay import BY_NAME, VARIANTS, Turnpike, Variant
from lab.roundtrip import relays
from lab.topology import FAMILIES

# clsact is missing: the command does not choose between the hooks of mode tc.
ALL_MODES = [variant for variant in VARIANTS if variant.name != "clsact"]
BOTH_MOVES = [BY_NAME["native-head"], BY_NAME["native-tail"]]
LONGEST_PAUSE = 0.02  # seconds between two changes
pytestmark = pytest.mark.timeout(1800)  # for --changes 1000


def change_mode(server: Turnpike, variant: Variant) -> Complaints:
    """Over the control socket: starting a program for each change would take longer than the change."""
    answer = server.order(command="mode", mode=variant.mode, moves=variant.moves or "auto")
    if "error" in answer:
        return [f"{variant.name}: {answer['error']}"]
    server.variant = variant
    return []


@dataclass
class Change:
    """A change of the mode, and the messages of each flow that are on their way meanwhile."""

    name: str
    empties_queue: bool
    on_their_way: list[range]


def empties_queue(old: Variant, new: Variant) -> bool:
    """Attaching native XDP to a veth, and detaching it, discards what is in the queue of the device."""
    return (old.mode == "xdp-native") != (new.mode == "xdp-native")


def change_often(server: Turnpike, variants: Sequence[Variant], flows: Sequence[Flow],
                 changes: int) -> tuple[list[Change], Complaints]:
    """The same number of changes makes the same changes."""
    generator = random.Random(changes)
    done: list[Change] = []
    complaints: Complaints = []
    oldest = [0 for _ in flows]
    for _ in range(changes):
        old = server.variant
        new = generator.choice([variant for variant in variants if variant is not old])
        sent = [flow.sent for flow in flows]
        oldest = [flow.oldest_unanswered(since) for flow, since in zip(flows, oldest)]
        complaints += change_mode(server, new)
        done.append(Change(f"{old.name} to {new.name}", empties_queue(old, new),
                           [range(first, flow.sent + 1) for flow, first in zip(flows, oldest)]))
        oldest = sent  # a message can take longer than a change
        time.sleep(generator.uniform(0, LONGEST_PAUSE))
    return done, complaints


def losses(flows: Sequence[Flow], done: Sequence[Change]) -> Complaints:
    """Complain about losses without an excuse, and about an excuse that most messages use: this holds at any speed."""
    complaints: Complaints = []
    for number, flow in enumerate(flows):
        lost = flow.unanswered()
        may_be_lost = {message for change in done if change.empties_queue for message in change.on_their_way[number]}
        print(f"flow {number}: {flow.sent} messages there and back, {len(lost)} lost,"
              f" {len(may_be_lost)} might have been")
        for message in sorted(lost - may_be_lost)[:10]:
            names = [change.name for change in done if message in change.on_their_way[number]]
            complaints.append(f"flow {number} lost message {message} without an excuse, during {names or 'no change'}")
        if len(lost) > len(may_be_lost) / 2:
            complaints.append(f"flow {number} lost {len(lost)} of the {len(may_be_lost)} messages that might be lost")
    return complaints


def switch_under_load(lab: Lab, variants: Sequence[Variant], changes: int) -> Complaints:
    server = Turnpike(lab, variants[0])
    complaints = relays(lab)  # all neighbours are resolved afterwards
    with echo_peer(lab, 4) as peer4, echo_peer(lab, 6) as peer6:
        flows = [Flow(lab, family, peer.address) for family, peer in zip(FAMILIES, (peer4, peer6))]
        in_kernel = len(server.flows())
        for flow in flows:
            flow.start()
        done, wrong = change_often(server, variants, flows, changes)
        complaints += wrong + losses(flows, done)
        for flow in flows:
            flow.stop()
        if len(server.flows()) != in_kernel:
            complaints.append(f"{len(server.flows())} of {in_kernel} flows are left")
    print(f"{changes} changes; relayed in the kernel, in user space: {server.relayed()}")
    return complaints + [each for flow in flows for each in flow.wrong[:5]] + server.attach_complaints()


@pytest.fixture
def changes(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--changes"))


def test_all_modes(lab: Lab, changes: int) -> None:
    """Changes between all modes lose no message, unless the kernel empties a queue."""
    check(switch_under_load(lab, ALL_MODES, changes))


def test_moves_of_one_mode(lab: Lab, changes: int) -> None:
    """Changes between head and tail moves lose no message, since the kernel replaces the program in place."""
    check(switch_under_load(lab, BOTH_MOVES, changes))

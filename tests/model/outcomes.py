# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Which outcomes random frames have reached. An outcome is a verdict and the direction of the flow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from model import Outcome
from world import Direction

Outcomes = Counter[tuple[str, int]]

NONE, FOUND = (Direction.NONE,), (Direction.TO_PEER, Direction.TO_CLIENT, Direction.HAIRPIN)
FROM_CLIENT, TO_CLIENT = (Direction.TO_PEER, Direction.HAIRPIN), (Direction.TO_CLIENT, Direction.HAIRPIN)
# All outcomes that are possible here. torn is missing, because helpers do not fail after the frame is modified, and so
# is no-checksum with a flow, because the frames of BPF_PROG_TEST_RUN are too short.
POSSIBLE = {
    "not-ip": NONE, "other-host": NONE, "vlan": NONE + FOUND, "not-udp": NONE, "ip-options": NONE, "fragment": NONE,
    "not-ours": NONE, "malformed": NONE, "no-checksum": NONE, "gso": NONE, "control": NONE, "bad-channeldata": NONE,
    "long-padding": NONE, "no-flow": NONE, "expired": FOUND, "ttl": FOUND, "no-nexthop": FOUND, "no-egress": FOUND,
    "unconfirmed": FOUND, "checked": FOUND, "other-device": FOUND,
    "too-big": FOUND, "dont-fragment": FOUND, "policed": FOUND, "no-room": FOUND, "relayed": FOUND,
    # Of these, those that come in as or become indications.
    "control, Send": NONE, "no-flow, Send": NONE, "relayed, Send": FROM_CLIENT, "relayed, Data": TO_CLIENT,
    "unconfirmed, Send": FROM_CLIENT, "dont-fragment, Data": TO_CLIENT, "no-room, Data": (Direction.TO_CLIENT,),
}
NOT_RUN = "not run"  # frames that BPF_PROG_TEST_RUN cannot make


def labels(expected: Outcome) -> Iterator[str]:
    """What the outcome counts as."""
    yield expected.verdict
    if (expected.direction or expected.verdict in ("control", "no-flow")) and expected.case.is_send:
        yield f"{expected.verdict}, Send"
    if expected.direction and expected.case.flow.xor_peer:
        yield f"{expected.verdict}, Data"


def missing(seen: Outcomes) -> list[str]:
    """The possible outcomes that no frame has reached."""
    return [f"{verdict} {direction.name.lower()}" for verdict, directions in POSSIBLE.items()
            for direction in directions if not seen[verdict, direction]]


def table(seen: Outcomes) -> Iterator[str]:
    """How often each outcome was reached, as lines of text."""
    yield f"{'':20}" + "".join(f"{direction.name.lower():>12}" for direction in Direction)
    for verdict in (*POSSIBLE, NOT_RUN):
        yield f"{verdict:20}" + "".join(f"{seen[verdict, direction] or '':>12}" for direction in Direction)

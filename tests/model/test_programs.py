# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The programs against the model: random frames in random worlds.

BPF_PROG_TEST_RUN runs each frame through every program. Verdict, direction, action, all bytes, counters, limits and
events must be those that the model predicts. A long run: --packets 100000 -n auto.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random

import pytest

from compare import Comparison, not_run
from feeder import Feeder
from frames import random_frames
from model import predict
from outcomes import NOT_RUN, Outcomes, labels
from report import describe
from world import Direction, Frame, World
from worlds import random_world

SHOWN = 3  # differences of a world; the others rarely say more


class Fresh:
    """Transaction IDs, each of which is used once (RFC 8489 section 5)."""

    def __init__(self) -> None:
        self.used: set[bytes] = set()

    def problems(self, transaction: bytes) -> list[str]:
        words = {transaction[at:at + 4] for at in range(0, len(transaction), 4)}
        if not transaction or (len(words) == 3 and transaction not in self.used):
            self.used.add(transaction)
            return []
        return [f"transaction ID {transaction.hex()} is not random"]


def difference(feeder: Feeder, world: World, frame: Frame, seen: Outcomes, fresh: Fresh) -> str | None:
    """What a program does otherwise than the model predicts."""
    expected = predict(world, frame, feeder.variant, feeder.buffer)
    answer = None
    if feeder.can_run(frame):
        answer = feeder.run(frame, poisoned=expected.kind == "relay" and not expected.case.tags)
    if not answer or not_run(frame, answer):
        seen[NOT_RUN, Direction.NONE] += 1
        return None
    seen.update((label, expected.direction) for label in labels(expected))
    comparison = Comparison(expected, answer)
    problems = comparison.problems() or fresh.problems(comparison.transaction)
    return describe(feeder.variant.name, expected, answer, problems) if problems else None


def test_world(feeders: list[Feeder], world_number: int, frames: int, seed: str,
               record_property: Callable[[str, object], None]) -> None:
    """Every program does with every frame what the model predicts."""
    rng = Random(f"{seed}/{world_number}")
    world = random_world(rng, feeders[0].ifindex, feeders[0].mac)
    for feeder in feeders:
        feeder.set_world(world)
    seen: Outcomes = Counter()
    fresh = Fresh()
    differences = [f"frame {number}, {found}"
                   for number, frame in enumerate(random_frames(rng, world, feeders[0].buffer, frames))
                   for feeder in feeders if (found := difference(feeder, world, frame, seen, fresh))]
    # Numbers and strings only, which xdist can pass on.
    record_property("outcomes", [(verdict, int(direction), count) for (verdict, direction), count in seen.items()])
    if differences:
        pytest.fail("\n".join([f"--seed {seed}, differences: {len(differences)}", *differences[:SHOWN]]), pytrace=False)

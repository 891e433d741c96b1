#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
Compares every program variant with the model. Random frames in random worlds are run by BPF_PROG_TEST_RUN, and verdict,
direction, action, all bytes, counters, limits and events must be those that the model predicts.

The same seed makes the same worlds and frames. A long run: --packets 100000.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from compare import Comparison, not_run
from feeder import Feeder, Skipped
from frames import random_frames
from model import predict
from report import describe
from world import VARIANTS, Direction, Frame, World
from worlds import random_world

BUILD = Path(__file__).resolve().parents[2] / "build/dev"
FRAMES_PER_WORLD = 25
FULL_RUN = 5000  # with this many packets, every outcome must occur
SKIPPED = 77

NONE, FOUND = (Direction.NONE,), (Direction.TO_PEER, Direction.TO_CLIENT, Direction.HAIRPIN)
# All outcomes that are possible here. Missing are torn, because helpers do not fail after the frame is modified, and
# no-checksum with a flow, because the frames of BPF_PROG_TEST_RUN are too short.
POSSIBLE = {
    "not-ip": NONE, "other-host": NONE, "vlan": NONE + FOUND, "not-udp": NONE, "ip-options": NONE, "fragment": NONE,
    "not-ours": NONE, "malformed": NONE, "no-checksum": NONE, "gso": NONE, "control": NONE, "bad-channeldata": NONE,
    "long-padding": NONE, "no-flow": NONE, "expired": FOUND, "ttl": FOUND, "no-nexthop": FOUND, "no-egress": FOUND,
    "too-big": FOUND, "dont-fragment": FOUND, "policed": FOUND, "no-room": FOUND, "relayed": FOUND,
}


@dataclass
class Result:
    """The result of one or more worlds."""
    passed: int = 0
    failed: int = 0
    coverage: Counter = field(default_factory=Counter)
    not_run: Counter = field(default_factory=Counter)
    reports: list[str] = field(default_factory=list)

    def add(self, other: Result) -> None:
        self.passed += other.passed
        self.failed += other.failed
        self.coverage += other.coverage
        self.not_run += other.not_run
        self.reports += other.reports


class Worker:
    """A process with its own feeders."""
    seed: str
    show: int
    feeders: list[Feeder]

    @classmethod
    def start(cls, path: Path, seed: str, show: int) -> None:
        cls.seed, cls.show = seed, show
        cls.feeders = [Feeder(path, variant) for variant in VARIANTS]

    @classmethod
    def try_one(cls, feeder: Feeder, world: World, frame: Frame, where: str, result: Result) -> None:
        expected = predict(world, frame, feeder.variant, feeder.buffer)
        answer = None
        if feeder.can_run(frame):
            answer = feeder.run(frame, poisoned=expected.kind == "relay" and not expected.case.tags)
        if not answer or not_run(frame, answer):
            result.not_run[feeder.variant.name] += 1
            return
        result.coverage[expected.verdict, expected.direction] += 1
        problems = Comparison(expected, answer).problems()
        result.passed += not problems
        result.failed += bool(problems)
        if problems and len(result.reports) < cls.show:
            result.reports.append(describe(where, expected, answer, problems))

    @classmethod
    def run(cls, job: tuple[int, int]) -> Result:
        number, count = job
        rng = Random(f"{cls.seed}/{number}")
        buffer = cls.feeders[0].buffer
        world = random_world(rng, cls.feeders[0].ifindex, cls.feeders[0].mac)
        for feeder in cls.feeders:
            feeder.set_world(world)
        result = Result()
        for index, frame in enumerate(random_frames(rng, world, buffer, count)):
            for feeder in cls.feeders:
                where = f"--seed {cls.seed} --world {number}, frame {index}, {feeder.variant.name}"
                cls.try_one(feeder, world, frame, where, result)
        return result


def worlds_of(options: argparse.Namespace) -> list[tuple[int, int]]:
    if options.world is not None:
        return [(options.world, FRAMES_PER_WORLD)]
    whole, rest = divmod(options.packets, FRAMES_PER_WORLD)
    return [(number, FRAMES_PER_WORLD) for number in range(whole)] + ([(whole, rest)] if rest else [])


def results(options: argparse.Namespace) -> Iterator[Result]:
    of_workers = options.feeder, options.seed, options.show
    if options.jobs == 1:  # a pool needs /dev/shm
        Worker.start(*of_workers)
        yield from map(Worker.run, worlds_of(options))
        return
    with multiprocessing.Pool(options.jobs, Worker.start, of_workers) as pool:
        yield from pool.imap_unordered(Worker.run, worlds_of(options))
        pool.close()
        pool.join()


def run(options: argparse.Namespace) -> Result:
    total = Result()
    for result in results(options):
        room = options.show - len(total.reports)
        for report in result.reports[:max(room, 0)]:
            print(report, flush=True)
        total.add(result)
    return total


def print_coverage(coverage: Counter) -> list[str]:
    """Returns the possible outcomes that did not occur."""
    print(f"{'':16}" + "".join(f"{direction.name.lower():>12}" for direction in Direction))
    for verdict in POSSIBLE:
        print(f"{verdict:16}" + "".join(f"{coverage[verdict, direction] or '':>12}" for direction in Direction))
    return [f"{verdict} {direction.name.lower()}" for verdict, directions in POSSIBLE.items()
            for direction in directions if not coverage[verdict, direction]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packets", type=int, default=5000, help="number of packets, each for every variant")
    parser.add_argument("--seed", default=str(int.from_bytes(os.urandom(4), "big")))
    parser.add_argument("--world", type=int, help="run only the world of this number, as in a report")
    parser.add_argument("--show", type=int, default=5, help="maximum number of differences to print")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--feeder", type=Path, default=BUILD / "tests/model/feeder")
    options = parser.parse_args()
    try:
        Feeder(options.feeder, VARIANTS[0]).close()
    except Skipped:
        return SKIPPED  # the feeder has printed the reason
    print(f"--seed {options.seed}", flush=True)
    total = run(options)
    missing = print_coverage(total.coverage)
    if total.not_run:
        print("BPF_PROG_TEST_RUN cannot make these frames: " +
              ", ".join(f"{count} of {name}" for name, count in sorted(total.not_run.items())))
    if missing and options.world is None:
        print("never seen: " + ", ".join(missing))
        total.failed += len(missing) if options.packets >= FULL_RUN else 0
    print(f"{total.passed} passed, {total.failed} failed")
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())

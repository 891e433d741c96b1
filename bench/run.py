#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Measures all cases side by side, in turn, round after round. run.sh builds the binaries and starts this.

The tables and the targets go to standard output, progress to standard error, and every sample to
bench/results/latest.json. The exit status is 1 if a case could not be measured, whatever the figures are.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import platform
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import paths
import report
from comparisons import compared_with
from lab import proc
from lab.relay import Coturn
from results import Results
from section import Case, Extent, Scope, Section, Unavailable

# Modules with a SECTION, in the order of the table.
MODULES = ("bounds", "relaying", "steps", "stages", "kinds", "peers", "transports", "flooding", "latency",
           "control_plane", "routes")
LATEST = paths.BENCH / "results/latest.json"
ROUNDS = {Extent.QUICK: 1, Extent.DEFAULT: 5, Extent.FULL: 3}
SECONDS = {Extent.QUICK: 0.3, Extent.DEFAULT: 0.5, Extent.FULL: 1.0}
BUSY = 0.5  # load average above which the figures are doubtful


def log(text: str, end: str = "\n") -> None:
    print(text, file=sys.stderr, end=end, flush=True)


@dataclass
class Progress:
    """Progress, and the time left according to the cases so far."""

    total: int
    done: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

    @contextlib.contextmanager
    def of(self, case: str, label: str) -> Iterator[None]:
        self.done += 1
        log(f"[{self.done:{len(str(self.total))}}/{self.total}] {label} {case:58}", end="")
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds[case] = time.monotonic() - began

    def left(self, ahead: Sequence[Case]) -> str:
        known = sum(self.seconds.values()) / len(self.seconds)
        seconds = sum(self.seconds.get(case.name, known) for case in ahead)
        return f"{int(seconds) // 60}:{int(seconds) % 60:02} left"


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="run.sh",
                                     description="Measure the relay side by side with its references.")
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument("--quick", dest="extent", action="store_const", const=Extent.QUICK, default=Extent.DEFAULT,
                        help="a few cases of each section, to see that they work; takes less than three minutes")
    extent.add_argument("--full", dest="extent", action="store_const", const=Extent.FULL,
                        help="every combination; takes hours")
    parser.add_argument("--only", action="append", metavar="TEXT",
                        help="only cases with TEXT in their names (repeatable)")
    parser.add_argument("--rounds", type=int, metavar="N",
                        help="number of rounds (default: 5, with --quick 1, with --full 3)")
    parser.add_argument("--coturn", default=shlex.join(Coturn.command), metavar="COMMAND",
                        help="the turnserver to compare with, and options that it needs (default: %(default)s)")
    parser.add_argument("-j", "--json", action="store_true", help="print JSON instead of tables")
    return parser.parse_args()


@contextlib.contextmanager
def opened(sections: Sequence[Section], scope: Scope, only: Sequence[str], results: Results) -> Iterator[list[Case]]:
    """Opens all sections at once, so that a round covers their cases within a short time."""
    with contextlib.ExitStack() as stack:
        cases: list[Case] = []
        for section in sections:
            log(f"setting up {section.name}")
            try:
                with contextlib.ExitStack() as attempt:
                    found = [case for case in attempt.enter_context(section.open(scope))
                             if any(text in case.name for text in only)]
                    if found:
                        stack.enter_context(attempt.pop_all())
                        cases += found
            except Exception as error:  # measure the other sections in any case
                results.fail(section.name, describe(error))
        yield cases


def describe(error: BaseException) -> str:
    return str(error) if isinstance(error, proc.LabError) else f"{type(error).__name__}: {error}"


def measure(cases: Sequence[Case], rounds: int, results: Results) -> None:
    """Measures each case right after the one that it is compared with."""
    results.expect(case.name for case in cases)
    places = {case.name: place for place, case in enumerate(cases)}
    cases = sorted(cases, key=lambda case: (places.get(compared_with(case.name) or "", places[case.name]),
                                            places[case.name]))
    progress = Progress(rounds * len(cases))
    queue = [(number, case) for number in range(rounds) for case in cases]
    for position, (number, case) in enumerate(queue):
        with progress.of(case.name, f"round {number + 1}/{rounds}"):
            try:
                figures = case.measure()
            except Unavailable as reason:
                results.unavailable[case.name] = outcome = str(reason)
            except Exception as error:  # measure the other cases in any case
                results.fail(case.name, describe(error))
                outcome = f"FAILED: {describe(error)}"
            else:
                results.add(case.name, number, figures)
                outcome = report.figure_cell(results.figures[case.name][next(iter(figures))])
        log(f" {outcome:16} {progress.left([each for _, each in queue[position + 1:]])}")


def machine() -> dict[str, Any]:
    model = next((line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    return {"machine": platform.machine(), "cpu": model, "cpus": os.cpu_count(),
            "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), "kernel": platform.release()}


def commit() -> str:
    git = ["git", "-C", str(paths.ROOT), "-c", "safe.directory=*"]
    return proc.run([*git, "describe", "--always", "--dirty"], check=False).stdout.strip() or "unknown"


def main() -> int:
    asked = options()
    proc.die_cleanly_on_signals()
    if (load := os.getloadavg()[0]) > BUSY:
        log(f"warning: this machine is busy (load average {load:.1f}); figures may be too low")
    Coturn.command = shlex.split(asked.coturn)
    scope = Scope(asked.extent, SECONDS[asked.extent])
    rounds = asked.rounds or ROUNDS[asked.extent]
    sections: list[Section] = [importlib.import_module(name).SECTION for name in MODULES]
    run = {"began": datetime.now(UTC).isoformat(timespec="seconds"), **machine(), "commit": commit(),
           "coturn": asked.coturn, "extent": asked.extent, "rounds": rounds, "seconds": scope.seconds,
           "load_average": load}
    results = Results()
    stopped: int | str | None = None
    try:
        with opened(sections, scope, asked.only or [""], results) as cases:
            if not cases:
                log("no case matches --only")
            measure(cases, rounds, results)
    except SystemExit as signal:  # report what has been measured
        stopped = signal.code
        log("\nstopped")
    LATEST.parent.mkdir(exist_ok=True)
    outcome = report.as_json(results, run)
    LATEST.write_text(json.dumps(outcome, indent=1) + "\n")
    titles = {section.name: section.title for section in sections}
    print(json.dumps(outcome) if asked.json else report.text(results, titles, run))
    return int(stopped or bool(results.failures) or not results)


if __name__ == "__main__":
    sys.exit(main())

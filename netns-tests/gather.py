# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The old runner of tests in processes side by side, for those that pytest does not run yet."""

from __future__ import annotations

import math
import multiprocessing
import time
from dataclasses import dataclass
from multiprocessing.queues import Queue
from queue import Empty


@dataclass(frozen=True)
class Outcome:
    cell: str
    numbers: str
    complaints: list[str]
    seconds: float
    report: str = ""


def gather(workers: list[multiprocessing.Process], outcomes: Queue[Outcome], names: set[str],
           limit_seconds: float = math.inf) -> list[Outcome]:
    """Runs the workers and shows what each cell has come to, also of those that no worker got to."""
    deadline = time.monotonic() + limit_seconds
    results: list[Outcome] = []
    try:
        for worker in workers:
            worker.start()
        while len(results) < len(names) and time.monotonic() < deadline:
            working = any(worker.is_alive() for worker in workers)
            try:
                results.append(outcomes.get(timeout=1))
            except Empty:
                if working:
                    continue
                break  # a worker that died has said why on stderr; its cells are missing
            show(results[-1], len(results), len(names))
    finally:
        for worker in workers:
            if worker.is_alive() and len(results) < len(names):
                worker.terminate()
        for worker in workers:
            if worker.pid:
                worker.join()
    missing = names - {outcome.cell for outcome in results}
    return results + [Outcome(name, "", ["was not run to its end"], 0) for name in sorted(missing)]


def conclude(results: list[Outcome]) -> int:
    """The last line, and the exit status."""
    failed = [outcome for outcome in results if outcome.complaints]
    if failed:
        print("failed: " + ", ".join(outcome.cell for outcome in failed))
    print(f"{len(results) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed or not results else 0


def show(outcome: Outcome, number: int, total: int) -> None:
    verdict = "FAIL" if outcome.complaints else "ok  "
    print(f"[{number:3}/{total}] {verdict} {outcome.cell:34} {outcome.numbers}  {outcome.seconds:4.1f} s", flush=True)
    for complaint in outcome.complaints:
        print(f"          {complaint}")
    if outcome.report:
        print(outcome.report, flush=True)

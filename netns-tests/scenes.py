# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Runs tests by name, one after the other, and tells how each has ended.

A test is anything that gives complaints; without any it has passed. The last line is read by scripts/test.sh.
"""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any

from lab import proc, turn
from lab.complaints import Complaints
from lab.lab import Lab

# What a test may run into that is no mistake in the test itself.
FAILURES = (proc.LabError, turn.TurnError, OSError, KeyError, IndexError, StopIteration, AssertionError)


def tried(test: Callable[..., Complaints], *arguments: Any) -> Complaints:
    """The complaints of a test, one of which may be what has ended it."""
    try:
        return test(*arguments)
    except FAILURES as error:
        return [f"{type(error).__name__}: {error}"]


def tried_in_lab(lab: Lab, test: Callable[[Lab], Complaints]) -> Complaints:
    """The same for a test that starts processes in a lab which it shares with others."""
    try:
        return tried(test, lab)
    finally:
        lab.stop_processes()  # whatever went wrong, the next test begins afresh


def main(description: str, tests: Iterable[tuple[str, Any]], run: Callable[[Any, Any], Complaints],
         place: AbstractContextManager[Any] = contextlib.nullcontext()) -> int:
    """run(place, test) for each test that is asked for, all in the same place. Returns the exit status."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--only", default="", metavar="TEXT", help="only tests with TEXT in their names")
    options = parser.parse_args()
    proc.die_cleanly_on_signals()
    chosen = {name: test for name, test in tests if options.only in name}
    failed = 0
    with place as entered:
        for number, (name, test) in enumerate(chosen.items(), 1):
            start = time.monotonic()
            complaints = run(entered, test)
            failed += bool(complaints)
            print(f"[{number:2}/{len(chosen)}] {'FAIL' if complaints else 'ok  '} {name:40}"
                  f"{time.monotonic() - start:5.1f} s", flush=True)
            for complaint in complaints:
                print(f"        {complaint}", flush=True)
    print(f"{len(chosen) - failed} passed, {failed} failed")
    return 1 if failed or not chosen else 0

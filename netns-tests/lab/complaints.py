# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Complaints: sentences that say what is wrong. A test collects them, so that one failure shows all that it found."""

from __future__ import annotations

from collections.abc import Callable

from lab import turn

Complaints = list[str]


def check(complaints: Complaints) -> None:
    """Fail with all complaints, one a line, unless there are none."""
    __tracebackhide__ = True  # pytest: the failure is the caller's
    if complaints:
        raise AssertionError("\n".join(complaints))


def refused(wanted: int, ask: Callable[[], object], what: str) -> Complaints:
    """A TURN server must answer with this error."""
    try:
        ask()
    except turn.TurnError as error:
        return [] if error.code == wanted else [f"{what}: error {error.code}, not {wanted}"]
    return [f"{what}: success, not error {wanted}"]

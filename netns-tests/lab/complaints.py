# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Complaints: sentences about faults. A test collects them, so that one failure shows all of them."""

from __future__ import annotations

from collections.abc import Callable

from lab import turn

Complaints = list[str]


def check(complaints: Complaints) -> None:
    """Fail with all complaints, one per line, if there are any."""
    __tracebackhide__ = True  # pytest: show the caller instead
    if complaints:
        raise AssertionError("\n".join(complaints))


def refused(wanted: int, ask: Callable[[], object], what: str) -> Complaints:
    """Check that the server responds with this error."""
    try:
        ask()
    except turn.TurnError as error:
        return [] if error.code == wanted else [f"{what}: error {error.code}, not {wanted}"]
    return [f"{what}: success, not error {wanted}"]

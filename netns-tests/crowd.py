# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Ten thousand TURN clients at once, each with an address of its own: the benchmark's, who compare every byte."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from lab import HERE, Lab
from relay import Turnpike, Variant
from scenes import Complaints

sys.path.append(str(HERE.parent / "bench"))

from control_plane import Hosts, Tool, crowd  # noqa: E402

__all__ = ["Hosts", "Tool", "crowd", "done_by_all", "many_served"]
LONGEST = 120  # seconds for all clients to get an answer


def done_by_all(clients: Tool, count: int, *orders: str) -> Complaints:
    """Each thing that all of the clients do, until one of these goes wrong; nothing is to be lost on the way."""
    for order in orders:
        outcome: dict[str, Any] = clients.ask(order, LONGEST)
        if outcome["done"] != count or outcome["wrong"]:
            return [f"{order}, by {count}: {outcome}"]
    return []


def many_served(lab: Lab, variant: Variant, clients: int, options: Sequence[str] = ()) -> Turnpike:
    """A server for so many: each relayed transport address is a socket."""
    return Turnpike(lab, variant, ["prlimit", f"--nofile={2 * clients}"], options)

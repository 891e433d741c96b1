# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Thousands of TURN clients at once, which compare every byte (bench/tools/clients.c)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import Any

from lab.complaints import Complaints
from lab.lab import Lab
from lab.relay import PASSWORD, PORT, USER, Turnpike, Variant
from lab.tool import Tool

LONGEST = 120  # seconds for all clients to get an answer
# Behind the far ends; 64 clients or peers share an address.
FIRST_CLIENT, FIRST_PEER, FIRST_PORT = "10.64.0.1", "10.96.0.1", 10240
NETWORKS = {"client": "10.64.0.0/12", "peer": "10.96.0.0/12"}


class Hosts(Lab):
    """The two-nic network. Behind each far end is a network of addresses, and all neighbours are known."""

    def __init__(self) -> None:
        super().__init__("two-nic", offload=True)

    def _set_up(self) -> None:
        super()._set_up()
        self.make_neighbours_permanent()
        for far, near in self.topology.links:
            assert far.place is not None
            network = NETWORKS[far.role]
            self._ip("relay", [f"route add {network} via {far.place.address(4)} dev {near.device}"])
            self._ip(far.role, [f"route add local {network} dev lo"])


@contextlib.contextmanager
def crowd(lab: Lab, clients: int, peers: int) -> Iterator[Tool]:
    """So many clients and peers, on the last CPU; each order (Tool.ask) is one that all of them follow."""
    with Tool(lab.namespace("client"), "clients", "--cpu", max(os.sched_getaffinity(0)), "--user", USER,
              "--password", PASSWORD, "--server", f"{lab.topology.listen.address(4)}:{PORT}",
              "--clients", FIRST_CLIENT, "--count", clients, "--peers", f"{FIRST_PEER}:{FIRST_PORT}",
              "--peer-count", peers, "--peer-namespace", f"/run/netns/{lab.namespace('peer')}") as tool:
        yield tool


def done_by_all(clients: Tool, count: int, *orders: str) -> Complaints:
    """Every client follows each order, and nothing is lost on the way. The first order that goes wrong is the last."""
    for order in orders:
        outcome: dict[str, Any] = clients.ask(order, LONGEST)
        if outcome["done"] != count or outcome["wrong"]:
            return [f"{order}, by {count}: {outcome}"]
    return []


def many_served(lab: Lab, variant: Variant, clients: int, options: Sequence[str] = ()) -> Turnpike:
    """A server with enough descriptors: each relayed transport address is a socket."""
    return Turnpike(lab, variant, ["prlimit", f"--nofile={2 * clients}"], options)

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Thousands of TURN clients, which compare every byte (bench/tools/clients.c)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from lab.complaints import Complaints
from lab.lab import Lab
from lab.relay import PASSWORD, PORT, USER, Turnpike, Variant
from lab.tool import Tool

LONGEST = 120  # seconds until all clients must have a response
# Addresses behind the far ends, each shared by 64 clients or peers.
FIRST_CLIENT, FIRST_PEER, FIRST_PORT = "10.64.0.1", "10.96.0.1", 10240
# All clients are one user, who gets three quarters of these. Released ones rest.
MANY_PORTS = ("--relay-ports", "32768-65535")
NETWORKS = {"client": "10.64.0.0/12", "peer": "10.96.0.0/12"}


class Hosts(Lab):
    """The two-nic network with a network of addresses behind each far end, and permanent neighbours."""

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
def crowd(lab: Lab, clients: int, peers: int, *options: object) -> Iterator[Tool]:
    """Start this many clients and peers. All clients execute each order (Tool.ask)."""
    with Tool(lab.namespace("client"), "clients", *options, "--user", USER, "--password", PASSWORD,
              "--server", f"{lab.topology.listen.address(4)}:{PORT}",
              "--clients", FIRST_CLIENT, "--count", clients, "--peers", f"{FIRST_PEER}:{FIRST_PORT}",
              "--peer-count", peers, "--peer-namespace", f"/run/netns/{lab.namespace('peer')}") as tool:
        yield tool


def done_by_all(clients: Tool, count: int, *orders: str) -> Complaints:
    """Let all clients execute each order without losses, up to the first failure."""
    for order in orders:
        outcome: dict[str, Any] = clients.ask(order, LONGEST)
        if outcome["done"] != count or outcome["wrong"]:
            return [f"{order}, by {count}: {outcome}"]
    return []


def many_served(lab: Lab, variant: Variant, clients: int, options: Sequence[str] = ()) -> Turnpike:
    """A server with enough ports, and enough file descriptors: each relayed transport address is a socket."""
    return Turnpike(lab, variant, ["prlimit", f"--nofile={2 * clients}"], [*MANY_PORTS, *options])

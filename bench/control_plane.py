# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The control plane: requests a second, memory, how soon a new channel is relayed in the kernel, changes of the mode.

    the first CPU: the server        the last one: the clients, which never sleep (bench/tools/clients.c)

A rate is told twice: by the clock, and by the CPU time of the server, which is what one core does for it alone. In the
latter the kernel's share of receiving is missing, which it does for whoever sends; and in exchange, of what the server
sends, the clients' share is in it.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import paths  # noqa: F401
import proc
from lab import Lab
from network import CLIENTS, NETWORKS, NSEC, PEERS, Network, last_cpu
from relay import PASSWORD, PORT, USER, Server, Turnpike
from section import Case, Extent, Figure, Scope, Unit
from servers import COTURN, VARIANTS, cpu_ns, kernel_memory, resident, server_cpus, serving
from tool import Tool

NO_PREALLOC = 1  # BPF_F_NO_PREALLOC
LONGEST = 120    # seconds for all clients to get an answer
ORDERS = {"allocate": "allocations", "bind": "binds", "refresh": "refreshes", "release": "releases"}
DIRECTIONS = ("to-peer", "to-client")


@dataclass(frozen=True)
class Amount:
    """How much of each; next hops are pairs of addresses, and of those a server has at most 16,383."""

    clients: int
    peers: int
    firsts: int
    requests: Sequence[str]  # of which servers
    first: Sequence[str]
    switch: Sequence[str]

    @property
    def flows(self) -> int:
        return 2 * self.clients


KERNEL = ("native-head", "generic-head", "tcx")
AMOUNTS = {
    Extent.QUICK: Amount(2000, 2000, 300, ("native-head", "userspace"), ("native-head",),
                         ("native-head", "tcx", "userspace")),
    Extent.DEFAULT: Amount(12000, 4000, 2000, ("native-head", "tcx", "userspace", COTURN), KERNEL,
                           (*KERNEL, "userspace")),
    Extent.FULL: Amount(12000, 4000, 5000, tuple(VARIANTS), tuple(name for name in VARIANTS if VARIANTS[name].in_kernel),
                        ("native-head", "native-tail", "generic-head", "generic-tail", "tcx", "userspace")),
}


class Hosts(Network):
    """A network whose far ends have all addresses behind them, and deliver what XDP sends there."""

    def _attach_pass_programs(self) -> None:
        Lab._attach_pass_programs(self)

    def _set_up(self) -> None:
        super()._set_up()
        for role in ("client", "peer"):
            self._ip(role, [f"route add local {each} dev lo" for each in NETWORKS[role][4]])


class ControlPlane:
    name = "control"
    title = "Control plane: requests a second, memory, the first packet of a channel, changes of the mode"

    @contextlib.contextmanager
    def open(self, scope: Scope) -> Iterator[Sequence[Case]]:
        amount = AMOUNTS[scope.extent]
        with Hosts("two-nic") as lab:
            def case(name: str, measure: Callable[..., Mapping[str, Figure]], *arguments: str) -> Case:
                return Case("/".join((self.name, name, *arguments)), lambda: measure(lab, amount, *arguments))

            yield [*(case("requests", measure_requests, each) for each in amount.requests),
                   *(case("first-packet", measure_first_packets, each) for each in amount.first),
                   case("switch", measure_switches)]


# Requests a second, and memory.

def measure_requests(lab: Lab, amount: Amount, name: str) -> dict[str, Figure]:
    """As many flows fit as there will be, so that the maps' memory can be told a flow."""
    is_ours = name != COTURN
    options = ["--max-flows", str(amount.flows), "--relay-ports", "4096-65535"] if is_ours else ["--min-port", "4096"]
    figures: dict[str, Figure] = {}
    with serving(lab, VARIANTS[name], server_cpus()[:1], options) as server, crowd(lab, amount.clients, amount.peers) as clients:
        before, kernel_before = resident(server.process.pid), kernel_memory()
        for order, what in ORDERS.items():
            figures |= rates(server, clients, order, what, amount.clients)
            if order == "allocate":
                figures["memory an allocation"] = each(resident(server.process.pid) - before, amount.clients)
                figures["memory of its socket"] = each(kernel_memory() - kernel_before, amount.clients)
            if order == "bind":
                figures["memory with a channel"] = each(resident(server.process.pid) - before, amount.clients)
                if isinstance(server, Turnpike):
                    figures |= flow_memory(server, amount)
    return figures


@contextlib.contextmanager
def crowd(lab: Lab, clients: int, peers: int) -> Iterator[Tool]:
    with Tool(lab.namespace("client"), "clients", "--cpu", last_cpu(), "--user", USER, "--password", PASSWORD,
              "--server", f"{lab.topology.listen.address(4)}:{PORT}", "--clients", CLIENTS.addresses[4],
              "--count", clients, "--peers", f"{PEERS.addresses[4]}:{PEERS.port}", "--peer-count", peers,
              "--peer-namespace", f"/run/netns/{lab.namespace('peer')}") as tool:
        yield tool


def ask(clients: Tool, order: str, expected: int) -> Any:
    """What all clients do; anything that is not as it should be would make the times mean something else."""
    outcome = clients.ask(order, LONGEST)
    if outcome["done"] != expected or outcome["resent"]:
        raise proc.LabError(f"{order}: {outcome}, where {expected} should have been done")
    return outcome


def rates(server: Server, clients: Tool, order: str, what: str, expected: int) -> dict[str, Figure]:
    cpu = cpu_ns(server.process.pid)
    outcome = ask(clients, order, expected)
    cpu = cpu_ns(server.process.pid) - cpu
    return {what: Figure(expected * NSEC / outcome["ns"], Unit.PER_S),
            f"{what} a CPU second": Figure(expected * NSEC / cpu, Unit.PER_S)}


def each(total: float, number: int) -> Figure:
    return Figure(total / number, Unit.BYTES)


def flow_memory(server: Turnpike, amount: Amount) -> dict[str, Figure]:
    """Of a full map; and of one that would be as large if it were full."""
    status = server.ask("status")
    if status["flows"] != amount.flows:
        raise proc.LabError(f"{status['flows']} flows are in the kernel, not {amount.flows}")
    maps = {each["name"]: each for each in maps_of(server.process.pid)}
    return {f"memory a flow of {family}": each(maps[name]["bytes_memlock"], maps[name]["max_entries"])
            for name, family in (("flows4", "IPv4"), ("flows6", "IPv6"))
            if name == "flows4" or not maps[name]["flags"] & NO_PREALLOC}


def maps_of(pid: int) -> list[dict[str, Any]]:
    numbers = {line.split()[1] for descriptor in Path(f"/proc/{pid}/fdinfo").iterdir()
               for line in descriptor.read_text().splitlines() if line.startswith("map_id:")}
    return [json.loads(proc.run(["bpftool", "-j", "map", "show", "id", number]).stdout) for number in numbers]


# The first packet of a channel.

def measure_first_packets(lab: Lab, amount: Amount, name: str) -> dict[str, Figure]:
    """Each is sent the moment that the success response has come: by the client, or by the peer."""
    figures: dict[str, Figure] = {}
    with serving(lab, VARIANTS[name], server_cpus()[:1]) as server, crowd(lab, amount.firsts, amount.firsts) as clients:
        assert isinstance(server, Turnpike)
        for direction in DIRECTIONS:
            ask(clients, "allocate", amount.firsts)
            before = server.verdicts(direction).get("relayed", 0)
            outcome = ask(clients, f"first-{direction}", amount.firsts)
            in_kernel = server.verdicts(direction).get("relayed", 0) - before
            figures |= {f"{direction} in the kernel": Figure(in_kernel / amount.firsts, Unit.SHARE),
                        f"{direction} p50": Figure(outcome["p50_us"], Unit.US),
                        f"{direction} p99": Figure(outcome["p99_us"], Unit.US)}
            ask(clients, "release", amount.firsts)
    return figures


# Changes of the mode.

def measure_switches(lab: Lab, amount: Amount) -> dict[str, Figure]:
    """From each mode to each other, with channels in the kernel."""
    figures: dict[str, Figure] = {}
    with serving(lab, VARIANTS[amount.switch[0]], server_cpus()) as server, crowd(lab, amount.firsts, amount.firsts) as clients:
        assert isinstance(server, Turnpike)
        ask(clients, "allocate", amount.firsts)
        ask(clients, "bind", amount.firsts)
        # Every change once, each from where the last one led.
        way = [name for pair in combinations(amount.switch, 2) for name in pair]
        for before, after in pairwise([*way, amount.switch[0]]):
            figures[f"{before} to {after}"] = Figure(switch(server, after) * 1000, Unit.MS)
        if server.ask("status")["flows"] != 2 * amount.firsts:
            raise proc.LabError("flows were lost when the mode was changed")
    return figures


def switch(server: Turnpike, name: str) -> float:
    """Seconds that a change of the mode takes."""
    variant = VARIANTS[name]
    start = time.monotonic()
    answer = server.order(command="mode", mode=variant.mode, moves=variant.moves or "auto")
    took = time.monotonic() - start
    server.variant = variant
    if complaints := ([answer["error"]] if "error" in answer else server.attach_complaints()):
        raise proc.LabError(f"{name}: {'; '.join(complaints)}")
    return took


SECTION = ControlPlane()

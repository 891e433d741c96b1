# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The control plane, measured by clients on the last CPU that never sleep (bench/tools/clients.c); the server has the
first.

    control/allocate/SERVER    requests per second (an allocation is two, the first without credentials), by the clock
    control/bind/SERVER        and by the server's CPU time: what one core can do. That time lacks the kernel's work for
    ...                        received packets, which the sender is charged for, and has the clients' instead
    control/memory/SERVER      of an allocation with one channel, and of a flow in the kernel, when all maps are full
    control/first-packet/...   of a channel, sent when the success response comes: is it relayed in the kernel, how soon
    control/switch/MODE        how long it takes to leave a mode for each other one, with channels in the kernel
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paths  # noqa: F401
from lab import proc
from lab.crowd import LONGEST, Hosts, crowd
from lab.lab import Lab
from lab.relay import Server, Turnpike
from lab.tool import Tool
from network import NSEC
from section import Case, Extent, Figure, Scope, Unit
from servers import COTURN, VARIANTS, cpu_ns, kernel_memory, resident, server_cpus, serving

NO_PREALLOC = 1  # BPF_F_NO_PREALLOC
# What clients do, and what they have to do before.
BEFORE = {"allocate": (), "bind": ("allocate",), "refresh": ("allocate",), "release": ("allocate", "bind")}
KERNEL = tuple(name for name, variant in VARIANTS.items() if variant.in_kernel)


@dataclass(frozen=True)
class Amount:
    """How much of each; next hops are pairs of addresses, and of those a server has at most 16,383."""

    clients: int
    peers: int
    firsts: int
    requests: Sequence[str]
    servers: Sequence[str]   # that are asked
    kernels: Sequence[str]   # that relay first packets
    modes: Sequence[str]     # that are left for each other

    @property
    def flows(self) -> int:
        return 2 * self.clients


AMOUNTS = {
    Extent.QUICK: Amount(2000, 2000, 300, ("allocate", "bind"), ("native-head",), ("native-head",),
                         ("native-head", "userspace")),
    Extent.DEFAULT: Amount(12000, 4000, 2000, ("allocate", "bind"), ("native-head", "tcx", "userspace", COTURN),
                           ("native-head", "generic-head", "tcx"), ("native-head", "generic-head", "tcx", "userspace")),
    Extent.FULL: Amount(12000, 4000, 5000, tuple(BEFORE), tuple(VARIANTS), KERNEL,
                        ("native-head", "native-tail", "generic-head", "generic-tail", "tcx", "userspace")),
}


class ControlPlane:
    name = "control"
    title = "Control plane: what is done/server"

    @contextlib.contextmanager
    def open(self, scope: Scope) -> Iterator[Sequence[Case]]:
        amount = AMOUNTS[scope.extent]
        with Hosts() as lab:
            def case(measure: Callable[..., Mapping[str, Figure]], *names: str) -> Case:
                return Case("/".join((self.name, *names)), lambda: measure(lab, amount, *names))

            yield [*(case(measure_requests, order, name) for order in amount.requests for name in amount.servers),
                   *(case(measure_memory, "memory", name) for name in amount.servers),
                   *(case(measure_first_packets, "first-packet", name, direction)
                     for name in amount.kernels for direction in ("to-peer", "to-client")),
                   *(case(measure_switches, "switch", name) for name in amount.modes)]


# Requests a second, and memory.

def measure_requests(lab: Lab, amount: Amount, order: str, name: str) -> dict[str, Figure]:
    with asked(lab, amount, name) as (server, clients):
        for first in BEFORE[order]:
            ask(clients, first, amount.clients)
        cpu = cpu_ns(server.process.pid)
        outcome = ask(clients, order, amount.clients)
        cpu = cpu_ns(server.process.pid) - cpu
    return {"by the clock": Figure(amount.clients * NSEC / outcome["ns"], Unit.PER_S),
            "a CPU second": Figure(amount.clients * NSEC / cpu, Unit.PER_S)}


def measure_memory(lab: Lab, amount: Amount, _memory: str, name: str) -> dict[str, Figure]:
    with asked(lab, amount, name) as (server, clients):
        pid = server.process.pid
        before, kernel_before = resident(pid), kernel_memory()
        ask(clients, "allocate", amount.clients)
        allocated, kernel_allocated = resident(pid), kernel_memory()
        ask(clients, "bind", amount.clients)
        return {"allocation": each(allocated - before, amount.clients),
                "its socket": each(kernel_allocated - kernel_before, amount.clients),
                "its channel": each(resident(pid) - allocated, amount.clients),
                **(flow_memory(server, amount) if isinstance(server, Turnpike) else {})}


@contextlib.contextmanager
def asked(lab: Lab, amount: Amount, name: str) -> Iterator[tuple[Server, Tool]]:
    """As many flows fit as there will be, so that the maps' memory can be told a flow."""
    ours = ["--max-flows", str(amount.flows), "--relay-ports", "4096-65535"]
    options = ["--min-port", "4096"] if name == COTURN else ours
    with (serving(lab, VARIANTS[name], server_cpus()[:1], options) as server,
          crowd(lab, amount.clients, amount.peers) as clients):
        yield server, clients


def ask(clients: Tool, order: str, expected: int) -> Any:
    """What all clients do; anything that is not as it should be would make the times mean something else."""
    outcome = clients.ask(order, LONGEST)
    if outcome["done"] != expected or outcome["resent"]:
        raise proc.LabError(f"{order}: {outcome}, where {expected} should have been done")
    return outcome


def each(total: float, number: int) -> Figure:
    return Figure(total / number, Unit.BYTES)


def flow_memory(server: Turnpike, amount: Amount) -> dict[str, Figure]:
    """Of a full map; and of one that would be as large if it were full."""
    status = server.ask("status")
    if status["flows"] != amount.flows:
        raise proc.LabError(f"{status['flows']} flows are in the kernel, not {amount.flows}")
    maps = {each["name"]: each for each in maps_of(server.process.pid)}
    return {f"flow of {family}": each(maps[name]["bytes_memlock"], maps[name]["max_entries"])
            for name, family in (("flows4", "IPv4"), ("flows6", "IPv6"))
            if name == "flows4" or not maps[name]["flags"] & NO_PREALLOC}


def maps_of(pid: int) -> list[dict[str, Any]]:
    numbers = {line.split()[1] for descriptor in Path(f"/proc/{pid}/fdinfo").iterdir()
               for line in descriptor.read_text().splitlines() if line.startswith("map_id:")}
    return [json.loads(proc.run(["bpftool", "-j", "map", "show", "id", number]).stdout) for number in numbers]


# The first packet of a channel.

def measure_first_packets(lab: Lab, amount: Amount, _first: str, name: str, direction: str) -> dict[str, Figure]:
    """By the client, or by the peer."""
    with serving(lab, VARIANTS[name], server_cpus()[:1]) as server, crowd(lab, amount.firsts, amount.firsts) as clients:
        assert isinstance(server, Turnpike)
        ask(clients, "allocate", amount.firsts)
        outcome = ask(clients, f"first-{direction}", amount.firsts)
        in_kernel = server.verdicts(direction).get("relayed", 0)
    return {"in the kernel": Figure(in_kernel / amount.firsts, Unit.SHARE),
            "p50": Figure(outcome["p50_us"], Unit.US), "p99": Figure(outcome["p99_us"], Unit.US)}


# Changes of the mode.

def measure_switches(lab: Lab, amount: Amount, _switch: str, name: str) -> dict[str, Figure]:
    """To the same mode, too: that is what all the rest of a change takes."""
    figures: dict[str, Figure] = {}
    with serving(lab, VARIANTS[name], server_cpus()) as server, crowd(lab, amount.firsts, amount.firsts) as clients:
        assert isinstance(server, Turnpike)
        ask(clients, "allocate", amount.firsts)
        ask(clients, "bind", amount.firsts)
        for other in amount.modes:
            figures[f"to {other}"] = Figure(switch(server, other) * 1000, Unit.MS)
            switch(server, name)
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

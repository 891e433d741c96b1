# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The control plane, measured by busy-polling clients on the last CPU (bench/tools/clients.c). The server has CPU 0.

    control/allocate/SERVER    operations per second of wall-clock time, and per second of the server's CPU time. An
    control/permit/SERVER      allocation is two requests, the first without credentials; permit is CreatePermission,
    control/bind/SERVER        bind ChannelBind. The kernel charges the processing of received packets to the sender:
    ...                        the server's CPU time lacks that of its requests, and includes that of its responses
    control/memory/SERVER      memory of an allocation with one channel, and of a flow in the kernel with full maps
    control/second-packet/...  second packet of a channel, sent when the first has arrived, which the server relays and
                               the stack confirms: share relayed in the kernel, and latency
    control/switch/MODE        time to change from this mode to each other one, with channels in the kernel
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import paths  # noqa: F401
from lab import proc
from lab.crowd import LONGEST, Hosts, crowd
from lab.lab import Lab
from lab.relay import Server, Turnpike
from lab.tool import Tool
from network import NSEC, last_cpu
from section import Case, Extent, Figure, Scope, Unit
from servers import COTURN, VARIANTS, cpu_ns, kernel_memory, resident, server_cpus, serving

NO_PREALLOC = 1  # BPF_F_NO_PREALLOC
# Each operation of the clients, and the operations that must precede it.
BEFORE = {"allocate": (), "permit": ("allocate",), "bind": ("allocate",), "refresh": ("allocate",),
          "release": ("allocate", "bind")}
KERNEL = tuple(name for name, variant in VARIANTS.items() if variant.in_kernel)


@dataclass(frozen=True)
class Amount:
    """The amounts. Next hops are pairs of addresses, of which a server has at most 16,383."""

    clients: int
    peers: int
    firsts: int
    requests: Sequence[str]
    servers: Sequence[str]   # measured with requests
    kernels: Sequence[str]   # measured with first packets
    modes: Sequence[str]     # switched between

    @property
    def flows(self) -> int:
        return 2 * self.clients


AMOUNTS = {
    Extent.QUICK: Amount(2000, 2000, 300, ("allocate", "bind"), ("native-head",), ("native-head",),
                         ("native-head", "userspace")),
    Extent.DEFAULT: Amount(12000, 4000, 2000, ("allocate", "permit", "bind"),
                           ("native-head", "tcx", "userspace", COTURN), ("native-head", "generic-head", "tcx"),
                           ("native-head", "generic-head", "tcx", "userspace")),
    Extent.FULL: Amount(12000, 4000, 5000, tuple(BEFORE), tuple(VARIANTS), KERNEL,
                        ("native-head", "native-tail", "generic-head", "generic-tail", "tcx", "userspace")),
}


class ControlPlane:
    name = "control"
    title = "Control plane: operation/server"

    @contextlib.contextmanager
    def open(self, scope: Scope) -> Iterator[Sequence[Case]]:
        amount = AMOUNTS[scope.extent]
        with Hosts() as lab:
            def case(measure: Callable[..., Mapping[str, Figure]], *names: str) -> Case:
                return Case("/".join((self.name, *names)), lambda: measure(lab, amount, *names))

            yield [*(case(measure_requests, order, name) for order in amount.requests for name in amount.servers),
                   *(case(measure_memory, "memory", name) for name in amount.servers),
                   *(case(measure_second_packets, "second-packet", name, direction)
                     for name in amount.kernels for direction in ("to-peer", "to-client")),
                   *(case(measure_switches, "switch", name) for name in amount.modes)]


# Requests per second, and memory.

def measure_requests(lab: Lab, amount: Amount, order: str, name: str) -> dict[str, Figure]:
    with server_and_clients(lab, amount, name) as (server, clients):
        for first in BEFORE[order]:
            ask(clients, first, amount.clients)
        cpu = cpu_ns(server.process.pid)
        outcome = ask(clients, order, amount.clients)
        cpu = cpu_ns(server.process.pid) - cpu
    return {"wall clock": Figure(amount.clients * NSEC / outcome["ns"], Unit.PER_S),
            "per CPU second": Figure(amount.clients * NSEC / cpu, Unit.PER_S)}


def measure_memory(lab: Lab, amount: Amount, _memory: str, name: str) -> dict[str, Figure]:
    with server_and_clients(lab, amount, name) as (server, clients):
        pid = server.process.pid
        before, kernel_before = resident(pid), kernel_memory()
        ask(clients, "allocate", amount.clients)
        allocated, kernel_allocated = resident(pid), kernel_memory()
        ask(clients, "bind", amount.clients)
        return {"allocation": each(allocated - before, amount.clients),
                "kernel socket": each(kernel_allocated - kernel_before, amount.clients),
                "channel": each(resident(pid) - allocated, amount.clients),
                **(flow_memory(server, amount) if isinstance(server, Turnpike) and server.variant.in_kernel else {})}


@contextlib.contextmanager
def server_and_clients(lab: Lab, amount: Amount, name: str) -> Iterator[tuple[Server, Tool]]:
    """Start both. The maps have room for exactly the flows of the clients, which gives the memory per flow."""
    ours = ["--max-flows", str(amount.flows), "--relay-ports", "4096-65535"]
    options = ["--min-port", "4096"] if name == COTURN else ours
    with (serving(lab, VARIANTS[name], server_cpus()[:1], options) as server,
          measured_crowd(lab, amount.clients, amount.peers) as clients):
        yield server, clients


def measured_crowd(lab: Lab, clients: int, peers: int) -> contextlib.AbstractContextManager[Tool]:
    """Clients and peers that have a CPU for themselves, unless there is only one."""
    return crowd(lab, clients, peers, "--cpu", last_cpu())


def ask(clients: Tool, order: str, expected: int) -> Any:
    """Let all clients do this. Failures and retransmissions would invalidate the times."""
    outcome = clients.ask(order, LONGEST)
    if outcome["done"] != expected or outcome["resent"]:
        raise proc.LabError(f"{order}: {outcome}; expected {expected} without retransmissions")
    return outcome


def each(total: float, number: int) -> Figure:
    return Figure(total / number, Unit.BYTES)


def flow_memory(server: Turnpike, amount: Amount) -> dict[str, Figure]:
    """Memory per flow, of the full map and of preallocated ones, which have their full size even when empty."""
    status = server.ask("status")
    if status["flows"] != amount.flows:
        raise proc.LabError(f"{status['flows']} flows are in the kernel instead of {amount.flows}")
    maps = {each["name"]: each for each in maps_of(server.process.pid)}
    return {f"{family} flow": each(maps[name]["bytes_memlock"], maps[name]["max_entries"])
            for name, family in (("flows4", "IPv4"), ("flows6", "IPv6"))
            if name == "flows4" or not maps[name]["flags"] & NO_PREALLOC}


def maps_of(pid: int) -> list[dict[str, Any]]:
    return [json.loads(proc.run(["bpftool", "-j", "map", "show", "id", str(number)]).stdout)
            for number in proc.bpf_objects(pid, "map_id")]


# The second packet of a channel.

def measure_second_packets(lab: Lab, amount: Amount, _second: str, name: str, direction: str) -> dict[str, Figure]:
    """Let the client or the peer send the first two packets."""
    with (serving(lab, VARIANTS[name], server_cpus()[:1]) as server,
          measured_crowd(lab, amount.firsts, amount.firsts) as clients):
        assert isinstance(server, Turnpike)
        ask(clients, "allocate", amount.firsts)
        outcome = ask(clients, f"second-{direction}", amount.firsts)
        in_kernel = server.verdicts(direction).get("relayed", 0)
    return {"in the kernel": Figure(in_kernel / amount.firsts, Unit.SHARE),
            "p50": Figure(outcome["p50_us"], Unit.US), "p99": Figure(outcome["p99_us"], Unit.US)}


# Mode changes.

def measure_switches(lab: Lab, amount: Amount, _switch: str, name: str) -> dict[str, Figure]:
    """Includes a change to the same mode, which shows the fixed cost."""
    figures: dict[str, Figure] = {}
    with (serving(lab, VARIANTS[name], server_cpus()) as server,
          measured_crowd(lab, amount.firsts, amount.firsts) as clients):
        assert isinstance(server, Turnpike)
        ask(clients, "allocate", amount.firsts)
        ask(clients, "bind", amount.firsts)
        for other in amount.modes:
            figures[f"to {other}"] = Figure(switch(server, other) * 1000, Unit.MS)
            switch(server, name)
        if (held := bindings(server.ask("status"))) != amount.firsts:
            raise proc.LabError(f"of {amount.firsts} bindings, {held} are left after the mode changes")
    return figures


def bindings(status: Mapping[str, Any]) -> int:
    """Those in the kernel, with a flow each way, and those that wait, for example for a mode that has a kernel path."""
    return int(status["flows"]) // 2 + sum(status["waiting"].values())


def switch(server: Turnpike, name: str) -> float:
    """Change the mode. Returns the seconds that it took."""
    variant = VARIANTS[name]
    start = time.monotonic()
    answer = server.order(command="mode", mode=variant.mode, moves=variant.moves or "auto")
    took = time.monotonic() - start
    server.variant = variant
    if complaints := ([answer["error"]] if "error" in answer else server.attach_complaints()):
        raise proc.LabError(f"{name}: {'; '.join(complaints)}")
    return took


SECTION = ControlPlane()

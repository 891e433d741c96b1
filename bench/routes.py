# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Changes of the host that concern no flow, as a routing daemon or a container engine makes them.

    routes/idle                the server's share of a CPU with many next hops and nothing to do
    routes/unrelated/RATE      the same while routes that cover none of them come and go, so many changes a second
    routes/default/RATE        the same while the default route does, which is none that packets take, but covers all
"""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import paths  # noqa: F401
from lab import proc, turn
from lab.crowd import FIRST_PEER, Hosts
from lab.endpoints import turn_client
from lab.relay import Turnpike
from network import NSEC
from section import Case, Extent, Figure, Scope, Unit
from servers import VARIANTS, cpu_ns, server_cpus, serving

NEXT_HOPS = {Extent.QUICK: 500, Extent.DEFAULT: 5000, Extent.FULL: 10000}
RATES = {Extent.QUICK: (100,), Extent.DEFAULT: (100, 1000), Extent.FULL: (100, 1000, 5000)}
SECONDS = 4
MODE = "native-head"
FIRST_CHANNEL = 0x4000


class Routes:
    name = "routes"
    title = "Changes of routes: which, how many a second"

    @contextlib.contextmanager
    def open(self, scope: Scope) -> Iterator[Sequence[Case]]:
        hops = NEXT_HOPS[scope.extent]
        with Hosts() as lab, many_next_hops(lab, hops) as server:
            def case(name: str, rate: int, route: Callable[[int], str]) -> Case:
                return Case(f"{self.name}/{name}", lambda: measure(lab, server, hops, rate, route))

            yield [case("idle", 0, unrelated),
                   *(case(f"unrelated/{rate}", rate, unrelated) for rate in RATES[scope.extent]),
                   *(case(f"default/{rate}", rate, default) for rate in RATES[scope.extent])]


@contextlib.contextmanager
def many_next_hops(lab: Hosts, count: int) -> Iterator[Turnpike]:
    """A server with a channel to each of so many peers, which need not exist."""
    options = ["--max-channels", str(count), "--max-permissions", str(count)]
    with serving(lab, VARIANTS[MODE], server_cpus()[:1], options) as server:
        assert isinstance(server, Turnpike)
        client = turn_client(lab, "client", 4, relayed=4)
        with client.socket:
            for number in range(count):
                client.bind(FIRST_CHANNEL + number, peer(number))
            yield server


def peer(number: int) -> turn.Address:
    first = int.from_bytes(bytes(map(int, FIRST_PEER.split("."))))
    return ".".join(map(str, (first + number).to_bytes(4))), 9000


def unrelated(number: int) -> str:
    return f"198.51.{number // 250 % 250}.{number % 250 + 1}"


def default(_number: int) -> str:
    return "default"


def measure(lab: Hosts, server: Turnpike, hops: int, rate: int,
            route: Callable[[int], str]) -> Mapping[str, Figure]:
    began, cpu = time.monotonic(), cpu_ns(server.process.pid)
    changes = change_routes(lab, rate, route) if rate else time.sleep(SECONDS) or 0
    took, cpu = time.monotonic() - began, cpu_ns(server.process.pid) - cpu
    if (flows := server.ask("status")["flows"]) != 2 * hops:
        raise proc.LabError(f"{flows} flows are in the kernel instead of {2 * hops}")
    return {"CPU": Figure(cpu / took / NSEC, Unit.SHARE), "changes": Figure(changes / took, Unit.PER_S)}


def change_routes(lab: Hosts, rate: int, route: Callable[[int], str]) -> int:
    """Let a single process add and delete routes for some seconds. Returns how many changes it was given."""
    far = lab.topology.far_ends()[0]
    assert far.place is not None
    argv = proc.in_namespace(lab.namespace("relay"), ["ip", "-force", "-batch", "-"])
    began, number = time.monotonic(), 0
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as ip:
        assert ip.stdin is not None
        while (now := time.monotonic() - began) < SECONDS:
            while number < now * rate:
                word = "del" if number % 2 else "add"
                ip.stdin.write(f"route {word} {route(number // 2)} via {far.place.address(4)} metric 4000\n")
                number += 1
            ip.stdin.flush()
            time.sleep(0.5 / rate)
    return number


SECTION = Routes()

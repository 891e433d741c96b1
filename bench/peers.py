# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Turnpike and coturn side by side, with the same clients and traffic.

    peers/SERVER/DIRECTION/FLOWS    IPv4, two NICs, 160 bytes of application data

    saturated  packets per second that arrive under overload
    no loss    the highest rate with a loss of at most one in a thousand, found by bisection
    CPU        CPU time of the machine per packet at that rate, without the generator

coturn gives the socket of an allocation a buffer of 64 KiB, which holds about 30 of the generator's packets: packets of
peers are lost whenever it does not run for a moment. Packets of clients have 2 MiB.

The generator has the last CPU, and servers have all others. The kernel processes a packet on the generator's CPU until
a process of the server receives it.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import paths  # noqa: F401
from lab import proc
from lab.relay import BY_NAME, REFERENCE, Server
from network import Meter, Network, Sample, sink_hook
from section import Case, Extent, Figure, Scope, Unit
from servers import COTURN, VARIANTS, server_cpus, serving
from traffic import FAMILIES
from userspace import with_peers

SIZE = 160
DIRECTIONS = ("to-peer", "to-client")
MAY_BE_LOST = 0.001
TRIES = 2          # at each rate, because a busy machine may stall
HIGHEST = 1.5      # times the saturated rate: where the bisection starts
OF_A_STEP = 0.5    # time of a step, as a share of a measurement's
PRECISION = 1.05   # factor at which the bisection ends
SLOWEST = 2000     # packets per second
CONFIRMING = 0.3   # seconds at this rate, in which all flows are confirmed
TOLERANCE = 0.001  # share of packets on the other path: the first ones


@dataclass(frozen=True)
class Competitor:
    """A server with its options, and for turnpike the mode in which it is measured."""

    variant: str
    options: Sequence[str] = ()


OURS = ("native-head", "native-tail", "generic-head", "tcx", "userspace")
UNCONFIRMED = "native-head-unconfirmed"
COMPETITORS = {name: Competitor(name, ("--confirm", "10")) for name in OURS} | {
    UNCONFIRMED: Competitor("native-head", ("--confirm", "off")),  # without confirmation by the host's stack
    COTURN: Competitor(COTURN),  # one thread per CPU
    "coturn-1-thread": Competitor(COTURN, ("--relay-threads", "1")),
    "coturn-4-threads": Competitor(COTURN, ("--relay-threads", "4")),
}


@dataclass(frozen=True)
class Amount:
    names: Sequence[str]
    directions: Sequence[str]
    flows: Sequence[int]


AMOUNTS = {
    Extent.QUICK: [Amount(("native-head", "userspace", COTURN), ("to-peer",), (1,))],
    Extent.DEFAULT: [Amount(("native-head", UNCONFIRMED, "generic-head", "tcx", "userspace", COTURN), DIRECTIONS, (1,)),
                     Amount(("native-head", "tcx", "userspace", COTURN), ("to-peer",), (100,))],
    Extent.FULL: [Amount(tuple(COMPETITORS), DIRECTIONS, (1,)), Amount(tuple(COMPETITORS), ("to-peer",), (100,))],
}


class Peers:
    name = "peers"
    title = "Side by side with coturn: server/direction/flows"

    @contextlib.contextmanager
    def open(self, scope: Scope) -> Iterator[Sequence[Case]]:
        with Network("two-nic") as network:
            def case(name: str, direction: str, flows: int) -> Case:
                return Case(f"{self.name}/{name}/{direction}/{flows}",
                            lambda: measure(network, COMPETITORS[name], direction, flows, scope.seconds))

            yield [case(name, direction, flows) for amount in AMOUNTS[scope.extent]
                   for direction, flows, name in product(amount.directions, amount.flows, amount.names)]


@contextlib.contextmanager
def relaying(network: Network, competitor: Competitor, direction: str, flows: int) -> Iterator[Meter]:
    """The server, its clients, and a meter for the load. Checks at the end that all packets took the path of the mode.

    The clients are set up in mode userspace, since native XDP needs the sink, and the sink needs the clients.
    """
    variant = VARIANTS[competitor.variant]
    start_as = variant if variant is REFERENCE else BY_NAME["userspace"]
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(serving(network, start_as, server_cpus(), competitor.options))
        stream = with_peers(network, FAMILIES["ipv4"], direction, SIZE, flows, stack)
        meter = stack.enter_context(Meter(network, stream, sink_hook(variant.mode)))
        if variant.in_kernel:
            server.change_mode(variant)
            meter.sample(CONFIRMING, SLOWEST)
        before = server.relayed()
        yield meter
        if server.tells_counts:
            check_path(server, before)


def saturated(network: Network, name: str, seconds: float) -> Sample:
    """One flow from a client to its peer, under overload."""
    with relaying(network, COMPETITORS[name], "to-peer", 1) as meter:
        return meter.sample(seconds)


def measure(network: Network, competitor: Competitor, direction: str, flows: int,
            seconds: float) -> Mapping[str, Figure]:
    with relaying(network, competitor, direction, flows) as meter:
        most = meter.sample(seconds)
        best = without_loss(meter, most, seconds)
    return {"saturated": Figure(most.packets_per_s, Unit.PACKETS_PER_S),
            "no loss": Figure(best.packets_per_s, Unit.PACKETS_PER_S),
            "CPU": Figure(best.work_ns, Unit.CPU_NS_PER_PACKET)}


def without_loss(meter: Meter, saturated: Sample, seconds: float) -> Sample:
    """The highest rate without loss. It may exceed the saturated rate, since overload can slow a server down."""
    if is_whole(saturated):
        return saturated
    high = saturated.packets_per_s * HIGHEST
    low, best = something_whole(meter, saturated.packets_per_s, seconds)
    while high / low > PRECISION:
        rate = math.sqrt(low * high)
        if whole := paced(meter, rate, seconds):
            low, best = rate, whole
        else:
            high = rate
    return best


def something_whole(meter: Meter, rate: float, seconds: float) -> tuple[float, Sample]:
    """Halve the rate until nothing is lost. Returns this rate and its sample."""
    while (rate := rate / 2) > SLOWEST:
        if whole := paced(meter, rate, seconds):
            return rate, whole
    raise proc.LabError(f"more than {MAY_BE_LOST:.1%} is lost even at {2 * rate:,.0f} packets per second")


def paced(meter: Meter, rate: float, seconds: float) -> Sample | None:
    samples = (meter.sample(seconds * OF_A_STEP, int(rate)) for _ in range(TRIES))
    return next(filter(is_whole, samples), None)


def is_whole(sample: Sample) -> bool:
    return sample.arrived >= sample.sent * (1 - MAY_BE_LOST)


def check_path(server: Server, before: tuple[int, int]) -> None:
    """Check that all packets took the path of the mode."""
    kernel, user_space = (now - then for now, then in zip(server.relayed(), before))
    wrong = user_space if server.variant.in_kernel else kernel
    if wrong > TOLERANCE * (kernel + user_space):
        raise proc.LabError(f"the kernel relayed {kernel} packets, and user space {user_space}")


SECTION = Peers()

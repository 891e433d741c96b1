# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Upper bounds: the rate of each hook with a program that only writes MAC addresses, and of Linux forwarding.

    bounds/TOPOLOGY/METHOD/FAMILY/SIZE/FLOWS

    xdp-native   bpf_redirect() with two NICs, XDP_TX with one; xdp-generic likewise
    devmap       native XDP with bpf_redirect_map(), which saves the device lookup
    tcx, clsact  bpf_redirect()
    forwarding   no program: Linux routes
    load         native XDP drops everything at the relay's device: the cost of generating and counting alone
    lines-N      xdp-native, which first visits N cache lines of the flow, each found by the one before: what a relay
                 that did nothing else would pay for the memory of its flows (bench/tools/lines.h)

Every flow has addresses and ports of its own, as many as those of section relay.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from frame import TTL, mac
from network import FarEnd, Meter, Network, Sample, Stream, bare_program, measure, sink_hook
from section import Case, Extent, Figure, Scope, Unit
from traffic import COUNTS, SIZES, unrelayed


@dataclass(frozen=True)
class Bare:
    """The program for each topology, and its hook."""

    hook: str
    programs: Mapping[str, str]
    lines: int = 0  # of each flow


XDP = {"one-nic": "xdp_reflect", "two-nic": "xdp_redirect"}
TC = dict.fromkeys(XDP, "tc_redirect")
METHODS = {"xdp-native": Bare("xdp-native", XDP), "devmap": Bare("xdp-native", {"two-nic": "xdp_devmap"}),
           "xdp-generic": Bare("xdp-generic", XDP), "tcx": Bare("tcx", TC), "clsact": Bare("clsact", TC)}
LINES = {f"lines-{n}": Bare("xdp-native", {"two-nic": "xdp_lines"}, n) for n in (1, 2, 3, 4, 6)}
FORWARDING, LOAD = "forwarding", "load"
BARE = METHODS | LINES
FAMILY = {"ipv4": 4, "ipv6": 6}
ALL_METHODS = (*METHODS, FORWARDING, LOAD)
MAIN = ("xdp-native", "tcx", FORWARDING)


def chosen(extent: Extent) -> Iterator[tuple[str, str, str, int, int]]:
    """Topology, method, family, size, flows."""
    if extent is Extent.FULL:
        yield from product(XDP, ALL_METHODS, FAMILY, SIZES, COUNTS)
        yield from product(("two-nic",), LINES, ("ipv4",), (160,), COUNTS)
        return
    yield from product(XDP, ALL_METHODS, ("ipv4",), (160,), (1,))
    if extent is Extent.QUICK:
        yield from product(("two-nic",), ("xdp-native", "lines-4"), ("ipv4",), (160,), (100_000,))
        return
    yield from product(("two-nic",), MAIN, ("ipv4",), (64, 1200), (1,))
    yield from product(("two-nic",), MAIN, ("ipv6",), (160,), (1,))
    yield from product(("two-nic",), (*MAIN, LOAD), ("ipv4",), (160,), COUNTS[1:])
    yield from product(("two-nic",), LINES, ("ipv4",), (160,), COUNTS)


def possible(topology: str, method: str) -> bool:
    return topology == "two-nic" if method == LOAD else method == FORWARDING or topology in BARE[method].programs


def figures(sample: Sample) -> dict[str, Figure]:
    return {"rate": Figure(sample.packets_per_s, Unit.PACKETS_PER_S),
            "CPU": Figure(sample.cpu_ns, Unit.CPU_NS_PER_PACKET),
            "delivered": Figure(sample.arrived / sample.sent, Unit.SHARE)}


def bare(network: Network, method: str, family: int, stream: Stream, seconds: float) -> Sample:
    there, it = network.peer, BARE[method]
    with (Meter(network, stream, sink_hook(it.hook)) as meter,
          bare_program(network.client.near, it.programs[network.name], it.hook, "--to", there.near.device,
                       "--family", family, "--macs", (mac(there.mac) + mac(there.near.mac)).hex(),
                       *table(it.lines, stream))):
        return meter.sample(seconds)


def table(lines: int, stream: Stream) -> Sequence[object]:
    """Options of the table for these flows, if the program has one."""
    if not lines:
        return ()
    assert stream.source and stream.source.bits is not None
    host, port = stream.sent.source
    return "--levels", lines, "--flows", stream.flows, "--first", f"{host}:{port}", "--bits", stream.source.bits


def forwarding(network: Network, stream: Stream, seconds: float) -> Sample:
    network.forward(True)
    try:
        return measure(network, replace(stream, expected=replace(stream.expected, ttl=TTL - 1)), "tcx", seconds)
    finally:
        network.forward(False)


def load_alone(network: Network, stream: Stream, seconds: float) -> Sample:
    """Put the sink at the relay's end of the cable."""
    near = network.client.near
    end = FarEnd(near.namespace, near.device, near.mac, network.topology.listen, near)
    return measure(network, replace(stream, receiver=end, expected=stream.sent), "xdp-native", seconds)


class Bounds:
    name = "bounds"
    title = "Bounds: a minimal program on each hook, Linux forwarding, and the load alone"

    @contextlib.contextmanager
    def open(self, scope: Scope) -> Iterator[Sequence[Case]]:
        with contextlib.ExitStack() as networks:
            known = {name: networks.enter_context(Network(name)) for name in XDP}
            yield [self._case(known[topology], *rest, scope.seconds)
                   for topology, *rest in chosen(scope.extent) if possible(topology, rest[0])]

    def _case(self, network: Network, method: str, family: str, size: int, flows: int, seconds: float) -> Case:
        stream = unrelayed(network, FAMILY[family], size, flows, TTL)
        others = {FORWARDING: forwarding, LOAD: load_alone}
        return Case(f"{self.name}/{network.name}/{method}/{family}/{size}/{flows}", lambda: figures(
            others[method](network, stream, seconds) if method in others
            else bare(network, method, FAMILY[family], stream, seconds)))


SECTION = Bounds()

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Relaying: packets a second and CPU time a packet, by every way that the relay has.

    relay/TOPOLOGY/VARIANT/DIRECTION/FAMILIES/SIZE/FLOWS

In the kernel, the flows are those of bindings without a TURN server (flows.py). In user space there is `turnpike serve`
with a client for each flow. Each measurement is checked: packets were relayed by the variant in question and nowhere
else, and what arrives is right in every byte.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import paths  # noqa: F401
import userspace
from bounds import FORWARDING, figures
from flows import Flows
from lab import proc
from lab.relay import BY_NAME, VARIANTS, Variant
from network import Meter, Network, Sample, measure, sink_hook
from section import Case, Extent, Figure, Scope
from traffic import DIRECTIONS, FAMILIES, SIZES, bindings

TOLERANCE = 0.001    # of what is relayed: the hosts say a word of their own now and then
BIG = 200_000        # flows: a million are a gigabyte of kernel and library, so there is one such relay at a time
KERNEL = tuple(variant.name for variant in VARIANTS if variant.in_kernel)
MAIN = ("native-head", "native-tail", "generic-head", "tcx", "clsact")
FOR_SIZES = ("native-head", "native-tail", "tcx")
FOR_FLOWS = ("native-head", "tcx")
COUNTS = (1, 1000, 100_000, 1_000_000)
USERSPACE = "userspace"


@dataclass(frozen=True)
class Way:
    """One thing to measure; its name says it all."""

    topology: str
    variant: str
    direction: str = "to-peer"
    families: str = "ipv4"
    size: int = 160
    flows: int = 1

    @property
    def name(self) -> str:
        return "/".join(("relay", self.topology, self.variant, self.direction, self.families, str(self.size),
                         str(self.flows)))

    @property
    def relay(self) -> tuple[str, str, bool, int]:
        """What ways have in common that one relay serves."""
        return self.topology, self.families, self.direction == "hairpin", self.flows


def ways(extent: Extent) -> list[Way]:
    return list(dict.fromkeys({Extent.QUICK: quick, Extent.DEFAULT: default, Extent.FULL: full}[extent]()))


def quick() -> Iterator[Way]:
    for variant in (*KERNEL, USERSPACE):
        yield Way("two-nic", variant)
    for direction, families in product(("to-client", "hairpin"), ("ipv4", "4to6")):
        yield Way("two-nic", "native-head", direction, families)
    yield Way("one-nic", "native-head")
    yield Way("one-nic", "tcx")
    yield Way("two-nic", "native-head", flows=100_000)


def default() -> Iterator[Way]:
    for topology, variant in product(("two-nic", "one-nic"), MAIN):
        yield Way(topology, variant)
    for direction, variant in product(("to-client", "hairpin"), MAIN):
        yield Way("two-nic", variant, direction)
    for families, variant in product(("ipv6", "4to6"), FOR_SIZES):
        yield Way("two-nic", variant, families=families)
    for size, variant in product((64, 1200), FOR_SIZES):
        yield Way("two-nic", variant, size=size)
    for flows, variant in product(COUNTS[1:], FOR_FLOWS):
        yield Way("two-nic", variant, flows=flows)
    for direction in DIRECTIONS:
        yield Way("two-nic", USERSPACE, direction)
    yield Way("two-nic", USERSPACE, flows=1000)


def full() -> Iterator[Way]:
    """In this order, all that one relay serves comes together."""
    for topology, families, flows in product(("two-nic", "one-nic"), FAMILIES, COUNTS):
        for direction, variant, size in product(DIRECTIONS, KERNEL, SIZES):
            yield Way(topology, variant, direction, families, size, flows)
    for topology, families, direction, size in product(("two-nic", "one-nic"), FAMILIES, DIRECTIONS, SIZES):
        yield Way(topology, USERSPACE, direction, families, size)
    for families in FAMILIES:
        yield Way("two-nic", USERSPACE, families=families, flows=1000)


def bound_of(name: str) -> str | None:
    """The case of bounds that a case of this section is held against."""
    section, *rest = name.split("/")
    if section != "relay":
        return None
    topology, variant, direction, families, size, _flows = rest
    hook = {"xdp-native": "xdp-native", "xdp-generic": "xdp-generic", "userspace": FORWARDING}.get(
        BY_NAME[variant].mode, BY_NAME[variant].hook)
    if direction == "hairpin":
        topology = "one-nic"  # back to where it came from
    return f"bounds/{topology}/{hook}/{'ipv6' if families == 'ipv6' else 'ipv4'}/{size}"


class Relays:
    """The relays of one network, each with flows of its own, made when they are needed; one at a time is attached."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self._relays: dict[tuple[str, bool, int], Flows] = {}
        self._attached: Flows | None = None

    def get(self, families: str, hairpins: bool, flows: int) -> Flows:
        key = families, hairpins, flows
        if key in self._relays and not self._relays[key].alive:
            self._forget(key)
        if key not in self._relays and flows > BIG:
            for big in [each for each in self._relays if each[2] > BIG]:
                self._forget(big)
        if key not in self._relays:
            self._relays[key] = Flows(self.network, bindings(FAMILIES[families], hairpins), flows)
        if self._attached not in (None, self._relays[key]):
            self.detach()
        self._attached = self._relays[key]
        return self._attached

    def detach(self) -> None:
        if self._attached and self._attached.alive:
            self._attached.detach()
        self._attached = None

    def _forget(self, key: tuple[str, bool, int]) -> None:
        relay = self._relays.pop(key)
        if self._attached is relay:
            self._attached = None
        relay.close()

    def close(self) -> None:
        for relay in self._relays.values():
            relay.close()


def in_kernel(relays: Relays, way: Way, seconds: float) -> Mapping[str, Figure]:
    variant = BY_NAME[way.variant]
    stream = DIRECTIONS[way.direction](relays.network, FAMILIES[way.families], way.size, way.flows)
    relay = relays.get(way.families, way.direction == "hairpin", way.flows)
    with Meter(relays.network, stream, sink_hook(variant.mode)) as meter:
        relay.become(variant)
        before = relay.counts(stream.sender.near.device)
        sample = meter.sample(seconds)
        relay.become(variant)  # still
        check(variant, way.direction, relay.counts(stream.sender.near.device) - before, sample)
    return figures(sample)


def check(variant: Variant, direction: str, counts: Counter[tuple[str, str]], sample: Sample) -> None:
    """All that arrived was relayed by this program, and it did nothing else."""
    relayed = counts.pop((direction, "relayed"), 0)
    if relayed < (1 - TOLERANCE) * sample.arrived:
        raise proc.LabError(f"{sample.arrived} packets arrived, and {variant.name} has relayed {relayed}")
    if counts.total() > TOLERANCE * relayed:
        raise proc.LabError(f"besides {relayed} relayed packets {variant.name} has counted {dict(counts)}")


def in_user_space(relays: Relays, way: Way, seconds: float) -> Mapping[str, Figure]:
    relays.detach()
    with userspace.relaying(relays.network, FAMILIES[way.families], way.direction, way.size,
                            way.flows) as (server, stream):
        sample = measure(relays.network, stream, sink_hook(USERSPACE), seconds)
        kernel, user_space = server.relayed()
    if kernel or user_space < (1 - TOLERANCE) * sample.arrived:
        raise proc.LabError(f"{sample.arrived} packets arrived; {kernel} were relayed in the kernel,"
                            f" {user_space} in user space")
    return figures(sample)


class Relaying:
    name = "relay"
    title = "Relaying: topology/variant/direction/families/bytes of application data/flows"

    @contextlib.contextmanager
    def open(self, scope: Scope) -> Iterator[Sequence[Case]]:
        chosen = ways(scope.extent)
        with contextlib.ExitStack() as stack:
            relays: dict[str, Relays] = {}
            for topology in dict.fromkeys(way.topology for way in chosen):
                relays[topology] = Relays(stack.enter_context(Network(topology)))
                stack.callback(relays[topology].close)
            yield [self._case(relays[way.topology], way, scope.seconds) for way in chosen]

    @staticmethod
    def _case(relays: Relays, way: Way, seconds: float) -> Case:
        measure_once = in_user_space if way.variant == USERSPACE else in_kernel
        return Case(way.name, lambda: measure_once(relays, way, seconds))


SECTION = Relaying()

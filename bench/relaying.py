# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Relaying: packets per second and CPU time per packet, in every mode of the relay.

    relay/TOPOLOGY/VARIANT/DIRECTION/FAMILIES/SIZE/FLOWS

Kernel modes are measured with bindings, without a TURN server (flows.py); user space with `turnpike serve` and a client
for each flow. Each measurement checks that only the variant in its name relayed the packets, and that every byte of an
arriving frame is right.
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
from flows import Flows, Relays
from lab import proc
from lab.relay import BY_NAME, VARIANTS, Variant
from network import Meter, Network, Sample, measure, sink_hook
from section import Case, Extent, Figure, Scope
from traffic import COUNTS, DIRECTIONS, FAMILIES, SIZES, bindings

TOLERANCE = 0.001    # share of packets; the hosts send a few of their own
BIG = 200_000        # flows: a million take a gigabyte, so one such relay exists at a time
KERNEL = tuple(variant.name for variant in VARIANTS if variant.in_kernel)
MAIN = ("native-head", "native-tail", "generic-head", "tcx", "clsact")
FOR_SIZES = ("native-head", "native-tail", "tcx")
FOR_FLOWS = ("native-head", "tcx")
USERSPACE = "userspace"


@dataclass(frozen=True)
class Setup:
    """One combination to measure."""

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
        """The key of the relay that serves this setup."""
        return self.topology, self.families, self.direction == "hairpin", self.flows


def setups(extent: Extent) -> list[Setup]:
    return list(dict.fromkeys({Extent.QUICK: quick, Extent.DEFAULT: default, Extent.FULL: full}[extent]()))


def quick() -> Iterator[Setup]:
    for variant in (*KERNEL, USERSPACE):
        yield Setup("two-nic", variant)
    for direction, families in product(("to-client", "hairpin"), ("ipv4", "4to6")):
        yield Setup("two-nic", "native-head", direction, families)
    yield Setup("one-nic", "native-head")
    yield Setup("one-nic", "tcx")
    yield Setup("two-nic", "native-head", flows=100_000)


def default() -> Iterator[Setup]:
    for topology, variant in product(("two-nic", "one-nic"), MAIN):
        yield Setup(topology, variant)
    for direction, variant in product(("to-client", "hairpin"), MAIN):
        yield Setup("two-nic", variant, direction)
    for families, variant in product(("ipv6", "4to6"), FOR_SIZES):
        yield Setup("two-nic", variant, families=families)
    for size, variant in product((64, 1200), FOR_SIZES):
        yield Setup("two-nic", variant, size=size)
    for flows, variant in product(COUNTS[1:], FOR_FLOWS):
        yield Setup("two-nic", variant, flows=flows)
    for direction in DIRECTIONS:
        yield Setup("two-nic", USERSPACE, direction)
    yield Setup("two-nic", USERSPACE, flows=1000)


def full() -> Iterator[Setup]:
    """The order groups the setups of each relay."""
    for topology, families, flows in product(("two-nic", "one-nic"), FAMILIES, COUNTS):
        for direction, variant, size in product(DIRECTIONS, KERNEL, SIZES):
            yield Setup(topology, variant, direction, families, size, flows)
    for topology, families, direction, size in product(("two-nic", "one-nic"), FAMILIES, DIRECTIONS, SIZES):
        yield Setup(topology, USERSPACE, direction, families, size)
    for families in FAMILIES:
        yield Setup("two-nic", USERSPACE, families=families, flows=1000)


def bound_of(name: str) -> str | None:
    """The case of section bounds with which a case of this section is compared."""
    section, *rest = name.split("/")
    if section != "relay":
        return None
    topology, variant, direction, families, size, flows = rest
    hook = {"xdp-native": "xdp-native", "xdp-generic": "xdp-generic", "userspace": FORWARDING}.get(
        BY_NAME[variant].mode, BY_NAME[variant].hook)
    if direction == "hairpin":
        topology = "one-nic"  # a hairpin leaves by the device it came from
    return f"bounds/{topology}/{hook}/{'ipv6' if families == 'ipv6' else 'ipv4'}/{size}/{flows}"


RelayKey = tuple[str, bool, int]  # families, hairpins, flows


def relay_of(key: RelayKey, network: Network) -> Flows:
    families, hairpins, flows = key
    return Flows(network, bindings(FAMILIES[families], hairpins), flows)


class NetworkRelays(Relays[RelayKey]):
    """The relays of one network, of which only one has more than BIG flows."""

    def __init__(self, network: Network) -> None:
        super().__init__(network, relay_of)

    def get(self, key: RelayKey) -> Flows:
        if key not in self.known() and key[2] > BIG:
            for big in [each for each in self.known() if each[2] > BIG]:
                self.forget(big)
        return super().get(key)


def in_kernel(relays: NetworkRelays, setup: Setup, seconds: float) -> Mapping[str, Figure]:
    variant = BY_NAME[setup.variant]
    stream = DIRECTIONS[setup.direction](relays.network, FAMILIES[setup.families], setup.size, setup.flows)
    relay = relays.get((setup.families, setup.direction == "hairpin", setup.flows))
    with Meter(relays.network, stream, sink_hook(variant.mode)) as meter:
        relay.become(variant)
        before = relay.counts(stream.sender.near.device)
        sample = meter.sample(seconds)
        relay.become(variant)  # fails unless the mode is still the same
        check(variant, setup.direction, relay.counts(stream.sender.near.device) - before, sample)
    return figures(sample)


def check(variant: Variant, direction: str, counts: Counter[tuple[str, str]], sample: Sample) -> None:
    """Check that this program relayed all packets that arrived, and counted no others."""
    relayed = counts.pop((direction, "relayed"), 0)
    if relayed < (1 - TOLERANCE) * sample.arrived:
        raise proc.LabError(f"{sample.arrived} packets arrived, but {variant.name} relayed {relayed}")
    if counts.total() > TOLERANCE * relayed:
        raise proc.LabError(f"{variant.name} relayed {relayed} packets, but also counted {dict(counts)}")


def in_user_space(relays: NetworkRelays, setup: Setup, seconds: float) -> Mapping[str, Figure]:
    relays.detach()
    with userspace.relaying(relays.network, FAMILIES[setup.families], setup.direction, setup.size,
                            setup.flows) as (server, stream):
        sample = measure(relays.network, stream, sink_hook(USERSPACE), seconds)
        kernel, user_space = server.relayed()
    if kernel or user_space < (1 - TOLERANCE) * sample.arrived:
        raise proc.LabError(f"{sample.arrived} packets arrived; the kernel relayed {kernel}, user space {user_space}")
    return figures(sample)


class Relaying:
    name = "relay"
    title = "Relaying: topology/variant/direction/families/bytes of application data/flows"

    @contextlib.contextmanager
    def open(self, scope: Scope) -> Iterator[Sequence[Case]]:
        chosen = setups(scope.extent)
        with contextlib.ExitStack() as stack:
            relays: dict[str, NetworkRelays] = {}
            for topology in dict.fromkeys(setup.topology for setup in chosen):
                relays[topology] = NetworkRelays(stack.enter_context(Network(topology)))
                stack.callback(relays[topology].close)
            yield [self._case(relays[setup.topology], setup, scope.seconds) for setup in chosen]

    @staticmethod
    def _case(relays: NetworkRelays, setup: Setup, seconds: float) -> Case:
        measure_once = in_user_space if setup.variant == USERSPACE else in_kernel
        return Case(setup.name, lambda: measure_once(relays, setup, seconds))


SECTION = Relaying()

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The time per packet in the program and in each of its stages, from the kernel's run-time statistics.

    stages/VARIANT/DIRECTION/FAMILIES/SIZE

Packets are made to leave the program at each stage: the difference to the previous stage is the cost of a stage. The
time of an empty program at the same hook, which is the cost of taking the time, is subtracted.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import paths  # noqa: F401
from flows import Flows
from frame import TCP
from lab import proc, turn
from lab.relay import BY_NAME
from network import OTHERS, PEERS, RELAYED_OTHERS, Network, Stream, bare_program, sink_hook
from runtime import ns_a_run, ns_of_empty, statistics
from section import Case, Extent, Figure, Scope, Unit
from traffic import CHANNEL, DIRECTIONS, FAMILIES, SIZES, Binding, bindings, data

SHARE = 0.99      # of packets that must end at the stage
OTHER_HOST = "02:00:00:00:00:99"
DISCARD = 9
LONGER = 2        # factor on scope.seconds / number of stages
Change = Callable[[Stream], Stream]


def sent(**changes: object) -> Change:
    return lambda stream: replace(stream, sent=replace(stream.sent, **changes))


def from_expired(stream: Stream) -> Stream:
    return replace(stream, source=OTHERS, sent=replace(stream.sent, source=OTHERS.nth(0, 4)))


def to_unused_port(stream: Stream) -> Stream:
    return sent(target=(stream.sent.target[0], DISCARD))(stream)


# By verdict, in the order of the program.
STAGES: dict[str, Change] = {
    "other-host": sent(to_mac=OTHER_HOST),
    "not-udp": sent(protocol=TCP),
    "not-ours": to_unused_port,
    "control": sent(payload=bytes(164)),
    "no-flow": sent(payload=turn.channel_data(CHANNEL + 1, data(160))),
    "expired": from_expired,
    "relayed": lambda stream: stream,
}
EXPIRED = Binding(OTHERS, 4, RELAYED_OTHERS, PEERS, 4)


@dataclass(frozen=True)
class Kind:
    variant: str
    direction: str = "to-peer"
    families: str = "ipv4"
    size: int = 160
    stages: Sequence[str] = ("relayed",)

    @property
    def name(self) -> str:
        return "/".join(("stages", self.variant, self.direction, self.families, str(self.size)))


VARIANTS = ("native-head", "native-tail", "generic-head", "tcx")
MAIN = ("native-head", "tcx")


def kinds(extent: Extent) -> Iterator[Kind]:
    for variant in MAIN if extent is Extent.QUICK else VARIANTS:
        yield Kind(variant, stages=tuple(STAGES))
    if extent is Extent.QUICK:
        return
    for variant in MAIN if extent is Extent.DEFAULT else VARIANTS:
        yield Kind(variant, "to-client")
        yield Kind(variant, families="ipv6")
        yield Kind(variant, families="4to6")
    for size in (size for size in SIZES if size != 160):
        yield Kind("native-tail", size=size)
    if extent is Extent.FULL:
        for variant in VARIANTS:
            yield Kind(variant, "to-client", "4to6")
            yield Kind(variant, "hairpin")


@contextlib.contextmanager
def far_ends_dropping(network: Network, hook: str) -> Iterator[None]:
    """Drop all frames at the far ends."""
    program = "xdp_drop" if hook == "xdp-native" else "tc_drop"
    with contextlib.ExitStack() as stack:
        for end in network.far_ends():
            stack.enter_context(bare_program(end, program, hook))
        yield


def measure(network: Network, relay: Flows, kind: Kind, seconds: float) -> Mapping[str, Figure]:
    variant = BY_NAME[kind.variant]
    stream = DIRECTIONS[kind.direction](network, FAMILIES[kind.families], kind.size, 1)
    each = LONGER * seconds / (len(kind.stages) + 1)
    figures = {}
    with statistics(), far_ends_dropping(network, sink_hook(variant.mode)):
        relay.detach()
        nothing = ns_of_empty(network, variant, stream, each)
        relay.become(variant)
        for stage in kind.stages:
            figures[stage] = ns_at(network, relay, stage, STAGES[stage](stream), each) - nothing
        relay.detach()
    return {"empty": Figure(nothing, Unit.NS_PER_PACKET),
            **{stage: Figure(value, Unit.NS_PER_PACKET) for stage, value in figures.items()}}


def ns_at(network: Network, relay: Flows, stage: str, stream: Stream, seconds: float) -> float:
    device = stream.sender.near.device
    before = relay.counts(device)
    result = ns_a_run(network, relay.program(device), stream, seconds)
    counts = relay.counts(device) - before
    there = sum(packets for (_direction, verdict), packets in counts.items() if verdict == stage)
    if there < SHARE * counts.total():
        raise proc.LabError(f"packets for stage '{stage}' were counted as {dict(counts)}")
    return result


class Stages:
    name = "stages"
    title = "Inside the program: ns per packet that ends at each stage, minus the time of an empty program"

    @contextlib.contextmanager
    def open(self, scope: Scope) -> Iterator[Sequence[Case]]:
        chosen = list(kinds(scope.extent))
        with Network("two-nic") as network, contextlib.ExitStack() as relays:
            def relay(families: str, hairpins: bool) -> Flows:
                flows = Flows(network, bindings(FAMILIES[families], hairpins), 1)
                relays.callback(flows.close)
                if (families, hairpins) == ("ipv4", False):
                    flows.bind(EXPIRED, 1, lifetime=0)
                return flows

            known = {key: relay(*key) for key in dict.fromkeys((kind.families, kind.direction == "hairpin")
                                                               for kind in chosen)}
            yield [self._case(network, known[kind.families, kind.direction == "hairpin"], kind, scope)
                   for kind in chosen]

    @staticmethod
    def _case(network: Network, relay: Flows, kind: Kind, scope: Scope) -> Case:
        return Case(kind.name, lambda: measure(network, relay, kind, scope.seconds))


SECTION = Stages()

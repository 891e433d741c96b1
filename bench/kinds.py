# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What packets that are not the usual ones cost, compared to the usual packet of the same mode.

    kinds/VARIANT/KIND

    rate     packets per second that arrive under overload, as in section relay
    program  time in the program, from the kernel's run-time statistics, minus that of an empty program

The usual packet is ChannelData from a client to its peer: IPv4, 160 bytes of application data, two NICs. Most others
take the slow path of the programs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product

import indications
from flows import Flows, Relays
from lab import proc
from lab.relay import BY_NAME
from lab.vlan import has_vlan_devices
from network import Meter, Network, Stream, sink_hook
from relaying import KERNEL, check
from runtime import ns_a_run, ns_of_empty, statistics
from section import Case, Extent, Figure, Scope, Unavailable, Unit
from traffic import CHANNEL, DIRECTIONS, FAMILIES, Families, bindings, channel_data
from vlan import VlanNetwork, tagged

USUAL = "usual"
SIZE = 160
PADDED = 157  # bytes, which need as many bytes of padding as there can be
INDICATIONS = 0
SIX_TO_FOUR = Families("6to4", 6, 4)


@dataclass(frozen=True)
class Relay:
    """What the relay is told of the flow."""

    families: Families = FAMILIES["ipv4"]
    hairpins: bool = False
    channel: int = CHANNEL
    limits: int = 0  # levels of policers

    def flows(self, network: Network) -> Flows:
        return Flows(network, [replace(each, channel=self.channel, limits=self.limits)
                               for each in bindings(self.families, self.hairpins)], 1)


def unchanged(stream: Stream, _size: int) -> Stream:
    return stream


def padded(stream: Stream, size: int) -> Stream:
    return indications.with_payload(stream, channel_data(size) + bytes(-size % 4))


def without_checksum(stream: Stream, _size: int) -> Stream:
    return replace(stream, sent=replace(stream.sent, has_checksum=False),
                   expected=replace(stream.expected, has_checksum=False))


def gets_checksum(stream: Stream, _size: int) -> Stream:
    """RFC 7915 section 4.5: IPv6 needs one."""
    return replace(stream, sent=replace(stream.sent, has_checksum=False))


@dataclass(frozen=True)
class Kind:
    """A kind of packet: its flow, and its difference to the usual stream."""

    relay: Relay = Relay()
    direction: str = "to-peer"
    size: int = SIZE
    change: Callable[[Stream, int], Stream] = unchanged
    on_vlan: bool = False

    def stream(self, network: Network) -> Stream:
        return self.change(DIRECTIONS[self.direction](network, self.relay.families, self.size, 1), self.size)


PAIR = Relay(channel=INDICATIONS)
KINDS = {
    USUAL: Kind(),
    "usual-to-client": Kind(direction="to-client"),
    "policed-1": Kind(Relay(limits=1)),
    "policed-3": Kind(Relay(limits=3)),  # allocation, its user's bytes, server
    "padded": Kind(size=PADDED, change=padded),
    "send-firefox": Kind(PAIR, change=indications.sent_by(indications.firefox)),
    "send-coturn": Kind(PAIR, change=indications.sent_by(indications.coturn)),
    "data-indication": Kind(PAIR, "to-client", change=indications.received),
    "data-indication-padded": Kind(PAIR, "to-client", PADDED, indications.received),
    "zero-checksum": Kind(direction="to-client", change=without_checksum),
    "zero-checksum-to-ipv6": Kind(Relay(SIX_TO_FOUR), "to-client", change=gets_checksum),
    "hairpin": Kind(Relay(hairpins=True), "hairpin"),
    "hairpin-indications": Kind(Relay(hairpins=True, channel=INDICATIONS), "hairpin",
                                change=indications.sent_and_received),
    "vlan": Kind(change=tagged, on_vlan=True),
}
QUICK = (USUAL, "policed-3", "send-firefox", "data-indication-padded")
VARIANTS = {Extent.QUICK: ("native-head",), Extent.DEFAULT: ("native-head", "native-tail", "tcx"), Extent.FULL: KERNEL}


def usual_of(name: str) -> str | None:
    """The case with which a case of this section is compared."""
    section, *rest = name.split("/")
    return f"kinds/{rest[0]}/{USUAL}" if section == "kinds" and rest[1] != USUAL else None


def measure(relays: Relays[Relay] | None, variant_name: str, kind: Kind, seconds: float) -> Mapping[str, Figure]:
    if relays is None:
        raise Unavailable("this kernel has no VLAN devices (8021q)")
    variant, network, relay = BY_NAME[variant_name], relays.network, relays.get(kind.relay)
    stream = kind.stream(network)
    device = stream.sender.near.device
    with Meter(network, stream, sink_hook(variant.mode)) as meter:
        relay.detach()
        with statistics():
            nothing = ns_of_empty(network, variant, stream, seconds)
        relay.become(variant)
        before, full = relay.counts(device), relay.policers_full()
        sample = meter.sample(seconds)
        with statistics():
            ns = ns_a_run(network, relay.program(device), stream, seconds)
        relay.become(variant)  # fails unless the mode is still the same
        check(variant, kind.direction, relay.counts(device) - before, sample)
        check_charged(full, relay.policers_full())
    return {"rate": Figure(sample.packets_per_s, Unit.PACKETS_PER_S),
            "program": Figure(ns - nothing, Unit.NS_PER_PACKET)}


def check_charged(before: Sequence[int], after: Sequence[int]) -> None:
    if not all(then < now for then, now in zip(before, after)):
        raise proc.LabError("the packets were not charged to all policers")


class Kinds:
    name = "kinds"
    title = "Kinds of packets, compared to the usual one of the same mode: variant/kind"

    @contextlib.contextmanager
    def open(self, scope: Scope) -> Iterator[Sequence[Case]]:
        chosen = QUICK if scope.extent is Extent.QUICK else KINDS
        with contextlib.ExitStack() as stack:
            def on(network: Network) -> Relays[Relay]:
                stack.enter_context(network)
                return stack.enter_context(contextlib.closing(Relays(network, Relay.flows)))

            plain, vlan = on(Network("two-nic")), on(VlanNetwork("two-nic")) if has_vlan_devices() else None

            def case(variant: str, name: str) -> Case:
                kind = KINDS[name]
                relays = vlan if kind.on_vlan else plain
                return Case(f"{self.name}/{variant}/{name}", partial(measure, relays, variant, kind, scope.seconds))

            yield [case(variant, name) for variant, name in product(VARIANTS[scope.extent], chosen)]


SECTION = Kinds()

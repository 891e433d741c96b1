# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Performance targets: mostly ratios of two figures of one run."""

from __future__ import annotations

import operator
from dataclasses import dataclass

from results import Results, Summary

BARE, RELAY = "bounds/two-nic", "relay/two-nic"
ONE = "to-peer/ipv4/160/1"


@dataclass(frozen=True)
class Limit:
    sign: str
    value: float

    def holds(self, value: float) -> bool:
        return {"≥": operator.ge, "≤": operator.le}[self.sign](value, self.value)


def at_least(value: float) -> Limit:
    return Limit("≥", value)


def at_most(value: float) -> Limit:
    return Limit("≤", value)


@dataclass(frozen=True)
class Of:
    """One figure of one case."""

    case: str
    figure: str = "rate"


@dataclass(frozen=True)
class Target:
    text: str
    limit: Limit
    above: Of
    below: Of | None = None  # None: the figure itself is limited

    def measured(self, results: Results) -> Summary | None:
        above = results.series(self.above.case, self.above.figure)
        if self.below is None:
            return above.summary if above else None
        return results.ratio(above, results.series(self.below.case, self.below.figure))

    def verdict(self, measured: Summary | None) -> str:
        if measured is None:
            return "not measured"
        verdict = "met" if self.limit.holds(measured.median) else "missed"
        certain = self.limit.holds(measured.low) == self.limit.holds(measured.high)
        return verdict if certain else f"{verdict}, within noise"


def flows(variant: str, count: int, limit: float) -> Target:
    """The cost of a packet is the inverse of the rate."""
    hook = {"native-head": "xdp-native"}.get(variant, variant)
    return Target(f"{variant}, {count:,} flows: cost of a packet, compared to the bare program with as many addresses",
                  at_most(limit), Of(f"{BARE}/{hook}/ipv4/160/{count}"),
                  Of(f"{RELAY}/{variant}/to-peer/ipv4/160/{count}"))


def against_coturn(server: str, figure: str, limit: float) -> Target:
    return Target(f"{server}, {figure}, compared to coturn", at_least(limit),
                  Of(f"peers/{server}/to-peer/1", figure), Of("peers/coturn/to-peer/1", figure))


def kind(name: str, variant: str, limit: float) -> Target:
    return Target(f"{variant}: packets of kind {name}, compared to usual ones", at_least(limit),
                  Of(f"kinds/{variant}/{name}"), Of(f"kinds/{variant}/usual"))


def over(transport: str, direction: str, turn: int) -> Target:
    """Packets relayed in user space per second of the server's CPU time."""
    load = f"{transport}/{direction}/100/{turn}/saturated"
    return Target(f"userspace, {transport}, {direction}, turns of {turn}, per CPU second, compared to coturn",
                  at_least(2), Of(f"transports/userspace/{load}", "per CPU second"),
                  Of(f"transports/coturn/{load}", "per CPU second"))


def round_trip(other: str, limit: float) -> Target:
    return Target(f"native-head, p99 of the round trip, compared to {other}", at_most(limit),
                  Of("latency/native-head/20000", "p99"), Of(f"latency/{other}/20000", "p99"))


def control(case: str, figure: str, limit: Limit) -> Target:
    return Target(f"{case}, {figure}", limit, Of(f"control/{case}", figure))


TARGETS = (
    Target("native-head, compared to the bare XDP redirect", at_least(0.75),
           Of(f"{RELAY}/native-head/{ONE}"), Of(f"{BARE}/xdp-native/ipv4/160/1")),
    Target("native-head on one NIC, compared to the bare XDP_TX", at_least(0.75),
           Of(f"relay/one-nic/native-head/{ONE}"), Of("bounds/one-nic/xdp-native/ipv4/160/1")),
    Target("native-tail, compared to the bare XDP redirect", at_least(0.55),
           Of(f"{RELAY}/native-tail/{ONE}"), Of(f"{BARE}/xdp-native/ipv4/160/1")),
    Target("native-tail on one NIC, compared to the bare XDP_TX", at_least(0.55),
           Of(f"relay/one-nic/native-tail/{ONE}"), Of("bounds/one-nic/xdp-native/ipv4/160/1")),
    Target("tcx, compared to the bare TC redirect", at_least(0.75),
           Of(f"{RELAY}/tcx/{ONE}"), Of(f"{BARE}/tcx/ipv4/160/1")),
    Target("clsact, compared to the bare TC redirect", at_least(0.75),
           Of(f"{RELAY}/clsact/{ONE}"), Of(f"{BARE}/clsact/ipv4/160/1")),
    Target("native-head, compared to Linux forwarding", at_least(2),
           Of(f"{RELAY}/native-head/{ONE}"), Of(f"{BARE}/forwarding/ipv4/160/1")),
    Target("tcx, compared to Linux forwarding", at_least(1),
           Of(f"{RELAY}/tcx/{ONE}"), Of(f"{BARE}/forwarding/ipv4/160/1")),
    flows("native-head", 100_000, 1.5),
    flows("native-head", 1_000_000, 2),
    flows("tcx", 100_000, 1.5),
    flows("tcx", 1_000_000, 2),
    *(kind("policed-3", variant, 0.95) for variant in ("native-head", "tcx")),
    *(kind(name, variant, 0.85) for name in ("padded", "vlan", "hairpin", "zero-checksum")
      for variant in ("native-head", "tcx")),
    against_coturn("native-head", "saturated", 15),
    against_coturn("tcx", "saturated", 6),
    against_coturn("native-head", "no loss", 25),
    against_coturn("userspace", "saturated", 2),
    against_coturn("userspace", "no loss", 2),
    Target("native-head, compared to the same without confirmation", at_least(0.98),
           Of("peers/native-head/to-peer/1", "saturated"), Of("peers/native-head-unconfirmed/to-peer/1", "saturated")),
    *(over(transport, direction, turn) for transport in ("udp", "tcp", "tls", "dtls")
      for direction in ("to-peer", "to-client") for turn in (1, 8)),
    Target("round trip (p50) beside a flood of 900,000 packets a second, µs", at_most(500),
           Of("flood/userspace/900000", "p50")),
    Target("likewise, lost", at_most(0), Of("flood/userspace/900000", "lost")),
    round_trip("coturn", 0.5),
    round_trip("forwarding", 1),
    control("allocate/native-head", "per CPU second", at_least(20_000)),
    control("memory/native-head", "allocation", at_most(4096)),
    control("memory/native-head", "IPv4 flow", at_most(256)),
    control("memory/native-head", "IPv6 flow", at_most(256)),
    *(control(f"second-packet/{variant}/{direction}", "in the kernel", at_least(1))
      for variant in ("native-head", "tcx") for direction in ("to-peer", "to-client")),
    Target("share of a CPU, 100 unrelated routes a second, 5,000 next hops", at_most(0.05),
           Of("routes/unrelated/100", "CPU")),
)

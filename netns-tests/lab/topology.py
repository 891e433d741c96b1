# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The networks of the lab, as data.

    router      client ----- router ----- relay        a cloud machine with one NIC behind a router
                               |
                             peer

    two-nic     client ----- relay ----- peer          a relay between two networks, without IP forwarding

    segment     client ----- switch ----- relay        one LAN without a router
                               |
                             peer

Every link is a veth pair and has an IPv4 and an IPv6 network.
"""

from __future__ import annotations

from dataclasses import dataclass, field

FAMILIES = (4, 6)


@dataclass(frozen=True)
class Place:
    """A host on a network. It determines the addresses of both families."""

    network: int
    host: int

    def address(self, family: int) -> str:
        return f"10.77.{self.network}.{self.host}" if family == 4 else f"fd77:0:0:{self.network}::{self.host}"

    def with_prefix(self, family: int) -> str:
        return f"{self.address(family)}/{24 if family == 4 else 64}"


@dataclass(frozen=True)
class End:
    """One end of a veth pair. Without a place it is a bridge port."""

    role: str
    device: str
    place: Place | None = None


@dataclass(frozen=True)
class Topology:
    links: tuple[tuple[End, End], ...]
    listen: Place
    relayed: Place
    gateways: dict[str, Place] = field(default_factory=dict)
    router: str | None = None
    switch: str | None = None

    def roles(self) -> list[str]:
        return list(dict.fromkeys(end.role for link in self.links for end in link))

    def ends(self, role: str) -> list[End]:
        return [end for link in self.links for end in link if end.role == role]

    def far_ends(self) -> list[End]:
        """The other ends of the relay's cables."""
        return [b if a.role == "relay" else a for a, b in self.links if "relay" in (a.role, b.role)]


CLIENT, RELAY, PEER = Place(1, 2), Place(2, 2), Place(3, 2)
TOPOLOGIES = {
    "router": Topology(
        links=((End("client", "nic0", CLIENT), End("router", "to-client", Place(1, 1))),
               (End("relay", "nic0", RELAY), End("router", "to-relay", Place(2, 1))),
               (End("peer", "nic0", PEER), End("router", "to-peer", Place(3, 1)))),
        listen=RELAY, relayed=RELAY, router="router",
        gateways={"client": Place(1, 1), "relay": Place(2, 1), "peer": Place(3, 1)}),
    "two-nic": Topology(
        links=((End("client", "nic0", CLIENT), End("relay", "nic0", Place(1, 1))),
               (End("peer", "nic0", PEER), End("relay", "nic1", Place(3, 1)))),
        listen=Place(1, 1), relayed=Place(3, 1),
        gateways={"client": Place(1, 1), "peer": Place(3, 1)}),  # packets that the relay routed would be noticed
    "segment": Topology(
        links=((End("client", "nic0", CLIENT), End("switch", "to-client")),
               (End("relay", "nic0", Place(1, 3)), End("switch", "to-relay")),
               (End("peer", "nic0", Place(1, 4)), End("switch", "to-peer"))),
        listen=Place(1, 3), relayed=Place(1, 3), switch="switch"),
}

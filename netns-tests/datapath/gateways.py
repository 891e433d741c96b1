# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A relay with three gateways, and captures that show which of them it uses.

                            +-- gate0 --+
    client --+              |           |
             +-- router ----+-- gate1 --+-- switch -- nic0 -- relay
    peer   --+              |                                   |
                            +-- gate2 ------------------- nic1 -+

gate0 is the relay's default gateway. The router sends to the relay through gate1, so that packets still reach the relay
when gate0 or gate2 fails. The relay listens on one address of nic0 and relays from another.
"""

from __future__ import annotations

import itertools
import json
import socket
import struct
from pathlib import Path

from lab.endpoints import SOCKET_FAMILY
from lab.lab import Lab
from lab.topology import CLIENT, FAMILIES, PEER, End, Place, Topology
from lab.wire import BUFFER, ETH_P_ALL, SO_RCVBUFFORCE

LISTEN, RELAYED = Place(2, 2), Place(2, 3)
GATES = (Place(2, 1), Place(2, 254), Place(4, 1))
TOPOLOGY = Topology(
    links=((End("client", "nic0", CLIENT), End("router", "to-client", Place(1, 1))),
           (End("peer", "nic0", PEER), End("router", "to-peer", Place(3, 1))),
           (End("relay", "nic0", LISTEN), End("switch", "to-relay")),
           (End("router", "gate0", GATES[0]), End("switch", "to-gate0")),
           (End("router", "gate1", GATES[1]), End("switch", "to-gate1")),
           (End("relay", "nic1", Place(4, 2)), End("router", "gate2", GATES[2]))),
    listen=LISTEN, relayed=RELAYED, router="router", switch="switch",
    gateways={"client": Place(1, 1), "peer": Place(3, 1), "relay": GATES[0]})

# The kernel detects a dead neighbour in seconds: entries expire early, and few probes follow.
TIMERS = {"base_reachable_time_ms": 2000, "delay_first_probe_time": 1, "retrans_time_ms": 200, "ucast_solicit": 2,
          "gc_stale_time": 3}
ETHERTYPES = {0x0800: 4, 0x86DD: 6}
UDP = 17


def sysctl(lab: Lab, role: str, name: str, value: int) -> None:
    with lab.entered(role):
        Path("/proc/sys/net", name).write_text(str(value))


def prepare(lab: Lab) -> None:
    """Set up what a topology cannot express: timers, the second address, and the routes to it."""
    for role in ("router", "relay"):
        for path in ("ipv4/conf/all/rp_filter", "ipv4/conf/default/rp_filter"):
            sysctl(lab, role, path, 0)
    for device in ("gate0", "gate1"):  # each answers ARP for its own address only
        sysctl(lab, "router", f"ipv4/conf/{device}/arp_ignore", 1)
        sysctl(lab, "router", f"ipv4/conf/{device}/rp_filter", 0)
    for device in ("nic0", "nic1"):
        sysctl(lab, "relay", f"ipv4/conf/{device}/rp_filter", 0)
        sysctl(lab, "relay", f"ipv6/conf/{device}/keep_addr_on_down", 1)
        sysctl(lab, "relay", f"ipv4/neigh/{device}/locktime", 0)
        for protocol, (name, value) in itertools.product(("ipv4", "ipv6"), TIMERS.items()):
            sysctl(lab, "relay", f"{protocol}/neigh/{device}/{name}", value)
    for family in FAMILIES:
        lab.run("relay", ["ip", "addr", "add", RELAYED.with_prefix(family), "dev", "nic0",
                          *(["nodad"] if family == 6 else [])])
        for place in (LISTEN, RELAYED):
            lab.run("router", ["ip", "route", "add", place.address(family), "dev", "gate1"])


def neighbour(lab: Lab, place: Place, family: int, device: str = "nic0") -> tuple[str, str]:
    """The state and the MAC address of an entry of the relay's neighbour table; ("NONE", "") if there is no entry."""
    entries = json.loads(lab.run("relay", ["ip", "-json", f"-{family}", "neigh", "show", "dev", device]).stdout)
    for entry in entries:
        if entry["dst"] == place.address(family):
            return entry["state"][0], entry.get("lladdr", "")
    return "NONE", ""


class Capture:
    """The UDP packets that reach a device of the router."""

    def __init__(self, lab: Lab, device: str) -> None:
        with lab.entered("router"):
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self._socket.bind((device, ETH_P_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
        self._socket.setblocking(False)

    def __enter__(self) -> Capture:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def drain(self) -> list[tuple[str, str]]:
        """The destination's MAC address and the source's IP address of each packet since the last call."""
        seen: list[tuple[str, str]] = []
        while True:
            try:
                frame, (_device, _protocol, kind, *_rest) = self._socket.recvfrom(128)
            except BlockingIOError:
                return seen
            family = ETHERTYPES.get(struct.unpack_from("!H", frame, 12)[0])
            if kind == socket.PACKET_OUTGOING or family is None:
                continue
            source = frame[26:30] if family == 4 else frame[22:38]
            if frame[23 if family == 4 else 20] == UDP:
                seen.append((frame[:6].hex(":"), socket.inet_ntop(SOCKET_FAMILY[family], source)))

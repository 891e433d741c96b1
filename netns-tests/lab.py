# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The lab: three small networks, each made of namespaces of its own and gone afterwards.

    router      client ----- router ----- relay        a cloud machine: one NIC, everything behind one router
                               |
                             peer

    two-nic     client ----- relay ----- peer          a relay between two networks, which does not route itself

    segment     client ----- switch ----- relay        one LAN: three MAC addresses, no router
                               |
                             peer

Every link is a veth pair and has an IPv4 and an IPv6 network. With offload on (as veth comes) what a local stack
sends carries only the start of a checksum; with offload off all checksums are complete, as from a real wire. Relays
must cope with both, so both are tested. Neighbours are found by ARP and ND, as in real life.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import proc

HERE = Path(__file__).resolve().parent
FAMILIES = (4, 6)


@dataclass(frozen=True)
class Place:
    """A host on a network; the addresses of both families follow from it."""

    network: int
    host: int

    def address(self, family: int) -> str:
        return f"10.77.{self.network}.{self.host}" if family == 4 else f"fd77:0:0:{self.network}::{self.host}"

    def with_prefix(self, family: int) -> str:
        return f"{self.address(family)}/{24 if family == 4 else 64}"


@dataclass(frozen=True)
class End:
    """One end of a veth pair; without a place it is a port of a bridge."""

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
        gateways={"client": Place(1, 1), "peer": Place(3, 1)}),  # which shows that it does not route
    "segment": Topology(
        links=((End("client", "nic0", CLIENT), End("switch", "to-client")),
               (End("relay", "nic0", Place(1, 3)), End("switch", "to-relay")),
               (End("peer", "nic0", Place(1, 4)), End("switch", "to-peer"))),
        listen=Place(1, 3), relayed=Place(1, 3), switch="switch"),
}


class Lab(proc.Undone):
    """with Lab("router", offload=True) as lab: ...; a test may bring a topology of its own."""

    def __init__(self, topology: str | Topology, offload: bool, queues: int = 1) -> None:
        super().__init__()
        self.topology = TOPOLOGIES[topology] if isinstance(topology, str) else topology
        self.offload = offload
        self._queues = queues  # of every device, each way
        self._prefix = f"tp{secrets.token_hex(4)}"
        self._started: list[proc.Process] = []

    def _set_up(self) -> None:
        self.scratch = Path(self._undo.enter_context(tempfile.TemporaryDirectory(prefix="turnpike-lab-")))
        self._make_namespaces()
        self._make_links()
        self._attach_pass_programs()
        self._wait_until_usable()
        self._undo.callback(self.stop_processes)  # the first thing to happen at the end

    # What a test asks.

    def namespace(self, role: str) -> str:
        return f"{self._prefix}-{role}"

    def devices(self, role: str) -> list[str]:
        return [end.device for end in self.topology.ends(role)]

    def address(self, role: str, family: int) -> str:
        """The client's or the peer's address."""
        place = self.topology.ends(role)[0].place
        assert place is not None
        return place.address(family)

    def entered(self, role: str) -> AbstractContextManager[None]:
        return proc.entered(self.namespace(role))

    def run(self, role: str, argv: Sequence[str], *, check: bool = True, timeout: float = 30,
            stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        return proc.run(proc.in_namespace(self.namespace(role), argv), check=check, timeout=timeout, stdin=stdin)

    def start(self, role: str, argv: Sequence[str], pass_fds: Sequence[int] = ()) -> proc.Process:
        """A process that ends with the lab at the latest."""
        log = self.scratch / f"{len(self._started)}-{Path(argv[0]).name}.log"
        self._started.append(proc.Process(proc.in_namespace(self.namespace(role), argv), log, pass_fds))
        return self._started[-1]

    def udp_errors(self, role: str) -> dict[str, int]:
        """What the UDP stack of a namespace has thrown away so far, both families together."""
        return self.counts(role, "Udp", "InErrors", "InCsumErrors")

    def counts(self, role: str, protocol: str, *wanted: str) -> dict[str, int]:
        """What the stack of a namespace has counted so far of "Udp" or "Icmp", both families together."""
        with self.entered(role):
            names, values = [line.split()[1:] for line in Path("/proc/thread-self/net/snmp").read_text().splitlines()
                             if line.startswith(f"{protocol}:")]
            v4 = dict(zip(names, values))
            v6 = dict(line.split() for line in Path("/proc/thread-self/net/snmp6").read_text().splitlines())
        return {name: int(v4[name]) + int(v6[f"{protocol}6{name}"]) for name in wanted}

    # How it is built.

    def _ip(self, role: str, commands: Sequence[str]) -> None:
        self.run(role, ["ip", "-batch", "-"], stdin="\n".join(commands) + "\n")

    def _make_namespaces(self) -> None:
        for role in self.topology.roles():
            name = self.namespace(role)
            self._undo.callback(proc.run, ["ip", "netns", "del", name], check=False)
            proc.run(["ip", "netns", "add", name])
            forward = "1" if role == self.topology.router else "0"
            with self.entered(role):
                for path, value in (("ipv6/conf/default/accept_dad", "0"), ("ipv6/conf/default/accept_ra", "0"),
                                    ("ipv4/ip_forward", forward), ("ipv6/conf/all/forwarding", forward)):
                    Path("/proc/sys/net", path).write_text(value)
            self._ip(role, ["link set lo up"])

    def _make_links(self) -> None:
        for a, b in self.topology.links:
            self._make_pair(a, b)
        if self.topology.switch:
            # A snooping bridge with no querier may forget who listens to neighbour solicitations.
            # Nor may it look into packets, as it does for iptables where br_netfilter is built in.
            with self.entered(self.topology.switch):
                for path in Path("/proc/sys/net/bridge").glob("bridge-nf-call-*"):
                    path.write_text("0")
            self._ip(self.topology.switch, ["link add br0 type bridge stp_state 0 mcast_snooping 0", "link set br0 up"])
        for end in (end for link in self.topology.links for end in link):
            self._set_up_end(end)
        for role in self.topology.gateways:
            self._add_routes(role)

    def _make_pair(self, a: End, b: End) -> None:
        queues = ["numtxqueues", str(self._queues), "numrxqueues", str(self._queues)]
        proc.run(["ip", "link", "add", a.device, "netns", self.namespace(a.role), *queues, "type", "veth",
                  "peer", "name", b.device, "netns", self.namespace(b.role), *queues])

    def _move(self, end: End, to: End) -> None:
        self._ip(end.role, [f"link set {end.device} netns {self.namespace(to.role)} name {to.device}"])

    def _set_up_end(self, end: End) -> None:
        if end.place is None:
            commands = [f"link set {end.device} master br0"]
        else:
            commands = [f"addr add {end.place.with_prefix(family)} dev {end.device}" + (" nodad" * (family == 6))
                        for family in FAMILIES]
        self._ip(end.role, [*commands, f"link set {end.device} up"])
        if not self.offload and end.role in ("client", "relay", "peer"):
            self.run(end.role, ["ethtool", "-K", end.device, "tx", "off"])

    def _add_routes(self, role: str) -> None:
        gateway = self.topology.gateways[role]
        self._ip(role, [f"route add default via {gateway.address(family)}" for family in FAMILIES])

    def make_relay_link_anew(self) -> None:
        """After the relay's NIC was deleted, and with it the other end of its cable.

        The far end gets its program before the relay's end is there: the relay looks at its device as soon as it comes.
        """
        a, b = next(link for link in self.topology.links if "relay" in (link[0].role, link[1].role))
        near, far = (a, b) if a.role == "relay" else (b, a)
        coming = End(far.role, "coming")
        self._make_pair(coming, far)
        self._set_up_end(far)
        self._attach_pass_program(far)
        self._move(coming, near)
        self._set_up_end(near)
        self._add_routes("relay")

    def _attach_pass_programs(self) -> None:
        proc.compile_bpf(HERE / "pass.bpf.c", self.scratch)
        for end in self.topology.far_ends():
            self._attach_pass_program(end)

    def _attach_pass_program(self, end: End) -> None:
        self._ip(end.role, [f"link set dev {end.device} xdpdrv obj {self.scratch / 'pass.o'} sec xdp"])

    def _wait_until_usable(self) -> None:
        for role in self.topology.roles():
            if not proc.wait_until(lambda: self._usable(role), timeout=10):
                raise proc.LabError(f"the links of {role} did not come up")

    def _usable(self, role: str) -> bool:
        links = json.loads(self.run(role, ["ip", "-json", "addr", "show"]).stdout)
        return all(link["operstate"] == "UP" and not any("tentative" in address for address in link["addr_info"])
                   for link in links if link["ifname"] != "lo")

    def stop_processes(self) -> None:
        for process in reversed(self._started):
            process.stop()

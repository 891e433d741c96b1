# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A network of the lab, built from namespaces that are removed when it is closed or its process dies.

With checksum offload on (the default of veth), packets of a local stack have a partial checksum. With offload off, all
checksums are complete, as on a wire. A relay must handle both. Hosts resolve their neighbours by ARP and ND.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from lab import proc
from lab.account import give
from lab.topology import FAMILIES, TOPOLOGIES, End, Topology

PASS_PROGRAM = Path(__file__).with_name("pass.bpf.c")


class Reporting(Protocol):
    """A server whose report is added to the failure of a test."""

    def report(self) -> str:
        """Its log, and its counters if it is still running."""


class Lab(proc.Undone):
    """A context: with Lab("router", offload=True) as lab. A test may pass its own topology."""

    def __init__(self, topology: str | Topology, offload: bool, queues: int = 1) -> None:
        super().__init__()
        self.topology = TOPOLOGIES[topology] if isinstance(topology, str) else topology
        self.offload = offload
        self._queues = queues  # of every device, in each direction
        self._prefix = f"tp{secrets.token_hex(4)}"
        self._started: list[proc.Process] = []
        self.servers: list[Reporting] = []  # those started since stop_processes()

    def _set_up(self) -> None:
        self.scratch = Path(tempfile.mkdtemp(prefix="turnpike-lab-"))
        give(self.scratch)
        self._undo.enter_context(proc.removed_at_the_end(map(self.namespace, self.topology.roles()), self.scratch))
        self._make_namespaces()
        self._make_links()
        self._attach_pass_programs()
        self._wait_until_usable()
        self._undo.callback(self.stop_processes)  # runs first at the end

    # For tests.

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
        """Start a process that ends with the lab at the latest."""
        log = self.scratch / f"{len(self._started)}-{Path(argv[0]).name}.log"
        self._started.append(proc.Process(proc.in_namespace(self.namespace(role), argv), log, pass_fds))
        return self._started[-1]

    def udp_errors(self, role: str) -> dict[str, int]:
        """Datagrams that the UDP stack of a namespace has discarded, in both families."""
        return self.counts(role, "Udp", "InErrors", "InCsumErrors")

    def counts(self, role: str, protocol: str, *wanted: str) -> dict[str, int]:
        """Counters of a namespace's stack for the protocol "Udp" or "Icmp", in both families."""
        with self.entered(role):
            names, values = [line.split()[1:] for line in Path("/proc/thread-self/net/snmp").read_text().splitlines()
                             if line.startswith(f"{protocol}:")]
            v4 = dict(zip(names, values))
            v6 = dict(line.split() for line in Path("/proc/thread-self/net/snmp6").read_text().splitlines())
        return {name: int(v4[name]) + int(v6[f"{protocol}6{name}"]) for name in wanted}

    def mac(self, role: str, device: str) -> str:
        link: dict[str, str] = json.loads(self.run(role, ["ip", "-json", "link", "show", device]).stdout)[0]
        return link["address"]

    def make_neighbours_permanent(self) -> None:
        """Add permanent neighbour entries for both ends of each link."""
        for a, b in self.topology.links:
            for here, there in ((a, b), (b, a)):
                if there.place:
                    self._ip(here.role, [f"neigh replace {there.place.address(family)} dev {here.device}"
                                         f" lladdr {self.mac(there.role, there.device)} nud permanent"
                                         for family in FAMILIES])

    def report(self) -> str:
        """The reports of all servers, for the failure of a test."""
        return "\n".join(server.report() for server in self.servers)

    def stop_processes(self) -> None:
        """Stop all processes of a test, which fails if a sanitizer has found something in them."""
        self.servers.clear()
        proc.stop_all(self._started)

    # Setup.

    def _ip(self, role: str, commands: Sequence[str]) -> None:
        self.run(role, ["ip", "-batch", "-"], stdin="\n".join(commands) + "\n")

    def _make_namespaces(self) -> None:
        for role in self.topology.roles():
            proc.run(["ip", "netns", "add", self.namespace(role)])
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
            # Without a querier, multicast snooping may lose the listeners of neighbour solicitations. If br_netfilter
            # is built in, the bridge must not pass packets to iptables either.
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
        """Recreate the relay's NIC and its cable after their deletion.

        The far end gets its program first, because the relay inspects its device as soon as it appears.
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
        proc.compile_bpf(PASS_PROGRAM, self.scratch)
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

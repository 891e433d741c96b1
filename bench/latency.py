# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Round trips through a relay at a moderate load, against the kernel's own forwarding and coturn.

    client ===== relay ===== peer

    The last CPU: the client, which sends at a steady rate and never sleeps (bench/tools/rtt.c); and, in softirqs, all
    that kernels do with its packets, as far as they meet no process. All others: the server, for what it relays itself.

The peer is a program at its device, which sends each datagram back. Checksums are complete, as on a wire, and all
devices have NAPI, as NICs have. A veth has no delay of its own, so what is told is the time of the client's stack, of
the devices, and of twice whatever is between them.

A packet on a veth is a frame or an sk_buff, as it came, and the peer takes it as what the relay sends: a frame from
XDP, so that it is one as well when XDP gets it back, as from a NIC; an sk_buff from all else, which would have to be
made a frame first. Generic XDP is given frames, too, since it passes by sk_buffs that TC has redirected.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import paths  # noqa: F401
from lab import proc
from lab.endpoints import udp_socket
from lab.flow import CHANNEL
from lab.lab import Lab
from lab.relay import BINARY, PASSWORD, PORT, USER, Server
from lab.tool import Tool
from lab.turn import Client
from network import NSEC, Network, last_cpu
from section import Case, Extent, Figure, Scope, Unit
from servers import AT_ONCE, COTURN, VARIANTS, server_cpus, serving

FORWARDING = "forwarding"
CLIENT_PORT, PEER_PORT = 40000, 5000
SIZE = 160
WARM_UP = 2000       # packets
MAY_BE_LOST = 0.05  # of the packets: at a moderate load little is


@dataclass(frozen=True)
class Amount:
    rates: Sequence[int]  # packets a second, each way
    names: Sequence[str]


AMOUNTS = {
    Extent.QUICK: Amount((20_000,), (FORWARDING, "native-head", "userspace", COTURN)),
    Extent.DEFAULT: Amount((20_000,), (FORWARDING, "native-head", "generic-head", "tcx", "userspace", COTURN)),
    Extent.FULL: Amount((1000, 20_000, 50_000), (FORWARDING, *VARIANTS)),
}


class Wire(Network):
    """A network of which the far ends are hosts with NICs that have NAPI and leave checksums to the stack; and which
    has a way through, if the relay forwards.
    """

    def __init__(self) -> None:
        super().__init__("two-nic")

    def _set_up(self) -> None:
        super()._set_up()
        for role in ("client", "peer"):
            for device in self.devices(role):
                self.run(role, ["ethtool", "-K", device, "gro", "on", "tx", "off"])
        self._ip("client", [f"route add {self.address('peer', 4)} via {self.topology.listen.address(4)}"])

    @contextlib.contextmanager
    def passing(self) -> Iterator[None]:
        """The client's end has a program: without one, a veth may lose what native XDP sends there."""
        process = self.start("client", [str(BINARY), "pass", "dev", self.client.device])
        try:
            process.wait_for("^ready")
            yield
        finally:
            process.stop()

    @contextlib.contextmanager
    def reflecting(self, hook: str) -> Iterator[None]:
        with Tool(self.namespace("peer"), "reflect", "--dev", self.peer.device, "--hook", hook,
                  "--port", PEER_PORT) as tool:
            tool.answer()
            yield


class Latency:
    name = "latency"
    title = "Round trip at a moderate load"

    @contextlib.contextmanager
    def open(self, scope: Scope) -> Iterator[Sequence[Case]]:
        amount = AMOUNTS[scope.extent]
        with Wire() as lab:
            def case(name: str, rate: int) -> Case:
                return Case(f"{self.name}/{name}/{rate}", lambda: measure(lab, name, rate, scope.seconds))

            yield [case(name, rate) for rate in amount.rates for name in amount.names]


def measure(lab: Wire, name: str, rate: int, seconds: float) -> Mapping[str, Figure]:
    way = forwarded if name == FORWARDING else relayed
    times = way(lab, name, rate, int(rate * seconds))
    lost = 1 - times["returned"] / times["timed"]
    if lost > MAY_BE_LOST:
        raise proc.LabError(f"{lost:.1%} of {times['timed']} packets did not come back, so this load is not moderate")
    return {**{quantile: Figure(times[f"{quantile}_us"], Unit.US) for quantile in ("p50", "p99", "p999")},
            "lost": Figure(lost, Unit.SHARE),
            "rate": Figure(times["sent"] * NSEC / times["ns"], Unit.PACKETS_PER_S)}


def forwarded(lab: Wire, _name: str, rate: int, packets: int) -> Mapping[str, int]:
    lab.forward(True)
    try:
        with lab.reflecting("tcx"):
            return round_trips(lab, f"{lab.address('peer', 4)}:{PEER_PORT}", rate, packets)
    finally:
        lab.forward(False)


def relayed(lab: Wire, name: str, rate: int, packets: int) -> Mapping[str, int]:
    """All packets must be relayed where the mode promises."""
    variant = VARIANTS[name]
    is_xdp = variant.hook == "xdp"
    with (lab.passing() if variant.mode == "xdp-native" else contextlib.nullcontext(),
          lab.reflecting("xdp-native" if is_xdp else "tcx"),
          serving(lab, variant, server_cpus(), priority=AT_ONCE) as server):
        bind(lab)
        before = server.relayed()
        times = round_trips(lab, f"{lab.topology.listen.address(4)}:{PORT}", rate, packets, "--channel", CHANNEL)
        if server.tells_counts:
            check_path(server, before, times["sent"] + times["received"])
    return times


def check_path(server: Server, before: tuple[int, int], packets: int) -> None:
    kernel, user_space = (now - then for now, then in zip(server.relayed(), before))
    right, wrong = (kernel, user_space) if server.variant.in_kernel else (user_space, kernel)
    if wrong or right < packets:
        raise proc.LabError(f"of {packets} packets there and back, {kernel} were relayed in the kernel and "
                            f"{user_space} in user space")


def bind(lab: Lab) -> None:
    """The client's channel; whoever has its port then has the channel, too."""
    with contextlib.closing(udp_socket(lab, "client", 4, CLIENT_PORT)) as sock:
        client = Client(sock, (lab.topology.listen.address(4), PORT), USER, PASSWORD)
        client.allocate(4)
        client.bind(CHANNEL, (lab.address("peer", 4), PEER_PORT))


def round_trips(lab: Network, to: str, rate: int, packets: int, *more: object) -> Mapping[str, int]:
    with Tool(lab.namespace("client"), "rtt", "--from", f"{lab.address('client', 4)}:{CLIENT_PORT}", "--to", to,
              "--size", SIZE, "--rate", rate, "--packets", packets, "--warm-up", WARM_UP, "--cpu", last_cpu(),
              *more) as rtt:
        times: Mapping[str, int] = rtt.answer(timeout=60)
        return times


SECTION = Latency()

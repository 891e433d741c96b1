# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Round trips through a relay at a moderate load, compared with Linux forwarding and coturn.

    client ===== relay ===== peer

The client sends at a steady rate and busy-polls on the last CPU (bench/tools/rtt.c). All softirq processing of its
packets runs on that CPU, too, up to the first process. The server has all other CPUs.

The peer is a program on its device, which reflects each datagram. Checksums are complete, as on a wire, and all devices
use NAPI, as NICs do. A veth adds no delay of its own, so the round trip consists of the client's stack, the devices,
and twice the relay.

A veth carries xdp_frames and sk_buffs, as they were sent. The peer reflects on the hook that needs no conversion:
native XDP if the relay sends by XDP, so that its replies are frames, as from a NIC; tcx otherwise. Generic XDP is also
sent frames, since it does not run on sk_buffs that TC has redirected.
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
from lab.turn import Client, channel_data
from network import NSEC, Network, last_cpu
from section import Case, Extent, Figure, Scope, Unit
from servers import AT_ONCE, COTURN, VARIANTS, server_cpus, serving

FORWARDING = "forwarding"
CLIENT_PORT, PEER_PORT = 40000, 5000
SIZE = 160
WARM_UP = 2000       # packets
FIRST, PATIENCE = 3, 0.5  # packets that resolve neighbours and confirm flows; seconds for each
MAY_BE_LOST = 0.05  # share of packets; a moderate load loses few


@dataclass(frozen=True)
class Amount:
    rates: Sequence[int]  # packets per second in each direction
    names: Sequence[str]


AMOUNTS = {
    Extent.QUICK: Amount((20_000,), (FORWARDING, "native-head", "userspace", COTURN)),
    Extent.DEFAULT: Amount((20_000,), (FORWARDING, "native-head", "generic-head", "tcx", "userspace", COTURN)),
    Extent.FULL: Amount((1000, 20_000, 50_000), (FORWARDING, *VARIANTS)),
}


class Wire(Network):
    """A network whose far ends have NICs with NAPI and without checksum offload, and a route through the relay."""

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
        """Attach a program to the client's end: without one, a veth may drop frames that native XDP sends there."""
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
    path = forwarded if name == FORWARDING else relayed
    times = path(lab, name, rate, int(rate * seconds))
    lost = 1 - times["returned"] / times["timed"]
    if lost > MAY_BE_LOST:
        raise proc.LabError(f"{lost:.1%} of {times['timed']} packets did not come back: lower the rate")
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
    """Checks that all packets take the path of the mode, in the kernel or in user space."""
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
        raise proc.LabError(f"of {packets} packets in both directions, the kernel relayed {kernel} and user space "
                            f"{user_space}")


def bind(lab: Lab) -> None:
    """Bind the client's channel. The tool that reuses the client's port then uses the channel."""
    with contextlib.closing(udp_socket(lab, "client", 4, CLIENT_PORT)) as sock:
        client = Client(sock, (lab.topology.listen.address(4), PORT), USER, PASSWORD)
        client.allocate(4)
        client.bind(CHANNEL, (lab.address("peer", 4), PEER_PORT))
        for _ in range(FIRST):
            sock.send(channel_data(CHANNEL, b"hello"))
            client.receive(PATIENCE)


def round_trips(lab: Network, to: str, rate: int, packets: int, *more: object) -> Mapping[str, int]:
    with Tool(lab.namespace("client"), "rtt", "--from", f"{lab.address('client', 4)}:{CLIENT_PORT}", "--to", to,
              "--size", SIZE, "--rate", rate, "--packets", packets, "--warm-up", WARM_UP, "--cpu", last_cpu(),
              *more) as rtt:
        times: Mapping[str, int] = rtt.answer(timeout=60)
        return times


SECTION = Latency()

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Relaying in user space by the transport of the clients, turnpike and coturn side by side.

    transports/SERVER/TRANSPORT/DIRECTION/FLOWS/TURN/LOAD    IPv4, 160 bytes of application data

    per CPU second  packets relayed per second of the server's CPU time, in user space and in the kernel
    arrived         packets per second

Each flow is a client with a connection, an allocation and a channel of its own, and a peer. The flows take turns: TURN
packets of one follow each other, which is 1 for audio, and several for a frame of a video. A turn of a peer arrives
merged (UDP_SEGMENT), as from a NIC with GRO, and a turn of a client on TCP or TLS in one segment; clients on UDP and
DTLS send one by one. The load is saturated, or a number of packets per second.

Clients and peers busy-poll on the last CPU (bench/tools/transports.c), and the server has CPU 0. The kernel processes a
received packet on the CPU of its sender. So that the server does not pay for the far ends, a program at their devices
counts datagrams and drops them (bench/tools/sink.c). Only clients on TCP and TLS receive what they are sent.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import paths  # noqa: F401
from lab import proc
from lab.connected import STREAMS, TLS_PORT, make_certificate, tls_options
from lab.crowd import FIRST_CLIENT, FIRST_PEER, FIRST_PORT, Hosts
from lab.relay import PASSWORD, PORT, USER, Server
from lab.tool import Tool
from network import NSEC, last_cpu
from section import Case, Extent, Figure, Scope, Unit
from servers import COTURN, VARIANTS, cpu_ns, server_cpus, serving

USERSPACE = "userspace"
SERVERS = (USERSPACE, COTURN)
SATURATED = 0
WARM_UP = 0.2           # of the seconds
SET_UP, PATIENCE = 30, 10   # seconds for all connections, and for the end of a run
MAY_BE_LOST = 0.01      # share of packets at a moderate load
SIZE = 160
HEADERS, CHANNEL_HEADER = 14 + 20 + 8, 4
RECORD = {"udp": 0, "dtls": 13 + 8 + 16}  # what a record adds: header, explicit nonce and tag of AES-GCM


@dataclass(frozen=True)
class Amount:
    transports: Sequence[str]
    directions: Sequence[str]
    flows: Sequence[int]
    turns: Sequence[int]
    rates: Sequence[int]    # packets per second


ALL = ("udp", "tcp", "tls", "dtls")
BOTH = ("to-peer", "to-client")
AMOUNTS = {
    Extent.QUICK: Amount(ALL, BOTH, (100,), (1,), (SATURATED,)),
    Extent.DEFAULT: Amount(ALL, BOTH, (100,), (1, 8), (SATURATED, 20_000)),
    Extent.FULL: Amount(ALL, BOTH, (1, 10, 100, 1000), (1, 8), (SATURATED, 20_000, 50_000)),
}


class Wire(Hosts):
    """Devices of the relay with NAPI, as NICs have, that do not accept UDP GSO packets, and cheap far ends."""

    def _attach_pass_programs(self) -> None:
        """Do nothing: without native XDP, none is needed."""

    def _set_up(self) -> None:
        super()._set_up()
        for _, near in self.topology.links:
            self.run("relay", ["ethtool", "-K", near.device, "gro", "on", "tx-udp-segmentation", "off"])


class Transports:
    name = "transports"
    title = "Relaying in user space: server/transport/direction/flows/packets in a turn/packets per second"

    @contextlib.contextmanager
    def open(self, scope: Scope) -> Iterator[Sequence[Case]]:
        amount = AMOUNTS[scope.extent]
        with Wire() as lab:
            cert = make_certificate(lab.scratch, "bench")

            def case(name: str, load: Load) -> Case:
                return Case(f"{self.name}/{name}/{load}", lambda: measure(lab, cert, name, load, scope.seconds))

            yield [case(name, Load(*load)) for *load, name in product(
                amount.transports, amount.directions, amount.flows, amount.turns, amount.rates, SERVERS)]


@dataclass(frozen=True)
class Load:
    transport: str
    direction: str
    flows: int
    turn: int
    rate: int

    def __str__(self) -> str:
        return f"{self.transport}/{self.direction}/{self.flows}/{self.turn}/{self.rate or 'saturated'}"

    def order(self, seconds: float) -> str:
        return f"{self.direction} {self.rate} {round(seconds * 1000)}"


def listening(lab: Wire, cert: tuple[Path, Path], name: str) -> list[str]:
    if name == COTURN:
        return ["--tls-listening-port", str(TLS_PORT), "--cert", str(cert[0]), "--pkey", str(cert[1])]
    return tls_options(lab, *cert)


def clients(lab: Wire, load: Load) -> Tool:
    port = TLS_PORT if load.transport in ("tls", "dtls") else PORT
    return Tool(lab.namespace("client"), "transports", "--over", load.transport, "--cpu", last_cpu(), "--user", USER,
                "--password", PASSWORD, "--server", f"{lab.topology.listen.address(4)}:{port}",
                "--clients", FIRST_CLIENT, "--count", load.flows, "--peers", f"{FIRST_PEER}:{FIRST_PORT}",
                "--size", SIZE, "--turn", load.turn, "--peer-namespace", f"/run/netns/{lab.namespace('peer')}")


def sink(lab: Wire, load: Load) -> Tool | None:
    """Counts the datagrams that leave the server. Counted by the clients, if None."""
    length = HEADERS + SIZE
    if load.direction == "to-client":
        if load.transport in STREAMS:
            return None
        length += CHANNEL_HEADER + RECORD[load.transport]
    role, first = ("peer", FIRST_PEER) if load.direction == "to-peer" else ("client", FIRST_CLIENT)
    return Tool(lab.namespace(role), "sink", "--dev", lab.devices(role)[0], "--hook", "tcx", "--len", length,
                "--to", first, "--addresses", load.flows, "--port", 1, "--ports", 65535)


class Counter:
    """The packets that have arrived, by the sink if there is one."""

    def __init__(self, load: Load, tool: Tool, sunk: Tool | None) -> None:
        self._load, self._tool, self._sink = load, tool, sunk

    def run(self, seconds: float) -> dict[str, int]:
        before = self._sunk()
        counted = self._tool.ask(self._load.order(seconds), seconds + PATIENCE)
        return counted if self._sink is None else {**counted, "arrived": self._sunk() - before}

    def _sunk(self) -> int:
        return int(self._sink.ask("count")["packets"]) if self._sink else 0


@contextlib.contextmanager
def loaded(lab: Wire, load: Load) -> Iterator[Counter]:
    with contextlib.ExitStack() as stack:
        tool = stack.enter_context(clients(lab, load))
        tool.answer(SET_UP)
        sunk = sink(lab, load)
        if sunk:
            stack.enter_context(sunk)
            sunk.answer()
        yield Counter(load, tool, sunk)


def measure(lab: Wire, cert: tuple[Path, Path], name: str, load: Load, seconds: float) -> Mapping[str, Figure]:
    with (serving(lab, VARIANTS[name], server_cpus()[:1], listening(lab, cert, name)) as server,
          loaded(lab, load) as counter):
        counter.run(WARM_UP * seconds)
        before = server.relayed()
        cpu = cpu_ns(server.process.pid)
        counted = counter.run(seconds)
        cpu = cpu_ns(server.process.pid) - cpu
        check(server, before, load, counted)
    return {"per CPU second": Figure(counted["arrived"] * NSEC / cpu, Unit.PACKETS_PER_S),
            "arrived": Figure(counted["arrived"] * NSEC / counted["ns"], Unit.PACKETS_PER_S)}


def check(server: Server, before: tuple[int, int], load: Load, counted: Mapping[str, int]) -> None:
    """What arrived was relayed in user space; and at a moderate load, all of it arrived."""
    if load.rate and counted["arrived"] < (1 - MAY_BE_LOST) * counted["sent"]:
        raise proc.LabError(f"{counted['arrived']} of {counted['sent']} packets arrived: lower the rate")
    if server.tells_counts:
        kernel, user_space = (now - then for now, then in zip(server.relayed(), before))
        if kernel or user_space < counted["arrived"]:
            raise proc.LabError(f"{counted['arrived']} packets arrived; the kernel relayed {kernel}, and user space "
                                f"{user_space}")


SECTION = Transports()

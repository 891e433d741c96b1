#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""ICMP errors about what was relayed reach the client as Data indications, whoever relayed it (RFC 8656 section 11.5).

    client ----- router ----- relay        one NIC
                   |
                 peer

    closed     nobody listens at the peer: port unreachable, from the peer
    hops       the hop limit ends at the router: time exceeded, from somebody who is not the peer
    too big    the link to the peer has a smaller MTU: the client is told, the relay learns, and the rest still works
    to client  the same on the way to the client, of which the relay's listeners are told
    stranger   an error about an address without permission, and other ICMP messages: silence
    flood      what the relay tells as a router does (section 13), it does not tell without end
    in between, pending   no datagram to or from anybody else is lost because of errors
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.inet6 import ICMPv6DestUnreach, ICMPv6ParamProblem, IPv6
from scapy.packet import Packet, Raw

import scenes
from lab import proc, turn
from lab.complaints import Complaints
from lab.endpoints import TTL, drain, receive, turn_client, udp_socket
from lab.lab import Lab
from lab.relay import BY_NAME, MODES, Turnpike, Variant
from lab.rig import with_option
from lab.topology import FAMILIES

Test = Callable[[Lab], Complaints]
CHANNEL = 0x4001
SMALL_MTU = 1400
HEADERS = {4: 28, 6: 48}
# What fills a packet of 1,460 bytes toward the peer: more than the small link takes, and less than the client's.
BIG = os.urandom(1460 - 48)
SMALL = os.urandom(1200)
FLOOD = 3000
ERRORS_AT_ONCE = ERRORS_PER_SECOND = 100
# Type and code, by family.
PORT_UNREACHABLE, TIME_EXCEEDED, TOO_BIG = {4: (3, 3), 6: (1, 4)}, {4: (11, 0), 6: (3, 0)}, {4: (3, 4), 6: (2, 0)}
# IP_MTU_DISCOVER and IPV6_MTU_DISCOVER, which Python does not name. PROBE is with Don't Fragment, OMIT without, and
# neither heeds a path MTU; DONT has the sender's stack make fragments that fit the path.
DISCOVER = {4: (socket.IPPROTO_IP, 10), 6: (socket.IPPROTO_IPV6, 23)}
PROBE, OMIT, DONT = 3, 5, 0


class Stage:
    """A client with a channel to a peer, on the path that the mode promises, and networks that tell of every error."""

    def __init__(self, lab: Lab, variant: Variant, family: int) -> None:
        self.lab, self.family = lab, family
        self.server = Turnpike(lab, variant)
        for role in ("peer", "router", "client"):
            with lab.entered(role):
                for path in ("ipv4/icmp_ratelimit", "ipv6/icmp/ratelimit"):
                    Path("/proc/sys/net", path).write_text("0")
        self.client = turn_client(lab, "client", family, family)
        self.peer = udp_socket(lab, "peer", family)
        self.peer_address: turn.Address = self.peer.getsockname()[:2]
        self.client.bind(CHANNEL, self.peer_address)
        if not proc.wait_until(self._flows, 3, step=0.1):
            raise proc.LabError(f"packets do not flow as the mode promises\n{self.server.report()}")

    def _flows(self) -> bool:
        before, _ = self.server.relayed()
        self.send(b"warm-up")
        self.peer.sendto(b"warm-up", self.client.relayed)
        arrived = receive(self.peer, self.family, 0.5) and self.client.receive(0.5)
        return bool(arrived) and (self.server.relayed()[0] - before == 2) == self.server.variant.in_kernel

    def send(self, payload: bytes) -> None:
        self.client.socket.send(turn.channel_data(CHANNEL, payload))

    @contextlib.contextmanager
    def counted(self, kernel: int, complaints: Complaints) -> Iterator[None]:
        """So many packets are relayed in the kernel, if anything is, and else in user space."""
        before = self.server.relayed()
        yield
        counts = tuple(now - then for now, then in zip(self.server.relayed(), before))
        if counts != ((kernel, 0) if self.server.variant.in_kernel else (0, kernel)):
            complaints.append(f"relayed in the kernel and in user space: {counts}, not {kernel} where the mode says")

    def expect_error(self, what: tuple[int, int], error_data: int = 0,
                     peer: turn.Address | None = None) -> Complaints:
        """The next datagram to the client is this Data indication, to the byte."""
        got = self.client.receive(2)
        if got is None:
            return [f"no indication of ICMP {what} came\n{self.server.report()}"]
        wanted = turn.icmp_indication(got[8:20], peer or self.peer_address, *what, error_data)
        return [] if got == wanted else [f"ICMP {what} came as {got.hex()}, not {wanted.hex()}"]

    def silent(self) -> Complaints:
        got = self.client.receive(0.2)
        return [] if got is None else [f"the client got {got.hex()}"]

    def close(self) -> Complaints:
        unsent = self.server.in_user_space()["unsent"]
        self.client.refresh(0)
        self.client.socket.close()
        self.peer.close()
        self.server.stop()
        for role in ("client", "relay", "peer"):  # no path MTU of this scene in the next
            for family in FAMILIES:
                self.lab.run(role, ["ip", f"-{family}", "route", "flush", "cache"])
        return [f"{unsent} datagrams were not sent"] if unsent else []


@contextlib.contextmanager
def small_link(lab: Lab, device: str) -> Iterator[None]:
    """The router's link to somebody takes less than the others."""
    lab.run("router", ["ip", "link", "set", "dev", device, "mtu", str(SMALL_MTU)])
    try:
        yield
    finally:
        lab.run("router", ["ip", "link", "set", "dev", device, "mtu", "1500"])


def closed(lab: Lab, variant: Variant, family: int) -> Complaints:
    stage = Stage(lab, variant, family)
    stage.peer.close()
    complaints: Complaints = []
    for _ in range(3):
        with stage.counted(1, complaints):
            stage.send(b"is anybody there?")
            complaints += stage.expect_error(PORT_UNREACHABLE[family])
    stage.client.send_indication(stage.peer_address, b"anybody?")
    complaints += stage.expect_error(PORT_UNREACHABLE[family])
    told = stage.server.in_user_space()["icmp"]
    if told != 4:
        complaints.append(f"{told} errors were counted, not 4")
    return complaints + stage.close()


def hops(lab: Lab, variant: Variant, family: int) -> Complaints:
    """Client, router, relay: the third hop is the last one. User space sends with the route's hop limit."""
    stage = Stage(lab, variant, family)
    complaints: Complaints = []
    level, option, *_ = TTL[family]
    route = ["ip", f"-{family}", "route", "replace", stage.peer_address[0], "via",
             lab.topology.gateways["relay"].address(family), "hoplimit", "1"]
    if not variant.in_kernel:
        lab.run("relay", route)
    with with_option(stage.client.socket, level, option, 3 if variant.in_kernel else 64, 64), \
            stage.counted(1, complaints):
        stage.send(b"short of breath")
        complaints += stage.expect_error(TIME_EXCEEDED[family])
    if not variant.in_kernel:
        lab.run("relay", ["ip", f"-{family}", "route", "del", stage.peer_address[0]])
    return complaints + stage.close()


def too_big(lab: Lab, variant: Variant, family: int) -> Complaints:
    stage = Stage(lab, variant, family)
    complaints: Complaints = []
    with small_link(lab, "to-peer"):
        with with_option(stage.client.socket, *DISCOVER[family], PROBE, DONT):
            stage.send(BIG)
        if not variant.in_kernel and family == 4:
            # User space has no Don't Fragment to pass on (section 14), so the router makes fragments of it.
            complaints += stage.silent() + at_peer(stage, BIG)
        else:
            complaints += stage.expect_error(TOO_BIG[family], SMALL_MTU) + at_peer(stage)
        if variant.in_kernel:
            complaints += now_too_big(stage, "dont-fragment", PROBE)
        if variant.in_kernel and family == 4:
            complaints += now_too_big(stage, "too-big", OMIT)
        else:
            stage.send(BIG)  # the client's stack has learned what it may send, and makes fragments, or the relay's has
        complaints += at_peer(stage, BIG)
        with stage.counted(1, complaints):
            stage.send(SMALL)
            complaints += at_peer(stage, SMALL)
        complaints += stage.silent()
    return complaints + stage.close()


def now_too_big(stage: Stage, verdict: str, discovery: int) -> Complaints:
    before = stage.server.verdicts().get(verdict, 0)
    with with_option(stage.client.socket, *DISCOVER[stage.family], discovery, DONT):
        stage.send(BIG)
    if not proc.wait_until(lambda: stage.server.verdicts().get(verdict, 0) == before + 1, 2):
        return [f"counted as {verdict}: {stage.server.verdicts().get(verdict, 0) - before}, not 1"]
    return forget_error(stage.client.socket)


def forget_error(sock: socket.socket) -> Complaints:
    """A connected socket is told that it has sent too much; that is not what is tested here."""
    proc.wait_until(lambda: sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0, 0.5)
    return []


def at_peer(stage: Stage, *wanted: bytes) -> Complaints:
    got = [each.payload for each in drain(stage.peer, stage.family, 0.1, len(wanted))]
    return [] if got == list(wanted) else [f"the peer got {[len(each) for each in got]} bytes, "
                                           f"not {[len(each) for each in wanted]}"]


def to_client(lab: Lab, variant: Variant, family: int) -> Complaints:
    """The peer's data does not fit the client's link: the peer's host is told, which is how the relay has learned."""
    stage = Stage(lab, variant, family)
    complaints: Complaints = []
    with small_link(lab, "to-client"):
        before = stage.server.verdicts().get("dont-fragment", 0)

        def learned() -> bool:
            with with_option(stage.peer, *DISCOVER[family], PROBE, DONT), contextlib.suppress(OSError):
                stage.peer.sendto(BIG, stage.client.relayed)
            return stage.server.verdicts().get("dont-fragment", 0) > before
        if variant.in_kernel and not proc.wait_until(learned, 3, step=0.2):
            complaints.append(f"the relay has not learned the path MTU to the client\n{stage.server.report()}")
        while stage.client.receive(0.1) is not None:
            pass
        with stage.counted(1, complaints):
            stage.peer.sendto(SMALL, stage.client.relayed)
            got = stage.client.receive(1)
            if got != turn.channel_data(CHANNEL, SMALL):
                complaints.append(f"what fits came as {got!r}")
        if not variant.in_kernel and family == 6:  # nobody has learned anything yet, and routers make no fragments
            stage.peer.sendto(BIG, stage.client.relayed)
            complaints += stage.silent()
        stage.peer.sendto(BIG, stage.client.relayed)
        got = stage.client.receive(1)
        if got != turn.channel_data(CHANNEL, BIG):
            complaints.append(f"what has to be fragmented came as {got and got[:8]!r}")
    return complaints + stage.close()


def flood(lab: Lab, variant: Variant, family: int) -> Complaints:
    """Client, router, relay, where the hop limit ends: many are dropped, and the sender is told of some of them."""
    stage = Stage(lab, variant, family)
    level, option, *_ = TTL[family]
    before = lab.counts("client", "Icmp", "InTimeExcds")["InTimeExcds"]
    start = time.monotonic()
    with with_option(stage.client.socket, level, option, 2, 64):
        for number in range(FLOOD):
            stage.send(b"short of breath")
            if number % 64 == 0:
                time.sleep(0.002)  # no queue on the way overflows

    def dropped() -> int:
        return stage.server.verdicts().get("ttl", 0)
    proc.wait_until(lambda: dropped() >= FLOOD, 3)
    time.sleep(0.1)  # the last errors are on their way
    told = lab.counts("client", "Icmp", "InTimeExcds")["InTimeExcds"] - before
    most = ERRORS_AT_ONCE + int(ERRORS_PER_SECOND * (time.monotonic() - start)) + 1
    complaints = [] if dropped() == FLOOD else [f"{dropped()} of {FLOOD} packets were dropped"]
    if not ERRORS_AT_ONCE <= told <= most:
        complaints.append(f"the sender was told of {told}, not of {ERRORS_AT_ONCE} to {most}")
    return complaints + at_peer(stage) + stage.close()


# Forged errors: the quoted packet decides, not who sends it.

def quoted(stage: Stage, peer: turn.Address) -> Packet:
    local, port = stage.client.relayed
    ip = IP(src=local, dst=peer[0]) if stage.family == 4 else IPv6(src=local, dst=peer[0])
    return ip / UDP(sport=port, dport=peer[1]) / Raw(b"data")


def send_icmp(stage: Stage, message: Packet, quotes: Packet) -> None:
    """From the client's host, which is neither a router nor the peer."""
    with stage.lab.entered("client"):
        kind = socket.getprotobyname("icmp") if stage.family == 4 else socket.getprotobyname("ipv6-icmp")
        family = socket.AF_INET if stage.family == 4 else socket.AF_INET6
        with socket.socket(family, socket.SOCK_RAW, kind) as raw:
            # Addresses are there for the checksum of ICMPv6, which the socket computes again anyway.
            body = bytes(message / quotes) if stage.family == 4 else \
                bytes(IPv6(src=stage.lab.address("client", 6), dst=stage.client.relayed[0]) / message / quotes)[40:]
            raw.sendto(body, (stage.client.relayed[0], 0))


def stranger(lab: Lab, variant: Variant, family: int) -> Complaints:
    stage = Stage(lab, variant, family)
    complaints: Complaints = []
    nobody: turn.Address = (lab.topology.gateways["peer"].address(family), 9)
    unreachable = ICMP(type=3, code=3) if family == 4 else ICMPv6DestUnreach(code=4)
    others = [ICMP(type=12, code=0)] if family == 4 else [ICMPv6ParamProblem(code=0)]
    send_icmp(stage, unreachable, quoted(stage, nobody))
    for other in others:
        send_icmp(stage, other, quoted(stage, stage.peer_address))
    complaints += stage.silent()
    # Any port of a permitted address, and any sender.
    other_port = (stage.peer_address[0], 9)
    send_icmp(stage, unreachable, quoted(stage, other_port))
    complaints += stage.expect_error(PORT_UNREACHABLE[family], peer=other_port)
    stage.client.refresh(0)
    send_icmp(stage, unreachable, quoted(stage, stage.peer_address))
    complaints += stage.silent()
    stage.client = turn_client(lab, "client", family, family)
    return complaints + stage.close()


def in_between(lab: Lab, variant: Variant, family: int) -> Complaints:
    """Every other datagram leads to an error, while the relay sends."""
    stage = Stage(lab, variant, family)
    count = 300
    closed_port = (stage.peer_address[0], 9)
    stage.client.permit(closed_port)
    wanted = [struct.pack("!I", number) for number in range(count)]
    for payload in wanted:
        stage.client.send_indication(closed_port, payload)
        stage.client.send_indication(stage.peer_address, payload)
        stage.peer.sendto(payload, stage.client.relayed)
    complaints = all_at_peer(stage, wanted)
    back, errors = at_client(stage)
    if back != wanted:
        complaints.append(f"{len(back)} of {count} datagrams reached the client")
    if errors == 0 or errors != stage.server.in_user_space()["icmp"]:
        complaints.append(f"{errors} errors reached the client, of {stage.server.in_user_space()['icmp']}")
    return complaints + stage.close()


def pending(lab: Lab, variant: Variant, family: int) -> Complaints:
    """An error comes between a datagram's arrival and its sending: the call of sending is told of it first.

    The relay is stopped meanwhile, so that it is sure to be busy with something else.
    """
    stage = Stage(lab, variant, family)
    wanted = [struct.pack("!I", number) for number in range(20)]
    unreachable = ICMP(type=3, code=3) if family == 4 else ICMPv6DestUnreach(code=4)
    complaints: Complaints = []
    for payload in wanted:
        os.kill(stage.server.process.pid, signal.SIGSTOP)
        try:
            stage.client.send_indication(stage.peer_address, payload)
            stage.peer.sendto(payload, stage.client.relayed)
            time.sleep(0.01)  # both are at the relay's sockets, and then the error is
            send_icmp(stage, unreachable, quoted(stage, stage.peer_address))
            time.sleep(0.01)
        finally:
            os.kill(stage.server.process.pid, signal.SIGCONT)
        complaints += all_at_peer(stage, [payload])
        if (got := at_client(stage)) != ([payload], 1):
            complaints.append(f"the client got {got[0]} and {got[1]} errors, not {[payload]} and one")
    return complaints + stage.close()


def all_at_peer(stage: Stage, wanted: list[bytes]) -> Complaints:
    got = [each.payload for each in drain(stage.peer, stage.family, 0.05, len(wanted))]
    return [] if got == wanted else [f"{len(got)} of {len(wanted)} datagrams reached the peer"]


def at_client(stage: Stage) -> tuple[list[bytes], int]:
    """The payloads that come by the channel, and how many port unreachables besides; nothing else may come."""
    payloads, errors = [], 0
    while (got := stage.client.receive(0.1)) is not None:
        if got[0] >> 6 == 1:
            payloads.append(got[4:])
            continue
        told = turn.parse(got)
        peer = turn.unpack_address((told and told.get(turn.XOR_PEER)) or b"", got[8:20])
        assert got == turn.icmp_indication(got[8:20], peer, *PORT_UNREACHABLE[stage.family], 0), got.hex()
        errors += 1
    return payloads, errors


def tests() -> Iterator[tuple[str, Test]]:
    named = {"closed": closed, "hops": hops, "too big": too_big, "to client": to_client, "stranger": stranger}
    for variant in MODES:
        for family in FAMILIES:
            for name, test in named.items():
                yield f"{variant.name}/ipv{family}/{name}", partial(test, variant=variant, family=family)
            if variant.in_kernel:
                yield f"{variant.name}/ipv{family}/flood", partial(flood, variant=variant, family=family)
    for family in FAMILIES:
        for name, test in {"in between": in_between, "pending": pending}.items():
            yield f"userspace/ipv{family}/{name}", partial(test, variant=BY_NAME["userspace"], family=family)


if __name__ == "__main__":
    sys.exit(scenes.main("ICMP errors reach the client, whoever relayed what they are about.", tests(),
                         scenes.tried_in_lab, Lab("router", offload=True)))

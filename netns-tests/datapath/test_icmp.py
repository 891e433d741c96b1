# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""ICMP errors about relayed packets reach the client as Data indications, in every mode (RFC 8656 section 11.5).

    client ----- router ----- relay        one NIC
                   |
                 peer
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from scapy.layers.inet import ICMP
from scapy.layers.inet6 import ICMPv6DestUnreach, ICMPv6ParamProblem

from icmp_errors import relayed_packet, send_error
from lab import proc, turn
from lab.complaints import Complaints, check
from lab.endpoints import TTL, drain
from lab.lab import Lab
from lab.relay import BY_NAME, MODES, Turnpike, Variant
from lab.rig import CHANNEL, Rig, with_option
from lab.topology import FAMILIES

LIMIT = 10.0      # seconds to wait for what must happen
QUIET = 0.2       # seconds in which nothing must come
SMALL_MTU = 1400
BIG = os.urandom(1460 - 48)  # makes a packet of 1,460 bytes or less toward the peer, more than SMALL_MTU
SMALL = os.urandom(1200)
FLOOD = 3000
ERRORS_AT_ONCE = ERRORS_PER_SECOND = 100
# Type and code, by family.
PORT_UNREACHABLE, TIME_EXCEEDED, TOO_BIG = {4: (3, 3), 6: (1, 4)}, {4: (11, 0), 6: (3, 0)}, {4: (3, 4), 6: (2, 0)}
# IP_MTU_DISCOVER and IPV6_MTU_DISCOVER, which Python does not name. PROBE sets Don't Fragment, OMIT does not, and both
# ignore the path MTU; with DONT the sender's stack makes fragments that fit the path.
DISCOVER = {4: (socket.IPPROTO_IP, 10), 6: (socket.IPPROTO_IPV6, 23)}
PROBE, OMIT, DONT = 3, 5, 0

every_mode = pytest.mark.parametrize("variant", MODES)
every_kernel_mode = pytest.mark.parametrize("variant", [mode for mode in MODES if mode.in_kernel])
userspace = pytest.mark.parametrize("variant", (BY_NAME["userspace"],))
every_family = pytest.mark.parametrize("family", FAMILIES)


class ErrorRig(Rig):
    """A client with a channel to a peer, and the ICMP errors that it must receive."""

    def __init__(self, lab: Lab, server: Turnpike, family: int) -> None:
        super().__init__(lab, server, family)
        self.turnpike = server

    @contextlib.contextmanager
    def relays(self, count: int, complaints: Complaints) -> Iterator[None]:
        """Within the block the relay relays this number of packets, all of them where the mode demands."""
        before = self.server.relayed()
        yield
        counts = tuple(now - then for now, then in zip(self.server.relayed(), before))
        if counts != ((count, 0) if self.server.variant.in_kernel else (0, count)):
            complaints.append(f"relayed in the kernel and in user space: {counts}, not {count} where the mode says")

    def expect_error(self, what: tuple[int, int], error_data: int = 0,
                     peer: turn.Address | None = None) -> Complaints:
        """The next datagram to the client is exactly this Data indication."""
        got = self.client.receive(LIMIT)
        if got is None:
            return [f"no indication of ICMP {what} arrived"]
        wanted = turn.icmp_indication(got[8:20], peer or self.peer_address, *what, error_data)
        return [] if got == wanted else [f"the indication of ICMP {what} is {got.hex()}, not {wanted.hex()}"]

    def expect_silence(self) -> Complaints:
        got = self.client.receive(QUIET)
        return [] if got is None else [f"the client got {got.hex()}"]

    def expect_at_peer(self, *wanted: bytes) -> Complaints:
        """The peer gets these datagrams in this order, and no other."""
        got = [each.payload for each in drain(self.peer, self.family, 0.1, len(wanted))]
        sizes, wanted_sizes = [len(each) for each in got], [len(each) for each in wanted]
        return [] if got == list(wanted) else \
            [f"the peer got {len(got)} datagrams of {sizes} bytes, not {len(wanted)} of {wanted_sizes}"]


@pytest.fixture(scope="module")
def shared_lab() -> Iterator[Lab]:
    """A network that reports every error: no rate limits."""
    with Lab("router", offload=True) as lab:
        for role in ("peer", "router", "client"):
            with lab.entered(role):
                for path in ("ipv4/icmp_ratelimit", "ipv6/icmp/ratelimit"):
                    Path("/proc/sys/net", path).write_text("0")
        yield lab


@pytest.fixture
def rig(lab: Lab, variant: Variant, family: int) -> Iterator[ErrorRig]:
    """A client whose packets go both ways. No error may keep the relay from sending a datagram."""
    rig = ErrorRig(lab, Turnpike(lab, variant), family)
    try:
        yield rig
        assert rig.turnpike.in_user_space()["unsent"] == 0
    finally:
        rig.close()
        for role in ("client", "relay", "peer"):  # no path MTU may outlive a test
            for each in FAMILIES:
                lab.run(role, ["ip", f"-{each}", "route", "flush", "cache"])


@contextlib.contextmanager
def small_link(lab: Lab, device: str) -> Iterator[None]:
    """One of the router's links has a smaller MTU than the others."""
    lab.run("router", ["ip", "link", "set", "dev", device, "mtu", str(SMALL_MTU)])
    try:
        yield
    finally:
        lab.run("router", ["ip", "link", "set", "dev", device, "mtu", "1500"])


# What the relayed packets lead to.

@every_family
@every_mode
def test_closed_port(rig: ErrorRig) -> None:
    """The client gets a port unreachable from the peer for each datagram, sent by channel or in an indication."""
    rig.peer.close()
    complaints: Complaints = []
    for _ in range(3):
        with rig.relays(1, complaints):
            rig.to_peer(b"to nobody")
            complaints += rig.expect_error(PORT_UNREACHABLE[rig.family])
    rig.client.send_indication(rig.peer_address, b"to nobody")
    complaints += rig.expect_error(PORT_UNREACHABLE[rig.family])
    if (counted := rig.turnpike.in_user_space()["icmp"]) != 4:
        complaints.append(f"{counted} errors were counted, not 4")
    check(complaints)


@every_family
@every_mode
def test_hop_limit(rig: ErrorRig) -> None:
    """The client gets a time exceeded from a router, which is not the peer."""
    complaints: Complaints = []
    level, option, *_ = TTL[rig.family]
    # Client, router, relay: the third hop is the last one.
    with with_option(rig.client.socket, level, option, 3, 64), rig.relays(1, complaints):
        rig.to_peer(b"too far")
        complaints += rig.expect_error(TIME_EXCEEDED[rig.family])
    check(complaints)


@every_family
@every_mode
def test_too_big(lab: Lab, rig: ErrorRig) -> None:
    """The link to the peer is too small: the client gets an error, the relay learns, and what fits is still relayed."""
    in_kernel, family = rig.server.variant.in_kernel, rig.family
    complaints: Complaints = []
    with small_link(lab, "to-peer"):
        with with_option(rig.client.socket, *DISCOVER[family], PROBE, DONT):
            rig.to_peer(BIG)
        if not in_kernel and family == 4:
            # User space has no Don't Fragment to pass on (section 14), so the router makes fragments.
            complaints += rig.expect_silence() + rig.expect_at_peer(BIG)
        else:
            complaints += rig.expect_error(TOO_BIG[family], SMALL_MTU) + rig.expect_at_peer()
        if in_kernel:
            rig.warm_up()  # for the new path MTU, flows are confirmed again
            complaints += exceeds_mtu(rig, "dont-fragment", PROBE)
        if in_kernel and family == 4:
            complaints += exceeds_mtu(rig, "too-big", OMIT)
        else:
            rig.to_peer(BIG)  # the client's stack, or the relay's, has learned the path MTU and makes fragments
        complaints += rig.expect_at_peer(BIG)
        with rig.relays(1, complaints):
            rig.to_peer(SMALL)
            complaints += rig.expect_at_peer(SMALL)
        complaints += rig.expect_silence()
    check(complaints)


def exceeds_mtu(rig: ErrorRig, verdict: str, discovery: int) -> Complaints:
    """The kernel path counts a big datagram under this verdict."""
    before = rig.turnpike.verdicts().get(verdict, 0)

    def counted() -> int:
        return rig.turnpike.verdicts().get(verdict, 0) - before
    with with_option(rig.client.socket, *DISCOVER[rig.family], discovery, DONT):
        rig.to_peer(BIG)
    complaints = [] if proc.wait_until(lambda: counted() == 1, LIMIT) else [f"counted as {verdict}: {counted()}, not 1"]
    # An ICMP error to the client's connected socket would fail its next call.
    proc.wait_until(lambda: rig.client.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0, 0.5)
    return complaints


@every_family
@every_mode
def test_too_big_for_client(lab: Lab, rig: ErrorRig) -> None:
    """The link to the client is too small: the peer's host and the relay learn, and the client still gets all data."""
    in_kernel, family = rig.server.variant.in_kernel, rig.family
    complaints: Complaints = []
    with small_link(lab, "to-client"):
        before = rig.turnpike.verdicts().get("dont-fragment", 0)

        def learned() -> bool:
            with with_option(rig.peer, *DISCOVER[family], PROBE, DONT), contextlib.suppress(OSError):
                rig.to_client(BIG)
            return rig.turnpike.verdicts().get("dont-fragment", 0) > before
        if in_kernel and not proc.wait_until(learned, LIMIT, step=0.2):
            complaints.append("the relay has not learned the path MTU to the client")
        while rig.client.receive(QUIET) is not None:
            pass
        with rig.relays(1, complaints):
            rig.to_client(SMALL)
            complaints += expect_by_channel(rig, SMALL)
        if not in_kernel and family == 6:  # nobody has learned anything yet, and routers make no fragments
            rig.to_client(BIG)
            complaints += rig.expect_silence()
        rig.to_client(BIG)
        complaints += expect_by_channel(rig, BIG)
    check(complaints)


def expect_by_channel(rig: ErrorRig, payload: bytes) -> Complaints:
    got = rig.client.receive(LIMIT)
    return [] if got == turn.channel_data(CHANNEL, payload) else \
        [f"ChannelData of {len(payload)} bytes arrived as {got and got[:8]!r}"]


@every_family
@every_kernel_mode
def test_rate_limit(lab: Lab, rig: ErrorRig) -> None:
    """The kernel path drops every packet whose hop limit ends, and reports only some of them (RFC 8656 section 13)."""
    def dropped() -> int:
        return rig.turnpike.verdicts().get("ttl", 0)

    def reported() -> int:
        return lab.counts("client", "Icmp", "InTimeExcds")["InTimeExcds"] - before
    level, option, *_ = TTL[rig.family]
    before = lab.counts("client", "Icmp", "InTimeExcds")["InTimeExcds"]
    start = time.monotonic()
    with with_option(rig.client.socket, level, option, 2, 64):  # client, router, relay
        for number in range(FLOOD):
            rig.to_peer(b"too far")
            if number % 64 == 0:
                time.sleep(0.002)  # no queue on the way overflows
    proc.wait_until(lambda: dropped() >= FLOOD and reported() >= ERRORS_AT_ONCE, LIMIT)
    time.sleep(QUIET)  # one report too many may still be on its way
    count = reported()
    most = ERRORS_AT_ONCE + int(ERRORS_PER_SECOND * (time.monotonic() - start)) + 1
    complaints = [] if dropped() == FLOOD else [f"{dropped()} of {FLOOD} packets were dropped"]
    if not ERRORS_AT_ONCE <= count <= most:
        complaints.append(f"{count} packets were reported, not {ERRORS_AT_ONCE} to {most}")
    check(complaints + rig.expect_at_peer())


# Forged errors, from the client's host, which is neither a router nor the peer.

def port_unreachable(family: int) -> ICMP | ICMPv6DestUnreach:
    return ICMP(type=3, code=3) if family == 4 else ICMPv6DestUnreach(code=4)


@every_family
@every_mode
def test_permission(lab: Lab, rig: ErrorRig) -> None:
    """Errors from anywhere about any port of a permitted address reach the client; all other ICMP messages do not."""
    unreachable = port_unreachable(rig.family)
    parameter_problem = ICMP(type=12, code=0) if rig.family == 4 else ICMPv6ParamProblem(code=0)
    not_permitted: turn.Address = (lab.topology.gateways["peer"].address(rig.family), 9)
    other_port: turn.Address = (rig.peer_address[0], 9)
    send_error(lab, "client", unreachable, relayed_packet(rig.client.relayed, not_permitted))
    send_error(lab, "client", parameter_problem, relayed_packet(rig.client.relayed, rig.peer_address))
    complaints = rig.expect_silence()
    send_error(lab, "client", unreachable, relayed_packet(rig.client.relayed, other_port))
    complaints += rig.expect_error(PORT_UNREACHABLE[rig.family], peer=other_port)
    rig.client.refresh(0)
    send_error(lab, "client", unreachable, relayed_packet(rig.client.relayed, rig.peer_address))
    check(complaints + rig.expect_silence())


@every_family
@userspace
def test_errors_among_datagrams(rig: ErrorRig) -> None:
    """No datagram is lost, although every other one that the relay sends leads to an error."""
    closed_port = (rig.peer_address[0], 9)
    rig.client.permit(closed_port)
    wanted = [struct.pack("!I", number) for number in range(300)]
    for payload in wanted:
        rig.client.send_indication(closed_port, payload)
        rig.client.send_indication(rig.peer_address, payload)
        rig.to_client(payload)
    complaints = rig.expect_at_peer(*wanted)
    payloads, errors = received_by_client(rig, len(wanted))
    if payloads != wanted:
        complaints.append(f"{len(payloads)} of {len(wanted)} datagrams reached the client")
    if errors == 0 or errors != rig.turnpike.in_user_space()["icmp"]:
        complaints.append(f"{errors} errors reached the client, of {rig.turnpike.in_user_space()['icmp']}")
    check(complaints)


@every_family
@userspace
def test_pending_error(lab: Lab, rig: ErrorRig) -> None:
    """A datagram is sent although its socket has a pending error, which the kernel reports to the first call."""
    complaints: Complaints = []
    for payload in (struct.pack("!I", number) for number in range(20)):
        errors = icmp_received(lab)
        with rig.turnpike.process.paused():
            rig.client.send_indication(rig.peer_address, payload)
            rig.to_client(payload)
            if not proc.wait_until(lambda: sockets_with_data(lab, rig.family) == 2, LIMIT):
                complaints.append("the datagrams have not reached the relay's sockets")
            send_error(lab, "client", port_unreachable(rig.family),
                       relayed_packet(rig.client.relayed, rig.peer_address))
            if not proc.wait_until(lambda: icmp_received(lab) > errors, LIMIT):
                complaints.append("the error has not reached the relay's host")
        complaints += rig.expect_at_peer(payload)
        if (got := received_by_client(rig, 1)) != ([payload], 1):
            complaints.append(f"the client got {got[0]} and {got[1]} errors, not {[payload]} and one")
    check(complaints)


def icmp_received(lab: Lab) -> int:
    return lab.counts("relay", "Icmp", "InDestUnreachs")["InDestUnreachs"]


def sockets_with_data(lab: Lab, family: int) -> int:
    """How many UDP sockets of the relay's host have unread data."""
    table = Path("/proc/thread-self/net", {4: "udp", 6: "udp6"}[family])
    with lab.entered("relay"):
        queues = [line.split()[4] for line in table.read_text().splitlines()[1:]]  # tx_queue:rx_queue
    return sum(int(each.rpartition(":")[2], 16) > 0 for each in queues)


def received_by_client(rig: ErrorRig, expected: int) -> tuple[list[bytes], int]:
    """The payloads that arrive by channel, as many as expected or more, and how many port unreachables beside them."""
    payloads: list[bytes] = []
    errors = 0
    while (got := rig.client.receive(QUIET if len(payloads) >= expected else LIMIT)) is not None:
        if got[0] >> 6 == 1:
            payloads.append(got[4:])
            continue
        message = turn.parse(got)
        peer = turn.unpack_address((message and message.get(turn.XOR_PEER)) or b"", got[8:20])
        assert got == turn.icmp_indication(got[8:20], peer, *PORT_UNREACHABLE[rig.family], 0), got.hex()
        errors += 1
    return payloads, errors

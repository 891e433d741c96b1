# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Ways around the rate limits: allocations anew, small packets, many packets, and changes of the server meanwhile."""

from __future__ import annotations

import contextlib
import signal
import socket
import time
from collections.abc import Callable, Sequence

import pytest

from lab import connected, proc
from lab.complaints import Complaints, check
from lab.lab import Lab
from lab.relay import BY_NAME, MODES, Turnpike, Variant
from lab.rig import CHANNEL, Rig
from policing import (
    BURST,
    COST,
    LIMIT,
    OVERHEAD,
    QUIET,
    SLOW,
    arrivals,
    counted,
    every_mode,
    indicate,
    limited,
    policed,
    send_each,
    within_limit,
)

EACH = 100  # datagrams in each direction at a time: more than a bucket holds
PACKET_RATE, PACKET_BURST = 50, 64

# Changes of the mode begin and end in the kernel.
every_kernel_mode = pytest.mark.parametrize("variant", [variant for variant in MODES if variant.in_kernel])


class Sender:
    """Sends in both directions, and adds up what arrives."""

    def __init__(self, server: Turnpike, rig: Rig) -> None:
        self.server, self.rig = server, rig
        self.start = time.monotonic()
        self.sent, self.arrived = 0, [0, 0]

    def send(self) -> None:
        before = policed(self.server)
        send_each(2 * EACH, 0.0005, self.rig.to_peer, self.rig.to_client)
        got = arrivals(self.server, before, 2 * EACH, self.rig.peer, self.rig.client.socket)
        self.sent += 2 * EACH
        self.arrived = [total + more for total, more in zip(self.arrived, got)]

    def complaints(self, rate: int) -> Complaints:
        seconds = time.monotonic() - self.start
        found = counted(self.server, self.sent - sum(self.arrived))
        for name, arrived in zip(("to the peer", "to the client"), self.arrived):
            found += [f"{name}: {each}" for each in within_limit(arrived, seconds, rate)]
        if self.server.variant.in_kernel and not self.server.verdicts().get("policed"):
            found.append("nothing was policed in the kernel")
        return found


def same_port(rig: Rig) -> None:
    rig.client.allocate(rig.family)


def other_port(rig: Rig) -> None:
    rig.client.socket.close()
    rig.client = rig.new_client()


def over_tcp(rig: Rig) -> None:
    rig.client.socket.close()
    rig.client = connected.turn_client(rig.lab, "tcp", rig.family, rig.family)


@pytest.mark.parametrize("limit", ("max", "user"))
@every_mode
def test_anew(lab: Lab, variant: Variant, family: int, limit: str) -> None:
    """Who gives an allocation back and makes a new one, by whatever way, has one burst in each direction."""
    with limited(lab, variant, family, (f"--{limit}-rate", str(SLOW))) as (server, rig):
        sender = Sender(server, rig)
        sender.send()
        for allocate in (same_port, other_port, same_port, other_port, same_port, over_tcp, other_port):
            rig.client.refresh(0)
            allocate(rig)
            rig.client.bind(CHANNEL, rig.peer_address)
            sender.send()
        check(sender.complaints(SLOW))


@every_mode
def test_bound_anew(lab: Lab, variant: Variant, family: int) -> None:
    """A channel that is bound again, and other channels of an allocation, have no bucket of their own."""
    with limited(lab, variant, family, ("--max-rate", str(SLOW))) as (server, rig):
        sender = Sender(server, rig)
        for number in range(5):
            sender.send()
            rig.client.bind(CHANNEL, rig.peer_address)
            rig.client.bind(CHANNEL + 1 + number, (rig.peer_address[0], rig.peer_address[1] % 60000 + 1024 + number))
        check(sender.complaints(SLOW))


@every_mode
def test_reload(lab: Lab, variant: Variant, family: int) -> None:
    """Changes of a limit under traffic fill no bucket, neither up nor down, and so do reloads without a change."""
    config = lab.scratch / "rates.conf"
    rates = (SLOW, 2 * SLOW)
    config.write_text(f"user-rate = {rates[0]}\nmax-rate = {rates[1]}\n")
    with limited(lab, variant, family, ("--config", str(config))) as (server, rig):
        sender = Sender(server, rig)
        for number in range(6):
            sender.send()
            user, allocation = rates[(number + 1) // 2 % 2], rates[number % 2]
            config.write_text(f"user-rate = {user}\nmax-rate = {allocation}\n")
            server.process.send_signal(signal.SIGHUP)

            def has_changed(wanted: tuple[int, int] = (user, allocation)) -> bool:
                status = server.ask("status")
                return (status["user_rate"], status["max_rate"]) == wanted
            assert proc.wait_until(has_changed, LIMIT), "the rates have not changed"
        sender.send()
        check(sender.complaints(max(rates)))


@every_kernel_mode
def test_modes(lab: Lab, variant: Variant) -> None:
    """Buckets outlive changes of the mode."""
    with limited(lab, variant, 4, ("--user-rate", str(SLOW))) as (server, rig):
        sender = Sender(server, rig)
        for _ in range(3):
            sender.send()
            server.change_mode(BY_NAME["userspace"])
            sender.send()
            server.change_mode(variant)
        check(sender.complaints(SLOW))


# Packets that are small or many.

def count(server: Turnpike, policed_before: int, sent: int, *sockets: socket.socket) -> list[int]:
    """How many datagrams each socket gets, all alike, once all that were sent have arrived or were policed."""
    got = [0 for _ in sockets]

    def accounted_for() -> bool:
        for number, sock in enumerate(sockets):
            sock.settimeout(QUIET)
            with contextlib.suppress(TimeoutError):
                while True:
                    sock.recv(65536)
                    got[number] += 1
        return sum(got) + policed(server) - policed_before >= sent
    proc.wait_until(accounted_for, LIMIT)
    return got


def send_alike(number: int, payload: bytes, senders: Sequence[Callable[[bytes], object]]) -> None:
    """Send the payload by each sender in turn, with pauses, so that no queue overflows."""
    for each in range(number):
        senders[each % len(senders)](payload)
        if each % 10 == 9:
            time.sleep(0.002)


@pytest.mark.parametrize("payload", (b"", b"x"), ids=("empty", "one-byte"))
@every_mode
def test_small(lab: Lab, variant: Variant, family: int, payload: bytes) -> None:
    """Packets with little data or none, in channels and indications, take at least what is around the data."""
    with limited(lab, variant, family, ("--max-rate", str(SLOW))) as (server, rig):
        cost, sent = len(payload) + OVERHEAD, 4 * BURST // OVERHEAD
        before, start = policed(server), time.monotonic()
        send_alike(sent, payload, (rig.to_peer, rig.to_client, indicate(rig), rig.to_client))
        got = count(server, before, sent, rig.peer, rig.client.socket)
        most = BURST + SLOW * (time.monotonic() - start) + cost
        complaints = [f"{each} packets of {len(payload)} bytes passed, which take more than {most:.0f} bytes"
                      for each in got if each * cost > most]
        complaints += [f"only {each} packets passed" for each in got if each * cost < BURST - COST]
        check(complaints + counted(server, sent - sum(got)))


@every_mode
def test_packet_rate(lab: Lab, variant: Variant, family: int) -> None:
    """The allocations of a user share a limit of packets in each direction, of whatever length, which outlives them."""
    options = ("--user-packet-rate", str(PACKET_RATE))
    with limited(lab, variant, family, options) as (server, one), contextlib.closing(Rig(lab, server, family)) as other:
        complaints = [] if server.ask("status")["user_packet_rate"] == PACKET_RATE else ["the status shows no limit"]
        total, sent = [0, 0], 0
        before, start = policed(server), time.monotonic()
        for length in (0, 1000, 100):
            senders = (one.to_peer, one.to_client, other.to_peer, other.to_client, indicate(one), one.to_client)
            policed_before = policed(server)
            send_alike(6 * PACKET_BURST, bytes(length), senders)
            got = count(server, policed_before, 6 * PACKET_BURST, one.peer, other.peer, one.client.socket,
                        other.client.socket)
            total = [total[0] + sum(got[:2]), total[1] + sum(got[2:])]
            sent += 6 * PACKET_BURST
            one.client.refresh(0)
            one.client.allocate(family)
            one.client.bind(CHANNEL, one.peer_address)
        most = PACKET_BURST + PACKET_RATE * (time.monotonic() - start) + 1
        complaints += [f"{each} packets passed, and not {PACKET_BURST // 2} to {most:.0f}"
                       for each in total if not PACKET_BURST // 2 <= each <= most]
        if variant.in_kernel and not server.verdicts().get("policed"):
            complaints.append("nothing was policed in the kernel")
        check(complaints + counted(server, before + sent - sum(total)))

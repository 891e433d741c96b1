# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Sending under rate limits, and how much may pass.

A packet takes its data and OVERHEAD from a bucket. A bucket holds what its rate allows in a quarter of a second, but at
least 64 KiB and OVERHEAD: that much passes at once. The clock is read around the sending, so no bound depends on the
time that it takes: the longer, the more may pass.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from lab import proc
from lab.complaints import Complaints
from lab.lab import Lab
from lab.relay import MODES, Turnpike, Variant
from lab.rig import Rig

LIMIT = 10.0                        # seconds to wait for what must happen
QUIET = 0.2
OVERHEAD = 90
BURST = 65536 + OVERHEAD
SIZE = 1000                         # of the data of each datagram
COST = SIZE + OVERHEAD
RATE = 40_000
SLOW = 10_000                       # an empty bucket fills little during a test
COUNT, PACE = 800, 0.0025           # many times what the bucket and RATE allow, but no queue on the way overflows
BURST_COUNT = 2 * BURST // SIZE

# The buckets are the same for both families.
every_mode = pytest.mark.parametrize(
    ("variant", "family"), [(variant, 6 if variant.name == "generic-head" else 4) for variant in MODES])


@contextlib.contextmanager
def limited(lab: Lab, variant: Variant, family: int,
            options: Sequence[str] = ("--max-rate", str(RATE))) -> Iterator[tuple[Turnpike, Rig]]:
    """A server with these limits, and a client whose packets go both ways."""
    server = Turnpike(lab, variant, options=options)
    with contextlib.closing(Rig(lab, server, family)) as rig:
        yield server, rig


# Sending, and what becomes of it.

def policed(server: Turnpike) -> int:
    return int(server.ask("status")["policed"])


def indicate(rig: Rig) -> Callable[[bytes], None]:
    """To send to the peer by indication, which user space relays."""
    return lambda payload: rig.client.send_indication(rig.peer_address, payload)


def send_each(count: int, pace: float, *senders: Callable[[bytes], object]) -> None:
    """Send different datagrams, count altogether, by each of the senders in turn."""
    for number in range(count):
        senders[number % len(senders)](number.to_bytes(SIZE, "big"))
        time.sleep(pace)


def arrivals(server: Turnpike, policed_before: int, sent: int, *sockets: socket.socket) -> list[int]:
    """How many datagrams each socket gets, once all that were sent have arrived or were policed."""
    got: list[list[bytes]] = [[] for _ in sockets]

    def accounted_for() -> bool:
        for payloads, sock in zip(got, sockets):
            sock.settimeout(QUIET)
            with contextlib.suppress(TimeoutError):
                while True:
                    payloads.append(sock.recv(65536))
        return sum(map(len, got)) + policed(server) - policed_before >= sent
    proc.wait_until(accounted_for, LIMIT)
    for payloads in got:
        assert len(set(payloads)) == len(payloads), "a datagram arrived twice"
    return [len(payloads) for payloads in got]


def burst(server: Turnpike, send: Callable[[bytes], object], receiver: socket.socket) -> int:
    """How many of BURST_COUNT datagrams arrive that are sent at once."""
    before = policed(server)
    send_each(BURST_COUNT, 0, send)
    arrived, = arrivals(server, before, BURST_COUNT, receiver)
    return arrived


def within_limit(arrived: int, seconds: float, rate: int) -> Complaints:
    """A bucket passes at least BURST, and at most BURST plus what it receives in the given time."""
    least, most = BURST - COST, BURST + rate * seconds + COST
    return [] if least <= arrived * COST <= most else \
        [f"{arrived * COST} bytes passed, which is not between {least} and {most:.0f}"]


def counted(server: Turnpike, dropped: int) -> Complaints:
    return [] if policed(server) == dropped else [f"{policed(server)} packets were policed, and {dropped} dropped"]

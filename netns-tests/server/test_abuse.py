# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Floods from spoofed addresses, a wall clock that jumps, and a server that is suspended.

    client ----- relay ----- peer
"""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

import rest_client
from clocks import Clocks
from footprint import footprint, settled
from lab import proc, turn
from lab.complaints import Complaints, check, refused
from lab.endpoints import EchoPeer, echo_peer, turn_client, udp_socket
from lab.lab import Lab
from lab.relay import BY_NAME, Turnpike, Variant
from lab.roundtrip import ANSWER_TIMEOUT, CHANNEL, exchanged
from lab.topology import FAMILIES
from spoofer import Spoofer

YEAR = 365 * 24 * 3600
SOURCES, WARM_UP = 100_000, 30_000  # after the warm-up, tables of fixed size are entirely resident
MOST_LOG_LINES = 1000
in_kernel_or_not = pytest.mark.parametrize("variant", (BY_NAME["tcx"], BY_NAME["userspace"]))


class Visitors:
    """A thread of clients, one after the other: each allocates, exchanges data and releases its allocation."""

    def __init__(self, lab: Lab, peer: EchoPeer) -> None:
        self._lab, self._peer = lab, peer
        self._done = threading.Event()
        self._executor = ThreadPoolExecutor(1)

    def start(self) -> None:
        self._outcome = self._executor.submit(self._run)

    def visit(self) -> Complaints:
        client = turn_client(self._lab, "client", 4, 4)
        with client.socket:
            client.bind(CHANNEL, self._peer.address)
            complaints = exchanged(client, 10)
            client.refresh(0)
        return complaints

    def _run(self) -> Complaints:
        complaints: Complaints = []
        while not self._done.is_set() and not complaints:
            complaints = self.visit()
        return complaints

    def stop(self) -> Complaints:
        """End after the current visit, and raise what went wrong in the thread."""
        self._done.set()
        with self._executor:
            return self._outcome.result()


def received_datagrams(lab: Lab) -> int:
    """How many datagrams the relay's sockets have received."""
    return lab.counts("relay", "Udp", "InDatagrams")["InDatagrams"]


@pytest.mark.parametrize("variant", (BY_NAME["native-head"], BY_NAME["userspace"]))
def test_spoofed_sources(lab: Lab, variant: Variant) -> None:
    """Datagrams from 200,000 sources leave memory, descriptors, maps and the log alone, and a client is served."""
    server = Turnpike(lab, variant, options=["--unauthenticated-rate", "100"])
    with echo_peer(lab, 4) as peer:
        visitors = Visitors(lab, peer)
        visitors.visit()  # resolves neighbours
        spoofers = [Spoofer(lab, family) for family in FAMILIES]
        for spoofer in spoofers:
            spoofer.flood(0, WARM_UP)
        before, received = footprint(server), received_datagrams(lab)
        visitors.start()
        for spoofer in spoofers:
            spoofer.flood(WARM_UP, SOURCES)
            spoofer.close()
        complaints = visitors.stop()
    if (received := received_datagrams(lab) - received) < SOURCES:
        complaints.append(f"only {received} of {2 * SOURCES} datagrams have reached the server")
    complaints += settled(server, before)
    if (lines := server.process.log().count("authentication failed")) > MOST_LOG_LINES:
        complaints.append(f"{lines} failures to authenticate are logged")
    counts = server.in_user_space()
    complaints += [f"no datagram is counted as {name}" for name in ("malformed", "no_allocation") if not counts[name]]
    check(complaints + server.stop_complaints())


@in_kernel_or_not
def test_clock_jumps(lab: Lab, variant: Variant) -> None:
    """When the wall clock jumps, it decides which time-limited names are valid; allocations and nonces live on."""
    clocks = Clocks(lab)
    server = Turnpike(lab, variant, clocks.wrapper, rest_client.OPTIONS)
    with echo_peer(lab, 4) as peer, ExitStack() as stack:
        def allocated(name: str, seconds: int) -> turn.Client:
            sock = stack.enter_context(udp_socket(lab, "client", 4))
            client = rest_client.rest_client(lab, sock, name, seconds)
            client.allocate(4)
            return client

        user, temporary = turn_client(lab, "client", 4, 4), allocated("temporary", YEAR // 2)
        stack.enter_context(user.socket)
        for client in (user, temporary):
            client.bind(CHANNEL, peer.address)
        complaints = exchanged(user, 3) + exchanged(temporary, 3)
        for years in (10, -10, 0):
            clocks.set_wall(years * YEAR)
            before = server.relayed()
            complaints += exchanged(user, 5) + exchanged(temporary, 5)
            counted = tuple(now - then for now, then in zip(server.relayed(), before))
            if counted != ((20, 0) if variant.in_kernel else (0, 20)):
                complaints.append(f"after a jump of {years} years, in the kernel and in user space: {counted}")
            user.permit(peer.address)
            user.refresh(600)
            if years > 0:
                complaints += refused(401, lambda: allocated("expired", YEAR), "a name that has expired")
            allocated("valid", (years + 1) * YEAR).refresh(0)
        if (left := server.ask("status")["allocations"]) != 2:
            complaints.append(f"{left} allocations, not 2")
        for client in (user, temporary):
            client.refresh(0)
    server.stop()
    check(complaints)


@in_kernel_or_not
def test_suspended(lab: Lab, variant: Variant) -> None:
    """While the server is suspended, the kernel goes on relaying, and messages for user space wait."""
    server = Turnpike(lab, variant)
    with echo_peer(lab, 4) as peer, ExitStack() as stack:
        client, waiting = turn_client(lab, "client", 4, 4), turn_client(lab, "client", 4, 4)
        for each in (client, waiting):
            stack.enter_context(each.socket)
        client.bind(CHANNEL, peer.address)
        complaints = exchanged(client, 3)  # until neighbours are resolved
        messages = [] if variant.in_kernel else [turn.channel_data(CHANNEL, os.urandom(100)) for _ in range(20)]
        executor = stack.enter_context(ThreadPoolExecutor(1))
        server.process.send_signal(signal.SIGSTOP)
        try:
            if variant.in_kernel:
                complaints += exchanged(client, 20)
            refresh = executor.submit(waiting.refresh, 600)
            for message in messages:
                client.socket.send(message)
            time.sleep(1)
        finally:
            server.process.send_signal(signal.SIGCONT)
        refresh.result()
        if [client.receive(ANSWER_TIMEOUT) for _ in messages] != messages:
            complaints.append("messages that were sent while the server was suspended have not come back")
        complaints += exchanged(client, 3)
        for each in (client, waiting):
            each.refresh(0)
    if not proc.wait_until(lambda: server.ask("status")["allocations"] == 0, 10):
        complaints.append("allocations are left")
    server.stop()
    check(complaints)

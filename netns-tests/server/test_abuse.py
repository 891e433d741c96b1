#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What nobody should do to a server, and what it must not mind.

    client ----- relay ----- peer

    spoofed    100,000 sources of either family that do not exist send requests without credentials and with wrong
               ones, data for nobody, and garbage. Memory, descriptors, maps and the log do not grow, and a client who
               does exist is served all the while
    clock      the wall clock jumps by years, either way: names that are good for some time are let in or not by what it
               says now, and no allocation, no channel and no nonce minds
    stopped    the server is stopped for a while, as by a debugger or a host that sleeps: the kernel goes on, and what
               is for user space waits for it
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import guests
import scenes
from footprint import footprint, settled
from lab import proc, turn
from lab.complaints import Complaints, refused
from lab.endpoints import EchoPeer, echo_peer, turn_client, udp_socket
from lab.lab import Lab
from lab.relay import BY_NAME, Turnpike, Variant
from lab.topology import FAMILIES
from spoof import Spoofer

Test = Callable[[Lab], Complaints]
CHANNEL = 0x4001
YEAR = 365 * 24 * 3600
SOURCES, WARM_UP = 100_000, 30_000  # after which tables of a fixed size are all in memory
LOG_LINES = 1000


def exchanged(client: turn.Client, count: int = 1) -> Complaints:
    """Through the channel to a peer that echoes; what is lost in between is sent again, as clients do."""
    for _ in range(count):
        message = turn.channel_data(CHANNEL, os.urandom(100))
        for _try in range(3):
            client.socket.send(message)
            if (answer := client.receive(1)) is not None:
                break
        if answer != message:
            return [f"{answer!r} came back, not {message!r}"]
    return []


class Visitor(threading.Thread):
    """A client that comes, has something relayed, and goes, until told otherwise."""

    def __init__(self, lab: Lab, peer: EchoPeer) -> None:
        super().__init__(daemon=True)
        self._lab, self._peer = lab, peer
        self._done = threading.Event()
        self.visits, self.complaints = 0, Complaints()

    def run(self) -> None:
        while not self._done.is_set() and not self.complaints:
            self.complaints = scenes.tried(self._visit)
            self.visits += 1

    def _visit(self) -> Complaints:
        client = turn_client(self._lab, "client", 4, 4)
        try:
            client.bind(CHANNEL, self._peer.address)
            complaints = exchanged(client, 10)
            client.refresh(0)
        finally:
            client.socket.close()
        return complaints

    def stop(self) -> None:
        self._done.set()
        self.join()


def datagrams(lab: Lab) -> int:
    """How many have been taken in by sockets of the relay."""
    return lab.counts("relay", "Udp", "InDatagrams")["InDatagrams"]


def spoofed(lab: Lab, variant: Variant) -> Complaints:
    server = Turnpike(lab, variant, options=["--unauthenticated-rate", "100"])
    complaints: Complaints = []
    with echo_peer(lab, 4) as peer:
        visitor = Visitor(lab, peer)
        visitor._visit()
        spoofers = [Spoofer(lab, family) for family in FAMILIES]
        for spoofer in spoofers:
            spoofer.flood(0, WARM_UP)
        before, seen = footprint(server), datagrams(lab)
        visitor.start()
        for spoofer in spoofers:
            spoofer.flood(WARM_UP, SOURCES)
            spoofer.close()
        visitor.stop()
        complaints += visitor.complaints
    if not visitor.visits:
        complaints.append("nobody was served meanwhile")
    if (seen := datagrams(lab) - seen) < SOURCES:
        complaints.append(f"only {seen} of {2 * SOURCES} datagrams have reached the server")
    complaints += settled(server, before)
    if (lines := server.process.log().count("authentication failed")) > LOG_LINES:
        complaints.append(f"{lines} lines in the log about who is not let in")
    counts = server.in_user_space()
    complaints += [f"none was counted as {name}" for name in ("malformed", "no_allocation") if not counts[name]]
    if status := server.stop():
        complaints.append(f"ended with status {status}\n{server.process.log()[-2000:]}")
    return complaints


def jumped(lab: Lab, variant: Variant) -> Complaints:
    library, offset = lab.scratch / "realtime.so", lab.scratch / "offset"
    proc.run(["cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(Path(__file__).with_name("realtime.c")), "-ldl"])
    offset.write_text("0")
    wrapper = ("env", f"LD_PRELOAD={library}", f"REALTIME_OFFSET={offset}",
               "ASAN_OPTIONS=verify_asan_link_order=0")  # which wants to be the first
    server = Turnpike(lab, variant, wrapper, guests.OPTIONS)
    with echo_peer(lab, 4) as peer, ExitStack() as stack:
        def came(who: str, seconds: int) -> turn.Client:
            client = guests.guest(lab, stack.enter_context(udp_socket(lab, "client", 4)), who, seconds)
            client.allocate(4)
            return client
        user, visitor = turn_client(lab, "client", 4, 4), came("visitor", YEAR // 2)
        stack.enter_context(user.socket)
        for client in (user, visitor):
            client.bind(CHANNEL, peer.address)
        complaints = exchanged(user, 3) + exchanged(visitor, 3)
        for years in (10, -10, 0):
            offset.write_text(str(years * YEAR))
            relayed = server.relayed()
            complaints += exchanged(user, 5) + exchanged(visitor, 5)
            counted = tuple(now - then for now, then in zip(server.relayed(), relayed))
            if counted != ((20, 0) if variant.in_kernel else (0, 20)):
                complaints.append(f"after {years} years, in the kernel and in user space: {counted}")
            user.permit(peer.address)
            user.refresh(600)
            if years > 0:
                complaints += refused(401, lambda: came("late", YEAR) and None, "a name that was good until then")
            came("later", (years + 1) * YEAR).refresh(0)
        if (left := server.ask("status")["allocations"]) != 2:
            complaints.append(f"{left} allocations, not 2")
        for client in (user, visitor):
            client.refresh(0)
    server.stop()
    return complaints


def stopped(lab: Lab, variant: Variant) -> Complaints:
    server = Turnpike(lab, variant)
    with echo_peer(lab, 4) as peer:
        client, waiting = turn_client(lab, "client", 4, 4), turn_client(lab, "client", 4, 4)
        client.bind(CHANNEL, peer.address)
        complaints = exchanged(client, 3)  # until neighbours are known
        server.process.send_signal(signal.SIGSTOP)
        try:
            if variant.in_kernel:
                complaints += exchanged(client, 20)
            messages = [turn.channel_data(CHANNEL, os.urandom(100)) for _ in range(20)]
            refresh = threading.Thread(target=waiting.refresh, args=(600,))
            refresh.start()
            if not variant.in_kernel:
                for message in messages:
                    client.socket.send(message)
            time.sleep(2)
        finally:
            server.process.send_signal(signal.SIGCONT)
        refresh.join()
        if not variant.in_kernel:
            answers = [client.receive(1) for _ in messages]
            complaints += [] if answers == messages else ["what was sent meanwhile has not come back"]
        complaints += exchanged(client, 3)
        waiting.refresh(0)
        client.refresh(0)
        for each in (client, waiting):
            each.socket.close()
    if not proc.wait_until(lambda: server.ask("status")["allocations"] == 0, 2):
        complaints.append("allocations are left")
    server.stop()
    return complaints


def tests() -> Iterator[tuple[str, Test]]:
    for name in ("native-head", "userspace"):
        yield f"{name}/spoofed", partial(spoofed, variant=BY_NAME[name])
    for name in ("tcx", "userspace"):
        yield f"{name}/clock", partial(jumped, variant=BY_NAME[name])
        yield f"{name}/stopped", partial(stopped, variant=BY_NAME[name])


if __name__ == "__main__":
    sys.exit(scenes.main("What a server must not mind.", tests(), scenes.tried_in_lab, Lab("two-nic", offload=True)))

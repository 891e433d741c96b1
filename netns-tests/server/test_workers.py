#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""--workers: several threads are one relay, and nobody can tell which of them serves a client.

    client ----- relay ----- peer

    spread    many clients: all are served, each thread has some, and what the server reports is of all of them
    hairpin   clients of one thread reach those of another, until these are gone
    ports     the relay's ports are given away once, whoever asks
    reserved  a port that one client has reserved is another one's, on whichever thread
    modes     the mode changes under all of them
    churn     clients come and go on all threads while the server is asked and told things (see the preset "threads")
    stop      all of it ends, and starts again
    port      a port that another program would share is not taken

A client's thread follows from its port, so that many clients are on all of them.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import scenes
from lab import proc, turn
from lab.complaints import Complaints, refused
from lab.endpoints import EchoPeer, echo_peer, turn_client
from lab.hairpin import Pair, channels, send_channel
from lab.lab import Lab
from lab.relay import BY_NAME, PORT, Turnpike, Variant
from lab.topology import FAMILIES

Test = Callable[[Lab], Complaints]
WORKERS = 4
CLIENTS = 48  # that one of four has none of them happens once in 250,000 times
CHANNEL = 0x4001
OPTIONS = ("--workers", str(WORKERS))
USERSPACE, TCX = BY_NAME["userspace"], BY_NAME["tcx"]


def allocated(lab: Lab, family: int = 4, count: int = CLIENTS) -> list[turn.Client]:
    return [turn_client(lab, "client", family, family) for _ in range(count)]


def gone(clients: list[turn.Client]) -> None:
    for client in clients:
        client.refresh(0)
        client.socket.close()


def wake_ups(server: Turnpike) -> dict[str, int]:
    """How often each thread has had to wait for something."""
    counts = {}
    for task in Path(f"/proc/{server.process.pid}/task").iterdir():
        lines = dict(line.split(":", 1) for line in (task / "status").read_text().splitlines() if ":" in line)
        counts[task.name] = int(lines["voluntary_ctxt_switches"])
    return counts


def echoed(client: turn.Client, payload: bytes) -> Complaints:
    client.socket.send(turn.channel_data(CHANNEL, payload))
    answer = client.receive(1)
    return [] if answer == turn.channel_data(CHANNEL, payload) else [f"{client.relayed}: {answer!r} came back"]


def spread(lab: Lab, family: int) -> Complaints:
    server = Turnpike(lab, USERSPACE, options=OPTIONS)
    before = wake_ups(server)
    complaints: Complaints = []
    with echo_peer(lab, family) as peer:
        clients = allocated(lab, family)
        for client in clients:
            client.bind(CHANNEL, peer.address)
        after = wake_ups(server)
        busy = [task for task in before if after[task] - before[task] >= 2]  # a sanitizer may have a thread, too
        if len(busy) != WORKERS:
            complaints.append(f"{len(busy)} of {len(before)} threads have clients")
        sent = [os.urandom(100) for _ in clients]
        for client, payload in zip(clients, sent):
            complaints += echoed(client, payload)
    status, counts = server.ask("status"), server.in_user_space()
    wanted = (CLIENTS, CLIENTS, 2 * CLIENTS, 2 * 100 * CLIENTS)
    relayed = status["relayed"]["userspace"]
    if (status["allocations"], status["relays"], relayed["packets"], relayed["bytes"]) != wanted:
        complaints.append(f"the status is {status}")
    # Each has got a challenge, an allocation and a channel.
    if (counts["requests"], counts["successes"], counts["errors"]) != (3 * CLIENTS, 2 * CLIENTS, {"401": CLIENTS}):
        complaints.append(f"the counters are {counts}")
    gone(clients)
    status = server.ask("status")
    if (status["allocations"], status["relays"], status["flows"]) != (0, 0, 0):
        complaints.append(f"left behind: {status}")
    if stopped := server.stop():
        complaints.append(f"ended with status {stopped}")
    return complaints


def hairpin(lab: Lab, variant: Variant) -> Complaints:
    server = Turnpike(lab, variant, options=OPTIONS)
    complaints: Complaints = []
    for number in range(8):
        pair = Pair.over_udp(lab, (4, 4, 4))
        complaints += channels(pair, server)
        if number % 2:
            pair.close()
            continue
        before = server.in_user_space()["no_relay"]
        pair.b.refresh(0)
        send_channel(pair.a, CHANNEL, b"to nobody")
        if not proc.wait_until(lambda: server.in_user_space()["no_relay"] > before, 1):
            complaints.append("data for a relay that is over was sent")
        complaints += refused(403, lambda: pair.a.bind(CHANNEL, pair.b.relayed), "a channel to a relay that is over")
        gone([pair.a])
        pair.b.socket.close()
    server.stop()
    return complaints


def ports(lab: Lab) -> Complaints:
    there_are = 20
    server = Turnpike(lab, USERSPACE, options=[*OPTIONS, "--relay-ports", f"50000-{50000 + there_are - 1}"])
    clients = allocated(lab, count=there_are)
    addresses = {client.relayed for client in clients}
    complaints = [] if len(addresses) == there_are else [f"{len(addresses)} different addresses were given away"]
    for _ in range(WORKERS):
        complaints += refused(508, lambda: allocated(lab, count=1) and None, "one more")
    for client in clients[:WORKERS]:
        client.refresh(0)
    others = allocated(lab, count=WORKERS)
    if {client.relayed for client in others} != {client.relayed for client in clients[:WORKERS]}:
        complaints.append("the ports that were given back are not those given away")
    gone(clients[WORKERS:] + others)
    server.stop()
    return complaints


def reserved(lab: Lab) -> Complaints:
    server = Turnpike(lab, USERSPACE, options=OPTIONS)
    complaints: Complaints = []
    clients = []
    with echo_peer(lab, 4) as peer:
        for _ in range(CLIENTS // 3):
            first, second, third = (turn_client(lab, "client", 4) for _ in range(3))
            token = first.allocate_pair(4)
            second.allocate_reserved(token)
            (host, even), wanted = first.relayed, (first.relayed[0], first.relayed[1] + 1)
            if even % 2 or second.relayed != wanted:
                complaints.append(f"{host}:{even}, and then {second.relayed}")
            complaints += refused(508, partial(third.allocate_reserved, token), "a token once more")
            third.socket.close()
            clients += [first, second]
        for client in clients:
            client.bind(CHANNEL, peer.address)
            complaints += echoed(client, os.urandom(100))
        gone(clients)
    status = server.ask("status")
    if (status["allocations"], status["relays"]) != (0, 0):
        complaints.append(f"left behind: {status}")
    server.stop()
    return complaints


def modes(lab: Lab) -> Complaints:
    server = Turnpike(lab, USERSPACE, options=OPTIONS)
    complaints: Complaints = []
    with echo_peer(lab, 4) as peer:
        clients = allocated(lab)
        for client in clients:
            client.bind(CHANNEL, peer.address)
        for variant in (TCX, USERSPACE, TCX, BY_NAME["native-head"], USERSPACE):
            server.change_mode(variant)
            for _ in range(3):  # until neighbours are known
                echoed(clients[0], b"warm-up")
            before = server.relayed()
            for client in clients:
                complaints += echoed(client, b"hello")
            counted = tuple(now - then for now, then in zip(server.relayed(), before))
            wanted = (2 * CLIENTS, 0) if variant.in_kernel else (0, 2 * CLIENTS)
            if counted != wanted:
                complaints.append(f"in the kernel, in user space: {counted} after the change to {variant.name}")
            if len(server.flows()) != 2 * CLIENTS:
                complaints.append(f"{len(server.flows())} flows")
        gone(clients)
    if server.flows():
        complaints.append("the kernel still has flows")
    server.stop()
    return complaints


@contextmanager
def coming_and_going(lab: Lab, peer: EchoPeer, complaints: Complaints) -> Iterator[None]:
    """Some clients, one after the other, for as long as the block takes."""
    done = threading.Event()

    def live() -> None:
        while not done.is_set():
            client, other = (turn_client(lab, "client", 4) for _ in range(2))
            other.allocate_reserved(client.allocate_pair(4))
            client.bind(CHANNEL, peer.address)
            for _ in range(3):
                client.socket.send(turn.channel_data(CHANNEL, b"hello"))  # it may be lost in a change of the mode
                client.receive(0.1)
            gone([client, other])

    def tried() -> None:
        try:
            live()
        except scenes.FAILURES as error:
            complaints.append(f"{type(error).__name__}: {error}")

    threads = [threading.Thread(target=tried, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join()


def churn(lab: Lab) -> Complaints:
    server = Turnpike(lab, USERSPACE, options=[*OPTIONS, "--max-rate", "100000"])
    complaints: Complaints = []
    with echo_peer(lab, 4) as peer, coming_and_going(lab, peer, complaints):
        end = time.monotonic() + 4
        while time.monotonic() < end:
            for variant in (TCX, USERSPACE):
                server.change_mode(variant)
                for command in ("status", "stats", "flows"):
                    server.ask(command)
    status = server.ask("status")
    if (status["allocations"], status["relays"], status["flows"]) != (0, 0, 0):
        complaints.append(f"left behind: {status}")
    if status["relayed"]["userspace"]["packets"] + status["relayed"]["kernel"]["packets"] == 0:
        complaints.append("nothing was relayed")
    if stopped := server.stop():
        complaints.append(f"ended with status {stopped}\n{server.process.log()}")
    return complaints


def stop(lab: Lab, how: signal.Signals) -> Complaints:
    """With allocations on all threads, of which the clients are told nothing."""
    complaints: Complaints = []
    for _ in range(3):
        server = Turnpike(lab, TCX, options=OPTIONS)
        with ExitStack() as stack, echo_peer(lab, 4) as peer:
            for client in allocated(lab):
                stack.enter_context(client.socket)
                client.bind(CHANNEL, peer.address)
            status = server.stop(how)
        if status != (-how if how == signal.SIGKILL else 0):
            complaints.append(f"ended with status {status}")
    return complaints


def port(lab: Lab) -> Complaints:
    """SO_REUSEPORT would let us in, and let the other have half of our clients."""
    with lab.entered("relay"), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind((lab.topology.listen.address(4), PORT))
        command = [*Turnpike.command(lab, USERSPACE, lab.scratch / "refused.sock"), *OPTIONS]
        result = lab.run("relay", command, check=False, timeout=5)
    return [] if result.returncode == 1 and "is taken" in result.stderr else [f"status {result.returncode}: {result.stderr}"]


def tests() -> Iterator[tuple[str, Test]]:
    for family in FAMILIES:
        yield f"spread/ipv{family}", partial(spread, family=family)
    for variant in (USERSPACE, TCX):
        yield f"hairpin/{variant.name}", partial(hairpin, variant=variant)
    yield "ports", ports
    yield "reserved", reserved
    yield "modes", modes
    yield "churn", churn
    for how in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
        yield f"stop/{how.name}", partial(stop, how=how)
    yield "port", port


if __name__ == "__main__":
    sys.exit(scenes.main("Several threads are one relay.", tests(), scenes.tried_in_lab, Lab("two-nic", offload=True)))

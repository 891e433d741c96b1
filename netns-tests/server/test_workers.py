# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""--workers: several threads are one relay, and no client notices which of them serves it.

    client ----- relay ----- peer

The kernel chooses a thread by the client's port, so that many clients are on all threads.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from clocks import REST, Clocks
from lab import proc, turn
from lab.complaints import Complaints, check, refused
from lab.endpoints import EchoPeer, echo_peer, turn_client
from lab.hairpin import Pair, channels, send_channel
from lab.lab import Lab
from lab.relay import BY_NAME, PASSWORD, PORT, Turnpike, Variant
from lab.roundtrip import CHANNEL, echoed, relayed_there
from lab.topology import FAMILIES

WORKERS = 4
CLIENTS = 48  # one of 4 threads gets none of them once in 250,000 times
OPTIONS = ("--workers", str(WORKERS))
USERSPACE, TCX = BY_NAME["userspace"], BY_NAME["tcx"]
FORBIDDEN, INSUFFICIENT_CAPACITY = 403, 508


def allocated(lab: Lab, family: int = 4, count: int = CLIENTS) -> list[turn.Client]:
    return [turn_client(lab, "client", family, family) for _ in range(count)]


def release(clients: Sequence[turn.Client]) -> None:
    for client in clients:
        client.refresh(0)
        client.socket.close()


def nothing_left(status: dict[str, Any]) -> Complaints:
    left = {name: status[name] for name in ("allocations", "relays", "flows") if status[name]}
    return [f"left behind: {left}"] if left else []


# Clients of several threads.

def wake_ups(server: Turnpike) -> dict[str, int]:
    """How often each worker has waited for something. The first one is the main thread."""
    counts = {}
    for task in Path(f"/proc/{server.process.pid}/task").iterdir():
        if task.name != str(server.process.pid) and not (task / "comm").read_text().startswith("tp-worker-"):
            continue  # the thread of the control socket, of the log, or of a sanitizer
        lines = dict(line.split(":", 1) for line in (task / "status").read_text().splitlines() if ":" in line)
        counts[task.name] = int(lines["voluntary_ctxt_switches"])
    return counts


@pytest.mark.parametrize("family", FAMILIES)
def test_clients_are_spread(lab: Lab, family: int) -> None:
    """Each thread serves some of many clients, and the server reports the sums of all threads."""
    server = Turnpike(lab, USERSPACE, options=OPTIONS)
    before = wake_ups(server)
    complaints: Complaints = []
    with echo_peer(lab, family) as peer:
        clients = allocated(lab, family)
        for client in clients:
            client.bind(CHANNEL, peer.address)
        after = wake_ups(server)
        busy = [task for task in before if after[task] - before[task] >= 2]
        if len(busy) != WORKERS or len(before) != WORKERS:
            complaints.append(f"{len(busy)} of {len(before)} workers have clients")
        for client in clients:
            complaints += echoed(client, os.urandom(100))
    status, counts = server.ask("status"), server.in_user_space()
    wanted = (CLIENTS, CLIENTS, 2 * CLIENTS, 2 * 100 * CLIENTS)
    relayed = status["relayed"]["userspace"]
    if (status["allocations"], status["relays"], relayed["packets"], relayed["bytes"]) != wanted:
        complaints.append(f"the status is {status}")
    # Each client has got a challenge, an allocation and a channel.
    if (counts["requests"], counts["successes"], counts["errors"]) != (3 * CLIENTS, 2 * CLIENTS, {"401": CLIENTS}):
        complaints.append(f"the counters are {counts}")
    release(clients)
    check(complaints + nothing_left(server.ask("status")) + server.stop_complaints())


@pytest.mark.parametrize("variant", (USERSPACE, TCX))
def test_hairpins(lab: Lab, variant: Variant) -> None:
    """Clients of one thread reach those of another, until these end their allocations."""
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
        send_channel(pair.a, CHANNEL, b"no receiver")
        if not proc.wait_until(lambda: server.in_user_space()["no_relay"] > before, 10):
            complaints.append("data for an allocation that has ended was sent")
        complaints += refused(FORBIDDEN, lambda: pair.a.bind(CHANNEL, pair.b.relayed),
                              "a channel to an allocation that has ended")
        release([pair.a])
        pair.b.socket.close()
    check(complaints + server.stop_complaints())


def test_ports(lab: Lab) -> None:
    """No port of the relay is allocated twice, and a released one rests before it is allocated, on any thread."""
    users = [f"user{number}" for number in range(20)]  # one would not get all ports
    clocks = Clocks(lab)
    server = Turnpike(lab, USERSPACE, clocks.wrapper,
                      [*OPTIONS, "--relay-ports", f"50000-{50000 + len(users) - 1}",
                       *(word for user in users for word in ("--user", f"{user}:{PASSWORD}"))])

    def of(names: Sequence[str]) -> list[turn.Client]:
        return [turn_client(lab, "client", 4, 4, user=name) for name in names]

    clients = of(users)
    addresses = {client.relayed for client in clients}
    complaints = [] if len(addresses) == len(users) else [f"{len(addresses)} different addresses are allocated"]
    released = clients[:WORKERS]
    for _ in range(WORKERS):
        complaints += refused(INSUFFICIENT_CAPACITY, lambda: of(users[:1]), "one more")
    for client in released:
        client.refresh(0)
    for _ in range(WORKERS):
        complaints += refused(INSUFFICIENT_CAPACITY, lambda: of(users[:1]), "one that rests")
    clocks.advance(REST)
    others = of(users[:WORKERS])
    if {client.relayed for client in others} != {client.relayed for client in released}:
        complaints.append("the ports that were released are not those allocated next")
    release(clients[WORKERS:] + others)
    check(complaints + server.stop_complaints())


def test_reserved_ports(lab: Lab) -> None:
    """A token that one client gets is good for another one on any thread, and once."""
    server = Turnpike(lab, USERSPACE, options=OPTIONS)
    complaints: Complaints = []
    clients = []
    with echo_peer(lab, 4) as peer:
        for _ in range(CLIENTS // 3):
            first, second, third = (turn_client(lab, "client", 4) for _ in range(3))
            token = first.allocate_pair(4)
            second.allocate_reserved(token)
            host, port = first.relayed
            if port % 2 or second.relayed != (host, port + 1):
                complaints.append(f"{host}:{port}, and then {second.relayed}")
            complaints += refused(INSUFFICIENT_CAPACITY, partial(third.allocate_reserved, token), "a token once more")
            third.socket.close()
            clients += [first, second]
        for client in clients:
            client.bind(CHANNEL, peer.address)
            complaints += echoed(client, os.urandom(100))
        release(clients)
    check(complaints + nothing_left(server.ask("status")) + server.stop_complaints())


# Changes to all threads.

def test_mode_changes(lab: Lab) -> None:
    """A change of the mode reaches the clients of all threads."""
    server = Turnpike(lab, USERSPACE, options=OPTIONS)
    complaints: Complaints = []
    with echo_peer(lab, 4) as peer:
        clients = allocated(lab)
        for client in clients:
            client.bind(CHANNEL, peer.address)
        for variant in (TCX, USERSPACE, TCX, BY_NAME["native-head"], USERSPACE):
            server.change_mode(variant)
            complaints += [f"after the change to {variant.name}: {each}" for each in relayed_there(server, clients)]
            if len(server.flows()) != 2 * CLIENTS:
                complaints.append(f"{len(server.flows())} flows, not {2 * CLIENTS}")
        release(clients)
    check(complaints + nothing_left(server.ask("status")) + server.stop_complaints())


@contextlib.contextmanager
def coming_and_going(lab: Lab, peer: EchoPeer) -> Iterator[None]:
    """Four threads of clients that allocate, exchange data and end, throughout the block."""
    done = threading.Event()

    def live() -> None:
        while not done.is_set():
            client, other = (turn_client(lab, "client", 4) for _ in range(2))
            other.allocate_reserved(client.allocate_pair(4))
            client.bind(CHANNEL, peer.address)
            for _ in range(3):
                client.socket.send(turn.channel_data(CHANNEL, b"hello"))  # may be lost when the mode changes
                client.receive(0.1)
            release([client, other])

    with ThreadPoolExecutor(4) as executor:
        lives = [executor.submit(live) for _ in range(4)]
        try:
            yield
        finally:
            done.set()
        for each in lives:
            each.result()


def test_churn(lab: Lab) -> None:
    """Clients come and go on all threads while the mode changes and commands are answered."""
    server = Turnpike(lab, USERSPACE, options=[*OPTIONS, "--max-rate", "100000"])
    with echo_peer(lab, 4) as peer, coming_and_going(lab, peer):
        end = time.monotonic() + 4
        while time.monotonic() < end:
            for variant in (TCX, USERSPACE):
                server.change_mode(variant)
                for command in ("status", "stats", "flows"):
                    server.ask(command)
    status = server.ask("status")
    complaints = nothing_left(status)
    if status["relayed"]["userspace"]["packets"] + status["relayed"]["kernel"]["packets"] == 0:
        complaints.append("nothing was relayed")
    check(complaints + server.stop_complaints())


# Start and end.

@pytest.mark.parametrize("how", (signal.SIGTERM, signal.SIGINT, signal.SIGKILL))
def test_stop(lab: Lab, how: signal.Signals) -> None:
    """A server with allocations on all threads ends, and the next one starts."""
    complaints: Complaints = []
    for _ in range(3):
        server = Turnpike(lab, TCX, options=OPTIONS)
        with contextlib.ExitStack() as stack, echo_peer(lab, 4) as peer:
            for client in allocated(lab):
                stack.enter_context(client.socket)
                client.bind(CHANNEL, peer.address)
            status = server.stop(how)
        if status != (-how if how == signal.SIGKILL else 0):
            complaints.append(f"ended with status {status}")
    check(complaints)


def cpus_of_threads(server: Turnpike) -> dict[str, str]:
    """By name, where the threads may run. The first one is the main thread; sanitizers have a thread with its name."""
    found = {}
    for task in sorted(Path(f"/proc/{server.process.pid}/task").iterdir(), key=lambda task: -int(task.name)):
        lines = dict(line.split(":", 1) for line in (task / "status").read_text().splitlines() if ":" in line)
        found[(task / "comm").read_text().strip()] = lines["Cpus_allowed_list"].strip()
    return found


def test_cpus(lab: Lab) -> None:
    """Each worker is pinned to its CPU in the list, other threads are not, and a reload changes nothing of that."""
    cpus = sorted(os.sched_getaffinity(0), reverse=True)
    server = Turnpike(lab, TCX, options=[*OPTIONS, "--worker-cpus", ",".join(map(str, cpus))])
    names = ["turnpike", *(f"tp-worker-{number}" for number in range(1, WORKERS))]
    wanted = {name: str(cpus[number % len(cpus)]) for number, name in enumerate(names)}
    found = cpus_of_threads(server)
    anywhere = proc.run(["grep", "Cpus_allowed_list", "/proc/self/status"]).stdout.split()[1]
    wanted |= {"tp-control": anywhere, "tp-log": anywhere}
    complaints = [f"{name} is on {found.get(name)}, not {where}" for name, where in wanted.items()
                  if found.get(name) != where]
    server.process.send_signal(signal.SIGHUP)
    server.process.wait_for("reloaded; changed: nothing$")
    if "restart the server" in server.process.log():
        complaints.append(f"a reload sees other CPUs: {server.process.log()}")
    with echo_peer(lab, 4) as peer:
        for client in allocated(lab):
            with client.socket:
                client.bind(CHANNEL, peer.address)
                complaints += echoed(client, b"pinned")
    check(complaints + server.stop_complaints())


def test_cpu_that_is_not_allowed(lab: Lab) -> None:
    """A CPU that the process may not use is named, before anything begins."""
    mine = max(os.sched_getaffinity(0))
    command = [*Turnpike.command(lab, USERSPACE, lab.scratch / "refused.sock"), "--worker-cpus", f"{mine},{mine + 1}"]
    result = lab.run("relay", command, check=False)
    assert (result.returncode, f"may not use CPU {mine + 1}: " in result.stderr) == (2, True), result.stderr


def test_port_of_another_program(lab: Lab) -> None:
    """A port that another program has opened with SO_REUSEPORT is refused: the two would share the clients."""
    with lab.entered("relay"), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind((lab.topology.listen.address(4), PORT))
        command = [*Turnpike.command(lab, USERSPACE, lab.scratch / "refused.sock"), *OPTIONS]
        result = lab.run("relay", command, check=False)
    assert (result.returncode, "is in use" in result.stderr) == (1, True), result.stderr

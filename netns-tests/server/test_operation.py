#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A server's end in good time, other configurations while it serves, and what it logs meanwhile.

    client ----- relay ----- peer

    drain     SIGTERM: what there is goes on, in the kernel and in user space, and nothing new begins; the end comes
              with the last allocation, with the time that was given, or with another signal
    reload    SIGHUP under traffic: users, secrets, peers, limits; no allocation and no message is lost
    log       levels, JSON, and whose addresses are in it
    manager   what systemd is told
"""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import scenes
from lab import turn
from lab.complaints import Complaints, refused
from lab.endpoints import echo_peer, turn_client, udp_socket
from lab.lab import Lab
from lab.relay import BY_NAME, PASSWORD, PORT, USER, Turnpike, Variant
from lab.topology import FAMILIES

CHANNEL = 0x4001
WAYS = (BY_NAME["native-head"], BY_NAME["tcx"], BY_NAME["userspace"])
USERSPACE = BY_NAME["userspace"]
INSUFFICIENT_CAPACITY, TRY_ALTERNATE = 508, 300


def echoed(client: turn.Client, payload: bytes) -> Complaints:
    """There and back by the channel; the first may find a neighbour that is not known yet."""
    client.socket.send(turn.channel_data(CHANNEL, payload))
    answer = client.receive(1)
    return [] if answer == turn.channel_data(CHANNEL, payload) else [f"{payload!r} came back as {answer!r}"]


def relayed_there(server: Turnpike, clients: Sequence[turn.Client]) -> Complaints:
    """Every client's data is, where the variant says."""
    before = server.relayed()
    found = [each for client in clients for each in echoed(client, b"hello")]
    counted = tuple(now - then for now, then in zip(server.relayed(), before))
    wanted = 2 * len(clients)
    if counted != ((wanted, 0) if server.variant.in_kernel else (0, wanted)):
        found.append(f"in the kernel, in user space: {counted} packets")
    return found


@contextlib.contextmanager
def bound_clients(lab: Lab) -> Iterator[list[turn.Client]]:
    """One a family, with an allocation and a channel to a peer that echoes."""
    with contextlib.ExitStack() as stack:
        clients = []
        for family in FAMILIES:
            peer = stack.enter_context(echo_peer(lab, family))
            clients.append(turn_client(lab, "client", family, family))
            stack.enter_context(clients[-1].socket)
            clients[-1].bind(CHANNEL, peer.address)
            for _ in range(3):
                echoed(clients[-1], b"warm-up")
        yield clients


def new_ones_get(lab: Lab, wanted: int) -> Complaints:
    found: Complaints = []
    for family in FAMILIES:
        with turn_client(lab, "client", family).socket as sock:
            client = turn.Client(sock, (lab.topology.listen.address(family), PORT), USER, PASSWORD)
            found += refused(wanted, lambda: client.allocate(family), f"a new allocation of IPv{family}")
    return found


def ended(server: Turnpike, line: str, timeout: float = 5) -> Complaints:
    """By itself, with status 0, and having said why."""
    status = server.process.wait(timeout)
    found = [f"ended with status {status}"] if status else []
    return found + ([] if line in server.process.log() else [f"'{line}' is not in the log: {server.process.log()}"])


def serves_for_a_while(server: Turnpike) -> Complaints:
    time.sleep(0.6)  # looks twice whether there is anything left
    status = server.process.exit_status()
    return [] if status is None else [f"ended with status {status}: {server.process.log()}"]


# Draining.

def drain(lab: Lab, variant: Variant) -> Complaints:
    server = Turnpike(lab, variant, options=["--workers", "2", "--drain-time", "60"])
    with bound_clients(lab) as clients:
        found = relayed_there(server, clients)
        server.process.send_signal(signal.SIGTERM)
        server.process.wait_for("draining: no new allocations; left: 2")
        found += serves_for_a_while(server) + new_ones_get(lab, INSUFFICIENT_CAPACITY)
        found += [] if server.ask("status")["draining"] else ["the status does not tell that it drains"]
        for client in clients:
            client.refresh(600)
        found += relayed_there(server, clients)
        clients[0].refresh(0)
        found += serves_for_a_while(server) + relayed_there(server, clients[1:])
        clients[1].refresh(0)
        return found + ended(server, "stopping: no allocation is left")


def drain_nothing(lab: Lab) -> Complaints:
    server = Turnpike(lab, USERSPACE, options=["--drain-time", "60"])
    server.process.send_signal(signal.SIGTERM)
    return ended(server, "stopping: no allocation is left")


def drain_to_the_limit(lab: Lab) -> Complaints:
    server = Turnpike(lab, USERSPACE, options=["--drain-time", "1"])
    with bound_clients(lab):
        start = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        found = ended(server, "warning: stopping: the time of --drain-time is over; allocations ended: 2")
    # Not how long it takes, but that it waits at all.
    return found + (["the time was not given"] if time.monotonic() - start < 1 else [])


def drain_twice(lab: Lab, again: signal.Signals) -> Complaints:
    server = Turnpike(lab, USERSPACE, options=["--drain-time", "60"])
    with bound_clients(lab):
        server.process.send_signal(signal.SIGTERM)
        server.process.wait_for("draining: ")
        found = serves_for_a_while(server)
        server.process.send_signal(again)
        return found + ended(server, f"stopping: {signal.strsignal(again)}")


def interrupt(lab: Lab) -> Complaints:
    server = Turnpike(lab, USERSPACE, options=["--drain-time", "60"])
    with bound_clients(lab):
        server.process.send_signal(signal.SIGINT)
        return ended(server, "stopping: Interrupt")


def drain_to_another(lab: Lab) -> Complaints:
    options = ["--drain-time", "60", "--alternate-server", "10.77.3.2:3478", "--alternate-server", "[fd77:0:0:3::2]:3478"]
    server = Turnpike(lab, USERSPACE, options=options)
    with bound_clients(lab) as clients:
        server.process.send_signal(signal.SIGTERM)
        server.process.wait_for("draining: ")
        found = new_ones_get(lab, TRY_ALTERNATE)
        for client in clients:
            client.refresh(0)
        return found + ended(server, "stopping: no allocation is left")


# Logging.

EVENTS = {"debug": {"refused", "unauthenticated", "allocated", "permitted", "bound", "refreshed", "ended"},
          "info": {"unauthenticated", "allocated", "ended"}, "warning": set(), "error": set()}
EVIL = 'ev\nturnpike: forged "user"'


def fail_to_authenticate(lab: Lab, user: str = "mallory") -> Complaints:
    with udp_socket(lab, "client", 4) as sock:
        client = turn.Client(sock, (lab.topology.listen.address(4), PORT), user, "wrong-password")
        return refused(401, lambda: client.allocate(4), "a wrong password")


def live_a_life(lab: Lab) -> Complaints:
    """Something for each event."""
    found = fail_to_authenticate(lab) + fail_to_authenticate(lab, EVIL)
    for family in FAMILIES:
        with turn_client(lab, "client", family, family).socket as sock, echo_peer(lab, family) as peer:
            client = turn.Client(sock, (lab.topology.listen.address(family), PORT), USER, PASSWORD)
            client.permit(peer.address)
            client.bind(CHANNEL, peer.address)
            client.refresh(600)
            found += refused(400, lambda: client.bind(1, peer.address), "a channel that is none")
            client.refresh(0)
    return found


def log_of_a_life(lab: Lab, *options: str) -> tuple[Complaints, list[str]]:
    """What the server has said until it ended; the line that it prints to be read by scripts is none of it."""
    server = Turnpike(lab, USERSPACE, options=["--workers", "2", *options])
    found = live_a_life(lab)
    server.stop()
    return found, [line for line in server.process.log().splitlines() if not line.startswith("ready ")]


def log_levels(lab: Lab, level: str) -> Complaints:
    # Of a password on the command line it warns while the options are still being read.
    found, lines = log_of_a_life(lab, "--user", "other:password", "--log-level", level, "--log-json")
    said = [json.loads(line) for line in lines]
    order = list(EVENTS)[::-1]
    if any("--users-file" in each["message"] for each in said) != (level != "error"):
        found.append("the warning of options is said at the wrong level, or not at all")
    for each in said:
        if list(each)[:4] != ["time", "level", "event", "message"] or order.index(each["level"]) > order.index(level):
            found.append(f"{each} is said")
    events = {each["event"] for each in said} - {"message"}
    if events != EVENTS[level]:
        found.append(f"the events are {events}")
    if EVENTS[level] and {each.get("user") for each in said} != {None, USER, "mallory", EVIL}:
        found.append(f"of the users {({each.get('user') for each in said})}")
    return found


def log_addresses(lab: Lab, level: str) -> Complaints:
    """Those of clients, peers and relayed transport addresses, of both families."""
    hidden = [lab.address(role, family) for role in ("client", "peer") for family in FAMILIES]
    relays = [f"relay={form}" for form in (f"{lab.topology.relayed.address(4)}:", f"[{lab.topology.relayed.address(6)}]:")]
    found, lines = log_of_a_life(lab, "--log-level", level)
    found += [f"{address} is in '{line}'" for address in hidden + relays for line in lines if address in line]
    more, lines = log_of_a_life(lab, "--log-level", level, "--log-addresses")
    wanted = relays + (hidden if level == "debug" else hidden[:2])  # peers have permissions, not allocations
    return found + more + [f"{address} is in no line" for address in wanted
                           if not any(address in line for line in lines)]


def log_one_line_each(lab: Lab) -> Complaints:
    """Nobody's name can make another line, nor is a secret in any."""
    found, lines = log_of_a_life(lab, "--log-level", "debug")
    found += [f"'{line}' is a line" for line in lines if not line.startswith("turnpike: ") or "turnpike: forged" in line[:20]]
    found += [f"a secret is in '{line}'" for line in lines if PASSWORD in line or "wrong-password" in line]
    if not any('user="ev\\nturnpike: forged \\"user\\""' in line for line in lines):
        found.append(f"the strange name is in no line: {lines}")
    return found


def log_flood(lab: Lab) -> Complaints:
    server = Turnpike(lab, USERSPACE)
    found = [each for _ in range(25) for each in fail_to_authenticate(lab)]
    server.stop()
    lines = [line for line in server.process.log().splitlines() if "authentication failed" in line]
    if len(lines) != 11 or not lines[-1].endswith("authentication failed more=15"):
        found.append(f"{len(lines)} lines, the last is '{lines[-1:]}'")
    return found


def log_descriptors(lab: Lab) -> Complaints:
    """Who may have few is told how many can relay, unless he has asked for no more than that."""
    found = []
    for options, wanted in (((), True), (("--max-allocations", "10"), False)):
        server = Turnpike(lab, USERSPACE, ["prlimit", "--nofile=600:600"], ["--workers", "2", *options])
        said = re.search(r"warning: there can be (\d+) relayed addresses at a time, not 32768", server.process.log())
        if bool(said) != wanted or (said and not 0 < int(said[1]) < 600):
            found.append(f"{options}: {server.process.log()}")
        with bound_clients(lab) as clients:
            found += relayed_there(server, clients)
        server.stop()
    return found


# The service manager.

@contextlib.contextmanager
def manager(lab: Lab) -> Iterator[tuple[socket.socket, list[str]]]:
    """A socket that hears what systemd would, and what a server is started through to find it."""
    path = lab.scratch / "notify.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(path))
        sock.settimeout(5)
        try:
            yield sock, ["env", f"NOTIFY_SOCKET={path}"]
        finally:
            path.unlink()


def told(sock: socket.socket, *wanted: str) -> Complaints:
    lines = sock.recv(4096).decode().splitlines()
    return [f"{lines} has no {line}" for line in wanted if line not in lines]


def manager_is_told(lab: Lab) -> Complaints:
    with manager(lab) as (sock, wrapper):
        server = Turnpike(lab, USERSPACE, wrapper, ["--drain-time", "60"])
        found = told(sock, "READY=1", "STATUS=serving")
        with bound_clients(lab) as clients:
            server.process.send_signal(signal.SIGTERM)
            found += told(sock, "STOPPING=1", "EXTEND_TIMEOUT_USEC=70000000")
            found += told(sock, "STATUS=draining, allocations left: 2")
            for client in clients:
                client.refresh(0)
        return found + ended(server, "stopping: no allocation is left")


def journal(lab: Lab) -> Complaints:
    """Lines for the journal begin with their level, if it is the journal that stderr is."""
    found = []
    for stream, wanted in (("$(stat -L -c %d:%i /proc/self/fd/2)", "<6>turnpike: serving at "), ("1:1", "turnpike: serving at ")):
        server = Turnpike(lab, USERSPACE, ["sh", "-c", f'JOURNAL_STREAM={stream} exec "$@"', "sh"])
        server.stop()
        if not any(line.startswith(wanted) for line in server.process.log().splitlines()):
            found.append(f"no line begins with '{wanted}': {server.process.log()}")
    return found


Test = Callable[[Lab], Complaints]


def tests() -> Iterator[tuple[str, Test]]:
    for variant in WAYS:
        yield f"drain/{variant.name}", partial(drain, variant=variant)
    yield "drain/nothing", drain_nothing
    yield "drain/limit", drain_to_the_limit
    for again in (signal.SIGTERM, signal.SIGINT):
        yield f"drain/twice/{again.name}", partial(drain_twice, again=again)
    yield "drain/interrupt", interrupt
    yield "drain/alternate", drain_to_another
    for level in EVENTS:
        yield f"log/level/{level}", partial(log_levels, level=level)
    for level in ("info", "debug"):
        yield f"log/addresses/{level}", partial(log_addresses, level=level)
    yield "log/one line each", log_one_line_each
    yield "log/flood", log_flood
    yield "log/descriptors", log_descriptors
    yield "manager/notified", manager_is_told
    yield "manager/journal", journal


if __name__ == "__main__":
    sys.exit(scenes.main("Ending in good time, changing while serving, logging.", tests(), scenes.tried_in_lab,
                         Lab("two-nic", offload=True)))

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Draining, the log, and the notifications of the service manager.

    client ----- relay ----- peer
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import select
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from lab import turn
from lab.complaints import Complaints, check, refused
from lab.endpoints import echo_peer, turn_client, udp_socket
from lab.lab import Lab
from lab.relay import BY_NAME, PASSWORD, PORT, USER, Turnpike, Variant
from lab.roundtrip import CHANNEL, bound_clients, relayed_there
from lab.service_manager import notified, notify_socket
from lab.topology import FAMILIES

VARIANTS_TO_DRAIN = (BY_NAME["native-head"], BY_NAME["tcx"], BY_NAME["userspace"])
USERSPACE = BY_NAME["userspace"]
INSUFFICIENT_CAPACITY, TRY_ALTERNATE = 508, 300


def new_ones_get(lab: Lab, wanted: int) -> Complaints:
    found: Complaints = []
    for family in FAMILIES:
        with turn_client(lab, "client", family).socket as sock:
            client = turn.Client(sock, (lab.topology.listen.address(family), PORT), USER, PASSWORD)
            found += refused(wanted, lambda: client.allocate(family), f"a new allocation of IPv{family}")
    return found


def ended(server: Turnpike, line: str, timeout: float = 5) -> Complaints:
    """The server ends without a further signal, with status 0, and logs the reason."""
    status = server.process.wait(timeout)
    found = [f"ended with status {status}"] if status else []
    return found + ([] if line in server.process.log() else [f"'{line}' is not in the log: {server.process.log()}"])


def serves_for_a_while(server: Turnpike) -> Complaints:
    time.sleep(0.6)  # two checks for remaining allocations
    status = server.process.exit_status()
    return [] if status is None else [f"ended with status {status}: {server.process.log()}"]


# Draining.

@pytest.mark.parametrize("variant", VARIANTS_TO_DRAIN)
def test_drain(lab: Lab, variant: Variant) -> None:
    """After SIGTERM, existing allocations are relayed, new ones are rejected, and the last one ends the server."""
    server = Turnpike(lab, variant, options=["--workers", "2", "--drain-time", "60"])
    with bound_clients(lab) as clients:
        found = relayed_there(server, clients)
        server.process.send_signal(signal.SIGTERM)
        server.process.wait_for("draining: no new allocations; remaining: 2")
        found += serves_for_a_while(server) + new_ones_get(lab, INSUFFICIENT_CAPACITY)
        found += [] if server.ask("status")["draining"] else ["the status does not report draining"]
        for client in clients:
            client.refresh(600)
        found += relayed_there(server, clients)
        clients[0].refresh(0)
        found += serves_for_a_while(server) + relayed_there(server, clients[1:])
        clients[1].refresh(0)
        check(found + ended(server, "stopping: no allocation remains"))


def test_drain_without_allocations(lab: Lab) -> None:
    """Without allocations, SIGTERM ends the server at once."""
    server = Turnpike(lab, USERSPACE, options=["--drain-time", "60"])
    server.process.send_signal(signal.SIGTERM)
    check(ended(server, "stopping: no allocation remains"))


def test_drain_to_the_limit(lab: Lab) -> None:
    """Allocations that remain after --drain-time end with the server."""
    server = Turnpike(lab, USERSPACE, options=["--drain-time", "1"])
    with bound_clients(lab):
        start = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        found = ended(server, "warning: stopping: --drain-time has elapsed; allocations ended: 2")
    # Shows that the server waits, not for how long.
    check(found + (["the server did not wait"] if time.monotonic() - start < 1 else []))


@pytest.mark.parametrize("again", (signal.SIGTERM, signal.SIGINT))
def test_drain_twice(lab: Lab, again: signal.Signals) -> None:
    """A second signal ends a draining server."""
    server = Turnpike(lab, USERSPACE, options=["--drain-time", "60"])
    with bound_clients(lab):
        server.process.send_signal(signal.SIGTERM)
        server.process.wait_for("draining: ")
        found = serves_for_a_while(server)
        server.process.send_signal(again)
        check(found + ended(server, f"stopping: {signal.strsignal(again)}"))


def test_interrupt(lab: Lab) -> None:
    """SIGINT ends the server without draining."""
    server = Turnpike(lab, USERSPACE, options=["--drain-time", "60"])
    with bound_clients(lab):
        server.process.send_signal(signal.SIGINT)
        check(ended(server, "stopping: Interrupt"))


def test_drain_to_another(lab: Lab) -> None:
    """A draining server sends new clients to the alternate server of their family."""
    options = ["--drain-time", "60",
               "--alternate-server", "10.77.3.2:3478", "--alternate-server", "[fd77:0:0:3::2]:3478"]
    server = Turnpike(lab, USERSPACE, options=options)
    with bound_clients(lab) as clients:
        server.process.send_signal(signal.SIGTERM)
        server.process.wait_for("draining: ")
        found = new_ones_get(lab, TRY_ALTERNATE)
        for client in clients:
            client.refresh(0)
        check(found + ended(server, "stopping: no allocation remains"))


# Logging.

EVENTS = {"debug": {"refused", "unauthenticated", "allocated", "permitted", "bound", "refreshed", "ended"},
          "info": {"refused", "unauthenticated", "allocated", "ended"}, "warning": set(), "error": set()}
LOOPBACK = {4: "127.0.0.1", 6: "::1"}
EVIL = 'ev\nturnpike: forged "user"'


def fail_to_authenticate(lab: Lab, user: str = "mallory") -> Complaints:
    with udp_socket(lab, "client", 4) as sock:
        client = turn.Client(sock, (lab.topology.listen.address(4), PORT), user, "wrong-password")
        return refused(401, lambda: client.allocate(4), "a wrong password")


def live_a_life(lab: Lab) -> Complaints:
    """Causes each event once."""
    found = fail_to_authenticate(lab) + fail_to_authenticate(lab, EVIL)
    for family in FAMILIES:
        with turn_client(lab, "client", family, family).socket as sock, echo_peer(lab, family) as peer:
            client = turn.Client(sock, (lab.topology.listen.address(family), PORT), USER, PASSWORD)
            client.permit(peer.address)
            client.bind(CHANNEL, peer.address)
            client.refresh(600)
            found += refused(400, lambda: client.bind(1, peer.address), "an invalid channel number")
            found += refused(403, lambda: client.permit((LOOPBACK[family], 9)), "a permission for this host")
            client.refresh(0)
    return found


def log_of_a_life(lab: Lab, *options: str) -> tuple[Complaints, list[str]]:
    """All log lines of the server, without the line that it prints to standard output."""
    server = Turnpike(lab, USERSPACE, options=["--workers", "2", *options])
    found = live_a_life(lab)
    server.stop()
    return found, [line for line in server.process.log().splitlines() if not line.startswith("ready ")]


@pytest.mark.parametrize("level", EVENTS)
def test_log_level(lab: Lab, level: str) -> None:
    """Each level logs its events and no others."""
    # The warning about a password on the command line is logged while the options are being parsed.
    found, lines = log_of_a_life(lab, "--user", "other:password", "--log-level", level, "--log-json")
    logged = [json.loads(line) for line in lines]
    order = list(EVENTS)[::-1]
    if any("--users-file" in each["message"] for each in logged) != (level != "error"):
        found.append("the warning about options is logged at the wrong level, or not at all")
    for each in logged:
        if list(each)[:4] != ["time", "level", "event", "message"] or order.index(each["level"]) > order.index(level):
            found.append(f"{each} is logged")
    events = {each["event"] for each in logged} - {"message"}
    if events != EVENTS[level]:
        found.append(f"the events are {events}")
    if EVENTS[level] and {each.get("user") for each in logged} != {None, USER, "mallory", EVIL}:
        found.append(f"of the users {({each.get('user') for each in logged})}")
    check(found)


@pytest.mark.parametrize("level", ("info", "debug"))
def test_log_addresses(lab: Lab, level: str) -> None:
    """Addresses of clients, peers and relays, of both families, are logged with --log-addresses only."""
    hidden = [lab.address(role, family) for role in ("client", "peer") for family in FAMILIES]
    relayed = lab.topology.relayed
    relays = [f"relay={relayed.address(4)}:", f"relay=[{relayed.address(6)}]:"]
    found, lines = log_of_a_life(lab, "--log-level", level)
    found += [f"{address} is in '{line}'" for address in hidden + relays for line in lines if address in line]
    more, lines = log_of_a_life(lab, "--log-level", level, "--log-addresses")
    wanted = relays + (hidden if level == "debug" else hidden[:2])  # peers have permissions, not allocations
    check(found + more + [f"{address} is in no line" for address in wanted
                          if not any(address in line for line in lines)])


def test_log_injection(lab: Lab) -> None:
    """A user name cannot forge a line of the log, and no line contains a secret."""
    found, lines = log_of_a_life(lab, "--log-level", "debug")
    found += [f"'{line}' is a line" for line in lines
              if not line.startswith("turnpike: ") or "turnpike: forged" in line[:20]]
    found += [f"a secret is in '{line}'" for line in lines if PASSWORD in line or "wrong-password" in line]
    if not any("method=CreatePermission code=403 reason=denied_peer" in line for line in lines):
        found.append("the reason of a refusal is in no line")
    if not any('user="ev\\nturnpike: forged \\"user\\""' in line for line in lines):
        found.append(f"the strange name is in no line: {lines}")
    check(found)


def test_log_flood(lab: Lab) -> None:
    """Of many failed authentications, ten are logged and the others counted."""
    server = Turnpike(lab, USERSPACE)
    found = [each for _ in range(25) for each in fail_to_authenticate(lab)]
    server.stop()
    lines = [line for line in server.process.log().splitlines() if "authentication failed" in line]
    if len(lines) != 11 or not lines[-1].endswith("authentication failed more=15"):
        found.append(f"{len(lines)} lines, the last is '{lines[-1:]}'")
    check(found)


def test_log_descriptors(lab: Lab) -> None:
    """A server with few descriptors warns about its limit, unless --max-allocations is lower."""
    found = []
    for options, wanted in (((), True), (("--max-allocations", "10"), False)):
        server = Turnpike(lab, USERSPACE, ["prlimit", "--nofile=600:600"], ["--workers", "2", *options])
        logged = re.search(r"warning: file descriptors limit the server to (\d+) relayed addresses instead of 32768",
                         server.process.log())
        if bool(logged) != wanted or (logged and not 0 < int(logged[1]) < 600):
            found.append(f"{options}: {server.process.log()}")
        with bound_clients(lab) as clients:
            found += relayed_there(server, clients)
        server.stop()
    check(found)


# The service manager.

def test_manager_is_notified(lab: Lab) -> None:
    """The service manager is notified when the server is ready, drains and stops."""
    with notify_socket(lab) as (sock, wrapper):
        server = Turnpike(lab, USERSPACE, wrapper, ["--drain-time", "60"])
        found = notified(sock, "READY=1", "STATUS=serving")
        with bound_clients(lab) as clients:
            server.process.send_signal(signal.SIGTERM)
            found += notified(sock, "STOPPING=1", "EXTEND_TIMEOUT_USEC=70000000")
            found += notified(sock, "STATUS=draining, allocations remaining: 2")
            for client in clients:
                client.refresh(0)
        check(found + ended(server, "stopping: no allocation remains"))


def test_journal(lab: Lab) -> None:
    """Lines begin with their level if stderr is the journal."""
    found = []
    for stream, wanted in (("$(stat -L -c %d:%i /proc/self/fd/2)", "<6>turnpike: listening on "),
                           ("1:1", "turnpike: listening on ")):
        server = Turnpike(lab, USERSPACE, ["sh", "-c", f'JOURNAL_STREAM={stream} exec "$@"', "sh"])
        server.stop()
        if not any(line.startswith(wanted) for line in server.process.log().splitlines()):
            found.append(f"no line begins with '{wanted}': {server.process.log()}")
    check(found)


# The log.

STUCK_ALLOCATIONS = 3000  # with two lines each, which are more than the buffers of the server hold


def allocate_and_end(lab: Lab, times: int) -> None:
    with turn_client(lab, "client", 4).socket as sock:
        client = turn.Client(sock, (lab.topology.listen.address(4), PORT), USER, PASSWORD)
        for _ in range(times):
            client.allocate(4)
            client.refresh(0)


def read_all(reader: int) -> str:
    """What is in a pipe now, and soon."""
    text = b""
    while select.select([reader], [], [], 2)[0] and (more := os.read(reader, 1 << 16)):
        text += more
    return text.decode()


@pytest.mark.parametrize("workers", [1, 2])
def test_nobody_reads_the_log(lab: Lab, workers: int, tmp_path: Path) -> None:
    """Clients are served, lost lines are counted, and whoever reads the log again learns of them."""
    fifo = tmp_path / "log"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096)
    server = Turnpike(lab, USERSPACE, ["sh", "-c", f'exec "$@" 2>{fifo}', "sh"], ["--workers", str(workers)])
    allocate_and_end(lab, STUCK_ALLOCATIONS)
    lost = server.ask("status")["log_lost"]
    log = read_all(reader)
    allocate_and_end(lab, 1)
    after = read_all(reader)
    os.close(reader)
    made, ended = (len(re.findall(f"allocation {what}", log)) for what in ("made", "ended"))
    assert lost > 0
    assert f"lines={lost}" in log
    assert made + ended + lost == 2 * STUCK_ALLOCATIONS
    assert "allocation made" in after and "allocation ended" in after
    assert server.ask("status")["log_lost"] == lost


# Accounting.

def endings(log: str) -> list[dict[str, Any]]:
    """The lines about ended allocations."""
    return [json.loads(line) for line in log.splitlines() if '"event":"ended"' in line]


def totals(ended: list[dict[str, Any]]) -> dict[str, int]:
    """The sums of their counters."""
    return {name: sum(each[name] for each in ended) for name in ended[0] if re.match("kernel_|userspace_", name)}


@pytest.mark.parametrize("variant", [BY_NAME[name] for name in ("native-head", "generic-head", "tcx", "userspace")])
def test_accounting(lab: Lab, variant: Variant) -> None:
    """The log says of each ended allocation what was relayed, as the counters of kernel and user space do."""
    server = Turnpike(lab, variant, options=["--log-json"])
    begun = time.monotonic()
    with bound_clients(lab) as clients:
        found = relayed_there(server, clients, payloads=[b"hello", b"", b"x" * 1000])
        kernel, user_space = server.relayed()
        stats = server.in_user_space()
        clients[0].refresh(0)
        server.stop()
    age = time.monotonic() - begun
    ended = endings(server.process.log())
    sums = totals(ended)
    assert not found
    assert [each["why"] for each in ended] == ["refresh", "stopping"]
    assert all(each["seconds"] <= age for each in ended), ended
    assert sums["kernel_to_peer_packets"] + sums["kernel_to_client_packets"] == kernel
    assert sums["userspace_to_peer_packets"] + sums["userspace_to_client_packets"] == user_space
    assert sums["userspace_to_peer_bytes"] == stats["to_peer"]["bytes"]
    assert sums["userspace_to_client_bytes"] == stats["to_client"]["bytes"]
    assert sums["kernel_to_peer_packets"] == sums["kernel_to_client_packets"]
    assert sums["kernel_to_peer_bytes"] == sums["kernel_to_client_bytes"]
    assert (kernel > 0) == variant.in_kernel

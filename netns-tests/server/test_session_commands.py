# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Status, users, drain and why: what the operator asks of all sessions.

    client ----- relay ----- peer
"""

from __future__ import annotations

import json
import signal
import time

import pytest

from lab import proc, turn
from lab.complaints import Complaints, check
from lab.credentials import rest_credentials
from lab.endpoints import echo_peer, turn_client
from lab.lab import Lab
from lab.relay import BINARY, BY_NAME, MODES, USER, Variant
from lab.schema import schema_complaints
from lab.sessions import BOB, FAMILY, MESSAGES, SECRET, allocated, ask, bound, name_of, serve, session_of, talk

INSUFFICIENT_CAPACITY = 508
IDLE = 3  # seconds
TIMEOUT = 60

every_mode = pytest.mark.parametrize("variant", MODES)
in_kernel_or_not = pytest.mark.parametrize("variant", (BY_NAME["tcx"], BY_NAME["userspace"]))
anyhow = pytest.mark.parametrize("variant", (BY_NAME["userspace"],))


# Users.

@every_mode
def test_users(lab: Lab, variant: Variant) -> None:
    """The sums of each user are those of its sessions. Time-limited names of one user are added up."""
    server = serve(lab, variant)
    with (echo_peer(lab, FAMILY) as peer, bound(lab, peer.address) as client, allocated(lab, BOB),
          bound(lab, peer.address, *rest_credentials(SECRET, "carol", 1000)) as first,
          bound(lab, peer.address, *rest_credentials(SECRET, "carol", 2000)) as second):
        complaints = talk(client) + talk(first) + talk(second)
        rows = {row["user"]: row for row in ask(server, "users")["users"]}
    wanted = {USER: (1, 1, 2, MESSAGES), BOB: (1, 1, 0, 0), "carol": (2, 2, 4, 2 * MESSAGES)}
    if rows.keys() != wanted.keys():
        complaints.append(f"the users are {rows.keys()}")
    for name, (allocations, relays, flows, packets) in wanted.items():
        row = rows[name]
        found = (row["allocations"], row["relays"], row["flows"],
                 *(row["kernel"][direction]["packets"] + row["userspace"][direction]["packets"]
                   for direction in ("to_peer", "to_client")))
        if found != (allocations, relays, flows, packets, packets):
            complaints.append(f"{name}: {row}")
        if row["kernel_flows"] != (flows if variant.in_kernel else 0):
            complaints.append(f"{name}: {row['kernel_flows']} flows are in the kernel")
    check(complaints + server.stop_complaints())


# Status and the other documents.

@every_mode
def test_documents(lab: Lab, variant: Variant) -> None:
    """All documents have the form that is documented, also after packets were relayed and a request was refused."""
    server = serve(lab, variant)
    with echo_peer(lab, FAMILY) as peer, bound(lab, peer.address) as client:
        complaints = talk(client)
        for command in ("status", "stats", "flows"):
            ask(server, command)
        ask(server, "mode", mode="userspace")
        ask(server, "status")
        complaints += schema_complaints(json.loads(server.cli("probe", "-j")), "probe")
        complaints += schema_complaints(json.loads(server.cli("probe", "dev", "nic0", "-j")), "probe")
    check(complaints + server.stop_complaints())


def notes(output: str) -> list[str]:
    return [line.removeprefix("note: ") for line in output.splitlines() if line.startswith("note: ")]


@in_kernel_or_not
def test_status(lab: Lab, variant: Variant) -> None:
    """It says first what an operator should know, and what part of the traffic the kernel relays."""
    server = serve(lab, variant)
    with echo_peer(lab, FAMILY) as peer, bound(lab, peer.address) as client:
        complaints = talk(client)
        normal = server.cli("status")
        waiting = [] if variant.in_kernel else [
            "1 channels or pairs wait until a device relays in the kernel: see the modes below"]
        if notes(normal) != waiting:
            complaints.append(f"the notes are {notes(normal)}")
        kernel, user = server.relayed()
        for line in (f"relayed      {kernel + user} packets", f"in the kernel {100 * kernel / (kernel + user):.1f} %",
                     "allocations  1, udp 1; relayed addresses 1", f"flows        {2 if variant.in_kernel else 0}"):
            if line not in normal:
                complaints.append(f"'{line}' is not in {normal}")
        everything = server.cli("status", "--all")
        if "ports_at_rest" not in everything or "ports_at_rest" in normal:
            complaints.append("--all makes no difference")
        server.order(command="drain")
        if not any("turnpike drain --undo" in note for note in notes(server.cli("status"))):
            complaints.append("there is no note that new allocations are refused")
    check(complaints + server.stop_complaints())


# Drain.

def is_refused(lab: Lab) -> bool:
    client = turn_client(lab, "client", FAMILY)
    with client.socket:
        try:
            client.allocate(FAMILY)
        except turn.TurnError as error:
            return error.code == INSUFFICIENT_CAPACITY
    return False


@in_kernel_or_not
def test_drain(lab: Lab, variant: Variant) -> None:
    """Nothing but new allocations is refused, and those are accepted again afterwards."""
    server = serve(lab, variant)
    with echo_peer(lab, FAMILY) as peer, bound(lab, peer.address) as client:
        complaints = talk(client)
        if ask(server, "drain") != {"draining": True, "allocations": 1} or not server.ask("status")["draining"]:
            complaints.append("it does not drain")
        client.refresh(600)
        complaints += talk(client)
        complaints += [] if is_refused(lab) else ["a new allocation is not refused"]
        if server.cli("drain", "--undo") != "new allocations are accepted; allocations left: 1\n":
            complaints.append("it still drains")
        with allocated(lab):
            pass
    if not server.logs("command=drain pid="):
        complaints.append("the log does not say who asked")
    check(complaints + server.stop_complaints())


@in_kernel_or_not
def test_wait(lab: Lab, variant: Variant) -> None:
    """It waits for an allocation in use, whose packets may be in the kernel, and not for an abandoned one."""
    server = serve(lab, variant)
    with echo_peer(lab, FAMILY) as peer, bound(lab, peer.address) as client, bound(lab, peer.address, BOB):
        complaints = talk(client)
        begin = time.monotonic()
        waiting = lab.start("relay", [str(BINARY), "drain", "--wait", "--idle", f"{IDLE}s", "-j", "--control",
                                      str(server.control)])
        while time.monotonic() < begin + 2 * IDLE:
            complaints += talk(client, 1)
            if waiting.exit_status() is not None:
                complaints.append("it did not wait for an allocation in use")
                break
        client.refresh(0)
        if not proc.wait_until(lambda: waiting.exit_status() == 0, TIMEOUT):
            complaints.append("it waits for an abandoned allocation")
        elif json.loads(waiting.log()) != {"draining": True, "allocations": 1}:
            complaints.append(f"the answer is {waiting.log()}")
    check(complaints + server.stop_complaints())


@anyhow
def test_stopping(lab: Lab, variant: Variant) -> None:
    """A server that stops does not go back."""
    server = serve(lab, variant, "--drain-time", "60")
    with allocated(lab) as client:
        server.process.send_signal(signal.SIGTERM)
        server.process.wait_for("draining")
        answer = server.order(command="drain", undo=True)
        complaints = [] if answer == {"error": "the server is stopping"} else [f"the answer is {answer}"]
        complaints += [] if is_refused(lab) else ["a new allocation is not refused"]
        client.refresh(0)
    check(complaints + server.stop_complaints())


# Why.

@in_kernel_or_not
def test_why(lab: Lab, variant: Variant) -> None:
    """The diagnosis of a user, and of a client, has each reason with its remedy."""
    server = serve(lab, variant)
    remedies = ask(server, "sessions")["remedies"]
    complaints: Complaints = []
    with echo_peer(lab, FAMILY) as peer, bound(lab, peer.address) as client, allocated(lab, BOB) as other:
        reason = session_of(server, client)["peers"][0]["to_peer"]
        for words in ((USER,), (name_of(client),), ("id", str(session_of(server, client)["id"]))):
            text = server.cli("why", *words)
            if f"2 of them: {reason['why']}\n    {remedies[reason['reason']]}\n" not in text:
                complaints.append(f"{words}: {text}")
        idle = session_of(server, other)
        if f"{idle['why']}\n    {remedies['no_peer']}\n" not in server.cli("why", BOB):
            complaints.append("nothing of a client without peers")
        complaints += talk(client)
        if variant.in_kernel and "of them" in server.cli("why", USER):
            complaints.append(f"the kernel relays, but: {server.cli('why', USER)}")
    if "no session" not in server.cli("why", "nobody"):
        complaints.append("nobody has sessions")
    check(complaints + server.stop_complaints())

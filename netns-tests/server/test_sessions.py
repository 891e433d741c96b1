# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Sessions: each is found by user, client and id, with what was relayed for it, and why not in the kernel.

    client ----- relay ----- peer
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from lab import connected, proc, turn
from lab.complaints import Complaints, check
from lab.credentials import rest_credentials
from lab.endpoints import echo_peer
from lab.lab import Lab
from lab.relay import BY_NAME, MODES, PASSWORD, USER, Turnpike, Variant
from lab.roundtrip import CHANNEL, HELLOS
from lab.sessions import (BOB, FAMILY, MESSAGES, PAYLOAD, SECRET, allocated, bound, name_of, serve, session_of,
                          sessions, talk)

TIMEOUT = 10
CHANNELS = 1500  # whose answer does not fit the buffers of a socket

every_mode = pytest.mark.parametrize("variant", MODES)
kernel_modes = pytest.mark.parametrize("variant", [BY_NAME[name] for name in ("native-head", "generic-head", "tcx")])
in_kernel_or_not = pytest.mark.parametrize("variant", (BY_NAME["tcx"], BY_NAME["userspace"]))
tcx = pytest.mark.parametrize("variant", (BY_NAME["tcx"],))


def packets(session: dict[str, Any], path: str) -> int:
    return sum(int(session[path][direction]["packets"]) for direction in ("to_peer", "to_client"))


def reasons(session: dict[str, Any]) -> set[str]:
    """Of both directions of all peers."""
    return {peer[direction]["reason"] for peer in session["peers"] for direction in ("to_peer", "to_client")}


# What is listed.

@dataclass
class Expected:
    user: str
    account: str
    transport: str
    client: turn.Client
    reason: str


@contextlib.contextmanager
def crowd(lab: Lab, peer: turn.Address) -> Iterator[list[Expected]]:
    """Clients of several users over several transports, with a channel or without, who have sent nothing yet."""
    rest, password = rest_credentials(SECRET, "carol")
    with contextlib.ExitStack() as stack:
        found = [Expected(user, account, "udp", stack.enter_context(bound(lab, peer, user, secret)), "")
                 for user, account, secret in ((USER, USER, PASSWORD), (BOB, BOB, PASSWORD), (rest, "carol", password))]
        for transport in ("tcp", "tls"):
            client = connected.turn_client(lab, transport, FAMILY, FAMILY)
            stack.callback(client.socket.close)
            client.bind(CHANNEL, peer)
            found.append(Expected(USER, USER, transport, client, transport))
        idle, checking = (stack.enter_context(allocated(lab, BOB)) for _ in range(2))
        checking.permit(peer)
        found += [Expected(BOB, BOB, "udp", idle, "no_peer"), Expected(BOB, BOB, "udp", checking, "no_data")]
        yield found


def differences(found: dict[str, Any], expected: Expected) -> Complaints:
    wanted = {"user": expected.user, "account": expected.account, "transport": expected.transport,
              "client": name_of(expected.client), "reason": expected.reason}
    return [f"{key} of {wanted['client']} is {found[key]}, not {value}" for key, value in wanted.items()
            if found[key] != value]


def lookups(server: Turnpike, everyone: list[Expected]) -> Complaints:
    """Each is found by user, account, client and id, and nobody else is."""
    by_id = {session["id"]: session["client"] for session in sessions(server)}
    wanted = sorted(name_of(each.client) for each in everyone)
    complaints = [] if sorted(by_id.values()) == wanted else [f"all: {sorted(by_id.values())}, not {wanted}"]
    for key, names in (("user", {each.user for each in everyone}), ("account", {each.account for each in everyone})):
        for name in names:
            found = sorted(session["client"] for session in sessions(server, user=name))
            theirs = sorted(name_of(each.client) for each in everyone if getattr(each, key) == name)
            complaints += [f"{key} {name}: {found}, not {theirs}"] if found != theirs else []
    for number, client in by_id.items():
        found = [session["client"] for session in sessions(server, id=number)]
        complaints += [f"id {number}: {found}, not {client}"] if found != [client] else []
    host = wanted[0].rpartition(":")[0]
    if (n := len(sessions(server, client=host))) != len(everyone):
        complaints.append(f"{n} sessions of {host}, not {len(everyone)}")
    return complaints + [f"somebody is found by {who}" for who in ({"user": "nobody"}, {"id": 1 << 40})
                         if sessions(server, **who)]


@in_kernel_or_not
def test_lookup(lab: Lab, variant: Variant) -> None:
    """Each session is found by the name of its user, time-limited or not, by its client, and by its id."""
    server = serve(lab, variant)
    with echo_peer(lab, FAMILY) as peer, crowd(lab, peer.address) as everyone:
        complaints = lookups(server, everyone)
        for each in everyone:
            complaints += differences(session_of(server, each.client), each)
    check(complaints + server.stop_complaints())


@every_mode
def test_counts(lab: Lab, variant: Variant) -> None:
    """What is relayed for a session is counted, in the kernel and in user space apart, to the last packet and byte."""
    server = serve(lab, variant)
    complaints: Complaints = []
    with echo_peer(lab, FAMILY) as peer, bound(lab, peer.address) as client, bound(lab, peer.address, BOB) as other:
        complaints += talk(other, HELLOS)
        for _ in range(2):  # a refresh in between, which keeps the counters
            complaints += talk(client)
            client.bind(CHANNEL, peer.address)
        session = session_of(server, client)
        for direction in ("to_peer", "to_client"):
            parts = [session[path][direction] for path in ("kernel", "userspace")]
            sent = {unit: sum(part[unit] for part in parts) for unit in ("packets", "bytes")}
            if sent != {"packets": 2 * MESSAGES, "bytes": 2 * MESSAGES * len(PAYLOAD)}:
                complaints.append(f"{direction}: {parts}")
        if (packets(session, "kernel") > 2 * MESSAGES) != variant.in_kernel:
            complaints.append(f"in the kernel: {session['kernel']}")
        if reasons(session) != ({""} if variant.in_kernel else {"no_device"}):
            complaints.append(f"the reasons are {reasons(session)}")
    check(complaints + server.stop_complaints())


@tcx
def test_ended_flows_count(lab: Lab, variant: Variant) -> None:
    """What the kernel relayed of a pair counts after it has become a channel."""
    server = serve(lab, variant)
    with echo_peer(lab, FAMILY) as peer, allocated(lab) as client:
        client.permit(peer.address)
        for _ in range(MESSAGES):
            client.send_indication(peer.address, PAYLOAD)
            assert client.receive(TIMEOUT)
        before = session_of(server, client)
        client.bind(CHANNEL, peer.address)
        after = session_of(server, client)
    complaints = [f"{path}: {after[path]}, before {before[path]}" for path in ("kernel", "userspace")
                  if after[path] != before[path]]
    if not packets(before, "kernel"):
        complaints.append("the kernel has relayed nothing")
    check(complaints + server.stop_complaints())


@in_kernel_or_not
def test_changing_crowd(lab: Lab, variant: Variant) -> None:
    """While allocations come and go, each that stays is listed once in each answer, and each answer is whole."""
    server = serve(lab, variant)
    stop = threading.Event()
    with echo_peer(lab, FAMILY) as peer, contextlib.ExitStack() as stack:
        staying = {name_of(stack.enter_context(bound(lab, peer.address))) for _ in range(100)}

        def churn() -> None:
            while not stop.is_set():
                with bound(lab, peer.address, BOB) as client:
                    client.refresh(0)

        thread = threading.Thread(target=churn)
        thread.start()
        try:
            answers = [sessions(server) for _ in range(20)]
        finally:
            stop.set()
            thread.join()
    complaints = []
    for answer in answers:
        listed = sorted(session["client"] for session in answer if session["user"] == USER)
        complaints += [f"{len(listed)} are listed, not {len(staying)}"] if listed != sorted(staying) else []
    check(complaints + server.stop_complaints())


# Reasons, forced one by one.

@kernel_modes
def test_new(lab: Lab, variant: Variant) -> None:
    """A channel without data has not been confirmed; its first packets confirm it."""
    server = serve(lab, variant)
    with echo_peer(lab, FAMILY) as peer, bound(lab, peer.address) as client:
        before = reasons(session_of(server, client))
        complaints = talk(client, HELLOS)
        after = reasons(session_of(server, client))
    complaints += [f"before: {before}"] if not before <= {"new", "unresolved"} else []
    complaints += [f"after: {after}"] if after != {""} else []
    check(complaints + server.stop_complaints())


@tcx
def test_again(lab: Lab, variant: Variant) -> None:
    """A flow without data is confirmed again only with its next packet."""
    server = serve(lab, variant, "--confirm", "1")
    with echo_peer(lab, FAMILY) as peer, bound(lab, peer.address) as client:
        complaints = talk(client, HELLOS)
        if not proc.wait_until(lambda: reasons(session_of(server, client)) == {"again"}, TIMEOUT):
            complaints.append(f"the reasons are {session_of(server, client)['peers']}")
    check(complaints + server.stop_complaints())


@tcx
def test_shares(lab: Lab, variant: Variant) -> None:
    """A channel beyond the share of its user says which option it is."""
    server = serve(lab, variant, "--max-flows", "400", "--user-flows", "1")
    with echo_peer(lab, FAMILY) as peer, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(bound(lab, peer.address)) for _ in range(3)]
        waiting = session_of(server, clients[2])
    why = waiting["peers"][0]["to_peer"]["why"]
    complaints = [] if reasons(waiting) == {"share"} and "--user-flows" in why else [f"the reason is {waiting}"]
    check(complaints + server.stop_complaints())


@tcx
def test_full_map(lab: Lab, variant: Variant) -> None:
    """A channel for which the map has no room waits for it."""
    server = serve(lab, variant, "--max-flows", "4")
    with echo_peer(lab, FAMILY) as peer, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(bound(lab, peer.address)) for _ in range(3)]
        waiting = session_of(server, clients[2])
    complaints = [] if reasons(waiting) == {"flows"} else [f"the reason is {waiting}"]
    check(complaints + server.stop_complaints())


@tcx
def test_mode_change(lab: Lab, variant: Variant) -> None:
    """Flows in the kernel do not relay after a change to user space, and do after a change back."""
    server = serve(lab, variant)
    with echo_peer(lab, FAMILY) as peer, bound(lab, peer.address) as client:
        complaints = talk(client, HELLOS)
        server.change_mode(BY_NAME["userspace"])
        there = reasons(session_of(server, client))
        server.change_mode(variant)
        complaints += talk(client, HELLOS)
        back = reasons(session_of(server, client))
    complaints += [f"in user space: {there}"] if there != {"no_device"} else []
    complaints += [f"back: {back}"] if back != {""} else []
    check(complaints + server.stop_complaints())


@tcx
def test_pairs(lab: Lab, variant: Variant) -> None:
    """An allocation with as many pairs as it may have says so."""
    server = serve(lab, variant, "--max-channels", "1")
    with echo_peer(lab, FAMILY) as peer, allocated(lab) as client:
        client.permit(peer.address)
        client.send_indication(peer.address, PAYLOAD)
        assert client.receive(TIMEOUT)
        found = session_of(server, client)
    complaints = [] if (found["reason"], found["pairs"]) == ("pairs", 1) else [f"the session is {found}"]
    check(complaints + server.stop_complaints())


@tcx
def test_hairpin(lab: Lab, variant: Variant) -> None:
    """Two clients of the relay as peers of each other: what each receives is a matter of the other's session."""
    server = serve(lab, variant)
    with allocated(lab) as first, allocated(lab, BOB) as second:
        relays = [session_of(server, client)["relays"][0]["address"].rsplit(":", 1) for client in (first, second)]
        addresses = [(host, int(port)) for host, port in relays]
        first.bind(CHANNEL, addresses[1])
        second.bind(CHANNEL, addresses[0])
        for _ in range(HELLOS):
            first.socket.send(turn.channel_data(CHANNEL, PAYLOAD))
            assert second.receive(TIMEOUT)
        peer = session_of(server, first)["peers"][0]
        other = session_of(server, second)["peers"][0]
    complaints = [] if peer["to_peer"]["in_kernel"] and peer["to_peer"]["packets"] else [f"the sender has {peer}"]
    complaints += [] if other["to_client"]["reason"] == "hairpin" else [f"the receiver has {other}"]
    check(complaints + server.stop_complaints())


@tcx
def test_local_peer(lab: Lab, variant: Variant) -> None:
    """A peer that is a client of the relay on TCP has no flow."""
    server = serve(lab, variant)
    tcp = connected.turn_client(lab, "tcp", FAMILY, FAMILY)
    with allocated(lab) as client, contextlib.closing(tcp.socket):
        host, port = session_of(server, tcp)["relays"][0]["address"].rsplit(":", 1)
        client.bind(CHANNEL, (host, int(port)))
        found = reasons(session_of(server, client))
    complaints = [] if "local_peer" in found else [f"the reasons are {found}"]
    check(complaints + server.stop_complaints())


@tcx
def test_unresolved(lab: Lab, variant: Variant) -> None:
    """A peer that does not exist on the relay's own network."""
    server = serve(lab, variant)
    nobody = lab.address("peer", FAMILY).rpartition(".")[0] + ".77"
    with bound(lab, (nobody, 7000)) as client:
        client.socket.send(turn.channel_data(CHANNEL, PAYLOAD))
        found = session_of(server, client)["peers"][0]["to_peer"]
    complaints = [] if found["reason"] == "unresolved" else [f"the reason is {found}"]
    check(complaints + server.stop_complaints())


NAT = """
table ip sessions {
    chain post { type nat hook postrouting priority srcnat; ip daddr %s udp sport >= 1024 masquerade to :%s random; }
}
"""


@contextlib.contextmanager
def nat(lab: Lab, peer: str) -> Iterator[None]:
    """The host's NAT changes the ports of what leaves for the peer."""
    lab.run("relay", ["nft", NAT % (peer, "20000-20999")])
    try:
        yield
    finally:
        lab.run("relay", ["nft", "delete table ip sessions"])


@tcx
def test_nat(lab: Lab, variant: Variant) -> None:
    """What the host's NAT changes stays in user space."""
    server = serve(lab, variant)
    with nat(lab, lab.address("peer", FAMILY)), echo_peer(lab, FAMILY) as peer, bound(lab, peer.address) as client:
        for _ in range(MESSAGES):
            client.socket.send(turn.channel_data(CHANNEL, PAYLOAD))
        told = proc.wait_until(
            lambda: session_of(server, client)["peers"][0]["to_peer"]["reason"] == "nat_port", TIMEOUT)
        found = session_of(server, client)["peers"][0]["to_peer"]
    complaints = [] if told else [f"the reason is {found}"]
    check(complaints + server.stop_complaints())


# Clients of the control socket.

@in_kernel_or_not
def test_hanging_up(lab: Lab, variant: Variant) -> None:
    """Whoever asks and goes before the end of a long answer leaves nothing behind, and disturbs nobody."""
    server = serve(lab, variant, "--max-channels", "4000")
    with allocated(lab) as client:
        for number in range(CHANNELS):
            client.bind(CHANNEL + number, (lab.address("peer", FAMILY), 10000 + number))
        for _ in range(20):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
                sock.settimeout(TIMEOUT)
                sock.connect(str(server.control))
                sock.sendall(b'{"command": "sessions"}\n')
                assert sock.recv(100)
        listed = len(session_of(server, client)["peers"])
        client.refresh(600)
    complaints = [] if listed == CHANNELS else [f"{listed} peers are listed, not {CHANNELS}"]
    check(complaints + server.stop_complaints())


# The command.

@tcx
def test_table(lab: Lab, variant: Variant) -> None:
    """The command prints a line for each session, and one for each direction that is not in the kernel."""
    server = serve(lab, variant)
    with echo_peer(lab, FAMILY) as peer, bound(lab, peer.address) as client:
        text = server.cli("sessions", "user", USER)
        nobody = server.cli("sessions", "user", BOB)
        rows = [line for line in text.splitlines() if name_of(client) in line]
    complaints = [] if len(rows) == 1 and "not in the kernel:" in text else [text]
    complaints += [nobody] if len(nobody.splitlines()) != 1 else []
    check(complaints + server.stop_complaints())

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Sessions that the operator ends: at once, in the kernel, too.

    client ----- relay ----- peer
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from lab import connected, proc, turn
from lab.complaints import Complaints, check
from lab.credentials import rest_credentials
from lab.endpoints import EchoPeer, echo_peer, turn_client
from lab.lab import Lab
from lab.relay import BY_NAME, MODES, PASSWORD, USER, Turnpike, Variant
from lab.roundtrip import CHANNEL, HELLOS
from lab.sessions import BOB, FAMILY, SECRET, allocated, ask, bound, name_of, serve, session_of, sessions, talk

FORBIDDEN = 403
STALE = b"must not arrive"
TIMEOUT = 10
SOON = 2  # seconds of a block

every_mode = pytest.mark.parametrize("variant", MODES)
anyhow = pytest.mark.parametrize("variant", (BY_NAME["userspace"],))


class Victim:
    """A client that talks with a peer until its session ends."""

    def __init__(self, server: Turnpike, peer: EchoPeer, client: turn.Client) -> None:
        self.peer, self.client = peer, client
        session = session_of(server, client)
        self.id: int = session["id"]
        host, port = session["relays"][0]["address"].rsplit(":", 1)
        self._relay = host, int(port)

    def complaints(self, other: turn.Client) -> Complaints:
        """Nothing that it or its peer sends arrives, though what another client sends later does."""
        for _ in range(HELLOS):
            self.client.socket.send(turn.channel_data(CHANNEL, STALE))
            self.peer.socket.sendto(STALE, self._relay)
        found = talk(other)
        found += [f"the peer received {STALE!r}"] if STALE in self.peer.received else []
        self.client.socket.settimeout(0.001)
        with contextlib.suppress(TimeoutError, ConnectionError):
            while got := self.client.socket.recv(2048):
                found += [f"the client received {got!r}"] if STALE in got else []
        return found


@contextlib.contextmanager
def two(lab: Lab, server: Turnpike) -> Iterator[tuple[Victim, turn.Client]]:
    """A client of alice and one of bob, whose data takes the path of the mode."""
    with (echo_peer(lab, FAMILY) as peer, bound(lab, peer.address) as client, bound(lab, peer.address, BOB) as other):
        check(talk(client) + talk(other))
        yield Victim(server, peer, client), other


def ended(answer: dict[str, Any], wanted: int) -> Complaints:
    return [] if answer["ended"] == wanted else [f"{answer['ended']} allocations have ended, not {wanted}"]


def logged(server: Turnpike, text: str, wanted: int) -> Complaints:
    def found() -> list[str]:
        return [line for line in server.process.log().splitlines() if text in line]
    proc.wait_until(lambda: len(found()) >= wanted, 5)
    lines = found()
    return [] if len(lines) == wanted else [f"{len(lines)} lines with '{text}', not {wanted}: {lines}"]


# Kick.

@every_mode
def test_kick(lab: Lab, variant: Variant) -> None:
    """After the answer, nothing of a user is relayed, in either direction. Others go on, and the user may come back."""
    server = serve(lab, variant)
    with two(lab, server) as (victim, other):
        before = server.relayed()
        complaints = ended(ask(server, "kick", user=USER), 1)
        complaints += victim.complaints(other)
        if (server.relayed()[0] > before[0]) != variant.in_kernel:
            complaints.append(f"relayed {server.relayed()}, before {before}")
        complaints += [f"{session['user']} is left" for session in sessions(server) if session["user"] != BOB]
        with allocated(lab):
            complaints += [] if len(sessions(server, user=USER)) == 1 else ["the user cannot come back"]
    complaints += logged(server, "why=kicked", 1) + logged(server, "command=kick pid=", 1)
    check(complaints + server.stop_complaints())


@anyhow
def test_whom_kick_ends(lab: Lab, variant: Variant) -> None:
    """A user of time-limited names by the name behind the colon, a client by its address, one session by its id."""
    server = serve(lab, variant)
    with contextlib.ExitStack() as stack:
        for seconds in (1000, 2000):
            stack.enter_context(allocated(lab, *rest_credentials(SECRET, "carol", seconds)))
        clients = [stack.enter_context(allocated(lab)) for _ in range(40)]
        tls = connected.turn_client(lab, "tls", FAMILY, FAMILY)
        stack.callback(tls.socket.close)
        complaints = ended(ask(server, "kick", user="carol"), 2)
        complaints += ended(ask(server, "kick", id=session_of(server, clients[0])["id"]), 1)
        complaints += ended(ask(server, "kick", client=name_of(clients[1])), 1)
        complaints += ended(ask(server, "kick", user="nobody"), 0)
        if server.order(command="kick") != {"error": "unknown command"}:
            complaints.append("a request without a name is accepted")
        complaints += ended(ask(server, "kick", user=USER), 39)
        if left := sessions(server):
            complaints.append(f"{len(left)} are left")
        if server.cli("kick", USER) != "0 allocations ended\n":
            complaints.append("the command prints something else")
    check(complaints + server.stop_complaints())


# Block.

def refusal(lab: Lab, user: str = USER, password: str = PASSWORD) -> Complaints:
    """An allocation of a blocked user."""
    client = turn_client(lab, "client", FAMILY, 0, user, password)
    with client.socket:
        try:
            client.allocate(FAMILY)
        except turn.TurnError as error:
            return [] if error.code == FORBIDDEN else [f"{user} gets error {error.code}"]
    return [f"{user} gets an allocation"]


@every_mode
def test_block_user(lab: Lab, variant: Variant) -> None:
    """A blocked user loses what it has, and gets nothing, until the block ends."""
    server = serve(lab, variant)
    with two(lab, server) as (victim, other):
        complaints = ended(ask(server, "block", user=USER), 1)
        complaints += victim.complaints(other) + refusal(lab)
        complaints += ended(ask(server, "unblock", user=USER), 0)
        with allocated(lab):
            pass
    complaints += logged(server, "code=403 reason=blocked", 1) + logged(server, "why=blocked seconds=", 1)
    complaints += logged(server, "command=block pid=", 1) + logged(server, "command=unblock pid=", 1)
    check(complaints + server.stop_complaints())


@every_mode
def test_block_clients(lab: Lab, variant: Variant) -> None:
    """Blocked clients lose what they have, and get no answer, over UDP and TLS. Others, here by IPv6, go on."""
    server = serve(lab, variant)
    with (echo_peer(lab, FAMILY) as peer, echo_peer(lab, 6) as other_peer, bound(lab, peer.address) as client,
          contextlib.ExitStack() as stack):
        other = turn_client(lab, "client", 6, 6)
        stack.enter_context(other.socket)
        other.bind(CHANNEL, other_peer.address)
        tls = connected.turn_client(lab, "tls", FAMILY, FAMILY)
        stack.callback(tls.socket.close)
        stranger = connected.Stream(lab, FAMILY)
        stranger.connect(connected.server_of(lab, "tcp", FAMILY))
        stack.callback(stranger.close)
        complaints = talk(client)
        victim = Victim(server, peer, client)
        network = f"{lab.address('client', FAMILY)}/24"
        complaints += ended(ask(server, "block", prefix=network), 2)
        complaints += victim.complaints(other)
        for stream in (tls.socket, stranger):
            if not stream.ends(TIMEOUT):
                complaints.append("a connection is still open")
        before = server.in_user_space()["denied"]
        with contextlib.suppress(TimeoutError):
            turn_client(lab, "client", FAMILY, FAMILY)
            complaints.append("a blocked client gets an allocation")
        if server.in_user_space()["denied"] <= before:
            complaints.append("no denied datagram is counted")
        if server.cli("unblock", network) != "unblocked\n":
            complaints.append("the command prints something else")
        with allocated(lab):
            pass
    check(complaints + server.stop_complaints())


@anyhow
def test_blocks(lab: Lab, variant: Variant) -> None:
    """Blocks are listed, replaced, and end by themselves. A reload keeps them."""
    server = serve(lab, variant)
    complaints = ended(ask(server, "block", user="carol", seconds=3600), 0)
    complaints += refusal(lab, *rest_credentials(SECRET, "carol"))
    server.cli("block", BOB, "--for", "2h")
    server.cli("block", BOB, "--for", f"{SOON}s")
    server.cli("block", "user", "192.0.2.0/24")
    server.cli("block", "2001:db8::1/32")
    listed = ask(server, "blocked")["blocked"]
    if [row.get("user") or row["prefix"] for row in listed] != ["carol", BOB, "192.0.2.0/24", "2001:db8::/32"]:
        complaints.append(f"blocked: {listed}")
    if not (3500 < listed[0]["expires_in"] <= 3600 and listed[1]["expires_in"] <= SOON) or listed[2]["expires_in"]:
        complaints.append(f"the times are {listed}")
    server.process.send_signal(signal.SIGHUP)
    server.process.wait_for("reloaded")
    complaints += refusal(lab, *rest_credentials(SECRET, "carol"))
    if not proc.wait_until(lambda: len(ask(server, "blocked")["blocked"]) == 3, TIMEOUT):
        complaints.append("a block has not ended")
    with allocated(lab, BOB):
        pass
    complaints += logged(server, "block has ended user=bob", 1)
    if "error" not in server.order(command="unblock", user=BOB):
        complaints.append("no error for somebody who is not blocked")
    for request in ({}, {"user": ""}, {"prefix": "x"}, {"user": "a", "prefix": "192.0.2.1"},
                    {"user": "a", "seconds": 0}):
        if server.order(command="block", **request) != {"error": "unknown command"}:
            complaints.append(f"accepted: {request}")
    check(complaints + server.stop_complaints())


@anyhow
def test_block_without_room(lab: Lab, variant: Variant) -> None:
    """There is a limit, and an error beyond it, which ends nothing."""
    server = serve(lab, variant)
    for number in range(1024):
        ask(server, "block", user=f"user-{number}")
    with allocated(lab):
        answer = server.order(command="block", user=USER)
        complaints = [] if "too many" in str(answer.get("error")) else [f"the answer is {answer}"]
        complaints += [] if len(sessions(server, user=USER)) == 1 else ["the session has ended"]
    if len(ask(server, "blocked")["blocked"]) != 1024:
        complaints.append("the list is not complete")
    check(complaints + server.stop_complaints())

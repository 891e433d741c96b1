# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Events as they happen, for whoever watches.

    client ----- relay ----- peer
"""

from __future__ import annotations

import contextlib
import json
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import proc, turn
from lab.complaints import Complaints, check
from lab.endpoints import echo_peer, turn_client, udp_socket
from lab.lab import Lab
from lab.relay import BINARY, BY_NAME, MODES, USER, Turnpike, Variant
from lab.schema import schema_complaints
from lab.sessions import BOB, FAMILY, MESSAGES, allocated, bound, name_of, serve, talk

TIMEOUT = 30.0
CLIENTS_MAX = 16    # of the control socket
FLOOD = 8_000       # more than a watcher and its socket have room for
CLOSED_PORT = 9

every_mode = pytest.mark.parametrize("variant", MODES)
anyhow = pytest.mark.parametrize("variant", (BY_NAME["userspace"],))


class Watch:
    """A monitor with its events so far."""

    def __init__(self, lab: Lab, server: Turnpike, *words: str) -> None:
        self._process = lab.start("relay", [str(BINARY), "monitor", "-j", "--control", str(server.control), *words])

    def events(self, **wanted: Any) -> list[dict[str, Any]]:
        lines = self._process.log().splitlines(keepends=True)
        events = [json.loads(line) for line in lines if line.endswith("\n")]
        return [event for event in events if wanted.items() <= event.items()]

    def has(self, count: int = 1, **wanted: Any) -> Complaints:
        """Check that there are so many of these events, once they have had time to come."""
        proc.wait_until(lambda: len(self.events(**wanted)) >= count, TIMEOUT)
        found = len(self.events(**wanted))
        return [] if found == count else [f"{found} events with {wanted}, not {count}: {self.events()}"]

    def stop(self) -> None:
        self._process.stop(signal.SIGTERM)


@contextlib.contextmanager
def watching(lab: Lab, server: Turnpike, *words: str) -> Iterator[Watch]:
    """Watch from now on: the server has read the request when it answers another one that came later."""
    before = connections(server)
    watch = Watch(lab, server, *words)
    proc.wait_until(lambda: connections(server) > before, TIMEOUT)
    server.ask("status")
    yield watch
    watch.stop()


def connections(server: Turnpike) -> int:
    """Of the control socket, as the server's process has them."""
    links = (os_readlink(path) for path in Path(f"/proc/{server.process.pid}/fd").iterdir())
    return sum(link.startswith("socket:") for link in links)


def os_readlink(path: Path) -> str:
    with contextlib.suppress(OSError):
        return str(path.readlink())
    return ""


@every_mode
def test_life_of_a_session(lab: Lab, variant: Variant) -> None:
    """Allocation, channel, data without a permission, refusals, ICMP errors, and the end, all with addresses."""
    server = serve(lab, variant)
    with watching(lab, server) as watch, echo_peer(lab, FAMILY) as peer:
        host, port = peer.address
        with bound(lab, peer.address) as client:
            name = name_of(client)
            complaints = watch.has(event="allocated", user=USER, client=name)
            complaints += watch.has(event="bound", user=USER, client=name, channel="0x4001", peer=f"{host}:{port}")
            client.socket.send(turn.send_indication(("192.0.2.77", 7), b"nobody may have this"))
            complaints += watch.has(event="dropped", user=USER, client=name, reason="no_permission",
                                    peer="192.0.2.77:7")
            with pytest.raises(turn.TurnError):
                client.allocate(FAMILY)
            complaints += watch.has(event="refused", client=name, method="Allocate", code=437, reason="has_allocation")
            client.bind(0x4002, (host, CLOSED_PORT))
            client.socket.send(turn.channel_data(0x4002, b"nobody is there"))
            complaints += watch.has(event="icmp", client=name, icmp_type=3, icmp_code=3, peer=f"{host}:{CLOSED_PORT}")
            client.refresh(0)
            complaints += watch.has(event="ended", client=name, why="refresh")
        stranger = turn_client(lab, "client", FAMILY, password="wrong")
        with stranger.socket:
            with pytest.raises(turn.TurnError):
                stranger.allocate(FAMILY)
            complaints += watch.has(event="refused", client=name_of(stranger), code=401, reason="wrong_password")
        complaints += [each for event in watch.events() for each in schema_complaints(event, "monitor")]
    check(complaints + server.stop_complaints())


@every_mode
def test_filters(lab: Lab, variant: Variant) -> None:
    """Each watcher sees what it has asked for: a user's events, a client's, one allocation's, or some kinds."""
    server = serve(lab, variant)
    with contextlib.ExitStack() as stack:
        peer = stack.enter_context(echo_peer(lab, FAMILY))
        alice = stack.enter_context(bound(lab, peer.address))
        by_user = stack.enter_context(watching(lab, server, "user", BOB))
        by_client = stack.enter_context(watching(lab, server, "client", name_of(alice)))
        by_id = stack.enter_context(watching(lab, server, "id", "1"))
        by_kind = stack.enter_context(watching(lab, server, "--events", "allocated,ended"))
        bob = stack.enter_context(allocated(lab, BOB))
        alice.refresh(600)
        bob.refresh(600)
        alice.refresh(0)
        complaints = by_user.has(event="allocated", user=BOB) + by_user.has(event="refreshed", user=BOB)
        complaints += by_client.has(event="refreshed") + by_client.has(event="ended")
        complaints += by_id.has(event="refreshed") + by_id.has(event="ended")
        complaints += by_kind.has(event="allocated") + by_kind.has(event="ended")
        seen = {"by user": (by_user, {"allocated", "refreshed"}), "by client": (by_client, {"refreshed", "ended"}),
                "by id": (by_id, {"refreshed", "ended"}), "by kind": (by_kind, {"allocated", "ended"})}
        for what, (watch, wanted) in seen.items():
            # The first request of a client, which has no credentials, is of no user.
            found = {event["event"] for event in watch.events()} - {"alive"}
            if found != wanted or len(watch.events()) - len(watch.events(event="alive")) != 2:
                complaints.append(f"{what}: {watch.events()}")
    check(complaints + server.stop_complaints())


@pytest.mark.parametrize("variant", [BY_NAME[name] for name in ("native-head", "generic-head", "tcx")])
def test_kernel(lab: Lab, variant: Variant) -> None:
    """What the kernel does not relay is shown by device and verdict, and so is each change of a mode."""
    server = serve(lab, variant)
    with (echo_peer(lab, FAMILY) as peer, bound(lab, peer.address) as client,
          watching(lab, server, "--events", "kernel,mode") as watch):
        complaints = talk(client)
        for _ in range(MESSAGES):
            client.socket.send(turn.channel_data(0x4003, b"no such channel"))
        proc.wait_until(lambda: sum(each["packets"] for each in watch.events(verdict="no-flow")) >= MESSAGES, TIMEOUT)
        found = watch.events(event="kernel", verdict="no-flow")
        if sum(each["packets"] for each in found) != MESSAGES or {each["dev"] for each in found} != {"nic0"}:
            complaints.append(f"without a flow: {watch.events()}")
        server.order(command="mode", mode="userspace")
        complaints += [each for dev in ("nic0", "nic1") for each in watch.has(event="mode", dev=dev, mode="userspace")]
        complaints += [each for event in watch.events() for each in schema_complaints(event, "monitor")]
    check(complaints + server.stop_complaints())


@anyhow
def test_flood(lab: Lab, variant: Variant) -> None:
    """A watcher that does not read holds nobody up, and is told how many events it has missed."""
    server = serve(lab, variant)
    with (echo_peer(lab, FAMILY) as peer, bound(lab, peer.address) as client, raw_watcher(server) as sock,
          udp_socket(lab, "client", FAMILY) as stranger):
        stranger.connect((lab.topology.listen.address(FAMILY), 3478))
        before = server.in_user_space()["no_allocation"]
        sent = 0
        while server.in_user_space()["no_allocation"] - before < FLOOD:
            assert sent < 100 * FLOOD, "the server counts nothing"
            for _ in range(100):
                stranger.send(turn.channel_data(0x4001, b"a stranger's"))
            sent += 100
            complaints = talk(client, 1)
            assert not complaints
        count = server.in_user_space()["no_allocation"] - before
        seen = lost = 0
        with contextlib.suppress(TimeoutError):
            for line in sock.makefile():
                event = json.loads(line)
                seen += event["event"] == "dropped"
                lost += event["lines"] if event["event"] == "lost" else 0
                if seen + lost == count:
                    break
    # Where the flood takes more than five seconds, the server has disconnected it for not reading.
    is_open = seen + lost >= count
    complaints = [] if (seen + lost == count and seen and lost) or not is_open else [
        f"{seen} shown and {lost} lost of {count}"]
    check(complaints + server.stop_complaints())


@contextlib.contextmanager
def raw_watcher(server: Turnpike) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(TIMEOUT)
        sock.connect(str(server.control))
        sock.sendall(b'{"command": "monitor", "events": ["dropped"]}\n')
        yield sock


@anyhow
def test_many(lab: Lab, variant: Variant) -> None:
    """Any number of watchers keep nobody from an answer, and those that have gone leave nothing behind."""
    server = serve(lab, variant)
    before = connections(server)
    with contextlib.ExitStack() as stack:
        for _ in range(3 * CLIENTS_MAX):
            stack.enter_context(raw_watcher(server))
            assert server.ask("status")["allocations"] == 0
        complaints = [] if connections(server) <= before + CLIENTS_MAX else ["there are too many connections"]
    # An event shows that they have gone.
    with udp_socket(lab, "client", FAMILY) as stranger:
        stranger.connect((lab.topology.listen.address(FAMILY), 3478))
        stranger.send(turn.channel_data(0x4001, b"a stranger's"))
    if not proc.wait_until(lambda: connections(server) <= before, TIMEOUT):
        complaints.append("connections are left")
    check(complaints + server.stop_complaints())


@anyhow
def test_text(lab: Lab, variant: Variant) -> None:
    """For people, an event is a line with the time, and requests that cannot be carried out are errors."""
    server = serve(lab, variant)
    with raw_terminal(lab, server) as process, allocated(lab, BOB) as client:
        process.wait_for(rf"^\d\d:\d\d:\d\d\.\d\d\d allocated +allocation made .*user={BOB} .*client={name_of(client)}")
    result = lab.run("relay", [str(BINARY), "monitor", "--events", "none"], check=False)
    complaints = [] if result.returncode == 2 and "refused,dropped" in result.stderr else [result.stderr]
    with raw_terminal(lab, server) as process:
        server.stop()
        process.wait_for("has closed the connection")
        assert process.wait(TIMEOUT) == 1
    check(complaints)


@contextlib.contextmanager
def raw_terminal(lab: Lab, server: Turnpike) -> Iterator[proc.Process]:
    before = connections(server)
    process = lab.start("relay", [str(BINARY), "monitor", "--control", str(server.control)])
    proc.wait_until(lambda: connections(server) > before, TIMEOUT)
    server.ask("status")
    yield process
    process.stop(signal.SIGTERM)

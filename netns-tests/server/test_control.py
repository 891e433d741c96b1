# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The control socket: who may ask, what is logged, and that no question disturbs clients or others who ask.

    client ----- relay ----- peer
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import proc
from lab.account import account
from lab.complaints import Complaints, check
from lab.endpoints import turn_client
from lab.lab import Lab
from lab.relay import BINARY, BY_NAME, Turnpike, Variant

FAMILY = 4
BOUND = 2000  # channels; their flows are some 20 pieces of an answer
FIRST_CHANNEL, FIRST_PORT = 0x4000, 10000
ROUNDS = 20
IN_BUFFERS = 400_000  # bytes of an answer that the server may have written though nobody has read them
CROWD = 60  # more than are served at a time
TIMEOUT = 60
STRANGER, GROUP = 12345, 54321
UNKNOWN = {"error": "unknown command"}

in_kernel_or_not = pytest.mark.parametrize("variant", (BY_NAME["tcx"], BY_NAME["userspace"]))
anyhow = pytest.mark.parametrize("variant", (BY_NAME["userspace"],))


# Clients of both sockets.

@contextlib.contextmanager
def asking(server: Turnpike, request: bytes = b"") -> Iterator[socket.socket]:
    """A connection on which a request, or the beginning of one, was sent."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(TIMEOUT)
        sock.connect(str(server.control))
        sock.sendall(request)
        yield sock


def command(name: str) -> bytes:
    return json.dumps({"command": name}).encode() + b"\n"


def read_all(sock: socket.socket) -> bytes:
    return b"".join(iter(lambda: sock.recv(65536), b""))


def answer_to(server: Turnpike, request: bytes) -> Any:
    with asking(server, request) as sock:
        data = read_all(sock)
    return json.loads(data) if data else None


class Bound:
    """A client with channels to as many ports of the peer."""

    def __init__(self, lab: Lab, channels: int) -> None:
        self._lab = lab
        self.client = turn_client(lab, "client", FAMILY, FAMILY)
        self.channels = 0
        for _ in range(channels):
            self.bind()

    def bind(self) -> None:
        self.client.bind(FIRST_CHANNEL + self.channels, (self._lab.address("peer", FAMILY), FIRST_PORT + self.channels))
        self.channels += 1

    def keys(self) -> list[tuple[str, int]]:
        """One for each flow to or from the client."""
        host, port = self.client.socket.getsockname()[:2]
        return [(f"{host}:{port}", FIRST_CHANNEL + number) for number in range(self.channels)]


def keys_of(rows: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(row["src"] if row["direction"] == "to-peer" else row["new_dst"], row["channel"]) for row in rows]


def start(lab: Lab, variant: Variant, *options: str) -> Turnpike:
    return Turnpike(lab, variant, options=["--workers", "2", "--max-channels", "16384", *options])


# Answers beside the clients.

@in_kernel_or_not
def test_long_answer(lab: Lab, variant: Variant) -> None:
    """While a long answer is read slowly, clients are served, channels are bound, and others get answers. The answer
    has each flow once that was there all the time, none that came later, and none that had gone before its turn."""
    server = start(lab, variant)
    old, leaving = Bound(lab, BOUND), Bound(lab, 3)
    there = old.keys()
    with asking(server, command("flows")) as sock:
        data = sock.recv(4096)  # now the list has begun
        for number in range(ROUNDS):
            old.client.refresh(600)
            old.bind()
            assert server.ask("status")["allocations"] == (2 if number <= ROUNDS // 2 else 1)
            if number == ROUNDS // 2:
                leaving.client.refresh(0)
            piece = sock.recv(4096)
            assert piece, f"the answer ended after {len(data)} bytes"
            data += piece
        meanwhile = len(data)
        data += read_all(sock)
    assert len(data) > meanwhile + IN_BUFFERS, f"the answer of {len(data)} bytes is too short for this test"
    listed = keys_of(json.loads(data)["flows"])
    complaints = [f"{len(listed)} flows are listed, not {2 * BOUND}"] if len(listed) != 2 * BOUND else []
    if sorted(listed) != sorted(2 * there):
        complaints.append("others are listed than those that were there all the time")
    if sorted(keys_of(server.flows())) != sorted(2 * old.keys()):
        complaints.append("the next answer does not have the flows that came meanwhile")
    check(complaints + server.stop_complaints())


@in_kernel_or_not
def test_silent_ones(lab: Lab, variant: Variant) -> None:
    """Any number of connections that send nothing, or do not read, keep nobody from an answer, and are ended."""
    server = start(lab, variant)
    bound = Bound(lab, BOUND)
    descriptors = Path(f"/proc/{server.process.pid}/fd")
    before = len(list(descriptors.iterdir()))
    with contextlib.ExitStack() as stack:
        for _ in range(CROWD):
            stack.enter_context(asking(server, command("flows")))
            stack.enter_context(asking(server, b'{"command"'))
            stack.enter_context(asking(server))
            bound.client.refresh(600)
            assert server.ask("status")["allocations"] == 1
        assert len(server.flows()) == 2 * BOUND
        assert proc.wait_until(lambda: len(list(descriptors.iterdir())) == before, TIMEOUT), "connections are left"
    check(server.stop_complaints())


class Trickle:
    """Connections on which requests come byte by byte, in a thread."""

    def __init__(self, connections: list[socket.socket]) -> None:
        self.open = connections
        self._thread = threading.Thread(target=self._send, daemon=True)
        self._thread.start()

    def _send(self) -> None:
        until = time.monotonic() + TIMEOUT
        while self.open and time.monotonic() < until:
            time.sleep(0.2)
            self.open = [sock for sock in self.open if self._is_open(sock)]

    @staticmethod
    def _is_open(sock: socket.socket) -> bool:
        with contextlib.suppress(OSError):
            return sock.send(b" ") == 1
        return False

    def wait(self) -> None:
        self._thread.join()


@anyhow
def test_trickle(lab: Lab, variant: Variant) -> None:
    """Requests that come byte by byte keep nobody from an answer, and are not waited for."""
    server = start(lab, variant)
    with contextlib.ExitStack() as stack:
        trickle = Trickle([stack.enter_context(asking(server)) for _ in range(CROWD)])
        for _ in range(ROUNDS):
            assert server.ask("status")["allocations"] == 0
        trickle.wait()
    complaints = [f"{len(trickle.open)} requests are still waited for"] if trickle.open else []
    check(complaints + server.stop_complaints())


@anyhow
def test_end_with_open_answers(lab: Lab, variant: Variant) -> None:
    """The server ends though answers are not finished."""
    server = start(lab, variant)
    Bound(lab, BOUND)
    with contextlib.ExitStack() as stack:
        for name in 3 * ("flows", "status", "sessions", "users", "mode", "stats"):
            stack.enter_context(asking(server, command(name)))
        complaints = server.stop_complaints()
    check(complaints)


# Requests.

REQUESTS = {
    "empty": b"\n", "no object": b"[]\n", "no command": b"{}\n", "no JSON": b"status\n",
    "a number": b'{"command": 1}\n', "unknown": command("none"), "no mode": command("mode"),
    "bad mode": b'{"command": "mode", "mode": "fast"}\n',
}


@anyhow
def test_requests(lab: Lab, variant: Variant) -> None:
    """Bad requests get an error, and one that is too long gets nothing. Two requests at once get one answer."""
    server = start(lab, variant)
    complaints = [f"{what}: {answer}" for what, request in REQUESTS.items()
                  if (answer := answer_to(server, request)) != UNKNOWN]
    with asking(server) as sock:
        with contextlib.suppress(OSError):
            sock.sendall(10_000 * b" ")
        with contextlib.suppress(ConnectionResetError):
            complaints += [f"an answer to a long request: {data!r}" for data in [sock.recv(4096)] if data]
    if "uptime" not in answer_to(server, command("status") + command("flows")):
        complaints.append("no status for two requests at once")
    check(complaints + server.stop_complaints())


# Access.

def as_user(lab: Lab, server: Turnpike, group: int, *words: str) -> tuple[int, str]:
    """Run a command as a user who is nobody but in a group. Returns its exit status and errors."""
    binary = lab.scratch / BINARY.name
    if not binary.exists():
        lab.scratch.chmod(0o711)
        shutil.copy(BINARY, binary)
    result = lab.run("relay", ["setpriv", f"--reuid={STRANGER}", f"--regid={group}", "--clear-groups", str(binary),
                               *words, "--control", str(server.control)], check=False)
    return result.returncode, result.stderr


@anyhow
def test_group(lab: Lab, variant: Variant) -> None:
    """The group of the socket may ask and change something, others may not. Changes are logged with who asked."""
    server = start(lab, variant, "--control-group", str(GROUP))
    found: Complaints = []
    status = server.control.stat()
    if (status.st_uid, status.st_gid, status.st_mode & 0o777) != (account().pw_uid, GROUP, 0o660):
        found.append(f"the socket has {status}")
    for words in (("status",), ("mode", "tc"), ("flows",), ("stats",)):
        code, errors = as_user(lab, server, GROUP, *words)
        found += [f"{words} of the group: {errors}"] if code else []
        code, errors = as_user(lab, server, STRANGER, *words)
        found += [f"{words} of a stranger: {code} {errors}"] if code != 1 or "permission denied" not in errors else []
    server.logs(" command=mode pid=")
    logged = [line for line in server.process.log().splitlines() if "control socket" in line]
    if len(logged) != 1 or not logged[0].endswith(f" uid={STRANGER}") or " command=mode pid=" not in logged[0]:
        found.append(f"the log has {logged}")
    check(found + server.stop_complaints())


@anyhow
def test_group_of_others(lab: Lab, variant: Variant) -> None:
    """A group that does not exist, or that the user must not use, is an error with a remedy."""
    lab.scratch.chmod(0o777)
    words = Turnpike.command(lab, variant, lab.scratch / "control.sock")
    os.chown(lab.scratch / "lab.conf", STRANGER, STRANGER)
    binary = shutil.copy(BINARY, lab.scratch / BINARY.name)
    stranger = ["setpriv", f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups", str(binary), *words[1:]]
    unknown = lab.run("relay", [*words, "--control-group", "no-such-group"], check=False)
    foreign = lab.run("relay", [*stranger, "--control-group", str(GROUP)], check=False)
    found = [f"{result.returncode}: {result.stderr}" for result, sentence in
             ((unknown, "--control-group: no such group"), (foreign, "choose a group of its user with --control-group"))
             if result.returncode != 1 or sentence not in result.stderr]
    check(found)

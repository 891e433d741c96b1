# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The view that renews itself: its rates are those of the clients' data, in its JSON and on a terminal.

    client ----- relay ----- peer
"""

from __future__ import annotations

import contextlib
import json
import shlex
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import proc
from lab.complaints import Complaints, check
from lab.credentials import rest_credentials
from lab.endpoints import echo_peer
from lab.lab import Lab
from lab.relay import BINARY, BY_NAME, MODES, USER, Turnpike, Variant
from lab.schema import schema_complaints
from lab.sessions import FAMILY, MESSAGES, PAYLOAD, SECRET, bound, name_of, serve, talk

TIMEOUT = 30.0
WIDTH, HEIGHT = 110, 24

every_mode = pytest.mark.parametrize("variant", MODES)
anyhow = pytest.mark.parametrize("variant", (BY_NAME["userspace"],))


def pages(process: proc.Process) -> list[dict[str, Any]]:
    """The documents that have been printed as a whole."""
    return [json.loads(line) for line in process.log().splitlines(keepends=True) if line.endswith("\n")]


def total(documents: list[dict[str, Any]], table: str, row: dict[str, str], *keys: str) -> int:
    """The sum of the rates of rows, times the seconds in which they held."""
    return round(sum(document["seconds"] * each[key] for document in documents for each in document[table]
                     for key in keys if row.items() <= each.items()))


@contextlib.contextmanager
def top(lab: Lab, server: Turnpike, *options: str) -> Iterator[proc.Process]:
    process = lab.start("relay", [str(BINARY), "top", "--control", str(server.control), *options])
    yield process
    process.stop(signal.SIGTERM)


@every_mode
def test_rates(lab: Lab, variant: Variant) -> None:
    """Rates times seconds are what was relayed: by path, for the user, and for the session."""
    server = serve(lab, variant)
    # Each message is counted on its way to the peer and back.
    both, wanted = ("kernel_packets", "user_packets"), 2 * MESSAGES
    with (echo_peer(lab, FAMILY) as peer, bound(lab, peer.address) as client, bound(lab, peer.address) as silent,
          top(lab, server, "-j", "-i", "1") as process):
        proc.wait_until(lambda: len(pages(process)) > 0, TIMEOUT)
        begun = len(pages(process))
        before = server.relayed()
        complaints = talk(client)
        kernel, _ = (now - then for now, then in zip(server.relayed(), before))
        sender, listener = ({"client": name_of(each)} for each in (client, silent))
        proc.wait_until(lambda: total(pages(process), "sessions", sender, *both) >= wanted, TIMEOUT)
        documents = pages(process)[begun - 1:]
    found = {
        "in the kernel": (total(documents, "paths", {"path": "kernel"}, "to_peer", "to_client"), kernel),
        "on all paths": (total(documents, "paths", {}, "to_peer", "to_client"), wanted),
        "bytes on all paths": (total(documents, "paths", {}, "bytes"), wanted * len(PAYLOAD)),
        "of the user": (total(documents, "users", {"user": USER}, *both), wanted),
        "of the session": (total(documents, "sessions", sender, *both), wanted),
        "of the session in the kernel": (total(documents, "sessions", sender, "kernel_packets"), kernel),
        "of the other session": (total(documents, "sessions", listener, *both), 0),
    }
    complaints += [f"{what}: {got} of {expected}" for what, (got, expected) in found.items() if got != expected]
    busy = [document for document in documents if document["kernel_share"] is not None]
    if any(document["sessions"][0]["client"] != sender["client"] for document in busy) or not busy:
        complaints.append("the busiest session is not the first one")
    complaints += [each for document in documents for each in schema_complaints(document, "top")]
    check(complaints + server.stop_complaints())


@anyhow
def test_counted_pages(lab: Lab, variant: Variant) -> None:
    """It ends after as many pages as it was told. Tables have a heading each."""
    server = serve(lab, variant)
    output = server.cli("top", "-i", "1", "-n", "2")
    complaints = [] if output.count("allocations 0, flows 0, in the kernel -") == 2 else [output]
    complaints += [heading for heading in ("path ", "user ", "id  user") if output.count(heading) < 2]
    if "\033" in output:
        complaints.append("there are control sequences in a file")
    check(complaints + server.stop_complaints())


@anyhow
def test_server_ends(lab: Lab, variant: Variant) -> None:
    server = serve(lab, variant)
    with top(lab, server, "-j", "-i", "1") as process:
        proc.wait_until(lambda: len(pages(process)) > 0, TIMEOUT)
        server.stop()
        proc.wait_until(lambda: process.exit_status() is not None, TIMEOUT)
        status, log = process.exit_status(), process.log()
    assert status == 1
    assert "no server listens on" in log


class Terminal:
    """A shell in tmux."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._socket: Path = lab.scratch / "tmux"
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(WIDTH), "-y", str(HEIGHT), "sh")

    def tmux(self, *arguments: str) -> str:
        return self._lab.run("relay", ["env", "TERM=xterm", "tmux", "-S", str(self._socket), *arguments]).stdout

    def screen(self) -> list[str]:
        return self.tmux("capture-pane", "-p").splitlines()

    def type(self, *keys: str) -> None:
        self.tmux("send-keys", *keys)

    def shows(self, text: str) -> bool:
        return proc.wait_until(lambda: any(text in line for line in self.screen()), TIMEOUT)


@contextlib.contextmanager
def terminal(lab: Lab) -> Iterator[Terminal]:
    term = Terminal(lab)
    try:
        yield term
    finally:
        term.tmux("kill-server")


def page_complaints(screen: list[str], names: list[str]) -> Complaints:
    """A page fits: it begins with the head, and no line is longer than the terminal is wide."""
    complaints = [f"{name} is not on the page" for name in names if not any(name in line for line in screen)]
    if not screen[0].startswith("turnpike "):
        complaints.append(f"the page begins with {screen[0]!r}")
    return complaints + [f"too long: {line!r}" for line in screen if len(line) > WIDTH]


@anyhow
@pytest.mark.parametrize("end", ["q", "C-c"])
def test_terminal(lab: Lab, variant: Variant, end: str) -> None:
    """The page fits the terminal, also when its size changes, and what was there before comes back at the end."""
    server = serve(lab, variant)
    command = shlex.join([str(BINARY), "top", "-i", "1", "--control", str(server.control)])
    with contextlib.ExitStack() as stack:
        peer = stack.enter_context(echo_peer(lab, FAMILY))
        clients = [stack.enter_context(bound(lab, peer.address)) for _ in range(2 * HEIGHT)]
        term = stack.enter_context(terminal(lab))
        term.type("echo was here", "Enter", command, "Enter")
        complaints = [] if term.shows("kernel_packets") else [f"there is no page: {term.screen()}"]
        complaints += talk(clients[-1])
        if not term.shows(name_of(clients[-1])):
            complaints.append("the busiest client is not on the page")
        complaints += page_complaints(term.screen(), ["userspace", USER])
        term.tmux("resize-window", "-x", str(WIDTH), "-y", str(HEIGHT // 2))
        complaints += [] if proc.wait_until(
            lambda: len(term.screen()) == HEIGHT // 2 and term.screen()[0].startswith("turnpike "), TIMEOUT) else [
                f"after the change of its size: {term.screen()}"]
        term.type(end)
        term.type("echo visi''ble; stty -a", "Enter")
        if not (term.shows("visible") and term.shows(" echo ")):
            complaints.append(f"afterwards, keys are not shown: {term.screen()}")
    check(complaints + server.stop_complaints())


@anyhow
def test_control_characters(lab: Lab, variant: Variant) -> None:
    """Whoever signs time-limited names may put control sequences into them. None reaches the terminal."""
    server = serve(lab, variant)
    name = "m\033[2Jall\u009bor\u202ey"
    commands = {"top": ("-i", "1", "-n", "1"), "users": (), "sessions": (),
                "why": ("client", lab.address("client", FAMILY))}
    with echo_peer(lab, FAMILY) as peer, bound(lab, peer.address, *rest_credentials(SECRET, name, 1000)):
        outputs = {command: server.cli(command, *options) for command, options in commands.items()}
    complaints = [f"{command}: {output!r}" for command, output in outputs.items()
                  if set("\033\u009b\u202e") & set(output) or "m?[2Jall" not in output]
    check(complaints + server.stop_complaints())

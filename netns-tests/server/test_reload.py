#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""SIGHUP: another configuration for a server that goes on serving.

    client ----- relay ----- peer

    users     those who are new come in, those who are gone do not; what they have goes on until it expires
    secrets   the same for time-limited names
    peers     permissions and flows for peers that are denied now end, others stay
    limits    others hold from then on, for what there is, too
    more      allocations than there could be at the start
    traffic   one reload after the other while messages go back and forth: none is lost, no allocation ends
    broken    a configuration with a mistake changes nothing
    unchanged the same file again, of which nothing is said
    restart   what cannot be changed is said, and stays
    log       other levels; what the service manager is told
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial

import scenes
from lab import proc, turn
from lab.complaints import Complaints, refused
from lab.credentials import rest_credentials
from lab.endpoints import echo_peer, turn_client
from lab.lab import Lab
from lab.relay import BY_NAME, PASSWORD, USER, Turnpike, Variant
from lab.roundtrip import CHANNEL, admitted, bound_client, bound_clients, echoed, relayed_there
from lab.service_manager import notified, notify_socket

WAYS = (BY_NAME["native-head"], BY_NAME["tcx"], BY_NAME["userspace"])
USERSPACE = BY_NAME["userspace"]
UNAUTHENTICATED, FORBIDDEN, INSUFFICIENT_CAPACITY = 401, 403, 508
OPTIONS = ("--workers", "2")


class Reloaded:
    """A server with a configuration file that can be changed."""

    def __init__(self, lab: Lab, variant: Variant, *lines: str, wrapper: list[str] | None = None) -> None:
        self.path = lab.scratch / "turnpike.conf"
        self._write(lines)
        self.server = Turnpike(lab, variant, wrapper or (), [*OPTIONS, "--config", str(self.path)])

    def _write(self, lines: tuple[str, ...]) -> None:
        self.path.touch(0o600)
        self.path.write_text("".join(f"{line}\n" for line in lines))

    def reload(self, *lines: str, wait_for: str = "reloaded; other than before: ") -> str:
        """What was said of it, up to the line that is waited for."""
        before = len(self.server.process.log())
        self._write(lines)
        self.server.process.send_signal(signal.SIGHUP)

        def said() -> str:
            return self.server.process.log()[before:]

        if not proc.wait_until(lambda: wait_for in said(), 5):
            raise proc.LabError(f"'{wait_for}' is not said, but: {said()}")
        return said()


def stays_out(lab: Lab, user: str, password: str, error: int = UNAUTHENTICATED) -> Complaints:
    one = turn_client(lab, "client", 4, user=user, password=password)
    with one.socket:
        return refused(error, lambda: one.allocate(4), f"{user} allocates")


def users(lab: Lab, variant: Variant) -> Complaints:
    running = Reloaded(lab, variant, "user = bob:one")
    found = stays_out(lab, "carol", "two")
    with bound_client(lab, "bob", "one") as bob:
        said = running.reload("user = carol:two")
        if "other than before: users and secrets\n" not in said:
            found.append(f"said {said}")
        found += relayed_there(running.server, [bob])
        found += admitted(lab, "carol", "two") + stays_out(lab, "bob", "one")
        found += refused(FORBIDDEN, lambda: bob.refresh(600), "somebody who is gone refreshes")
        found += relayed_there(running.server, [bob])
        running.reload("user = carol:two", "user = bob:one")
        bob.refresh(600)
        return found + relayed_there(running.server, [bob])


def secrets(lab: Lab) -> Complaints:
    """Rotated as they should be: the new one beside the old one, then without it."""
    old, new = rest_credentials("first-secret", "dave"), rest_credentials("second-secret", "dave")
    running = Reloaded(lab, USERSPACE, "auth-secret = first-secret")
    found = admitted(lab, *old) + stays_out(lab, *new)
    running.reload("auth-secret = first-secret", "auth-secret = second-secret")
    found += admitted(lab, *old) + admitted(lab, *new)
    running.reload("auth-secret = second-secret")
    found += stays_out(lab, *old) + admitted(lab, *new)
    log = running.server.process.log()
    return found + [f"{secret} is in the log" for secret in ("first-secret", "second-secret", old[1]) if secret in log]


def peers(lab: Lab, variant: Variant) -> Complaints:
    running = Reloaded(lab, variant)
    server = running.server
    denied = f"deny-peer = {lab.address('peer', 4)}/24"
    with bound_clients(lab) as (v4, v6):
        found = relayed_there(server, [v4, v6])
        flows = len(server.flows())
        running.reload(denied)
        if echoed(v4, b"hello") == []:
            found.append("a peer that is denied got a message")
        found += relayed_there(server, [v6])
        if 2 * len(server.flows()) != flows:
            found.append(f"{len(server.flows())} flows of {flows} are left")
        permit = partial(v4.permit, (lab.address("peer", 4), 9))
        found += refused(FORBIDDEN, permit, "a permission for a peer that is denied")
        found += refused(FORBIDDEN, partial(v4.bind, CHANNEL, (lab.address("peer", 4), 9)), "a channel to it")
        v4.refresh(600)
        running.reload("# all as before")
        with echo_peer(lab, 4) as peer:
            v4.bind(CHANNEL + 1, peer.address)
            v4.socket.send(turn.channel_data(CHANNEL + 1, b"again"))
            if v4.receive(1) != turn.channel_data(CHANNEL + 1, b"again"):
                found.append("a peer that is not denied any more is not reached")
        return found + relayed_there(server, [v6])


def limits(lab: Lab) -> Complaints:
    running = Reloaded(lab, USERSPACE)
    peer = lab.address("peer", 4)
    with bound_client(lab, USER, PASSWORD) as one:
        running.reload("max-channels = 1", "max-allocations = 1")
        found = refused(INSUFFICIENT_CAPACITY, lambda: one.bind(CHANNEL + 1, (peer, 9)), "one channel too many")
        found += stays_out(lab, USER, PASSWORD, INSUFFICIENT_CAPACITY)
        running.reload("max-channels = 2", "max-allocations = 2")
        one.bind(CHANNEL + 1, (peer, 9))
        return found + admitted(lab, USER, PASSWORD) + relayed_there(running.server, [one])


def more(lab: Lab, variant: Variant) -> Complaints:
    """What is allowed to be more has its place in the kernel, with the limits that allocations have there."""
    running = Reloaded(lab, variant, "max-allocations = 1", "max-rate = 1000000")
    running.reload("max-allocations = 4", "max-rate = 1000000")
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(bound_client(lab, USER, PASSWORD)) for _ in range(4)]
        return relayed_there(running.server, clients) + stays_out(lab, USER, PASSWORD, INSUFFICIENT_CAPACITY)


class Traffic:
    """Messages that go to the peer and back, a few in flight, each with its number."""

    def __init__(self, one: turn.Client) -> None:
        self._client = one
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.sent = 0
        self.found: Complaints = []

    def _run(self) -> None:
        try:
            while not self._done.is_set():
                self._exchange()
        except OSError as error:
            self.found.append(f"{type(error).__name__}: {error}")

    def _exchange(self) -> None:
        messages = [turn.channel_data(CHANNEL, f"message {self.sent + i}".encode()) for i in range(8)]
        for message in messages:
            self._client.socket.send(message)
        self.sent += len(messages)
        answers = [self._client.receive(1) for _ in messages]
        if answers != messages:
            self.found.append(f"sent {messages}, got {answers}")

    def __enter__(self) -> Traffic:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()


def traffic(lab: Lab, variant: Variant) -> Complaints:
    configurations = (("user = carol:two", "deny-peer = 198.51.100.0/24", "max-permissions = 10"),
                      ("user = dan:three", "auth-secret = secret", "max-rate = 1000000000", "user-quota = 9"), ())
    running = Reloaded(lab, variant)
    with bound_clients(lab) as clients, contextlib.ExitStack() as stack:
        streams = [stack.enter_context(Traffic(one)) for one in clients]
        for lines in itertools.islice(itertools.cycle(configurations), 30):
            running.reload(*lines)
        stack.close()
        found = [each for stream in streams for each in stream.found]
        if min(stream.sent for stream in streams) < 100:
            found.append(f"only {[stream.sent for stream in streams]} messages were sent")
        in_kernel, in_user_space = running.server.relayed()
        # What came before neighbours were known was relayed in user space, whatever the mode.
        if (in_kernel > in_user_space) != variant.in_kernel:
            found.append(f"{in_kernel} in the kernel, {in_user_space} in user space")
        for one in clients:
            one.refresh(600)
        return found


def broken(lab: Lab) -> Complaints:
    running = Reloaded(lab, USERSPACE, "user = bob:one")
    found = []
    with bound_client(lab, "bob", "one") as bob:
        for lines, sentence in ((("user = carol:two", "frobnicate = yes"), f"{running.path}:2: there is no key"),
                                (("user = carol:two", "max-lifetime = soon"), f"{running.path}:2: max-lifetime"),
                                (("user = carol:two", "user = carol:three"), "carol")):
            said = running.reload(*lines, wait_for="nothing is reloaded, and all is as before")
            if sentence not in said or "secret" in said or "three" in said:
                found.append(f"{lines}: {said}")
            found += stays_out(lab, "carol", "two") + admitted(lab, "bob", "one") + relayed_there(running.server, [bob])
        os.unlink(running.path)
        running.server.process.send_signal(signal.SIGHUP)
        running.server.process.wait_for(f"{running.path} cannot be read")
        running.reload("user = carol:two", "user = bob:one")
        return found + admitted(lab, "carol", "two") + relayed_there(running.server, [bob])


def unchanged(lab: Lab) -> Complaints:
    """The devices that were found, since none was asked for, are no change either."""
    running = Reloaded(lab, USERSPACE, "user = bob:one")
    for _ in range(2):  # what is said behind the line that is waited for comes before the next one
        said = running.reload("user = bob:one", wait_for="other than before: nothing")
    return [said] if "restart" in running.server.process.log() else []


def restart(lab: Lab) -> Complaints:
    """And what can be changed beside it, is."""
    running = Reloaded(lab, USERSPACE, "relay-ports = 50000-50999")
    with bound_client(lab, USER, PASSWORD) as one:
        said = running.reload("relay-ports = 51000-51999", "max-flows = 77", "user = carol:two",
                              wait_for="max-flows")
        found = [f"nothing is said of {option}: {said}" for option in ("relay-ports", "max-flows") if option not in said]
        found += admitted(lab, "carol", "two") + relayed_there(running.server, [one])
        another = turn_client(lab, "client", 4)
        with another.socket:
            another.allocate(4)
            if not 50000 <= another.relayed[1] <= 50999:
                found.append(f"relayed by {another.relayed}")
        return found


def log(lab: Lab) -> Complaints:
    running = Reloaded(lab, USERSPACE)
    found = []
    for level, wanted in (("info", {"allocation"}), ("debug", {"allocation", "request"}), ("warning", set())):
        # That it needs a restart is a warning, which is said at each of these levels.
        running.reload(f"log-level = {level}", f"max-flows = {100 + len(level)}", wait_for="max-flows")
        before = len(running.server.process.log())
        admitted(lab, USER, PASSWORD)
        said = running.server.process.log()[before:]
        if {line.split()[1] for line in said.splitlines()} != wanted:
            found.append(f"{level}: {said}")
    return found


def manager_is_told(lab: Lab) -> Complaints:
    with notify_socket(lab) as (sock, wrapper):
        running = Reloaded(lab, USERSPACE, wrapper=wrapper)
        found = notified(sock, "READY=1")
        running.reload("user = carol:two")
        found += notified(sock, "RELOADING=1") + notified(sock, "READY=1")
        running.server.stop()
        return found


Test = Callable[[Lab], Complaints]


def tests() -> Iterator[tuple[str, Test]]:
    for name, test in (("users", users), ("peers", peers), ("more", more), ("traffic", traffic)):
        for variant in WAYS:
            yield f"{name}/{variant.name}", partial(test, variant=variant)
    yield "secrets", secrets
    yield "limits", limits
    yield "broken", broken
    yield "unchanged", unchanged
    yield "restart", restart
    yield "log/levels", log
    yield "log/manager", manager_is_told


if __name__ == "__main__":
    sys.exit(scenes.main("Another configuration while it serves.", tests(), scenes.tried_in_lab,
                         Lab("two-nic", offload=True)))

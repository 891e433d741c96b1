# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""SIGHUP: a server takes another configuration while it serves.

    client ----- relay ----- peer
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from lab import connected, proc, turn
from lab.account import give
from lab.background import in_background
from lab.complaints import Complaints, check, refused
from lab.credentials import rest_credentials
from lab.endpoints import echo_peer, turn_client
from lab.lab import Lab
from lab.relay import BY_NAME, PASSWORD, REALM, USER, Turnpike, Variant
from lab.roundtrip import ANSWER_TIMEOUT, CHANNEL, admitted, bound_client, bound_clients, echoed, relayed_there
from lab.service_manager import notified, notify_socket

USERSPACE = BY_NAME["userspace"]
UNAUTHENTICATED, FORBIDDEN, INSUFFICIENT_CAPACITY = 401, 403, 508
OPTIONS = ("--workers", "2")
PRIVATE_PEER = {4: "10.1.2.3", 6: "fd12::1"}
some_variants = pytest.mark.parametrize("variant", [BY_NAME[name] for name in ("native-head", "tcx", "userspace")])


class Configured:
    """A server with a configuration file that can be changed."""

    def __init__(self, lab: Lab, variant: Variant, *lines: str, wrapper: Sequence[str] = ()) -> None:
        self.path = lab.scratch / "turnpike.conf"
        self._write(lines)
        self.server = Turnpike(lab, variant, wrapper, [*OPTIONS, "--config", str(self.path)])

    def _write(self, lines: Sequence[str]) -> None:
        self.path.touch(0o600)
        give(self.path)
        self.path.write_text("".join(f"{line}\n" for line in lines))

    def reload(self, *lines: str, wait_for: str = "reloaded; changed: ") -> str:
        """Reload with these lines, wait for a text in the log, and return what was logged since."""
        before = len(self.server.process.log())
        self._write(lines)
        self.server.process.send_signal(signal.SIGHUP)

        def logged() -> str:
            return self.server.process.log()[before:]

        if not proc.wait_until(lambda: wait_for in logged(), 20):
            raise proc.LabError(f"'{wait_for}' is not logged, but: {logged()}")
        return logged()


def rejected(lab: Lab, user: str, password: str, error: int = UNAUTHENTICATED) -> Complaints:
    """A user must not get an allocation."""
    client = turn_client(lab, "client", 4, user=user, password=password)
    with client.socket:
        return refused(error, lambda: client.allocate(4), f"an allocation for {user}")


def reaches_peer(client: turn.Client) -> bool:
    """Whether a message to the peer comes back."""
    return not echoed(client, b"hello")


# What a reload changes.

def ended(server: Turnpike, client: turn.Client, others: int) -> Complaints:
    """The allocation of the client has ended, with its flows; that many others have not."""
    complaints = [] if not reaches_peer(client) else ["a message was still relayed"]
    if (left := server.ask("status")["allocations"]) != others:
        complaints.append(f"{left} allocations are left, not {others}")
    if (flows := len(server.flows())) != 2 * others:
        complaints.append(f"{flows} flows are left, not {2 * others}")
    return complaints


@some_variants
def test_users(lab: Lab, variant: Variant) -> None:
    """New users are admitted, removed ones are not. Their allocations end with their flows, and nobody else's."""
    configured = Configured(lab, variant, "user = bob:one")
    complaints = rejected(lab, "carol", "two")
    with bound_client(lab, "bob", "one") as bob, bound_client(lab, USER, PASSWORD) as alice:
        complaints += relayed_there(configured.server, [bob, alice])
        log = configured.reload("user = carol:two")
        if "reloaded; changed: users and secrets\n" not in log or "why=revoked" not in log:
            complaints.append(f"the log is {log}")
        complaints += ended(configured.server, bob, 1) + relayed_there(configured.server, [alice])
        complaints += admitted(lab, "carol", "two") + rejected(lab, "bob", "one")
        configured.reload("user = carol:two", "user = bob:one")
        complaints += admitted(lab, "bob", "one") + relayed_there(configured.server, [alice])
        alice.refresh(600)
    check(complaints)


@some_variants
def test_changed_password(lab: Lab, variant: Variant) -> None:
    """The allocation of a user with another password ends. With another form of the same password it stays."""
    configured = Configured(lab, variant, "user = bob:one")
    with bound_client(lab, "bob", "one") as bob:
        configured.reload(f"user = bob:0x{hashlib.md5(f'bob:{REALM}:one'.encode()).hexdigest()}")
        complaints = relayed_there(configured.server, [bob])
        configured.reload("user = bob:two")
        complaints += ended(configured.server, bob, 0)
        check(complaints + admitted(lab, "bob", "two") + rejected(lab, "bob", "one"))


@some_variants
def test_revoked_secret(lab: Lab, variant: Variant) -> None:
    """Allocations live as long as the secret of their password: one that comes beside it ends none, its end does."""
    configured = Configured(lab, variant, "auth-secret = first-secret")
    with bound_client(lab, *rest_credentials("first-secret", "dave")) as old:
        configured.reload("auth-secret = second-secret", "auth-secret = first-secret")
        with bound_client(lab, *rest_credentials("second-secret", "dave")) as new:
            complaints = relayed_there(configured.server, [old, new])
            configured.reload("auth-secret = second-secret")
            complaints += ended(configured.server, old, 1) + relayed_there(configured.server, [new])
            new.refresh(600)
    check(complaints)


@some_variants
def test_denied_clients(lab: Lab, variant: Variant) -> None:
    """Allocations and connections of clients that are denied now end, others stay, until a reload admits them again."""
    configured = Configured(lab, variant)
    server = configured.server
    with bound_clients(lab) as (v4, v6):
        stream = connected.turn_client(lab, "tcp", 4, 4)
        complaints = relayed_there(server, [v4, v6])
        log = configured.reload(f"deny-client = {lab.address('client', 4)}/24")
        if "reloaded; changed: denied clients\n" not in log or log.count("why=denied") != 2:
            complaints.append(f"the log is {log}")
        complaints += ended(server, v4, 1) + relayed_there(server, [v6])
        if not stream.socket.ends(ANSWER_TIMEOUT):  # type: ignore[attr-defined]
            complaints.append("the connection of a denied client is still open")
        if not server.in_user_space()["denied"]:
            complaints.append("a message of a denied client is not counted")
        configured.reload("# as before")
        complaints += admitted(lab, USER, PASSWORD) + relayed_there(server, [v6])
    check(complaints)


@some_variants
def test_private_peers(lab: Lab, variant: Variant) -> None:
    """Permissions and flows for private peers end when a reload denies private networks."""
    configured = Configured(lab, variant)
    with bound_clients(lab) as clients:
        complaints = relayed_there(configured.server, clients)
        configured.reload("deny-peer = private")
        for client in clients:
            if reaches_peer(client):
                complaints.append("a message has reached a private peer")
            complaints += refused(FORBIDDEN, partial(client.permit, (PRIVATE_PEER[turn.family_of(client.relayed)], 9)),
                                  "a permission for a private peer")
        if configured.server.flows():
            complaints.append(f"flows are left: {configured.server.flows()}")
    check(complaints)


@some_variants
def test_kept_users(lab: Lab, variant: Variant) -> None:
    """With --keep-removed-users, allocations of removed users relay until they expire. Without it again, they end."""
    keep = "keep-removed-users = yes"
    configured = Configured(lab, variant, "user = bob:one", keep)
    with bound_client(lab, "bob", "one") as bob:
        configured.reload("user = carol:two", keep)
        complaints = relayed_there(configured.server, [bob])
        complaints += admitted(lab, "carol", "two") + rejected(lab, "bob", "one")
        complaints += refused(FORBIDDEN, lambda: bob.refresh(600), "a Refresh of a user who was removed")
        complaints += relayed_there(configured.server, [bob])
        configured.reload("user = carol:two", "user = bob:one", keep)
        bob.refresh(600)
        complaints += relayed_there(configured.server, [bob])
        configured.reload("user = carol:two", keep)
        configured.reload("user = carol:two")
        complaints += ended(configured.server, bob, 0)
    check(complaints)


def test_secrets(lab: Lab) -> None:
    """Secrets can be rotated: the new one beside the old one, then alone. The log has none of them."""
    old, new = rest_credentials("first-secret", "dave"), rest_credentials("second-secret", "dave")
    configured = Configured(lab, USERSPACE, "auth-secret = first-secret")
    complaints = admitted(lab, *old) + rejected(lab, *new)
    configured.reload("auth-secret = first-secret", "auth-secret = second-secret")
    complaints += admitted(lab, *old) + admitted(lab, *new)
    configured.reload("auth-secret = second-secret")
    complaints += rejected(lab, *old) + admitted(lab, *new)
    log = configured.server.process.log()
    check(complaints + [f"{secret} is in the log" for secret in ("first-secret", "second-secret", old[1])
                        if secret in log])


@some_variants
def test_denied_peers(lab: Lab, variant: Variant) -> None:
    """Permissions and flows for peers that are denied now end, others stay, until a reload admits them again."""
    configured = Configured(lab, variant)
    server = configured.server
    with bound_clients(lab) as (v4, v6):
        complaints = relayed_there(server, [v4, v6])
        flows = len(server.flows())
        configured.reload(f"deny-peer = {lab.address('peer', 4)}/24")
        if not echoed(v4, b"hello"):
            complaints.append("a message has reached a peer that is denied")
        complaints += relayed_there(server, [v6])
        if 2 * len(server.flows()) != flows:
            complaints.append(f"{len(server.flows())} flows of {flows} are left")
        denied = (lab.address("peer", 4), 9)
        complaints += refused(FORBIDDEN, partial(v4.permit, denied), "a permission for a peer that is denied")
        complaints += refused(FORBIDDEN, partial(v4.bind, CHANNEL, denied), "a channel to it")
        v4.refresh(600)
        configured.reload("# as before")
        with echo_peer(lab, 4) as peer:
            message = turn.channel_data(CHANNEL + 1, b"again")
            v4.bind(CHANNEL + 1, peer.address)
            v4.socket.send(message)
            if v4.receive(ANSWER_TIMEOUT) != message:
                complaints.append("a message does not reach a peer that is admitted again")
        complaints += relayed_there(server, [v6])
    check(complaints)


def test_limits(lab: Lab) -> None:
    """New limits hold from the reload on, and for allocations from before, too."""
    configured = Configured(lab, USERSPACE)
    peer = (lab.address("peer", 4), 9)
    with bound_client(lab, USER, PASSWORD) as client:
        configured.reload("max-channels = 1", "max-allocations = 1")
        complaints = refused(INSUFFICIENT_CAPACITY, lambda: client.bind(CHANNEL + 1, peer), "a second channel")
        complaints += rejected(lab, USER, PASSWORD, INSUFFICIENT_CAPACITY)
        configured.reload("max-channels = 2", "max-allocations = 2")
        client.bind(CHANNEL + 1, peer)
        complaints += admitted(lab, USER, PASSWORD) + relayed_there(configured.server, [client])
    check(complaints)


@some_variants
def test_more_allocations(lab: Lab, variant: Variant) -> None:
    """Allocations beyond the --max-allocations of the start have flows and policers in the kernel, too."""
    configured = Configured(lab, variant, "max-allocations = 1", "max-rate = 1000000")
    configured.reload("max-allocations = 4", "max-rate = 1000000")
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(bound_client(lab, USER, PASSWORD)) for _ in range(4)]
        check(relayed_there(configured.server, clients) + rejected(lab, USER, PASSWORD, INSUFFICIENT_CAPACITY))


def test_shared_limits(lab: Lab) -> None:
    """Limits that clients of all threads share change while these send, and end."""
    def rates(rate: int) -> list[str]:
        return [f"{name} = {rate}" for name in ("max-rate", "user-rate", "total-rate")]

    configured = Configured(lab, USERSPACE, *rates(100000))
    with echo_peer(lab, 4) as peer, contextlib.ExitStack() as stack:
        clients = [turn_client(lab, "client", 4, 4) for _ in range(8)]
        for client in clients:
            stack.enter_context(client.socket)
            client.bind(CHANNEL, peer.address)

        def send(done: threading.Event) -> None:
            while not done.wait(0.001):
                for client in clients:
                    client.socket.send(turn.channel_data(CHANNEL, bytes(1000)))

        with in_background(send):
            for rate in (200000, 100000, 300000, 0):
                configured.reload(*rates(rate))
        policed = configured.server.in_user_space()["policed"]
        complaints = [] if policed else ["nothing was policed"]
        message = turn.channel_data(CHANNEL, b"without a limit")
        for client in clients:
            client.socket.send(message)
            while (answer := client.receive(ANSWER_TIMEOUT)) not in (message, None):
                pass  # an answer to what was sent before
            if answer is None:
                complaints.append("no answer without a limit")
        if configured.server.in_user_space()["policed"] != policed:
            complaints.append("data was policed without a limit")
    check(complaints + configured.server.stop_complaints())


@pytest.mark.parametrize("level, wanted", (("info", {"allocation"}), ("debug", {"allocation", "request"}),
                                           ("warning", set())), ids=("info", "debug", "warning"))
def test_log_level(lab: Lab, level: str, wanted: set[str]) -> None:
    """Another log level holds from the reload on."""
    configured = Configured(lab, USERSPACE, "log-level = error")
    # The warning that max-flows needs a restart is logged at each of these levels.
    configured.reload(f"log-level = {level}", "max-flows = 100", wait_for="max-flows")
    before = len(configured.server.process.log())
    admitted(lab, USER, PASSWORD)
    lines = configured.server.process.log()[before:].splitlines()  # a request is logged before it is answered
    assert {line.split()[1] for line in lines} == wanted


# What it does not change.

class Traffic:
    """A thread that sends numbered messages through a client to the peer and back, a few of them in flight."""

    def __init__(self, client: turn.Client, executor: ThreadPoolExecutor) -> None:
        self._client = client
        self._done = threading.Event()
        self.sent = 0
        self._outcome = executor.submit(self._run)

    def _run(self) -> Complaints:
        complaints: Complaints = []
        while not self._done.is_set():
            complaints += self._exchange()
        return complaints

    def _exchange(self) -> Complaints:
        messages = [turn.channel_data(CHANNEL, f"message {self.sent + i}".encode()) for i in range(8)]
        for message in messages:
            self._client.socket.send(message)
        self.sent += len(messages)
        answers = [self._client.receive(ANSWER_TIMEOUT) for _ in messages]
        return [] if answers == messages else [f"{messages} came back as {answers}"]

    def stop(self) -> Complaints:
        self._done.set()
        return self._outcome.result()


@contextlib.contextmanager
def traffic(clients: Sequence[turn.Client], complaints: Complaints) -> Iterator[list[Traffic]]:
    """Traffic of each client throughout the block."""
    with ThreadPoolExecutor(len(clients)) as executor:
        streams = [Traffic(client, executor) for client in clients]
        try:
            yield streams
        finally:
            for stream in streams:
                complaints += stream.stop()


@some_variants
def test_traffic(lab: Lab, variant: Variant) -> None:
    """No message is lost and no allocation ends while one reload follows the other."""
    configurations = (("user = carol:two", "deny-peer = 198.51.100.0/24", "max-permissions = 10"),
                      ("user = dan:three", "auth-secret = secret", "max-rate = 1000000000", "user-quota = 9"), ())
    configured = Configured(lab, variant)
    with bound_clients(lab) as clients:
        # While a flow is being confirmed, a packet in the kernel overtakes one in user space.
        complaints = relayed_there(configured.server, clients)
        with traffic(clients, complaints) as streams:
            for lines in itertools.islice(itertools.cycle(configurations), 30):
                configured.reload(*lines)
            proc.wait_until(lambda: min(stream.sent for stream in streams) >= 100, 20)
        sent = [stream.sent for stream in streams]
        if min(sent) < 100:
            complaints.append(f"only {sent} messages were sent")
        kernel, user_space = configured.server.relayed()
        # Until neighbours are resolved, messages are relayed in user space, whatever the mode.
        if (kernel > user_space) != variant.in_kernel:
            complaints.append(f"in the kernel and in user space: {(kernel, user_space)}")
        for client in clients:
            client.refresh(600)
    check(complaints)


# Two lines, and what must be logged of them.
INVALID = {
    "unknown key": (("user = carol:two", "frobnicate = yes"), "{path}:2: unknown key"),
    "invalid value": (("user = carol:two", "max-lifetime = soon"), "{path}:2: max-lifetime"),
    "user twice": (("user = carol:two", "user = carol:three"), "carol"),
}


@pytest.mark.parametrize("what", INVALID)
def test_invalid_configuration(lab: Lab, what: str) -> None:
    """An invalid configuration changes nothing, and none of its secrets is logged; a valid one is taken afterwards."""
    lines, sentence = INVALID[what]
    configured = Configured(lab, USERSPACE, "user = bob:one")
    with bound_client(lab, "bob", "one") as bob:
        log = configured.reload(*lines, wait_for="reload failed: the previous configuration stays in effect")
        complaints = [] if sentence.format(path=configured.path) in log else [f"'{sentence}' is not in {log}"]
        complaints += [f"{secret} is in {log}" for secret in ("secret", "three") if secret in log]
        complaints += rejected(lab, "carol", "two") + admitted(lab, "bob", "one")
        complaints += relayed_there(configured.server, [bob])
        configured.reload("user = carol:two", "user = bob:one")
        complaints += admitted(lab, "carol", "two") + relayed_there(configured.server, [bob])
    check(complaints)


def test_missing_file(lab: Lab) -> None:
    """A configuration file that is gone changes nothing; a new one is taken afterwards."""
    configured = Configured(lab, USERSPACE, "user = bob:one")
    configured.path.unlink()
    configured.server.process.send_signal(signal.SIGHUP)
    configured.server.process.wait_for(f"cannot read {configured.path}")
    complaints = admitted(lab, "bob", "one")
    configured.reload("user = carol:two", "user = bob:one")
    check(complaints + admitted(lab, "carol", "two") + admitted(lab, "bob", "one"))


def test_fifo_as_configuration(lab: Lab) -> None:
    """A FIFO in place of a file of users does not block a reload, which changes nothing."""
    configured = Configured(lab, USERSPACE, "user = bob:one")
    fifo = lab.scratch / "fifo"
    fifo.unlink(missing_ok=True)
    os.mkfifo(fifo)
    configured.reload(f"users-file = {fifo}", wait_for=f"cannot read {fifo}: it is not a regular file")
    complaints = admitted(lab, "bob", "one")
    configured.reload("user = carol:two", "user = bob:one")
    check(complaints + admitted(lab, "carol", "two"))


def test_unchanged_configuration(lab: Lab) -> None:
    """The same file again changes nothing, and no restart is asked for, not even for the devices that were found."""
    configured = Configured(lab, USERSPACE, "user = bob:one")
    for _ in range(2):  # the second reload shows that the first one has logged everything
        configured.reload("user = bob:one", wait_for="reloaded; changed: nothing")
    assert "restart" not in configured.server.process.log()


def test_options_that_need_a_restart(lab: Lab) -> None:
    """Options that a reload cannot change are named and stay; other changes beside them are made."""
    configured = Configured(lab, USERSPACE, "relay-ports = 50000-50999")
    with bound_client(lab, USER, PASSWORD) as client:
        log = configured.reload("relay-ports = 51000-51999", "max-flows = 77", "user = carol:two", wait_for="max-flows")
        complaints = [f"{option} is not in {log}" for option in ("relay-ports", "max-flows") if option not in log]
        complaints += admitted(lab, "carol", "two") + relayed_there(configured.server, [client])
        another = turn_client(lab, "client", 4, 4)
        another.socket.close()
        if not 50000 <= another.relayed[1] <= 50999:
            complaints.append(f"the relayed address is {another.relayed}")
    check(complaints)


# The service manager.

def test_manager_is_notified(lab: Lab) -> None:
    """The service manager learns when a reload begins and ends."""
    with notify_socket(lab) as (sock, wrapper):
        configured = Configured(lab, USERSPACE, wrapper=wrapper)
        complaints = notified(sock, "READY=1")
        configured.reload("user = carol:two")
        complaints += notified(sock, "RELOADING=1") + notified(sock, "READY=1")
        configured.server.stop()
    check(complaints)

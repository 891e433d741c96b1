# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the service manager learns of a server that runs: its status in one line, and that it works.

    client ----- relay ----- peer
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.complaints import Complaints, check
from lab.endpoints import echo_peer
from lab.lab import Lab
from lab.relay import BY_NAME, Turnpike, Variant
from lab.service_manager import next_of, notify_socket
from lab.sessions import FAMILY, bound, talk

TIMEOUT = 30.0
WATCHDOG_US = 300_000  # a third of it passes between two notifications
SILENCE = 3.0          # far more than that
IN_FLIGHT = 5          # notifications of what was under way
OPTIONS = ("--workers", "2")
PTRACE_ATTACH, PTRACE_DETACH = 16, 17
WALL = 0x40000000      # __WALL of waitpid(2): threads, too

modes = pytest.mark.parametrize("variant", [BY_NAME[name] for name in ("native-head", "tcx", "userspace")])
anyhow = pytest.mark.parametrize("variant", (BY_NAME["userspace"],))


@contextlib.contextmanager
def managed(lab: Lab, variant: Variant, *environment: str) -> Iterator[tuple[socket.socket, Turnpike]]:
    with notify_socket(lab) as (sock, wrapper):
        yield sock, Turnpike(lab, variant, [*wrapper, *environment], OPTIONS)


def told(sock: socket.socket, *parts: str) -> Complaints:
    """A notification has all of these parts, now or later."""
    seen: list[str] = []
    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end:
        seen += next_of(sock)
        if all(part in seen[-1] for part in parts):
            return []
    return [f"nothing has {parts}: {seen}"]


@modes
def test_status(lab: Lab, variant: Variant) -> None:
    """The line has the number of allocations, the kernel's share and each device's mode, and says when it drains."""
    with managed(lab, variant, f"WATCHDOG_USEC={WATCHDOG_US}") as (sock, server):
        mode = server.ask("status")["devices"][0]["mode"]
        complaints = told(sock, "STATUS=serving: 0 allocations, no packets", f"nic0 {mode}", f"nic1 {mode}")
        with echo_peer(lab, FAMILY) as peer, bound(lab, peer.address) as client:
            complaints += told(sock, "STATUS=serving: 1 allocations, no packets")
            complaints += talk(client)
            if not variant.in_kernel:
                complaints += told(sock, ", 0 % of the packets in the kernel")
            else:
                # The first packet of each flow confirms it.
                complaints += talk(client)
                complaints += in_kernel(sock)
            server.order(command="drain")
            complaints += told(sock, "STATUS=draining: 1 allocations")
    check(complaints + server.stop_complaints())


def in_kernel(sock: socket.socket) -> Complaints:
    """Some of the packets are relayed in the kernel, however they are spread over the notifications."""
    seen: list[str] = []
    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end:
        seen += next_of(sock)
        if "of the packets in the kernel" in seen[-1] and ", 0 %" not in seen[-1]:
            return []
    return [f"the kernel relays nothing: {seen}"]


def worker_of(server: Turnpike) -> int:
    """A thread besides the main one that serves clients."""
    tasks = Path(f"/proc/{server.process.pid}/task")
    return next(int(task.name) for task in tasks.iterdir() if (task / "comm").read_text().startswith("tp-worker"))


@contextlib.contextmanager
def stopped(thread: int) -> Iterator[None]:
    """One thread does nothing, while the others of its process go on."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(PTRACE_ATTACH, thread, None, None):
        raise OSError(ctypes.get_errno(), "ptrace")
    os.waitpid(thread, WALL)
    try:
        yield
    finally:
        libc.ptrace(PTRACE_DETACH, thread, None, None)


def falls_silent(sock: socket.socket) -> Complaints:
    sock.settimeout(SILENCE)
    seen: list[str] = []
    while len(seen) < IN_FLIGHT:
        try:
            seen += next_of(sock)
        except TimeoutError:
            return []
    return [f"a worker hangs, and the manager hears {seen}"]


@anyhow
def test_watchdog(lab: Lab, variant: Variant) -> None:
    """The watchdog is calmed as long as all workers answer, and again after a worker that hung goes on."""
    with managed(lab, variant, f"WATCHDOG_USEC={WATCHDOG_US}") as (sock, server):
        complaints = told(sock, "WATCHDOG=1") + told(sock, "WATCHDOG=1")
        with stopped(worker_of(server)):
            complaints += falls_silent(sock)
        sock.settimeout(TIMEOUT)
        complaints += told(sock, "WATCHDOG=1") + told(sock, "WATCHDOG=1")
    check(complaints + server.stop_complaints())


@anyhow
@pytest.mark.parametrize("environment", [(), ("WATCHDOG_PID=1", f"WATCHDOG_USEC={WATCHDOG_US}")],
                         ids=["none", "of-another-process"])
def test_no_watchdog(lab: Lab, variant: Variant, environment: tuple[str, ...]) -> None:
    """Without a watchdog, the manager learns the status only."""
    with managed(lab, variant, *environment) as (sock, server):
        seen = [line for _ in range(2) for line in next_of(sock)]
        if seen[:2] != ["READY=1", "STATUS=serving"] or not seen[2].startswith("STATUS=serving: "):
            seen += ["which are not what was expected"]
        complaints = [*falls_silent(sock), *seen[3:]]
    check(complaints + server.stop_complaints())

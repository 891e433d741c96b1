# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A stand-in for systemd's end of the notification socket (sd_notify(3))."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

from lab.complaints import Complaints
from lab.lab import Lab

RENEWALS = ("STATUS=serving: ", "STATUS=draining: ", "WATCHDOG=1")


@contextlib.contextmanager
def notify_socket(lab: Lab) -> Iterator[tuple[socket.socket, list[str]]]:
    """The socket, and a wrapper that starts a server with NOTIFY_SOCKET set to it."""
    path = lab.scratch / "notify.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(path))
        path.chmod(0o777)  # as that of systemd
        sock.settimeout(5)
        try:
            yield sock, ["env", f"NOTIFY_SOCKET={path}"]
        finally:
            path.unlink()


def next_of(sock: socket.socket) -> list[str]:
    """The lines of the next notification."""
    return sock.recv(4096).decode().splitlines()


def notified(sock: socket.socket, *wanted: str) -> Complaints:
    """The next notification, apart from those that come now and then, has these lines."""
    while (lines := next_of(sock))[0].startswith(RENEWALS):
        pass
    return [f"{lines} has no {line}" for line in wanted if line not in lines]

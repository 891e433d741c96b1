# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Clients with time-limited credentials (draft-uberti-behave-turn-rest)."""

from __future__ import annotations

import socket

from lab import turn
from lab.credentials import rest_credentials
from lab.lab import Lab
from lab.relay import PORT

SECRET = "shared with the server only"
OPTIONS = ("--auth-secret", SECRET)


def rest_client(lab: Lab, sock: socket.socket, user: str, seconds: int, family: int = 4) -> turn.Client:
    """A client on this socket whose credentials are valid for the given number of seconds."""
    return turn.Client(sock, (lab.topology.listen.address(family), PORT), *rest_credentials(SECRET, user, seconds))

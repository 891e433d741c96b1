# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Users whom a secret lets in for some time: draft-uberti-behave-turn-rest."""

from __future__ import annotations

import socket

from lab import turn
from lab.credentials import rest_credentials
from lab.lab import Lab
from lab.relay import PORT

SECRET = "not told to anybody"
OPTIONS = ("--auth-secret", SECRET)


def guest(lab: Lab, sock: socket.socket, who: str, seconds: int, family: int = 4) -> turn.Client:
    """A client by this socket, whose name is good for so long."""
    return turn.Client(sock, (lab.topology.listen.address(family), PORT), *rest_credentials(SECRET, who, seconds))

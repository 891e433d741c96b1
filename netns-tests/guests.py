# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Users whom a secret lets in for some time: draft-uberti-behave-turn-rest."""

from __future__ import annotations

import base64
import hmac
import socket
import time

import turn
from lab import Lab
from relay import PORT

SECRET = "not told to anybody"
OPTIONS = ("--auth-secret", SECRET)


def guest(lab: Lab, sock: socket.socket, who: str, seconds: int, family: int = 4) -> turn.Client:
    """A client by this socket, whose name is good for so long."""
    name = f"{int(time.time()) + seconds}:{who}"
    password = base64.b64encode(hmac.digest(SECRET.encode(), name.encode(), "sha1")).decode()
    return turn.Client(sock, (lab.topology.listen.address(family), PORT), name, password)

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Sessions of clients, and what the server says of them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from lab import connected, turn
from lab.account import give
from lab.complaints import Complaints, check
from lab.connected import Connected
from lab.endpoints import turn_client
from lab.lab import Lab
from lab.relay import PASSWORD, USER, Turnpike, Variant
from lab.roundtrip import CHANNEL, echoed
from lab.schema import schema_complaints

FAMILY = 4
BOB, SECRET = "bob", "a-secret-of-this-test"
PAYLOAD = b"some data"
MESSAGES = 10


def serve(lab: Lab, variant: Variant, *options: str) -> Turnpike:
    """A server with TLS, two users with passwords, and time-limited ones."""
    secret = lab.scratch / "secret"
    secret.write_text(SECRET)
    give(secret)
    return connected.serve(lab, variant, ["--workers", "2", "--user", f"{BOB}:{PASSWORD}", "--auth-secret-file",
                                          str(secret), *options])


def ask(server: Turnpike, command: str, **request: Any) -> dict[str, Any]:
    """The answer to a request, which has the form that is documented."""
    answer = server.order(command=command, **request)
    check(schema_complaints(answer, command))
    return answer


def sessions(server: Turnpike, **who: Any) -> list[dict[str, Any]]:
    return list(ask(server, "sessions", **who)["sessions"])


def name_of(client: turn.Client) -> str:
    """The client's address, as the server writes it."""
    inner = client.socket.socket if isinstance(client.socket, Connected) else client.socket
    host, port = inner.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def session_of(server: Turnpike, client: turn.Client) -> dict[str, Any]:
    found = sessions(server, client=name_of(client))
    assert len(found) == 1, f"{len(found)} sessions of {name_of(client)}"
    return found[0]


@contextlib.contextmanager
def allocated(lab: Lab, user: str = USER, password: str = PASSWORD) -> Iterator[turn.Client]:
    client = turn_client(lab, "client", FAMILY, FAMILY, user, password)
    with client.socket:
        yield client


@contextlib.contextmanager
def bound(lab: Lab, peer: turn.Address, user: str = USER, password: str = PASSWORD) -> Iterator[turn.Client]:
    with allocated(lab, user, password) as client:
        client.bind(CHANNEL, peer)
        yield client


def talk(client: turn.Client, count: int = MESSAGES) -> Complaints:
    return [each for _ in range(count) for each in echoed(client, PAYLOAD)]

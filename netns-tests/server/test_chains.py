# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Chains of relays: a client reaches one relay by the other, that one by the first, and so on.

    client ----- relay ----- another relay
"""

from __future__ import annotations

import pytest

from lab import turn
from lab.complaints import Complaints, check
from lab.endpoints import TTL, receive, turn_client, udp_socket
from lab.lab import Lab
from lab.relay import BY_NAME, PASSWORD, PORT, USER, Turnpike, Variant
from lab.rig import with_option
from lab.roundtrip import ANSWER_TIMEOUT, CHANNEL
from lab.topology import FAMILIES

LENGTH = 7  # visits of relays; the last one is of the first relay, which may reach the peer's place
some_variants = pytest.mark.parametrize("variant", [BY_NAME[name] for name in ("tcx", "userspace")])
families = pytest.mark.parametrize("family", FAMILIES)


class Through:
    """A socket whose datagrams take a channel of another client."""

    def __init__(self, client: turn.Client) -> None:
        self._client = client
        self._timeout: float | None = None

    def connect(self, server: turn.Address) -> None:
        self._client.bind(CHANNEL, server)

    def settimeout(self, timeout: float | None) -> None:
        self._timeout = timeout

    def send(self, message: bytes) -> int:
        self._client.socket.send(turn.channel_data(CHANNEL, message))
        return len(message)

    def recv(self, _size: int) -> bytes:
        answer = self._client.receive(self._timeout or 0)
        if answer is None:
            raise TimeoutError
        return answer[4:]


def start_another(lab: Lab, family: int) -> turn.Address:
    """A relay at the peer's place. Returns its address."""
    address = lab.address("peer", family)
    command = Turnpike.command(lab, BY_NAME["userspace"], lab.scratch / "another.sock")
    listen = ["--listen", f"[{address}]:{PORT}" if family == 6 else f"{address}:{PORT}"]
    process = lab.start("peer", [*command[:2], *listen, *command[command.index("--realm"):]])
    process.wait_for(r"\bready\b")
    return address, PORT


def chain(lab: Lab, family: int, relays: tuple[turn.Address, turn.Address]) -> list[turn.Client]:
    """A client of the first relay, one of the second by the first, one of the first by both, and so on."""
    clients = [turn_client(lab, "client", family, family)]
    while len(clients) < LENGTH:
        through = Through(clients[-1])
        clients.append(turn.Client(through, relays[len(clients) % 2], USER, PASSWORD))  # type: ignore[arg-type]
        clients[-1].allocate(family)
    return clients


@some_variants
@families
def test_ttl(lab: Lab, variant: Variant, family: int) -> None:
    """Each visit takes one from the TTL, in the kernel and in user space, until nothing is left."""
    first = Turnpike(lab, variant)
    clients = chain(lab, family, ((lab.topology.listen.address(family), PORT), start_another(lab, family)))
    complaints: Complaints = []
    with clients[0].socket as base, udp_socket(lab, "peer", family) as end:
        clients[-1].bind(CHANNEL, end.getsockname()[:2])
        for ttl in (64, LENGTH + 1, LENGTH, 64):
            level, option, *_ = TTL[family]
            with with_option(base, level, option, ttl, 64):
                clients[-1].socket.send(turn.channel_data(CHANNEL, f"{ttl}".encode()))
            if ttl > LENGTH:
                got = receive(end, family, ANSWER_TIMEOUT)
                if not got or (got.payload, got.ttl) != (f"{ttl}".encode(), ttl - LENGTH):
                    complaints.append(f"{got} has come, not {ttl} with a TTL of {ttl - LENGTH}")
    if (ended := first.in_user_space()["ttl"] + first.verdicts().get("ttl", 0)) != 1:
        complaints.append(f"{ended} datagrams have ended at the first relay")
    check(complaints)

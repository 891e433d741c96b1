# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Odd packets, in every mode: what the relay must move, must leave to user space, and must not move at all.

    client ----- switch ----- relay        client ----- relay ----- peer
                   |
                 peer

In these networks the client reaches the relay's NIC with frames of its own making. The packets are the tables of
packet_cases.py; here are the requests that must be refused, and checks that take more than one packet. A case is named
network/variant/family/what. With --server coturn the same packets go through coturn.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from lab import turn
from lab.complaints import Complaints, check
from lab.lab import Lab
from lab.relay import SERVERS, Server, Turnpike
from lab.rig import CHANNEL, Rig
from lab.topology import FAMILIES
from packet_cases import CASES, HELLO

NETWORKS = ("segment", "two-nic")
LIFETIME = (turn.LIFETIME, (600).to_bytes(4, "big"))
ALLOCATION = (turn.TRANSPORT, turn.UDP_TRANSPORT)
UNKNOWN = (0x7ABC, b"what")  # a comprehension-required attribute that no RFC defines
LOOPBACK = {4: "127.0.0.1", 6: "::1"}
PATIENCE = 5  # seconds for a message that must come

# Requests and the error code that answers them.
REFUSALS: dict[str, tuple[int, Callable[[Rig], turn.Message]]] = {
    "no credentials": (401, lambda rig: rig.client.exchange(turn.REFRESH, [LIFETIME], signed=False)),
    "wrong integrity": (401, lambda rig: rig.client.exchange(turn.REFRESH, [LIFETIME], key=os.urandom(16))),
    "stale nonce": (438, lambda rig: with_nonce(rig, b"stale")),
    "unknown attribute": (420, lambda rig: rig.client.exchange(turn.REFRESH, [LIFETIME, UNKNOWN])),
    "second allocation": (437, lambda rig: rig.client.exchange(turn.ALLOCATE, [ALLOCATION])),
    "channel below the range": (400, lambda rig: bind_raw(rig, 0x3FFF, rig.peer_address)),
    "channel bound to another peer": (400, lambda rig: bind_raw(rig, CHANNEL, (rig.peer_address[0], 9))),
    "peer bound to another channel": (400, lambda rig: bind_raw(rig, CHANNEL + 1, rig.peer_address)),
    "peer on the relay's loopback": (403, lambda rig: bind_raw(rig, CHANNEL + 2, (LOOPBACK[rig.family], 9))),
}


def with_nonce(rig: Rig, nonce: bytes) -> turn.Message:
    kept, rig.client.nonce = rig.client.nonce, nonce
    try:
        return rig.client.exchange(turn.REFRESH, [LIFETIME])
    finally:
        rig.client.nonce = kept


def bind_raw(rig: Rig, channel: int, peer: turn.Address) -> turn.Message:
    transaction = os.urandom(12)
    return rig.client.exchange(turn.CHANNEL_BIND, turn.binding(channel, peer, transaction), transaction=transaction)


def refused(rig: Rig, wanted: int, ask: Callable[[Rig], turn.Message]) -> Complaints:
    answer = ask(rig)
    if answer.code != wanted:
        return [f"answered with {answer.code or 'success'}, not {wanted}"]
    if wanted == 420 and answer.get(turn.UNKNOWN_ATTRIBUTES) != UNKNOWN[0].to_bytes(2, "big"):
        return ["the unknown attribute is not named"]
    return []


def hairpin(rig: Rig) -> Complaints:
    """Both ends are clients of this relay: ChannelData in, ChannelData out, in one pass."""
    other = rig.new_client()
    try:
        rig.client.bind(CHANNEL + 3, other.relayed)
        other.bind(CHANNEL, rig.client.relayed)
        rig.to_relay(turn.channel_data(CHANNEL + 3, HELLO))  # confirms the flow
        other.receive(PATIENCE)
        before = rig.server.relayed()
        rig.to_relay(turn.channel_data(CHANNEL + 3, HELLO))
        got = other.receive(PATIENCE)
        after = rig.server.relayed()
        relayed = after[0] - before[0], after[1] - before[1]
        wanted = (1, 0) if rig.server.variant.in_kernel else (0, 2)
        complaints = [] if got == turn.channel_data(CHANNEL, HELLO) else [f"the other client got {got!r}"]
        if rig.server.tells_counts and relayed != wanted:
            complaints.append(f"relayed in the kernel and in user space: {relayed}, not {wanted}")
        return complaints
    finally:
        other.refresh(0)
        other.socket.close()


def nothing_after_the_end(rig: Rig) -> Complaints:
    """Once an allocation is deleted, no packet finds anything of it in the kernel."""
    before = rig.server.relayed()
    rig.client.refresh(0)
    rig.to_peer(HELLO)
    rig.to_client(HELLO)
    complaints = [f"the {where} still got data" for where, got in (("peer", rig.at_peer()), ("client", rig.at_client()))
                  if got]
    if rig.server.relayed() != before:
        complaints.append("packets were still relayed")
    if rig.server.flows():
        complaints.append("the kernel still has flows")
    return complaints


def alive(rig: Rig) -> Complaints:
    if (status := rig.server.process.exit_status()) is not None:
        return [f"the server ended with status {status}"]
    rig.new_client().refresh(0)
    return []


SEQUENCES = {"hairpin": hairpin, "alive": alive, "nothing after the end": nothing_after_the_end}
Check = Callable[[Rig], Complaints]


def checks(family: int, in_kernel: bool, is_ours: bool) -> Iterator[tuple[str, Check]]:
    for case in CASES:
        if family in case.families and (in_kernel or not case.kernel_only) and (is_ours or not case.ours_only):
            yield case.name, partial(Rig.run, case=case)
    for name, (wanted, ask) in REFUSALS.items():
        yield name, partial(refused, wanted=wanted, ask=ask)
    yield from SEQUENCES.items()


@pytest.fixture(scope="module")
def shared_lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    with Lab(request.param, offload=True) as lab:
        yield lab


@pytest.fixture(scope="module")
def server(shared_lab: Lab, request: pytest.FixtureRequest) -> Iterator[Server]:
    start, _ = SERVERS[request.config.getoption("--server")]
    server = start(shared_lab, request.param)
    yield server
    server.stop()
    shared_lab.servers.remove(server)


class Rigs:
    """The client and the peer of a server and a family, for as many cases as they survive."""

    def __init__(self, lab: Lab, server: Server, family: int) -> None:
        self._lab, self._server, self._family = lab, server, family
        self._rig: Rig | None = None

    def rig(self) -> Rig:
        self._rig = self._rig or Rig(self._lab, self._server, self._family)
        return self._rig

    def close(self) -> None:
        rig, self._rig = self._rig, None
        if rig:
            rig.close()


@pytest.fixture(scope="module")
def rigs(shared_lab: Lab, server: Server, family: int) -> Iterator[Rigs]:
    rigs = Rigs(shared_lab, server, family)
    yield rigs
    rigs.close()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    server, variants = SERVERS[metafunc.config.getoption("--server")]
    metafunc.parametrize("shared_lab, server, family, run", [
        pytest.param(network, variant, family, run,
                     id=f"{network}/{variant.name}/ipv{family}/{what.replace(' ', '-')}")
        for network, variant, family in itertools.product(NETWORKS, variants, FAMILIES)
        for what, run in checks(family, variant.in_kernel, server is Turnpike)
    ], indirect=["shared_lab", "server"], scope="module")


def test_packet(rigs: Rigs, run: Check) -> None:
    """Each packet or request arrives where it must, unchanged, and is relayed where it must: see the tables."""
    try:
        check(run(rigs.rig()))
    except BaseException:
        rigs.close()  # the next case begins with another allocation
        raise
    if run is nothing_after_the_end:
        rigs.close()

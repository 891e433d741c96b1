# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Passwords are guessed, requests are copied, and a client's address is spoofed.

    client ----- relay ----- peer
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import socket
import time
from collections.abc import Iterator, Sequence

import pytest

from lab import turn
from lab.complaints import check
from lab.endpoints import turn_client, udp_socket
from lab.lab import Lab
from lab.relay import BY_NAME, PASSWORD, PORT, REALM, USER, Turnpike
from lab.topology import FAMILIES
from spoofer import Spoofer, allocate

SMALL = 10      # for both rates
BURST_SECONDS = 10
OWN = 10        # checks that each source has in any case
GUESSES = 3000
every_family = pytest.mark.parametrize("family", FAMILIES)


@pytest.fixture
def server(lab: Lab) -> Turnpike:
    return Turnpike(lab, BY_NAME["userspace"], options=["--unauthenticated-rate", "0", "--guess-rate", str(SMALL)])


def key_of(password: str) -> bytes:
    return hashlib.md5(f"{USER}:{REALM}:{password}".encode()).digest()


def request(nonce: bytes, password: str) -> bytes:
    attributes = [(turn.TRANSPORT, turn.UDP_TRANSPORT), (turn.USERNAME, USER.encode()), (turn.REALM, REALM.encode()),
                  (turn.NONCE, nonce)]
    return turn.build(turn.ALLOCATE, turn.REQUEST, os.urandom(12), attributes, key=key_of(password))


def connected(lab: Lab, family: int) -> socket.socket:
    sock = udp_socket(lab, "client", family)
    sock.connect((lab.topology.listen.address(family), PORT))
    return sock


def answers(sock: socket.socket, requests: Sequence[bytes]) -> tuple[list[int], float]:
    """The codes of all answers (0: success) to requests that are sent as fast as they are read; and the seconds."""
    sock.settimeout(0)
    codes, start = [], time.monotonic()
    for number, message in enumerate(requests):
        sock.send(message)
        if number % 20 == 0:
            time.sleep(0.002)  # the server's receive buffer holds some hundreds
            codes += received(sock)
    time.sleep(0.5)
    codes += received(sock)
    return codes, time.monotonic() - start


def received(sock: socket.socket) -> Iterator[int]:
    while True:
        try:
            answer = turn.parse(sock.recv(2048))
        except BlockingIOError:
            return
        assert answer
        yield answer.code


def nonce_for(sock: socket.socket) -> bytes:
    sock.settimeout(5)
    sock.send(allocate())
    answer = turn.parse(sock.recv(2048))
    nonce = answer.get(turn.NONCE) if answer else None
    assert nonce
    return nonce


def most(seconds: float, rate: int) -> float:
    return rate * (BURST_SECONDS + seconds) + 1


@every_family
def test_guesses(lab: Lab, server: Turnpike, family: int) -> None:
    """Of thousands of guesses from one address few are checked. The user, from another address, is served at once."""
    with connected(lab, family) as sock:
        nonce = nonce_for(sock)
        codes, seconds = answers(sock, [request(nonce, f"summer{number}") for number in range(GUESSES)])
    limit = OWN + most(seconds, SMALL)
    complaints = [] if OWN < len(codes) <= limit else [f"{len(codes)} of {GUESSES} guesses were checked"]
    if set(codes) != {401}:
        complaints.append(f"the answers are {set(codes)}")
    if (counted := server.in_user_space()["limited"]) < GUESSES - limit:
        complaints.append(f"{counted} requests were counted as limited")
    with turn_client(lab, "peer", family).socket as other:
        user = turn.Client(other, (lab.topology.listen.address(family), PORT), USER, PASSWORD)
        user.allocate(family)
        user.refresh(0)
    check(complaints)


@every_family
def test_nonce_first(lab: Lab, server: Turnpike, family: int) -> None:
    """Without a nonce of its own, a client learns nothing about passwords, and uses up nothing."""
    complaints = []
    with connected(lab, family) as thief, connected(lab, family) as sock:
        for nonce in (b"", b"x" * 38, nonce_for(sock)):  # the last one is for another port
            for password in (PASSWORD, "wrong"):
                codes, _ = answers(thief, [request(nonce, password)] * (2 * OWN))
                if set(codes) != {438}:
                    complaints.append(f"with the nonce {nonce!r} and '{password}' the answers are {set(codes)}")
        codes, _ = answers(thief, [request(nonce_for(thief), PASSWORD)])
    check(complaints if codes == [0] else [*complaints, f"the right request has the answer {codes}"])


@every_family
def test_copied_requests(lab: Lab, family: int) -> None:
    """A right key is no proof of an address: answers to copies of a request are limited as those without a key."""
    Turnpike(lab, BY_NAME["userspace"], options=["--unauthenticated-rate", str(SMALL)])
    with connected(lab, family) as sock:
        codes, seconds = answers(sock, [request(b"", PASSWORD)] * GUESSES)
    check([] if 0 < len(codes) <= most(seconds, SMALL) else [f"{len(codes)} of {GUESSES} copies were answered"])


def test_lockout(lab: Lab) -> None:
    """Requests that are spoofed in the name of a client do not keep it from its allocations."""
    server = Turnpike(lab, BY_NAME["userspace"], options=["--unauthenticated-rate", str(SMALL)])
    client = turn_client(lab, "client", 4)
    spoofer = Spoofer(lab, 4)
    source = ipaddress.ip_address(lab.address("client", 4)).packed
    with client.socket:
        client.allocate(4)
        client.refresh(0)
        # More than a source gets, less than one gets that has returned a nonce.
        spoofer.send(source, [allocate() for _ in range(5 * SMALL * BURST_SECONDS)])
        for _ in range(5):
            with turn_client(lab, "client", 4, 4).socket as other:
                other.close()
    spoofer.close()
    limited = server.in_user_space()["limited"]
    check([f"{limited} requests were not answered"] if limited else [])

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""10,000 allocations come and go, and leave no memory, no descriptor and no map element behind.

    client ----- relay ----- peer

Memory is not measured under a sanitizer, which reports leaks at the end and changes the server's status.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import pytest

import rest_client
from clocks import REST, Clocks
from footprint import SLACK, footprint, settled
from lab.complaints import Complaints, check
from lab.crowd import Hosts, crowd, done_by_all, many_served
from lab.endpoints import udp_socket
from lab.lab import Lab
from lab.relay import BY_NAME, PORT, Turnpike, Variant

CLIENTS = 1000
WARM_UP, ROUNDS = 2, 10
LIFE = ("allocate", "bind", "exchange", "release")
USERS = 100  # in a round
USERS_SLACK = 32 << 10  # bytes, less than their names would take
TCX = BY_NAME["tcx"]
REST_BYTES = 64  # of a port at rest
# Policers for all three levels.
LIMITS = ("--max-rate", "100000000", "--user-rate", "1000000000", "--total-rate", "4000000000")


@pytest.fixture(scope="module")
def shared_lab() -> Iterator[Lab]:
    with Hosts() as lab:
        yield lab


def come_and_go(lab: Lab, variant: Variant, options: Sequence[str] = ()) -> Complaints:
    server = many_served(lab, variant, CLIENTS, options)
    complaints: Complaints = []
    began = time.monotonic()
    with crowd(lab, CLIENTS, 10) as clients:
        for _ in range(WARM_UP):
            complaints += done_by_all(clients, CLIENTS, *LIFE)
        before = footprint(server)
        for _ in range(ROUNDS):
            complaints += done_by_all(clients, CLIENTS, *LIFE)
    at_rest = server.ask("status")["ports_at_rest"]
    all_rest = time.monotonic() < began + REST  # on a slow machine the first ones have rested already
    if at_rest > (WARM_UP + ROUNDS) * CLIENTS or at_rest < (WARM_UP + ROUNDS if all_rest else 1) * CLIENTS:
        complaints.append(f"{at_rest} ports rest")
    complaints += settled(server, before, slack=SLACK + ROUNDS * CLIENTS * REST_BYTES)
    successes = server.in_user_space()["successes"]
    if successes < (WARM_UP + ROUNDS) * CLIENTS * 3:
        complaints.append(f"only {successes} requests were successful")
    if before.flows or before.allocations or any(before.elements.values()):
        complaints.append(f"something is left of the warm-up: {before}")
    return complaints + server.stop_complaints()


@pytest.mark.parametrize("variant", (TCX, BY_NAME["userspace"]))
def test_released(lab: Lab, variant: Variant) -> None:
    """Nothing is left of allocations that exchanged data and were released by a Refresh with lifetime 0."""
    check(come_and_go(lab, variant))


def test_limited(lab: Lab) -> None:
    """The same with limits for each allocation, each user and all: no policer gets lost."""
    check(come_and_go(lab, TCX, LIMITS))


def visit(lab: Lab, user: str) -> None:
    """Allocate, permit and release as a user with time-limited credentials."""
    with udp_socket(lab, "client", 4) as sock:
        client = rest_client.rest_client(lab, sock, user, 600)
        client.allocate(4)
        client.permit((lab.address("peer", 4), PORT))
        client.refresh(0)


def test_users_are_forgotten(lab: Lab) -> None:
    """The server keeps nothing of a user once the ports of the last allocation have rested."""
    clocks = Clocks(lab)
    server = Turnpike(lab, TCX, clocks.wrapper, [*rest_client.OPTIONS, *LIMITS])

    def visits(name: str, rounds: int) -> None:
        for number in range(rounds * USERS):
            visit(lab, f"{name}{number}")
            if number % USERS == 0:
                clocks.advance(REST)

    visits("early", WARM_UP)
    before = footprint(server)
    visits("late", ROUNDS)
    complaints = settled(server, before, slack=USERS_SLACK)
    check(complaints + server.stop_complaints())

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""10,000 allocations come and go, and nothing is left of them: no memory, no descriptor, no element of a map.

    client ----- relay ----- peer

    released      by Refresh with lifetime 0, after data both ways
    limited       each has limits, its user and all together, too: there are no more numbers for these than allocations
                  at a time need
    names         each is of another user, by a name that is good for some time; nobody remembers them

Under a sanitizer, memory is its affair: a server that has lost some ends with another status than 0.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial

import scenes
from footprint import footprint, settled
from guests import OPTIONS, guest
from lab.complaints import Complaints
from lab.crowd import Hosts, crowd, done_by_all, many_served
from lab.endpoints import udp_socket
from lab.lab import Lab
from lab.relay import BY_NAME, PORT, Variant

Test = Callable[[Lab], Complaints]
CLIENTS = 1000
ROUNDS = 10
WARM_UP = 2
NAMES = 100
SMALL = 32 << 10  # bytes, fewer than the names would take
LIMITS = ["--relay-ports", f"50000-{50000 + CLIENTS - 1}", "--max-rate", "100000000", "--user-rate", "1000000000",
          "--total-rate", "4000000000"]


def churn(lab: Lab, variant: Variant, orders: tuple[str, ...], options: list[str]) -> Complaints:
    server = many_served(lab, variant, CLIENTS, options)
    with crowd(lab, CLIENTS, 10) as clients:
        complaints: Complaints = []
        for _ in range(WARM_UP):
            complaints += done_by_all(clients, CLIENTS, *orders)
        before = footprint(server)
        for _ in range(ROUNDS):
            complaints += done_by_all(clients, CLIENTS, *orders)
    complaints += settled(server, before)
    successes = server.in_user_space()["successes"]
    if successes < (WARM_UP + ROUNDS) * CLIENTS * 3:
        complaints.append(f"only {successes} requests were successful")
    if before.flows or before.allocations or any(before.elements.values()):
        complaints.append(f"there was something from the beginning: {before}")
    if status := server.stop():
        complaints.append(f"ended with status {status}\n{server.process.log()[-2000:]}")
    return complaints


def named(lab: Lab, number: int) -> None:
    """A user who comes once."""
    with udp_socket(lab, "client", 4) as sock:
        client = guest(lab, sock, f"user{number}", 600)
        client.allocate(4)
        client.permit((lab.address("peer", 4), PORT))
        client.refresh(0)


def names(lab: Lab) -> Complaints:
    server = many_served(lab, BY_NAME["tcx"], CLIENTS, [*OPTIONS, *LIMITS])
    for number in range(WARM_UP * NAMES):
        named(lab, number)
    before = footprint(server)
    for number in range(ROUNDS * NAMES):
        named(lab, (WARM_UP * NAMES) + number)
    complaints = settled(server, before, slack=SMALL)
    if status := server.stop():
        complaints.append(f"ended with status {status}\n{server.process.log()[-2000:]}")
    return complaints


def tests() -> Iterator[tuple[str, Test]]:
    whole = ("allocate", "bind", "exchange", "release")
    for name in ("tcx", "userspace"):
        yield f"{name}/released", partial(churn, variant=BY_NAME[name], orders=whole, options=[])
    yield "tcx/names", names
    yield "tcx/limited", partial(churn, variant=BY_NAME["tcx"], orders=whole, options=LIMITS)


if __name__ == "__main__":
    sys.exit(scenes.main("10,000 allocations come and go.", tests(), scenes.tried_in_lab, Hosts()))

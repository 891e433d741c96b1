# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Nobody gets another one's port, or all ports, by allocating and releasing in a loop.

    client ----- relay ----- peer
"""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial

import pytest

import rest_client
from clocks import REST, Clocks
from lab import turn
from lab.complaints import Complaints, check, refused
from lab.endpoints import echo_peer, receive, turn_client, udp_socket
from lab.lab import Lab
from lab.relay import BY_NAME, PASSWORD, USER, Turnpike, Variant
from lab.roundtrip import CHANNEL, exchanged, since
from lab.topology import FAMILIES

ATTACKER, VICTIM, OTHER = USER, "victim", "other"
USERS = ("--user", f"{VICTIM}:{PASSWORD}", "--user", f"{OTHER}:{PASSWORD}")
PORTS = 64
FEW_PORTS = ("--relay-ports", f"50000-{50000 + PORTS - 1}")
DEFAULTS = ("--user-quota", "256", "--user-allocations", "240")  # the lab has no limits per user
LIMITS = {"defaults": DEFAULTS, "unlimited": ()}
ALLOCATION_QUOTA_REACHED, INSUFFICIENT_CAPACITY = 486, 508
QUIET = 0.1
in_each_mode = pytest.mark.parametrize("variant", [BY_NAME[name] for name in ("native-head", "tcx", "userspace")])
USERSPACE = BY_NAME["userspace"]


@contextmanager
def allocated(lab: Lab, user: str, family: int = 4) -> Iterator[turn.Client]:
    """A client of this user with an allocation."""
    client = turn_client(lab, "client", family, user=user)
    with client.socket:
        client.allocate(family)
        yield client


def ports_at_rest(server: Turnpike) -> int:
    return int(server.ask("status")["ports_at_rest"])


def is_silent(sock: socket.socket, family: int) -> bool:
    return receive(sock, family, QUIET) is None


class Attack:
    """A user who allocates and releases, and permits the victim's peer each time."""

    def __init__(self, lab: Lab, family: int, peer: turn.Address) -> None:
        self._family, self._peer = family, peer
        self._client = turn_client(lab, "client", family, user=ATTACKER)
        self.socket = self._client.socket
        self.ports: set[turn.Address] = set()
        self.errors: Counter[int] = Counter()

    def go_on(self) -> None:
        try:
            self._client.allocate(self._family)
        except turn.TurnError as error:
            self.errors[error.code] += 1
            return
        self.ports.add(self._client.relayed)
        self._client.permit(self._peer)
        self._client.refresh(0)


@in_each_mode
@pytest.mark.parametrize("limits", LIMITS)
@pytest.mark.parametrize("family", FAMILIES)
def test_attack(lab: Lab, variant: Variant, family: int, limits: str) -> None:
    """Late data for a victim reaches nobody while an attacker loops, and a third user is served."""
    server = Turnpike(lab, variant, options=[*USERS, *FEW_PORTS, *LIMITS[limits]])
    complaints: Complaints = []
    with echo_peer(lab, family) as peer, ExitStack() as stack:
        victim = turn_client(lab, "client", family, family, user=VICTIM)
        stack.enter_context(victim.socket)
        victim.bind(CHANNEL, peer.address)
        complaints += exchanged(victim, 3)
        victim.refresh(0)
        if flows := server.flows():
            complaints.append(f"flows are left of the victim: {flows}")
        attack = Attack(lab, family, peer.address)
        stack.enter_context(attack.socket)
        before = server.relayed()

        def go_on() -> None:
            for _ in range(2 * PORTS):
                attack.go_on()
                peer.socket.sendto(b"late", victim.relayed)

        go_on()
        other = stack.enter_context(allocated(lab, OTHER, family))
        other.bind(CHANNEL, peer.address)
        go_on()
        complaints += exchanged(other)  # what was sent before it has come by then
        if since(server.relayed, before) != (0, 2):
            complaints.append(f"in the kernel and in user space: {since(server.relayed, before)} packets, not (0, 2)")
        sockets = {"victim": victim.socket, "attacker": attack.socket}
        complaints += [f"the {name} gets data" for name, sock in sockets.items() if not is_silent(sock, family)]
        if victim.relayed in attack.ports | {other.relayed}:
            complaints.append("the victim's port was allocated")
        if not attack.ports or set(attack.errors) != {ALLOCATION_QUOTA_REACHED}:
            complaints.append(f"the attacker got {len(attack.ports)} ports and the errors {attack.errors}")
        if (at_rest := ports_at_rest(server)) != len(attack.ports) + 1:
            complaints.append(f"{at_rest} ports rest, not {len(attack.ports)} of the attacker and the victim's")
        if (left := PORTS - at_rest - 1) < PORTS // 8:
            complaints.append(f"only {left} ports are left")
    check(complaints + server.stop_complaints())


@pytest.mark.parametrize("variant", (BY_NAME["tcx"], USERSPACE))
def test_all_rest(lab: Lab, variant: Variant) -> None:
    """While all ports rest, everybody gets 508, and afterwards those ports."""
    clocks = Clocks(lab)
    server = Turnpike(lab, variant, clocks.wrapper, [*USERS, "--relay-ports", "50000-50001", *DEFAULTS])
    with allocated(lab, VICTIM) as first, allocated(lab, VICTIM) as second:
        wanted = {first.relayed, second.relayed}
        for each in (first, second):
            each.refresh(0)
    complaints: Complaints = []
    for seconds in (0, REST // 2):
        clocks.advance(seconds)
        for user in (ATTACKER, VICTIM):
            client = turn_client(lab, "client", 4, user=user)
            with client.socket:
                complaints += refused(INSUFFICIENT_CAPACITY, partial(client.allocate, 4), f"a port, to {user}")
                complaints += refused(INSUFFICIENT_CAPACITY, partial(client.allocate_pair, 4), f"a pair, to {user}")
    if ports_at_rest(server) != 2:
        complaints.append(f"{ports_at_rest(server)} ports rest, not 2")
    clocks.advance(REST // 2 + 1)
    if ports_at_rest(server) != 0:
        complaints.append(f"{ports_at_rest(server)} ports rest, not 0")
    with allocated(lab, ATTACKER) as first, allocated(lab, VICTIM) as second:
        if {first.relayed, second.relayed} != wanted:
            complaints.append(f"{first.relayed} and {second.relayed} are allocated, not {wanted}")
    check(complaints + server.stop_complaints())


def load_page(lab: Lab, user: str, allocations: int) -> None:
    """Make so many allocations at a time, and release them."""
    with ExitStack() as stack:
        for client in [stack.enter_context(allocated(lab, user)) for _ in range(allocations)]:
            client.refresh(0)


def test_reloaded_page(lab: Lab) -> None:
    """The defaults allow for a page with six allocations that is loaded again and again, and for hours."""
    clocks = Clocks(lab)
    server = Turnpike(lab, USERSPACE, clocks.wrapper, DEFAULTS)
    for _ in range(40):  # as fast as possible
        load_page(lab, USER, 6)
    clocks.advance(REST)
    for _ in range(200):  # every three seconds
        clocks.advance(3)
        load_page(lab, USER, 6)
    counts = server.in_user_space()
    check([f"{counts[name]} requests are {name}" for name in ("over_quota", "over_rate", "over_share") if counts[name]]
          + server.stop_complaints())


def try_one(lab: Lab, user: str) -> int:
    """Allocate and release as a user with time-limited credentials; return the error."""
    with udp_socket(lab, "client", 4) as sock:
        client = rest_client.rest_client(lab, sock, user, 600)
        try:
            client.allocate(4)
        except turn.TurnError as error:
            return error.code
        client.refresh(0)
        return 0


def outcomes(lab: Lab, user: str, count: int) -> Sequence[int]:
    return [try_one(lab, user) for _ in range(count)]


def test_rate(lab: Lab) -> None:
    """A user makes so many allocations a minute, with whatever name and however often the user has had none."""
    clocks = Clocks(lab)
    server = Turnpike(lab, USERSPACE, clocks.wrapper, [*rest_client.OPTIONS, "--user-allocations", "2"])
    complaints: Complaints = []
    refusal = ALLOCATION_QUOTA_REACHED
    for leap, user, wanted in ((0, "ann", [0, 0, refusal]), (0, "bea", [0, 0, refusal]), (31, "ann", [0, refusal]),
                               (61, "ann", [0, 0, refusal])):
        clocks.advance(leap)
        if (got := outcomes(lab, user, len(wanted))) != wanted:
            complaints.append(f"{user} gets {got}, not {wanted}")
    counts, status = server.in_user_space(), server.ask("status")
    if (counts["over_rate"], status["user_allocations"]) != (4, 2):
        complaints.append(f"{counts['over_rate']} requests are counted, and the limit is {status['user_allocations']}")
    check(complaints + server.stop_complaints())

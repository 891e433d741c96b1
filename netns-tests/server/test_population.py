# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A relay with two hundred clients, as its operator sees it: each is found, and kick and block reach whom they should.

    client ----- relay ----- peer
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from lab.complaints import Complaints, check, refused
from lab.credentials import rest_credentials
from lab.endpoints import echo_peer, turn_client
from lab.lab import Lab
from lab.metrics import LISTEN, scrape, sum_of
from lab.relay import MODES, PASSWORD, Turnpike, Variant
from lab.sessions import BOB, FAMILY, SECRET, ask, name_of, serve, sessions
from population import ACCOUNTS, EACH, ERIN, KINDS, NETWORK, Member, Population, populated

ALL = len(KINDS) * len(ACCOUNTS) * EACH
ROUNDS = 3
FORBIDDEN = 403


def differences(session: dict[str, Any], member: Member, in_kernel: bool) -> Complaints:
    """Where a session is not that of a member who has talked."""
    is_udp = member.transport == "udp"
    reason = {"tcp": "tcp", "tls": "tls"}.get(member.transport, "" if in_kernel else "no_device")
    peer, = session["peers"]
    found = {"user": session["user"], "account": session["account"], "transport": session["transport"],
             "to_peer": peer["to_peer"]["reason"], "to_client": peer["to_client"]["reason"],
             "sent": sum(session[path]["to_peer"]["packets"] for path in ("kernel", "userspace")),
             "kernel": session["kernel"]["to_peer"]["packets"] > 0}
    wanted = {"user": member.user, "account": member.account, "transport": member.transport, "to_peer": reason,
              "to_client": reason, "sent": ROUNDS, "kernel": in_kernel and is_udp}
    return [f"{member.kind} of {member.user}: {key} is {found[key]}, not {value}" for key, value in wanted.items()
            if found[key] != value]


def lookups(server: Turnpike, people: Population, in_kernel: bool) -> Complaints:
    """Every session is found by its client's address, and by its user, and nobody else is."""
    complaints = []
    for member in people.members:
        # A client over UDP and one over TCP may have the same port.
        found = [session for session in server.order(command="sessions", client=name_of(member.client))["sessions"]
                 if session["transport"] == member.transport]
        complaints += (differences(found[0], member, in_kernel) if len(found) == 1 else
                       [f"{len(found)} sessions of {name_of(member.client)}"])
    for key in ("user", "account"):
        for name, number in Counter(getattr(member, key) for member in people.members).items():
            found = sessions(server, user=name)
            if len(found) != number or any(session[key] != name for session in found):
                complaints.append(f"{len(found)} sessions of {key} {name}, not {number}")
    return complaints


def counted(lab: Lab, server: Turnpike, people: Population) -> Complaints:
    """The metrics, and the list of users, have those who are left."""
    samples = scrape(lab)
    transports = Counter(member.transport for member in people.members)
    found = {name: samples[f'turnpike_allocations{{transport="{name}"}}'] for name in transports}
    complaints = [] if found == transports else [f"allocations {found}, not {transports}"]
    users = {row["user"]: row["allocations"] for row in ask(server, "users")["users"]}
    accounts = dict(Counter(member.account for member in people.members))
    complaints += [] if users == accounts else [f"users {users}, not {accounts}"]
    flows = sum_of(samples, "turnpike_flows")
    wanted = 2 * transports["udp"] if server.variant.in_kernel else 0
    complaints += [] if flows == wanted else [f"{flows} flows, not {wanted}"]
    listed = sorted(session["client"] for session in sessions(server))
    left = sorted(name_of(member.client) for member in people.members)
    return complaints + ([] if listed == left else [f"{len(listed)} sessions are listed, not {len(left)}"])


def ordered(lab: Lab, server: Turnpike, people: Population, left: list[Member], order: str, **who: str) -> Complaints:
    """An order ends the sessions of those who have left, and nobody else's."""
    ended = ask(server, order, **who)["ended"]
    complaints = [] if ended == len(left) else [f"{order} {who} has ended {ended}, not {len(left)}"]
    return complaints + people.falls_silent(left) + counted(lab, server, people)


def is_refused(lab: Lab, user: str, password: str) -> Complaints:
    client = turn_client(lab, "client", FAMILY, 0, user, password)
    with client.socket:
        return refused(FORBIDDEN, lambda: client.allocate(FAMILY), f"an allocation of {user}")


@pytest.mark.parametrize("variant", MODES)
def test_two_hundred_clients(lab: Lab, variant: Variant) -> None:
    """Sessions are found by user and by address. Kick, block of a user and block of a network end what they name at
    once, by each transport; all others go on. Metrics tell."""
    server = serve(lab, variant, *LISTEN, "--user", f"{ERIN}:{PASSWORD}")
    with echo_peer(lab, FAMILY) as peer, populated(lab, peer) as people:
        assert len(people.members) == ALL
        complaints = people.talk(ROUNDS)
        complaints += lookups(server, people, variant.in_kernel) + counted(lab, server, people)
        before = scrape(lab)
        complaints += ordered(lab, server, people, people.leave(lambda one: one.account == BOB), "kick", user=BOB)
        complaints += ordered(lab, server, people, people.leave(lambda one: one.account == "carol"), "block",
                              user="carol")
        complaints += is_refused(lab, *rest_credentials(SECRET, "carol"))
        complaints += ordered(lab, server, people, people.leave(lambda one: one.host.endswith(".129")), "block",
                              prefix=NETWORK)
        after = scrape(lab)
        relayed = {path: sum_of(after, "turnpike_relayed_packets_total", f'path="{path}"')
                   - sum_of(before, "turnpike_relayed_packets_total", f'path="{path}"')
                   for path in ("kernel", "userspace")}
        if (relayed["kernel"] > 0) != variant.in_kernel or not relayed["userspace"]:
            complaints.append(f"relayed: {relayed}")
        if sum_of(after, "turnpike_requests_total", 'code="403"', 'reason="blocked"') != 1:
            complaints.append("the metrics do not have the request of a blocked user")
    check(complaints + server.stop_complaints())

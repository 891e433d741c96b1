# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""--max-rate, --user-rate, --total-rate: the relay relays no more in either direction, in the kernel or in user space.

    client ----- relay ----- peer
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time

import pytest

from lab import proc, turn
from lab.complaints import Complaints, check
from lab.endpoints import turn_client, udp_socket
from lab.lab import Lab
from lab.relay import PASSWORD, USER, Turnpike, Variant
from lab.rig import CHANNEL, Rig
from policing import (
    BURST,
    BURST_COUNT,
    COST,
    COUNT,
    LIMIT,
    PACE,
    RATE,
    SLOW,
    arrivals,
    burst,
    counted,
    every_mode,
    indicate,
    limited,
    policed,
    send_each,
    within_limit,
)

OTHER = "bob"


# The limit of an allocation.

@pytest.mark.parametrize("direction", ("to-peer", "to-client"))
@every_mode
def test_direction(lab: Lab, variant: Variant, family: int, direction: str) -> None:
    """What passes fits the bucket, and is relayed where the mode says; the rest is dropped and counted there."""
    with limited(lab, variant, family) as (server, rig):
        complaints = [] if server.ask("status")["max_rate"] == RATE else ["the status does not show the limit"]
        before = server.relayed()
        start = time.monotonic()
        if direction == "to-peer":
            send_each(COUNT, PACE, rig.to_peer)
            arrived, = arrivals(server, 0, COUNT, rig.peer)
        else:
            send_each(COUNT, PACE, rig.to_client)
            arrived, = arrivals(server, 0, COUNT, rig.client.socket)
        complaints += within_limit(arrived, time.monotonic() - start, RATE) + counted(server, COUNT - arrived)
        relayed = tuple(now - then for now, then in zip(server.relayed(), before))
        if relayed != ((arrived, 0) if variant.in_kernel else (0, arrived)):
            complaints.append(f"relayed in the kernel and in user space: {relayed}, and {arrived} arrived")
        if bool(in_kernel := server.verdicts().get("policed", 0)) != variant.in_kernel:
            complaints.append(f"{in_kernel} packets were policed in the kernel")
    check(complaints)


@every_mode
def test_both_directions(lab: Lab, variant: Variant, family: int) -> None:
    """Each direction has a bucket of its own."""
    with limited(lab, variant, family) as (server, rig):
        start = time.monotonic()
        send_each(2 * COUNT, PACE, rig.to_peer, rig.to_client)
        arrived = arrivals(server, 0, 2 * COUNT, rig.peer, rig.client.socket)
        seconds = time.monotonic() - start
        complaints = [each for number in arrived for each in within_limit(number, seconds, RATE)]
        check(complaints + counted(server, 2 * COUNT - sum(arrived)))


@every_mode
def test_kernel_and_user_space(lab: Lab, variant: Variant, family: int) -> None:
    """Channel data, which the kernel relays, and indications, which user space relays, share a bucket."""
    with limited(lab, variant, family) as (server, rig):
        before = server.relayed()
        start = time.monotonic()
        send_each(COUNT, PACE, rig.to_peer, indicate(rig))
        arrived, = arrivals(server, 0, COUNT, rig.peer)
        complaints = within_limit(arrived, time.monotonic() - start, RATE) + counted(server, COUNT - arrived)
        kernel, user = (now - then for now, then in zip(server.relayed(), before))
        if kernel + user != arrived or (variant.in_kernel and not (kernel and user)):
            complaints.append(f"{kernel} were relayed in the kernel and {user} in user space, of {arrived}")
    check(complaints)


@every_mode
def test_hairpin(lab: Lab, variant: Variant, family: int) -> None:
    """Data between two clients is charged to both: it leaves nothing for other data from the one or to the other."""
    server = Turnpike(lab, variant, options=("--max-rate", str(SLOW)))
    with contextlib.ExitStack() as stack:
        a, b = (turn_client(lab, role, family, family) for role in ("client", "peer"))
        peer_of_a, peer_of_b = (udp_socket(lab, role, family) for role in ("peer", "client"))
        for sock in (a.socket, b.socket, peer_of_a, peer_of_b):
            stack.enter_context(sock)
        for client, other, peer in ((a, b, peer_of_a), (b, a, peer_of_b)):
            client.bind(CHANNEL, other.relayed)
            client.bind(CHANNEL + 1, peer.getsockname()[:2])

        def flows() -> bool:
            before = server.hairpins()
            a.socket.send(turn.channel_data(CHANNEL, b""))
            return b.receive(0.5) is not None and (server.hairpins() > before) == variant.in_kernel
        assert proc.wait_until(flows, LIMIT, step=0.1), "packets are not relayed where the mode says"

        start = time.monotonic()
        hairpin = burst(server, lambda payload: a.socket.send(turn.channel_data(CHANNEL, payload)), b.socket)
        from_a = burst(server, lambda payload: a.socket.send(turn.channel_data(CHANNEL + 1, payload)), peer_of_a)
        to_b = burst(server, lambda payload: peer_of_b.sendto(payload, b.relayed), b.socket)
        seconds = time.monotonic() - start
        complaints = within_limit(hairpin + from_a, seconds, SLOW) + within_limit(hairpin + to_b, seconds, SLOW)
        check(complaints + counted(server, 3 * BURST_COUNT - hairpin - from_a - to_b))


@every_mode
def test_other_allocation(lab: Lab, variant: Variant, family: int) -> None:
    """An allocation within its limit loses nothing while another one is far beyond its own."""
    with limited(lab, variant, family) as (server, greedy), contextlib.closing(Rig(lab, server, family)) as modest:
        flooding = threading.Thread(target=send_each, args=(COUNT, PACE, greedy.to_peer))
        flooding.start()
        count = BURST // COST - 5
        send_each(count, COUNT * PACE / count, modest.to_peer)
        flooding.join()
        modest_arrived, greedy_arrived = arrivals(server, 0, COUNT + count, modest.peer, greedy.peer)
        complaints = [] if modest_arrived == count else [f"{modest_arrived} of {count} datagrams passed"]
        if greedy_arrived == COUNT:
            complaints.append("the other allocation lost nothing")
        check(complaints + counted(server, COUNT - greedy_arrived))


# Limits that allocations share.

@pytest.mark.parametrize("limit", ("user", "total"))
@every_mode
def test_shared_limit(lab: Lab, variant: Variant, family: int, limit: str) -> None:
    """Allocations of one user, or all of them, share a bucket a direction; it is not charged for what is dropped."""
    server = Turnpike(lab, variant, options=["--user", f"{OTHER}:{PASSWORD}", f"--{limit}-rate", str(SLOW)])
    complaints: Complaints = []
    with contextlib.ExitStack() as stack:
        rigs = [stack.enter_context(contextlib.closing(Rig(lab, server, family, user))) for user in (USER, USER, OTHER)]
        sent = len(rigs) * BURST_COUNT
        before, status = server.relayed(), server.ask("status")
        if (rates := {name: status[f"{name}_rate"] for name in ("max", "user", "total")}) != \
                {"max": 0, "user": 0, "total": 0, limit: SLOW}:
            complaints.append(f"the status shows the limits {rates}")
        for direction in ("to peer", "to client"):
            start = time.monotonic()
            arrived = [burst(server, rig.to_peer, rig.peer) if direction == "to peer" else
                       burst(server, rig.to_client, rig.client.socket) for rig in rigs]
            seconds = time.monotonic() - start
            sharing = [sum(arrived)] if limit == "total" else [sum(arrived[:2]), arrived[2]]
            complaints += [f"{direction}: {each}" for number in sharing for each in within_limit(number, seconds, SLOW)]
        passed = sum(now - then for now, then in zip(server.relayed(), before))
        complaints += counted(server, 2 * sent - passed)
        in_kernel = server.verdicts().get("policed", 0)
        if in_kernel != (policed(server) if variant.in_kernel else 0):
            complaints.append(f"{in_kernel} of {policed(server)} packets were policed in the kernel")
    check(complaints)


@every_mode
def test_reload(lab: Lab, variant: Variant, family: int) -> None:
    """An allocation gets the limits of a configuration that is loaded later: a total one, none, one of its user."""
    config = lab.scratch / "rates.conf"
    config.write_text(f"total-rate = {SLOW}\n")
    complaints: Complaints = []
    with limited(lab, variant, family, ("--config", str(config))) as (server, rig):
        for name, text, rate in (("total_rate", "", SLOW), ("total_rate", "max-rate = 0\n", 0),
                                 ("user_rate", f"user-rate = {SLOW}\n", SLOW)):
            if text:
                config.write_text(text)
                server.process.send_signal(signal.SIGHUP)
                if not proc.wait_until(lambda: bool(server.ask("status")[name] == rate), LIMIT):
                    complaints.append(f"{name} has not become {rate}")
            start, before = time.monotonic(), policed(server)
            arrived = burst(server, rig.to_peer, rig.peer)
            complaints += counted(server, before + BURST_COUNT - arrived)
            if rate:
                complaints += within_limit(arrived, time.monotonic() - start, SLOW)
            elif arrived != BURST_COUNT:
                complaints.append(f"without a limit {arrived} of {BURST_COUNT} datagrams passed")
    if status := server.stop():
        complaints.append(f"the server ended with status {status}")
    check(complaints)


@every_mode
def test_no_limit(lab: Lab, variant: Variant, family: int) -> None:
    """Without a limit nothing is policed."""
    with limited(lab, variant, family, options=()) as (server, rig):
        send_each(COUNT, PACE, rig.to_peer, rig.to_client, indicate(rig))
        arrived = arrivals(server, 0, COUNT, rig.peer, rig.client.socket)
        complaints = [] if sum(arrived) == COUNT else [f"{arrived} datagrams passed, of {COUNT} altogether"]
        check(complaints + counted(server, 0))

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Which clients and peers get a flow without a channel: those that exchange data by indications.

    client ----- relay ----- peer
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import pytest

from lab import proc, turn
from lab.complaints import Complaints, check
from lab.endpoints import echo_peer, turn_client
from lab.lab import Lab
from lab.relay import BY_NAME, MODES, Turnpike, Variant
from lab.roundtrip import Counts, since
from lab.topology import FAMILIES

CHANNEL, OTHER_PORT = 0x4001, 7001
TIMEOUT = 5.0
LIMIT = 3
SIZES = (0, 1, 2, 3, 4, 5, 100, 1171, 1200)
BINDING = 1  # RFC 8489
CHECK = turn.build(BINDING, turn.REQUEST, bytes(12), [])  # as ICE sends them to peers

every_mode = pytest.mark.parametrize("variant", MODES)
in_kernel_or_not = pytest.mark.parametrize("variant", (BY_NAME["tcx"], BY_NAME["userspace"]))
every_family = pytest.mark.parametrize("family", FAMILIES)
anyhow = pytest.mark.parametrize("variant", (BY_NAME["userspace"],))

Key = tuple[str, str, int]  # direction, framing and channel of a flow


@contextlib.contextmanager
def permitted(lab: Lab, family: int) -> Iterator[tuple[turn.Client, turn.Address]]:
    """A client with an allocation, and the address of an echoing peer that it has a permission for."""
    with echo_peer(lab, family) as peer:
        client = turn_client(lab, "client", family, family)
        with client.socket:
            client.permit(peer.address)
            yield client, peer.address


def echoed(client: turn.Client, peer: turn.Address, payload: bytes) -> Complaints:
    client.send_indication(peer, payload)
    got = client.receive(TIMEOUT)
    if got is None or got != turn.data_indication(got[8:20], peer, payload):
        return [f"{payload!r} came back as {got!r}"]
    return []


def keys(server: Turnpike) -> list[Key]:
    return sorted((flow["direction"], flow["framing"], flow["channel"]) for flow in server.flows())


def both(framing: str, channel: int) -> list[Key]:
    return [(direction, framing, channel) for direction in ("to-client", "to-peer")]


def flow_complaints(server: Turnpike, what: str, wanted: list[Key]) -> Complaints:
    """The flows are these, and the status has as many. Without a mode in the kernel, they wait for one."""
    found = keys(server)
    status: dict[str, Any] = server.ask("status")
    in_kernel = wanted if server.variant.in_kernel else []
    framing = {name: len([key for key in in_kernel if key[1] == name]) for name in ("channel", "indication")}
    waiting = (len(wanted) - len(in_kernel)) // 2
    complaints = [f"{what}: the flows are {found}, not {wanted}"] if found != wanted else []
    if (status["flows"], status["framing"], status["waiting"]["mode"]) != (len(in_kernel), framing, waiting):
        complaints.append(f"{what}: the status has {status['flows']} flows, {status['framing']}, "
                          f"and {status['waiting']} waiting")
    return complaints


@every_mode
@every_family
def test_path(lab: Lab, variant: Variant, family: int) -> None:
    """Payloads of all sizes come back unchanged, by the path of the mode."""
    server = Turnpike(lab, variant)
    with permitted(lab, family) as (client, peer):
        def counted(payload: bytes) -> Counts:
            before = server.relayed()
            complaints.extend(echoed(client, peer, payload))
            return since(server.relayed, before)

        complaints: Complaints = []
        wanted = (2, 0) if variant.in_kernel else (0, 2)
        proc.wait_until(lambda: counted(b"warm-up") == wanted, TIMEOUT)
        complaints += [f"{size} bytes: {got} packets in the kernel, in user space" for size in SIZES
                       if (got := counted(os.urandom(size))) != wanted]
        client.refresh(0)
    check(complaints + server.stop_complaints())


@in_kernel_or_not
@every_family
def test_life(lab: Lab, variant: Variant, family: int) -> None:
    """Data makes a pair, which checks do not. A channel replaces it, and the end of the allocation ends both."""
    server = Turnpike(lab, variant)
    with permitted(lab, family) as (client, peer):
        complaints = echoed(client, peer, CHECK) + flow_complaints(server, "after a check", [])
        complaints += echoed(client, peer, os.urandom(100))
        complaints += flow_complaints(server, "after data", both("indication", 0))
        complaints += [f"the flow names {end}" for flow in server.flows() if flow["direction"] == "to-peer"
                       for end in (flow["new_dst"],) if not end.endswith(f":{peer[1]}")]
        client.bind(CHANNEL, peer)
        complaints += flow_complaints(server, "after ChannelBind", both("channel", CHANNEL))
        client.refresh(0)
        complaints += flow_complaints(server, "at the end", [])
    check(complaints + server.stop_complaints())


@anyhow
def test_limit(lab: Lab, variant: Variant) -> None:
    """Peers beyond the limit get data, but no flow, and are counted. Channels are bound all the same."""
    server = Turnpike(lab, variant, options=["--max-channels", str(LIMIT)])
    with permitted(lab, 4) as (client, peer):
        complaints = echoed(client, peer, b"data of a pair")
        for number in range(LIMIT + 1):
            client.send_indication((peer[0], OTHER_PORT + number), b"data of a pair")
        client.permit(peer)  # its answer comes after all of them
        complaints += flow_complaints(server, "at the limit", sorted(LIMIT * both("indication", 0)))
        if (over := server.in_user_space()["over_pairs"]) != 2:
            complaints.append(f"{over} datagrams are counted as beyond the limit, not 2")
        client.bind(CHANNEL, (peer[0], OTHER_PORT + LIMIT))
        complaints += [] if ("to-peer", "channel", CHANNEL) in keys(server) else ["the channel has no flow"]
    check(complaints + server.stop_complaints())

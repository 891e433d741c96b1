# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""10,000 clients with an allocation and a channel each relay at the same time, and compare every byte.

    client ----- relay ----- peer        behind both far ends are networks of addresses
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest

from lab import proc
from lab.complaints import Complaints, check
from lab.crowd import Hosts, crowd, done_by_all, many_served
from lab.lab import Lab
from lab.relay import BY_NAME, Turnpike, Variant
from lab.tool import Tool

CLIENTS = 10_000
ROUNDS = 2
SETTLE_ROUNDS = 10
NEXT_HOPS = 16_383  # the library's default
FEWER = 1_000


@pytest.fixture(scope="module")
def shared_lab() -> Iterator[Lab]:
    with Hosts() as lab:
        yield lab


def status_is(server: Turnpike, wanted: dict[str, int]) -> Complaints:
    status = server.ask("status")
    return [f"{name}: {status[name]}, not {value}" for name, value in wanted.items() if status[name] != value]


def relayed_is(server: Turnpike, kernel: int, user_space: int) -> Complaints:
    counted, wanted = server.relayed(), (kernel, user_space)
    return [] if counted == wanted else [f"relayed in the kernel and in user space: {counted}, not {wanted}"]


@pytest.mark.parametrize("variant", (BY_NAME["native-head"], BY_NAME["userspace"]))
def test_all_relay(lab: Lab, variant: Variant) -> None:
    """All data is relayed where the variant says, each flow counts its packets, and a Refresh changes nothing."""
    server = many_served(lab, variant, CLIENTS)
    flows = 2 * CLIENTS
    packets = (ROUNDS + 1) * flows
    with crowd(lab, CLIENTS, 1) as clients:
        complaints = done_by_all(clients, CLIENTS, "allocate", "bind", *["exchange"] * ROUNDS, "refresh", "exchange")
        complaints += status_is(server, {"allocations": CLIENTS, "flows": flows if variant.in_kernel else 0,
                                         "flow_failures": 0})
        complaints += waiting_are(server, "mode", 0 if variant.in_kernel else CLIENTS)
        # The first packet of each flow confirms it.
        in_kernel = packets - flows if variant.in_kernel else 0
        complaints += relayed_is(server, in_kernel, packets - in_kernel)
        counts = {flow["packets"] for flow in server.flows()}
        if variant.in_kernel and counts != {ROUNDS}:
            complaints.append(f"flows have counted {sorted(counts)} packets, not {ROUNDS} each")
        complaints += done_by_all(clients, CLIENTS, "release")
    complaints += status_is(server, {"allocations": 0, "flows": 0})
    check(complaints + server.stop_complaints())


@pytest.mark.parametrize("variant", (BY_NAME["native-head"], BY_NAME["tcx"]))
def test_mode_begins(lab: Lab, variant: Variant) -> None:
    """A mode that begins takes all channels that were bound before, and those that are bound while no device relays."""
    server = many_served(lab, BY_NAME["userspace"], FEWER)
    flows = 2 * FEWER
    with crowd(lab, FEWER, FEWER) as clients:
        complaints = done_by_all(clients, FEWER, "allocate", "bind", "exchange")
        for turn in range(2):
            complaints += status_is(server, {"flows": 0})
            complaints += waiting_are(server, "mode", FEWER)
            complaints += relayed_is(server, turn * flows, (2 * turn + 1) * flows)
            server.change_mode(variant)
            proc.wait_until(lambda: server.ask("status")["flows"] == flows, 60)
            complaints += status_is(server, {"flows": flows, "flow_failures": 0})
            complaints += waiting_are(server, "mode", 0)
            # The first packet of each flow confirms it.
            complaints += done_by_all(clients, FEWER, "exchange", "exchange")
            complaints += relayed_is(server, (turn + 1) * flows, (2 * turn + 2) * flows)
            server.change_mode(BY_NAME["userspace"])
            complaints += status_is(server, {"flows": flows})
            complaints += done_by_all(clients, FEWER, "release")
            complaints += status_is(server, {"flows": 0})
            complaints += done_by_all(clients, FEWER, "allocate", "bind", "exchange")
        complaints += done_by_all(clients, FEWER, "release")
    complaints += waiting_are(server, "mode", 0)
    check(complaints + server.stop_complaints())


# More channels than there is room for in the kernel.

@dataclass(frozen=True)
class Shortage:
    """What there is too little of, by its name in the status, and how many channels get some."""

    resource: str
    in_kernel: int
    peers: int = 1
    options: Sequence[str] = ()


SHORTAGES = {
    # Every client takes a next hop, and one to a peer of its own.
    "next hops": Shortage("next_hops", NEXT_HOPS // 2, peers=CLIENTS),
    # Every channel takes two flows.
    "flows": Shortage("flows", CLIENTS // 2, options=("--max-flows", str(CLIENTS))),
}


def waiting_are(server: Turnpike, resource: str, count: int) -> Complaints:
    """So many channels wait for this resource, and none for another one."""
    counts = server.ask("status")["waiting"]
    wanted = {name: count if name == resource else 0 for name in counts}
    return [] if counts == wanted else [f"channels wait for {counts}, not {wanted}"]


def settle(server: Turnpike, clients: Tool, kernel: int, user_space: int) -> Complaints:
    """In one of some rounds all packets take their paths: at first, flows are confirmed, and next hops resolved."""
    complaints: Complaints = []
    for _ in range(SETTLE_ROUNDS):
        before = server.relayed()
        complaints = done_by_all(clients, CLIENTS, "exchange")
        after = server.relayed()
        counts = (after[0] - before[0], after[1] - before[1])
        if complaints or counts == (kernel, user_space):
            return complaints
    return [f"relayed in the kernel and in user space: {counts}, not {(kernel, user_space)}"]


@pytest.mark.parametrize("shortage", SHORTAGES)
def test_shortage(lab: Lab, shortage: str) -> None:
    """Channels without room in the kernel wait, and are relayed in user space; released room is used again."""
    short = SHORTAGES[shortage]
    waiting = CLIENTS - short.in_kernel
    server = many_served(lab, BY_NAME["tcx"], CLIENTS, short.options)
    with crowd(lab, CLIENTS, short.peers) as clients:
        complaints = done_by_all(clients, CLIENTS, "allocate", "bind", *["exchange"] * ROUNDS)
        complaints += status_is(server, {"allocations": CLIENTS, "flows": 2 * short.in_kernel,
                                         "flow_failures": waiting, "flow_refusals": 0})
        complaints += waiting_are(server, short.resource, waiting)
        complaints += settle(server, clients, 2 * short.in_kernel, 2 * waiting)
        complaints += done_by_all(clients, CLIENTS, "release", "allocate", "bind", "exchange")
        # The library reuses a next hop a second after its release, at the earliest.
        proc.wait_until(lambda: server.ask("status")["flows"] == 2 * short.in_kernel, 60)
        complaints += status_is(server, {"flows": 2 * short.in_kernel})
        complaints += waiting_are(server, short.resource, waiting)
        complaints += settle(server, clients, 2 * short.in_kernel, 2 * waiting)
    check(complaints + server.stop_complaints())

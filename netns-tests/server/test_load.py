#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""10,000 clients with an allocation and a channel each, all of them relaying at once, every byte compared.

    client ----- relay ----- peer        behind both ends, as many addresses as it takes

    all           two rounds of something else by each client to its peer and back: by the counters, all of it where it
                  belongs, and each flow has counted what its client sent
    refreshed     after that all allocations are refreshed, and relay as before
    next hops     each client has a peer of its own, so that there are more ways out than the kernel has room for: what
                  has none is relayed in user space and waits. When all leave and come back, as many are in the kernel
                  as before, though some have to wait for a second
    flows         there is room for half of the channels: the others are relayed in user space and wait; likewise
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial

import scenes
from lab import proc
from lab.complaints import Complaints
from lab.crowd import Hosts, crowd, done_by_all, many_served
from lab.lab import Lab
from lab.relay import BY_NAME, Turnpike, Variant

Test = Callable[[Lab], Complaints]
CLIENTS = 10_000
ROUNDS = 2
NEXT_HOPS = 16_383  # that the library has room for, unless asked for more
SOON = 60.0  # seconds, for what should take two


def holds(server: Turnpike, what: dict[str, int]) -> Complaints:
    status = server.ask("status")
    return [f"{name}: {status[name]}, not {wanted}" for name, wanted in what.items() if status[name] != wanted]


def relayed_by(server: Turnpike, kernel: int, user: int) -> Complaints:
    counted = server.relayed()
    return [] if counted == (kernel, user) else [f"relayed in the kernel and in user space: {counted}, not {kernel, user}"]


def all_at_once(lab: Lab, variant: Variant) -> Complaints:
    server = many_served(lab, variant, CLIENTS)
    with crowd(lab, CLIENTS, 1) as clients:
        complaints = done_by_all(clients, CLIENTS, "allocate", "bind", *["exchange"] * ROUNDS, "refresh", "exchange")
        flows = 2 * CLIENTS
        complaints += holds(server, {"allocations": CLIENTS, "flows": flows, "flow_failures": 0})
        packets = (ROUNDS + 1) * flows
        complaints += relayed_by(server, packets, 0) if variant.in_kernel else relayed_by(server, 0, packets)
        counts = {flow["packets"] for flow in server.flows()}
        if variant.in_kernel and counts != {ROUNDS + 1}:
            complaints.append(f"flows have counted {sorted(counts)} packets, not {ROUNDS + 1} each")
        complaints += done_by_all(clients, CLIENTS, "release")
    complaints += holds(server, {"allocations": 0, "flows": 0})
    if status := server.stop():
        complaints.append(f"ended with status {status}")
    return complaints


def waiting_for(server: Turnpike, count: int, reason: str) -> Complaints:
    """So many channels wait, all for the same reason."""
    counts = server.ask("status")["waiting"]
    wanted = {name: count if name == reason else 0 for name in counts}
    return [] if counts == wanted else [f"channels wait for {counts}, not {wanted}"]


def without_room(lab: Lab, variant: Variant, peers: int, in_kernel: int, reason: str, options: list[str]) -> Complaints:
    """So many channels are in the kernel, and all the others relayed no worse."""
    server = many_served(lab, variant, CLIENTS, options)
    with crowd(lab, CLIENTS, peers) as clients:
        complaints = done_by_all(clients, CLIENTS, "allocate", "bind", *["exchange"] * ROUNDS)
        complaints += holds(server, {"allocations": CLIENTS, "flows": 2 * in_kernel,
                                     "flow_failures": CLIENTS - in_kernel, "flow_refusals": 0})
        complaints += waiting_for(server, CLIENTS - in_kernel, reason)
        complaints += relayed_by(server, 2 * ROUNDS * in_kernel, 2 * ROUNDS * (CLIENTS - in_kernel))
        complaints += done_by_all(clients, CLIENTS, "release")
        # There is room again, though some of it may not be used at once.
        complaints += done_by_all(clients, CLIENTS, "allocate", "bind", "exchange")
        if not proc.wait_until(lambda: server.ask("status")["flows"] == 2 * in_kernel, SOON):
            complaints += holds(server, {"flows": 2 * in_kernel})
        complaints += waiting_for(server, CLIENTS - in_kernel, reason)
        kernel, user = server.relayed()
        complaints += done_by_all(clients, CLIENTS, "exchange")
        complaints += relayed_by(server, kernel + 2 * in_kernel, user + 2 * (CLIENTS - in_kernel))
    if status := server.stop():
        complaints.append(f"ended with status {status}")
    return complaints


def tests() -> Iterator[tuple[str, Test]]:
    for name in ("native-head", "userspace"):
        yield f"{name}/all", partial(all_at_once, variant=BY_NAME[name])
    # Of each client there is one way out, and one to its peer.
    yield "tcx/next hops", partial(without_room, variant=BY_NAME["tcx"], peers=CLIENTS, in_kernel=NEXT_HOPS // 2,
                                   reason="next_hops", options=[])
    # Of each channel there are two flows.
    yield "tcx/flows", partial(without_room, variant=BY_NAME["tcx"], peers=1, in_kernel=CLIENTS // 2,
                               reason="flows", options=["--max-flows", str(CLIENTS)])


if __name__ == "__main__":
    sys.exit(scenes.main("10,000 clients at once.", tests(), scenes.tried_in_lab, Hosts()))

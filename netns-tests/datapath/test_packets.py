#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Odd packets, in every mode: what the relay must move, must leave to user space, and must not move at all.

    client ----- switch ----- relay        client ----- relay ----- peer
                   |
                 peer

On one segment and with two NICs the client reaches the relay's NIC with frames of its own making. The packets are
the tables of packet_cases.py; here are the requests that must be refused, and what takes more than one packet. With
--only TEXT, only cases with TEXT in their names (network/variant/family/case) are run.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial

from lab import proc, turn
from lab.lab import Lab
from lab.relay import SERVERS, Server, Variant
from lab.rig import CHANNEL, Rig
from lab.topology import FAMILIES
from packet_cases import CASES, HELLO

NETWORKS = ("segment", "two-nic")  # scripts/test.sh runs each of them by itself, at the same time
EXPECTED_TROUBLE = (turn.TurnError, OSError, proc.LabError)
LIFETIME = (turn.LIFETIME, (600).to_bytes(4, "big"))
ALLOCATION = (turn.TRANSPORT, turn.UDP_TRANSPORT)
UNHEARD_OF = (0x7ABC, b"what")  # an attribute that must be understood, and cannot be

# Requests and the error code that answers them.
REFUSALS: dict[str, tuple[int, Callable[[Rig], turn.Message]]] = {
    "no credentials": (401, lambda b: b.client.exchange(turn.REFRESH, [LIFETIME], signed=False)),
    "wrong integrity": (401, lambda b: b.client.exchange(turn.REFRESH, [LIFETIME], key=os.urandom(16))),
    "stale nonce": (438, lambda b: with_nonce(b, b"stale")),
    "unknown attribute": (420, lambda b: b.client.exchange(turn.REFRESH, [LIFETIME, UNHEARD_OF])),
    "second allocation": (437, lambda b: b.client.exchange(turn.ALLOCATE, [ALLOCATION])),
    "channel below the range": (400, lambda b: bind_raw(b, 0x3FFF, b.peer_address)),
    "channel bound to another peer": (400, lambda b: bind_raw(b, CHANNEL, (b.peer_address[0], 9))),
    "peer bound to another channel": (400, lambda b: bind_raw(b, CHANNEL + 1, b.peer_address)),
    "peer on the relay's loopback": (403, lambda b: bind_raw(b, CHANNEL + 2, (LOOPBACK[b.family], 9))),
}
LOOPBACK = {4: "127.0.0.1", 6: "::1"}


def with_nonce(rig: Rig, nonce: bytes) -> turn.Message:
    kept, rig.client.nonce = rig.client.nonce, nonce
    try:
        return rig.client.exchange(turn.REFRESH, [LIFETIME])
    finally:
        rig.client.nonce = kept


def bind_raw(rig: Rig, channel: int, peer: turn.Address) -> turn.Message:
    transaction = os.urandom(12)
    return rig.client.exchange(turn.CHANNEL_BIND, turn.binding(channel, peer, transaction), transaction=transaction)


def hairpin(rig: Rig) -> list[str]:
    """Both ends are clients of this relay: ChannelData in, ChannelData out, in one pass."""
    other = rig.new_client()
    try:
        rig.client.bind(CHANNEL + 3, other.relayed)
        other.bind(CHANNEL, rig.client.relayed)
        before = rig.server.relayed()
        rig.to_relay(turn.channel_data(CHANNEL + 3, HELLO))
        got = other.receive(0.5)
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


def nothing_after_the_end(rig: Rig) -> list[str]:
    """Once an allocation is given back, no packet may use what it left in the kernel."""
    kernel_before, user_before = rig.server.relayed()
    rig.client.refresh(0)
    rig.to_peer(HELLO)
    rig.to_client(HELLO)
    arrived = [where for where, got in (("peer", rig.at_peer()), ("client", rig.at_client())) if got]
    complaints = [f"the {where} still got data" for where in arrived]
    if rig.server.relayed() != (kernel_before, user_before):
        complaints.append("packets were still relayed")
    if rig.server.flows():
        complaints.append("the kernel still has flows")
    return complaints


def alive(rig: Rig) -> list[str]:
    if (status := rig.server.process.exit_status()) is not None:
        return [f"the server ended with status {status}"]
    rig.new_client().refresh(0)
    return []


SEQUENCES = {"hairpin": hairpin, "nothing after the end": nothing_after_the_end, "alive": alive}


def refused(rig: Rig, wanted: int, ask: Callable[[Rig], turn.Message]) -> list[str]:
    answer = ask(rig)
    if answer.code != wanted:
        return [f"answered with {answer.code or 'success'}, not {wanted}"]
    if wanted == 420 and answer.get(turn.UNKNOWN_ATTRIBUTES) != UNHEARD_OF[0].to_bytes(2, "big"):
        return ["the unknown attribute is not named"]
    return []


Check = Callable[[Rig], list[str]]


def checks(family: int, in_kernel: bool) -> Iterator[tuple[str, Check]]:
    """Everything there is to check on one rig, in order: the end of the allocation comes last."""
    for case in CASES:
        if family in case.families and (in_kernel or not case.kernel_only):
            yield case.name, partial(Rig.run, case=case)
    for name, (wanted, ask) in REFUSALS.items():
        yield name, partial(refused, wanted=wanted, ask=ask)
    yield from SEQUENCES.items()


def run_checks(lab: Lab, server: Server, family: int, chosen: dict[str, Check]) -> list[str]:
    """The names of those that failed."""
    failed = []
    try:
        rig = Rig(lab, server, family)
    except EXPECTED_TROUBLE as error:
        print(f"FAIL {', '.join(chosen)}: {error}\n{server.report()}")
        return list(chosen)
    for name, check in chosen.items():
        try:
            complaints = check(rig)
        except EXPECTED_TROUBLE as error:
            complaints = [f"{type(error).__name__}: {error}"]
        for complaint in complaints:
            print(f"FAIL {name}: {complaint}", flush=True)
        failed += [name] if complaints else []
    rig.close()
    return failed


def run_variant(lab: Lab, network: str, variant: Variant, start_server: type[Server], only: str) -> tuple[int, list[str]]:
    """How many checks there were, and which failed."""
    plan = {family: {name: check for short, check in checks(family, variant.in_kernel)
                     if only in (name := f"{network}/{variant.name}/ipv{family}/{short}")} for family in FAMILIES}
    if not any(plan.values()):
        return 0, []
    total = sum(map(len, plan.values()))
    start = time.monotonic()
    try:
        server = start_server(lab, variant)
    except proc.LabError as error:
        print(f"FAIL {network}/{variant.name}: {error}", flush=True)
        return total, [name for chosen in plan.values() for name in chosen]
    failed = [name for family, chosen in plan.items() if chosen for name in run_checks(lab, server, family, chosen)]
    if failed:
        print(server.report())
    server.stop()
    print(f"{network}/{variant.name}: {total - len(failed)} of {total} passed, {time.monotonic() - start:.1f} s", flush=True)
    return total, failed


def main() -> int:
    parser = argparse.ArgumentParser(description="Odd packets in every mode.")
    parser.add_argument("--only", default="", metavar="TEXT", help="only cases with TEXT in their names")
    parser.add_argument("--server", choices=SERVERS, default="turnpike")
    options = parser.parse_args()
    proc.die_cleanly_on_signals()
    start_server, variants = SERVERS[options.server]
    total, failed = 0, []
    for network in NETWORKS:
        with Lab(network, offload=True) as lab:
            for variant in variants:
                more, wrong = run_variant(lab, network, variant, start_server, options.only)
                total += more
                failed += wrong
    print(f"{total - len(failed)} passed, {len(failed)} failed")
    return 1 if failed or not total else 0


if __name__ == "__main__":
    sys.exit(main())

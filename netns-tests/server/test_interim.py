# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Interim records: what an allocation has relayed so far.

    client ----- relay ----- peer
"""

from __future__ import annotations

import itertools
import json
import signal
from typing import Any

import pytest

from lab import proc
from lab.complaints import Complaints, check
from lab.crowd import Hosts, crowd, done_by_all, many_served
from lab.endpoints import echo_peer
from lab.lab import Lab
from lab.relay import BINARY, BY_NAME, Turnpike, Variant
from lab.schema import schema_complaints
from lab.sessions import FAMILY, bound, serve, session_of, talk

TIMEOUT = 30.0
CLIENTS = 2_000
ROUNDS = 3
EVERY_SECOND = ("--log-json", "--accounting-interval", "1")
PATHS = ("kernel", "userspace")

modes = pytest.mark.parametrize("variant", [BY_NAME[name] for name in ("native-head", "tcx", "userspace")])


def logged(server: Turnpike, event: str) -> list[dict[str, Any]]:
    lines = server.process.log().splitlines(keepends=True)
    return [json.loads(line) for line in lines if f'"event":"{event}"' in line and line.endswith("\n")]


def counters(record: dict[str, Any]) -> dict[str, int]:
    return {name: count for name, count in record.items() if name.startswith(PATHS)}


def counters_of_session(session: dict[str, Any]) -> dict[str, int]:
    return {f"{path}_{direction}_{unit}": session[path][direction][unit]
            for path in PATHS for direction in ("to_peer", "to_client") for unit in ("packets", "bytes")}


def shrunk(records: list[dict[str, Any]]) -> Complaints:
    """Each record has at least what the one before has."""
    return [f"{name} was {before[name]}, and is {after[name]}" for before, after in itertools.pairwise(records)
            for name in ("seconds", *counters(before)) if after[name] < before[name]]


def recorded(server: Turnpike, wanted: dict[str, int]) -> Complaints:
    """There is a record with these counters, now or later."""
    found = proc.wait_until(lambda: any(counters(each) == wanted for each in logged(server, "interim")), TIMEOUT)
    return [] if found else [f"no record has {wanted}: {logged(server, 'interim')}"]


def monitored(lab: Lab, server: Turnpike) -> Complaints:
    """Who watches sees records, too, in the documented form."""
    words = ["monitor", "-j", "--events", "interim", "--control", str(server.control)]
    process = lab.start("relay", [str(BINARY), *words])
    process.wait_for('"event":"interim".*\n', TIMEOUT)
    event = json.loads(process.log().splitlines()[0])
    process.stop(signal.SIGTERM)
    return schema_complaints(event, "monitor")


@modes
def test_records(lab: Lab, variant: Variant) -> None:
    """Records grow, are what the list of sessions says, and do not exceed what was relayed in the end."""
    server = serve(lab, variant, *EVERY_SECOND)
    complaints = []
    with echo_peer(lab, FAMILY) as peer, bound(lab, peer.address) as client:
        complaints += monitored(lab, server)
        for _ in range(2):
            complaints += talk(client)
            complaints += recorded(server, counters_of_session(session_of(server, client)))
        client.refresh(0)
        proc.wait_until(lambda: bool(logged(server, "ended")), TIMEOUT)
    records, ended = logged(server, "interim"), logged(server, "ended")
    complaints += shrunk(records + ended)
    if {each["id"] for each in records + ended} != {1} or len(ended) != 1:
        complaints.append(f"records of one allocation: {records + ended}")
    if set(ended[0]) != set(records[0]) | {"why"}:
        complaints.append(f"the fields are {sorted(records[0])}, at the end {sorted(ended[0])}")
    carried = records[-1][f"{'kernel' if variant.in_kernel else 'userspace'}_to_peer_packets"]
    if carried == 0:
        complaints.append("nothing was relayed where the variant says")
    check(complaints + server.stop_complaints())


@pytest.mark.parametrize("variant", (BY_NAME["tcx"],))
def test_reload(lab: Lab, variant: Variant) -> None:
    """An allocation that is younger than the interval has no record. A reload with another interval holds at once."""
    path = lab.scratch / "interim.conf"
    path.write_text("log-json = yes\naccounting-interval = 86400\n")
    server = serve(lab, variant, "--config", str(path))
    with echo_peer(lab, FAMILY) as peer, bound(lab, peer.address) as client:
        complaints = talk(client)
        if logged(server, "interim"):
            complaints.append("there is a record long before it is due")
        path.write_text("log-json = yes\naccounting-interval = 1\n")
        server.process.send_signal(signal.SIGHUP)
        # The client sends nothing that would wake the server up.
        complaints += recorded(server, counters_of_session(session_of(server, client)))
    check(complaints + server.stop_complaints())


@pytest.mark.parametrize("variant", (BY_NAME["native-head"],))
def test_many(variant: Variant) -> None:
    """While each of many allocations is recorded every second, all clients are served."""
    with Hosts() as lab:
        server = many_served(lab, variant, CLIENTS, EVERY_SECOND)
        with crowd(lab, CLIENTS, 1) as clients:
            complaints = done_by_all(clients, CLIENTS, "allocate", "bind")
            for rounds in range(1, ROUNDS + 1):
                complaints += done_by_all(clients, CLIENTS, "exchange", "refresh")
                complaints += all_recorded(server, rounds)
            complaints += done_by_all(clients, CLIENTS, "release")
        check(complaints + server.stop_complaints())


def all_recorded(server: Turnpike, rounds: int) -> Complaints:
    """Each allocation has a record of so many messages."""
    def missing() -> int:
        return CLIENTS - len({each["id"] for each in logged(server, "interim")
                              if each["kernel_to_peer_packets"] + each["userspace_to_peer_packets"] >= rounds})

    proc.wait_until(lambda: missing() == 0, TIMEOUT)
    left, lost = missing(), server.ask("status")["log_lost"]
    return [f"{left} allocations have no record of {rounds} messages; the log has lost {lost} lines"] if left else []

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Every way to move packets, in every network of the lab: nothing lost, nothing changed, and moved where it should be.

    networks   router, two-nic, segment (drawn in lab.py), each with checksum offload on and off
    variants   native-head  native-tail  generic-head  generic-tail  tcx  clsact  userspace
    traffic    ipv4  ipv6     client and peer of one family: turnutils_uclient, then aioice comparing every byte
               4to6  6to4     client and peer of different families: aioice

A cell is named network/offload/variant/traffic; --only TEXT runs the cells with TEXT in their names. With
--server coturn the same traffic goes through coturn, which tells a fault of the lab from a fault of ours.
"""

from __future__ import annotations

import argparse
import itertools
import math
import multiprocessing
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Semaphore
from queue import Empty

import clients
import proc
from lab import TOPOLOGIES, Lab
from relay import SERVERS, Server, Variant

# Traffic: the client's family, the peer's, and how many messages turnutils_uclient sends.
TRAFFIC = {"ipv4": (4, 4, 200), "ipv6": (6, 6, 200), "4to6": (4, 6, 0), "6to4": (6, 4, 0)}
OFFLOADS = {"on": True, "off": False}
# What may go through user space in a kernel mode: the first packets to a neighbour whose MAC address the kernel is
# still asking for, and one in a hundred besides.
UNRESOLVED = 4

Group = tuple[str, str]


@dataclass(frozen=True)
class Cell:
    topology: str
    offload: str
    variant: Variant
    traffic: str

    @property
    def name(self) -> str:
        return f"{self.topology}/{self.offload}/{self.variant.name}/{self.traffic}"

    @property
    def group(self) -> Group:
        return self.topology, self.offload


@dataclass(frozen=True)
class Outcome:
    cell: str
    numbers: str
    complaints: list[str]
    seconds: float
    report: str = ""


def run_traffic(lab: Lab, server: Server, cell: Cell) -> tuple[str, list[str]]:
    """Send, and compare what everyone has counted; the answer is the numbers and what is wrong with them."""
    client_family, peer_family, messages = TRAFFIC[cell.traffic]
    watched = ("client", "peer")
    kernel_before, user_before = server.relayed()
    errors_before = {role: lab.udp_errors(role) for role in watched}
    complaints = server.attach_complaints()

    expected, lost = 0, 0
    if messages:
        load = clients.run_load(lab, client_family, clients=1, messages=messages, interval_ms=1)
        expected, lost = load.packets, load.lost
        if lost or load.sent != messages or load.received != messages:
            complaints.append(f"turnutils_uclient sent {load.sent} of {messages}, received {load.received}")
    comparison = clients.compare_bytes(lab, client_family, peer_family)
    expected += comparison.packets
    complaints += comparison.complaints

    for role in watched:
        after = lab.udp_errors(role)
        complaints += [f"{name} at the {role} rose by {after[name] - before}"
                       for name, before in errors_before[role].items() if after[name] != before]
    kernel_after, user_after = server.relayed()
    kernel, user = kernel_after - kernel_before, user_after - user_before
    complaints += count_complaints(cell.variant, expected, kernel, user) if server.tells_counts else []
    return f"packets {expected:5}  kernel {kernel:5}  userspace {user:5}  lost {lost}", complaints


def count_complaints(variant: Variant, expected: int, kernel: int, user: int) -> list[str]:
    if not variant.in_kernel:
        return [f"{kernel} packets were relayed in the kernel"] if kernel else []
    complaints = []
    if kernel < expected - max(UNRESOLVED, expected // 100):
        complaints.append(f"only {kernel} of {expected} packets were relayed in the kernel")
    if kernel + user < expected:
        complaints.append(f"{kernel} + {user} packets were counted, not {expected}")
    return complaints


def run_cell(lab: Lab, server: Server, cell: Cell) -> Outcome:
    start = time.monotonic()
    try:
        numbers, complaints = run_traffic(lab, server, cell)
    except Exception as error:  # whatever a library throws: this cell has failed, the next ones may not
        numbers, complaints = "", [f"{type(error).__name__}: {error}"]
    return Outcome(cell.name, numbers, complaints, time.monotonic() - start,
                   server.report() if complaints else "")


def run_group(cells: list[Cell], start_server: Callable[[Lab, Variant], Server], slots: Semaphore,
              outcomes: Queue[Outcome]) -> None:
    """All cells of one lab, in a process of their own: the server is started anew for each variant only."""
    proc.die_cleanly_on_signals()
    with slots, Lab(cells[0].topology, OFFLOADS[cells[0].offload]) as lab:
        clients.start_peer(lab)
        for variant, cells_of_variant in itertools.groupby(cells, key=lambda cell: cell.variant):
            try:
                server = start_server(lab, variant)
            except proc.LabError as error:
                for cell in cells_of_variant:
                    outcomes.put(Outcome(cell.name, "", [str(error)], 0))
                continue
            for cell in cells_of_variant:
                outcomes.put(run_cell(lab, server, cell))
            server.stop()


def run_all(cells: list[Cell], start_server: Callable[[Lab, Variant], Server], jobs: int) -> list[Outcome]:
    """A process for each lab, a few of them at a time: the load generator mostly sleeps."""
    slots = multiprocessing.Semaphore(jobs)
    outcomes: Queue[Outcome] = multiprocessing.Queue()
    groups = [list(group) for _, group in itertools.groupby(cells, key=lambda cell: cell.group)]
    workers = [multiprocessing.Process(target=run_group, args=(group, start_server, slots, outcomes))
               for group in groups]
    return gather(workers, outcomes, {cell.name for cell in cells})


def gather(workers: list[multiprocessing.Process], outcomes: Queue[Outcome], names: set[str],
           limit_seconds: float = math.inf) -> list[Outcome]:
    """Runs the workers and shows what each cell has come to, also of those that no worker got to."""
    deadline = time.monotonic() + limit_seconds
    results: list[Outcome] = []
    try:
        for worker in workers:
            worker.start()
        while len(results) < len(names) and time.monotonic() < deadline:
            working = any(worker.is_alive() for worker in workers)
            try:
                results.append(outcomes.get(timeout=1))
            except Empty:
                if working:
                    continue
                break  # a worker that died has said why on stderr; its cells are missing
            show(results[-1], len(results), len(names))
    finally:
        for worker in workers:
            if worker.is_alive() and len(results) < len(names):
                worker.terminate()
        for worker in workers:
            if worker.pid:
                worker.join()
    missing = names - {outcome.cell for outcome in results}
    return results + [Outcome(name, "", ["was not run to its end"], 0) for name in sorted(missing)]


def conclude(results: list[Outcome]) -> int:
    """The last line, and the exit status."""
    failed = [outcome for outcome in results if outcome.complaints]
    if failed:
        print("failed: " + ", ".join(outcome.cell for outcome in failed))
    print(f"{len(results) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed or not results else 0


def show(outcome: Outcome, number: int, total: int) -> None:
    verdict = "FAIL" if outcome.complaints else "ok  "
    print(f"[{number:3}/{total}] {verdict} {outcome.cell:34} {outcome.numbers}  {outcome.seconds:4.1f} s", flush=True)
    for complaint in outcome.complaints:
        print(f"          {complaint}")
    if outcome.report:
        print(outcome.report, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="The integration-test matrix.")
    parser.add_argument("--only", default="", metavar="TEXT", help="only cells with TEXT in their names")
    parser.add_argument("--server", choices=SERVERS, default="turnpike")
    parser.add_argument("--jobs", type=int, default=3, help="labs at a time")
    options = parser.parse_args()
    proc.die_cleanly_on_signals()

    start_server, variants = SERVERS[options.server]
    cells = [cell for cell in itertools.starmap(Cell, itertools.product(TOPOLOGIES, OFFLOADS, variants, TRAFFIC))
             if options.only in cell.name]
    results = run_all(cells, start_server, options.jobs)
    return conclude(results)


if __name__ == "__main__":
    sys.exit(main())

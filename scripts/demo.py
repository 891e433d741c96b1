#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The demo, started by demo.sh. It prints two tables.

1. The path of the packets in each mode: twenty clients of coturn's turnutils_uclient each send two thousand messages
   through `turnpike serve` to an echoing peer. The benchmark's tools measure the round trip.

       client ----- router ----- relay
                      |
                    peer

2. Packets per second of each mode and of coturn, on one network with one generator (bench/peers.py).
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import latency
import peers
from lab import proc, turnutils
from lab.lab import Lab
from lab.relay import VARIANTS, Turnpike, Variant
from network import Network

CLIENTS, MESSAGES, SIZE, INTERVAL_MS = 20, 2000, 170, 1
SHOWN = ("native-head", "native-tail", "generic-head", "generic-tail", "tcx", "userspace")
ENOUGH_PERCENT = 99.0
COLUMNS = "{:<12} {:<6} {:<5} {:>10} {:>10} {:>8} {:>6} {:>11}"

ROUND_TRIP_RATE, ROUND_TRIP_SECONDS = 5000, 0.5
COMPARED = ("native-head", "generic-head", "tcx", "userspace", "coturn")
LOAD_SECONDS = 2
RATES = "{:<22} {:>11} {:>9} {:>13}"


@dataclass(frozen=True)
class Row:
    variant: Variant
    kernel: int
    user: int
    load: turnutils.Load
    round_trip_us: float

    @property
    def share(self) -> float:
        return 100 * self.kernel / max(1, self.kernel + self.user)

    @property
    def complaint(self) -> str | None:
        if self.load.lost or self.load.received != CLIENTS * MESSAGES:
            return f"{self.load.received} of {CLIENTS * MESSAGES} messages came back"
        if self.variant.in_kernel and self.share < ENOUGH_PERCENT:
            return f"the kernel relayed less than {ENOUGH_PERCENT:g} %"
        if not self.variant.in_kernel and self.kernel:
            return "the kernel relayed packets in mode userspace"
        return None

    def text(self) -> str:
        return COLUMNS.format(self.variant.mode, self.variant.moves or "-", self.variant.hook, self.kernel, self.user,
                              f"{self.share:.2f} %", self.load.lost, f"{self.round_trip_us:.1f} µs")


def show(text: str = "") -> None:
    print(text, flush=True)


def run(lab: Lab, wire: latency.Wire, variant: Variant) -> Row:
    server = Turnpike(lab, variant)
    kernel_before, user_before = server.relayed()
    load = turnutils.run_load(lab, 4, clients=CLIENTS, messages=MESSAGES, size=SIZE, interval_ms=INTERVAL_MS)
    kernel, user = server.relayed()
    if complaints := server.attach_complaints():
        raise proc.LabError(f"{', '.join(complaints)}\n{server.report()}")
    server.stop()
    round_trip = latency.measure(wire, variant.name, ROUND_TRIP_RATE, ROUND_TRIP_SECONDS)["p50"].value
    return Row(variant, kernel - kernel_before, user - user_before, load, round_trip)


def show_paths() -> list[str]:
    """Print the first table. Returns complaints."""
    variants = [variant for variant in VARIANTS if variant.name in SHOWN]
    rows = []
    with Lab("router", offload=True) as lab, latency.Wire() as wire:
        turnutils.start_peer(lab)
        for number, variant in enumerate(variants, 1):
            show(f"[{number}/{len(variants)}] {' '.join(variant.options())}: {CLIENTS} clients, {MESSAGES} echoed"
                f" messages each, {SIZE} bytes ...")
            rows.append(run(lab, wire, variant))
    show()
    show(COLUMNS.format("mode", "moves", "hook", "in kernel", "in user", "kernel", "lost", "round trip"))
    for row in rows:
        show(row.text())
    show(f"\nThe round trip is the median at {ROUND_TRIP_RATE} packets per second, over two cables without delay:"
        " the client's stack,\nthe relay, and an echo in the peer's device.\n")
    return [f"{row.variant.name}: {row.complaint}" for row in rows if row.complaint]


def show_rates() -> None:
    """Print the second table: packets per second, also as multiples of coturn and of mode userspace."""
    rates = {}
    with Network("two-nic") as network:
        for number, name in enumerate(COMPARED, 1):
            show(f"[{number}/{len(COMPARED)}] {name}: maximum rate, for {LOAD_SECONDS} s ...")
            rates[name] = peers.saturated(network, name, LOAD_SECONDS).packets_per_s
    show()
    show(RATES.format("relay", "packets/s", "x coturn", "x user space"))
    for name, rate in rates.items():
        server = f"coturn {coturn_version()}" if name == "coturn" else f"turnpike {peers.VARIANTS[name].mode}"
        show(RATES.format(server, f"{rate:,.0f}", f"{rate / rates['coturn']:.1f}", f"{rate / rates['userspace']:.1f}"))
    show(f"\n{about(os.getloadavg()[0])}")


def coturn_version() -> str:
    """The version of Debian's package, or an empty string."""
    asked = subprocess.run(["dpkg-query", "--show", "--showformat=${source:Upstream-Version}", "coturn"],
                           capture_output=True, text=True, check=False)
    return asked.stdout


def about(load: float) -> str:
    """The conditions of the measurement."""
    model = next((line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    return f"""\
One flow from a client to its peer, {peers.SIZE} bytes of data, on {os.cpu_count()} CPUs ({model}), Linux
{platform.release()}, load average {load:.1f}. A generator in the kernel sends the packets over virtual cables (veth),
not a NIC. It shares one CPU with relaying in the kernel; servers in user space have the other CPUs to themselves.
Ratios are therefore more reliable than rates, and docs/performance.md is more reliable than one run."""


def main() -> int:
    proc.die_cleanly_on_signals()
    try:
        complaints = show_paths()
        show_rates()
    except proc.LabError as error:
        complaints = [str(error)]
    for complaint in complaints:
        print(f"demo: error: {complaint}", file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The demo: one relay behind one router, the same load through every mode, and a table of who moved the packets.

    client ----- router ----- relay
                   |
                 peer

turnutils_uclient runs twenty clients through `turnpike serve`; each sends two thousand messages to an echoing peer.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from lab import proc, turnutils
from lab.lab import Lab
from lab.relay import VARIANTS, Turnpike, Variant

CLIENTS, MESSAGES, SIZE, INTERVAL_MS = 20, 2000, 170, 1
SHOWN = ("native-head", "native-tail", "generic-head", "generic-tail", "tcx", "userspace")
ENOUGH_PERCENT = 99.0
COLUMNS = "{:<12} {:<6} {:<5} {:>10} {:>10} {:>8} {:>6} {:>10} {:>10}"


@dataclass(frozen=True)
class Row:
    variant: Variant
    kernel: int
    user: int
    load: turnutils.Load

    @property
    def share(self) -> float:
        return 100 * self.kernel / max(1, self.kernel + self.user)

    @property
    def complaint(self) -> str | None:
        if self.load.lost or self.load.received != CLIENTS * MESSAGES:
            return f"{self.load.received} of {CLIENTS * MESSAGES} messages came back"
        if self.variant.in_kernel and self.share < ENOUGH_PERCENT:
            return f"less than {ENOUGH_PERCENT:g} % was relayed in the kernel"
        if not self.variant.in_kernel and self.kernel:
            return "packets were relayed in the kernel though nothing is attached"
        return None

    def text(self) -> str:
        return COLUMNS.format(self.variant.mode, self.variant.moves or "-", self.variant.hook, self.kernel, self.user,
                              f"{self.share:.2f} %", self.load.lost, f"{self.load.peak_rate}/s",
                              f"{self.load.round_trip_ms:.3f} ms")


def run(lab: Lab, variant: Variant) -> Row:
    server = Turnpike(lab, variant)
    kernel_before, user_before = server.relayed()
    load = turnutils.run_load(lab, 4, clients=CLIENTS, messages=MESSAGES, size=SIZE, interval_ms=INTERVAL_MS)
    kernel, user = server.relayed()
    complaints = server.attach_complaints()
    if complaints:
        raise proc.LabError(f"{', '.join(complaints)}\n{server.report()}")
    server.stop()
    return Row(variant, kernel - kernel_before, user - user_before, load)


def main() -> int:
    proc.die_cleanly_on_signals()
    variants = [variant for variant in VARIANTS if variant.name in SHOWN]
    rows = []
    try:
        with Lab("router", offload=True) as lab:
            turnutils.start_peer(lab)
            for number, variant in enumerate(variants, 1):
                print(f"[{number}/{len(variants)}] {' '.join(variant.options())}: {CLIENTS} clients, {MESSAGES} messages"
                      f" each, of {SIZE} bytes, there and back ...", flush=True)
                rows.append(run(lab, variant))
    except proc.LabError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    print()
    print(COLUMNS.format("mode", "moves", "hook", "in kernel", "in user", "kernel", "lost", "peak rate", "round trip"))
    for row in rows:
        print(row.text())
    complaints = [f"{row.variant.name}: {row.complaint}" for row in rows if row.complaint]
    for complaint in complaints:
        print(f"demo: {complaint}", file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())

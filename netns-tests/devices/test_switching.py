#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Random live changes of the mode under load: not one wrong byte, not one lost flow, and the loss is told.

    client ----- relay ----- peer        IPv4 and IPv6 at once, each with one channel to an echoing peer

    any       between all modes and moves. Between native and generic XDP, which exclude each other, a packet may be
              lost: attaching native XDP to a veth empties its queue.
    in-place  between head and tail moves of one mode: the kernel exchanges the programs, and what is lost must stay
              below 0.01 %
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence

from lab import proc, turn
from lab.endpoints import echo_peer
from lab.flow import Flow
from lab.lab import Lab
from lab.relay import BY_NAME, VARIANTS, Turnpike, Variant
from lab.topology import FAMILIES

MAY_BE_LOST = {"any": 0.01, "in-place": 0.0001}
# clsact is left out: the command does not choose between the hooks of mode tc.
SETS = {"any": [variant for variant in VARIANTS if variant.name != "clsact"],
        "in-place": [BY_NAME["native-head"], BY_NAME["native-tail"]]}


def change(server: Turnpike, variant: Variant) -> list[str]:
    answer = server.order(command="mode", mode=variant.mode, moves=variant.moves or "auto")
    if "error" in answer:
        return [f"{variant.name}: {answer['error']}"]
    server.variant = variant
    return []


def run(lab: Lab, variants: Sequence[Variant], changes: int, limit: float) -> list[str]:
    server = Turnpike(lab, variants[0])
    generator = random.Random(changes)
    complaints: list[str] = []
    with echo_peer(lab, 4) as peer4, echo_peer(lab, 6) as peer6:
        flows = [Flow(lab, family, peer.address) for family, peer in zip(FAMILIES, (peer4, peer6))]
        in_kernel = len(server.flows())
        for flow in flows:
            flow.start()
        time.sleep(0.5)  # neighbours are resolved
        durations = []
        for _ in range(changes):
            start = time.monotonic()
            complaints += change(server, generator.choice([each for each in variants if each is not server.variant]))
            durations.append(time.monotonic() - start)
            time.sleep(generator.uniform(0, 0.02))
        for flow in flows:
            flow.stop()
        if len(server.flows()) != in_kernel:
            complaints.append(f"{len(server.flows())} flows of {in_kernel} are left")
    sent = sum(flow.sent for flow in flows)
    lost = sent - sum(len(flow.back) for flow in flows)
    kernel, user = server.relayed()
    print(f"    {changes} changes, {1000 * sorted(durations)[len(durations) // 2]:.1f} ms each (median); {sent} messages"
          f" there and back, {lost} lost ({100 * lost / sent:.4f} %); relayed: kernel {kernel}, userspace {user}")
    complaints += [each for flow in flows for each in flow.wrong[:5]] + server.attach_complaints()
    if lost > sent * limit:
        complaints.append(f"{lost} of {sent} messages were lost, more than {100 * limit:g} %")
    server.stop()
    return complaints


def main() -> int:
    parser = argparse.ArgumentParser(description="Live changes of the mode under load.")
    parser.add_argument("--changes", type=int, default=1000)
    parser.add_argument("--only", default="", metavar="TEXT", choices=["", *SETS])
    options = parser.parse_args()
    proc.die_cleanly_on_signals()
    failed = 0
    chosen = [name for name in SETS if options.only in name]
    with Lab("two-nic", offload=True) as lab:
        for name in chosen:
            try:
                complaints = run(lab, SETS[name], options.changes, MAY_BE_LOST[name])
            except (proc.LabError, turn.TurnError, OSError, KeyError) as error:
                complaints = [f"{type(error).__name__}: {error}"]
            finally:
                lab.stop_processes()
            failed += bool(complaints)
            print(f"{'FAIL' if complaints else 'ok  '} {name}")
            for complaint in complaints[:10]:
                print(f"        {complaint}")
    print(f"{len(chosen) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

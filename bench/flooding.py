# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Round trips of ten clients on UDP while another one floods the server (bench/tools/flood.c).

    flood/SERVER/RATE    packets per second of the flood, in runs that the kernel merges

The flood ends at a program on its peer's device. The peers of the ten, whose packets are 0.2 ms apart, echo them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import product

import paths  # noqa: F401
from lab import proc
from section import Case, Extent, Figure, Scope, Unit
from servers import AT_ONCE, VARIANTS, server_cpus, serving
from transports import SERVERS, SET_UP, Load, Wire, clients, sink

CLIENTS = 11
RATES = {Extent.QUICK: (300_000,), Extent.DEFAULT: (300_000, 900_000),
         Extent.FULL: (100_000, 300_000, 900_000, 3_000_000)}
WARM_UP_MS = 200
LONGER = 2  # factor on the seconds of a case


class Flooding:
    name = "flood"
    title = "Round trips while a client floods the server: server/packets per second"

    @contextlib.contextmanager
    def open(self, scope: Scope) -> Iterator[Sequence[Case]]:
        with Wire() as lab:
            def case(name: str, rate: int) -> Case:
                return Case(f"{self.name}/{name}/{rate}", lambda: measure(lab, name, rate, LONGER * scope.seconds))

            yield [case(name, rate) for rate, name in product(RATES[scope.extent], SERVERS)]


def measure(lab: Wire, name: str, rate: int, seconds: float) -> Mapping[str, Figure]:
    with (serving(lab, VARIANTS[name], server_cpus()[:1], priority=AT_ONCE),
          clients(lab, Load("udp", "to-peer", CLIENTS, 1, rate)) as tool):
        tool.answer(SET_UP)
        swallowing = sink(lab, Load("udp", "to-peer", 1, 1, rate))
        assert swallowing is not None
        with swallowing:
            swallowing.answer()
            tool.ask(f"flood {rate} {WARM_UP_MS}")
            before = swallowing.ask("count")["packets"]
            timed = tool.ask(f"flood {rate} {round(seconds * 1000)}", seconds + SET_UP)
            relayed = swallowing.ask("count")["packets"] - before
    if not timed["back"]:
        raise proc.LabError(f"none of {timed['probes']} packets came back")
    return {**{quantile: Figure(timed[f"{quantile}_us"], Unit.US) for quantile in ("p50", "p99")},
            "lost": Figure(1 - timed["back"] / timed["probes"], Unit.SHARE),
            "lost of the flood": Figure(1 - relayed / timed["sent"], Unit.SHARE)}


SECTION = Flooding()

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a server takes up: memory, descriptors, elements of the kernel's maps."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab import proc
from lab.complaints import Complaints
from lab.relay import Turnpike

HASHES = ("flows4", "flows6")  # whose elements come and go
SLACK = 512 << 10  # bytes that libraries may take once, at whatever they do for the first time


@dataclass(frozen=True)
class Footprint:
    resident: int  # bytes; not under a sanitizer, whose memory is its own affair
    descriptors: int
    flows: int
    allocations: int
    elements: dict[str, int]

    def growth(self, before: Footprint, slack: int = SLACK) -> Complaints:
        complaints = [f"{self.resident - before.resident} bytes of memory more than before"] \
            if self.resident > before.resident + slack else []
        return complaints + [f"{name}: {now}, and {then} before" for name, now, then in (
            ("descriptors", self.descriptors, before.descriptors), ("flows", self.flows, before.flows),
            ("allocations", self.allocations, before.allocations), ("elements", self.elements, before.elements))
            if now != then]


def footprint(server: Turnpike) -> Footprint:
    status, pid = server.ask("status"), server.process.pid
    return Footprint(resident(pid), len(list(Path(f"/proc/{pid}/fd").iterdir())), status["flows"],
                     status["allocations"], {name: elements(number) for name, number in maps_of(pid).items()})


def settled(server: Turnpike, before: Footprint, slack: int = SLACK) -> Complaints:
    """What is left when the server has had a moment to put everything away."""
    complaints: Callable[[], Complaints] = lambda: footprint(server).growth(before, slack)
    proc.wait_until(lambda: not complaints(), 5, step=0.2)
    return complaints()


def is_sanitized(pid: int) -> bool:
    return "libasan" in Path(f"/proc/{pid}/maps").read_text()


def resident(pid: int) -> int:
    if is_sanitized(pid):
        return 0
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) << 10


def maps_of(pid: int) -> dict[str, int]:
    """The ids of a server's hash maps by their names."""
    ids = {line.split()[1] for descriptor in Path(f"/proc/{pid}/fdinfo").iterdir()
           for line in descriptor.read_text().splitlines() if line.startswith("map_id:")}
    shown = [json.loads(proc.run(["bpftool", "-j", "map", "show", "id", each]).stdout) for each in ids]
    return {each["name"]: each["id"] for each in shown if each["name"] in HASHES}


def elements(map_id: int) -> int:
    return len(json.loads(proc.run(["bpftool", "-j", "map", "dump", "id", str(map_id)], timeout=120).stdout))

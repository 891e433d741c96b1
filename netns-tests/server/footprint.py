# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The resources that a server uses: memory, descriptors, flows and elements of BPF maps."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from lab import proc
from lab.complaints import Complaints
from lab.relay import Turnpike

HASH_MAPS = ("flows4", "flows6")
SLACK = 512 << 10  # bytes that libraries may allocate on first use and keep


@dataclass(frozen=True)
class Footprint:
    resident: int  # bytes; 0 under a sanitizer, which keeps freed memory
    descriptors: int
    flows: int
    allocations: int
    elements: dict[str, int]  # by map

    def growth(self, before: Footprint, slack: int = SLACK) -> Complaints:
        complaints = [f"resident memory has grown by {self.resident - before.resident} bytes"] \
            if self.resident > before.resident + slack else []
        return complaints + [f"{name}: {now}, {then} before" for name, now, then in (
            ("descriptors", self.descriptors, before.descriptors), ("flows", self.flows, before.flows),
            ("allocations", self.allocations, before.allocations), ("elements", self.elements, before.elements))
            if now != then]


def footprint(server: Turnpike) -> Footprint:
    """That of a server which has released everything of what has ended: it is the same twice."""
    found = [_footprint(server), _footprint(server)]

    def same() -> bool:
        found[:] = [found[-1], _footprint(server)]
        return found[0] == found[1]
    if found[0] != found[1] and not proc.wait_until(same, 20, step=0.2):
        raise proc.LabError(f"the server does not come to rest: {found}")
    return found[1]


def _footprint(server: Turnpike) -> Footprint:
    status, pid = server.ask("status"), server.process.pid
    return Footprint(0 if is_sanitized(pid) else resident(pid), len(list(Path(f"/proc/{pid}/fd").iterdir())),
                     status["flows"], status["allocations"],
                     {name: _elements(number) for name, number in _hash_maps(pid).items()})


def settled(server: Turnpike, before: Footprint, slack: int = SLACK) -> Complaints:
    """How the footprint has grown, once the server has had time to release everything."""
    def growth() -> Complaints:
        return _footprint(server).growth(before, slack)

    proc.wait_until(lambda: not growth(), 20, step=0.2)
    return growth()


def resident(pid: int) -> int:
    """Bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) << 10


def is_sanitized(pid: int) -> bool:
    maps = Path(f"/proc/{pid}/maps").read_text()
    return "libasan" in maps or "libtsan" in maps


def _hash_maps(pid: int) -> dict[str, int]:
    """The ids of a server's hash maps by name."""
    shown = [json.loads(proc.run(["bpftool", "-j", "map", "show", "id", str(each)]).stdout)
             for each in proc.bpf_objects(pid, "map_id")]
    return {each["name"]: each["id"] for each in shown if each["name"] in HASH_MAPS}


def _elements(map_id: int) -> int:
    return len(json.loads(proc.run(["bpftool", "-j", "map", "dump", "id", str(map_id)], timeout=120).stdout))

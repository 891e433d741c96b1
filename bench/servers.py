# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The servers that are measured side by side: turnpike in each of its modes, and coturn."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import paths  # noqa: F401
from lab.lab import Lab
from lab.relay import BY_NAME, REFERENCE, Coturn, Server, Turnpike, Variant
from network import last_cpu

COTURN = REFERENCE.name
VARIANTS = {**BY_NAME, COTURN: REFERENCE}
# Other processes must not influence the figures. MOST_TIME gives a server nearly all the time of its CPU. AT_ONCE
# schedules it immediately, and suits a server that does not use a whole CPU.
MOST_TIME = ("nice", "-n", "-20")
AT_ONCE = ("chrt", "--rr", "1")


@contextlib.contextmanager
def serving(lab: Lab, variant: Variant, cpus: Collection[int], options: Sequence[str] = (),
            priority: Sequence[str] = MOST_TIME) -> Iterator[Server]:
    """A server on these CPUs with priority over other processes; coturn without its session log."""
    kind = Coturn if variant is REFERENCE else Turnpike
    server = kind(lab, variant, [*priority, "taskset", "--cpu-list", ",".join(map(str, cpus))], options)
    group = Path(f"/proc/{server.process.pid}/autogroup")  # sched(7): niceness applies only within an autogroup
    if group.exists():
        group.write_text("-20")
    try:
        yield server
    finally:
        server.stop()


def server_cpus() -> list[int]:
    """All CPUs but the last, which is for the clients and the generator, unless there is only one."""
    return sorted(os.sched_getaffinity(0))[:-1] or [last_cpu()]


def cpu_ns(pid: int) -> int:
    """CPU time of a process in user space and in the kernel."""
    return sum(int(task.read_text().split()[0]) for task in Path(f"/proc/{pid}/task").glob("*/schedstat"))


def resident(pid: int) -> int:
    """Resident memory of a process in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) << 10


def kernel_memory() -> int:
    """Slab memory of this machine in bytes, which includes sockets."""
    return int(Path("/proc/meminfo").read_text().split("Slab:")[1].split()[0]) << 10

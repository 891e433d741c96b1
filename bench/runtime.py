# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The time that a program takes for a packet, from the kernel's run-time statistics.

Subtract the time of an empty program at the same hook: it is the cost of taking the time.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import paths  # noqa: F401
from lab import proc
from lab.relay import Variant
from network import SLICE_MS, WARM_UP, Network, Stream, bare_program, load, undisturbed

LIBBPF = ctypes.CDLL("libbpf.so.1", use_errno=True)
BPF_STATS_RUN_TIME = 0


@contextlib.contextmanager
def statistics() -> Iterator[None]:
    """Make the kernel measure the run time of programs. The file descriptor ends this with the process."""
    descriptor = LIBBPF.bpf_enable_stats(BPF_STATS_RUN_TIME)
    if descriptor < 0:
        raise proc.LabError(f"run-time statistics of BPF programs: {os.strerror(ctypes.get_errno())}")
    try:
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def program_times(program: int) -> Iterator[Callable[[], tuple[int, int]]]:
    """A function that returns the program's total run time in ns and its run count."""
    descriptor = LIBBPF.bpf_prog_get_fd_by_id(program)
    if descriptor < 0:
        raise proc.LabError(f"program {program}: {os.strerror(ctypes.get_errno())}")
    described = Path(f"/proc/self/fdinfo/{descriptor}")

    def read() -> tuple[int, int]:
        fields = dict(line.split(":") for line in described.read_text().splitlines())
        return int(fields["run_time_ns"]), int(fields["run_cnt"])

    try:
        yield read
    finally:
        os.close(descriptor)


def ns_a_run(network: Network, program: int, stream: Stream, seconds: float) -> float:
    """Run time of a program in ns per packet of this stream."""
    network.wait_for_calm()
    with load(stream) as sender, program_times(program) as read:
        time.sleep(WARM_UP)
        slices = [read()]
        for _ in range(max(1, round(seconds * 1000 / SLICE_MS))):
            time.sleep(SLICE_MS / 1000)
            slices.append(read())
        sender.interrupt()
        sender.answer()
    runs_a_ns = [(runs - runs_then) / (spent - spent_then)
                 for (spent_then, runs_then), (spent, runs) in pairwise(slices) if spent > spent_then]
    if not runs_a_ns:
        raise proc.LabError("the program does not run")
    return 1 / undisturbed(runs_a_ns)


def ns_of_empty(network: Network, variant: Variant, stream: Stream, seconds: float) -> float:
    """The same of a program that does nothing, where this variant is attached. The relay is not, meanwhile."""
    hook = variant.mode if variant.hook == "xdp" else variant.hook
    with bare_program(network.client.near, "xdp_drop" if variant.hook == "xdp" else "tc_drop", hook) as program:
        return ns_a_run(network, program, replace(stream, sender=network.client), seconds)

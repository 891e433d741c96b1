# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Sections of the benchmark, their cases, and the figures of a measurement.

run.py opens all sections and measures every case once per round, so that compared figures are taken within seconds of
each other on a machine that may be busy. report.py computes medians, spreads and ratios.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Unit(StrEnum):
    """The unit of a figure. It determines the format, and whether more is better."""

    PACKETS_PER_S = "packets/s"
    NS_PER_PACKET = "ns/packet"    # time in a program
    CPU_NS_PER_PACKET = "CPU ns/packet"  # of the whole machine: user, system, softirq
    US = "µs"                      # a latency
    MS = "ms"
    PER_S = "1/s"                  # operations of the control plane
    BYTES = "bytes"
    SHARE = "share"                # 0 to 1

    @property
    def more_is_better(self) -> bool:
        return self in (Unit.PACKETS_PER_S, Unit.PER_S)


@dataclass(frozen=True)
class Figure:
    """One measured value."""

    value: float
    unit: Unit


class Unavailable(Exception):
    """This machine lacks what a case needs: a sentence."""


@dataclass(frozen=True)
class Case:
    """A name such as relay/two-nic/native-head/to-peer/ipv4/160/1, and the function that measures it once.

    measure() returns figures by a short name. It takes a second or two, and raises proc.LabError if the figures would
    be wrong: nothing arrived, or another mode relayed the packets. It raises Unavailable if this machine cannot measure
    the case. It leaves the section ready for the next case.
    """

    name: str
    measure: Callable[[], Mapping[str, Figure]]


class Extent(StrEnum):
    """The selection of cases."""

    QUICK = "quick"      # all sections, few cases: shows that everything works
    DEFAULT = "default"  # all cases of the targets, and some more
    FULL = "full"        # every combination


@dataclass(frozen=True)
class Scope:
    extent: Extent
    seconds: float  # how long a case generates load, roughly


class Section(Protocol):
    name: str   # the first part of its cases' names
    title: str  # heading of its tables

    def open(self, scope: Scope) -> AbstractContextManager[Sequence[Case]]:
        """Set up what the cases share. The context's end removes all of it, after signals, too."""
        ...

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a section of the benchmark is: cases that are measured in turn, and what each measurement gives.

run.py opens a section, then goes through its cases once a round, so that what is compared is measured within
seconds of each other on a machine that may be busy with something else; report.py makes medians, spreads and ratios.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Unit(StrEnum):
    """What a figure counts; the way it is printed, and which way is better, follow from it."""

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
    """One thing measured once."""

    value: float
    unit: Unit


@dataclass(frozen=True)
class Case:
    """A name such as relay/two-nic/native-head/to-peer/ipv4/160/1, and what measures it once: figures by a short name.

    measure() takes a second or two, raises proc.LabError if the figures would not mean what they say (nothing arrived,
    packets were relayed elsewhere than claimed), and leaves behind what the next case needs, and nothing else.
    """

    name: str
    measure: Callable[[], Mapping[str, Figure]]


class Extent(StrEnum):
    """How much is measured."""

    QUICK = "quick"      # that everything runs and counts: all sections, few cases
    DEFAULT = "default"  # what the targets need, and what a reader asks next
    FULL = "full"        # every combination


@dataclass(frozen=True)
class Scope:
    extent: Extent
    seconds: float  # how long a case generates load, roughly


class Section(Protocol):
    name: str   # the first part of its cases' names
    title: str  # one line for the table's heading

    def open(self, scope: Scope) -> AbstractContextManager[Sequence[Case]]:
        """Sets up what all its cases share; whatever was set up is gone at the end, on signals too."""
        ...

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Which case another one is compared with: a ratio of their figures, and the nanoseconds that it takes more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kinds import usual_of
from network import NSEC
from relaying import bound_of
from results import Results, Series, Summary
from section import Unit


@dataclass(frozen=True)
class Comparison:
    """The name of the other case is a function of the case's own name: None if there is no such case."""

    title: str
    figure: str
    other: Callable[[str], str | None]

    def applies_to(self, case: str) -> bool:
        return self.other(case) is not None

    def ratio(self, results: Results, case: str) -> Summary | None:
        return results.ratio(*self._both(results, case))

    def ns_more(self, results: Results, case: str) -> float | None:
        this, other = (ns_per_packet(series) for series in self._both(results, case))
        return None if this is None or other is None else this - other

    def _both(self, results: Results, case: str) -> tuple[Series | None, Series | None]:
        return results.series(case, self.figure), results.series(self.other(case) or "", self.figure)


COMPARISONS = (
    Comparison("of its bound", "rate", bound_of),
    Comparison("rate, of usual", "rate", usual_of),
    Comparison("program, of usual", "program", usual_of),
)


def compared_with(case: str) -> str | None:
    return next((comparison.other(case) for comparison in COMPARISONS if comparison.applies_to(case)), None)


def ns_per_packet(series: Series | None) -> float | None:
    """None if the figure is of something else."""
    if series is None or series.unit not in (Unit.PACKETS_PER_S, Unit.NS_PER_PACKET):
        return None
    median = series.summary.median
    return NSEC / median if series.unit is Unit.PACKETS_PER_S else median

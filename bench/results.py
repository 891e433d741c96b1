# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The samples of each round, with their medians and ratios."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from section import Figure, Unit

ENOUGH = 4  # rounds for quartiles


@dataclass(frozen=True)
class Summary:
    """The median and the range of the rounds: quartiles, or minimum and maximum of few rounds."""

    median: float
    low: float
    high: float

    @property
    def spread(self) -> float:
        """The range relative to the median."""
        return (self.high - self.low) / abs(self.median) if self.median else 0.0


def summarise(samples: Sequence[float]) -> Summary:
    if len(samples) < ENOUGH:
        return Summary(statistics.median(samples), min(samples), max(samples))
    low, median, high = statistics.quantiles(samples, n=4, method="inclusive")
    return Summary(median, low, high)


@dataclass
class Series:
    """One figure of one case: a sample for each round that succeeded."""

    unit: Unit
    samples: dict[int, float] = field(default_factory=dict)

    @property
    def summary(self) -> Summary:
        return summarise(list(self.samples.values()))


@dataclass
class Results:
    """Figures, failures, and what the machine cannot measure, by the names of cases, in the order of the table."""

    figures: dict[str, dict[str, Series]] = field(default_factory=dict)
    failures: dict[str, list[str]] = field(default_factory=dict)
    unavailable: dict[str, str] = field(default_factory=dict)

    def expect(self, cases: Iterable[str]) -> None:
        """Register cases in the order of the table."""
        self.figures |= {case: {} for case in cases}

    def add(self, case: str, round_number: int, figures: Mapping[str, Figure]) -> None:
        for name, figure in figures.items():
            series = self.figures[case].setdefault(name, Series(figure.unit))
            series.samples[round_number] = figure.value

    def __bool__(self) -> bool:
        return any(self.figures.values())

    @property
    def rounds(self) -> int:
        """The number of samples of the figure that has most."""
        return max((len(series.samples) for figures in self.figures.values() for series in figures.values()), default=0)

    def fail(self, case: str, reason: str) -> None:
        self.failures.setdefault(case, []).append(reason)

    def series(self, case: str, figure: str) -> Series | None:
        return self.figures.get(case, {}).get(figure)

    def ratio(self, above: Series | None, below: Series | None) -> Summary | None:
        """The ratio of the medians, with its range if the errors of both are independent."""
        if above is None or below is None or not below.summary.median:
            return None
        ratio = above.summary.median / below.summary.median
        error = ratio * math.hypot(above.summary.spread, below.summary.spread) / 2
        return Summary(ratio, ratio - error, ratio + error)

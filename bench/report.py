# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The report: tables, or JSON."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from network import NSEC
from relaying import bound_of
from results import Results, Series, Summary
from section import Unit
from targets import TARGETS, Target

OF_BOUND = "of its bound"
NOISE = "~"
WIDEST = 150       # characters; a wider table is transposed
DISTURBED = 0.05   # of a CPU
LEGEND = (f"Medians of {{}} rounds; ± is half of the interquartile range (of the whole range if fewer than four)."
          f" {NOISE}: the spread exceeds the ratio's distance from 1.")
Row = Sequence[str]


def scaled(value: float) -> str:
    for factor, suffix in ((1e6, " M"), (1e3, " k")):
        if abs(value) >= factor:
            return f"{value / factor:.2f}{suffix}"
    return f"{value:.0f}"


def plain(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}"


FORMATS: dict[Unit, Callable[[float], str]] = {
    Unit.PACKETS_PER_S: scaled, Unit.PER_S: scaled, Unit.SHARE: lambda share: f"{100 * share:.1f} %"}


def cell(text: str, summary: Summary) -> str:
    return f"{text} ±{50 * summary.spread:.0f}%" if summary.high > summary.low else text


def figure_cell(series: Series) -> str:
    return cell(FORMATS.get(series.unit, plain)(series.summary.median), series.summary)


def ratio_cell(summary: Summary | None) -> str:
    if summary is None:
        return ""
    noise = summary.high - summary.low > abs(1 - summary.median)
    return cell(f"{NOISE if noise else ''}{summary.median:.2f}", summary)


def against_bound(results: Results, case: str) -> Summary | None:
    bound = bound_of(case)
    return results.ratio(results.series(case, "rate"), results.series(bound, "rate")) if bound else None


def table(header: Row, rows: Sequence[Row]) -> Iterator[str]:
    """Aligns the first column to the left, and all others to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows)]
    for row in (header, ["-" * width for width in widths], *rows):
        yield "  ".join(text.rjust(width) if column else text.ljust(width)
                        for column, (text, width) in enumerate(zip(row, widths))).rstrip()


def section_tables(results: Results, section: str, title: str) -> Iterator[str]:
    """One table for each group of consecutive cases with the same figures."""
    cases = [name for name, figures in results.figures.items() if figures and name.split("/")[0] == section]
    if not cases:
        return
    yield from ("", title)
    for columns, group in groupby(cases, key=lambda case: column_titles(results, case)):
        rows = [[case.partition("/")[2], *map(figure_cell, results.figures[case].values())] for case in group]
        if any(bound_of(f"{section}/{row[0]}") for row in rows):
            columns = (*columns, OF_BOUND)
            for row in rows:
                row.append(ratio_cell(against_bound(results, f"{section}/{row[0]}")))
        yield ""
        yield from fitting(columns, rows)


def fitting(columns: Row, rows: Sequence[Row]) -> Iterator[str]:
    lines = list(table(columns, rows))
    if len(lines[1]) > WIDEST:
        lines = list(table((columns[0], *(row[0] for row in rows)), list(zip(columns[1:], *(row[1:] for row in rows)))))
    return iter(lines)


def column_titles(results: Results, case: str) -> tuple[str, ...]:
    """If all figures share a unit, it appears only once."""
    figures = results.figures[case]
    units = {series.unit for series in figures.values()}
    if len(units) == 1:
        return str(units.pop()), *figures
    return "", *(name if series.unit is Unit.SHARE else f"{name}, {series.unit}" for name, series in figures.items())


def target_rows(results: Results) -> Iterator[Row]:
    for target in TARGETS:
        measured = target.measured(results)
        shown = cell(f"{measured.median:,.2f}", measured) if measured else "-"
        yield target.text, f"{target.limit.sign} {target.limit.value:g}", shown, target.verdict(measured)


def other_work(results: Results) -> float:
    """CPUs that other processes used while bare programs were measured, which need exactly one."""
    spent = [rate * figures["CPU"].samples[number] / NSEC for name, figures in results.figures.items()
             if name.startswith("bounds/") and figures for number, rate in figures["rate"].samples.items()]
    return max(0.0, statistics.median(spent) - 1) if spent else 0.0


def text(results: Results, titles: Mapping[str, str]) -> str:
    lines = [LEGEND.format(results.rounds)]
    if (others := other_work(results)) > DISTURBED:
        lines.append(f"Other processes on this machine used {others:.0%} of a CPU: rates may be too low, and ratios"
                     " less certain.")
    for section, title in titles.items():
        lines += section_tables(results, section, title)
    lines += ["", "Targets", "", *table(("", "limit", "measured", ""), list(target_rows(results)))]
    if results.failures:
        lines += ["", "Failed", ""]
        lines += [f"{case}: {reason}" for case, reasons in results.failures.items()
                  for reason in dict.fromkeys(reasons)]
    return "\n".join(lines)


def figures_of(results: Results, case: str) -> dict[str, Any]:
    return {name: {"unit": str(series.unit), **numbers(series.summary), "samples": list(series.samples.values())}
            for name, series in results.figures[case].items()}


def numbers(summary: Summary | None) -> dict[str, float]:
    return {"median": summary.median, "low": summary.low, "high": summary.high} if summary else {}


def target_of(results: Results, target: Target) -> dict[str, Any]:
    measured = target.measured(results)
    return {"target": target.text, "limit": f"{target.limit.sign} {target.limit.value:g}", **numbers(measured),
            "verdict": target.verdict(measured)}


def as_json(results: Results, run: Mapping[str, Any]) -> dict[str, Any]:
    return {**run, "other_work": other_work(results),
            "cases": {case: {"figures": figures_of(results, case), "of_bound": numbers(against_bound(results, case))}
                      for case, figures in results.figures.items() if figures},
            "targets": [target_of(results, target) for target in TARGETS],
            "failures": results.failures}

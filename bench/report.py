# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The report: tables, or JSON."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from comparisons import COMPARISONS, Comparison, ns_per_packet
from network import NSEC
from results import Results, Series, Summary
from section import Unit
from targets import TARGETS, Target

NS_MORE = "ns more"
NOISE = "~"
WIDEST = 150       # characters; a wider table is transposed
DISTURBED = 0.05   # of a CPU
MACHINE = "{cpu}, {cpus} CPUs, Linux {kernel}, commit {commit}, coturn: {coturn}, {began}."
LEGEND = (f"Medians of {{}} rounds; ± is half of the interquartile range (of the whole range if fewer than four)."
          f" {NOISE}: the spread exceeds the ratio's distance from 1. {NS_MORE}: of a packet, than in that case.")
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


def comparison_cells(results: Results, comparison: Comparison, case: str) -> Row:
    more = comparison.ns_more(results, case)
    return ratio_cell(comparison.ratio(results, case)), "" if more is None else f"{more:+.0f}"


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
        names = [f"{section}/{row[0]}" for row in rows]
        for comparison in COMPARISONS:
            if any(map(comparison.applies_to, names)):
                columns = (*columns, comparison.title, NS_MORE)
                for row, name in zip(rows, names):
                    row += comparison_cells(results, comparison, name)
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
        yield (target.text, f"{target.limit.sign} {target.limit.value:g}", shown, ns_cell(results, target),
               target.verdict(measured))


def ns_cell(results: Results, target: Target) -> str:
    """Nanoseconds per packet of the two cases, in the order of the ratio. Other units have none."""
    each = [ns_per_packet(results.series(of.case, of.figure)) for of in (target.above, target.below) if of]
    return " : ".join(f"{ns:.0f}" for ns in each) if None not in each else ""


def other_work(results: Results) -> float:
    """CPUs that other processes used while bare programs were measured, which need exactly one."""
    spent = [rate * figures["CPU"].samples[number] / NSEC for name, figures in results.figures.items()
             if name.startswith("bounds/") and figures for number, rate in figures["rate"].samples.items()]
    return max(0.0, statistics.median(spent) - 1) if spent else 0.0


def text(results: Results, titles: Mapping[str, str], run: Mapping[str, Any]) -> str:
    lines = [MACHINE.format(**run), LEGEND.format(results.rounds)]
    if (others := other_work(results)) > DISTURBED:
        lines.append(f"Other processes on this machine used {others:.0%} of a CPU: rates may be too low, and ratios"
                     " less certain.")
    for section, title in titles.items():
        lines += section_tables(results, section, title)
    lines += ["", "Targets", "", *table(("", "limit", "measured", "ns/packet", ""), list(target_rows(results)))]
    if results.unavailable:
        lines += ["", "Not measured, because this machine cannot", ""]
        lines += [f"{case}: {reason}" for case, reason in results.unavailable.items()]
    if results.failures:
        lines += ["", "Failed", ""]
        lines += [f"{case}: {reason}" for case, reasons in results.failures.items()
                  for reason in dict.fromkeys(reasons)]
    return "\n".join(lines)


def figures_of(results: Results, case: str) -> dict[str, Any]:
    return {name: {"unit": str(series.unit), **numbers(series.summary), "samples": list(series.samples.values())}
            for name, series in results.figures[case].items()}


def comparisons_of(results: Results, case: str) -> dict[str, Any]:
    return {each.title: {"with": each.other(case), **numbers(each.ratio(results, case)),
                         "ns_more": each.ns_more(results, case)}
            for each in COMPARISONS if each.applies_to(case)}


def numbers(summary: Summary | None) -> dict[str, float]:
    return {"median": summary.median, "low": summary.low, "high": summary.high} if summary else {}


def target_of(results: Results, target: Target) -> dict[str, Any]:
    measured = target.measured(results)
    return {"target": target.text, "limit": f"{target.limit.sign} {target.limit.value:g}", **numbers(measured),
            "verdict": target.verdict(measured)}


def as_json(results: Results, run: Mapping[str, Any]) -> dict[str, Any]:
    return {**run, "other_work": other_work(results),
            "cases": {case: {"figures": figures_of(results, case), "compared": comparisons_of(results, case)}
                      for case, figures in results.figures.items() if figures},
            "targets": [target_of(results, target) for target in TARGETS],
            "unavailable": results.unavailable,
            "failures": results.failures}

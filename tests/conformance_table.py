#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Checks that every requirement in docs/conformance.md has a test, and that these tests exist and run.

Unit tests must be in the list of their file, fuzzers in tests/fuzz/targets, and network tests in the stages of
scripts/test.py.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "docs/conformance.md"
NO_TEST = "none"  # for requirements that the server does not implement


def unit_tests() -> dict[str, set[str]]:
    """The tests in the list of each file of tests/unit."""
    return {path.stem: set(re.findall(r"cmocka_unit_test\((\w+)\)", path.read_text()))
            for path in (ROOT / "tests/unit").glob("test_*.c")}


def complaint(name: str, units: dict[str, set[str]], fuzzers: list[str], suite: str) -> str | None:
    """Checks one name; that of a unit test includes its file. Returns None if the test exists."""
    file, _, case = name.partition(": ")
    if file.startswith("fuzz_"):
        return None if file.removeprefix("fuzz_") in fuzzers else "is not in tests/fuzz/targets"
    if file.endswith(".md"):
        return None if (ROOT / "docs" / file).exists() else "is not in docs"
    if file.endswith(".py"):
        path = next((ROOT / "netns-tests").rglob(file), None)
        if path is None or file not in suite:
            return "is not in netns-tests, or scripts/test.py does not run it"
        return None if case in path.read_text() or any(case in other.read_text() for other in imported(path)) \
            else f"is there, but knows no case {case!r}"
    if file not in units:
        return "is no file of tests/unit"
    if case == "*":
        return None if units[file] else "has no test at all"
    return None if case in units[file] else "is not among the tests of that file"


def imported(path: Path) -> Iterator[Path]:
    """The modules, beside a test or in the lab, that it takes its cases from."""
    for name in re.findall(r"^(?:from|import) (?:lab\.)?(\w+)", path.read_text(), re.MULTILINE):
        for module in (path.with_name(f"{name}.py"), ROOT / "netns-tests/lab" / f"{name}.py"):
            if module.exists():
                yield module


def rows() -> Iterator[tuple[str, str]]:
    """Section and tests of each row."""
    for line in TABLE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("|") and not line.startswith("|---") and cells[0] != "section":
            yield cells[0].strip("| "), cells[-1].strip("| ")


def names(tests: str) -> Iterator[str]:
    """The names in a cell. A file name applies to the names that follow it."""
    file = ""
    for name in re.findall(r"`([^`]+)`", tests):
        if ": " in name or name.startswith("fuzz_") or name.endswith((".py", ".md")):
            file = name.partition(": ")[0]
            yield name
        else:
            yield f"{file}: {name}"


def main() -> int:
    units = unit_tests()
    fuzzers = re.findall(r"^(\w+)", (ROOT / "tests/fuzz/targets").read_text(), re.MULTILINE)
    suite = (ROOT / "scripts/test.py").read_text()
    wrong: list[str] = []
    n_rows = n_names = 0
    for section, tests in rows():
        n_rows += 1
        found = list(names(tests))
        n_names += len(found)
        if not found and tests != NO_TEST and not tests.startswith("see "):
            wrong.append(f"section {section}: {tests!r} names no test")
        for name in found:
            what = complaint(name, units, fuzzers, suite)
            if what:
                wrong.append(f"section {section}: `{name}` {what}")
    if n_rows < 100:
        wrong.append(f"{TABLE.name} has {n_rows} rows: that cannot be all")
    print("\n".join(wrong) or f"{n_rows} requirements, {n_names} tests, all of which exist")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

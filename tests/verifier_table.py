#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Compares the table in docs/verifier.md with this kernel.

    turnpike verify -j | verifier_table.py [RELEASE]

RELEASE is the output of `uname -r`. The numbers of instructions may differ slightly, since kernels of one version get
fixes. The stack sizes must be equal. A kernel that is not in the table is reported, but is not an error.
"""

from __future__ import annotations

import json
import platform
import re
import sys
from pathlib import Path
from typing import Any

TABLE = Path(__file__).resolve().parent.parent / "docs/verifier.md"
TOLERANCE = 0.1  # of the instructions

Row = dict[str, Any]


def documented(version: str) -> dict[str, tuple[int, int]]:
    """Verified instructions and stack by mode and moves."""
    rows = re.findall(rf"^\| {re.escape(version)} \| (\S+) \| ([\d,]+) \| (\d+) \|$", TABLE.read_text(), re.MULTILINE)
    return {name: (int(verified.replace(",", "")), int(stack)) for name, verified, stack in rows}


def complaints(programs: list[Row], release: str) -> list[str]:
    version = ".".join(release.split(".")[:2])
    table = documented(version)
    if not table:
        print(f"Linux {version} is not in {TABLE.name}")
        return []
    found = {f"{row['mode']}/{row['moves']}": row for row in programs}
    wrong = [f"{name} is in the table, but the program does not exist" for name in table.keys() - found.keys()]
    for name, row in found.items():
        verified, stack = table.get(name, (0, 0))
        if abs(row["verified"] - verified) > TOLERANCE * verified or row["stack"] != stack:
            wrong.append(f"Linux {version}, {name}: {row['verified']:,} instructions and {row['stack']} bytes of"
                         f" stack, but the table in {TABLE.name} has {verified:,} and {stack}")
    return wrong


def main() -> int:
    wrong = complaints(json.load(sys.stdin)["programs"], (sys.argv[1:] or [platform.release()])[0])
    print("\n".join(wrong) or "the table is correct")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

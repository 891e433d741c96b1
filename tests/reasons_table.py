#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Checks that REASONS in turnpike-serve(8) explains each reason of the TURN core, with its error code."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
UNANSWERED = "-"


def numbers() -> dict[str, str]:
    """Error codes by their names."""
    return dict(re.findall(r"(\w+) = (\d{3}),", (ROOT / "userspace/stun/protocol.h").read_text()))


def reasons() -> dict[str, str]:
    """The code of each reason in TURN_REASONS."""
    codes = numbers()
    found = re.findall(r'X\(\w+,\s+"(\w+)",\s+(\w+)\)', (ROOT / "userspace/turn/outcome.h").read_text())
    return {name: codes.get(code, UNANSWERED) for name, code in found if name != "success"}


def explained() -> dict[str, str]:
    """The code of each row of both tables; the second one has no codes."""
    text = (ROOT / "docs/man/turnpike-serve.8.scd").read_text()
    section = re.search(r"^# REASONS\n(.*?)^# ", text, re.S | re.M)
    assert section
    return {name: code or UNANSWERED
            for name, code in re.findall(r"^\|  _(\w+)_\n:  (?:(\d{3}|-)\n:  )?.", section[1], re.M)}


def main() -> int:
    defined, documented = reasons(), explained()
    complaints = [f"{name} is not in the man page" for name in defined if name not in documented]
    complaints += [f"{name} is only in the man page" for name in documented if name not in defined]
    complaints += [f"{name} has code {code}, and {documented[name]} in the man page" for name, code in defined.items()
                   if documented.get(name, code) != code]
    if len(defined) < 40:
        complaints.append(f"only {len(defined)} reasons were found")
    print("\n".join(complaints) or f"{len(defined)} reasons agree")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())

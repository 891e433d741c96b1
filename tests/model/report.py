# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Formats a difference for the report."""

from __future__ import annotations

from scapy.layers.l2 import Ether

from compare import Comparison
from feeder import Answer
from model import Outcome


SHOWN = 80  # the headers


def hexdump(data: bytes, other: bytes) -> str:
    """16 bytes a line; bytes that differ from those of @other are in brackets."""
    lines = []
    for start in range(0, len(data), 16):
        cells = [f"[{byte:02x}]" if other[at:at + 1] != bytes([byte]) else f" {byte:02x} "
                 for at, byte in enumerate(data[start:start + 16], start=start)]
        lines.append(f"    {start:04x} " + "".join(cells).rstrip())
    return "\n".join(lines)


def describe(where: str, expected: Outcome, answer: Answer, problems: list[str]) -> str:
    case = expected.case
    text = [f"{where}: {'; '.join(problems)}",
            f"  made: {case.frame.what}",
            f"  expected: {expected.verdict} of direction {int(expected.direction)}, notes {sorted(expected.notes)}",
            f"  seen: {answer.counts}, action {answer.action}, error {answer.error}"]
    if case.hwaccel_tag:
        text.append(f"  hwaccel tag: {case.hwaccel_tag.tpid:#x} {case.hwaccel_tag.tci:#x}")
    if expected.direction:
        text += [f"  flow: {case.flow}", f"  hop: {case.hop}"]
    headers = Ether(case.data[:SHOWN]).show(dump=True).replace("\n", "\n    ")
    text += ["  frame:", hexdump(case.data, case.data), "    " + headers]
    wanted = Comparison(expected, answer).wanted()
    if answer.data != wanted:
        text += ["  expected:", hexdump(wanted, answer.data), "  seen:", hexdump(answer.data, wanted)]
    return "\n".join(text)

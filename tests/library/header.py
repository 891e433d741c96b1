# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Parses declarations and comments of the public headers."""
import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INCLUDE = ROOT / "include" / "turnpike"
HEADERS = ("turnpike.h", "probe.h")


@dataclass
class Function:
    name: str
    prototype: str  # one line, single spaces, without TURNPIKE_API and ';'
    since: str  # "0.1"
    comment: str  # one line


def one_line(text: str) -> str:
    """A declaration with single spaces, and none next to parentheses and asterisks."""
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"\s*([(),])\s*", r"\1", text)
    return re.sub(r"\s*\*\s*", "*", text)


def plain(comment: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"^\s*\*", "", comment, flags=re.M)).strip()


def functions() -> dict[str, Function]:
    """Each exported function; those of one block share its comment."""
    found: dict[str, Function] = {}
    for header in HEADERS:
        text = (INCLUDE / header).read_text()
        for block in re.finditer(r"/\*\*((?:(?!\*/).)*)\*/\n((?:TURNPIKE_API [^;]*;\n)+)", text, re.S):
            comment = plain(block[1])
            since = re.search(r"Since: (\d+\.\d+)", comment)
            for declaration in re.findall(r"TURNPIKE_API ([^;]*);", block[2]):
                name = re.search(r"\b(turnpike_\w+)\(", declaration)
                assert name, declaration
                found[name[1]] = Function(name[1], one_line(declaration), since[1] if since else "", comment)
    return found


def declared() -> set[str]:
    """The names after each TURNPIKE_API, found independently of functions()."""
    names: set[str] = set()
    for path in INCLUDE.glob("*.h"):
        text = path.read_text()
        for position in (match.end() for match in re.finditer(r"^TURNPIKE_API\b", text, re.M)):
            name = re.search(r"\b(turnpike_\w+)\(", text[position:])
            assert name, path
            names.add(name[1])
    return names

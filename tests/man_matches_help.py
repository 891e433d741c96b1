#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Checks that the man pages describe the options of --help, in the same order, with the same defaults.

Usage: man_matches_help.py TURNPIKE MAN_DIRECTORY
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

COMMANDS = ("serve", "helper", "key", "status", "stats", "flows", "sessions", "why", "users", "kick", "block",
            "unblock", "blocked", "drain", "check", "mode", "probe", "pass", "verify")
# Option -> default. None: --help prints no default.
Options = dict[str, str | None]


def help_options(turnpike: str, command: str) -> Options:
    """The options in --help. Each starts a paragraph, which ends with its default, if any."""
    text = subprocess.run([turnpike, command, "--help"], capture_output=True, text=True, check=True).stdout
    options: Options = {}
    for paragraph in re.split(r"\n(?=  (?:-\w,|   ) --)", text)[1:]:
        words = " ".join(paragraph.split("\n\n")[0].split())
        name = re.search(r"--([a-z0-9-]+)", words)
        default = re.search(r"\[default: (.*?)\]$", words)
        if name and name[1] != "help":
            options[name[1]] = default[1] if default else None
    return options


def man_section(text: str, title: str) -> str:
    """The text below a heading, up to the next one of the same level or above."""
    head = re.search(rf"^(#+) {re.escape(title)}\n", text, re.M)
    if not head:
        return ""
    rest = text[head.end():]
    end = re.search(rf"^#{{1,{len(head[1])}}} ", rest, re.M)
    return rest[:end.start()] if end else rest


def man_options(text: str) -> Options:
    """Options in a page: "*--name* _VALUE_" at the start of a line; several may share a paragraph."""
    options: Options = {}
    for heads, body in re.findall(r"^(\*-[^\n]*\n)\t(.*?)(?=^\S|\Z)", text, re.S | re.M):
        default = re.search(r"Default: (.*?)\.(?: Repeatable\.)?\s*$", " ".join(body.split()))
        for name in re.findall(r"--([a-z0-9-]+)\*", heads):
            options[name] = re.sub(r"[*_]", "", default[1]) if default else None
    return options


def normal(default: str | None) -> str | None:
    """Defaults in words may be spelled differently; numbers and names may not."""
    return default if default is None or " " not in default else "in words"


def compare(command: str, printed: Options, described: Options) -> list[str]:
    complaints = [f"{command}: --{name} is not in the man page" for name in printed if name not in described]
    complaints += [f"{command}: --{name} is only in the man page" for name in described if name not in printed]
    if not complaints and list(printed) != list(described):
        complaints.append(f"{command}: --help and the man page have different orders")
    if command == "serve":
        complaints += [f"{command}: --{name} has default {default} in --help and {described[name]} in the man page"
                       for name, default in printed.items()
                       if default is not None and name in described and normal(default) != normal(described[name])
                       and not (name == "transports" and described[name] == "all")]
    return complaints


def main() -> int:
    turnpike, folder = sys.argv[1], Path(sys.argv[2])
    overview = (folder / "turnpike.8.scd").read_text()
    serve = man_section((folder / "turnpike-serve.8.scd").read_text(), "OPTIONS")
    complaints: list[str] = []
    n_options = 0
    for command in COMMANDS:
        printed = help_options(turnpike, command)
        n_options += len(printed)
        text = serve if command == "serve" else man_section(overview, f"turnpike {command}")
        complaints += compare(command, printed, man_options(text))
    if n_options < 50:
        complaints.append(f"only {n_options} options were found in --help")
    print("\n".join(complaints) or f"{n_options} options agree")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())

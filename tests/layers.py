#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Checks the direction of dependencies between the rooms, and that no files depend on each other in a cycle.

usage: layers.py BUILD_DIR

A file depends on the headers that it includes, and on the files that define the symbols in its object, as nm(1) prints
them for the objects of BUILD_DIR. A callback is a dependency only where the function's symbol is used.
"""
import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]

# The public headers. Outside attach/, also the symbols that attach/turnpike.map exports.
API = "include/turnpike"
# Headers for all rooms, which are not installed.
PRIVATE = "include/private"

# The rooms that each room may use, besides itself. Each uses only rooms above it in this list.
ROOMS: dict[str, list[str]] = {
    API: [],
    PRIVATE: [],

    # BPF programs: headers only.
    "programs/env": [],
    "programs/shared": [API, "programs/env"],
    "programs/ctx": ["programs/shared"],
    "programs/steps": ["programs/shared"],
    "programs": [API, "programs/shared", "programs/ctx", "programs/steps"],

    # libturnpike
    "attach/base": [API],
    "attach/privileged": [API, "attach/base"],
    "attach/net": [API, "attach/base", "attach/privileged"],
    "attach/hooks": [API, "attach/base", "attach/privileged", "attach/net"],
    "attach/select": [API, "attach/base", "attach/privileged", "attach/net", "attach/hooks"],
    "attach/devices": [API, "attach/base", "attach/privileged", "attach/net", "attach/hooks", "attach/select"],
    "attach/flows": [API, "attach/base", "attach/privileged", "attach/net"],
    "attach": [API, "attach/base", "attach/privileged", "attach/net", "attach/hooks", "attach/select",
               "attach/devices", "attach/flows"],
    "attach/api": [API, "attach/base", "attach/net", "attach/hooks", "attach/select", "attach/devices", "attach/flows",
                   "attach"],

    # The TURN core: no I/O, no clock.
    "userspace/base": [API],
    "userspace/stun": [API, "userspace/base"],
    "userspace/host": [API, "userspace/base"],
    "userspace/turn/auth": [API, "userspace/base", "userspace/stun"],
    "userspace/turn/api": ["userspace/base", "userspace/stun"],
    "userspace/turn/state": ["userspace/base", "userspace/stun", "userspace/turn/auth", "userspace/turn/api"],
    "userspace/endpoints": [API, "userspace/base", "userspace/host", "userspace/turn/api"],
    "userspace/turn/methods": ["userspace/base", "userspace/stun", "userspace/turn/auth", "userspace/turn/api",
                               "userspace/turn/state"],
    "userspace/turn": ["userspace/base", "userspace/stun", "userspace/turn/auth", "userspace/turn/api",
                       "userspace/turn/state", "userspace/turn/methods"],

    # The client's side, against any server.
    "userspace/check": [API, "userspace/base", "userspace/stun", "userspace/turn/auth", "userspace/turn/api",
                        "userspace/turn"],

    # The server around it. userspace/turn and userspace/turn/state define the functions of turn.h.
    "userspace/net": [API, "userspace/base", "userspace/turn/auth", "userspace/turn/api", "userspace/turn"],
    "userspace/datapath": [API, "userspace/base", "userspace/turn/api"],
    "userspace/process": ["userspace/base", "userspace/stun", "userspace/turn/api", "userspace/turn",
                          "userspace/turn/state", "userspace/net", "userspace/datapath"],
    "userspace/control": [API, "userspace/base", "userspace/turn/api", "userspace/turn", "userspace/endpoints",
                          "userspace/net", "userspace/datapath", "userspace/process"],
    "userspace/metrics": [API, "userspace/base", "userspace/stun", "userspace/turn/api", "userspace/endpoints",
                          "userspace/net", "userspace/datapath", "userspace/process", "userspace/control"],
    "userspace/config": [API, "userspace/base", "userspace/stun", "userspace/host", "userspace/endpoints",
                         "userspace/turn/auth", "userspace/turn/api"],
    "userspace/serve": [API, "userspace/base", "userspace/host", "userspace/endpoints", "userspace/turn/auth",
                        "userspace/turn/api",
                        "userspace/turn", "userspace/net", "userspace/datapath", "userspace/process",
                        "userspace/control", "userspace/metrics", "userspace/config"],
    "userspace/cli": [API, "userspace/base", "userspace/stun", "userspace/host", "userspace/config",
                      "userspace/control", "userspace/check"],
    "userspace": [API, "userspace/base", "userspace/config", "userspace/serve", "userspace/cli"],
}

# Files that belong to another room than their folder.
PLACES = {
    "programs/common.h": "programs/shared",
    "programs/maps.h": "programs/shared",
    "programs/packet.h": "programs/shared",
    "programs/stop.h": "programs/shared",
    # The core's interface.
    "userspace/turn/config.c": "userspace/turn/api",
    "userspace/turn/config.h": "userspace/turn/api",
    "userspace/turn/ops.h": "userspace/turn/api",
    "userspace/turn/outcome.c": "userspace/turn/api",
    "userspace/turn/outcome.h": "userspace/turn/api",
    "userspace/turn/stats.c": "userspace/turn/api",
    "userspace/turn/stats.h": "userspace/turn/api",
    "userspace/turn/transport.c": "userspace/turn/api",
    "userspace/turn/turn.h": "userspace/turn/api",
    "userspace/turn/types.h": "userspace/turn/api",
    "userspace/turn/walk.h": "userspace/turn/api",
}

# Files that may depend on each other at link level: a channel holds its peer, which holds its permission, and each ends
# with the next.
GROUPS = [{f"userspace/turn/state/{name}.c" for name in ("channel", "peer", "permission")}]

# Known violations, to be fixed: a file, and the header or symbol that it uses.
EXCEPTIONS: set[tuple[str, str]] = set()


class Use(NamedTuple):
    user: str  # a file
    line: int  # 0: unknown
    used: str  # a file
    symbol: str  # "": an #include
    api: bool  # the symbol is exported


def folder_of(file: str) -> str:
    return str(Path(file).parent)


def room_of(file: str) -> str:
    return PLACES.get(file, folder_of(file))


def sources() -> list[str]:
    return sorted(str(path.relative_to(ROOT)) for top in ("include", "programs", "attach", "userspace")
                  for path in (ROOT / top).rglob("*.[ch]"))


def resolve(user: str, name: str, files: set[str]) -> str | None:
    """The file of the tree that an #include names, or None."""
    candidates = [f"include/{name}", f"{user.split('/')[0]}/{name}", f"{folder_of(user)}/{name}"]
    return next((candidate for candidate in candidates if candidate in files), None)


def includes(files: list[str]) -> Iterator[Use]:
    known = set(files)
    for user in files:
        for number, line in enumerate((ROOT / user).read_text().splitlines(), 1):
            match = re.match(r'\s*#\s*include\s+[<"]([^>"]+)[>"]', line)
            used = resolve(user, match[1], known) if match else None
            if used:
                yield Use(user, number, used, "", False)


def objects(build: Path) -> dict[str, Path]:
    """The object of each source file: the first one, if several targets compile it."""
    found: dict[str, Path] = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        file = Path(entry["file"])
        output = Path(entry["directory"]) / entry["command"].split(" -o ")[1].split()[0]
        if file.is_relative_to(ROOT) and output.exists():
            name = str(file.relative_to(ROOT))
            if name.split("/")[0] in ("attach", "userspace"):
                found.setdefault(name, output)
    return found


def nm(*arguments: str) -> list[str]:
    return subprocess.run(["nm", *arguments], check=True, capture_output=True, text=True).stdout.splitlines()


def line_of(output: Path, symbol: str) -> int:
    """The line that refers to a symbol, by debug information."""
    for line in nm("-l", "-u", str(output)):
        match = re.match(rf"\s*U {re.escape(symbol)}\t.*:(\d+)$", line)
        if match:
            return int(match[1])
    return 0


def links(build: Path) -> Iterator[Use]:
    exported = set(re.findall(r"\b(turnpike_\w+);", (ROOT / "attach" / "turnpike.map").read_text()))
    compiled = objects(build)
    defined: dict[str, str] = {}
    undefined: list[tuple[str, str]] = []
    files = {str(output): file for file, output in compiled.items()}
    for line in nm("-A", "-g", "-P", *files):
        output, rest = line.split(": ", 1)
        symbol, kind = rest.split()[:2]
        if kind == "U":
            undefined.append((files[output], symbol))
        else:
            defined[symbol] = files[output]
    for user, symbol in undefined:
        if symbol in defined:
            yield Use(user, 0, defined[symbol], symbol, symbol in exported)


def allowed(use: Use) -> bool:
    mine, other = room_of(use.user), room_of(use.used)
    if other in (mine, PRIVATE):
        return True
    if use.api and not mine.startswith("attach"):
        other = API
    return other in ROOMS[mine]


def is_exception(use: Use) -> bool:
    return (use.user, use.symbol or use.used) in EXCEPTIONS


def stale_exceptions(uses: list[Use]) -> set[tuple[str, str]]:
    """Exceptions without effect: the use is gone, or is allowed and not part of a cycle."""
    groups = [group for group in cycles([use for use in uses if use.symbol]) if set(group) not in GROUPS]
    needed = {(use.user, use.symbol or use.used) for use in uses
              if not allowed(use) or any(use.user in group and use.used in group for group in groups)}
    return EXCEPTIONS - needed


def cycles(uses: list[Use]) -> list[list[str]]:
    """Groups of files that all depend on each other (strongly connected components)."""
    graph: dict[str, set[str]] = defaultdict(set)
    for use in uses:
        if use.user != use.used:
            graph[use.user].add(use.used)

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        todo = [start]
        while todo:
            for file in graph[todo.pop()] - seen:
                seen.add(file)
                todo.append(file)
        return seen

    from_each = {file: reached(file) for file in list(graph)}
    groups = {frozenset({file} | {other for other in reach if file in from_each.get(other, ())})
              for file, reach in from_each.items() if file in reach}
    return sorted(sorted(group) for group in groups)


def tree_faults(files: list[str], compiled: dict[str, Path], build: Path) -> list[str]:
    """Inconsistencies of ROOMS and PLACES with the tree, and missing objects."""
    rooms = {room_of(file) for file in files}
    faults = [f"{room}: add it to ROOMS" for room in sorted(rooms - set(ROOMS))]
    faults += [f"{room}: remove it from ROOMS, it has no files" for room in sorted(set(ROOMS) - rooms)]
    faults += [f"{file}: remove it from PLACES, it does not exist" for file in sorted(set(PLACES) - set(files))]
    faults += [f"{file}:1: {build} has no object for it: build everything first" for file in files
               if file.endswith(".c") and file.split("/")[0] in ("attach", "userspace") and file not in compiled]
    return faults


def room_faults(uses: list[Use], compiled: dict[str, Path]) -> Iterator[str]:
    for use in uses:
        if not allowed(use) and not is_exception(use):
            line = use.line or line_of(compiled[use.user], use.symbol)
            what = f"{use.symbol} of {use.used}" if use.symbol else use.used
            yield f"{use.user}:{line}: {room_of(use.user)} must not use {what}"


def cycle_faults(linked: list[Use]) -> Iterator[str]:
    for group in cycles([use for use in linked if not is_exception(use)]):
        if set(group) not in GROUPS:
            yield f"{group[0]}:1: these files depend on each other at link level: {', '.join(group)}"


def main(build: Path) -> int:
    files, compiled = sources(), objects(build)
    faults = tree_faults(files, compiled, build)
    uses: list[Use] = []
    if not faults:
        linked = list(links(build))
        uses = [*includes(files), *linked]
        faults += [*room_faults(uses, compiled), *cycle_faults(linked)]
        faults += [f"the exception {entry} is no longer needed" for entry in sorted(stale_exceptions(uses))]
    for fault in faults:
        print(fault)
    print(f"{len(ROOMS)} rooms, {len(files)} files, {len(uses)} uses, {len(EXCEPTIONS)} exceptions, "
          f"{len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))

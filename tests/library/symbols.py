#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Compares the symbols of libturnpike.so with the headers, the symbol map and the version.

usage: symbols.py LIBTURNPIKE.SO
"""
import re
import subprocess
import sys

from header import INCLUDE, ROOT, declared, functions


def exported(library: str) -> dict[str, str]:
    """Version of each symbol that the library defines."""
    output = subprocess.run(
        ["nm", "--dynamic", "--defined-only", "--with-symbol-versions", library],
        check=True, capture_output=True, text=True).stdout
    symbols = {}
    for line in output.splitlines():
        name, _, version = line.split()[-1].partition("@@")
        if not name.startswith("LIBTURNPIKE_"):
            symbols[name] = version
    return symbols


def nodes() -> dict[str, list[str]]:
    """Symbols of each node of the map, in its order."""
    text = re.sub(r"/\*.*?\*/", "", (ROOT / "attach" / "turnpike.map").read_text(), flags=re.S)
    return {
        node: re.findall(r"\b(turnpike_\w+);", body)
        for node, body in re.findall(r"(LIBTURNPIKE_[\d.]+) \{(.*?)\}", text, re.S)
    }


def version_faults() -> list[str]:
    text = (INCLUDE / "version.h").read_text()
    parts = [re.search(rf"_VERSION_{part} (\d+)", text) for part in ("MAJOR", "MINOR", "PATCH")]
    numbers = [part[1] for part in parts if part]
    faults = []
    if f'"{".".join(numbers)}"' not in text:
        faults.append(f"version.h: TURNPIKE_VERSION is not {'.'.join(numbers)}")
    newest = list(nodes())[-1]
    if newest != f"LIBTURNPIKE_{'.'.join(numbers[:2])}":
        faults.append(f"turnpike.map ends with {newest}, but the version is {'.'.join(numbers)}")
    return faults


def main(library: str) -> int:
    documented = functions()
    symbols = exported(library)
    faults = version_faults()
    for name in sorted(declared() - set(documented)):
        faults.append(f"{name}() is declared, but has no comment before it")
    for name in sorted(set(documented) - set(symbols)):
        faults.append(f"{name}() is in a header, but not exported: add it to attach/turnpike.map")
    for name in sorted(set(symbols) - set(documented)):
        faults.append(f"{name} is exported, but in no header")
    for name in sorted(set(symbols) & set(documented)):
        wanted = f"LIBTURNPIKE_{documented[name].since}"
        if symbols[name] != wanted:
            faults.append(f"{name}() is exported as {symbols[name] or 'unversioned'}; its comment says {wanted}")
    for node, names in nodes().items():
        if names != sorted(names):
            faults.append(f"turnpike.map: {node} is not sorted")
    for fault in faults:
        print(fault)
    print(f"{len(symbols)} symbols, {len(documented)} functions, {len(faults)} faults")
    return 1 if faults or not symbols else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

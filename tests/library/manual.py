#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Compares the manual page and other documents with the headers of libturnpike."""
import re
import sys
from pathlib import Path

from header import INCLUDE, ROOT, functions, one_line

MANUAL = ROOT / "docs" / "man" / "turnpike.3.scd"
# Documents that name functions, structs and constants of the headers.
DOCUMENTS = [MANUAL, ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
# Files that define names, including those of BPF skeletons and CMake, which have the same prefix.
SOURCES = [*INCLUDE.glob("*.h"), *(ROOT / "programs").rglob("*.h"), *(ROOT / "programs").rglob("*.c"),
           *ROOT.rglob("CMakeLists.txt"), *(ROOT / "cmake").glob("*.cmake"), ROOT / "userspace/metrics/table.c"]


def code(text: str) -> str:
    return "\n".join(re.findall(r"^```\n(.*?)^```$", text, re.M | re.S))


def synopsis(text: str) -> dict[str, str]:
    """Prototypes of the section SYNOPSIS."""
    section = text.split("# SYNOPSIS")[1].split("# DESCRIPTION")[0]
    found = {}
    for declaration in re.findall(r"^(?!cc )(\w[^;]*?\bturnpike_\w+\([^;]*);", code(section), re.M):
        name = re.search(r"\b(turnpike_\w+)\(", declaration)
        assert name, declaration
        found[name[1]] = one_line(declaration)
    return found


def prototype_faults(text: str) -> list[str]:
    header, manual = functions(), synopsis(text)
    described = text.split("# DESCRIPTION")[1]
    faults = [f"{name}() is in the manual, but in no header" for name in sorted(set(manual) - set(header))]
    for name, function in sorted(header.items()):
        if name not in manual:
            faults.append(f"{name}() is not in the synopsis")
        elif manual[name] != function.prototype:
            faults.append(f"synopsis: {manual[name]}; header: {function.prototype}")
        if f"*{name}*()" not in described:
            faults.append(f"{name}() is not described")
    return faults


def error_faults(text: str) -> list[str]:
    """Section ERRORS lists exactly the errnos that functions may return."""
    section = text.split("# ERRORS")[1].split("# NOTES")[0]
    manual = set(re.findall(r"^\*(-E\w+)\*", section, re.M)) | set(re.findall(r", \*(-E\w+)\*$", section, re.M))
    header: set[str] = set()
    for function in functions().values():
        header |= set(re.findall(r"-E[A-Z0-9]+\b", function.comment))
    return ([f"{error} is in a header, but not in ERRORS" for error in sorted(header - manual)]
            + [f"{error} is in ERRORS, but in no header" for error in sorted(manual - header)])


def structs() -> dict[str, tuple[str, str]]:
    """Comment and body of each struct that a program fills in."""
    text = (INCLUDE / "turnpike.h").read_text()
    found = {}
    for comment, name, body in re.findall(r"/\*\*((?:(?!\*/).)*)\*/\nstruct (\w+) \{\n(.*?)^\};", text, re.S | re.M):
        if body.startswith("\tsize_t sz;"):
            found[name] = (comment, body)
    return found


def member_faults(text: str) -> list[str]:
    """Each member that a program sets is in the manual and in the struct's comment."""
    faults = []
    for name, (comment, body) in structs().items():
        for member in re.findall(r"\b(\w+)(?:\[\d+\])?;", body):
            if f"@{member}" not in comment:
                faults.append(f"{name}: {member} has no comment")
            if member not in ("sz", "pad") and not re.search(rf"^\*(\w+\*, \*)*{member}\*", text, re.M):
                faults.append(f"{name}: {member} is not in the manual")
    return faults


def default_faults(text: str) -> list[str]:
    """Defaults are the same in the code, the header and the manual."""
    comment = structs()["turnpike_open_opts"][0]
    source = (ROOT / "attach" / "handle.c").read_text()
    wanted = dict(re.findall(r"^#define DEFAULT_(\w+)\s+(\d+)$", source, re.M))
    faults = [] if wanted else ["attach/handle.c defines no defaults"]
    for constant, value in wanted.items():
        member = constant.lower()
        places = {"header": (rf"@{member}:(?:(?!@\w+:).)*", comment), "manual": (rf"^\*{member}\*\n(?:\t.*\n)+", text)}
        for place, (pattern, where) in places.items():
            entry = re.search(pattern, where, re.S if place == "header" else re.M)
            if not entry or not re.search(rf"Default: {value}\b", entry[0]):
                faults.append(f"{place}: the default of {member} is {value} in attach/handle.c")
    return faults


def poll_faults(text: str) -> list[str]:
    """Header and manual agree on how often to call turnpike_poll()."""
    every = r"once (?:a second|in \d+ seconds)|\d+ a second"
    header = set(re.findall(every, functions()["turnpike_poll"].comment))
    manual = set(re.findall(every, re.sub(r"\s+", " ", text)))
    return [] if header and header == manual else [f"turnpike_poll(): header {header}, manual {manual}"]


def name_faults() -> list[str]:
    """Documents only use names that exist."""
    name = r"\b(?:turnpike_[a-z0-9_]+|TURNPIKE_[A-Z0-9_]+)\b(?![*-])"
    known: set[str] = set()
    for path in SOURCES:
        known |= set(re.findall(name, path.read_text()))
    verdicts = re.findall(r"^\tX\((\w+),", (INCLUDE / "verdicts.h").read_text(), re.M)
    known |= {f"TURNPIKE_{verdict}" for verdict in verdicts}
    faults = []
    for path in DOCUMENTS:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            for word in re.findall(name, line):
                prefix = word.endswith("_") and any(other.startswith(word) for other in known)
                if word.rstrip("_") not in known and not prefix:
                    faults.append(f"{Path(path).relative_to(ROOT)}:{number}: {word} does not exist")
    return faults


def map_faults() -> list[str]:
    """docs/abi.md has a section for each map, and only fields that exist."""
    text = (ROOT / "docs" / "abi.md").read_text()
    header = (INCLUDE / "abi.h").read_text() + (INCLUDE / "policer.h").read_text()
    programs = "".join(path.read_text() for path in (ROOT / "programs").glob("*.bpf.c"))
    maps = set(re.findall(r"(\w+) SEC\(\"\.maps\"\)", programs))
    headings = set(re.findall(r"\w+", " ".join(re.findall(r"^## ([^:\n]+):", text, re.M))))
    faults = [f"abi.md: section for map {name} is missing" for name in sorted(maps - headings)]
    for row in re.findall(r"^\| ([^|]*`[^|]*) \|", text, re.M):
        for field in re.findall(r"`(\w+)", row):
            if not re.search(rf"\b{field}\b", header):
                faults.append(f"abi.md: field {field} does not exist")
    return faults


def main() -> int:
    text = MANUAL.read_text()
    faults = [*prototype_faults(text), *error_faults(text), *member_faults(text), *default_faults(text),
              *poll_faults(text), *name_faults(), *map_faults()]
    for fault in faults:
        print(fault)
    print(f"{len(synopsis(text))} functions, {len(structs())} structs, {len(DOCUMENTS)} documents, "
          f"{len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

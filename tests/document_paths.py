#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Checks that the files and folders named in the documents exist.

A name is a path or file name in backquotes, the target of a link, or a path in a code block that begins with a folder
of the source tree. Leading folders may be missing, as in `flows/binding.c`. Words in capitals are placeholders, as in
`attach/hooks/NAME.c`. Absolute paths and generated files are not checked.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import translate
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "docs/abi.md", "docs/architecture.md",
             "docs/data-plane.md", "docs/debugging.md", "docs/glossary.md", "docs/performance.md", "docs/verifier.md")
FEWEST = 250  # names in all documents; with fewer, the test itself is broken
PATH = re.compile(r"(?:[\w.*-]+/)+(?:[\w.*-]+)?|[\w.*-]+\.(?:c|h|py|sh|md|scd|cmake|txt|dict|map)")
CODE_BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
# Generated files, and files of Linux.
OTHERS = ("build/", "bench/results/", "net/core/filter.c")


def tree() -> set[str]:
    """The files of the source tree, and their folders. In a source archive without git, all files."""
    git = ["git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT)]
    listed = subprocess.run([*git, "ls-files", "--cached", "--others", "--exclude-standard"], capture_output=True,
                            text=True, check=False).stdout.splitlines()
    files = [name for name in listed if (ROOT / name).exists()] or [
        str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if path.is_file()]
    return {*files, *(str(folder) for name in files for folder in PurePosixPath(name).parents)}


def names(text: str, top_folders: set[str]) -> Iterator[str]:
    prose = CODE_BLOCK.sub("", text)
    yield from (name for name in re.findall(r"`([^`\n]+)`", prose) if PATH.fullmatch(name))
    yield from (link for link in re.findall(r"\]\(([^)#]+)\)", prose) if "://" not in link)
    for block in CODE_BLOCK.findall(text):
        yield from (word for word in re.findall(r"[\w./*-]+", block)
                    if "/" in word and word.partition("/")[0] in top_folders)


def exists(name: str, paths: set[str]) -> bool:
    pattern = re.sub(r"\b[A-Z]+\b(?!\.md)|(?<=_)[A-Z]+(?=\.)", "*", name.rstrip("/"))
    path = re.compile(rf"(?:.*/)?{translate(pattern)}")
    return any(path.match(each) for each in paths)


def main() -> int:
    paths = tree()
    top_folders = {path for path in paths if "/" not in path and (ROOT / path).is_dir()}
    found = [(document, name) for document in DOCUMENTS
             for name in names((ROOT / document).read_text(), top_folders) if not name.startswith(OTHERS)]
    faults = [f"{document}: {name} does not exist" for document, name in dict.fromkeys(found)
              if not exists(name, paths)]
    if len(found) < FEWEST:
        faults.append(f"only {len(found)} names were found")
    print("\n".join(faults) or f"{len(found)} names in {len(DOCUMENTS)} documents exist")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

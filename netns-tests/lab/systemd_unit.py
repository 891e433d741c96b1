# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The sandbox of the systemd unit without systemd: its user, capabilities, system calls and address families.

Restrictions of the file system (ProtectSystem= etc.) are not reproduced.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from lab import proc

# The generated unit, in the build tree of the program under test.
NAME = "scripts/systemd/turnpike.service"
NOBODY = 65534
REQUIRED = ["CAP_NET_ADMIN", "CAP_BPF", "CAP_PERFMON"]  # without these a server relays in user space


def without_capabilities(kept: list[str], uid: int) -> list[str]:
    """A wrapper: an ordinary user with only these capabilities, which cannot gain others."""
    caps = ",".join(["-all", *(f"+{name.removeprefix('CAP_').lower()}" for name in kept)])
    return ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", f"--bounding-set={caps}",
            f"--inh-caps={caps}", f"--ambient-caps={caps}", "--no-new-privs"]


class Unit:
    def __init__(self, path: Path) -> None:
        self._values: dict[str, list[str]] = {}
        for line in path.read_text().splitlines():
            if match := re.fullmatch(r"(\w+)=(~?)(.*)", line):
                self._values.setdefault(match[1], []).extend(match[2] + word for word in match[3].split())

    def words(self, key: str) -> list[str]:
        return self._values[key]

    def filter(self, folder: Path, without: str = "") -> list[str]:
        """A wrapper: the system call filter. The folder must be accessible to all users."""
        words = self.words("SystemCallFilter")
        calls = _expand([word for word in words if not word.startswith("~")]) - {without}
        calls -= _expand([word[1:] for word in words if word.startswith("~")])
        rules, script = folder / "sandbox.json", folder / "sandboxed.py"
        rules.write_text(json.dumps({"calls": sorted(calls), "families": self.words("RestrictAddressFamilies")}))
        script.write_bytes(Path(__file__).with_name(script.name).read_bytes())
        for path in (rules, script):
            path.chmod(0o644)  # regardless of the umask
        return ["/usr/bin/python3", "-B", str(script), str(rules)]

    def wrapper(self, folder: Path) -> list[str]:
        """A wrapper: all restrictions of the unit, as user nobody."""
        capabilities = self.words("AmbientCapabilities")
        assert capabilities == self.words("CapabilityBoundingSet")
        return [*without_capabilities(capabilities, NOBODY), *self.filter(folder)]


def _expand(names: list[str]) -> set[str]:
    """Expand groups of system calls, which may be nested."""
    calls: set[str] = set()
    for name in names:
        if name.startswith("@"):
            text = proc.run(["systemd-analyze", "--no-pager", "syscall-filter", name]).stdout
            lines = [line.strip() for line in text.splitlines()[1:]]
            calls |= _expand([line for line in lines if line and not line.startswith("#")])
        else:
            calls.add(name)
    return calls


def complaints(unit: Path, binary: Path, folder: Path) -> list[str]:
    """The findings of systemd-analyze, with the program under test in place of the installed one."""
    copy = folder / unit.name
    copy.write_text(re.sub(r"^ExecStart=\S+", f"ExecStart={binary}", unit.read_text(), flags=re.MULTILINE))
    found = []
    for words in (["verify", "--man=no"], ["security", "--offline=true", "--threshold=19"]):
        result = proc.run(["systemd-analyze", "--no-pager", *words, str(copy)], check=False)
        if result.returncode or (words[0] == "verify" and result.stderr.strip()):
            found.append(f"systemd-analyze {words[0]}: status {result.returncode}:"
                         f" {result.stderr or result.stdout[-200:]}")
    return found

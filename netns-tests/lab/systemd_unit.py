# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The sandboxes of the systemd units without systemd: their user, capabilities, system calls and address families.

Restrictions of the file system (ProtectSystem= etc.) are not reproduced.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

from lab import proc
from lab.relay import is_sanitized

# The generated units, in the build tree of the program under test.
NAME = "scripts/systemd/turnpike.service"
HELPER = "scripts/systemd/turnpike-helper@.service"
SOCKET = "scripts/systemd/turnpike-helper.socket"
# What systemd-analyze finds at most, times ten.
EXPOSURE = {NAME: 14, HELPER: 19}
NOBODY = 65534
REQUIRED = ["CAP_NET_ADMIN", "CAP_BPF", "CAP_PERFMON"]  # without these a server relays in user space


def without_capabilities(kept: list[str], uid: int) -> list[str]:
    """A wrapper: an ordinary user with only these capabilities, which cannot gain others."""
    caps = ",".join(["-all", *(f"+{name.removeprefix('CAP_').lower()}" for name in kept)])
    return ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", f"--bounding-set={caps}",
            f"--inh-caps={caps}", f"--ambient-caps={caps}", "--no-new-privs"]


class Unit:
    def __init__(self, path: Path) -> None:
        self._name = path.name
        self._values: dict[str, list[str]] = {}
        for line in path.read_text().splitlines():
            if match := re.fullmatch(r"(\w+)=(~?)(.*)", line):
                self._values.setdefault(match[1], []).extend(match[2] + word for word in match[3].split())

    def words(self, key: str) -> list[str]:
        return self._values.get(key, [])

    def filter(self, folder: Path, without: str = "") -> list[str]:
        """A wrapper: the system call filter. The folder must be accessible to all users."""
        calls: set[str] = set()
        for word in self.words("SystemCallFilter"):  # later ones take precedence
            calls = calls - _expand([word[1:]]) if word.startswith("~") else calls | _expand([word])
        calls.discard(without)
        if is_sanitized():  # LeakSanitizer looks at the process from outside
            calls.add("ptrace")
        rules, script = folder / f"{self._name}.json", folder / "sandboxed.py"
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


def complaints(build: Path, binary: Path, folder: Path) -> list[str]:
    """The findings of systemd-analyze, with the program under test in place of the installed one."""
    found = []
    for name in (NAME, HELPER, SOCKET):
        copy = folder / Path(name).name
        text = (build / name).read_text()
        copy.write_text(re.sub(r"^ExecStart=\S+", f"ExecStart={binary}", text, flags=re.MULTILINE))
    for name in (NAME, SOCKET):  # the socket starts the helper
        result = _analyze(["verify", "--man=no", str(folder / Path(name).name)])
        if result.returncode or result.stderr.strip():
            found.append(f"{name}: {result.stderr or result.stdout}")
    for name, exposure in EXPOSURE.items():
        result = _analyze(["security", "--offline=true", f"--threshold={exposure}", str(folder / Path(name).name)])
        if result.returncode:
            found.append(f"{name}: more than {exposure / 10}: {result.stderr or result.stdout[-200:]}")
    return found


def _analyze(words: list[str]) -> subprocess.CompletedProcess[str]:
    return proc.run(["systemd-analyze", "--no-pager", *words], check=False)

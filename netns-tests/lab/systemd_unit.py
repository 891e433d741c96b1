# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The systemd unit's sandbox, without systemd: user, capabilities, system calls and address families as the unit says.

What the file system looks like (ProtectSystem= and the like) is left out.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from lab import proc

# The unit as it is built, next to the program that is tested.
NAME = "scripts/systemd/turnpike.service"
NOBODY = 65534


def without_capabilities(kept: list[str], uid: int) -> list[str]:
    """A wrapper: an ordinary user with these capabilities and no others, and no way to more."""
    caps = ",".join(["-all", *(f"+{name.removeprefix('CAP_').lower()}" for name in kept)])
    return ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", f"--bounding-set={caps}",
            f"--inh-caps={caps}", f"--ambient-caps={caps}", "--no-new-privs"]


class Unit:
    def __init__(self, path: Path) -> None:
        self._values: dict[str, list[str]] = {}
        for line in path.read_text().splitlines():
            if match := re.fullmatch(r"(\w+)=(.*)", line):
                self._values.setdefault(match[1], []).extend(match[2].split())

    def words(self, key: str) -> list[str]:
        return self._values[key]

    def filter(self, folder: Path, without: str = "") -> list[str]:
        """A wrapper: the filter of system calls. The folder is one that everybody may enter."""
        calls = _expand(self.words("SystemCallFilter")) - {without}
        wanted, script = folder / "sandbox.json", folder / "sandboxed.py"
        wanted.write_text(json.dumps({"calls": sorted(calls), "families": self.words("RestrictAddressFamilies")}))
        script.write_bytes(Path(__file__).with_name(script.name).read_bytes())
        for path in (wanted, script):
            path.chmod(0o644)  # whatever the umask is
        return ["/usr/bin/python3", "-B", str(script), str(wanted)]

    def wrapper(self, folder: Path) -> list[str]:
        """All that the unit says, as nobody."""
        capabilities = self.words("AmbientCapabilities")
        assert capabilities == self.words("CapabilityBoundingSet")
        return [*without_capabilities(capabilities, NOBODY), *self.filter(folder)]


def _expand(names: list[str]) -> set[str]:
    """Groups of system calls, which may have groups in them, to the calls."""
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
    """What systemd itself says of it, with the program that was built in place of the one to be installed."""
    copy = folder / unit.name
    copy.write_text(re.sub(r"^ExecStart=\S+", f"ExecStart={binary}", unit.read_text(), flags=re.MULTILINE))
    said = []
    for words in (["verify", "--man=no"], ["security", "--offline=true", "--threshold=25"]):
        result = proc.run(["systemd-analyze", "--no-pager", *words, str(copy)], check=False)
        if result.returncode or (words[0] == "verify" and result.stderr.strip()):
            said.append(f"systemd-analyze {words[0]}: status {result.returncode}:"
                        f" {result.stderr or result.stdout[-200:]}")
    return said

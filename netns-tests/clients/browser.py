# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the drivers of Chromium and Firefox share: a headless browser in a namespace of the lab, and its pages."""

from __future__ import annotations

import json
import os
import signal
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab import proc
from lab.lab import Lab

LIMIT = 60  # seconds for an answer or a page


class ScriptError(proc.LabError):
    """An exception of a page's script."""


class Page:
    """A page in which scripts run."""

    def run(self, script: str) -> Any:
        """The value of an expression, or of its promise."""
        raise NotImplementedError

    def call(self, function: str, *arguments: Any) -> Any:
        return self.run(f"{function}({', '.join(json.dumps(each) for each in arguments)})")

    def close(self) -> None:
        raise NotImplementedError


class Browser(proc.Undone):
    """A context: with Chromium(lab, "client") as browser. Each has its own home directory and profile."""

    def __init__(self, lab: Lab, role: str) -> None:
        super().__init__()
        self._lab, self._role = lab, role
        self._home = Path(tempfile.mkdtemp(prefix=f"home-{role}-", dir=lab.scratch))

    def open(self, url: str) -> Page:
        raise NotImplementedError

    def _start(self, argv: Sequence[str], pass_fds: Sequence[int] = ()) -> None:
        self.process = self._lab.start(self._role, ["env", f"HOME={self._home}", *argv], pass_fds)
        self._undo.callback(self._end)

    def _end(self) -> None:
        """With all its children, which write to the profile until they notice."""
        self.process.stop()
        if not proc.wait_until(lambda: not self._processes(), 3):
            for pid in self._processes():
                os.kill(pid, signal.SIGKILL)
            proc.wait_until(lambda: not self._processes(), 3)

    def _processes(self) -> list[int]:
        """All in the namespace: nothing else runs there."""
        return [int(pid) for pid in proc.run(["ip", "netns", "pids", self._lab.namespace(self._role)]).stdout.split()]

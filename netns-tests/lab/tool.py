# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The load generators, sinks and clients of bench/tools, which run in a namespace and answer with lines of JSON."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Self

from lab import ROOT, proc

TOOLS = Path(os.environ.get("BENCH_TOOLS", ROOT / "build/release/bench/tools")).absolute()


class Tool:
    """A context: with Tool(namespace, "sink", "--dev", "nic0", ...) as sink: sink.ask("count")."""

    def __init__(self, namespace: str, name: str, *arguments: object) -> None:
        binary = TOOLS / name
        if not binary.exists():
            raise proc.LabError(f"{binary} does not exist: build it, or set BENCH_TOOLS to the folder of the tools")
        self._name = name
        self._complaints = tempfile.TemporaryFile("w+")
        self._child = subprocess.Popen(
            proc.in_namespace(namespace, [str(binary), *map(str, arguments)]), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=self._complaints, text=True, bufsize=1, start_new_session=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_reason: object) -> None:
        self.stop()

    @property
    def alive(self) -> bool:
        return self._child.poll() is None

    def answer(self, timeout: float = 10) -> Any:
        """The next line of its output."""
        assert self._child.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._child.stdout, selectors.EVENT_READ)
            line = self._child.stdout.readline() if selector.select(timeout) else None
        if line:
            return json.loads(line)
        self.stop()
        raise proc.LabError(f"{self._name}: {self.complaints() or 'no answer'}")

    def ask(self, order: str, timeout: float = 10) -> Any:
        if not self.alive:
            raise proc.LabError(f"{self._name} has ended: {self.complaints() or 'no error message'}")
        assert self._child.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has ended: answer() reports why
            self._child.stdin.write(order + "\n")
        return self.answer(timeout)

    def complaints(self) -> str:
        self._complaints.seek(0)
        return self._complaints.read().strip()

    def interrupt(self) -> None:
        if self.alive:
            self._child.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """End it by closing its input, if necessary by SIGKILL."""
        with proc.signals_held():
            try:
                self._child.communicate(timeout=5)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.communicate()

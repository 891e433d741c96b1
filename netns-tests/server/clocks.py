# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Clocks of a server that a test shifts."""

from __future__ import annotations

from pathlib import Path

from lab import proc
from lab.lab import Lab

SOURCE = Path(__file__).with_name("clocks.c")
REST = 121  # seconds after which the ports of an allocation have rested


class Clocks:
    """The clocks of the servers that are started with @wrapper. At first they are right."""

    def __init__(self, lab: Lab) -> None:
        library = lab.scratch / "clocks.so"
        proc.run(["cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE), "-ldl"])
        self._offsets = lab.scratch / "offsets"
        self._wall = self._monotonic = 0
        self._write()
        # The address sanitizer must be loaded first, unless verify_asan_link_order is off.
        self.wrapper = ("env", f"LD_PRELOAD={library}", f"CLOCK_OFFSETS={self._offsets}",
                        "ASAN_OPTIONS=verify_asan_link_order=0")

    def _write(self) -> None:
        """Replace the file, so that it is read whole."""
        new = self._offsets.with_suffix(".new")
        new.write_text(f"{self._wall} {self._monotonic}")
        new.rename(self._offsets)

    def set_wall(self, seconds: int) -> None:
        """Set the wall clock to so many seconds after the right time."""
        self._wall = seconds
        self._write()

    def advance(self, seconds: int) -> None:
        """Let the monotonic clock leap."""
        self._monotonic += seconds
        self._write()

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""turnpike-helper.socket without systemd: each connection gets a helper of its own, in the sandbox of its unit."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from lab import proc
from lab.lab import Lab
from lab.systemd_unit import NOBODY


class Helpers:
    def __init__(self, lab: Lab, binary: Path, wrapper: Sequence[str], role: str = "relay", mode: int = 0o600,
                 delay: float = 0) -> None:
        """@delay: seconds until a helper begins."""
        self.path = lab.scratch / "helper.sock"
        self.path.unlink(missing_ok=True)  # of an earlier test
        kept = [f"--setenv={name}" for name in os.environ if name.endswith("SAN_OPTIONS")]
        late = ["sh", "-c", f'sleep {delay}; exec "$@"', "sh"] if delay else []
        self.process = lab.start(role, ["systemd-socket-activate", "--seqpacket", "--accept", f"--listen={self.path}",
                                        *kept, *late, *wrapper, str(binary), "helper"])
        self.process.wait_for("Listening on")
        os.chown(self.path, NOBODY, NOBODY)
        self.path.chmod(mode)

    def options(self) -> list[str]:
        """Of the server."""
        return ["--helper", str(self.path)]

    def running(self) -> list[int]:
        """Helpers and brokers. What they have forked and left is not here."""
        return proc.descendants(self.process.pid)

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The lab itself: what it leaves behind."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lab import ROOT, proc

OWNER = """
import signal
from lab.lab import Lab
from lab import proc
proc.die_cleanly_on_signals()
with Lab("two-nic", offload=True) as lab:
    sleeper = lab.start("relay", ["sleep", "600"])
    print(lab.namespace("relay"), lab.namespace("client"), lab.scratch, sleeper.pid, flush=True)
    signal.pause()
"""


def exists(path: Path) -> bool:
    """A process that has ended may wait for init to reap it, which can take a while."""
    try:
        if path.parent != Path("/proc"):
            return path.exists()
        return "\nState:\tZ" not in (path / "status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("how", (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL))
def test_nothing_outlives_its_owner(how: signal.Signals) -> None:
    """However a process ends, its namespaces, its scratch folder and its processes disappear."""
    with subprocess.Popen([sys.executable, "-c", OWNER], cwd=ROOT / "netns-tests", stdout=subprocess.PIPE,
                          text=True) as owner:
        assert owner.stdout
        *namespaces, scratch, pid = owner.stdout.readline().split()
        made = [*(Path("/run/netns", name) for name in namespaces), Path(scratch), Path("/proc", pid)]
        assert all(map(exists, made))
        owner.send_signal(how)
    proc.wait_until(lambda: not any(map(exists, made)), 10)
    assert [path for path in made if exists(path)] == []

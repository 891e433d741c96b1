# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The lab itself: what it leaves behind."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lab import ROOT, proc
from lab.lab import Lab

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


FINDINGS = {
    "address": "==7==ERROR: AddressSanitizer: heap-use-after-free on address 0x60200000eff0",
    "leak": "==7==ERROR: LeakSanitizer: detected memory leaks",
    "thread": "WARNING: ThreadSanitizer: data race (pid=7)",
    "undefined": "cases.c:7:9: runtime error: signed integer overflow",
}


@pytest.mark.parametrize("finding", FINDINGS)
def test_findings_of_sanitizers_fail(finding: str) -> None:
    """A report of a sanitizer fails the test, whatever becomes of the process. Others end as well."""
    with Lab("two-nic", offload=True) as lab:
        killed = lab.start("relay", ["sh", "-c", f"echo '{FINDINGS[finding]}'; exec sleep 600"])
        killed.wait_for(re.escape(FINDINGS[finding]))
        other = lab.start("relay", ["sleep", "600"])
        killed.stop(signal.SIGKILL)
        with pytest.raises(AssertionError, match=re.escape(FINDINGS[finding])):
            lab.stop_processes()
        assert other.exit_status() is not None

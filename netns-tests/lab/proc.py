# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Processes in network namespaces: starting, waiting and ending.

They are started by nsenter, because "ip netns exec" remounts /sys and thereby hides a mounted bpffs.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

CLONE_NEWNET = 0x40000000
COMPILE_LIMIT = 300  # seconds; clang takes a minute in a virtual machine on a busy host
SANITIZER = re.compile(r"(Address|Leak|Thread)Sanitizer: |: runtime error: ")  # in reports, but not in help texts
FINDINGS_SHOWN = 20000  # characters
_libc = ctypes.CDLL(None, use_errno=True)


class LabError(Exception):
    """A failure of the lab itself, not of the relay."""


def in_namespace(namespace: str, argv: Sequence[str]) -> list[str]:
    """argv, to run in a namespace. The kernel kills it if this process dies without cleaning up."""
    return ["setpriv", "--pdeathsig", "KILL", "nsenter", f"--net=/run/netns/{namespace}", *argv]


def run(argv: Sequence[str], *, check: bool = True, timeout: float = 30,
        stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program to its end. The error of a failure contains its output."""
    # In its own session, a Ctrl-C does not reach the child.
    result = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=timeout,
                            start_new_session=True)
    if check and result.returncode:
        raise LabError(f"{' '.join(argv)}: status {result.returncode}: {(result.stderr or result.stdout).strip()}")
    return result


@contextlib.contextmanager
def entered(namespace: str) -> Iterator[None]:
    """Switch this thread to the namespace. Sockets that it opens there stay there."""
    with open("/proc/thread-self/ns/net") as home, open(f"/run/netns/{namespace}") as there:
        _setns(there.fileno())
        try:
            yield
        finally:
            _setns(home.fileno())


def _setns(descriptor: int) -> None:
    if _libc.setns(descriptor, CLONE_NEWNET):
        raise LabError(f"setns: {os.strerror(ctypes.get_errno())}")


def compile_bpf(source: Path, folder: Path) -> Path:
    """Compile a BPF program for this run."""
    built = folder / source.with_suffix("").with_suffix(".o").name
    # The kernel headers are those of the machine, not of the BPF target.
    run(["clang", "-O2", "-g", "-target", "bpf", "-idirafter", f"/usr/include/{platform.machine()}-linux-gnu",
         "-c", str(source), "-o", str(built)], timeout=COMPILE_LIMIT)
    return built


class Process:
    """A background process with its output in a file, and optional inherited descriptors."""

    def __init__(self, argv: Sequence[str], log: Path, pass_fds: Sequence[int] = ()) -> None:
        self.argv = list(argv)
        self.log_path = log
        with log.open("wb") as output:
            self._child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                                           start_new_session=True, pass_fds=pass_fds)
        self.pid = self._child.pid

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def exit_status(self) -> int | None:
        return self._child.poll()

    def wait(self, timeout: float) -> int:
        try:
            return self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            raise LabError(f"{self.argv[-1]}: still running after {timeout} s; its log:\n{self.log()}") from None

    def wait_for(self, pattern: str, timeout: float = 60) -> None:
        """Wait until a line of the log matches. The limit only ends a failure: a busy machine takes long."""
        line = re.compile(pattern, re.MULTILINE)
        wait_until(lambda: bool(line.search(self.log())) or self.exit_status() is not None, timeout)
        if not line.search(self.log()):
            status = self.exit_status()
            why = f"no line '{pattern}' within {timeout} s" if status is None else f"ended with status {status}"
            raise LabError(f"{' '.join(self.argv)}: {why}; its log:\n{self.log()}")

    def send_signal(self, number: signal.Signals) -> None:
        self._child.send_signal(number)

    def is_paused(self) -> bool:
        """Whether a SIGSTOP has taken effect."""
        return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Stop the process for the length of the block."""
        self.send_signal(signal.SIGSTOP)
        try:
            if not wait_until(self.is_paused, 5):
                raise LabError(f"{self.argv[-1]} did not stop")
            yield
            if not self.is_paused():
                raise LabError(f"{self.argv[-1]} did not stay stopped")
        finally:
            self.send_signal(signal.SIGCONT)

    def stop(self, how: signal.Signals = signal.SIGTERM, timeout: float = 30) -> int:
        """End the process, if necessary by SIGKILL, and return its status."""
        if self.exit_status() is None:
            self._child.send_signal(how)
            try:
                self._child.wait(timeout)
            except subprocess.TimeoutExpired:
                self._child.kill()
        return self._child.wait()


def stop_all(processes: list[Process]) -> None:
    """End all processes, the last one first. Fails if a sanitizer has found something in one of them.

    Their status would not tell: most tests do not look at it, and a process may be killed.
    """
    for process in reversed(processes):
        process.stop()
    found = [log for process in processes if SANITIZER.search(log := process.log())]
    processes.clear()
    if found:
        raise AssertionError("\n".join(log[-FINDINGS_SHOWN:] for log in found))


def descendants(pid: int) -> list[int]:
    """The children of a process and theirs, parents first."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            found += [child, *descendants(child)]
    return found


def bpf_objects(pid: int, kind: str) -> set[int]:
    """The ids of the BPF objects that a process holds open. @kind: "map_id", "prog_id", as in proc_pid_fdinfo(5)."""
    found = set()
    for descriptor in Path(f"/proc/{pid}/fdinfo").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            found.update(int(line.split()[1]) for line in descriptor.read_text().splitlines()
                         if line.startswith(f"{kind}:"))
    return found


def wait_until(condition: Callable[[], object], timeout: float, step: float = 0.02) -> bool:
    """Poll a condition. Returns whether it became true in time."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(step)
    return True


FATAL_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def die_cleanly_on_signals() -> None:
    """Turn fatal signals into an exception, so that every `with` block cleans up."""
    def leave(number: int, _frame: object) -> None:
        for each in FATAL_SIGNALS:
            signal.signal(each, signal.SIG_IGN)  # a second Ctrl-C must not interrupt the cleanup
        sys.exit(128 + number)
    for each in FATAL_SIGNALS:
        signal.signal(each, leave)


@contextlib.contextmanager
def signals_held() -> Iterator[None]:
    """Block fatal signals until the end of the block."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, FATAL_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# It reads a line from the block, or end of file when the process has died, even by SIGKILL. A child that had not yet
# asked to be killed with its parent (--pdeathsig) is killed here.
_JANITOR = """read -r _
for each; do ip netns pids "$each" | xargs -r kill -KILL; ip netns del "$each"; done
rm -rf "$0"
"""


@contextlib.contextmanager
def removed_at_the_end(namespaces: Iterable[str], folder: Path) -> Iterator[None]:
    """Remove the namespaces and the folder at the end of the block, or when this process dies."""
    janitor = subprocess.Popen(["sh", "-c", _JANITOR, str(folder), *namespaces], stdin=subprocess.PIPE,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        yield
    finally:
        janitor.communicate(b"\n", timeout=30)


class Undone:
    """Base class of contexts whose setup is undone at the end, in reverse order, also after a failed setup."""

    def __init__(self) -> None:
        self._undo = contextlib.ExitStack()

    def __enter__(self) -> Self:
        try:
            self._set_up()
        except BaseException:
            self._clean_up()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._clean_up()

    def _set_up(self) -> None:
        raise NotImplementedError

    def _clean_up(self) -> None:
        with signals_held():  # a signal must not interrupt the cleanup
            self._undo.close()

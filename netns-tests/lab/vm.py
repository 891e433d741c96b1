# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A small, temporary virtual machine without disk and KVM, controlled over a virtio serial port.

It sees the host's files read-only below a writable layer in memory, so all programs and libraries of the host exist.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import proc
from lab.kernels import QEMU, Kernel, initramfs

AGENT = Path(__file__).parent / "guest/agent.py"
BOOT_SECONDS = 600  # seconds by itself, minutes where other tests have the CPU
BOOTS = 3
MEMORY_MB = 1024
GRACE = 20  # seconds for an answer in addition to the timeout of the command
SLOWER = 4  # factor on timeouts, compared to the host
TUNSETIFF, IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 0x400454CA, 0x0002, 0x1000, 0x4000


@dataclass(frozen=True)
class Nic:
    """A NIC of the guest: the device model of QEMU, and the tap it is connected to."""

    model: str
    mac: str
    tap: int


def open_tap(name: str) -> int:
    """Create a tap in this thread's namespace. It disappears with its last descriptor.

    With vnet headers it carries packets with partial checksums, as between virtual machines of one host.
    """
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI | IFF_VNET_HDR))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


class Vm(proc.Undone):
    """A context: with Vm(kernel, nics, scratch) as vm: vm.run(["uname", "-r"])."""

    def __init__(self, kernel: Kernel, nics: Sequence[Nic], scratch: Path) -> None:
        super().__init__()
        self.kernel = kernel
        self._nics = nics
        self._initramfs = scratch / "initramfs"
        self._socket_path = scratch / "agent.sock"
        self._console = scratch / "console.log"
        self._qemu_log = scratch / "qemu.log"

    def _set_up(self) -> None:
        self._initramfs.write_bytes(initramfs(self.kernel))
        for left in reversed(range(BOOTS)):
            try:
                self._boot()
                return
            except proc.LabError as error:
                # Under emulation a kernel now and then panics while it boots, before anything of ours runs.
                if not left or not self._has_ended():
                    raise
                print(f"booting again: {error}")

    def _has_ended(self) -> bool:
        return proc.wait_until(lambda: self._qemu.poll() is not None, 5)

    def _boot(self) -> None:
        start = time.monotonic()
        with proc.signals_held(), self._qemu_log.open("wb") as output:
            # In its own session, Ctrl-C does not reach it. The kernel kills it if this process dies.
            self._qemu = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *self._command()],
                                          pass_fds=[nic.tap for nic in self._nics], stdin=subprocess.DEVNULL,
                                          stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
            self._undo.callback(self._stop)
        self._line = self._undo.enter_context(socket.socket(socket.AF_UNIX))
        if not proc.wait_until(self._connected, 10):
            raise self.trouble(f"{QEMU} did not start")
        self._buffer = b""
        self.release: str = self._answer(BOOT_SECONDS)["kernel"]
        self.boot_seconds = time.monotonic() - start

    def _connected(self) -> bool:
        if self._qemu.poll() is not None:
            raise self.trouble(f"{QEMU} ended with status {self._qemu.returncode}")
        try:
            self._line.connect(str(self._socket_path))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        return True

    def _command(self) -> list[str]:
        words = ["console=ttyS0", "panic=-1", "loglevel=4", "mitigations=off", "random.trust_cpu=on",
                 f"turnpike.agent={AGENT}", f"turnpike.modules={self.kernel.modules}"]
        command = [QEMU, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
                   # With two emulated CPUs, one can execute code that the other modifies (jump labels), and the kernel
                   # panics.
                   "-accel", "tcg", "-cpu", "max", "-smp", "1", "-m", str(MEMORY_MB),
                   "-kernel", str(self.kernel.image), "-initrd", str(self._initramfs),
                   "-append", " ".join(words), "-serial", f"file:{self._console}",
                   "-fsdev", "local,id=host,path=/,security_model=none,readonly=on,multidevs=remap",
                   "-device", "virtio-9p-pci,fsdev=host,mount_tag=host",
                   "-device", "virtio-serial-pci",
                   "-chardev", f"socket,id=agent,path={self._socket_path},server=on,wait=off",
                   "-device", "virtserialport,chardev=agent,name=turnpike"]
        for number, nic in enumerate(self._nics):
            # An empty romfile prevents network boot.
            command += ["-netdev", f"tap,id=nic{number},fd={nic.tap}",
                        "-device", f"{nic.model},netdev=nic{number},mac={nic.mac},romfile="]
        return command

    def _stop(self) -> None:
        # The machine has nothing to save.
        self._qemu.kill()
        self._qemu.wait()

    # For tests.

    def ask(self, do: str, timeout: float = 0, **arguments: Any) -> dict[str, Any]:
        try:
            self._line.settimeout(GRACE)
            self._line.sendall(json.dumps({"do": do, "timeout": timeout, **arguments}).encode() + b"\n")
        except OSError as error:
            raise self.trouble(f"cannot send a request to the machine: {error}") from None
        answer = self._answer(timeout + GRACE)
        if "error" in answer:
            raise proc.LabError(f"in the machine: {answer['error']}")
        return answer

    def run(self, argv: Sequence[str], *, check: bool = True, timeout: float = 30,
            stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Like proc.run(), in the machine."""
        answer = self.ask("run", timeout, argv=list(argv), stdin=stdin)
        result = subprocess.CompletedProcess(list(argv), answer["status"], answer["stdout"], answer["stderr"])
        if check and result.returncode:
            raise proc.LabError(f"{' '.join(argv)}: status {result.returncode}: "
                                f"{(result.stderr or result.stdout).strip()}")
        return result

    def start(self, argv: Sequence[str], log: Path) -> GuestProcess:
        return GuestProcess(self, argv, log)

    def _answer(self, timeout: float) -> dict[str, Any]:
        deadline = time.monotonic() + timeout
        while b"\n" not in self._buffer:
            self._line.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                data = self._line.recv(65536)
            except TimeoutError:
                raise self.trouble(f"no answer from the machine within {timeout:g} s") from None
            if not data:
                raise self.trouble("the machine has ended")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def trouble(self, what: str) -> proc.LabError:
        logs = [path.read_text(errors="replace").strip().splitlines()[-30:]
                for path in (self._qemu_log, self._console) if path.exists()]
        return proc.LabError("\n    ".join([what, *(line for lines in logs for line in lines)]))


class GuestProcess(proc.Process):
    """Like proc.Process, in the machine."""

    def __init__(self, vm: Vm, argv: Sequence[str], log: Path) -> None:
        self._vm = vm
        self.argv = list(argv)
        self.log_path = log
        self.pid = vm.ask("start", argv=self.argv, log=str(log))["pid"]

    def log(self) -> str:
        text: str = self._vm.ask("read", path=str(self.log_path))["text"]
        return text

    def exit_status(self) -> int | None:
        status: int | None = self._vm.ask("poll", pid=self.pid)["status"]
        return status

    def wait(self, timeout: float) -> int:
        if not proc.wait_until(lambda: self.exit_status() is not None, timeout * SLOWER, step=0.1):
            raise proc.LabError(f"{self.argv[-1]}: still running after {timeout * SLOWER} s; its log:\n{self.log()}")
        status = self.exit_status()
        assert status is not None
        return status

    def wait_for(self, pattern: str, timeout: float = 10) -> None:
        super().wait_for(pattern, timeout * SLOWER)

    def stop(self, how: signal.Signals = signal.SIGTERM, timeout: float = 5) -> int:
        if self.exit_status() is None:
            self._vm.ask("signal", pid=self.pid, signal=int(how))
            try:
                return self.wait(timeout)
            except proc.LabError:
                self._vm.ask("signal", pid=self.pid, signal=int(signal.SIGKILL))
        return self.wait(timeout)

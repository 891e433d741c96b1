# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Debian's kernels, ready to boot: downloaded once, unpacked, and combined with an initramfs.

Nothing is installed, and the package lists of the machine stay as they are: apt uses its own sources, lists and cache
in a folder below build/, which is kept for the next run. Remove that folder to get newer kernels.
"""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import lzma
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab import ROOT, proc

CACHE = ROOT / "build/vm"
QEMU = "qemu-system-x86_64"
BUSYBOX = Path("/bin/busybox")  # from busybox-static: the initramfs has no libraries
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
UPDATE_SECONDS, DOWNLOAD_SECONDS, UNPACK_SECONDS = 60, 180, 120
META_PACKAGE = "linux-image-amd64"

# Archives and suites that contain one kernel each, so that apt has no choice.
SUITES: dict[str, tuple[str, ...]] = {
    "6.1": ("debian bookworm", "debian-security bookworm-security"),
    "6.12": ("debian bookworm-backports",),
}
# Modules for mounting the host's files and for the agent. All others are loaded from these files.
BOOT_MODULES = ("virtio_pci", "virtio_console", "9pnet_virtio", "9p", "overlay")


class Unavailable(Exception):
    """A kernel, or a tool to boot it, is not available on this machine."""


@dataclass(frozen=True)
class Kernel:
    series: str  # "6.1"
    root: Path   # its unpacked package

    @property
    def release(self) -> str:
        """The release, as in uname -r."""
        return next(path.name for path in self.modules.iterdir())

    @property
    def image(self) -> Path:
        return self.root / f"boot/vmlinuz-{self.release}"

    @property
    def modules(self) -> Path:
        """The folder that becomes /lib/modules in the guest."""
        return self.root / "lib/modules"


def check_tools() -> None:
    missing = [tool for tool in (QEMU, "modprobe", "depmod", str(BUSYBOX)) if shutil.which(tool) is None]
    if missing:
        raise Unavailable(f"not installed: {', '.join(missing)}")


def get(series: str) -> Kernel:
    """The kernel from the cache, or from Debian."""
    folder = CACHE / series
    with _locked():
        if not (folder / "unpacked").is_dir():
            print(f"Downloading Linux {series} into {folder} ...", flush=True)
            _fetch(series, folder)
    return Kernel(series, folder / "unpacked")


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    """Serialize runs in one checkout."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch(series: str, folder: Path) -> None:
    """Download and unpack. The result gets its final name only when it is complete."""
    half = folder / "half"
    shutil.rmtree(half, ignore_errors=True)
    for name in ("lists/partial", "archives/partial", "deb"):
        (half / name).mkdir(parents=True)
    (half / "sources.list").write_text("".join(_source(*suite.split()) for suite in SUITES[series]))
    settings = {"Dir::Etc::sourcelist": half / "sources.list", "Dir::Etc::sourceparts": "/dev/null",
                "Dir::State::lists": half / "lists", "Dir::Cache": half, "Dir::Cache::archives": half / "archives",
                "APT::Sandbox::User": "root", "APT::Update::Error-Mode": "any",
                "Acquire::Retries": 1, "Acquire::http::Timeout": 20}
    options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
    try:
        _tool(["apt-get", *options, "update"], UPDATE_SECONDS)
        depends = _tool(["apt-cache", *options, "depends", META_PACKAGE], UPDATE_SECONDS)
        package = next((line.split()[-1] for line in depends.splitlines() if "Depends: linux-image-" in line), None)
        if package is None:
            raise Unavailable(f"Debian's {META_PACKAGE} does not depend on a kernel")
        _tool(["env", "-C", str(half / "deb"), "apt-get", *options, "download", package], DOWNLOAD_SECONDS)
        (deb,) = (half / "deb").glob("*.deb")
        _tool(["dpkg", "-x", str(deb), str(half / "unpacked")], UNPACK_SECONDS)
        _tool(["depmod", "-b", str(half / "unpacked"), package.removeprefix("linux-image-")], UNPACK_SECONDS)
        (half / "unpacked").rename(folder / "unpacked")
    finally:
        shutil.rmtree(half, ignore_errors=True)


def _source(archive: str, suite: str) -> str:
    """A line for sources.list, with the mirror that this machine uses for the archive."""
    known = _tool(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"], UPDATE_SECONDS)
    for uri in known.split():
        if uri.rstrip("/").endswith(f"/{archive}"):
            return f"deb [signed-by={KEYRING}] {uri} {suite} main\n"
    raise Unavailable(f"this machine's apt has no archive {archive}")


def _tool(argv: list[str], timeout: float) -> str:
    try:
        done = proc.run(argv, check=False, timeout=timeout)
    except subprocess.TimeoutExpired:
        raise Unavailable(f"no kernel within {timeout:g} s of '{argv[0]}'") from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
        raise Unavailable(f"no kernel from '{argv[0]}': {lines[0]}")
    return done.stdout


# The initramfs: busybox, the init script, and the modules in load order.

def initramfs(kernel: Kernel) -> bytes:
    archive = bytearray()
    for name in ("bin", "dev", "modules", "new", "proc", "sys", "lower", "upper"):
        archive += _entry(name, 0o040755)
    archive += _entry("bin/busybox", 0o100755, BUSYBOX.read_bytes())
    archive += _entry("init", 0o100755, (Path(__file__).parent / "guest/init").read_bytes())
    for number, path in enumerate(_boot_modules(kernel)):
        archive += _entry(f"modules/{number:02}-{path.name.split('.')[0]}.ko", 0o100644, _module(path))
    archive += _entry("TRAILER!!!", 0)
    return gzip.compress(bytes(archive), compresslevel=1)


def _boot_modules(kernel: Kernel) -> list[Path]:
    """The boot modules, preceded by their dependencies. Those built into the kernel have no file."""
    shown = [line.split()
             for module in BOOT_MODULES
             for line in proc.run(["modprobe", "-d", str(kernel.root), "-S", kernel.release, "--show-depends",
                                   module]).stdout.splitlines()]
    return list(dict.fromkeys(Path(words[1]) for words in shown if words[0] == "insmod"))


def _module(path: Path) -> bytes:
    return lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()


def _entry(name: str, mode: int, content: bytes = b"") -> bytes:
    """A file in cpio's "newc" format (the kernel's Documentation/driver-api/early-userspace/buffer-format)."""
    fields = (0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
    return _aligned(header) + _aligned(content)


def _aligned(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)

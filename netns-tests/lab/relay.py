# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The TURN servers of the lab: ours and coturn. If coturn fails, too, the lab is at fault."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import ROOT, proc
from lab.account import give
from lab.lab import Lab
from lab.topology import FAMILIES, Place

ANSWER_LIMIT = 90  # seconds; it only ends a failure: a busy machine takes long
REALM, USER, PASSWORD = "turnpike.test", "alice", "secret"
PORT = 3478
BINARY = Path(os.environ.get("TURNPIKE", ROOT / "build/release/userspace/turnpike")).absolute()
# Threads of each server, for tests that do not say how many. Without it, as many as there are CPUs.
WORKERS = [f"--workers={number}"] if (number := os.environ.get("TURNPIKE_WORKERS")) else []


def is_sanitized() -> bool:
    """Whether the program under test has AddressSanitizer, and with it LeakSanitizer."""
    return b"__asan_init" in BINARY.read_bytes()


@dataclass(frozen=True)
class Variant:
    """A mode of the relay: the options that request it, and what the status must report."""

    name: str
    mode: str
    hook: str
    moves: str | None = None
    asks_for_hook: bool = False
    wrapper: Sequence[str] = ()  # command that starts the server

    @property
    def in_kernel(self) -> bool:
        return self.hook != "none"

    def moves_option(self) -> list[str]:
        return ["--moves", self.moves] if self.moves else []

    def options(self) -> list[str]:
        return ["--mode", self.mode, *self.moves_option(), *(["--tc-hook", self.hook] if self.asks_for_hook else [])]


VARIANTS = (
    Variant("native-head", "xdp-native", "xdp", moves="head"),
    Variant("native-tail", "xdp-native", "xdp", moves="tail"),
    Variant("generic-head", "xdp-generic", "xdp", moves="head"),
    Variant("generic-tail", "xdp-generic", "xdp", moves="tail"),
    Variant("tcx", "tc", "tcx", asks_for_hook=True),
    Variant("clsact", "tc", "clsact", asks_for_hook=True),
    Variant("userspace", "userspace", "none"),
)
BY_NAME = {variant.name: variant for variant in VARIANTS}
AUTO = Variant("auto", "auto", "none")
REFERENCE = Variant("coturn", "userspace", "none")
WITHOUT_CAPABILITIES = ["setpriv", "--bounding-set", "-net_admin,-sys_admin,-bpf,-perfmon",
                        "--inh-caps", "-net_admin,-sys_admin,-bpf,-perfmon"]
# Without BPF the server has no maps either.
WITHOUT_BPF = Variant("without-bpf", "userspace", "none", wrapper=WITHOUT_CAPABILITIES)
# One variant for each place where packets are relayed, for tests that do not depend on the moving end of a frame, or on
# the TC hook.
MODES = (*(BY_NAME[name] for name in ("native-head", "generic-head", "tcx", "userspace")), WITHOUT_BPF)


def _addresses(place: Place) -> list[str]:
    return [place.address(family) for family in FAMILIES]


def _listening(place: Place) -> list[str]:
    v4, v6 = _addresses(place)
    return [f"{v4}:{PORT}", f"[{v6}]:{PORT}"]


def _option(name: str, values: list[str]) -> list[str]:
    return [word for value in values for word in (name, value)]


class Turnpike:
    """`turnpike serve` in the relay's namespace."""

    tells_counts = True

    def __init__(self, lab: Lab, variant: Variant, wrapper: Sequence[str] = (), options: Sequence[str] = (),
                 binary: Path = BINARY, control: Path | None = None) -> None:
        self.lab = lab
        self.variant = variant
        self.control = control or lab.scratch / "control.sock"
        command = [*variant.wrapper, *wrapper, *self.command(lab, variant, self.control, binary), *options]
        self.process = lab.start("relay", command)
        lab.servers.append(self)
        self.process.wait_for(r"\bready\b")

    @staticmethod
    def command(lab: Lab, variant: Variant, control: Path, binary: Path = BINARY) -> list[str]:
        """The command line. SIGTERM ends the server without draining. Limits per user and per address are off, because
        all clients share one of each. Later options can override this."""
        if not binary.exists():
            raise proc.LabError(f"{binary} does not exist: build it, or set TURNPIKE to the program under test")
        net = lab.topology
        config = lab.scratch / "lab.conf"
        config.touch(0o600)
        give(config)
        # Tests count packets exactly, and a flow that is confirmed again takes one from the kernel.
        config.write_text(f"user = {USER}:{PASSWORD}\nuser-quota = 0\nuser-allocations = 0\nuser-flows = 0\n"
                          "user-next-hops = 0\nuser-neighbours = 0\nunauthenticated-rate = 0\nconfirm = 3600\n")
        return [str(binary), "serve", *_option("--listen", _listening(net.listen)),
                *_option("--relay-address", _addresses(net.relayed)),
                "--realm", REALM, "--config", str(config),
                "--control", str(control), "--drain-time", "0", *WORKERS, *variant.options()]

    def cli(self, command: str, *arguments: str) -> str:
        return self.lab.run("relay", [str(BINARY), command, *arguments, "--control", str(self.control)],
                            timeout=ANSWER_LIMIT).stdout

    def ask(self, command: str) -> Any:
        """The output of a command with -j, over the control socket. In a virtual machine it runs the command."""
        return self.order(command=command) if self.control.exists() else json.loads(self.cli(command, "-j"))

    def order(self, **request: str | int) -> dict[str, Any]:
        """Send a request over the control socket."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(ANSWER_LIMIT)
            try:
                sock.connect(str(self.control))
                sock.sendall(json.dumps(request).encode() + b"\n")
                answer = b"".join(iter(lambda: sock.recv(65536), b""))
            except OSError as error:
                raise proc.LabError(f"the relay does not answer: {error}\n{self.process.log()[-2000:]}") from error
        return dict(json.loads(answer))

    def change_mode(self, variant: Variant) -> None:
        self.cli("mode", variant.mode, *variant.moves_option())
        self.variant = variant

    def relayed(self) -> tuple[int, int]:
        """Packets relayed in the kernel and in user space."""
        counts = self.ask("status")["relayed"]
        return counts["kernel"]["packets"], counts["userspace"]["packets"]

    def verdicts(self, direction: str = "") -> dict[str, int]:
        """Packets of all devices by verdict, in one direction or in all."""
        total: dict[str, int] = {}
        for row in self.ask("stats")["verdicts"]:
            if direction in ("", row["direction"]):
                total[row["verdict"]] = total.get(row["verdict"], 0) + row["packets"]
        return total

    def hairpins(self) -> int:
        """Packets relayed between two clients of the relay in one pass."""
        return self.verdicts("hairpin").get("relayed", 0)

    def in_user_space(self) -> dict[str, Any]:
        """The counters of the TURN server."""
        counts: dict[str, Any] = self.ask("stats")["turn"]
        return counts

    def flows(self) -> list[Any]:
        flows: list[Any] = self.ask("flows")["flows"]
        return flows

    def attach_complaints(self) -> list[str]:
        """Differences between the status and the requested mode."""
        wanted = {"mode": self.variant.mode, "hook": self.variant.hook}
        if self.variant.moves:
            wanted["moves"] = self.variant.moves
        devices = {device["dev"]: device for device in self.ask("status")["devices"]}
        complaints = [f"{name} is not in the status" for name in self.lab.devices("relay") if name not in devices]
        return complaints + [f"{name} has {key} {device[key]}, not {value}" for name, device in devices.items()
                             for key, value in wanted.items() if device[key] != value]

    def kernel_complaints(self, seconds: float = 1) -> list[str]:
        """Check that the kernel relays all traffic of the next seconds, with room at the preferred end."""
        (kernel, user_space), verdicts = self.relayed(), self.verdicts()
        time.sleep(seconds)
        (kernel_now, user_space_now), verdicts_now = self.relayed(), self.verdicts()
        complaints = [] if kernel_now > kernel else ["the kernel relays nothing"]
        if user_space_now > user_space:
            complaints.append(f"user space relayed {user_space_now - user_space} packets")
        return complaints + [f"{more} packets were counted as '{verdict}'" for verdict in ("no-room", "head-failed")
                             if (more := verdicts_now.get(verdict, 0) - verdicts.get(verdict, 0))]

    def logs(self, text: str) -> bool:
        """The server writes its log in a thread of its own, a moment after the event."""
        return proc.wait_until(lambda: text in self.process.log(), 5)

    def report(self) -> str:
        """Log and counters, for the failure of a test."""
        text = f"--- log\n{self.process.log().rstrip()}"
        if self.process.exit_status() is None:
            for command in ("status", "stats"):
                text += f"\n--- {command}\n{json.dumps(self.ask(command))}"
        return text

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        return self.process.stop(how)

    def stop_complaints(self) -> list[str]:
        """Stop it, which it must do with status 0. Sanitizers change the status if they have found something."""
        status = self.stop()
        return [f"ended with status {status}\n{self.process.log()[-5000:]}"] if status else []


class Coturn:
    """coturn's turnserver. It has no kernel path, and its counts are not available."""

    tells_counts = False
    command: Sequence[str] = ("turnserver",)  # with the options that another release needs

    def __init__(self, lab: Lab, variant: Variant = REFERENCE, wrapper: Sequence[str] = (),
                 options: Sequence[str] = ("--verbose",)) -> None:
        self.variant = variant
        net = lab.topology
        plain = [] if "--cert" in options else ["--no-tls", "--no-dtls"]
        command = [*wrapper, *self.command, "-n", "--no-cli", *plain, "--simple-log", "--lt-cred-mech",
                   "--log-file", "stdout", "--pidfile", str(lab.scratch / "turnserver.pid"),
                   "--listening-port", str(PORT), *_option("--listening-ip", _addresses(net.listen)),
                   *_option("--relay-ip", _addresses(net.relayed)), "--realm", REALM, "--user", f"{USER}:{PASSWORD}",
                   "--userdb", str(lab.scratch / "turndb"), *options]
        self.process = lab.start("relay", command)
        lab.servers.append(self)
        self.process.wait_for("SQLite DB connection success|Total auth threads")  # of 4.6.1, of 4.17: it serves

    def attach_complaints(self) -> list[str]:
        return []

    def relayed(self) -> tuple[int, int]:
        return 0, 0

    def verdicts(self) -> dict[str, int]:
        return {}

    def flows(self) -> list[Any]:
        return []

    def report(self) -> str:
        return f"--- log\n{self.process.log()}"

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        return self.process.stop(how)


Server = Turnpike | Coturn
SERVERS: dict[str, tuple[type[Server], tuple[Variant, ...]]] = {
    "turnpike": (Turnpike, VARIANTS), "coturn": (Coturn, (REFERENCE,))}

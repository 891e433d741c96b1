# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The TURN servers of the lab: ours, and coturn, which shows whether a failure is the lab's or ours."""

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
from lab.lab import Lab
from lab.topology import FAMILIES, Place

REALM, USER, PASSWORD = "turnpike.test", "alice", "secret"
PORT = 3478
BINARY = Path(os.environ.get("TURNPIKE", ROOT / "build/release/userspace/turnpike")).absolute()


@dataclass(frozen=True)
class Variant:
    """One way to move packets: what is asked for on the command line, and what must be found in the status."""

    name: str
    mode: str
    hook: str
    moves: str | None = None
    asks_for_hook: bool = False
    wrapper: Sequence[str] = ()  # what the server is started through

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
# Without BPF there are no maps either, and nothing that they are for.
WITHOUT_BPF = Variant("without-bpf", "userspace", "none", wrapper=WITHOUT_CAPABILITIES)
# One variant for each place where packets are relayed, for tests to which it is all the same which end of a frame
# moves, and by which hook tc hangs on a device.
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
        """SIGTERM ends it at once, whatever allocations there are. One user and one address stand for many, so that
        limits for each are off, unless a file that comes later says otherwise."""
        if not binary.exists():
            raise proc.LabError(f"{binary} does not exist; build it, or say in TURNPIKE where it is")
        net = lab.topology
        config = lab.scratch / "lab.conf"
        config.touch(0o600)
        config.write_text(f"user = {USER}:{PASSWORD}\nuser-quota = 0\nunauthenticated-rate = 0\n")
        return [str(binary), "serve", *_option("--listen", _listening(net.listen)),
                *_option("--relay-address", _addresses(net.relayed)),
                "--realm", REALM, "--config", str(config),
                "--control", str(control), "--drain-time", "0", *variant.options()]

    def tell(self, command: str, *arguments: str) -> str:
        return self.lab.run("relay", [str(BINARY), command, *arguments, "--control", str(self.control)]).stdout

    def ask(self, command: str) -> Any:
        """What the command prints with -j, but without starting a program for each question, if it is not in a
        virtual machine."""
        return self.order(command=command) if self.control.exists() else json.loads(self.tell(command, "-j"))

    def order(self, **request: str) -> dict[str, Any]:
        """Over the control socket itself."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(10)
            try:
                sock.connect(str(self.control))
                sock.sendall(json.dumps(request).encode() + b"\n")
                answer = b"".join(iter(lambda: sock.recv(65536), b""))
            except OSError as error:
                raise proc.LabError(f"the relay does not answer: {error}\n{self.process.log()[-2000:]}") from error
        return dict(json.loads(answer))

    def change_mode(self, variant: Variant) -> None:
        self.tell("mode", variant.mode, *variant.moves_option())
        self.variant = variant

    def relayed(self) -> tuple[int, int]:
        """Packets relayed so far in the kernel, and in user space."""
        counts = self.ask("status")["relayed"]
        return counts["kernel"]["packets"], counts["userspace"]["packets"]

    def verdicts(self, direction: str = "") -> dict[str, int]:
        """Packets by verdict, whatever the device; of one direction or of all."""
        total: dict[str, int] = {}
        for row in self.ask("stats")["verdicts"]:
            if direction in ("", row["direction"]):
                total[row["verdict"]] = total.get(row["verdict"], 0) + row["packets"]
        return total

    def hairpins(self) -> int:
        """Packets relayed from one client of the relay straight to another."""
        return self.verdicts("hairpin").get("relayed", 0)

    def in_user_space(self) -> dict[str, Any]:
        """What the TURN server has counted."""
        counts: dict[str, Any] = self.ask("stats")["turn"]
        return counts

    def flows(self) -> list[Any]:
        flows: list[Any] = self.ask("flows")["flows"]
        return flows

    def attach_complaints(self) -> list[str]:
        """How the status differs from what was asked for."""
        wanted = {"mode": self.variant.mode, "hook": self.variant.hook}
        if self.variant.moves:
            wanted["moves"] = self.variant.moves
        devices = {device["dev"]: device for device in self.ask("status")["devices"]}
        complaints = [f"{name} is not in the status" for name in self.lab.devices("relay") if name not in devices]
        return complaints + [f"{name} has {key} {device[key]}, not {value}" for name, device in devices.items()
                             for key, value in wanted.items() if device[key] != value]

    def kernel_complaints(self, seconds: float = 1) -> list[str]:
        """Under traffic, all is relayed in the kernel, and room is found at once where it is looked for."""
        (kernel, user_space), verdicts = self.relayed(), self.verdicts()
        time.sleep(seconds)
        (kernel_now, user_space_now), verdicts_now = self.relayed(), self.verdicts()
        complaints = [] if kernel_now > kernel else ["nothing is relayed in the kernel"]
        if user_space_now > user_space:
            complaints.append(f"{user_space_now - user_space} packets were relayed in user space")
        return complaints + [f"{more} packets were '{verdict}'" for verdict in ("no-room", "head-failed")
                             if (more := verdicts_now.get(verdict, 0) - verdicts.get(verdict, 0))]

    def report(self) -> str:
        """What a person wants to see when a test has failed."""
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
    """The same for Debian's turnserver, which has no kernel path and tells no counts."""

    tells_counts = False

    def __init__(self, lab: Lab, variant: Variant = REFERENCE, wrapper: Sequence[str] = (),
                 options: Sequence[str] = ("--verbose",)) -> None:
        self.variant = variant
        net = lab.topology
        command = [*wrapper, "turnserver", "-n", "--no-cli", "--no-tls", "--no-dtls", "--simple-log", "--lt-cred-mech",
                   "--log-file", "stdout", "--pidfile", str(lab.scratch / "turnserver.pid"),
                   "--listening-port", str(PORT), *_option("--listening-ip", _addresses(net.listen)),
                   *_option("--relay-ip", _addresses(net.relayed)), "--realm", REALM, "--user", f"{USER}:{PASSWORD}",
                   "--userdb", str(lab.scratch / "turndb"), *options]
        self.process = lab.start("relay", command)
        lab.servers.append(self)
        self.process.wait_for("SQLite DB connection success")  # the last thing it says

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

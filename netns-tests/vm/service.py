# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The systemd unit under systemd: installed, started, reloaded, killed and stopped as an operator does it.

Process 1 of the machine is the agent, so systemd runs as in a container: as process 1 of a PID namespace, with mounts
of its own. What the unit says of the service it does all the same. (netns-tests/server/test_privileges.py has every mode in a
sandbox that is put together from the unit's words; here is the one that systemd makes of them.)
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lab import proc
from lab.credentials import rest_credentials
from lab.relay import BINARY, PORT
from lab.roundtrip import admitted, bound_client, echoed
from lab.systemd_unit import NAME
from lab.vm import Vm
from vmlab import VmLab

# What would look through all of the host's /tmp, or ask the network for the time.
MASKED = ("systemd-tmpfiles-setup", "systemd-timesyncd", "systemd-binfmt")
# Mounts are made in a namespace that nobody else is in. /run is the machine's: named network namespaces are there.
BOOT = " && ".join(("mount -t proc proc /proc", "mount -t cgroup2 cgroup2 /sys/fs/cgroup", "mkdir -p /run/systemd/system",
                    *(f"ln -s /dev/null /run/systemd/system/{unit}.service" for unit in MASKED),
                    "exec /lib/systemd/systemd --unit=sysinit.target"))
UP_SECONDS, CHANGE_SECONDS = 120, 40
UNIT = NAME.split("/")[-1]
CONTROL = "/run/turnpike/control.sock"
CONFIG, SECRET_FILE, DROP_IN = "/etc/turnpike.conf", "/etc/turnpike/auth-secret", f"/etc/systemd/system/{UNIT}.d/lab.conf"
SECRET = "north-west-passage"
DRAIN_SECONDS, STOP_SECONDS = 8, 2  # draining takes longer than systemd would wait unasked
WARNING = 4  # RFC 5424, as the journal has it

Result = tuple[str, list[str]]  # what there is to tell, and what is wrong


class Service:
    """The unit, as it was installed, in the network of a lab."""

    def __init__(self, vm: Vm, lab: VmLab) -> None:
        self.vm = vm
        self.lab = lab
        self._boot()
        self._install()

    def _boot(self) -> None:
        process = self.vm.start(["env", "container=lab", "unshare", "--mount", "--propagation", "shared", "--pid", "--fork",
                                 "--kill-child", "sh", "-c", BOOT], Path("/tmp/systemd.log"))
        children = ["cat", f"/proc/{process.pid}/task/{process.pid}/children"]
        if not proc.wait_until(lambda: self.vm.run(children).stdout.strip() != "", 10, step=0.2):
            raise proc.LabError(f"systemd does not start: {process.log()}")
        self._pid = self.vm.run(children).stdout.strip()
        if not proc.wait_until(lambda: self.run(["systemctl", "is-active", "sysinit.target"], check=False).returncode == 0,
                               UP_SECONDS, step=1):
            raise proc.LabError(f"systemd is not up: {process.log()}")

    def _install(self) -> None:
        """Made on the host, which is faster, and copied to where it belongs."""
        root = self.lab.scratch / "installed"
        proc.run(["env", f"DESTDIR={root}", "cmake", "--install", str(BINARY.parents[1])])
        self.run(["cp", "-r", f"{root}/.", "/"])
        self.run(["systemd-sysusers"])
        self.write(SECRET_FILE, f"{SECRET}\n", "root:root", "600")  # the service has a copy of it
        self.write(DROP_IN, f"[Service]\nNetworkNamespacePath=/run/netns/{self.lab.namespace('relay')}\n"
                            f"LoadCredential=auth-secret:{SECRET_FILE}\nTimeoutStopSec={STOP_SECONDS}\n")
        self.configure()
        self.run(["systemctl", "daemon-reload"])

    def configure(self, *more: str) -> None:
        net = self.lab.topology
        lines = [f"listen = {net.listen.address(4)}:{PORT}", f"relay-address = {net.relayed.address(4)}",
                 "realm = turnpike.test", f"auth-secret-file = /run/credentials/{UNIT}/auth-secret",
                 f"drain-time = {DRAIN_SECONDS}", *more]
        self.write(CONFIG, "".join(f"{line}\n" for line in lines), "root:turnpike", "640")

    def write(self, path: str, text: str, owner: str = "root:root", mode: str = "644") -> None:
        self.run(["sh", "-c", 'mkdir -p "$(dirname "$0")" && cat >"$0" && chown "$1" "$0" && chmod "$2" "$0"',
                  path, owner, mode], stdin=text)

    def run(self, argv: Sequence[str], *, check: bool = True, timeout: float = 60,
            stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Where systemd is."""
        return self.vm.run(["nsenter", "--target", self._pid, "--mount", "--pid", "--root", *argv], check=check, timeout=timeout,
                           stdin=stdin)

    # What a test asks.

    def show(self) -> dict[str, str]:
        said = self.run(["systemctl", "show", UNIT]).stdout
        return dict(line.split("=", 1) for line in said.splitlines() if "=" in line)

    def becomes(self, **wanted: str) -> list[str]:
        """In good time; the complaints tell what it is instead."""
        def is_so() -> bool:
            said = self.show()
            return all(said[name] == value for name, value in wanted.items())
        if proc.wait_until(is_so, CHANGE_SECONDS, step=0.5):
            return []
        said = self.show()
        return [f"{ {name: said[name] for name in wanted} }, not {wanted}; {self.journal()}"]

    def journal(self) -> list[dict[str, Any]]:
        """What the service itself has said so far."""
        said = self.run(["journalctl", "--unit", UNIT, "--output", "json", "--no-pager"]).stdout
        entries = [json.loads(line) for line in said.splitlines()]
        return [entry for entry in entries if entry.get("SYSLOG_IDENTIFIER") == "turnpike"]

    def has_said(self, text: str) -> list[str]:
        if proc.wait_until(lambda: any(text in entry["MESSAGE"] for entry in self.journal()), CHANGE_SECONDS, step=0.5):
            return []
        return [f"'{text}' is not in the journal: {[entry['MESSAGE'] for entry in self.journal()]}"]

    def status(self) -> dict[str, Any]:
        """As a member of the group is told it."""
        command = ["setpriv", "--reuid=nobody", "--regid=turnpike", "--clear-groups", "turnpike", "status", "-j"]
        status: dict[str, Any] = json.loads(self.run([*command, "--control", CONTROL]).stdout)
        return status

    def start(self) -> None:
        """If it does not run."""
        self.run(["systemctl", "start", UNIT])


def started(service: Service) -> Result:
    service.start()
    said, status = service.show(), service.status()
    thread = dict(line.split(":\t", 1) for line in service.run(["cat", f"/proc/{said['MainPID']}/status"]).stdout.splitlines())
    complaints = service.becomes(ActiveState="active", SubState="running", Result="success", StatusText="serving")
    if thread["Uid"].split()[0] == "0" or thread["Seccomp"] != "2" or thread["NoNewPrivs"] != "1":
        complaints.append(f"process {said['MainPID']} has {thread}")
    complaints += [f"it warns: {entry['MESSAGE']}" for entry in service.journal() if int(entry["PRIORITY"]) <= WARNING]
    capabilities = sorted(status["capabilities"])
    if capabilities != ["bpf", "net_admin", "net_raw", "perfmon"]:
        complaints.append(f"its capabilities are {capabilities}")
    complaints += [f"{device['dev']}: {device['proof']}" for device in status["devices"]
                   if "; watched: whether the driver loses" not in device["proof"]]
    return f"user {thread['Uid'].split()[0]}, {', '.join(capabilities)}", complaints


def relayed(service: Service) -> Result:
    """By the kernel, for somebody whom the secret in the credential lets in."""
    service.start()
    with bound_client(service.lab, *rest_credentials(SECRET, "dave")) as one:
        before = service.status()["relayed"]["kernel"]["packets"]
        complaints = [each for _ in range(10) for each in echoed(one, b"hello")]
        counted = service.status()["relayed"]["kernel"]["packets"] - before
        one.refresh(0)
    if counted != 20:
        complaints.append(f"{counted} packets of 20 were relayed in the kernel")
    return f"{counted} packets in the kernel", complaints


def reloaded(service: Service) -> Result:
    """Another user comes in; what there is goes on."""
    service.start()
    pid = service.show()["MainPID"]
    with bound_client(service.lab, *rest_credentials(SECRET, "dave")) as one:
        service.configure("user = carol:two")
        service.run(["systemctl", "reload", UNIT])
        complaints = service.has_said("reloaded; other than before: users and secrets")
        complaints += service.becomes(ActiveState="active", SubState="running", MainPID=pid)
        complaints += echoed(one, b"hello") + admitted(service.lab, "carol", "two")
        service.configure()
        one.refresh(0)
        return "", complaints


def killed(service: Service) -> Result:
    """systemd starts it again, and what was attached is no hindrance."""
    service.start()
    before = service.show()
    service.run(["systemctl", "kill", "--signal=KILL", UNIT])
    if not proc.wait_until(lambda: int(service.show()["NRestarts"]) > int(before["NRestarts"]), CHANGE_SECONDS, step=0.5):
        return "", [f"it was not started again: {service.show()}"]
    complaints = service.becomes(ActiveState="active", SubState="running")
    numbers, more = relayed(service)
    return numbers, complaints + more


def stopped(service: Service) -> Result:
    """With an allocation that outlives TimeoutStopSec=: systemd waits for as long as it is asked to."""
    service.start()
    with bound_client(service.lab, *rest_credentials(SECRET, "dave")) as one:
        service.run(["systemctl", "stop", "--no-block", UNIT])
        complaints = service.becomes(ActiveState="deactivating", StatusText="draining, allocations left: 1")
        complaints += echoed(one, b"hello")
        complaints += service.becomes(ActiveState="inactive", Result="success", ExecMainStatus="0")
        complaints += service.has_said("stopping: the time of --drain-time is over; allocations ended: 1")
    if service.run(["test", "-e", str(Path(CONTROL).parent)], check=False).returncode == 0:
        complaints.append(f"{CONTROL} is left")
    return "", complaints


STEPS: dict[str, Callable[[Service], Result]] = {step.__name__: step for step in (started, relayed, reloaded, killed, stopped)}

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The systemd units under systemd: installed, started, reloaded, killed and stopped as by an operator.

Process 1 of the machine is the agent, so systemd runs as in a container: as process 1 of a PID namespace, with its own
mounts. It applies the whole units nevertheless. (server/test_units.py runs every mode in sandboxes that it builds from
the units' settings.)
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
from lab.roundtrip import admitted, bound_client, echoed, takes_path
from lab.systemd_unit import NAME
from lab.vm import Vm
from vmlab import VmLab

# Units that would clean up the host's /tmp, or ask the network for the time.
MASKED = ("systemd-tmpfiles-setup", "systemd-timesyncd", "systemd-binfmt")
# In a mount namespace of its own, except for /run, where the network namespaces are.
BOOT = " && ".join(("mount -t proc proc /proc", "mount -t cgroup2 cgroup2 /sys/fs/cgroup",
                    "mkdir -p /run/systemd/system",
                    *(f"ln -s /dev/null /run/systemd/system/{unit}.service" for unit in MASKED),
                    "exec /lib/systemd/systemd --unit=sysinit.target"))
UP_SECONDS, CHANGE_SECONDS = 240, 120
UNIT = NAME.split("/")[-1]
CONTROL = "/run/turnpike/control.sock"
CONFIG, SECRET_FILE = "/etc/turnpike.conf", "/etc/turnpike/auth-secret"
HELPERS = "turnpike-helper@*.service"
DROP_IN, HELPER_DROP_IN = (f"/etc/systemd/system/{unit}.d/lab.conf" for unit in (UNIT, "turnpike-helper@.service"))
SECRET = "north-west-passage"
DRAIN_SECONDS, STOP_SECONDS = 20, 2  # draining takes longer than TimeoutStopSec=
WARNING = 4  # RFC 5424, in the journal's PRIORITY field

Result = tuple[str, list[str]]  # a line of numbers, and complaints


class Service:
    """The installed unit, in the network of a lab."""

    def __init__(self, vm: Vm, lab: VmLab) -> None:
        self.vm = vm
        self.lab = lab
        self._boot()
        self._install()

    def _boot(self) -> None:
        process = self.vm.start(["env", "container=lab", "unshare", "--mount", "--propagation", "shared", "--pid",
                                 "--fork", "--kill-child", "sh", "-c", BOOT], Path("/tmp/systemd.log"))
        children = ["cat", f"/proc/{process.pid}/task/{process.pid}/children"]
        if not proc.wait_until(lambda: self.vm.run(children).stdout.strip() != "", UP_SECONDS, step=0.2):
            raise proc.LabError(f"systemd does not start: {process.log()}")
        self._pid = self.vm.run(children).stdout.strip()
        is_active = ["systemctl", "is-active", "sysinit.target"]
        if not proc.wait_until(lambda: self.run(is_active, check=False).returncode == 0, UP_SECONDS, step=1):
            raise proc.LabError(f"systemd is not up: {process.log()}")

    def _install(self) -> None:
        """Installed into a folder on the host, which is faster, and copied to the root of the machine."""
        root = self.lab.scratch / "installed"
        proc.run(["env", f"DESTDIR={root}", "cmake", "--install", str(BINARY.parents[1])])
        self.run(["cp", "-r", f"{root}/.", "/"])
        self.run(["systemd-sysusers"])
        self.write(SECRET_FILE, f"{SECRET}\n", "root:root", "600")  # systemd gives the service a copy
        namespace = f"[Service]\nNetworkNamespacePath=/run/netns/{self.lab.namespace('relay')}\n"
        self.write(DROP_IN, f"{namespace}LoadCredential=auth-secret:{SECRET_FILE}\nTimeoutStopSec={STOP_SECONDS}\n")
        self.write(HELPER_DROP_IN, namespace)
        self.configure()
        self.run(["systemctl", "daemon-reload"])

    def configure(self, *more: str) -> None:
        net = self.lab.topology
        lines = [f"listen = {net.listen.address(4)}:{PORT}", f"relay-address = {net.relayed.address(4)}",
                 "realm = turnpike.test", f"auth-secret-file = /run/credentials/{UNIT}/auth-secret",
                 f"drain-time = {DRAIN_SECONDS}", "confirm = 3600", "allow-peer = private", *more]
        self.write(CONFIG, "".join(f"{line}\n" for line in lines), "root:turnpike", "640")

    def write(self, path: str, text: str, owner: str = "root:root", mode: str = "644") -> None:
        self.run(["sh", "-c", 'mkdir -p "$(dirname "$0")" && cat >"$0" && chown "$1" "$0" && chmod "$2" "$0"',
                  path, owner, mode], stdin=text)

    def run(self, argv: Sequence[str], *, check: bool = True, timeout: float = 60,
            stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """In the namespaces of systemd."""
        return self.vm.run(["nsenter", "--target", self._pid, "--mount", "--pid", "--root", *argv], check=check,
                           timeout=timeout, stdin=stdin)

    # For tests.

    def show(self) -> dict[str, str]:
        properties = self.run(["systemctl", "show", UNIT]).stdout
        return dict(line.split("=", 1) for line in properties.splitlines() if "=" in line)

    def becomes(self, **wanted: str) -> list[str]:
        """The unit gets these properties."""
        def properties() -> dict[str, str]:
            shown = self.show()
            return {name: shown[name] for name in wanted}
        if proc.wait_until(lambda: properties() == wanted, CHANGE_SECONDS, step=0.5):
            return []
        return [f"{properties()}, not {wanted}; {self.journal()}"]

    def journal(self) -> list[dict[str, Any]]:
        """The messages of the service itself."""
        output = self.run(["journalctl", "--unit", UNIT, "--output", "json", "--no-pager"]).stdout
        entries = [json.loads(line) for line in output.splitlines()]
        return [entry for entry in entries if entry.get("SYSLOG_IDENTIFIER") == "turnpike"]

    def logs(self, text: str) -> list[str]:
        if proc.wait_until(lambda: any(text in entry["MESSAGE"] for entry in self.journal()), CHANGE_SECONDS, step=0.5):
            return []
        return [f"'{text}' is not in the journal: {[entry['MESSAGE'] for entry in self.journal()]}"]

    def status(self) -> dict[str, Any]:
        """For a member of the group."""
        command = ["setpriv", "--reuid=nobody", "--regid=turnpike", "--clear-groups", "turnpike", "status", "-j"]
        status: dict[str, Any] = json.loads(self.run([*command, "--control", CONTROL]).stdout)
        return status

    def relayed(self) -> tuple[int, int]:
        """Packets relayed in the kernel and in user space."""
        counts = self.status()["relayed"]
        return counts["kernel"]["packets"], counts["userspace"]["packets"]

    def start(self) -> None:
        """Unless it runs already."""
        self.run(["systemctl", "start", UNIT])


def unit_filters(service: Service) -> str:
    """The filters of the helper, whose unit makes as many as that of the server, which has one of its own."""
    helper = service.status()["helper"]["pid"]
    lines = service.run(["cat", f"/proc/{helper}/status"]).stdout.splitlines()
    return dict(line.split(":\t", 1) for line in lines)["Seccomp_filters"]


def started(service: Service) -> Result:
    """The service is ready, runs without root and within the sandbox, warns about nothing, and watches its drivers."""
    service.start()
    pid, status = service.show()["MainPID"], service.status()
    lines = service.run(["cat", f"/proc/{pid}/status"]).stdout.splitlines()
    thread = dict(line.split(":\t", 1) for line in lines)
    complaints = service.becomes(ActiveState="active", SubState="running", Result="success")
    text = service.show()["StatusText"]
    if not text.startswith("serving"):  # soon, what it serves follows
        complaints.append(f"the status is '{text}'")
    if thread["Uid"].split()[0] == "0" or thread["Seccomp"] != "2" or thread["NoNewPrivs"] != "1":
        complaints.append(f"process {pid} has {thread}")
    complaints += [f"a warning: {entry['MESSAGE']}" for entry in service.journal() if int(entry["PRIORITY"]) <= WARNING]
    capabilities = sorted(status["helper"]["capabilities"])
    if status["capabilities"] or capabilities != ["bpf", "net_admin", "net_raw", "perfmon"]:
        complaints.append(f"the capabilities are {status['capabilities']}, those of the helper {capabilities}")
    if thread["Seccomp_filters"] != str(int(unit_filters(service)) + 1):
        complaints.append(f"there are {thread['Seccomp_filters']} filters of system calls")
    complaints += [f"{device['dev']}: {device['proof']}" for device in status["devices"]
                   if "; watched: frames lost by the driver" not in device["proof"]]
    return f"user {thread['Uid'].split()[0]}, {', '.join(capabilities)}", complaints


def relayed(service: Service) -> Result:
    """The kernel relays for a user with time-limited credentials, whose secret is in a systemd credential."""
    service.start()
    with bound_client(service.lab, *rest_credentials(SECRET, "dave")) as one:
        complaints = takes_path(service.relayed, True, [one], payloads=[b"hello"] * 10)
        one.refresh(0)
    return "", complaints


def reloaded(service: Service) -> Result:
    """A reload admits another user, and allocations go on."""
    service.start()
    pid = service.show()["MainPID"]
    with bound_client(service.lab, *rest_credentials(SECRET, "dave")) as one:
        service.configure("user = carol:two")
        service.run(["systemctl", "reload", UNIT])
        complaints = service.logs("reloaded; changed: users and secrets")
        complaints += service.becomes(ActiveState="active", SubState="running", MainPID=pid)
        complaints += echoed(one, b"hello") + admitted(service.lab, "carol", "two")
        service.configure()
        one.refresh(0)
        return "", complaints


def killed(service: Service) -> Result:
    """systemd restarts a killed service, which attaches again."""
    service.start()
    before = service.show()
    service.run(["systemctl", "kill", "--signal=KILL", UNIT])
    if not proc.wait_until(lambda: int(service.show()["NRestarts"]) > int(before["NRestarts"]), CHANGE_SECONDS,
                           step=0.5):
        return "", [f"the service was not restarted: {service.show()}"]
    complaints = service.becomes(ActiveState="active", SubState="running")
    numbers, more = relayed(service)
    return numbers, complaints + more


def helpers(service: Service) -> list[str]:
    """The units of helpers, also those that have failed."""
    lines = service.run(["systemctl", "list-units", "--all", "--plain", "--no-legend", HELPERS]).stdout.splitlines()
    return [line.split()[0] for line in lines]


def helper_killed(service: Service) -> Result:
    """Without its helper the service relays in user space; a restart gives it another one."""
    service.start()
    pid = service.show()["MainPID"]
    service.run(["systemctl", "kill", "--kill-who=main", "--signal=KILL", HELPERS])
    complaints = service.logs("the helper process has ended")
    with bound_client(service.lab, *rest_credentials(SECRET, "dave")) as one:
        complaints += takes_path(service.relayed, False, [one], payloads=[b"hello"] * 10)
        one.refresh(0)
    complaints += service.becomes(ActiveState="active", SubState="running", MainPID=pid)
    service.run(["systemctl", "restart", UNIT])
    numbers, more = relayed(service)
    if len(found := helpers(service)) != 1:
        complaints.append(f"the helpers are {found}")
    return numbers, complaints + more


def stopped(service: Service) -> Result:
    """A draining service outlives TimeoutStopSec=, since it extends it."""
    service.start()
    with bound_client(service.lab, *rest_credentials(SECRET, "dave")) as one:
        service.run(["systemctl", "stop", "--no-block", UNIT])
        complaints = service.becomes(ActiveState="deactivating", StatusText="draining, allocations remaining: 1")
        complaints += echoed(one, b"hello")
        complaints += service.becomes(ActiveState="inactive", Result="success", ExecMainStatus="0")
        complaints += service.logs("stopping: --drain-time has elapsed; allocations ended: 1")
    if service.run(["test", "-e", str(Path(CONTROL).parent)], check=False).returncode == 0:
        complaints.append(f"{CONTROL} is left")
    if not proc.wait_until(lambda: not helpers(service), CHANGE_SECONDS, step=0.5):
        complaints.append(f"helpers are left: {helpers(service)}")
    return "", complaints


STEPS: dict[str, Callable[[Service], Result]] = {
    step.__name__: step for step in (started, relayed, reloaded, killed, helper_killed, stopped)}

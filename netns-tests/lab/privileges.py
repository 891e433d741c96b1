# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What must hold of the privileges of a running server, of its helper and of its broker."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from lab import proc
from lab.complaints import Complaints
from lab.lab import Lab
from lab.relay import BINARY, BY_NAME, VARIANTS, Turnpike, Variant
from lab.roundtrip import HELLOS, relays
from lab.systemd_unit import NOBODY, REQUIRED

CAPABILITIES = {"CAP_NET_BIND_SERVICE": 10, "CAP_NET_ADMIN": 12, "CAP_NET_RAW": 13, "CAP_PERFMON": 38, "CAP_BPF": 39}
PACKETS = 4 * HELLOS  # of relays(): each way for each family
HELPER = [*REQUIRED, "CAP_NET_RAW"]
BROKER = ["CAP_NET_ADMIN", "CAP_NET_BIND_SERVICE"]
USERSPACE = BY_NAME["userspace"]
# Its socket, maps, programs that no packet meets, what it has attached, and pipes to guardians; no socket of the
# server's.
HELPER_FILES = {"/dev/null", "socket", "pipe", "anon_inode:bpf-map", "anon_inode:bpf-prog", "anon_inode:bpf_link",
                "anon_inode:btf", "anon_inode:[perf_event]"}


class Installation:
    """A copy of the program and a directory for its socket, which an ordinary user can use."""

    def __init__(self, lab: Lab, socket_owner: int | None = None) -> None:
        self.lab = lab
        lab.scratch.chmod(0o711)
        self.binary = lab.scratch / BINARY.name
        if not self.binary.exists():
            shutil.copy(BINARY, self.binary)
        config = lab.scratch / "lab.conf"  # Turnpike.command() fills it, but leaves the owner
        config.touch(0o600)
        os.chown(config, NOBODY, NOBODY)
        self.control = lab.scratch / "run" / "control.sock"
        shutil.rmtree(self.control.parent, ignore_errors=True)
        if socket_owner is not None:  # as RuntimeDirectory= of systemd does
            self.control.parent.mkdir()
            os.chown(self.control.parent, socket_owner, socket_owner)

    def serve(self, variant: Variant, wrapper: Sequence[str] = (), options: Sequence[str] = ()) -> Turnpike:
        return Turnpike(self.lab, variant, wrapper, options, self.binary, self.control)

    def refused(self, variant: Variant, sentence: str, wrapper: Sequence[str] = (),
                options: Sequence[str] = ()) -> Complaints:
        """The server must end with status 1 and, warnings apart, one sentence."""
        command = [*wrapper, *Turnpike.command(self.lab, variant, self.control, self.binary), *options]
        result = self.lab.run("relay", command, check=False)
        errors = [line for line in result.stderr.splitlines() if not line.startswith("turnpike: warning: ")]
        if result.returncode == 1 and len(errors) == 1 and sentence in errors[0]:
            return []
        return [f"status {result.returncode}, and not '{sentence}': {result.stderr}"]


def mask(names: Sequence[str]) -> str:
    return f"{sum(1 << CAPABILITIES[name] for name in names):016x}"


def status_of(path: Path) -> dict[str, list[str]]:
    """The status file of a process or thread."""
    return {name: value.split() for name, _, value in
            (line.partition(":") for line in (path / "status").read_text().splitlines())}


def reported(names: Sequence[str]) -> set[str]:
    """Capabilities of the status."""
    return {f"CAP_{name.upper()}" for name in names}


def thread_complaints(pid: int, uid: int, kept: Sequence[str], bounding: Sequence[str]) -> Complaints:
    """Every thread of a process has this user and these capabilities, and cannot get others."""
    wanted = {"Uid": [str(uid)] * 4, "CapPrm": [mask(kept)], "CapEff": [mask(kept)], "CapInh": [mask([])],
              "CapAmb": [mask([])], "CapBnd": [mask(bounding)], "NoNewPrivs": ["1"]}
    threads = [status_of(path) for path in Path(f"/proc/{pid}/task").iterdir()]
    return [f"a thread of {thread['Name']} has {name} {thread[name]}, not {value}" for thread in threads
            for name, value in wanted.items() if thread[name] != value]


def files_of(pid: int) -> list[str]:
    """What the open files of a process are, without their numbers."""
    return sorted({re.sub(r":\[\d+\]", "", os.readlink(path)) for path in Path(f"/proc/{pid}/fd").iterdir()})


def broker_complaints(pid: int, uid: int, kept: Sequence[str], bounding: Sequence[str]) -> Complaints:
    """The broker of sockets has of its two capabilities those that the server had, and none of its files."""
    if not kept:
        return [f"there is a broker: {pid}"] if pid else []
    found = set(files_of(pid)) - {"/dev/null", "socket", os.readlink(f"/proc/{pid}/fd/2")}
    return thread_complaints(pid, uid, kept, bounding) + ([f"the broker has {found}"] if found else [])


def privileges(server: Turnpike, uid: int, helper: Sequence[str] = (), bounding: Sequence[str] = (),
               broker: Sequence[str] = BROKER, of_helper: Sequence[str] | None = None) -> Complaints:
    """The server has this user and no capability. Its helper has these, and neither has files of the other. That is
    the bounding set of all processes, unless the helper and the broker have another one."""
    of_helper = bounding if of_helper is None else of_helper
    complaints = thread_complaints(server.process.pid, uid, [], bounding)
    if len(list(Path(f"/proc/{server.process.pid}/task").iterdir())) < 2:
        complaints.append("there is one thread only")
    status = server.ask("status")
    if status["uid"] != uid or status["capabilities"]:
        complaints.append(f"the status has user {status['uid']} and capabilities {status['capabilities']}")
    if found := {"anon_inode:bpf-prog", "anon_inode:bpf_link"} & set(files_of(server.process.pid)):
        complaints.append(f"the server has {found}")
    complaints += broker_complaints(status["broker"], uid, broker, of_helper)
    if not helper:
        return complaints + ([f"there is a helper: {status['helper']}"] if status["helper"] else [])
    if not status["helper"]["running"] or reported(status["helper"]["capabilities"]) != set(helper):
        complaints.append(f"the helper is {status['helper']}")
    pid = status["helper"]["pid"]
    stderr = os.readlink(f"/proc/{pid}/fd/2")
    if found := set(files_of(pid)) - HELPER_FILES - {stderr}:
        complaints.append(f"the helper has {found}")
    return complaints + thread_complaints(pid, uid, helper, of_helper)


def relays_in_every_mode(lab: Lab, server: Turnpike) -> Complaints:
    """The server can be changed from its mode to each of the others and back, and relays where the mode says."""
    first, complaints = server.variant, relays(lab)
    others = [variant for variant in VARIANTS if variant.name != "clsact"]  # no change leads there
    for variant in (*others, first) if first.name != "clsact" else others:
        before = server.relayed()
        server.change_mode(variant)
        complaints += [f"{variant.name}: {each}" for each in relays(lab) + server.attach_complaints()]
        kernel, user = (now - then for now, then in zip(server.relayed(), before))
        if kernel + user != PACKETS or (kernel < PACKETS // HELLOS if variant.in_kernel else kernel):
            complaints.append(f"{variant.name}, in the kernel and in user space: {kernel}, {user}")
    return complaints


def guardians(server: Turnpike) -> Complaints:
    """The children that remove a clsact filter after the server's death have CAP_NET_ADMIN only: that of the relay and
    that of the observer, for each device."""
    if server.variant.name != "clsact":
        return []
    status = server.ask("status")
    helper = status["helper"]["pid"]
    pids = Path(f"/proc/{helper}/task/{helper}/children").read_text().split()
    kept = [status_of(Path("/proc", pid))["CapPrm"] for pid in pids if int(pid) != status["broker"]]
    wanted = 2 * [[mask(["CAP_NET_ADMIN"])]] * len(server.lab.devices("relay"))
    return [] if kept == wanted else [f"the guardians have {kept}"]


def ended(server: Turnpike) -> Complaints:
    """The server must end well, and remove its control socket."""
    complaints = server.stop_complaints()
    return complaints + ([f"{server.control} is left"] if server.control.exists() else [])


def lost_helper(server: Turnpike, pid: int) -> Complaints:
    """The server must notice that its helper is gone, say so, and relay in user space."""
    server.process.wait_for("the helper process has ended", timeout=120)
    status = server.ask("status")
    complaints = [f"{device['dev']} is in mode {device['mode']}" for device in status["devices"]
                  if device["mode"] != "userspace"]
    if status["helper"]["pid"] != pid or status["helper"]["running"] or status["helper"]["capabilities"]:
        complaints.append(f"the helper is {status['helper']}")
    if Path("/proc", str(pid)).exists() and not proc.wait_until(lambda: not Path("/proc", str(pid)).exists(), 60):
        complaints.append(f"the helper {pid} is left")
    before = server.relayed()
    complaints += relays(server.lab)
    if server.relayed() != (before[0], before[1] + PACKETS):
        complaints.append(f"relayed in the kernel and in user space: before {before}, then {server.relayed()}")
    for variant, possible in ((USERSPACE, True), (BY_NAME["tcx"], False)):
        answer = server.order(command="mode", mode=variant.mode)
        if ("error" in answer) == possible or (not possible and "restart the server" not in answer["error"]):
            complaints.append(f"a change to {variant.mode} is answered by {answer}")
    return complaints


def nothing_attached(lab: Lab) -> Complaints:
    def attached() -> list[str]:
        links = json.loads(lab.run("relay", ["ip", "-json", "-details", "link", "show"]).stdout)
        found = [f"XDP on {link['ifname']}" for link in links if link.get("xdp")]
        net = json.loads(lab.run("relay", ["bpftool", "-j", "net", "show"]).stdout)
        return found + [f"{kind}: {rows}" for each in net for kind, rows in each.items() if rows]
    proc.wait_until(lambda: not attached(), 10, step=0.1)
    return [f"still attached: {each}" for each in attached()]

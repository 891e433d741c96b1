# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The privileges of a running server: it has none, and its helper has what every mode needs.

    client ----- relay ----- peer
"""

from __future__ import annotations

import os
import pwd
import signal
import stat
from collections.abc import Sequence
from pathlib import Path

import pytest

from lab import proc
from lab.account import account, give
from lab.complaints import Complaints, check
from lab.lab import Lab
from lab.memory import found_in_memory
from lab.privileges import (
    HELPER,
    PACKETS,
    USERSPACE,
    Installation,
    ended,
    guardians,
    lost_helper,
    nothing_attached,
    privileges,
    relays_in_every_mode,
    status_of,
)
from lab.relay import AUTO, BINARY, BY_NAME, VARIANTS, Turnpike, Variant, is_sanitized
from lab.roundtrip import relays
from lab.systemd_unit import HELPER as HELPER_UNIT
from lab.systemd_unit import NOBODY, REQUIRED, Unit, without_capabilities

UNIT = BINARY.parents[1] / HELPER_UNIT  # for a server that is started with privileges, too
DAEMON_GROUP = 1
PRIVILEGE_WARNINGS = ("remains root", "a reload will fail", "does not restrict the system calls", "without CAP_NET_RAW")
# The modes that a server starts in; each test changes it to all others.
some_variants = pytest.mark.parametrize("variant", [BY_NAME[name] for name in ("native-head", "clsact", "userspace")])


# Started by root.

@some_variants
def test_root(lab: Lab, variant: Variant) -> None:
    """A server of root's becomes an ordinary user without capabilities, in all threads. Its helper has four."""
    server = Installation(lab).serve(variant, options=["--workers", "2"])
    complaints = privileges(server, account().pw_uid, HELPER) + guardians(server) + relays_in_every_mode(lab, server)
    complaints += [f"the log has '{each}'" for each in PRIVILEGE_WARNINGS if each in server.process.log()]
    check(complaints + ended(server))


@some_variants
def test_remaining_root(lab: Lab, variant: Variant) -> None:
    """With --run-as root it remains root, with a warning, and has no capability either."""
    server = Installation(lab).serve(variant, options=["--workers", "2", "--run-as", "root"])
    complaints = privileges(server, 0, HELPER) + guardians(server) + relays_in_every_mode(lab, server)
    if not server.logs("warning: the server remains root"):
        complaints.append(f"there is no warning: {server.process.log()}")
    check(complaints + ended(server))


def test_unreadable_files(lab: Lab) -> None:
    """A file that only root can read is served, with a warning that names it, because a reload will fail."""
    secret = lab.scratch / "secret"
    secret.write_text("of root\n")
    secret.chmod(0o600)
    os.chown(secret, 0, 0)
    server = Installation(lab).serve(USERSPACE, options=["--auth-secret-file", str(secret)])
    complaints = relays(lab)
    if not server.logs(f"warning: a reload will fail, because the user of the server, {account().pw_uid}, cannot read"
                       f" {secret}"):
        complaints.append(f"there is no warning: {server.process.log()}")
    server.process.send_signal(signal.SIGHUP)
    server.process.wait_for(f"cannot read {secret}: Permission denied")
    check(complaints + relays(lab) + ended(server))


@some_variants
def test_run_as(lab: Lab, variant: Variant) -> None:
    """With --run-as it keeps the same as an ordinary user, who owns the control socket, and removes it."""
    install = Installation(lab)
    name = pwd.getpwuid(NOBODY).pw_name
    server = install.serve(variant, options=["--workers", "2", "--run-as", f"{name}:daemon"])
    complaints = privileges(server, NOBODY, HELPER) + guardians(server)
    socket = install.control.stat()
    if (socket.st_uid, socket.st_gid, stat.S_IMODE(socket.st_mode)) != (NOBODY, DAEMON_GROUP, 0o660):
        complaints.append(f"the control socket has {socket}")
    groups = status_of(Path(f"/proc/{server.process.pid}"))["Gid"]
    if groups != [str(DAEMON_GROUP)] * 4:
        complaints.append(f"the groups are {groups}")
    check(complaints + relays_in_every_mode(lab, server) + ended(server))


def test_run_as_in_a_directory_of_root(lab: Lab) -> None:
    """Where the user cannot remove the control socket, it stays, and the next server replaces it."""
    install = Installation(lab, socket_owner=0)
    complaints: Complaints = []
    for _ in range(2):
        server = install.serve(USERSPACE, options=["--run-as", str(NOBODY)])
        complaints += relays(lab) + server.stop_complaints()
        if not install.control.exists():
            complaints.append("the socket was removed")
    check(complaints)


# Who starts the server, the user it shall become, and the sentence that refuses it.
INVALID_USERS: dict[str, tuple[Sequence[str], str, str]] = {
    "no such user": ([], "nonesuch", "no such user: nonesuch"),
    "no such group": ([], "root:nonesuch", "no such group: nonesuch"),
    "not permitted": (without_capabilities([], NOBODY), "root", "not permitted to switch the user"),
}


@pytest.mark.parametrize("what", INVALID_USERS)
def test_run_as_is_refused(lab: Lab, what: str) -> None:
    """A server that cannot become the user of --run-as does not start."""
    wrapper, user, sentence = INVALID_USERS[what]
    check(Installation(lab, NOBODY).refused(USERSPACE, sentence, wrapper, ["--run-as", user]))


def test_reload_as_another_user(lab: Lab) -> None:
    """The user of --run-as rereads the configuration; a file that this user cannot read changes nothing."""
    config = lab.scratch / "more.conf"
    config.write_text("log-level = info\n")
    server = Installation(lab).serve(USERSPACE, options=["--run-as", str(NOBODY), "--config", str(config)])
    complaints: Complaints = []
    for mode, line in ((0o600, f"cannot read {config}: Permission denied"), (0o644, "reloaded; changed: nothing")):
        config.chmod(mode)
        server.process.send_signal(signal.SIGHUP)
        server.process.wait_for(line)
        complaints += relays(lab)
    check(complaints + ended(server))


def test_low_relay_ports(lab: Lab) -> None:
    """A server without capabilities can relay from ports below 1024."""
    options = ["--workers", "2", "--run-as", str(NOBODY), "--relay-ports", "600-700"]
    server = Installation(lab).serve(BY_NAME["tcx"], options=options)
    check(privileges(server, NOBODY, HELPER) + relays(lab) + ended(server))


def test_secrets(lab: Lab) -> None:
    """Helper and broker have no secret in their memory, wherever it is configured."""
    words = [f"{place}-password-77".encode() for place in ("command", "file", "users", "environment")]
    command, file, users, environment = (f"{word.decode()[:3]}:{word.decode()}" for word in words)
    config, list_of_users = lab.scratch / "more.conf", lab.scratch / "users"
    config.write_text(f"user = {file}\n")
    list_of_users.write_text(f"{users}\n")
    for path in (config, list_of_users):
        give(path)
    server = Installation(lab).serve(USERSPACE, ["env", f"TURNPIKE_USER={environment}"],
                                     ["--user", command, "--config", str(config), "--users-file", str(list_of_users)])
    status = server.ask("status")
    if not found_in_memory(status["helper"]["pid"], [b"tp-helper"]):
        pytest.fail("nothing is found in the memory of the helper")
    if is_sanitized():  # AddressSanitizer keeps a copy of the environment
        words.pop()
    pids = status["helper"]["pid"], status["broker"]
    check([f"{status_of(Path('/proc', str(pid)))['Name']} has {found}" for pid in pids
           if (found := found_in_memory(pid, words))] + ended(server))


# With fewer capabilities.

@some_variants
def test_required_capabilities(lab: Lab, variant: Variant) -> None:
    """CAP_NET_ADMIN, CAP_BPF and CAP_PERFMON are enough; the server warns that CAP_NET_RAW is missing."""
    server = Installation(lab, NOBODY).serve(variant, without_capabilities(REQUIRED, NOBODY), ["--workers", "2"])
    complaints = privileges(server, NOBODY, REQUIRED, REQUIRED, ["CAP_NET_ADMIN"])
    if not server.logs("warning: without CAP_NET_RAW"):
        complaints.append(f"no warning: {server.process.log()}")
    check(complaints + relays_in_every_mode(lab, server) + ended(server))


def relays_in_user_space(lab: Lab, server: Turnpike) -> Complaints:
    """The server must have chosen user space, with a warning."""
    complaints = relays(lab) if server.relayed() == (0, 0) else ["packets were relayed before"]
    modes = {device["mode"] for device in server.ask("status")["devices"]}
    if modes != {"userspace"} or server.relayed() != (0, PACKETS):
        complaints.append(f"modes {modes}, relayed in the kernel and in user space: {server.relayed()}")
    if not server.logs("warning: everything is relayed in user space: "):
        complaints.append(f"no warning: {server.process.log()}")
    return complaints


def test_no_capabilities(lab: Lab) -> None:
    """Without capabilities, auto relays in user space, and warns."""
    server = Installation(lab, NOBODY).serve(AUTO, without_capabilities([], NOBODY), ["--workers", "2"])
    check(privileges(server, NOBODY, broker=()) + relays_in_user_space(lab, server) + ended(server))


def test_no_bpf(lab: Lab) -> None:
    """Where bpf(2) fails, as in many containers, auto relays in user space, and a kernel mode is refused."""
    wrapper = Unit(UNIT).filter(lab.scratch, without="bpf")
    install = Installation(lab)
    server = install.serve(AUTO, wrapper, ["--workers", "2", "--run-as", "root"])  # the filter allows no change
    complaints = privileges(server, 0) + relays_in_user_space(lab, server) + ended(server)
    complaints += install.refused(BY_NAME["native-head"], "cannot load BPF programs", wrapper, ["--run-as", "root"])
    check(complaints)


# Without the helper.

@pytest.mark.parametrize("variant", [*VARIANTS, AUTO])
def test_helper_killed(lab: Lab, variant: Variant) -> None:
    """Without its helper a server relays in user space, nothing is attached, and it ends well."""
    server = Installation(lab).serve(variant)
    pid = server.ask("status")["helper"]["pid"]
    complaints = relays(lab)
    os.kill(pid, signal.SIGKILL)
    if variant.in_kernel or variant is AUTO:
        complaints += lost_helper(server, pid)
    check(complaints + nothing_attached(lab) + relays(lab) + ended(server))


@pytest.mark.timeout(600)
def test_helper_silent(lab: Lab) -> None:
    """A helper that does not answer is given up after some time, and killed."""
    server = Installation(lab).serve(BY_NAME["native-head"])
    pid = server.ask("status")["helper"]["pid"]
    os.kill(pid, signal.SIGSTOP)
    check(lost_helper(server, pid) + nothing_attached(lab) + ended(server))


@pytest.mark.parametrize("variant", VARIANTS)
def test_server_killed(lab: Lab, variant: Variant) -> None:
    """A helper ends with its server, and so do the guardians; the next server attaches the same at once."""
    complaints: Complaints = []
    for _ in range(3):
        server = Installation(lab).serve(variant)
        complaints += server.attach_complaints()
        children = proc.descendants(server.process.pid)
        server.process.stop(signal.SIGKILL)
    if not proc.wait_until(lambda: not [pid for pid in children if Path("/proc", str(pid)).exists()], 10):
        complaints.append(f"processes are left: {children}")
    check(complaints + nothing_attached(lab))

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The privileges of a running server: it has none, and its helper has what every mode needs.

    client ----- relay ----- peer
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import re
import shutil
import signal
import stat
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from lab import connected, proc, systemd_unit
from lab.account import account, give
from lab.background import in_background
from lab.complaints import Complaints, check
from lab.endpoints import echo_peer, turn_client, udp_socket
from lab.lab import Lab
from lab.metrics import LISTEN, scrape
from lab.memory import found_in_memory
from lab.relay import AUTO, BINARY, BY_NAME, VARIANTS, Turnpike, Variant
from lab.roundtrip import CHANNEL, HELLOS, echoed, relays
from lab.systemd_unit import NOBODY, REQUIRED, Unit, without_capabilities

UNIT = Path(os.environ.get("TURNPIKE_UNIT", BINARY.parents[1] / systemd_unit.NAME))
CAPABILITIES = {"CAP_NET_BIND_SERVICE": 10, "CAP_NET_ADMIN": 12, "CAP_NET_RAW": 13, "CAP_PERFMON": 38, "CAP_BPF": 39}
PACKETS = 4 * HELLOS  # of relays(): each way for each family
HELPER = [*REQUIRED, "CAP_NET_RAW"]
BROKER = ["CAP_NET_ADMIN", "CAP_NET_BIND_SERVICE"]
USERSPACE = BY_NAME["userspace"]
DAEMON_GROUP = 1
PRIVILEGE_WARNINGS = ("remains root", "a reload will fail", "does not restrict the system calls", "without CAP_NET_RAW")
# Its socket, maps, programs that no packet meets, what it has attached, and pipes to guardians; no socket of the
# server's.
HELPER_FILES = {"/dev/null", "socket", "pipe", "anon_inode:bpf-map", "anon_inode:bpf-prog", "anon_inode:bpf_link",
                "anon_inode:btf", "anon_inode:[perf_event]"}
# The modes that a server starts in; each test changes it to all others.
some_variants = pytest.mark.parametrize("variant", [BY_NAME[name] for name in ("native-head", "clsact", "userspace")])


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


# What must hold of a server.

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
               broker: Sequence[str] = BROKER) -> Complaints:
    """The server has this user and no capability. Its helper has these, and neither has files of the other."""
    complaints = thread_complaints(server.process.pid, uid, [], bounding)
    if len(list(Path(f"/proc/{server.process.pid}/task").iterdir())) < 2:
        complaints.append("there is one thread only")
    status = server.ask("status")
    if status["uid"] != uid or status["capabilities"]:
        complaints.append(f"the status has user {status['uid']} and capabilities {status['capabilities']}")
    if found := {"anon_inode:bpf-prog", "anon_inode:bpf_link"} & set(files_of(server.process.pid)):
        complaints.append(f"the server has {found}")
    complaints += broker_complaints(status["broker"], uid, broker, bounding)
    if not helper:
        return complaints + ([f"there is a helper: {status['helper']}"] if status["helper"] else [])
    if not status["helper"]["running"] or reported(status["helper"]["capabilities"]) != set(helper):
        complaints.append(f"the helper is {status['helper']}")
    pid = status["helper"]["pid"]
    stderr = os.readlink(f"/proc/{pid}/fd/2")
    if found := set(files_of(pid)) - HELPER_FILES - {stderr}:
        complaints.append(f"the helper has {found}")
    return complaints + thread_complaints(pid, uid, helper, bounding)


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
    helper = server.ask("status")["helper"]["pid"]
    pids = Path(f"/proc/{helper}/task/{helper}/children").read_text().split()
    kept = [status_of(Path("/proc", pid))["CapPrm"] for pid in pids]
    wanted = 2 * [[mask(["CAP_NET_ADMIN"])]] * len(server.lab.devices("relay"))
    return [] if kept == wanted else [f"the guardians have {kept}"]


def ended(server: Turnpike) -> Complaints:
    """The server must end well, and remove its control socket."""
    complaints = server.stop_complaints()
    return complaints + ([f"{server.control} is left"] if server.control.exists() else [])


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


# In the sandbox of the systemd unit.

def test_unit(tmp_path: Path) -> None:
    """systemd finds nothing wrong with the unit."""
    check(systemd_unit.complaints(UNIT, BINARY, tmp_path))


@pytest.mark.parametrize("variant", VARIANTS)
def test_sandbox(lab: Lab, variant: Variant) -> None:
    """The unit's capabilities, system calls and address families are enough for every mode."""
    unit = Unit(UNIT)
    server = Installation(lab, NOBODY).serve(variant, unit.wrapper(lab.scratch), ["--workers", "2", *LISTEN])
    complaints = privileges(server, NOBODY, HELPER, unit.words("CapabilityBoundingSet"))
    if not scrape(lab)['turnpike_used{resource="descriptors"}']:
        complaints.append("the metrics do not know how many descriptors are open")
    if status_of(Path(f"/proc/{server.process.pid}"))["Seccomp"] != ["2"]:
        complaints.append("there is no filter of system calls")
    check(complaints + relays_in_every_mode(lab, server) + ended(server))


@contextlib.contextmanager
def incoming_frames(lab: Lab) -> Iterator[None]:
    """Frames from both sides throughout the block: without any, trials would prove nothing."""
    def send(done: threading.Event) -> None:
        with udp_socket(lab, "client", 4) as client, udp_socket(lab, "peer", 4) as peer:
            while not done.wait(0.005):
                client.sendto(b"frame", (lab.topology.listen.address(4), 9))
                peer.sendto(b"frame", (lab.topology.relayed.address(4), 9))

    with in_background(send):
        yield


def test_auto_in_the_sandbox(lab: Lab) -> None:
    """In the sandbox, auto proves and chooses the same as for root."""
    # All frames had headroom, however many there were. The tailroom on a veth depends on the sender.
    all_with_headroom = re.compile(r"for (\d+) frames, \1 with 24 bytes of headroom and \d+ of tailroom")
    outcomes = []
    for wrapper in ((), Unit(UNIT).wrapper(lab.scratch)):
        with incoming_frames(lab):
            server = Installation(lab, NOBODY).serve(AUTO, wrapper)
        outcomes.append([(device["mode"], device["moves"], all_with_headroom.sub("for all", device["proof"]),
                          device["why"]) for device in server.ask("status")["devices"]])
        server.stop()
    as_root, in_sandbox = outcomes
    complaints = [] if as_root == in_sandbox else [f"as root {as_root}, in the sandbox {in_sandbox}"]
    check(complaints + [f"{each} is not proven" for each in as_root
                        if not each[2].startswith("proven: a program ran for all;")])


def is_served(lab: Lab, transport: str) -> Complaints:
    with echo_peer(lab, 4) as peer:
        client = (turn_client(lab, "client", 4, 4) if transport == "udp"
                  else connected.turn_client(lab, transport, 4, 4))
        client.bind(CHANNEL, peer.address)
        complaints = echoed(client, b"hello")
        client.socket.close()
    return complaints


def test_connections_in_the_sandbox(lab: Lab) -> None:
    """In the sandbox, clients over every transport are served, and a reload reads the certificate."""
    install = Installation(lab, NOBODY)
    cert, key = connected.make_certificate(install.control.parent, "turnpike.test")
    for path in (cert, key):
        os.chown(path, NOBODY, NOBODY)
    options = connected.tls_options(lab, cert, key)
    server = install.serve(BY_NAME["tcx"], Unit(UNIT).wrapper(lab.scratch), options)
    transports = ("udp", *connected.CONNECTED)
    complaints = [f"{transport}: {each}" for transport in transports for each in is_served(lab, transport)]
    server.process.send_signal(signal.SIGHUP)
    server.process.wait_for("reloaded the certificate")
    complaints += [f"{transport}, after the reload: {each}" for transport in transports
                   for each in is_served(lab, transport)]
    check(complaints + ended(server))


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
    if b"__asan_init" in BINARY.read_bytes():  # AddressSanitizer keeps a copy of the environment
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

def lost_helper(server: Turnpike, pid: int) -> Complaints:
    """The server must notice that its helper is gone, say so, and relay in user space."""
    server.process.wait_for("the helper process has ended", timeout=120)
    status = server.ask("status")
    complaints = [f"{device['dev']} is in mode {device['mode']}" for device in status["devices"]
                  if device["mode"] != "userspace"]
    if status["helper"]["pid"] != pid or status["helper"]["running"] or status["helper"]["capabilities"]:
        complaints.append(f"the helper is {status['helper']}")
    if not proc.wait_until(lambda: proc.descendants(server.process.pid) == [status["broker"]], 60):
        complaints.append(f"there are processes left: {proc.descendants(server.process.pid)}")
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

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the server may do once it serves, and that it is enough: in every mode, and for changes to every other.

    client ----- relay ----- peer

    root      started by root: it keeps four capabilities, in every thread, and no way to more
    run-as    the same as an ordinary user, whose the control socket is, and who takes it away in the end
    sandbox   in that of the systemd unit: capabilities, system calls, address families; auto chooses there, too
    least     with CAP_NET_ADMIN, CAP_BPF and CAP_PERFMON alone
    none      without any: user space, and a warning
    no bpf    where the kernel refuses bpf(2): user space and a warning, or an error if a mode is asked for
    ports     that are low need a capability, which is kept if they are relayed from
    unit      what systemd says of the file
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import scenes
from lab import connected, turn
from lab.complaints import Complaints
from lab.endpoints import echo_peer, turn_client, udp_socket
from lab.lab import Lab
from lab.relay import AUTO, BINARY, BY_NAME, VARIANTS, Turnpike, Variant
from lab.roundtrip import relays
from lab.systemd_unit import NAME, NOBODY, Unit, complaints, without_capabilities

UNIT = Path(os.environ.get("TURNPIKE_UNIT", BINARY.parents[1] / NAME))
CAPABILITIES = {"CAP_NET_BIND_SERVICE": 10, "CAP_NET_ADMIN": 12, "CAP_NET_RAW": 13, "CAP_PERFMON": 38, "CAP_BPF": 39}
LEAST = ["CAP_NET_ADMIN", "CAP_BPF", "CAP_PERFMON"]
KEPT = [*LEAST, "CAP_NET_RAW"]
USERSPACE = BY_NAME["userspace"]
# What a server is started in; it is changed to all others.
SOME = [BY_NAME[name] for name in ("native-head", "clsact", "userspace")]


@dataclass
class Place:
    """Where an ordinary user can run the program and make a socket, whoever owns the checkout."""

    lab: Lab
    binary: Path = field(init=False)
    control: Path = field(init=False)

    def __post_init__(self) -> None:
        self.lab.scratch.chmod(0o711)
        self.binary = self.lab.scratch / BINARY.name
        if not self.binary.exists():
            shutil.copy(BINARY, self.binary)
        config = self.lab.scratch / "lab.conf"  # which is filled before the server starts, and stays its owner's
        config.touch(0o600)
        os.chown(config, NOBODY, NOBODY)
        self.control = self.lab.scratch / "run" / "control.sock"
        shutil.rmtree(self.control.parent, ignore_errors=True)

    def for_user(self, uid: int) -> "Place":
        """With a directory for the socket, as RuntimeDirectory= of systemd makes it."""
        self.control.parent.mkdir()
        os.chown(self.control.parent, uid, uid)
        return self

    def serve(self, variant: Variant, wrapper: Sequence[str] = (), options: Sequence[str] = ()) -> Turnpike:
        return Turnpike(self.lab, variant, wrapper, options, self.binary, self.control)


def mask(names: Sequence[str]) -> str:
    return f"{sum(1 << CAPABILITIES[name] for name in names):016x}"


def status_of(path: Path) -> dict[str, list[str]]:
    return {name: value.split() for name, _, value in
            (line.partition(":") for line in (path / "status").read_text().splitlines())}


def privileges(server: Turnpike, uid: int, kept: Sequence[str], bounding: Sequence[str] = ()) -> Complaints:
    """Each thread is this user, has these capabilities and cannot get others."""
    wanted = {"Uid": [str(uid)] * 4, "CapPrm": [mask(kept)], "CapEff": [mask(kept)], "CapInh": [mask([])],
              "CapAmb": [mask([])], "CapBnd": [mask(bounding)], "NoNewPrivs": ["1"]}
    threads = [status_of(path) for path in Path(f"/proc/{server.process.pid}/task").iterdir()]
    found = [f"a thread has {name} {thread[name]}, not {value}" for thread in threads
             for name, value in wanted.items() if thread[name] != value]
    if len(threads) < 2:
        found.append(f"{len(threads)} threads cannot show what all of them have")
    status = server.ask("status")
    if status["uid"] != uid or {f"CAP_{name.upper()}" for name in status["capabilities"]} != set(kept):
        found.append(f"the status tells of {status['uid']}, {status['capabilities']}")
    return found


def every_mode(lab: Lab, server: Turnpike) -> Complaints:
    """From the one it was started in to each of the others and back, relaying in each where it says."""
    start, found = server.variant, relays(lab)
    others = [variant for variant in VARIANTS if variant.name != "clsact"]  # not to be had by a change
    for variant in (*others, start) if start.name != "clsact" else others:
        before = server.relayed()
        server.change_mode(variant)
        found += [f"{variant.name}: {each}" for each in relays(lab) + server.attach_complaints()]
        # Four packets: one each way for each family.
        counted = tuple(now - then for now, then in zip(server.relayed(), before))
        if counted != ((4, 0) if variant.in_kernel else (0, 4)):
            found.append(f"{variant.name}: {counted} packets in the kernel, in user space")
    return found


def stopped(server: Turnpike) -> Complaints:
    status = server.stop()
    return ([f"ended with status {status}: {server.process.log()}"] if status else []) + (
        [f"{server.control} is left"] if server.control.exists() else [])


def guardian(server: Turnpike) -> Complaints:
    """The child that takes a clsact filter away may do that and nothing else."""
    pids = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    kept = [status_of(Path("/proc", pid))["CapPrm"] for pid in pids]
    wanted = [[mask(["CAP_NET_ADMIN"])]] * len(server.lab.devices("relay"))
    return [] if kept == wanted else [f"the guardians have {kept}"]


def root(lab: Lab, variant: Variant) -> Complaints:
    server = Place(lab).serve(variant, options=["--workers", "2"])
    found = privileges(server, 0, KEPT)
    if variant.name == "clsact":
        found += guardian(server)
    return found + every_mode(lab, server) + stopped(server)


def run_as(lab: Lab, variant: Variant) -> Complaints:
    place = Place(lab)
    server = place.serve(variant, options=["--workers", "2", "--run-as", f"{pwd.getpwuid(NOBODY).pw_name}:daemon"])
    found = privileges(server, NOBODY, KEPT)
    if variant.name == "clsact":
        found += guardian(server)
    socket = place.control.stat()
    if (socket.st_uid, socket.st_gid, stat.S_IMODE(socket.st_mode)) != (NOBODY, 1, 0o660):
        found.append(f"the control socket has {socket}")
    if status_of(Path(f"/proc/{server.process.pid}"))["Gid"] != ["1"] * 4:
        found.append("the group is another")
    return found + every_mode(lab, server) + stopped(server)


def run_as_without_directory(lab: Lab) -> Complaints:
    """In a directory of root's the socket stays; the next server replaces it."""
    place = Place(lab).for_user(0)
    found = []
    for _ in range(2):
        server = place.serve(USERSPACE, options=["--run-as", str(NOBODY)])
        found += relays(lab)
        server.stop()
    return found + ([] if place.control.exists() else ["the socket was removed: this test proves nothing"])


def reload_by_another(lab: Lab) -> Complaints:
    """It is the new user who reads the configuration again; where he may not, all is as before."""
    place = Place(lab)
    more = lab.scratch / "more.conf"
    more.write_text("log-level = info\n")
    server = place.serve(USERSPACE, options=["--run-as", str(NOBODY), "--config", str(more)])
    found = []
    for mode, wanted in ((0o600, f"{more} cannot be read: Permission denied"), (0o644, "reloaded; other than before: nothing")):
        more.chmod(mode)
        server.process.send_signal(signal.SIGHUP)
        server.process.wait_for(wanted)
        found += relays(lab)
    return found + stopped(server)


def refusal(result: subprocess.CompletedProcess[str], sentence: str) -> Complaints:
    """Status 1 and, warnings apart, one sentence."""
    errors = [line for line in result.stderr.splitlines() if not line.startswith("turnpike: warning: ")]
    if result.returncode == 1 and len(errors) == 1 and sentence in errors[0]:
        return []
    return [f"status {result.returncode}: {result.stderr}"]


def no_such_user(lab: Lab) -> Complaints:
    ordinary = without_capabilities([], NOBODY)
    found = []
    for wrapper, who, wanted in (((), "nonesuch", "there is no user nonesuch"), ((), "root:nonesuch", "no group nonesuch"),
                                 (ordinary, "root", "cannot become another user")):
        place = Place(lab).for_user(NOBODY)
        command = Turnpike.command(lab, USERSPACE, place.control, place.binary)
        result = lab.run("relay", [*wrapper, *command, "--run-as", who], check=False, timeout=5)
        found += refusal(result, wanted)
    return found


def sandbox(lab: Lab, variant: Variant) -> Complaints:
    place = Place(lab).for_user(NOBODY)
    unit = Unit(UNIT)
    server = place.serve(variant, unit.wrapper(lab.scratch), ["--workers", "2"])
    found = privileges(server, NOBODY, KEPT, unit.words("CapabilityBoundingSet"))
    if status_of(Path(f"/proc/{server.process.pid}"))["Seccomp"] != ["2"]:
        found.append("there is no filter of system calls")
    return found + every_mode(lab, server) + stopped(server)


@contextlib.contextmanager
def frames(lab: Lab) -> Iterator[None]:
    """From both sides, all the time: if a trial had to wait for some, chance would say what it proves."""
    done = threading.Event()

    def send() -> None:
        with udp_socket(lab, "client", 4) as client, udp_socket(lab, "peer", 4) as peer:
            while not done.wait(0.005):
                client.sendto(b"frame", (lab.topology.listen.address(4), 9))
                peer.sendto(b"frame", (lab.topology.relayed.address(4), 9))

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def proofs(lab: Lab) -> Complaints:
    """What auto finds out in the sandbox is what it finds out as root."""
    # All of them had room in front, however many there were; behind a veth's that is as the sender's buffers are.
    all_had_room = re.compile(r"for (\d+) frames, of which \1 had room for 24 bytes in front and \d+ behind")
    found = []
    for wrapper in ((), Unit(UNIT).wrapper(lab.scratch)):
        with frames(lab):
            server = Place(lab).for_user(NOBODY).serve(AUTO, wrapper)
        found.append([(device["mode"], device["moves"], all_had_room.sub("for all", device["proof"]), device["why"])
                      for device in server.ask("status")["devices"]])
        server.stop()
    unproven = [each for each in found[0] if not each[2].startswith("proven: a program ran for all;")]
    return ([] if found[0] == found[1] else [f"as root {found[0]}, in the sandbox {found[1]}"]) + [
        f"{each} is not proven" for each in unproven]


def connections(lab: Lab) -> Complaints:
    """Clients of every transport are served in the sandbox, and the certificate is read again by its user."""
    place = Place(lab).for_user(NOBODY)
    folder = place.control.parent
    cert, key = connected.make_certificate(folder, "turnpike.test")
    for path in (cert, key):
        os.chown(path, NOBODY, NOBODY)
    server = place.serve(BY_NAME["tcx"], Unit(UNIT).wrapper(lab.scratch), connected.tls_options(lab, cert, key))
    found = []
    for word in ("before", "after"):
        for transport in ("udp", *connected.CONNECTED):
            found += [f"{word} the reload, {transport}: {each}" for each in talks(lab, transport)]
        if word == "before":
            server.process.send_signal(signal.SIGHUP)
            server.process.wait_for("was read again")
    return found + stopped(server)


def talks(lab: Lab, transport: str) -> Complaints:
    message = turn.channel_data(0x4001, b"hello")
    with echo_peer(lab, 4) as peer:
        client = (turn_client(lab, "client", 4, 4) if transport == "udp"
                  else connected.turn_client(lab, transport, 4, 4))
        client.bind(0x4001, peer.address)
        client.socket.send(message)
        answer = client.receive(1)
        client.socket.close()
    return [] if answer == message else [f"{message!r} came back as {answer!r}"]


def least(lab: Lab, variant: Variant) -> Complaints:
    place = Place(lab).for_user(NOBODY)
    server = place.serve(variant, without_capabilities(LEAST, NOBODY), ["--workers", "2"])
    found = privileges(server, NOBODY, LEAST, LEAST)
    if "warning: without CAP_NET_RAW" not in server.process.log():
        found.append("nothing is said of CAP_NET_RAW")
    return found + every_mode(lab, server) + stopped(server)


def in_user_space(lab: Lab, server: Turnpike) -> Complaints:
    """By a choice that was warned of."""
    found = relays(lab) if server.relayed() == (0, 0) else ["something was relayed before"]
    modes = {device["mode"] for device in server.ask("status")["devices"]}
    if modes != {"userspace"} or server.relayed() != (0, 4):
        found.append(f"modes {modes}, relayed {server.relayed()}")
    if "warning: everything is relayed in user space: " not in server.process.log():
        found.append(f"no warning: {server.process.log()}")
    return found


def none(lab: Lab) -> Complaints:
    place = Place(lab).for_user(NOBODY)
    server = place.serve(AUTO, without_capabilities([], NOBODY), ["--workers", "2"])
    return privileges(server, NOBODY, []) + in_user_space(lab, server) + stopped(server)


def no_bpf(lab: Lab) -> Complaints:
    """All capabilities, and a filter that makes bpf(2) fail, as in many containers."""
    wrapper = Unit(UNIT).filter(lab.scratch, without="bpf")
    place = Place(lab)
    server = place.serve(AUTO, wrapper, ["--workers", "2"])
    found = privileges(server, 0, []) + in_user_space(lab, server) + stopped(server)
    command = Turnpike.command(lab, BY_NAME["native-head"], place.control, place.binary)
    result = lab.run("relay", [*wrapper, *command], check=False, timeout=5)
    return found + refusal(result, "cannot load BPF programs")


def ports(lab: Lab) -> Complaints:
    options = ["--workers", "2", "--run-as", str(NOBODY), "--relay-ports", "600-700"]
    server = Place(lab).serve(BY_NAME["tcx"], options=options)
    return privileges(server, NOBODY, [*KEPT, "CAP_NET_BIND_SERVICE"]) + relays(lab) + stopped(server)


def unit_file(lab: Lab) -> Complaints:
    return complaints(UNIT, BINARY, lab.scratch)


Test = Callable[[Lab], Complaints]


def tests() -> Iterator[tuple[str, Test]]:
    for name, test, started in (("root", root, SOME), ("run-as", run_as, SOME), ("sandbox", sandbox, VARIANTS),
                                ("least", least, SOME)):
        for variant in started:
            yield f"{name}/{variant.name}", partial(test, variant=variant)
    yield "sandbox/auto", proofs
    yield "sandbox/connections", connections
    yield "run-as/another's directory", run_as_without_directory
    yield "run-as/refused", no_such_user
    yield "run-as/reload", reload_by_another
    yield "none", none
    yield "no bpf", no_bpf
    yield "ports", ports
    yield "unit", unit_file


if __name__ == "__main__":
    sys.exit(scenes.main("What the server may do once it serves.", tests(), scenes.tried_in_lab,
                         Lab("two-nic", offload=True)))

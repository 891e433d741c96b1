# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The systemd units: a server without any privilege, and a helper of its own process, each in its sandbox.

    client ----- relay ----- peer
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from lab import connected, proc, systemd_unit
from lab.background import in_background
from lab.complaints import Complaints, check
from lab.endpoints import echo_peer, turn_client, udp_socket
from lab.helpers import Helpers
from lab.lab import Lab
from lab.metrics import LISTEN, scrape
from lab.privileges import (
    HELPER,
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
from lab.relay import AUTO, BINARY, BY_NAME, VARIANTS, Turnpike, Variant
from lab.roundtrip import CHANNEL, echoed, relays
from lab.systemd_unit import NOBODY, Unit, without_capabilities

BUILD = BINARY.parents[1]
SERVER_UNIT, HELPER_UNIT = Unit(BUILD / systemd_unit.NAME), Unit(BUILD / systemd_unit.HELPER)
# What the log says about a missing privilege.
LACKS = ("does not restrict the system calls", "without CAP_NET_RAW", "does not report changes", "relayed in user")
STRANGER = 1
SLOW_SECONDS = 12  # more than anything waits that is bound to be fast
# What a process in the server's place must not be able to do: each prints its error.
ATTEMPTS = """
import ctypes, os, socket, struct
libc = ctypes.CDLL(None, use_errno=True)
def attempt(what, *arguments):
    try:
        if what(*arguments) != -1:
            print("done:", *arguments)
            return
        print(ctypes.get_errno())
    except OSError as error:
        print(error.errno)
attempt(socket.socket, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
attempt(socket.socket, socket.AF_PACKET, socket.SOCK_RAW)
attempt(libc.syscall, 321, 5, ctypes.create_string_buffer(128), 128)  # BPF_PROG_LOAD
attempt(libc.syscall, 321, 0, struct.pack("4I", 2, 4, 4, 1).ljust(128, bytes(1)), 128)  # BPF_MAP_CREATE: an array
attempt(libc.syscall, 126, ctypes.create_string_buffer(64), ctypes.create_string_buffer(64))  # capset
attempt(os.setuid, 0)
attempt(socket.socket().bind, ("127.0.0.1", 81))
"""
REFUSED = {"1", "13", "97"}  # EPERM, EACCES, EAFNOSUPPORT


class Units:
    """Both units in one lab."""

    def __init__(self, lab: Lab, **options: Any) -> None:
        self.install = Installation(lab, NOBODY)
        self.wrapper = SERVER_UNIT.wrapper(lab.scratch)
        self.helpers = Helpers(lab, self.install.binary, HELPER_UNIT.wrapper(lab.scratch), **options)

    def serve(self, variant: Variant, options: Sequence[str] = ()) -> Turnpike:
        return self.install.serve(variant, self.wrapper, [*self.helpers.options(), *options])

    def nobody_left(self) -> Complaints:
        """Helper and broker end with the server."""
        if proc.wait_until(lambda: not self.helpers.running(), 10):
            return []
        return [f"processes are left: {self.helpers.running()}"]


def privileges_of_units(server: Turnpike) -> Complaints:
    return privileges(server, NOBODY, HELPER, of_helper=HELPER_UNIT.words("CapabilityBoundingSet"))


def test_units(tmp_path: Path) -> None:
    """systemd finds nothing wrong with the units."""
    check(systemd_unit.complaints(BUILD, BINARY, tmp_path))


@pytest.mark.parametrize("variant", VARIANTS)
def test_sandbox(lab: Lab, variant: Variant) -> None:
    """Capabilities, system calls and address families of the units are enough for every mode."""
    units = Units(lab)
    server = units.serve(variant, ["--workers", "2", *LISTEN])
    complaints = privileges_of_units(server) + guardians(server)
    if not scrape(lab)['turnpike_used{resource="descriptors"}']:
        complaints.append("the metrics do not know how many descriptors are open")
    if status_of(Path(f"/proc/{server.process.pid}"))["Seccomp"] != ["2"]:
        complaints.append("there is no filter of system calls")
    complaints += [f"the log has '{each}'" for each in LACKS if each in server.process.log()]
    complaints += relays_in_every_mode(lab, server) + ended(server)
    check(complaints + units.nobody_left() + nothing_attached(lab))


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
    for start in (Installation(lab, NOBODY).serve, Units(lab).serve):
        with incoming_frames(lab):
            server = start(AUTO)
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
    units = Units(lab)
    cert, key = connected.make_certificate(units.install.control.parent, "turnpike.test")
    for path in (cert, key):
        os.chown(path, NOBODY, NOBODY)
    server = units.serve(BY_NAME["tcx"], connected.tls_options(lab, cert, key))
    transports = ("udp", *connected.CONNECTED)
    complaints = [f"{transport}: {each}" for transport in transports for each in is_served(lab, transport)]
    server.process.send_signal(signal.SIGHUP)
    server.process.wait_for("reloaded the certificate")
    complaints += [f"{transport}, after the reload: {each}" for transport in transports
                   for each in is_served(lab, transport)]
    check(complaints + ended(server))


def test_low_ports(lab: Lab) -> None:
    """The broker of the helper binds the configured ports below 1024."""
    server = Units(lab).serve(BY_NAME["tcx"], ["--workers", "2", "--relay-ports", "600-700"])
    check(privileges_of_units(server) + relays(lab) + ended(server))


def test_in_the_servers_place(lab: Lab) -> None:
    """A process in the sandbox of the server has no privilege, before the server's own filter, either."""
    units = Units(lab)
    result = lab.run("relay", [*units.wrapper, "/usr/bin/python3", "-c", ATTEMPTS])
    answers = result.stdout.split()
    check([] if len(answers) == 7 and set(answers) <= REFUSED else [f"the attempts had {result.stdout}"])


@pytest.mark.parametrize("mode", [0o600, 0o666])
def test_stranger(lab: Lab, mode: int) -> None:
    """Another user cannot connect; where the socket's mode admits it, the helper refuses it."""
    units = Units(lab, mode=mode)
    script = (f"import socket; s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.settimeout(20);"
              f" s.connect({str(units.helpers.path)!r}); print(s.recv(9))")
    result = lab.run("relay", [*without_capabilities([], STRANGER), "/usr/bin/python3", "-c", script], check=False)
    if mode == 0o600:
        check([] if "PermissionError" in result.stderr else [f"it could connect: {result.stdout}{result.stderr}"])
        return
    units.helpers.process.wait_for(f"of user {STRANGER} may not use this helper of user {NOBODY}")
    check([] if result.stdout.strip() == "b''" else [f"it got {result.stdout}{result.stderr}"])


def test_no_helper(lab: Lab) -> None:
    """Without the socket a server does not start, and says what to do, with --check-config, too."""
    install = Installation(lab, NOBODY)
    options = ["--helper", str(lab.scratch / "nowhere.sock")]
    sentence = "nowhere.sock: No such file or directory; start turnpike-helper.socket, or leave out --helper"
    complaints = install.refused(USERSPACE, sentence, without_capabilities([], NOBODY), options)
    command = [*Turnpike.command(lab, USERSPACE, install.control, install.binary), *options, "--check-config"]
    result = lab.run("relay", command, check=False)
    if result.returncode != 2 or sentence not in result.stderr:
        complaints.append(f"--check-config ends with {result.returncode}: {result.stderr}")
    check(complaints)


def test_check_config(lab: Lab) -> None:
    """--check-config tries the socket, and leaves nothing."""
    units = Units(lab)
    command = [*Turnpike.command(lab, USERSPACE, units.install.control, units.install.binary), *units.helpers.options(),
               "--check-config"]
    result = lab.run("relay", command, check=False)
    complaints = [] if result.returncode == 0 else [f"it ends with {result.returncode}: {result.stderr}"]
    check(complaints + units.nobody_left())


def test_other_namespace(lab: Lab) -> None:
    """A helper in another network namespace attaches nothing: the server relays in user space, and says why."""
    server = Units(lab, role="client").serve(AUTO)
    complaints = relays(lab) + nothing_attached(lab)
    if "the helper is in another network namespace" not in server.process.log():
        complaints.append(f"the log is {server.process.log()}")
    check(complaints + ended(server))


def test_slow_helper(lab: Lab) -> None:
    """The start of a server, and a command, wait for a helper that a busy machine delays."""
    server = Units(lab, delay=SLOW_SECONDS).serve(BY_NAME["tcx"])
    helper = server.ask("status")["helper"]["pid"]
    os.kill(helper, signal.SIGSTOP)
    threading.Timer(SLOW_SECONDS, os.kill, (helper, signal.SIGCONT)).start()
    server.change_mode(BY_NAME["native-head"])
    check(server.attach_complaints() + relays(lab) + ended(server))


@pytest.mark.parametrize("variant", [BY_NAME[name] for name in ("native-head", "clsact")])
def test_helper_killed(lab: Lab, variant: Variant) -> None:
    """Without its helper a server relays in user space, nothing is attached, and the next server has another helper."""
    units = Units(lab)
    server = units.serve(variant)
    pid = server.ask("status")["helper"]["pid"]
    complaints = relays(lab)
    os.kill(pid, signal.SIGKILL)
    complaints += lost_helper(server, pid) + nothing_attached(lab) + relays(lab) + ended(server)
    server = units.serve(variant)
    check(complaints + server.attach_complaints() + relays(lab) + ended(server) + units.nobody_left())


@pytest.mark.parametrize("variant", [BY_NAME[name] for name in ("native-head", "clsact")])
def test_server_killed(lab: Lab, variant: Variant) -> None:
    """A helper ends with its server; the next server attaches the same at once."""
    units, complaints = Units(lab), list[str]()
    for _ in range(3):
        server = units.serve(variant)
        complaints += server.attach_complaints()
        server.process.stop(signal.SIGKILL)
    check(complaints + units.nobody_left() + nothing_attached(lab))

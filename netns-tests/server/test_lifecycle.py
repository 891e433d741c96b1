# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Starting, stopping, failing to start, and being killed: nothing of ours stays behind, and what was there stays.

    client ----- relay ----- peer
"""

from __future__ import annotations

import json
import os
import signal
import sys
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab import proc, turn
from lab.complaints import Complaints, check
from lab.endpoints import echo_peer, turn_client, udp_socket
from lab.lab import Lab
from lab.relay import (AUTO, BINARY, BY_NAME, PASSWORD, PORT, USER, VARIANTS, WITHOUT_BPF,
                       WITHOUT_CAPABILITIES, Turnpike, Variant)
from lab.roundtrip import CHANNEL, relayed_there, relays
from lab.systemd_unit import REQUIRED, without_capabilities

BPFFS = Path("/sys/fs/bpf")
# The server after a killed one has the same user, and without capabilities that is the user who starts it.
AS_ROOT = ["--run-as", "root"]


# What the kernel holds.

def bpftool(lab: Lab, *words: str) -> Any:
    return json.loads(lab.run("relay", ["bpftool", "-j", *words]).stdout or "[]")


def attached(lab: Lab) -> dict[str, Any]:
    """What is attached to the relay's devices and pinned, in a form that can be compared."""
    links = json.loads(lab.run("relay", ["ip", "-json", "-details", "link", "show"]).stdout)
    state: dict[str, Any] = {f"xdp on {link['ifname']}": link.get("xdp") for link in links}
    state["qdiscs"] = lab.run("relay", ["tc", "qdisc", "show"]).stdout
    for device in lab.devices("relay"):
        for hook in ("ingress", "egress"):
            state[f"{hook} filters of {device}"] = lab.run("relay", ["tc", "filter", "show", "dev", device, hook],
                                                           check=False).stdout
    state["net"] = bpftool(lab, "net", "show")
    state["pins"] = sorted(str(path) for path in BPFFS.rglob("*")) if BPFFS.is_dir() else []
    return state


@dataclass(frozen=True)
class Objects:
    """Programs and maps by id. Ids are the machine's, so only those known to be the server's are looked at."""

    programs: frozenset[int]
    maps: frozenset[int]

    def left(self, lab: Lab) -> Complaints:
        return [f"{kind} {number} is left" for kind, ours in (("prog", self.programs), ("map", self.maps))
                for number in sorted(ours & {each["id"] for each in bpftool(lab, kind, "show")})]


def objects_of(lab: Lab, pid: int) -> Objects:
    """All that a server, its helper and their children hold open, and the maps that these programs use."""
    found = {kind: set[int]().union(*(proc.bpf_objects(each, kind) for each in [pid, *proc.descendants(pid)]))
             for kind in ("prog_id", "map_id")}
    for program in bpftool(lab, "prog", "show"):
        if program["id"] in found["prog_id"]:
            found["map_id"].update(program.get("map_ids", []))
    return Objects(frozenset(found["prog_id"]), frozenset(found["map_id"]))


def leftovers(lab: Lab, before: dict[str, Any], ours: Objects) -> Complaints:
    """The kernel frees programs and maps a little after the last reference is gone."""
    def complaints() -> Complaints:
        now = attached(lab)
        return ours.left(lab) + [f"{what} was {before.get(what)!r}, is {now.get(what)!r}"
                                 for what in sorted(before.keys() | now.keys()) if before.get(what) != now.get(what)]
    proc.wait_until(lambda: not complaints(), 3, step=0.1)
    return complaints()


NOTHING = Objects(frozenset(), frozenset())


# Stopping.

@pytest.mark.parametrize("how", (signal.SIGTERM, signal.SIGINT, signal.SIGKILL))
@pytest.mark.parametrize("variant", VARIANTS)
def test_stop(lab: Lab, variant: Variant, how: signal.Signals) -> None:
    """However a server ends, no program, map, filter, qdisc or pin is left, and the next one serves at once."""
    before = attached(lab)
    server = Turnpike(lab, variant)
    ours = objects_of(lab, server.process.pid)
    complaints = server.attach_complaints() + relays(lab)
    if variant.in_kernel and not ours.programs:
        complaints.append("no program is attached")
    status = server.stop(how)
    if how != signal.SIGKILL and status:
        complaints.append(f"ended with status {status}")
    again = Turnpike(lab, variant)
    complaints += [f"after the next start: {each}" for each in relays(lab)]
    both = objects_of(lab, again.process.pid)
    again.stop(how)
    check(complaints + leftovers(lab, before, Objects(ours.programs | both.programs, ours.maps | both.maps)))


def kill_with_children(server: Turnpike) -> None:
    """As systemd does with a service and the OOM killer with a cgroup: no child has time to clean up."""
    children = proc.descendants(server.process.pid)
    for pid in (server.process.pid, *children):
        os.kill(pid, signal.SIGSTOP)
    assert proc.wait_until(server.process.is_paused, 5)
    for child in reversed(children):  # the kernel closes what the helper has, once no guardian can see it
        os.kill(child, signal.SIGKILL)
    server.process.stop(signal.SIGKILL)


@pytest.mark.parametrize("variant", VARIANTS)
def test_killed_with_children(lab: Lab, variant: Variant) -> None:
    """A server removes the filters that remain when another and its children are killed at once. It does so in every
    mode, and without CAP_SYS_ADMIN, as in the systemd unit: then the programs of others have no names."""
    before = attached(lab)
    server = Turnpike(lab, BY_NAME["clsact"], options=AS_ROOT)
    complaints = relays(lab)
    kill_with_children(server)
    if attached(lab) == before:
        complaints.append("nothing is left of the killed server")
    again = Turnpike(lab, variant, without_capabilities(REQUIRED, 0), AS_ROOT)
    complaints += again.attach_complaints() + [f"after the next start: {each}" for each in relays(lab)]
    kernel, user = again.relayed()
    if bool(kernel) != variant.in_kernel:
        complaints.append(f"{kernel} packets were relayed in the kernel, {user} in user space")
    complaints += again.stop_complaints()
    check(complaints + leftovers(lab, before, NOTHING))


@pytest.mark.parametrize("variant", VARIANTS)
def test_guardian_killed_halfway(lab: Lab, variant: Variant) -> None:
    """The next server removes the qdisc of a guardian that was killed when it had just removed its filter."""
    before = attached(lab)
    server = Turnpike(lab, BY_NAME["clsact"], options=AS_ROOT)
    kill_with_children(server)
    for hook in ("ingress", "egress"):
        lab.run("relay", ["tc", "filter", "del", "dev", "nic0", hook])
    assert "clsact" in attached(lab)["qdiscs"]
    again = Turnpike(lab, variant, without_capabilities(REQUIRED, 0), AS_ROOT)
    complaints = again.attach_complaints() + relays(lab) + again.stop_complaints()
    check(complaints + leftovers(lab, before, NOTHING))


def test_foreign_qdisc(lab: Lab) -> None:
    """A relay that is killed with its children, and the next one, leave a qdisc that was there before."""
    device = lab.devices("relay")[0]
    lab.run("relay", ["tc", "qdisc", "add", "dev", device, "clsact"])
    before = attached(lab)
    kill_with_children(Turnpike(lab, BY_NAME["clsact"], options=AS_ROOT))
    again = Turnpike(lab, BY_NAME["clsact"], options=AS_ROOT)
    complaints = relays(lab) + again.stop_complaints() + leftovers(lab, before, NOTHING)
    lab.run("relay", ["tc", "qdisc", "del", "dev", device, "clsact"])
    check(complaints)


# Marks of guardians.

NOBODY = 65534
# Binds whatever abstract names a relay might use, and tries to get at its lock files.
SQUATTER = """
import os, socket, sys, time
kept = []
for index in range(1, 20):
    for what in ("clsact-ingress", "clsact-egress", "made-qdisc-ingress", "made-qdisc-egress", "xdp", "dispatched"):
        kept.append(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        kept[-1].bind(f"\\0turnpike-{what}-{index}".ljust(108, "\\0"))  # the whole of sun_path
try:
    os.listdir("/run/turnpike/locks.0")
except PermissionError:
    print("bound", flush=True)
time.sleep(1000)
"""


def squat(lab: Lab) -> None:
    Turnpike(lab, BY_NAME["clsact"]).stop()  # makes the directory
    program = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", sys.executable, "-c", SQUATTER]
    lab.start("relay", program).wait_for("bound")


def test_squatted_names(lab: Lab) -> None:
    """Another user can neither keep a relay from attaching by clsact, nor from removing what a killed one has left."""
    before = attached(lab)
    squat(lab)
    server = Turnpike(lab, BY_NAME["clsact"], options=AS_ROOT)
    complaints = server.attach_complaints() + relays(lab)
    kill_with_children(server)
    if attached(lab) == before:
        complaints.append("nothing is left of the killed server")
    again = Turnpike(lab, BY_NAME["clsact"], without_capabilities(REQUIRED, 0), AS_ROOT)
    complaints += again.attach_complaints() + [f"after the next start: {each}" for each in relays(lab)]
    complaints += again.stop_complaints()
    check(complaints + leftovers(lab, before, NOTHING))


# With a /run of its own, as in another container.
OTHER_RUN = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /run && exec "$@"', "sh")


def test_other_run(lab: Lab) -> None:
    """A relay in another container on the same device cannot see the lock of this one. It leaves its filters alone, but
    removes those of a dead one."""
    before = attached(lab)
    server = Turnpike(lab, BY_NAME["clsact"])
    command = Turnpike.command(lab, BY_NAME["clsact"], lab.scratch / "other.sock")
    other = [word.replace(f":{PORT}", f":{PORT + 1}") for word in command]
    result = lab.run("relay", [*OTHER_RUN, *other, "--relay-ports", "40000-40100"], check=False)
    complaints = server.attach_complaints() + relays(lab)
    if result.returncode != 1 or "nic0" not in result.stderr:
        complaints.append(f"the other one ended with status {result.returncode}: {result.stderr}")
    kill_with_children(server)
    again = Turnpike(lab, BY_NAME["clsact"], OTHER_RUN)
    complaints += again.attach_complaints() + [f"after the next start: {each}" for each in relays(lab)]
    complaints += again.stop_complaints()
    check(complaints + leftovers(lab, before, NOTHING))


@pytest.mark.parametrize("variant", VARIANTS)
def test_interrupted_start(lab: Lab, variant: Variant) -> None:
    """A server that is interrupted while it starts leaves nothing."""
    complaints = []
    for delay in (0.002, 0.01, 0.02, 0.04, 0.08, 0.16):
        before = attached(lab)
        process = lab.start("relay", Turnpike.command(lab, variant, lab.scratch / "control.sock"))
        time.sleep(delay)
        process.stop(signal.SIGINT)
        complaints += [f"after {delay} s: {each}" for each in leftovers(lab, before, NOTHING)]
    check(complaints)


def test_mode_changes(lab: Lab) -> None:
    """Through every mode and back, the flows of an allocation are kept and used."""
    complaints = []
    ways = [variant for variant in VARIANTS if variant.name != "clsact"]  # the command does not choose between hooks
    server = Turnpike(lab, ways[0])
    with echo_peer(lab, 4) as peer, udp_socket(lab, "client", 4) as sock:
        client = turn.Client(sock, (lab.topology.listen.address(4), PORT), USER, PASSWORD)
        client.allocate(4)
        client.bind(CHANNEL, peer.address)
        flows = len(server.flows())
        for variant in [*ways[1:], *ways[::-1]]:
            server.change_mode(variant)
            found = relayed_there(server, [client]) + server.attach_complaints()
            if len(server.flows()) != flows:
                found.append(f"{len(server.flows())} flows of {flows} are left")
            complaints += [f"after the change to {variant.name}: {each}" for each in found]
    server.stop()
    check(complaints)


def test_modes_without_bpf(lab: Lab) -> None:
    """A server that has no access to the kernel says so to those who want a kernel mode, and not to others."""
    server = Turnpike(lab, WITHOUT_BPF)
    assert "devices" in server.order(command="mode", mode="userspace")
    assert "devices" in server.order(command="mode", mode="userspace", dev="nic0")
    assert "error" in server.order(command="mode", mode="userspace", dev="nonesuch")
    for mode in ("xdp-native", "tc", "auto"):
        error = server.order(command="mode", mode=mode)["error"]
        assert "CAP_BPF" in error or "permi" in error, error
    check(server.stop_complaints())


# Refusing.

@dataclass(frozen=True)
class Refusal:
    """A command line, by what it adds to the ordinary one of a variant, or alone; and the status it must end with."""

    status: int
    options: Sequence[str] = ()
    variant: str = "userspace"
    wrapper: Sequence[str] = ()
    alone: bool = False


REFUSALS = {
    "unknown option": Refusal(2, ["--frobnicate"]),
    "unknown command": Refusal(2, ["frobnicate"], alone=True),
    "unknown mode": Refusal(2, ["--mode", "turbo"]),
    "unknown moves": Refusal(2, ["--moves", "sideways"]),
    "tail with tc": Refusal(2, ["--moves", "tail"], variant="tcx"),
    "tail with tc, one device": Refusal(2, ["--dev", "nic0=tc/tail"]),
    "unknown mode of a device": Refusal(2, ["--dev", "nic0=turbo"]),
    "backoff upside down": Refusal(2, ["--backoff", "600-10"]),
    "no workers": Refusal(2, ["--workers", "0"]),
    "demotion beyond all": Refusal(2, ["--demote-percent", "101"]),
    "no address": Refusal(2, ["--listen", "300.1.1.1:3478"]),
    "no port": Refusal(2, ["--listen", "10.77.1.1:99999"]),
    "user without a password": Refusal(2, ["--user", "bob"]),
    "ports upside down": Refusal(2, ["--relay-ports", "60000-50000"]),
    "no network": Refusal(2, ["--allow-peer", "10.77.0.0/99"]),
    "multicast address": Refusal(2, ["--listen", "224.0.0.1:3478"]),
    "IPv6 without brackets": Refusal(2, ["--listen", "fd77::1:3478"]),
    "loopback as public address": Refusal(2, ["--external-ip", "127.0.0.1/10.77.3.1"]),
    "unknown device": Refusal(1, ["--dev", "nonesuch0"], variant="native-head"),
    "native on lo": Refusal(1, ["--dev", "lo"], variant="native-head"),
    "no such configuration": Refusal(1, ["--config", "/nonexistent/turnpike.conf"]),
    "status of nobody": Refusal(1, ["status", "--control", "/nonexistent/control.sock"], alone=True),
    "native without capabilities": Refusal(1, variant="native-head", wrapper=WITHOUT_CAPABILITIES),
    "generic without capabilities": Refusal(1, variant="generic-head", wrapper=WITHOUT_CAPABILITIES),
    "tc without capabilities": Refusal(1, variant="tcx", wrapper=WITHOUT_CAPABILITIES),
}


def refusal_complaints(lab: Lab, refusal: Refusal) -> Complaints:
    before = attached(lab)
    command = [str(BINARY)] if refusal.alone else Turnpike.command(lab, BY_NAME[refusal.variant],
                                                                   lab.scratch / "refused.sock")
    try:
        result = lab.run("relay", [*refusal.wrapper, *command, *refusal.options], check=False, timeout=5)
    except subprocess.TimeoutExpired:
        return ["did not end by itself"] + leftovers(lab, before, NOTHING)
    complaints = [] if result.returncode == refusal.status else [f"status {result.returncode}, not {refusal.status}"]
    # "Try `turnpike --help'", which argp adds by itself, is no sentence of ours; nor are warnings why it is refused.
    sentences = [line for line in result.stderr.splitlines()
                 if line.strip() and not line.startswith(("Try ", "turnpike: warning: "))]
    if len(sentences) != 1:
        complaints.append(f"{len(sentences)} lines on stderr instead of one: {sentences}")
    return complaints + leftovers(lab, before, NOTHING)


@pytest.mark.parametrize("what", REFUSALS)
def test_refusal(lab: Lab, what: str) -> None:
    """A server that cannot do what it is asked for says so in one sentence, has the right status, attaches nothing."""
    check(refusal_complaints(lab, REFUSALS[what]))


# Those who were there first.

def test_foreign_program(lab: Lab) -> None:
    """Another owner's XDP program is neither replaced nor removed."""
    device = lab.devices("relay")[0]
    attach = ["ip", "link", "set", "dev", device]
    lab.run("relay", [*attach, "xdpdrv", "obj", str(lab.scratch / "pass.o"), "sec", "xdp"])
    try:
        check(refusal_complaints(lab, Refusal(1, variant="native-head")))
    finally:
        lab.run("relay", [*attach, "xdpdrv", "off"])


def test_busy_port(lab: Lab) -> None:
    """A server whose port is taken does not start."""
    with lab.entered("relay"), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((lab.topology.listen.address(4), PORT))
        check(refusal_complaints(lab, Refusal(1, variant="native-head")))


@pytest.mark.parametrize("variant", [variant for variant in VARIANTS if variant.moves != "tail"])
def test_second_server(lab: Lab, variant: Variant) -> None:
    """A second server gives up, and the first one goes on undisturbed."""
    first = Turnpike(lab, variant)
    complaints = refusal_complaints(lab, Refusal(1, variant=variant.name)) + first.attach_complaints() + relays(lab)
    first.stop()
    check(complaints)


def test_mode_a_device(lab: Lab) -> None:
    """--dev gives a device a mode of its own; the other devices have that of --mode."""
    ways = {"nic0": "tc", "nic1": "xdp-generic/tail"}
    options = [word for device, way in ways.items() for word in ("--dev", f"{device}={way}")]
    server = Turnpike(lab, BY_NAME["userspace"], options=options)
    found = {device["dev"]: device["mode"] + ("/tail" if device["moves"] == "tail" else "")
             for device in server.ask("status")["devices"]}
    complaints = relays(lab) + ([] if found == ways else [f"the modes are {found}"])
    server.stop()
    check(complaints)


def test_auto_without_capabilities(lab: Lab) -> None:
    """Without capabilities, auto serves in user space."""
    server = Turnpike(lab, AUTO, wrapper=WITHOUT_CAPABILITIES)
    modes = {device["mode"] for device in server.ask("status")["devices"]}
    complaints = relays(lab) + ([] if modes <= {"userspace"} else [f"modes {modes}"])
    server.stop()
    check(complaints)


def test_auto(lab: Lab) -> None:
    """On a veth, auto chooses a kernel mode, and gives a reason."""
    server = Turnpike(lab, AUTO)
    complaints = [f"{device['dev']}: {device['mode']} because '{device['why']}'"
                  for device in server.ask("status")["devices"] if device["mode"] == "userspace" or not device["why"]]
    complaints += relays(lab)
    server.stop()
    check(complaints)


def without_uptime(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if key != "uptime"}


def test_commands(lab: Lab) -> None:
    """With -j, the commands print what the server answers."""
    server = Turnpike(lab, BY_NAME["tcx"])
    with echo_peer(lab, 4) as peer:
        client = turn_client(lab, "client", 4, 4)
        client.bind(CHANNEL, peer.address)
        complaints = [f"{command} -j prints {server.cli(command, '-j')}, and the answer is {server.ask(command)}"
                      for command in ("status", "stats", "flows")
                      if not proc.wait_until(lambda: without_uptime(json.loads(server.cli(command, "-j"))) ==
                                             without_uptime(server.ask(command)), 3)]
        client.refresh(0)
        client.socket.close()
    server.stop()
    check(complaints)

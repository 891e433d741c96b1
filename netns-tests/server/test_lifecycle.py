#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Starting, stopping, failing to start, and being killed: nothing of ours stays behind, and what was there stays.

    client ----- relay ----- peer

    stop      each mode ended by SIGTERM, SIGINT and SIGKILL: no program, map, filter, qdisc or pin is left, and the
              next start serves at once
    starting  SIGINT while it starts
    modes     every mode in turn under a running allocation, whose flows stay
    refusals  what cannot be had is one sentence on stderr and the right exit status, with nothing attached
    others    a program, a port or a relay that was there first is left alone; without capabilities auto still serves

With --only TEXT, only the tests with TEXT in their names.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import scenes
from lab import proc, turn
from lab.complaints import Complaints
from lab.endpoints import echo_peer, turn_client, udp_socket
from lab.lab import Lab
from lab.relay import AUTO, BINARY, BY_NAME, PASSWORD, PORT, USER, VARIANTS, WITHOUT_CAPABILITIES, Turnpike, Variant
from lab.topology import FAMILIES

CHANNEL = 0x4001
BPFFS = Path("/sys/fs/bpf")


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
    """All that a process holds open, and the maps that its programs use."""
    found: dict[str, set[int]] = {"prog_id": set(), "map_id": set()}
    for path in Path(f"/proc/{pid}/fdinfo").iterdir():
        for line in path.read_text().splitlines():
            name, _, value = line.partition(":")
            if name in found:
                found[name].add(int(value))
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


# Does it relay?

def relays(lab: Lab) -> Complaints:
    """One payload there and back, for each family."""
    complaints = []
    for family in FAMILIES:
        with echo_peer(lab, family) as peer, udp_socket(lab, "client", family) as sock:
            client = turn.Client(sock, (lab.topology.listen.address(family), PORT), USER, PASSWORD)
            try:
                client.allocate(family)
                client.bind(CHANNEL, peer.address)
                sock.send(turn.channel_data(CHANNEL, b"hello"))
                answer = client.receive(1)
                client.refresh(0)
            except (turn.TurnError, TimeoutError, OSError) as error:
                complaints.append(f"IPv{family} is not relayed: {error}")
                continue
            if answer != turn.channel_data(CHANNEL, b"hello"):
                complaints.append(f"IPv{family} came back as {answer!r}")
    return complaints


# Stopping.

def stop_and_start_again(lab: Lab, variant: Variant, how: signal.Signals) -> Complaints:
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
    return complaints + leftovers(lab, before, Objects(ours.programs | both.programs, ours.maps | both.maps))


def interrupted_start(lab: Lab, variant: Variant) -> Complaints:
    complaints = []
    for delay in (0.002, 0.01, 0.02, 0.04, 0.08, 0.16):
        before = attached(lab)
        process = lab.start("relay", Turnpike.command(lab, variant, lab.scratch / "control.sock"))
        time.sleep(delay)
        process.stop(signal.SIGINT)
        complaints += [f"after {delay} s: {each}" for each in leftovers(lab, before, NOTHING)]
    return complaints


def mode_changes(lab: Lab) -> Complaints:
    """Through every mode and back, with the flows of one allocation kept and used."""
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
            answers = []
            for _ in range(5):  # the first may find a neighbour not resolved
                sock.send(turn.channel_data(CHANNEL, b"hello"))
                answers.append(client.receive(1))
            kernel_before, _ = server.relayed()
            sock.send(turn.channel_data(CHANNEL, b"hello"))
            answers.append(client.receive(1))
            kernel = server.relayed()[0] - kernel_before
            found = server.attach_complaints()
            if answers != [turn.channel_data(CHANNEL, b"hello")] * len(answers):
                found.append(f"the answers were {answers}")
            if kernel != (2 if variant.in_kernel else 0):
                found.append(f"{kernel} packets of 2 were relayed in the kernel")
            if len(server.flows()) != flows:
                found.append(f"{len(server.flows())} flows of {flows} are left")
            complaints += [f"after the change to {variant.name}: {each}" for each in found]
    server.stop()
    return complaints


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
    "somebody else's address": Refusal(1, ["--listen", "10.77.9.9:3478"]),
    "unknown device": Refusal(1, ["--dev", "nonesuch0"], variant="native-head"),
    "native on lo": Refusal(1, ["--dev", "lo"], variant="native-head"),
    "no such configuration": Refusal(1, ["--config", "/nonexistent/turnpike.conf"]),
    "status of nobody": Refusal(1, ["status", "--control", "/nonexistent/control.sock"], alone=True),
    "native without capabilities": Refusal(1, variant="native-head", wrapper=WITHOUT_CAPABILITIES),
    "generic without capabilities": Refusal(1, variant="generic-head", wrapper=WITHOUT_CAPABILITIES),
    "tc without capabilities": Refusal(1, variant="tcx", wrapper=WITHOUT_CAPABILITIES),
}


def refused(lab: Lab, refusal: Refusal) -> Complaints:
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


# Those who were there first.

def foreign_program(lab: Lab) -> Complaints:
    """A program of somebody else's is neither replaced nor removed."""
    device = lab.devices("relay")[0]
    attach = ["ip", "link", "set", "dev", device]
    lab.run("relay", [*attach, "xdpdrv", "obj", str(lab.scratch / "pass.o"), "sec", "xdp"])
    try:
        return refused(lab, Refusal(1, variant="native-head"))
    finally:
        lab.run("relay", [*attach, "xdpdrv", "off"])


def busy_port(lab: Lab) -> Complaints:
    with lab.entered("relay"), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((lab.topology.listen.address(4), PORT))
        return refused(lab, Refusal(1, variant="native-head"))


def second_server(lab: Lab, variant: Variant) -> Complaints:
    """It gives up, and the first goes on as if nothing had been."""
    first = Turnpike(lab, variant)
    complaints = refused(lab, Refusal(1, variant=variant.name)) + first.attach_complaints() + relays(lab)
    first.stop()
    return complaints


def mode_a_device(lab: Lab) -> Complaints:
    """--dev gives a device a mode of its own, and the others that of --mode."""
    ways = {"nic0": "tc", "nic1": "xdp-generic/tail"}
    options = [word for device, way in ways.items() for word in ("--dev", f"{device}={way}")]
    server = Turnpike(lab, BY_NAME["userspace"], options=options)
    found = {device["dev"]: device["mode"] + ("/tail" if device["moves"] == "tail" else "")
             for device in server.ask("status")["devices"]}
    complaints = relays(lab) + ([] if found == ways else [f"the modes are {found}"])
    server.stop()
    return complaints


def auto_without_capabilities(lab: Lab) -> Complaints:
    server = Turnpike(lab, AUTO, wrapper=WITHOUT_CAPABILITIES)
    modes = {device["mode"] for device in server.ask("status")["devices"]}
    complaints = relays(lab) + ([] if modes <= {"userspace"} else [f"modes {modes}"])
    server.stop()
    return complaints


def auto(lab: Lab) -> Complaints:
    """On a veth there is a kernel mode to be had, and the choice has a reason."""
    server = Turnpike(lab, AUTO)
    complaints = [f"{device['dev']}: {device['mode']} because '{device['why']}'"
                  for device in server.ask("status")["devices"] if device["mode"] == "userspace" or not device["why"]]
    complaints += relays(lab)
    server.stop()
    return complaints


def without_uptime(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if key != "uptime"}


def commands(lab: Lab) -> Complaints:
    """With -j they print what the server answers."""
    server = Turnpike(lab, BY_NAME["tcx"])
    with echo_peer(lab, 4) as peer:
        client = turn_client(lab, "client", 4, 4)
        client.bind(CHANNEL, peer.address)
        complaints = [f"{command} -j prints {server.tell(command, '-j')}, and the answer is {server.ask(command)}"
                      for command in ("status", "stats", "flows")
                      if not proc.wait_until(lambda: without_uptime(json.loads(server.tell(command, "-j"))) ==
                                             without_uptime(server.ask(command)), 3)]
        client.refresh(0)
        client.socket.close()
    server.stop()
    return complaints


Test = Callable[[Lab], Complaints]


def tests() -> Iterator[tuple[str, Test]]:
    for variant in VARIANTS:
        for how in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
            yield f"stop/{variant.name}/{how.name}", partial(stop_and_start_again, variant=variant, how=how)
    for variant in VARIANTS:
        yield f"starting/{variant.name}", partial(interrupted_start, variant=variant)
    yield "modes", mode_changes
    for name, refusal in REFUSALS.items():
        yield f"refusals/{name}", partial(refused, refusal=refusal)
    for name in ("native-head", "generic-head", "tcx", "clsact", "userspace"):
        yield f"others/second server/{name}", partial(second_server, variant=BY_NAME[name])
    yield "others/foreign program", foreign_program
    yield "others/busy port", busy_port
    yield "others/commands", commands
    yield "others/auto", auto
    yield "others/mode a device", mode_a_device
    yield "others/auto without capabilities", auto_without_capabilities


if __name__ == "__main__":
    sys.exit(scenes.main("Starting, stopping, failing to start, being killed.", tests(),
                         scenes.tried_in_lab, Lab("two-nic", offload=True)))

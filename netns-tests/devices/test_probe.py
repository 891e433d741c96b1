#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`turnpike probe` and `turnpike pass` on real devices: what they say is sensible, and probe leaves all as it was.

    here                            there
      nic0 ------------------------ far0        a veth
      br0 - port0 ----- port1                   a bridge, one of its ports, and that one's other end
      tap0, tun0, lo

A remedy that is printed is also run, and must be one.
"""

from __future__ import annotations

import json
import secrets
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import scenes
from lab import proc
from lab.complaints import Complaints
from lab.lab import PASS_PROGRAM
from lab.relay import AUTO, BINARY, BY_NAME, VARIANTS, WITHOUT_CAPABILITIES, Variant

Json = dict[str, Any]
ETHERNET = {"nic0", "br0", "port0", "port1", "tap0"}
SERVER = "10.77.9.1"
MODES = ("xdp-native", "tc", "xdp-generic")


class Devices(proc.Undone):
    """with Devices() as devices: ..."""

    def __init__(self) -> None:
        super().__init__()
        self._prefix = f"tpp{secrets.token_hex(4)}"
        self._started: list[proc.Process] = []

    def _set_up(self) -> None:
        self._scratch = Path(self._undo.enter_context(tempfile.TemporaryDirectory(prefix="turnpike-probe-")))
        for role in ("here", "there"):
            self._undo.callback(proc.run, ["ip", "netns", "del", self._namespace(role)], check=False)
            proc.run(["ip", "netns", "add", self._namespace(role)])
        self.run("here", ["ip", "link", "add", "nic0", "type", "veth", "peer", "name", "far0",
                          "netns", self._namespace("there")])
        for line in ("link add port0 type veth peer name port1", "link add br0 type bridge",
                     "link set port0 master br0", "tuntap add tap0 mode tap", "tuntap add tun0 mode tun"):
            self.run("here", ["ip", *line.split()])
        for role, names in (("here", ("nic0", "br0", "port0", "port1", "lo")), ("there", ("far0",))):
            for name in names:
                self.run(role, ["ip", "link", "set", name, "up"])
        if not proc.wait_until(self._links_are_up, 5):
            raise proc.LabError("the links did not come up")
        self._undo.callback(self.stop_processes)  # the first thing to happen at the end

    def _links_are_up(self) -> bool:
        return all(link["operstate"] == "UP"
                   for role, names in (("here", ("nic0", "br0", "port0", "port1")), ("there", ("far0",)))
                   for name in names
                   for link in json.loads(self.run(role, ["ip", "-json", "link", "show", name]).stdout))

    def _namespace(self, role: str) -> str:
        return f"{self._prefix}-{role}"

    def run(self, role: str, argv: Sequence[str], *, check: bool = True) -> subprocess.CompletedProcess[str]:
        return proc.run(proc.in_namespace(self._namespace(role), argv), check=check)

    def turnpike(self, role: str, *words: str, wrapper: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
        return self.run(role, [*wrapper, str(BINARY), *words], check=False)

    def probe(self, role: str, *words: str, wrapper: Sequence[str] = ()) -> list[Json]:
        result = self.turnpike(role, "probe", "-j", *words, wrapper=wrapper)
        if result.returncode or result.stderr:
            raise proc.LabError(f"probe {' '.join(words)}: status {result.returncode}: {result.stderr}")
        devices: list[Json] = json.loads(result.stdout)["devices"]
        return devices

    def plan(self, device: str, role: str = "here") -> list[Json]:
        plan: list[Json] = self.probe(role, "dev", device)[0]["plan"]
        return plan

    def start_pass(self, role: str, device: str) -> proc.Process:
        log = self._scratch / f"{len(self._started)}.log"
        self._started.append(proc.Process(
            proc.in_namespace(self._namespace(role), [str(BINARY), "pass", "dev", device]), log))
        self._started[-1].wait_for("^ready")
        return self._started[-1]

    def start_relay(self, role: str, variant: Variant) -> None:
        """On nic0."""
        self._started.append(proc.Process(proc.in_namespace(self._namespace(role), [
            str(BINARY), "serve", "--listen", SERVER, "--dev", "nic0", "--user", "alice:secret",
            "--control", self.control, *variant.options()]), self._scratch / f"{len(self._started)}.log"))
        self._started[-1].wait_for(r"\bready\b")

    @property
    def control(self) -> str:
        return str(self._scratch / "control.sock")

    def pass_program(self) -> str:
        return str(proc.compile_bpf(PASS_PROGRAM, self._scratch))

    def run_remedy(self, role: str, remedy: str) -> None:
        words = shlex.split(remedy)
        if words[:3] == ["turnpike", "pass", "dev"]:
            self.start_pass(role, words[3])
        else:
            self.run(role, ["sh", "-c", remedy])

    def stop_processes(self) -> None:
        for process in reversed(self._started):
            process.stop()

    def state(self) -> Json:
        """All that somebody could have changed."""
        state: Json = {}
        for role in ("here", "there"):
            links = json.loads(self.run(role, ["ip", "-json", "-details", "link", "show"]).stdout)
            for link in links:
                link.pop("linkinfo", None)  # a bridge's has running timers
                state.update({f"{key} of {link['ifname']}": value for key, value in link.items()})
                state[f"features of {link['ifname']}"] = self.run(role, ["ethtool", "-k", link["ifname"]]).stdout
            state[f"qdiscs {role}"] = self.run(role, ["tc", "qdisc", "show"]).stdout
            state[f"programs {role}"] = self.run(role, ["bpftool", "-j", "net", "show"]).stdout
        return state


def native(plan: list[Json], moves: str = "head") -> Json:
    return next(each for each in plan if each["mode"] == "xdp-native" and each["moves"] == moves)


def expect(what: str, row: Json, **wanted: str) -> Complaints:
    """Outlook to be equal; of reason and remedy, a part. An empty remedy means none."""
    return [f"{what}: {key} is '{row[key]}', without '{value}'" for key, value in wanted.items()
            if (value not in row[key] or not value and row[key] if key != "outlook" else value != row[key])]


def complaints_of_plan(device: Json) -> Complaints:
    """What every plan must be like."""
    plan, name = device["plan"], device["dev"]
    complaints = [f"{name}: no reason for {row['mode']}" for row in plan if not row["reason"]]
    complaints += [f"{name}: {mode} is missing" for mode in (*MODES, "userspace")
                   if mode not in {row["mode"] for row in plan}]
    if plan[0]["outlook"] == "rejected":
        complaints.append(f"{name}: the first choice is rejected")
    user_space = next(number for number, row in enumerate(plan) if row["mode"] == "userspace")
    return complaints + [f"{name}: {row['mode']} is rejected, but above user space" for row in plan[:user_space]
                         if row["outlook"] == "rejected"]


# Devices.

def all_devices(devices: Devices) -> Complaints:
    found = devices.probe("here")
    complaints = [each for device in found for each in complaints_of_plan(device)]
    names = {device["dev"] for device in found}
    return complaints + ([] if names == ETHERNET else [f"these are told of: {sorted(names)}"])


def forms(devices: Devices) -> Complaints:
    """All ways to ask are the same; names may be several; tables say what JSON says."""
    one, other = devices.probe("here", "dev", "nic0"), devices.probe("here", "nic0")
    complaints = [] if one == other else ["'dev nic0' and 'nic0' differ"]
    several = [each["dev"] for each in devices.probe("here", "dev", "tap0", "dev", "lo", "br0")]
    if several != ["tap0", "lo", "br0"]:
        complaints.append(f"three devices came back as {several}")
    table = devices.turnpike("here", "probe", "nic0").stdout
    plan = one[0]["plan"]
    complaints += [f"'{text}' is not in the table" for row in plan for text in (row["reason"], row["remedy"])
                   if text not in table]
    if not any(line.startswith("*") and plan[0]["mode"] in line for line in table.splitlines()):
        complaints.append("the first choice has no mark")
    return complaints


def refusals(devices: Devices) -> Complaints:
    complaints = []
    for status, words in ((1, ["probe", "nonesuch"]), (2, ["probe", "dev"]), (2, ["probe", "--frobnicate"]),
                          (1, ["pass", "dev", "nonesuch"]), (1, ["pass", "if999"]), (2, ["pass"]),
                          (2, ["pass", "dev", "nic0", "br0"]), (1, ["pass", "dev", "br0"])):
        result = devices.turnpike("here", *words)
        lines = [line for line in result.stderr.splitlines() if line.strip() and not line.startswith("Try ")]
        if result.returncode != status or len(lines) != 1:
            complaints.append(f"{words}: status {result.returncode}, not {status}: {lines}")
    return complaints


def no_ethernet(devices: Devices) -> Complaints:
    complaints = []
    for name, reason in (("lo", "this machine"), ("tun0", "no Ethernet header")):
        plan = devices.plan(name)
        if plan[0]["mode"] != "userspace":
            complaints.append(f"{name}: the first choice is {plan[0]['mode']}")
        for row in plan[1:]:
            complaints += expect(name, row, outlook="rejected", reason=reason, remedy="")
    return complaints


def tap(devices: Devices) -> Complaints:
    plan = devices.plan("tap0")
    return (expect("tap0", plan[0], mode="xdp-native", moves="head", outlook="usable", reason="320 bytes") +
            expect("tap0", native(plan, "tail"), outlook="doubtful", reason="0 to 63"))


def bridge(devices: Devices) -> Complaints:
    plan = devices.plan("br0")
    complaints = expect("br0", plan[0], mode="tc", outlook="usable")
    complaints += expect("br0", native(plan), outlook="rejected", reason="bridge has no native XDP")
    members = [each["dev"] for each in devices.probe("here", "br0")[0]["related"] if each["relation"] == "member"]
    if members != ["port0"]:
        complaints.append(f"its members are {members}")
    for row in devices.plan("port0")[1:]:
        complaints += expect("port0", row, outlook="rejected", reason="br0", remedy="turnpike probe dev br0")
    return complaints


# Both ends of a veth.

def veth(devices: Devices) -> Complaints:
    """Without a program at the other end there is a remedy, and with it native XDP is the first choice."""
    complaints = expect("bare", devices.plan("nic0")[0], mode="tc")
    row = native(devices.plan("nic0"))
    complaints += expect("bare", row, outlook="rejected", reason="far0 in another namespace",
                         remedy="turnpike pass dev far0")
    devices.run_remedy("there", row["remedy"])
    complaints += expect("remedied", devices.plan("nic0")[0], mode="xdp-native", moves="head", outlook="usable",
                         reason="256 bytes")
    devices.stop_processes()
    return complaints + expect("bare again", native(devices.plan("nic0")), outlook="rejected")


def veth_same_namespace(devices: Devices) -> Complaints:
    row = native(devices.plan("port1"))
    return expect("port1", row, outlook="rejected", reason="port0, has no", remedy="turnpike pass dev port0")


def veth_mtu(devices: Devices) -> Complaints:
    devices.start_pass("there", "far0")
    devices.run("there", ["ip", "link", "set", "far0", "mtu", "9000"])
    try:
        row = native(devices.plan("nic0"))
        complaints = expect("large", row, outlook="rejected", reason="peer is 9000", remedy="set dev far0 mtu 3506")
        devices.run_remedy("there", row["remedy"])
        return complaints + expect("remedied", native(devices.plan("nic0")), outlook="usable")
    finally:
        devices.run("there", ["ip", "link", "set", "far0", "mtu", "1500"])


def veth_unseen(devices: Devices) -> Complaints:
    """Nobody may look into the other end's namespace, and without rights nothing can be loaded."""
    device = devices.probe("here", "nic0", wrapper=WITHOUT_CAPABILITIES)[0]
    complaints = [] if device["plan"][0]["mode"] == "userspace" else ["the first choice is not user space"]
    for row in device["plan"][1:]:
        complaints += expect("no rights", row, outlook="rejected", reason="run as root")
    peer = device["related"][0]
    if peer["dev"] or not peer["ifindex"] or not peer["elsewhere"]:
        complaints.append(f"the peer is told as {peer}")
    return complaints


# Somebody else's programs.

def owner_by_link(devices: Devices) -> Complaints:
    process = devices.start_pass("here", "nic0")
    device = devices.probe("here", "nic0")[0]
    program = device["programs"][0]
    complaints = []
    if program["name"] != "pass" or not program["id"] or not program["link_id"] or program["mode"] != "xdp-native":
        complaints.append(f"the program is told as {program}")
    for row in device["plan"]:
        if row["hook"] == "xdp":
            complaints += expect(row["mode"], row, outlook="rejected", reason=f"program {program['id']} 'pass'",
                                 remedy=f"bpftool link detach id {program['link_id']}")
    devices.run("here", ["bpftool", "link", "detach", "id", str(program["link_id"])])
    if devices.probe("here", "nic0")[0]["programs"]:
        complaints.append("the remedy does not help")
    process.stop()
    return complaints


def owner_without_link(devices: Devices) -> Complaints:
    devices.run("here", ["ip", "link", "set", "dev", "br0", "xdpgeneric", "obj", devices.pass_program(), "sec", "xdp"])
    row = next(row for row in devices.plan("br0") if row["mode"] == "xdp-generic")
    complaints = expect("br0", row, outlook="rejected", reason="'pass'", remedy="ip link set dev br0 xdpgeneric off")
    devices.run_remedy("here", row["remedy"])
    row = next(row for row in devices.plan("br0") if row["mode"] == "xdp-generic")
    return complaints + expect("br0 remedied", row, outlook="usable")


def filter_of_others(devices: Devices) -> Complaints:
    devices.run("here", ["tc", "qdisc", "add", "dev", "br0", "clsact"])
    try:
        devices.run("here", ["tc", "filter", "add", "dev", "br0", "ingress", "bpf", "direct-action",
                             "obj", devices.pass_program(), "sec", "xdp"])
        device = devices.probe("here", "br0")[0]
        row = next(row for row in device["plan"] if row["hook"] == "clsact")
        complaints = expect("clsact", row, outlook="usable", reason="of somebody else stays")
        if [(each["hook"], bool(each["id"])) for each in device["programs"]] != [("clsact", True)]:
            complaints.append(f"it is told as {device['programs']}")
        return complaints + expect("first", device["plan"][0], mode="tc")
    finally:
        devices.run("here", ["tc", "qdisc", "del", "dev", "br0", "clsact"])


# What a relay has proven.

def proven(devices: Devices, variant: Variant) -> Complaints:
    """It is told of the device that a relay has attached, and of no other, nor is anything changed by that."""
    devices.run("here", ["ip", "addr", "add", f"{SERVER}/24", "dev", "nic0"])
    devices.start_pass("there", "far0")
    try:
        devices.start_relay("here", variant)
        told = json.loads(devices.turnpike("here", "status", "-j", "--control", devices.control).stdout)["devices"][0]
        in_kernel = variant.mode != "userspace"
        before = devices.state()
        nic0, br0 = devices.probe("here", "nic0", "br0", "--control", devices.control)
        table = devices.turnpike("here", "probe", "nic0", "--control", devices.control).stdout
        complaints = [] if devices.state() == before else ["something has changed"]
        if in_kernel and nic0["relay"] != told:
            complaints.append(f"of nic0 {nic0['relay']} is told, not {told}")
        if br0["relay"] or (nic0["relay"] and not in_kernel):
            complaints.append("a relay is told of where none has attached anything")
        complaints += [f"'{told[key]}' is not in the table" for key in ("why", "proof")
                       if in_kernel and told[key] not in table]
        return complaints + (["that nothing is proven is in the table"] if "Nothing" in table else [])
    finally:
        devices.run("here", ["ip", "addr", "flush", "dev", "nic0"])


def proven_elsewhere(devices: Devices) -> Complaints:
    """A relay's device of the same name in another network namespace is another one."""
    devices.run("there", ["ip", "link", "add", "nic0", "type", "veth", "peer", "name", "nic9"])
    devices.run("here", ["ip", "addr", "add", f"{SERVER}/24", "dev", "nic0"])
    try:
        devices.start_relay("here", BY_NAME["tcx"])
        here, there = (devices.probe(role, "nic0", "--control", devices.control)[0]["relay"]
                       for role in ("here", "there"))
        complaints = [] if here else ["of the relay's device nothing is told"]
        return complaints + ([f"of the other one {there} is told"] if there else [])
    finally:
        devices.run("here", ["ip", "addr", "flush", "dev", "nic0"])
        devices.run("there", ["ip", "link", "del", "nic0"])


def unproven(devices: Devices) -> Complaints:
    """Where no relay runs that is one line, and no error."""
    result = devices.turnpike("here", "probe", "-j", "nic0", "--control", devices.control)
    document = json.loads(result.stdout)
    complaints = [f"status {result.returncode}: {result.stderr}"] if result.returncode or result.stderr else []
    if document["devices"][0]["relay"] is not None or "no turnpike serves" not in document["unproven"]:
        complaints.append(f"JSON says {document['unproven']}, {document['devices'][0]['relay']}")
    table = devices.turnpike("here", "probe", "--control", devices.control).stdout
    lines = [line for line in table.splitlines() if line.startswith("Nothing of this is proven: no turnpike serves")]
    return complaints + ([] if len(lines) == 1 else [f"the table has {len(lines)} lines about that"])


# The end of pass.

def pass_ends(devices: Devices, how: signal.Signals) -> Complaints:
    process = devices.start_pass("there", "far0")
    attached = devices.probe("there", "far0")[0]["programs"]
    status = process.stop(how)
    complaints = [] if attached else ["nothing was attached"]
    if how != signal.SIGKILL and status:
        complaints.append(f"status {status}")
    gone = proc.wait_until(lambda: not devices.probe("there", "far0")[0]["programs"], 3)
    return complaints + ([] if gone else ["it is still attached"])


def pass_by_index(devices: Devices) -> Complaints:
    index = devices.probe("here", "nic0")[0]["related"][0]["ifindex"]
    devices.start_pass("there", f"if{index}")
    return expect("by index", native(devices.plan("nic0")), outlook="usable")


def pass_twice(devices: Devices) -> Complaints:
    devices.start_pass("there", "far0")
    result = devices.turnpike("there", "pass", "dev", "far0")
    complaints = [] if result.returncode == 1 else [f"status {result.returncode}"]
    if "has an XDP program already" not in result.stderr:
        complaints.append(f"it says '{result.stderr}'")
    return complaints


Test = Callable[[Devices], Complaints]


def tests() -> Iterator[tuple[str, Test]]:
    yield from (("devices/all", all_devices), ("devices/forms", forms), ("devices/refusals", refusals),
                ("devices/no ethernet", no_ethernet), ("devices/tap", tap), ("devices/bridge", bridge),
                ("veth/remedy", veth), ("veth/same namespace", veth_same_namespace), ("veth/mtu", veth_mtu),
                ("veth/unseen", veth_unseen), ("owners/link", owner_by_link), ("owners/no link", owner_without_link),
                ("owners/filter", filter_of_others), ("proven/nothing", unproven),
                ("proven/elsewhere", proven_elsewhere))
    for variant in (AUTO, *VARIANTS):
        yield f"proven/{variant.name}", partial(proven, variant=variant)
    for how in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        yield f"pass/{how.name}", partial(pass_ends, how=how)
    yield from (("pass/by index", pass_by_index), ("pass/twice", pass_twice))


def run(devices: Devices, test: Test) -> Complaints:
    """Afterwards all is as it was before."""
    before = devices.state()
    complaints = scenes.tried(test, devices)
    devices.stop_processes()
    proc.wait_until(lambda: devices.state() == before, 3, step=0.1)
    after = devices.state()
    return complaints + [f"{key} was {before[key]!r}, is {after.get(key)!r}" for key in before
                         if before[key] != after.get(key)]


if __name__ == "__main__":
    sys.exit(scenes.main("turnpike probe and turnpike pass on real devices.", tests(), run, Devices()))

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`turnpike probe` and `turnpike pass` on real devices (probe_lab.py). Remedies that probe prints are run, too."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator

import pytest

from lab import proc
from lab.complaints import Complaints, check
from lab.relay import AUTO, BY_NAME, VARIANTS, WITHOUT_CAPABILITIES, Variant
from probe_lab import ETHERNET, LIMIT, SERVER, Json, ProbeLab

MODES = ("xdp-native", "tc", "xdp-generic")
NOT_VERIFIED = "Not verified by a running server"
REFUSALS = {
    "probe nonesuch": 1, "probe dev": 2, "probe --frobnicate": 2, "pass dev nonesuch": 1, "pass if999": 1, "pass": 2,
    "pass dev nic0 br0": 2, "pass dev br0": 1,
}


@pytest.fixture(scope="module")
def shared_devices() -> Iterator[ProbeLab]:
    with ProbeLab() as lab:
        yield lab


@pytest.fixture
def devices(shared_devices: ProbeLab) -> Iterator[ProbeLab]:
    """For one test. At its end, devices, features, qdiscs and programs must be as before."""
    before = shared_devices.state()
    yield shared_devices
    shared_devices.stop_processes()
    proc.wait_until(lambda: shared_devices.state() == before, LIMIT, step=0.1)
    after = shared_devices.state()
    check([f"{key} was {before[key]!r}, is {after.get(key)!r}" for key in before if before[key] != after.get(key)])


def native(plan: list[Json], moves: str = "head") -> Json:
    return next(each for each in plan if each["mode"] == "xdp-native" and each["moves"] == moves)


def expect(what: str, row: Json, **wanted: str) -> Complaints:
    """Reason and remedy contain the wanted text, and are empty if that is. Other columns equal it."""
    def is_wanted(key: str, value: str) -> bool:
        if key in ("reason", "remedy") and value:
            return value in row[key]
        return bool(row[key] == value)
    return [f"{what}: {key} is '{row[key]}', not '{value}'" for key, value in wanted.items()
            if not is_wanted(key, value)]


# Devices.

def plan_complaints(device: Json) -> Complaints:
    """What every plan must be like."""
    plan, name = device["plan"], device["dev"]
    complaints = [f"{name}: {row['mode']} has no reason" for row in plan if not row["reason"]]
    complaints += [f"{name}: {mode} is missing" for mode in (*MODES, "userspace")
                   if mode not in {row["mode"] for row in plan}]
    if plan[0]["outlook"] == "rejected":
        complaints.append(f"{name}: the first choice is rejected")
    user_space = next(number for number, row in enumerate(plan) if row["mode"] == "userspace")
    return complaints + [f"{name}: {row['mode']} is rejected, but above user space" for row in plan[:user_space]
                         if row["outlook"] == "rejected"]


def test_all_devices(devices: ProbeLab) -> None:
    """Without a name, probe has a plan for each Ethernet device."""
    plans = devices.probe("here")
    complaints = [each for device in plans for each in plan_complaints(device)]
    names = {device["dev"] for device in plans}
    check(complaints + ([] if names == ETHERNET else [f"the devices are {sorted(names)}"]))


def test_forms(devices: ProbeLab) -> None:
    """"dev" before a name is optional, there may be several names, and the table has the text of the JSON document."""
    one, other = devices.probe("here", "dev", "nic0"), devices.probe("here", "nic0")
    complaints = [] if one == other else ["'dev nic0' and 'nic0' differ"]
    several = [each["dev"] for each in devices.probe("here", "dev", "tap0", "dev", "lo", "br0")]
    if several != ["tap0", "lo", "br0"]:
        complaints.append(f"the three devices are {several}")
    table = devices.turnpike("here", "probe", "nic0").stdout
    plan = one[0]["plan"]
    complaints += [f"'{text}' is not in the table" for row in plan for text in (row["reason"], row["remedy"])
                   if text not in table]
    if not any(line.startswith("*") and plan[0]["mode"] in line for line in table.splitlines()):
        complaints.append("the first choice has no mark")
    check(complaints)


@pytest.mark.parametrize("command", REFUSALS)
def test_refusal(devices: ProbeLab, command: str) -> None:
    """A command that cannot be run prints one sentence, and ends with the right status."""
    result = devices.turnpike("here", *command.split())
    lines = [line for line in result.stderr.splitlines() if line.strip() and not line.startswith("Try ")]
    assert (result.returncode, len(lines)) == (REFUSALS[command], 1), lines


@pytest.mark.parametrize("name, reason", [("lo", "this machine"), ("tun0", "no Ethernet header")])
def test_no_ethernet(devices: ProbeLab, name: str, reason: str) -> None:
    """On a device without Ethernet frames, only user space is left."""
    plan = devices.plan(name)
    complaints = expect(name, plan[0], mode="userspace")
    for row in plan[1:]:
        complaints += expect(name, row, outlook="rejected", reason=reason, remedy="")
    check(complaints)


def test_tap(devices: ProbeLab) -> None:
    """On a tap, native XDP has headroom; tailroom depends on the frame."""
    plan = devices.plan("tap0")
    check(expect("tap0", plan[0], mode="xdp-native", moves="head", outlook="usable", reason="320 bytes") +
          expect("tap0", native(plan, "tail"), outlook="doubtful", reason="0 to 63"))


def test_bridge(devices: ProbeLab) -> None:
    """A bridge has no native XDP; frames of its ports belong to the bridge."""
    plan = devices.plan("br0")
    complaints = expect("br0", plan[0], mode="tc", outlook="usable")
    complaints += expect("br0", native(plan), outlook="rejected", reason="bridge has no native XDP")
    members = [each["dev"] for each in devices.probe("here", "br0")[0]["related"] if each["relation"] == "member"]
    if members != ["port0"]:
        complaints.append(f"its members are {members}")
    for row in devices.plan("port0")[1:]:
        complaints += expect("port0", row, outlook="rejected", reason="br0", remedy="turnpike probe dev br0")
    check(complaints)


# Both ends of a veth.

def test_veth(devices: ProbeLab) -> None:
    """Without a program at the other end native XDP is rejected, with a remedy; with one it is the first choice."""
    complaints = expect("no program", devices.plan("nic0")[0], mode="tc")
    row = native(devices.plan("nic0"))
    complaints += expect("no program", row, outlook="rejected", reason="far0 in another namespace",
                         remedy="turnpike pass dev far0")
    devices.run_remedy("there", row["remedy"])
    complaints += expect("after the remedy", devices.plan("nic0")[0], mode="xdp-native", moves="head",
                         outlook="usable", reason="256 bytes")
    devices.stop_processes()
    check(complaints + expect("no program again", native(devices.plan("nic0")), outlook="rejected"))


def test_veth_in_one_namespace(devices: ProbeLab) -> None:
    """The remedy names the other end in this namespace, too."""
    row = native(devices.plan("port1"))
    check(expect("port1", row, outlook="rejected", reason="port0, has no", remedy="turnpike pass dev port0"))


def test_veth_mtu(devices: ProbeLab) -> None:
    """If the other end's MTU is too large for native XDP, the remedy is the largest one that is not."""
    devices.start_pass("there", "far0")
    devices.run("there", ["ip", "link", "set", "far0", "mtu", "9000"])
    try:
        row = native(devices.plan("nic0"))
        complaints = expect("MTU 9000", row, outlook="rejected", reason="peer is 9000", remedy="set dev far0 mtu 3506")
        devices.run_remedy("there", row["remedy"])
        check(complaints + expect("after the remedy", native(devices.plan("nic0")), outlook="usable"))
    finally:
        devices.run("there", ["ip", "link", "set", "far0", "mtu", "1500"])


def test_without_capabilities(devices: ProbeLab) -> None:
    """Without capabilities only user space is left, and the other end in another namespace has no name."""
    device = devices.probe("here", "nic0", wrapper=WITHOUT_CAPABILITIES)[0]
    complaints = expect("first choice", device["plan"][0], mode="userspace")
    for row in device["plan"][1:]:
        complaints += expect(row["mode"], row, outlook="rejected", reason="run as root")
    peer = device["related"][0]
    if peer["dev"] or not peer["ifindex"] or not peer["elsewhere"]:
        complaints.append(f"the other end is {peer}")
    check(complaints)


# Programs of other owners.

def test_foreign_link(devices: ProbeLab) -> None:
    """The XDP hook of another owner's link is taken; the remedy names the link."""
    devices.start_pass("here", "nic0")
    device = devices.probe("here", "nic0")[0]
    program = device["programs"][0]
    complaints: Complaints = []
    if program["name"] != "pass" or not program["id"] or not program["link_id"] or program["mode"] != "xdp-native":
        complaints.append(f"the program is {program}")
    for row in device["plan"]:
        if row["hook"] == "xdp":
            complaints += expect(row["mode"], row, outlook="rejected", reason=f"program {program['id']} 'pass'",
                                 remedy=f"bpftool link detach id {program['link_id']}")
    devices.run("here", ["bpftool", "link", "detach", "id", str(program["link_id"])])
    if devices.probe("here", "nic0")[0]["programs"]:
        complaints.append("the remedy does not help")
    check(complaints)


def test_foreign_program(devices: ProbeLab) -> None:
    """The same for a program without a link; the remedy is ip-link(8)'s."""
    devices.run("here", ["ip", "link", "set", "dev", "br0", "xdpgeneric", "obj", devices.pass_program(), "sec", "xdp"])
    row = next(row for row in devices.plan("br0") if row["mode"] == "xdp-generic")
    complaints = expect("br0", row, outlook="rejected", reason="'pass'", remedy="ip link set dev br0 xdpgeneric off")
    devices.run_remedy("here", row["remedy"])
    row = next(row for row in devices.plan("br0") if row["mode"] == "xdp-generic")
    check(complaints + expect("after the remedy", row, outlook="usable"))


def test_foreign_filter(devices: ProbeLab) -> None:
    """Another owner's TC filter does not prevent ours."""
    devices.run("here", ["tc", "qdisc", "add", "dev", "br0", "clsact"])
    try:
        devices.run("here", ["tc", "filter", "add", "dev", "br0", "ingress", "bpf", "direct-action",
                             "obj", devices.pass_program(), "sec", "xdp"])
        device = devices.probe("here", "br0")[0]
        row = next(row for row in device["plan"] if row["hook"] == "clsact")
        complaints = expect("clsact", row, outlook="usable", reason="is attached, too")
        if [(each["hook"], bool(each["id"])) for each in device["programs"]] != [("clsact", True)]:
            complaints.append(f"the programs are {device['programs']}")
        check(complaints + expect("first choice", device["plan"][0], mode="tc"))
    finally:
        devices.run("here", ["tc", "qdisc", "del", "dev", "br0", "clsact"])


# Proof by a running relay.

@pytest.fixture
def addressed(devices: ProbeLab) -> Iterator[ProbeLab]:
    """nic0 has an address for a relay."""
    devices.run("here", ["ip", "addr", "add", f"{SERVER}/24", "dev", "nic0"])
    yield devices
    devices.run("here", ["ip", "addr", "flush", "dev", "nic0"])


@pytest.mark.parametrize("variant", (AUTO, *VARIANTS))
def test_proof(addressed: ProbeLab, variant: Variant) -> None:
    """probe adds what a running relay has proven about its devices and no others, and changes nothing."""
    devices = addressed
    devices.start_pass("there", "far0")
    devices.start_relay(variant)
    status = devices.turnpike("here", "status", "-j", "--control", devices.control).stdout
    proven = json.loads(status)["devices"][0]
    in_kernel = variant.mode != "userspace"
    before = devices.state()
    nic0, br0 = devices.probe("here", "nic0", "br0", "--control", devices.control)
    table = devices.turnpike("here", "probe", "nic0", "--control", devices.control).stdout
    complaints = [] if devices.state() == before else ["probe has changed something"]
    if nic0["relay"] != (proven if in_kernel else None):
        complaints.append(f"the relay of nic0 is {nic0['relay']}, and its status is {proven}")
    if br0["relay"]:
        complaints.append(f"the relay of br0 is {br0['relay']}")
    complaints += [f"'{proven[key]}' is not in the table" for key in ("why", "proof")
                   if in_kernel and proven[key] not in table]
    check(complaints + (["the table denies the proof"] if NOT_VERIFIED in table else []))


def test_proof_in_another_namespace(addressed: ProbeLab) -> None:
    """A device of the same name in another namespace is not the relay's."""
    devices = addressed
    devices.run("there", ["ip", "link", "add", "nic0", "type", "veth", "peer", "name", "nic9"])
    try:
        devices.start_relay(BY_NAME["tcx"])
        here, there = (devices.probe(role, "nic0", "--control", devices.control)[0]["relay"]
                       for role in ("here", "there"))
        assert here and not there
    finally:
        devices.run("there", ["ip", "link", "del", "nic0"])


def test_no_proof(devices: ProbeLab) -> None:
    """Without a running relay, probe says in one line that nothing is proven. That is no error."""
    result = devices.turnpike("here", "probe", "-j", "nic0", "--control", devices.control)
    document = json.loads(result.stdout)
    complaints = [f"status {result.returncode}: {result.stderr}"] if result.returncode or result.stderr else []
    if document["devices"][0]["relay"] is not None or "no server listens" not in document["unproven"]:
        complaints.append(f"JSON has {document['unproven']}, {document['devices'][0]['relay']}")
    table = devices.turnpike("here", "probe", "--control", devices.control).stdout
    lines = [line for line in table.splitlines() if line.startswith(f"{NOT_VERIFIED}: no server listens")]
    check(complaints + ([] if len(lines) == 1 else [f"the table says so in {len(lines)} lines"]))


# turnpike pass.

@pytest.mark.parametrize("how", (signal.SIGINT, signal.SIGTERM, signal.SIGKILL))
def test_pass_ends(devices: ProbeLab, how: signal.Signals) -> None:
    """However pass ends, its program is detached."""
    process = devices.start_pass("there", "far0")
    assert devices.probe("there", "far0")[0]["programs"]
    status = process.stop(how)
    assert status == 0 or how == signal.SIGKILL
    assert proc.wait_until(lambda: not devices.probe("there", "far0")[0]["programs"], LIMIT)


def test_pass_by_index(devices: ProbeLab) -> None:
    """pass takes "ifN", which probe prints for a device that has no name here."""
    index = devices.probe("here", "nic0")[0]["related"][0]["ifindex"]
    devices.start_pass("there", f"if{index}")
    check(expect("by index", native(devices.plan("nic0")), outlook="usable"))


def test_pass_twice(devices: ProbeLab) -> None:
    """A second pass for a device fails, since the device has a program."""
    devices.start_pass("there", "far0")
    result = devices.turnpike("there", "pass", "dev", "far0")
    assert result.returncode == 1
    assert "already has an XDP program" in result.stderr

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The checks of the matrix of kernels and drivers. test_vm.py has the table of cells.

A check returns a line of numbers, and complaints.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import verifier_table
from lab import ROOT, proc
from lab.endpoints import echo_peer
from lab.flow import Flow
from lab.relay import AUTO, BINARY, Turnpike, Variant
from lab.roundtrip import relays
from lab.topology import FAMILIES
from lab.transfer import transfer
from lab.vm import Vm
from service import Result, Service
from vmlab import DRIVERS, VmLab

BUDGET = 100000  # verified instructions, for each program
# The first that has a program is used; builds with sanitizers last, since emulation is slow enough.
BUILDS = (BINARY.parent.parent, ROOT / "build/release", ROOT / "build/clang", ROOT / "build/dev")
INSIDE_SECONDS = 800
MODEL_PACKETS = 200
SETTLED_SECONDS = 60
VM_PACE = 0.02  # seconds between two messages of a flow
XDP_ATTACHED = {"xdp-native": 1, "xdp-generic": 2}  # enum in linux/if_link.h
# What may be attached, and the commands that list it.
ATTACHMENTS = {
    "XDP": "ip -json -details link show | jq -c '.[] | {ifname, xdp}'",
    "qdiscs": "tc qdisc show",
    "programs": "bpftool -j net show | jq -c '.[] | {xdp, tc}'",
}

Place = tuple[str, str]  # a model of NIC, and a network


class Bench:
    """A virtual machine, the networks of its NICs, and the relay that runs in it."""

    def __init__(self, vm: Vm, labs: dict[Place, VmLab]) -> None:
        self.vm = vm
        self.labs = labs
        self.before = {place: attached(lab) for place, lab in labs.items()}
        self._running: tuple[Place, str] | None = None
        self._server: Turnpike | None = None
        self._service: Service | None = None
        # Count how often each program runs, for witness().
        vm.run(["sh", "-c", "echo 1 >/proc/sys/kernel/bpf_stats_enabled"])

    def server(self, at: Place, variant: Variant) -> Turnpike:
        """The relay of a variant, which is started unless it runs already."""
        if self._server is None or self._running != (at, variant.name):
            self.stop()
            server = Turnpike(self.labs[at], variant)
            self._server, self._running = server, (at, variant.name)
            if variant is AUTO:
                server.variant = found(server)
            # Resolves neighbours, which takes longer than on the host.
            relays(self.labs[at])
        return self._server

    def service(self, at: Place) -> Service:
        """The systemd unit, which is installed for the network of the first call."""
        if self._service is None:
            self.stop()
            self._service = Service(self.vm, self.labs[at])
        return self._service

    def stop(self) -> None:
        server, self._server = self._server, None
        try:
            if server and (status := server.stop()):
                raise proc.LabError(f"{server.variant.name} ended with status {status}:\n{server.process.log()}")
        finally:
            for lab in self.labs.values():
                lab.end_relay()

    @contextlib.contextmanager
    def reporting(self) -> Iterator[None]:
        """If the block fails, pytest shows the log and the counters of the relay."""
        try:
            yield
        except BaseException:
            print(self._server.report() if self._server else "no relay runs")
            raise


def devices(server: Turnpike) -> list[dict[str, Any]]:
    found_devices: list[dict[str, Any]] = server.ask("status")["devices"]
    return found_devices


def found(server: Turnpike) -> Variant:
    """The choice of auto, as a variant."""
    first = devices(server)[0]
    return Variant("auto", first["mode"], first["hook"], first.get("moves") if first["hook"] == "xdp" else None)


# Inside the machine.

def inside(bench: Bench, what: str) -> Result:
    if what == "verify":
        return verify(bench.vm)
    if what == "model":
        return model(bench.vm)
    name, *arguments = what.split("-")
    program = built(name)
    if program is None:
        return "", [f"tests/*/{name} is not built"]
    result = bench.vm.run([str(program), *arguments], check=False, timeout=INSIDE_SECONDS)
    passed = sum(map(int, re.findall(r"^\[  PASSED  \] (\d+) test", result.stdout + result.stderr, re.MULTILINE)))
    compared = "".join(re.findall(r"^\d+ packets compared$", result.stdout, re.MULTILINE))
    complaints = []
    if result.returncode or not passed:
        tail = "\n".join((result.stdout + result.stderr).splitlines()[-40:])
        complaints = [f"{program} ended with status {result.returncode}; its last lines:\n{tail}"]
    return f"{passed} tests of {program.relative_to(program.parents[3])}  {compared}", complaints


def built(name: str) -> Path | None:
    return next((path for build in BUILDS for path in build.glob(f"tests/*/{name}") if path.is_file()), None)


def model(vm: Vm) -> Result:
    """Only a few frames, since Python is slow under emulation; other ones each time."""
    result = vm.run(["/usr/bin/python3", "-m", "pytest", "-q", str(ROOT / "tests/model"),
                     "--packets", str(MODEL_PACKETS), "--feeder", str(built("feeder"))],
                    check=False, timeout=INSIDE_SECONDS)
    lines = (result.stdout + result.stderr).splitlines()
    return lines[-1] if lines else "", ["\n".join(lines)] if result.returncode else []


def verify(vm: Vm) -> Result:
    result = vm.run([str(BINARY), "verify", "-j"], check=False, timeout=INSIDE_SECONDS)
    if result.returncode:
        tail = "\n".join((result.stdout + result.stderr).splitlines()[-40:])
        return "", [f"status {result.returncode}; the last lines:\n{tail}"]
    programs = json.loads(result.stdout)["programs"]
    return "verified instructions, stack " + "  ".join(
        f"{each['mode']}/{each['moves']} {each['verified']}, {each['stack']}" for each in programs), [
        f"{each['program']} for {each['mode']}: {each['verified']} verified instructions"
        for each in programs if not 0 < each["verified"] <= BUDGET] + verifier_table.complaints(programs, vm.release)


# The relay.

def choice(bench: Bench, at: Place, native: bool) -> Result:
    """auto uses native XDP if the driver has it, and otherwise another mode in the kernel."""
    server = bench.server(at, AUTO)
    driver = bench.labs[at].drivers()
    complaints = [] if driver == {DRIVERS[at[0]]} else [f"the driver is {driver}"]
    status = devices(server)
    names = [each["dev"] for each in status]
    if sorted(names) != sorted(bench.labs[at].devices("relay")):
        complaints.append(f"the devices are {names}")
    for each in status:
        if each["mode"] == "userspace" or (each["mode"] == "xdp-native") != native or not each["why"]:
            complaints.append(f"{each['dev']} has {each['mode']} because '{each['why']}'")
    first = status[0]
    return f"{first['mode']}/{first.get('moves')} by {first['hook']}: {first['why']}", complaints


def traffic(bench: Bench, at: Place, variant: Variant, kind: str) -> Result:
    server = bench.server(at, variant)
    return transfer(bench.labs[at], server, kind)


def settled(bench: Bench, at: Place) -> Result:
    """The driver accepts a native program and never runs it. The relay notices, and loses no traffic."""
    server = bench.server(at, AUTO)
    lost: list[str] = []

    def works() -> bool:
        lost.extend(relays(bench.labs[at]))
        return devices(server)[0]["mode"] not in ("xdp-native", "userspace")
    first = server.variant
    if not proc.wait_until(works, SETTLED_SECONDS, step=0.2):
        return "", [*lost, f"after {SETTLED_SECONDS} s the device still has {found(server).mode}"]
    server.variant = found(server)
    numbers, complaints = traffic(bench, at, AUTO, "4to6")
    return f"from {first.mode} to {server.variant.mode}  {numbers}", lost + complaints


def mtu(bench: Bench, at: Place) -> Result:
    """While the MTU is too large for native XDP, TC relays; the traffic goes on."""
    server, lab = bench.server(at, AUTO), bench.labs[at]
    seen = []

    def becomes(mode: str, why: str) -> list[str]:
        if not proc.wait_until(lambda: devices(server)[0]["mode"] == mode, SETTLED_SECONDS, step=0.5):
            return [f"the device has {devices(server)[0]['mode']}, not {mode}: {devices(server)[0]['why']}"]
        reason = devices(server)[0]["why"]
        seen.append(mode)
        complaints = [] if why in reason else [f"the reason is: {reason}"]
        # For another MTU, the stack confirms the flows again.
        return complaints if proc.wait_until(lambda: not server.kernel_complaints(1), 30) else [
            *complaints, *server.kernel_complaints(1)]

    with contextlib.ExitStack() as stack:
        flows = [Flow(lab, family, stack.enter_context(echo_peer(lab, family)).address, VM_PACE) for family in FAMILIES]
        for flow in flows:
            flow.start()
            stack.callback(flow.stop)
        stack.callback(set_mtu, lab, 1500)
        complaints = becomes("xdp-native", "")
        set_mtu(lab, 4000)
        complaints += becomes("tc", "the MTU is 4000")
        set_mtu(lab, 1500)
        complaints += becomes("xdp-native", "")
        if lost := sum(flow.lost_in(1) for flow in flows):
            complaints.append(f"{lost} messages were lost after the last change")
        if len(server.flows()) != 2 * len(flows):
            complaints.append(f"{len(server.flows())} of {2 * len(flows)} flows are left")
        complaints += [each for flow in flows for each in flow.wrong[:3]]
    return " to ".join(seen), complaints


def set_mtu(lab: VmLab, mtu: int) -> None:
    lab.run("relay", ["ip", "link", "set", "dev", lab.devices("relay")[0], "mtu", str(mtu)])


def witness(bench: Bench, at: Place, variant: Variant) -> Result:
    """The kernel confirms the status: how programs are attached, and that they ran for every packet."""
    server = bench.server(at, variant)
    lab = bench.labs[at]
    relayed, _ = server.relayed()
    runs, complaints = 0, []
    for device in devices(server):
        program = json.loads(lab.run("relay", ["bpftool", "-j", "prog", "show", "id", str(device["prog_id"])]).stdout)
        runs += program.get("run_cnt", 0)
        link = json.loads(lab.run("relay", ["ip", "-json", "-details", "link", "show", device["dev"]]).stdout)[0]
        xdp = link.get("xdp", {}).get("mode", 0)
        if xdp != XDP_ATTACHED.get(device["mode"], 0):
            complaints.append(f"{device['dev']} has {device['mode']}, and the kernel has XDP mode {xdp}")
    if not relayed:
        complaints.append("nothing was relayed in the kernel")
    if runs < relayed:
        complaints.append(f"the programs ran {runs} times, and relayed {relayed} packets")
    return f"relayed {relayed:5}  program ran {runs:5} times", complaints


def refused(bench: Bench, at: Place, variant: Variant) -> Result:
    """The relay does not start in a mode that the driver or the kernel lacks, says so, and leaves nothing."""
    bench.stop()
    lab = bench.labs[at]
    result = lab.run("relay", Turnpike.command(lab, variant, lab.scratch / "refused.sock"), check=False, timeout=30)
    complaints = [] if result.returncode == 1 else [f"status {result.returncode}, not 1"]
    sentences = [line for line in result.stderr.splitlines() if line.strip()]
    if len(sentences) != 1:
        complaints.append(f"{len(sentences)} lines on stderr instead of one: {sentences}")
    return " ".join(sentences), complaints + left_behind(bench, at)


def under_systemd(bench: Bench, at: Place, step: Callable[[Service], Result]) -> Result:
    return step(bench.service(at))


def in_dispatcher(bench: Bench, at: Place, step: Callable[[VmLab], Result]) -> Result:
    bench.stop()
    return step(bench.labs[at])


def left(bench: Bench, at: Place) -> Result:
    """After the last relay, nothing is left on the NICs."""
    bench.stop()
    return "", left_behind(bench, at)


def left_behind(bench: Bench, at: Place) -> list[str]:
    """The kernel frees programs a little after the last reference is gone."""
    before = bench.before[at]

    def complaints() -> list[str]:
        return [f"{what} was {then!r}, is {now!r}"
                for what, then, now in zip(ATTACHMENTS, before, attached(bench.labs[at])) if then != now]
    proc.wait_until(lambda: not complaints(), 30, step=0.5)
    return complaints()


def attached(lab: VmLab) -> list[str]:
    """Everything on the relay's NICs, by one shell: starting programs is slow under emulation."""
    output = lab.run("relay", ["sh", "-c", " && echo --- && ".join(ATTACHMENTS.values())]).stdout
    return output.split("---\n")

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What happens to devices under a running relay: it goes on, in the next mode or in user space, and tells the story.

    client ----- router ----- relay        one NIC; a steady flow of each family all the while
                   |
                 peer

    detached    our program is detached by somebody else's hand (xdp, tcx): attached again
    qdisc       the clsact qdisc is deleted: made again
    freed       somebody else's XDP program holds the hook, and then lets go: promoted from tc to xdp-native
    taken       the same, the other way round: nothing of theirs is touched
    gone        the device is deleted, and another one of its name comes: attached to that
    proof       a trial shows that programs run and how much room frames have, before anything is relayed
    mtu         the MTU changes: what no longer fits goes up, nothing is lost
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Callable

import proc
import turn
from endpoints import echo_peer
from flow import Flow
from lab import FAMILIES, Lab
from relay import VARIANTS, Turnpike, Variant

Complaints = list[str]
BY_NAME = {variant.name: variant for variant in VARIANTS}
AUTO = Variant("auto", "auto", "none")
SOON = 3.0  # seconds: two for the relay to notice, and one for a noisy machine
DEVICE = "nic0"


class Scene:
    """A relay with its flows, and what is asked of it."""

    def __init__(self, lab: Lab, variant: Variant) -> None:
        self.lab = lab
        self.server = Turnpike(lab, variant)

    def device(self) -> dict[str, object]:
        return dict(self.server.ask("status")["devices"][0])

    def mode(self) -> str:
        return f"{self.device()['mode']}/{self.device()['hook']}"

    def becomes(self, mode: str, because: str) -> Complaints:
        """The mode is had soon, and it is told why."""
        if not proc.wait_until(lambda: self.mode() == mode, SOON, step=0.1):
            return [f"the mode is {self.mode()}, not {mode}: {self.device()['why']}"]
        complaints = [] if self.device()["why"] else ["the status has no reason"]
        # The next change may have come already, and with it another reason.
        if because not in self.server.process.log():
            complaints.append(f"'{because}' is in no line of the log")
        return complaints

    def ip(self, *words: str) -> None:
        self.lab.run("relay", ["ip", *words])

    def detach_our_link(self) -> None:
        links = json.loads(self.lab.run("relay", ["bpftool", "-j", "link", "show"]).stdout)
        ours = [link["id"] for link in links if link.get("prog_id") == self.device()["prog_id"]]
        self.lab.run("relay", ["bpftool", "link", "detach", "id", str(ours[0])])


def detached(scene: Scene) -> Complaints:
    mode, before = scene.mode(), scene.device()["prog_id"]
    scene.detach_our_link()
    complaints = [] if proc.wait_until(lambda: scene.device()["prog_id"] not in (0, before), SOON, step=0.1) else \
        ["no program was attached again"]
    return complaints + scene.becomes(mode, "detached from outside")


def qdisc(scene: Scene) -> Complaints:
    before = scene.device()["prog_id"]
    scene.lab.run("relay", ["tc", "qdisc", "del", "dev", DEVICE, "clsact"])
    complaints = [] if proc.wait_until(lambda: scene.device()["prog_id"] not in (0, before), SOON, step=0.1) else \
        ["no filter was attached again"]
    return complaints + scene.becomes("tc/clsact", "detached from outside")


def freed(scene: Scene) -> Complaints:
    complaints = scene.becomes("tc/tcx", "somebody else")
    scene.ip("link", "set", "dev", DEVICE, "xdpdrv", "off")
    return complaints + scene.becomes("xdp-native/xdp", "")


def taken(scene: Scene) -> Complaints:
    """Ours is detached, theirs is attached in its place."""
    scene.detach_our_link()
    scene.ip("link", "set", "dev", DEVICE, "xdpdrv", "obj", str(scene.lab.scratch / "pass.o"), "sec", "xdp")
    complaints = scene.becomes("tc/tcx", "somebody else")
    scene.ip("link", "set", "dev", DEVICE, "xdpdrv", "off")
    return complaints + scene.becomes("xdp-native/xdp", "")


def gone(scene: Scene) -> Complaints:
    scene.ip("link", "del", DEVICE)
    complaints = scene.becomes("userspace/none", "gone")
    scene.lab.make_relay_link_anew()
    return complaints + scene.becomes("xdp-native/xdp", "back")


def mtu(scene: Scene) -> Complaints:
    scene.ip("link", "set", "dev", DEVICE, "mtu", "1400")
    time.sleep(1)
    before = scene.server.verdicts().get("too-big", 0)
    time.sleep(1)
    complaints = [] if scene.server.verdicts().get("too-big", 0) >= before else ["the counters went back"]
    return complaints + scene.becomes("xdp-native/xdp", "")


def proof(scene: Scene) -> Complaints:
    """The gateway was asked, and its answer met the program on trial: at least that must be proven."""
    told = str(scene.device()["proof"])
    found = re.match(r"proven: a program ran for (\d+) frames, of which (\d+) had room for 24 bytes in front", told)
    if not found or int(found[1]) == 0 or found[1] != found[2]:
        return [f"the proof is: {told}"]
    return [] if "unproven: that moved frames leave moved" in told else ["what is not proven is not told"]


# name: the variant it begins with, what happens, and whether somebody else's program is there first.
SCENES: dict[str, tuple[Variant, Callable[[Scene], Complaints], bool]] = {
    "detached/native": (BY_NAME["native-head"], detached, False),
    "detached/generic": (BY_NAME["generic-head"], detached, False),
    "detached/tcx": (BY_NAME["tcx"], detached, False),
    "detached/auto": (AUTO, detached, False),
    "qdisc": (BY_NAME["clsact"], qdisc, False),
    "freed": (AUTO, freed, True),
    "taken": (AUTO, taken, False),
    "proof": (AUTO, proof, False),
    "proof/forced": (BY_NAME["generic-tail"], proof, False),
    "mtu": (AUTO, mtu, False),
    "gone": (AUTO, gone, False),
}


def changes_told(scene: Scene) -> Complaints:
    """One line in the log for each change that is counted."""
    counted = scene.device()["changes"]
    told = len(re.findall(r"\(change \d+\)", scene.server.process.log()))
    return [] if told == counted and counted else [f"{counted} changes are counted, {told} are in the log"]


def run(variant: Variant, happens: Callable[[Scene], Complaints], theirs_first: bool, silent: bool) -> Complaints:
    with Lab("router", offload=True) as lab, echo_peer(lab, 4) as peer4, echo_peer(lab, 6) as peer6:
        if theirs_first:
            lab.run("relay", ["ip", "link", "set", "dev", DEVICE, "xdpdrv", "obj", str(lab.scratch / "pass.o"),
                              "sec", "xdp"])
        scene = Scene(lab, variant)
        flows = [Flow(lab, family, peer.address) for family, peer in zip(FAMILIES, (peer4, peer6))]
        for flow in flows:
            flow.start()
        time.sleep(0.5)
        try:
            complaints = happens(scene) + ([] if silent else changes_told(scene))
            time.sleep(0.7)  # neighbours of a new device
            lost = sum(flow.lost_in(0.5) for flow in flows)
            if lost:
                complaints.append(f"{lost} messages were lost after it was over")
            if len(scene.server.flows()) != 2 * len(flows):
                complaints.append(f"{len(scene.server.flows())} flows of {2 * len(flows)} are left")
            complaints += [each for flow in flows for each in flow.wrong[:3]]
            return complaints + ([scene.server.report()] if complaints else [])
        finally:
            for flow in flows:
                flow.stop()
            lab.stop_processes()


def main() -> int:
    parser = argparse.ArgumentParser(description="What happens to devices under a running relay.")
    parser.add_argument("--only", default="", metavar="TEXT")
    options = parser.parse_args()
    proc.die_cleanly_on_signals()
    chosen = {name: scene for name, scene in SCENES.items() if options.only in name}
    failed = 0
    for name, (variant, happens, theirs_first) in chosen.items():
        start = time.monotonic()
        try:
            complaints = run(variant, happens, theirs_first, silent=happens in (mtu, proof))
        except (proc.LabError, turn.TurnError, OSError, KeyError, IndexError) as error:
            complaints = [f"{type(error).__name__}: {error}"]
        failed += bool(complaints)
        print(f"{'FAIL' if complaints else 'ok  '} {name:20} {time.monotonic() - start:5.1f} s", flush=True)
        for complaint in complaints:
            print(f"        {complaint}", flush=True)
    print(f"{len(chosen) - failed} passed, {failed} failed")
    return 1 if failed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())

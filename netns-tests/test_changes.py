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
    starved     frames come without room in front: moved at the other end, and at the front when there is room again
    mtu/peer    the other end's MTU is too large for native XDP, and then no longer
    mtu/own     the MTU is raised: as far as the kernel lets it be, nothing changes
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import proc
import scenes
from endpoints import echo_peer
from flow import Flow
from lab import FAMILIES, HERE, Lab
from relay import AUTO, BY_NAME, Turnpike, Variant
from scenes import Complaints

SOON = 3.0  # seconds: two for the relay to notice, and one for a noisy machine
DEVICE = "nic0"
PAUSE = 4  # seconds
SHORT_BACKOFF = ("--backoff", f"{PAUSE}-{PAUSE}")
LARGEST_MTU = 3498  # that both ends of a veth with native XDP may have; some bytes more, by the kernel


class Scene:
    """A relay with its flows, and what is asked of it."""

    def __init__(self, lab: Lab, variant: Variant, options: Sequence[str] = ()) -> None:
        self.lab = lab
        self.server = Turnpike(lab, variant, options=options)

    def device(self) -> dict[str, object]:
        return dict(self.server.ask("status")["devices"][0])

    def mode(self) -> str:
        return f"{self.device()['mode']}/{self.device()['hook']}"

    def moves(self) -> str:
        return f"{self.mode()}/{self.device()['moves']}"

    def becomes(self, mode: str, because: str, soon: float = SOON) -> Complaints:
        """The mode, or the mode and what moves, is had soon, and it is told why."""
        if not proc.wait_until(lambda: mode in (self.mode(), self.moves()), soon, step=0.1):
            return [f"the mode is {self.mode()}, not {mode}: {self.device()['why']}"]
        complaints = [] if self.device()["why"] else ["the status has no reason"]
        # The next change may have come already, and with it another reason.
        if because not in self.server.process.log():
            complaints.append(f"'{because}' is in no line of the log")
        return complaints

    def relays_in_kernel(self) -> Complaints:
        """All of it, and without having to look for room at the other end."""
        (kernel, user_space), verdicts = self.server.relayed(), self.server.verdicts()
        time.sleep(1)
        (kernel_now, user_space_now), verdicts_now = self.server.relayed(), self.server.verdicts()
        complaints = [] if kernel_now > kernel else ["nothing is relayed in the kernel"]
        if user_space_now > user_space:
            complaints.append(f"{user_space_now - user_space} packets were relayed in user space")
        return complaints + [f"{more} packets were '{verdict}'" for verdict in ("no-room", "head-failed")
                             if (more := verdicts_now.get(verdict, 0) - verdicts.get(verdict, 0))]

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


def peers_mtu(scene: Scene) -> Complaints:
    """The other end is in another namespace, of which no event comes: looked at again after a while."""
    complaints = scene.becomes("tc/tcx", "")
    if "the MTU of the peer is 9000" not in str(scene.device()["why"]):
        complaints.append(f"the reason is: {scene.device()['why']}")
    scene.lab.run("router", ["ip", "link", "set", "dev", "to-relay", "mtu", "1500"])
    return complaints + scene.becomes("xdp-native/xdp", "", soon=PAUSE + SOON) + scene.relays_in_kernel()


def own_mtu(scene: Scene) -> Complaints:
    complaints = []
    if scene.lab.run("relay", ["ip", "link", "set", "dev", DEVICE, "mtu", "9000"], check=False).returncode == 0:
        complaints.append("the kernel lets the MTU be 9000, though the other end has native XDP")
    scene.ip("link", "set", "dev", DEVICE, "mtu", str(LARGEST_MTU))
    return complaints + scene.relays_in_kernel() + scene.becomes("xdp-native/xdp/head", "")


# Room in front.

NO_ROOM = "packets find no room at the end that is moved first"


def starve(lab: Lab, begin: bool = True) -> None:
    """Whatever comes to the relay is brought by XDP and without headroom, or as ever."""
    program = ["obj", str(lab.scratch / "starve.o"), "sec", "xdp"] if begin else ["off"]
    for device in ("to-client", "to-peer"):
        lab.run("router", ["ip", "link", "set", "dev", device, "xdpdrv", *program])


def take_redirected_frames(lab: Lab) -> None:
    """Without GRO, a veth takes them only while a native program is attached."""
    proc.compile_bpf(HERE / "starve.bpf.c", lab.scratch)
    lab.run("relay", ["ethtool", "-K", DEVICE, "gro", "on"])


def starved(scene: Scene) -> Complaints:
    complaints = scene.becomes("xdp-native/xdp/head", "") + scene.relays_in_kernel()
    starve(scene.lab)
    complaints += scene.becomes("xdp-native/xdp/tail", NO_ROOM)
    if NO_ROOM not in str(scene.device()["why"]):
        complaints.append(f"the reason is: {scene.device()['why']}")
    return complaints + scene.relays_in_kernel()


def given_back(scene: Scene) -> Complaints:
    complaints = starved(scene)
    starve(scene.lab, begin=False)
    return complaints + scene.becomes("xdp-native/xdp/head", "", soon=PAUSE + SOON) + scene.relays_in_kernel()


def starved_at_start(scene: Scene) -> Complaints:
    """The trial finds it out, before a packet is tried twice."""
    starve(scene.lab)
    time.sleep(0.5)
    scene.server.change_mode(AUTO)
    told = scene.device()
    complaints = [] if scene.moves() == "xdp-native/xdp/tail" else [f"the mode is {scene.moves()}"]
    complaints += [f"{key} is: {told[key]}" for key, text in (("why", NO_ROOM), ("proof", "of which 0 had room"))
                   if text not in str(told[key])]
    return complaints + scene.relays_in_kernel()


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


def run(variant: Variant, happens: Callable[[Scene], Complaints], silent: bool,
        before: Callable[[Lab], None] = lambda lab: None, options: Sequence[str] = (),
        offload: bool = True) -> Complaints:
    with Lab("router", offload) as lab, echo_peer(lab, 4) as peer4, echo_peer(lab, 6) as peer6:
        before(lab)
        scene = Scene(lab, variant, options)
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


def hold_hook(lab: Lab) -> None:
    lab.run("relay", ["ip", "link", "set", "dev", DEVICE, "xdpdrv", "obj", str(lab.scratch / "pass.o"), "sec", "xdp"])


def raise_peers_mtu(lab: Lab) -> None:
    lab.run("router", ["ip", "link", "set", "dev", "to-relay", "mtu", "9000"])


def tests() -> Iterator[tuple[str, Callable[[], Complaints]]]:
    for name, (variant, happens, theirs_first) in SCENES.items():
        yield name, partial(run, variant, happens, happens in (mtu, proof),
                            before=hold_hook if theirs_first else lambda lab: None)
    yield "mtu/own", partial(run, AUTO, own_mtu, True)
    yield "mtu/peer", partial(run, AUTO, peers_mtu, False, raise_peers_mtu, SHORT_BACKOFF)
    # A frame that XDP brings has lost what the stack knew of its checksum, so it must be complete.
    hungry = partial(run, before=take_redirected_frames, offload=False)
    yield "starved/auto", partial(hungry, AUTO, starved, False)
    yield "starved/given back", partial(hungry, AUTO, given_back, False, options=SHORT_BACKOFF)
    yield "starved/at start", partial(hungry, BY_NAME["tcx"], starved_at_start, True)


if __name__ == "__main__":
    sys.exit(scenes.main("What happens to devices under a running relay.", tests(),
                         lambda _, test: scenes.tried(test)))

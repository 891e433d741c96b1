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
    peer        the other end has no XDP program, which native XDP needs, and gets one
    mtu/own     the MTU is raised as far as the kernel lets it be: nothing changes, no packet is lost
    unheard     the other end of the cable loses its XDP program, and with it what XDP_TX sends: tc, until it is back
    untaken     the same for frames that are redirected, in a relay with two NICs
    oversized   the device that packets leave by drops some of them: nothing changes

Forced modes stay, and tell once what they lose.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import scenes
from lab import proc
from lab.complaints import Complaints
from lab.endpoints import echo_peer
from lab.flow import Flow
from lab.lab import Lab
from lab.relay import AUTO, BY_NAME, Turnpike, Variant
from lab.topology import FAMILIES

PAUSED = 20.0  # seconds: several pauses of SHORT_BACKOFF
SOON = 3.0  # seconds: two for the relay to notice, and one for a noisy machine
DEVICE = "nic0"
PAUSE = 6  # seconds: longer than what is looked at meanwhile
SHORT_BACKOFF = ("--backoff", f"{PAUSE}-{PAUSE}")
LARGEST_MTU = 3498  # that both ends of a veth with native XDP may have; some bytes more, by the kernel


class Scene:
    """A relay with its flows, and what is asked of it."""

    def __init__(self, lab: Lab, variant: Variant, options: Sequence[str] = ()) -> None:
        self.lab = lab
        self.server = Turnpike(lab, variant, options=options)
        self.flows: list[Flow] = []

    def device(self) -> dict[str, object]:
        return dict(self.server.ask("status")["devices"][0])

    def mode(self) -> str:
        return f"{self.device()['mode']}/{self.device()['hook']}"

    def modes(self) -> set[str]:
        return {f"{device['mode']}/{device['hook']}" for device in self.server.ask("status")["devices"]}

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
    complaints = scene.becomes("userspace/none", "gone", soon=PAUSED)
    scene.lab.make_relay_link_anew()
    return complaints + scene.becomes("xdp-native/xdp", "back", soon=PAUSED)


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
    # Behind short frames there is not always room on a veth: then that is told.
    behind = "; proven: a frame grown behind arrives so" in told or "behind arrives so, as there is no room" in told
    if "; proven: a frame grown in front arrives so" not in told or not behind:
        return [f"moves are not proven: {told}"]
    return [] if "unproven: that sent frames leave moved" in told else ["what is not proven is not told"]


def peers_mtu(scene: Scene) -> Complaints:
    """The other end is in another namespace, of which no event comes: looked at again after a while."""
    complaints = scene.becomes("tc/tcx", "")
    if "the MTU of the peer is 9000" not in str(scene.device()["why"]):
        complaints.append(f"the reason is: {scene.device()['why']}")
    scene.lab.run("router", ["ip", "link", "set", "dev", "to-relay", "mtu", "1500"])
    return complaints + scene.becomes("xdp-native/xdp", "", soon=PAUSE + SOON) + scene.server.kernel_complaints()


def peers_program(scene: Scene) -> Complaints:
    """Without one what native XDP sends would be lost; of that no event comes either."""
    complaints = scene.becomes("tc/tcx", "has no XDP program")
    scene.lab.run("router", ["ip", "link", "set", "dev", "to-relay", "xdpdrv", "obj",
                             str(scene.lab.scratch / "pass.o"), "sec", "xdp"])
    return complaints + scene.becomes("xdp-native/xdp", "", soon=PAUSE + SOON) + scene.server.kernel_complaints()


def own_mtu(scene: Scene, mode: str, refused: int, allowed: int) -> Complaints:
    """What the kernel refuses changes nothing, and what it allows neither, not for a single packet."""
    starts = [flow.sent for flow in scene.flows]
    complaints = []
    if refused and scene.lab.run("relay", ["ip", "link", "set", "dev", DEVICE, "mtu", str(refused)],
                                 check=False).returncode == 0:
        complaints.append(f"the kernel lets the MTU be {refused}, though the other end has native XDP")
    scene.ip("link", "set", "dev", DEVICE, "mtu", str(allowed))
    complaints += scene.server.kernel_complaints(2) + scene.becomes(mode, "")
    lost = sum(flow.lost_since(start) for flow, start in zip(scene.flows, starts))
    return complaints + ([f"{lost} messages were lost meanwhile"] if lost else [])


# Room in front.

NO_ROOM = "packets find no room at the end that is moved first"


def starve(lab: Lab, begin: bool = True) -> None:
    """Whatever comes to the relay is brought by XDP and without headroom, or as ever."""
    program = ["obj", str(lab.scratch / "starve.o"), "sec", "xdp"] if begin else ["off"]
    for device in ("to-client", "to-peer"):
        lab.run("router", ["ip", "link", "set", "dev", device, "xdpdrv", *program])


def take_redirected_frames(lab: Lab) -> None:
    """Without GRO, a veth takes them only while a native program is attached."""
    proc.compile_bpf(Path(__file__).with_name("starve.bpf.c"), lab.scratch)
    lab.run("relay", ["ethtool", "-K", DEVICE, "gro", "on"])


def starved(scene: Scene) -> Complaints:
    complaints = scene.becomes("xdp-native/xdp/head", "") + scene.server.kernel_complaints()
    starve(scene.lab)
    complaints += scene.becomes("xdp-native/xdp/tail", NO_ROOM)
    if f"xdp-native/head: has failed and is left alone for a while, as {NO_ROOM}" not in str(scene.device()["why"]):
        complaints.append(f"the reason is: {scene.device()['why']}")
    return complaints + scene.server.kernel_complaints()


def given_back(scene: Scene) -> Complaints:
    complaints = starved(scene)
    starve(scene.lab, begin=False)
    complaints += scene.becomes("xdp-native/xdp/head", "", soon=PAUSE + SOON)
    return complaints + scene.server.kernel_complaints()


def starved_at_start(scene: Scene) -> Complaints:
    """The trial finds it out, before a packet is tried twice."""
    starve(scene.lab)
    time.sleep(0.5)
    scene.server.change_mode(AUTO)
    told = scene.device()
    complaints = [] if scene.moves() == "xdp-native/xdp/tail" else [f"the mode is {scene.moves()}"]
    complaints += [f"{key} is: {told[key]}" for key, text in (("why", NO_ROOM), ("proof", "of which 0 had room"))
                   if text not in str(told[key])]
    return complaints + scene.server.kernel_complaints()


def pass_program(scene: Scene, role: str, device: str, *, there: bool) -> None:
    """The other end of a cable passes by a program of its own, or does not: then what XDP sends there is lost."""
    words = ["obj", str(scene.lab.scratch / "pass.o"), "sec", "xdp"] if there else ["off"]
    scene.lab.run(role, ["ip", "link", "set", "dev", device, "xdpdrv", *words])


def relays_on(scene: Scene) -> Complaints:
    """Messages come back, by the counters of the kernel's programs, and all of them."""
    before = scene.server.relayed()
    time.sleep(0.5)  # what was under way meanwhile
    lost = sum(flow.lost_in(0.5) for flow in scene.flows)
    after = scene.server.relayed()
    complaints = [f"{lost} messages were lost while {scene.mode()} did the work"] if lost else []
    return complaints if after > before else [*complaints, "nothing was relayed"]


def well_at_first(scene: Scene) -> Complaints:
    """Frames that are sent are not taken for lost ones: two looks at least."""
    time.sleep(SOON)
    complaints = relays_on(scene)
    if scene.modes() != {"xdp-native/xdp"} or \
            any("but" in str(device["why"]) or device["changes"] for device in scene.server.ask("status")["devices"]):
        complaints.append(f"it was not well at first: {scene.server.ask('status')['devices']}")
    return complaints


def unheard(scene: Scene) -> Complaints:
    """What XDP_TX sends is lost, until the other end has its program back."""
    complaints = well_at_first(scene)
    pass_program(scene, "router", "to-relay", there=False)
    complaints += scene.becomes("tc/tcx", "loses packets that were relayed") + relays_on(scene)
    kernel = scene.server.relayed()[0]
    pass_program(scene, "router", "to-relay", there=True)
    if not proc.wait_until(lambda: scene.mode() == "xdp-native/xdp", PAUSED, step=0.1):
        complaints.append(f"it was not promoted again: {scene.device()['why']}")
    return complaints if scene.server.relayed()[0] > kernel else [*complaints, "the kernel did not relay meanwhile"]


def unheard_forced(scene: Scene) -> Complaints:
    """Who asked for a mode keeps it, and is told once."""
    complaints = well_at_first(scene)
    pass_program(scene, "router", "to-relay", there=False)
    time.sleep(2 * SOON)
    complaints += told_once(scene, "loses packets that were relayed")
    pass_program(scene, "router", "to-relay", there=True)
    time.sleep(0.5)
    return complaints + relays_on(scene)


def untaken(scene: Scene) -> Complaints:
    """The device that packets leave by takes no redirected frames, until the other end has its program back."""
    complaints = well_at_first(scene)
    pass_program(scene, "peer", "nic0", there=False)
    complaints += scene.becomes("tc/tcx", "lost at the device that they are redirected to") + relays_on(scene)
    pass_program(scene, "peer", "nic0", there=True)
    if not proc.wait_until(lambda: scene.modes() == {"xdp-native/xdp"}, PAUSED, step=0.1):
        complaints.append(f"not all were promoted again: {scene.server.ask('status')['devices']}")
    return complaints + relays_on(scene)


def untaken_forced(scene: Scene) -> Complaints:
    """The mode stays, and user space does what cannot be redirected."""
    complaints = well_at_first(scene)
    pass_program(scene, "peer", "nic0", there=False)
    refused = proc.wait_until(lambda: "redirected to" in str(scene.device()["why"]), SOON, step=0.1)
    time.sleep(0.5)
    by_hand = scene.server.relayed()[1]
    complaints += [] if refused else [f"it is not told: {scene.device()['why']}"]
    complaints += relays_on(scene) + told_once(scene, "lost at the device that they are redirected to")
    if scene.server.relayed()[1] <= by_hand:
        complaints.append("user space did not help out")
    pass_program(scene, "peer", "nic0", there=True)
    return complaints


def oversized(scene: Scene) -> Complaints:
    """The other end drops the longest frames without an error, as full queues drop: no reason to go a slower way."""
    complaints = well_at_first(scene)
    scene.lab.run("peer", ["ip", "link", "set", "dev", "nic0", "mtu", "1280"])
    time.sleep(2 * SOON)
    if scene.modes() != {"xdp-native/xdp"}:
        complaints.append(f"the mode is {scene.modes()}: {scene.device()['why']}")
    scene.lab.run("peer", ["ip", "link", "set", "dev", "nic0", "mtu", "1500"])
    return complaints


def told_once(scene: Scene, because: str) -> Complaints:
    """One line for each reason; with a second reason, the first one is repeated."""
    told = [line for line in scene.server.process.log().splitlines() if because in line]
    complaints = [] if told and len(told) == len(set(told)) else [f"it is told {len(told)} times"]
    if scene.modes() != {"xdp-native/xdp"}:
        complaints.append(f"the mode that was asked for has become {scene.modes()}")
    return complaints if because in str(scene.device()["why"]) else [*complaints, "the status does not tell"]


# The same, with the topology and options: frames are lost after they were relayed.
LOSSES: dict[str, tuple[Variant, Callable[[Scene], Complaints], str, Sequence[str]]] = {
    "unheard": (AUTO, unheard, "router", SHORT_BACKOFF),
    "unheard/forced": (BY_NAME["native-head"], unheard_forced, "router", SHORT_BACKOFF),
    "untaken": (AUTO, untaken, "two-nic", SHORT_BACKOFF),
    "untaken/forced": (BY_NAME["native-head"], untaken_forced, "two-nic", ()),
    "oversized": (AUTO, oversized, "two-nic", SHORT_BACKOFF),
}

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
    counted = sum(device["changes"] for device in scene.server.ask("status")["devices"])
    told = len(re.findall(r"\(change \d+\)", scene.server.process.log()))
    return [] if told == counted and counted else [f"{counted} changes are counted, {told} are in the log"]


def run(variant: Variant, happens: Callable[[Scene], Complaints], silent: bool,
        before: Callable[[Lab], None] = lambda lab: None, options: Sequence[str] = (),
        offload: bool = True, topology: str = "router") -> Complaints:
    with Lab(topology, offload) as lab, echo_peer(lab, 4) as peer4, echo_peer(lab, 6) as peer6:
        before(lab)
        scene = Scene(lab, variant, options)
        scene.flows = flows = [Flow(lab, family, peer.address) for family, peer in zip(FAMILIES, (peer4, peer6))]
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


def leave_peer_without_program(lab: Lab) -> None:
    lab.run("router", ["ip", "link", "set", "dev", "to-relay", "xdpdrv", "off"])


def tests() -> Iterator[tuple[str, Callable[[], Complaints]]]:
    for name, (variant, happens, theirs_first) in SCENES.items():
        yield name, partial(run, variant, happens, happens in (mtu, proof),
                            before=hold_hook if theirs_first else lambda lab: None)
    yield "mtu/own native", partial(run, AUTO, partial(own_mtu, mode="xdp-native/xdp/head", refused=9000,
                                                       allowed=LARGEST_MTU), True)
    yield "mtu/own tc", partial(run, AUTO, partial(own_mtu, mode="tc/tcx", refused=0, allowed=9000), True,
                                before=leave_peer_without_program)
    yield "mtu/peer", partial(run, AUTO, peers_mtu, False, raise_peers_mtu, SHORT_BACKOFF)
    yield "peer/program", partial(run, AUTO, peers_program, False, leave_peer_without_program, SHORT_BACKOFF)
    # A frame that XDP brings has lost what the stack knew of its checksum, so it must be complete.
    hungry = partial(run, before=take_redirected_frames, offload=False)
    yield "starved/auto", partial(hungry, AUTO, starved, False)
    yield "starved/given back", partial(hungry, AUTO, given_back, False, options=SHORT_BACKOFF)
    yield "starved/at start", partial(hungry, BY_NAME["tcx"], starved_at_start, True)
    for name, (variant, happens, topology, options) in LOSSES.items():
        yield name, partial(run, variant, happens, variant is not AUTO or happens is oversized, options=options,
                            topology=topology)


if __name__ == "__main__":
    sys.exit(scenes.main("What happens to devices under a running relay.", tests(),
                         lambda _, test: scenes.tried(test)))

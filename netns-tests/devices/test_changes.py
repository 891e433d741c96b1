# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Devices, links and programs change under a running relay: it keeps relaying, in the next mode or in user space.

    client ----- router ----- relay        one NIC; a steady flow of each family
                   |
                 peer
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from lab import proc
from lab.complaints import Complaints, check
from lab.lab import Lab
from lab.relay import AUTO, BY_NAME, Variant
from loaded import NIC, SHORT_BACKOFF, LoadedRelay, loaded_relay, set_mtu, set_pass_program

LARGEST_MTU = 3498  # for both ends of a veth with native XDP; the kernel allows some bytes more
LOWER_MTU = 1400    # still fits the longest message of a flow
FAR_END = ("router", "to-relay")
DETACHED = "another process detached the program"
OTHER_OWNER = "is already attached"


@pytest.fixture
def lab() -> Iterator[Lab]:
    """A lab for each test, since these tests delete devices and change MTUs."""
    with Lab("router", offload=True) as lab:
        yield lab


# Programs and hooks.

@pytest.mark.parametrize("variant", [*(BY_NAME[name] for name in ("native-head", "generic-head", "tcx")), AUTO])
def test_detached_program(lab: Lab, variant: Variant) -> None:
    """A program that another process detaches is attached again, in the same mode."""
    with loaded_relay(lab, variant) as relay:
        mode, program = relay.mode(), relay.device()["prog_id"]
        relay.detach_program()
        complaints = relay.attaches_again(program) + relay.becomes(mode, DETACHED)
        check(complaints + relay.logs_each_change() + relay.is_intact())


def test_deleted_qdisc(lab: Lab) -> None:
    """A clsact qdisc that another process deletes is made again, with the filter."""
    with loaded_relay(lab, BY_NAME["clsact"]) as relay:
        program = relay.device()["prog_id"]
        lab.run("relay", ["tc", "qdisc", "del", "dev", NIC, "clsact"])
        complaints = relay.attaches_again(program) + relay.becomes("tc/clsact", DETACHED)
        check(complaints + relay.logs_each_change() + relay.is_intact())


def test_hook_becomes_free(lab: Lab) -> None:
    """While another owner's program holds the XDP hook, auto uses TC; once the hook is free, native XDP."""
    set_pass_program(lab, "relay", NIC, attached=True)
    with loaded_relay(lab, AUTO) as relay:
        complaints = relay.becomes("tc/tcx", OTHER_OWNER)
        set_pass_program(lab, "relay", NIC, attached=False)
        complaints += relay.becomes("xdp-native/xdp")
        check(complaints + relay.logs_each_change() + relay.is_intact())


def test_hook_is_taken(lab: Lab) -> None:
    """If another owner takes the XDP hook, auto leaves that program alone and uses TC until the hook is free again."""
    with loaded_relay(lab, AUTO) as relay:
        relay.detach_program()
        set_pass_program(lab, "relay", NIC, attached=True)
        complaints = relay.becomes("tc/tcx", OTHER_OWNER)
        set_pass_program(lab, "relay", NIC, attached=False)
        complaints += relay.becomes("xdp-native/xdp")
        check(complaints + relay.logs_each_change() + relay.is_intact())


@pytest.mark.parametrize("variant", (AUTO, BY_NAME["generic-tail"]))
def test_proof(lab: Lab, variant: Variant) -> None:
    """The trial at attach proves that programs run, how much headroom frames have, and that both moves work.

    The relay asks the gateway for its MAC address, so at least one frame meets the program on trial.
    """
    with loaded_relay(lab, variant) as relay:
        proof = relay.device()["proof"]
        check(proof_complaints(proof) + relay.is_intact())


def proof_complaints(proof: str) -> Complaints:
    counts = re.match(r"proven: a program ran for (\d+) frames, (\d+) with 24 bytes of headroom", proof)
    if not counts or int(counts[1]) == 0 or counts[1] != counts[2]:
        return [f"the proof is: {proof}"]
    # Short frames on a veth may have no tailroom; the proof then says so.
    head = "; proven: a frame grown in front arrives intact" in proof
    tail = re.search("; proven: a frame grown behind arrives intact|behind arrives intact, as there is no room", proof)
    if not head or not tail:
        return [f"the proof does not cover both moves: {proof}"]
    return [] if "unproven: whether frames are sent as moved" in proof else [f"the proof claims too much: {proof}"]


# Links.

def test_replaced_device(lab: Lab) -> None:
    """When a device is deleted, user space relays; when another one gets its name, the relay attaches to that."""
    with loaded_relay(lab, AUTO) as relay:
        lab.run("relay", ["ip", "link", "del", NIC])
        complaints = relay.becomes("userspace/none", "disappeared")
        lab.make_relay_link_anew()
        complaints += relay.becomes("xdp-native/xdp", "back")
        check(complaints + relay.logs_each_change() + relay.is_intact())


def test_lower_mtu(lab: Lab) -> None:
    """A lower MTU that all packets still fit changes neither the mode nor a counter."""
    with loaded_relay(lab, AUTO) as relay:
        set_mtu(lab, "relay", NIC, LOWER_MTU)
        complaints = relay.relays_all_in_kernel()
        before = relay.server.verdicts()
        complaints += relay.relays_all_in_kernel()
        after = relay.server.verdicts()
        complaints += [f"{verdict} went from {before[verdict]} to {after.get(verdict, 0)}" for verdict in before
                       if after.get(verdict, 0) < before[verdict]]
        if after.get("too-big", 0):
            complaints.append(f"{after['too-big']} packets were too big")
        check(complaints + relay.becomes("xdp-native/xdp") + relay.is_intact())


def raise_mtu(relay: LoadedRelay, mtu: int, mode: str) -> Complaints:
    """Not one packet is lost, and after a moment, in which flows are confirmed again, none leaves the kernel."""
    starts = [flow.sent for flow in relay.flows]
    complaints = [] if set_mtu(relay.lab, "relay", NIC, mtu) else [f"the kernel refuses an MTU of {mtu}"]
    complaints += relay.relays_all_in_kernel() + relay.becomes(mode)
    lost = sum(flow.lost_since(start) for flow, start in zip(relay.flows, starts))
    return complaints + ([f"{lost} messages were lost"] if lost else [])


def test_higher_mtu_with_native_xdp(lab: Lab) -> None:
    """The MTU can rise as far as native XDP allows, without an effect on the relay; the kernel refuses more."""
    with loaded_relay(lab, AUTO) as relay:
        complaints = ["the kernel allows an MTU of 9000, though both ends have native XDP"] \
            if set_mtu(lab, "relay", NIC, 9000) else []
        complaints += raise_mtu(relay, LARGEST_MTU, "xdp-native/xdp/head")
        check(complaints + relay.is_intact())


def test_higher_mtu_with_tc(lab: Lab) -> None:
    """With TC the MTU can rise further, without an effect on the relay."""
    set_pass_program(lab, *FAR_END, attached=False)
    with loaded_relay(lab, AUTO) as relay:
        check(raise_mtu(relay, 9000, "tc/tcx") + relay.is_intact())


# The other end of the cable is in another namespace, which sends no events: the relay looks again after its back-off.

def test_mtu_of_far_end(lab: Lab) -> None:
    """auto uses TC while the MTU at the other end is too large for native XDP, and native XDP afterwards."""
    set_mtu(lab, *FAR_END, 9000)
    with loaded_relay(lab, AUTO, SHORT_BACKOFF) as relay:
        complaints = relay.becomes("tc/tcx")
        if "the MTU of the peer is 9000" not in relay.device()["why"]:
            complaints.append(f"the reason is: {relay.device()['why']}")
        set_mtu(lab, *FAR_END, 1500)
        complaints += relay.becomes("xdp-native/xdp") + relay.relays_all_in_kernel()
        check(complaints + relay.logs_each_change() + relay.is_intact())


def test_program_of_far_end(lab: Lab) -> None:
    """auto uses TC while the other end has no XDP program, since native XDP would lose frames; and native XDP then."""
    set_pass_program(lab, *FAR_END, attached=False)
    with loaded_relay(lab, AUTO, SHORT_BACKOFF) as relay:
        complaints = relay.becomes("tc/tcx", "has no XDP program")
        set_pass_program(lab, *FAR_END, attached=True)
        complaints += relay.becomes("xdp-native/xdp") + relay.relays_all_in_kernel()
        check(complaints + relay.logs_each_change() + relay.is_intact())


# Offloads.

def set_merging(lab: Lab, state: str) -> None:
    lab.run("relay", ["ethtool", "-K", NIC, "gro", state, "rx-gro-list", state])


def test_merging_is_turned_on(lab: Lab) -> None:
    """While the device merges datagrams, auto prefers generic XDP to TC, which would leave them to user space."""
    set_pass_program(lab, *FAR_END, attached=False)
    with loaded_relay(lab, AUTO, SHORT_BACKOFF) as relay:
        complaints = relay.becomes("tc/tcx")
        set_merging(lab, "on")
        complaints += relay.becomes("xdp-generic/xdp", "rx-gro-list is on") + relay.relays_all_in_kernel()
        set_merging(lab, "off")
        complaints += relay.becomes("tc/tcx")
        check(complaints + relay.logs_each_change() + relay.is_intact())


def test_merging_in_requested_mode(lab: Lab) -> None:
    """A requested mode stays; status and log say that it merges, with the remedy, until that is over."""
    with loaded_relay(lab, BY_NAME["tcx"]) as relay:
        complaints: Complaints = []
        for state, why in (("on", f"(ethtool -K {NIC} rx-gro-list off)"), ("off", "asked for")):
            set_merging(lab, state)
            if not proc.wait_until(lambda: relay.device()["why"].endswith(why), 10):
                complaints.append(f"merging is {state}, but the status says: {relay.device()['why']}")
        if not relay.server.logs("rx-gro-list is on"):
            complaints.append("the log says nothing")
        check(complaints + relay.becomes("tc/tcx") + relay.is_intact())

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A mode that fails under traffic is demoted, and promoted again once it works. A forced mode stays, and is reported.

    client ----- router ----- relay        frames without headroom; frames that XDP_TX sends and the other end loses
                   |
                 peer

    client ----- relay ----- peer          frames that XDP redirects and the other end loses
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import proc
from lab.complaints import Complaints, check
from lab.lab import Lab
from lab.relay import AUTO, BY_NAME
from loaded import LIMIT, LOOKS, NIC, SHORT_BACKOFF, LoadedRelay, loaded_relay, set_mtu, set_pass_program

NO_ROOM = "packets have no room at the end that moves first"
BACKING_OFF = "backing off after a failure:"
TX_LOST = "so frames sent to it are lost"
REDIRECT_LOST = "lost at the device they are redirected to"
NATIVE = BY_NAME["native-head"]
FAR_END = ("router", "to-relay")
ROUTER_ENDS = ("to-client", "to-peer")  # the router forwards what arrives here to the relay


@pytest.fixture
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """A lab for each test, since these tests change programs at both ends of the cables."""
    network, offload = getattr(request, "param", ("router", True))
    with Lab(network, offload) as lab:
        yield lab


# A frame that XDP redirects loses what the stack knew about its checksum, so the checksum must be complete.
complete_checksums = pytest.mark.parametrize("lab", [pytest.param(("router", False), id="router")], indirect=True)
two_nics = pytest.mark.parametrize("lab", [pytest.param(("two-nic", True), id="two-nic")], indirect=True)


# Headroom.

def take_redirected_frames(lab: Lab) -> None:
    """Without GRO, a veth takes them only while a native program is attached."""
    lab.run("relay", ["ethtool", "-K", NIC, "gro", "on"])
    proc.compile_bpf(Path(__file__).with_name("starve.bpf.c"), lab.scratch)


def starve(lab: Lab, begin: bool = True) -> None:
    """From now on frames reach the relay by XDP, without headroom; or they come as before."""
    program = ["obj", str(lab.scratch / "starve.o"), "sec", "xdp"] if begin else ["off"]
    for device in ROUTER_ENDS:
        lab.run("router", ["ip", "link", "set", "dev", device, "xdpdrv", *program])


def demoted_without_headroom(relay: LoadedRelay) -> Complaints:
    complaints = relay.becomes("xdp-native/xdp/head") + relay.relays_all_in_kernel()
    starve(relay.lab)
    complaints += relay.becomes("xdp-native/xdp/tail", NO_ROOM)
    if f"xdp-native/head: {BACKING_OFF} {NO_ROOM}" not in relay.device()["why"]:
        complaints.append(f"the reason is: {relay.device()['why']}")
    return complaints


@complete_checksums
def test_no_headroom(lab: Lab) -> None:
    """If frames come without headroom, auto moves the tail of frames instead of their head."""
    take_redirected_frames(lab)
    with loaded_relay(lab, AUTO) as relay:
        complaints = demoted_without_headroom(relay) + relay.relays_all_in_kernel()
        check(complaints + relay.logs_each_change() + relay.is_intact())


@complete_checksums
def test_headroom_returns(lab: Lab) -> None:
    """Once frames have headroom again, auto moves their head again."""
    take_redirected_frames(lab)
    with loaded_relay(lab, AUTO, SHORT_BACKOFF) as relay:
        complaints = demoted_without_headroom(relay)
        starve(lab, begin=False)
        complaints += relay.becomes("xdp-native/xdp/head") + relay.relays_all_in_kernel()
        check(complaints + relay.logs_each_change() + relay.is_intact())


@complete_checksums
def test_no_headroom_at_attach(lab: Lab) -> None:
    """The trial at attach finds that frames have no headroom, before a packet needs two attempts."""
    take_redirected_frames(lab)
    with loaded_relay(lab, BY_NAME["tcx"]) as relay:
        starve(lab)
        complaints = relay.relays_all_in_kernel()
        relay.server.change_mode(AUTO)
        device = relay.device()
        if relay.mode_and_moves() != "xdp-native/xdp/tail":
            complaints.append(f"the mode is {relay.mode_and_moves()}")
        complaints += [f"{key} is: {device[key]}"
                       for key, text in (("why", NO_ROOM), ("proof", ", 0 with 24 bytes of headroom"))
                       if text not in device[key]]
        check(complaints + relay.relays_all_in_kernel() + relay.is_intact())


# Losses after the relay.

def stays_native(relay: LoadedRelay) -> Complaints:
    """Traffic that arrives is no reason to demote a device."""
    time.sleep(LOOKS)
    complaints = relay.relays_all()
    if relay.modes() != {"xdp-native/xdp"} or \
            any("but" in device["why"] or device["changes"] for device in relay.devices()):
        complaints.append(f"there was a change without a loss: {relay.devices()}")
    return complaints


def promoted(relay: LoadedRelay) -> Complaints:
    """Every device returns to native XDP, if only after several back-offs."""
    if proc.wait_until(lambda: relay.modes() == {"xdp-native/xdp"}, LIMIT, step=0.1):
        return []
    return [f"not every device returned to native XDP: {relay.devices()}"]


def reported_once(relay: LoadedRelay, reason: str) -> Complaints:
    """A forced mode stays; status and log have the reason, and no line of the log is repeated.

    A line with a second reason has the first one, too.
    """
    complaints: Complaints = []
    if not proc.wait_until(lambda: reason in relay.device()["why"], LIMIT, step=0.1):
        complaints.append(f"the status has the reason: {relay.device()['why']}")
    time.sleep(LOOKS)
    lines = [line for line in relay.server.process.log().splitlines() if reason in line]
    if not lines or len(lines) != len(set(lines)):
        complaints.append(f"the log has the reason in {len(lines)} lines")
    if relay.modes() != {"xdp-native/xdp"}:
        complaints.append(f"the forced mode has become {relay.modes()}")
    return complaints


def test_tx_lost(lab: Lab) -> None:
    """If the other end of the cable loses what XDP_TX sends, auto uses TC until the other end has its program back."""
    with loaded_relay(lab, AUTO, SHORT_BACKOFF) as relay:
        complaints = stays_native(relay)
        set_pass_program(lab, *FAR_END, attached=False)
        complaints += relay.becomes("tc/tcx", TX_LOST) + relay.relays_all()
        kernel, _ = relay.server.relayed()
        set_pass_program(lab, *FAR_END, attached=True)
        complaints += promoted(relay)
        if relay.server.relayed()[0] <= kernel:
            complaints.append("the kernel relayed nothing meanwhile")
        check(complaints + relay.logs_each_change() + relay.is_intact())


def test_tx_lost_in_forced_mode(lab: Lab) -> None:
    """The same in a forced mode, which stays: the loss is reported once."""
    with loaded_relay(lab, NATIVE, SHORT_BACKOFF) as relay:
        complaints = stays_native(relay)
        set_pass_program(lab, *FAR_END, attached=False)
        complaints += reported_once(relay, TX_LOST)
        set_pass_program(lab, *FAR_END, attached=True)
        check(complaints + relay.is_intact())


@two_nics
def test_redirect_lost(lab: Lab) -> None:
    """If the peer's end loses redirected frames, auto uses TC until that end has its program back."""
    with loaded_relay(lab, AUTO, SHORT_BACKOFF) as relay:
        complaints = stays_native(relay)
        set_pass_program(lab, "peer", NIC, attached=False)
        complaints += relay.becomes("tc/tcx", "redirected to") + relay.relays_all()
        set_pass_program(lab, "peer", NIC, attached=True)
        check(complaints + promoted(relay) + relay.logs_each_change() + relay.is_intact())


@two_nics
def test_redirect_lost_in_forced_mode(lab: Lab) -> None:
    """The same in a forced mode, which stays: user space relays what cannot be redirected."""
    with loaded_relay(lab, NATIVE) as relay:
        complaints = stays_native(relay)
        set_pass_program(lab, "peer", NIC, attached=False)
        complaints += reported_once(relay, REDIRECT_LOST)
        _, user = relay.server.relayed()
        complaints += relay.relays_all()
        if relay.server.relayed()[1] <= user:
            complaints.append("user space relayed nothing")
        set_pass_program(lab, "peer", NIC, attached=True)
        check(complaints + relay.is_intact())


@two_nics
def test_oversized_frames(lab: Lab) -> None:
    """Frames that the other end drops without an error, as a full queue does, are no reason to demote the device."""
    with loaded_relay(lab, AUTO, SHORT_BACKOFF) as relay:
        complaints = stays_native(relay)
        start = relay.flows[0].sent
        set_mtu(lab, "peer", NIC, 1280)
        time.sleep(2 * LOOKS)
        if not relay.flows[0].lost_since(start):
            complaints.append("no frame was dropped")
        if relay.modes() != {"xdp-native/xdp"}:
            complaints.append(f"the mode is {relay.modes()}: {relay.device()['why']}")
        set_mtu(lab, "peer", NIC, 1500)
        check(complaints + relay.is_intact())

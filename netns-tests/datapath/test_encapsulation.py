# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the host's stack encrypts, encapsulates or changes on a route leaves as the stack sends it, never plain.

A kernel without ESP, MPLS and VRFs runs their tests in a virtual machine with one of Debian's (lab/elsewhere.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from confirming import (IN_KERNEL, MESSAGES, RELAY, SOON, SPARE, UPLINKS, Flows, bound, every_mode, exchange, is_echoed,
                        reasons, relayed, relays, route, serve, wait_until_confirmed)
from encapsulations import ENCAPSULATIONS, ETHERNET, Encapsulation, Wire, forge, is_udp_to_peer, prepare
from hostrules import BOTH
from lab import proc, turn
from lab.complaints import Complaints, check
from lab.endpoints import EchoPeer, echo_peer
from lab.lab import Lab
from lab.relay import Turnpike, Variant
from lab.roundtrip import CHANNEL
from lab.topology import FAMILIES
from lab.wire import Tap
from vrflab import MAIN_TABLES, VrfLab

# All in one machine.
in_guest = [pytest.mark.esp_mpls_vrf, pytest.mark.xdist_group("guest")]


@pytest.fixture(scope="module")
def shared_lab() -> Iterator[Lab]:
    with Lab(UPLINKS, offload=True) as lab:
        prepare(lab)
        yield lab


def is_plain_or_wrong(frame: bytes, encapsulation: Encapsulation, family: int, payloads: set[bytes]) -> bool:
    if not encapsulation.encapsulates(frame, family):
        return True
    shows = [payload for payload in payloads if payload in frame]
    return bool(shows) if encapsulation.hidden else not shows


def flows_to_peer(server: Turnpike) -> list[dict[str, Any]]:
    return [flow for flow in server.flows() if flow["direction"] == "to-peer"]


# An IPsec policy for packets of others, which admits them out of a tunnel only.
TUNNEL = "src 172.17.0.0/16 dst 172.18.0.0/16 dir in"
TEMPLATE = "tmpl src 172.17.0.1 dst 172.18.0.1 proto esp mode"
MAY_BE_ENCRYPTED = "may arrive encrypted, which generic XDP does not see: use TC"


def reason(variant: Variant, encapsulation: Encapsulation) -> str:
    """In generic XDP no packet confirms a flow on a host with tunnels."""
    is_tunnel = encapsulation.name == "esp-tunnel"
    return MAY_BE_ENCRYPTED if is_tunnel and variant.mode == "xdp-generic" else encapsulation.why


def arrivals(variant: Variant, encapsulation: Encapsulation) -> set[str]:
    """What may be said of packets from the peer, if that is certain: TC sees again what comes out of a tunnel."""
    return {"arrives encrypted"} if encapsulation.name == "esp-tunnel" and variant.mode == "tc" else set()


def families_in(variant: Variant, guest: bool) -> Sequence[int]:
    """An emulated machine is slow: each mode there has one family, in turn."""
    return FAMILIES[IN_KERNEL.index(variant) % 2:][:1] if guest else FAMILIES


class Watched:
    """A flow to the peer, while the stack does something to its packets."""

    def __init__(self, lab: Lab, server: Turnpike, client: turn.Client, peer: EchoPeer) -> None:
        self._lab, self._server, self._client, self._peer = lab, server, client, peer
        self._family = turn.family_of(peer.address)

    def complaints(self, encapsulation: Encapsulation) -> Complaints:
        """Send messages. They must not be relayed in the kernel, nor leave otherwise than encapsulated."""
        if encapsulation.drops:
            return self._complaints_of_dropped()
        server, client = self._server, self._client
        # What the peer encrypts is no flow of the kernel's either.
        wanted = {"to-peer": 0, "to-client": int(not encapsulation.hidden)}
        complaints, count = [], MESSAGES
        # A packet that the kernel still relays plainly has no answer.
        proc.wait_until(lambda: not any(flow["confirmed"] for flow in flows_to_peer(server)), SOON)
        if not proc.wait_until(lambda: relays(server, client, wanted), SOON):
            complaints.append("it does not settle")
            count = 1  # each may be waited for
        wire = Wire(self._lab)
        received = len(self._peer.received)
        counts, wrong = exchange(server, client, count)
        frames = wire.to_peer()
        wire.close()
        complaints += wrong
        payloads = [f"message {number}".encode() for number in range(count)]
        if self._peer.received[received:] != payloads:
            complaints.append(f"the peer received {self._peer.received[received:]}")
        if counts != {direction: count * each for direction, each in wanted.items()}:
            complaints.append(f"relayed in the kernel: {counts}")
        if len(frames) != count:
            complaints.append(f"{len(frames)} frames left for the peer")
        complaints += [f"{frame.hex()} left" for frame in frames
                       if is_plain_or_wrong(frame, encapsulation, self._family, set(payloads))]
        whys = [flow["why"] for flow in flows_to_peer(server)]
        if not all(reason(server.variant, encapsulation) in why for why in whys):
            complaints.append(f"reasons: {whys}")
        if wanted_whys := arrivals(server.variant, encapsulation):
            whys_back = {flow["why"] for flow in server.flows() if flow["direction"] == "to-client"}
            complaints += [] if whys_back == wanted_whys else [f"reasons of what arrives: {whys_back}"]
        if encapsulation.hidden:
            forge(self._lab, self._family, self._peer.address, client.relayed, b"forged")
            complaints += exchange(server, client, 1)[1]
        return complaints

    def _complaints_of_dropped(self) -> Complaints:
        complaints = []
        if not proc.wait_until(lambda: not is_echoed(self._client), SOON):
            complaints.append("packets are not dropped")
        wire = Wire(self._lab)
        before, received = relayed(self._server), len(self._peer.received)
        for number in range(MESSAGES):
            self._client.socket.send(turn.channel_data(CHANNEL, f"message {number}".encode()))
        is_echoed(self._client)
        if len(self._peer.received) != received:
            complaints.append(f"the peer received {self._peer.received[received:]}")
        if relayed(self._server) != before:
            complaints.append(f"relayed in the kernel: {before}, now {relayed(self._server)}")
        complaints += [f"{frame.hex()} left" for frame in wire.to_peer()]
        wire.close()
        return complaints


@pytest.mark.parametrize("variant, encapsulation", [
    pytest.param(variant, each, id=f"{each.name}/{variant.name}", marks=in_guest if each.elsewhere else ())
    for each in ENCAPSULATIONS for variant in IN_KERNEL])
def test_packets_leave_as_the_stack_sends_them(lab: Lab, variant: Variant, encapsulation: Encapsulation) -> None:
    """From the moment that the host encapsulates, no packet of a confirmed or a new flow leaves otherwise; when it
    does no more, the kernel relays again."""
    server = serve(lab, variant)
    complaints = []
    for family in families_in(variant, encapsulation.elsewhere):
        with echo_peer(lab, family) as peer, bound(lab, family, peer.address) as live:
            found = wait_until_confirmed(server, live)
            with encapsulation.applied(lab, family):
                found += Watched(lab, server, live, peer).complaints(encapsulation)
                with bound(lab, family, peer.address) as new:
                    found += [f"new: {each}" for each in Watched(lab, server, new, peer).complaints(encapsulation)]
            found += wait_until_confirmed(server, live)
        complaints += [f"IPv{family}: {each}" for each in found]
    check(complaints)


@every_mode
@pytest.mark.parametrize("tunnel", ("tunnel", "beet", "transport", "tunnel level use"))
def test_tunnels_of_others(lab: Lab, variant: Variant, tunnel: str) -> None:
    """On a host with IPsec tunnels, generic XDP confirms no flow, since it cannot tell their packets. TC can."""
    server = serve(lab, variant)
    blind = variant.mode == "xdp-generic" and tunnel in ("tunnel", "beet")
    with echo_peer(lab, 4) as peer, bound(lab, 4, peer.address) as client:
        complaints = wait_until_confirmed(server, client)
        lab.run("relay", ["ip", "xfrm", "policy", "add", *f"{TUNNEL} {TEMPLATE} {tunnel}".split()])
        try:
            wanted = dict.fromkeys(BOTH, 0 if blind else 1)
            if not proc.wait_until(lambda: relays(server, client, wanted), SOON):
                complaints.append(f"with the policy, the kernel relays otherwise: {server.flows()}")
            if blind and set(reasons(server).values()) != {MAY_BE_ENCRYPTED}:
                complaints.append(f"the reasons are {reasons(server)}")
        finally:
            lab.run("relay", ["ip", "xfrm", "policy", "del", *TUNNEL.split()])
        complaints += wait_until_confirmed(server, client)
    check(complaints)


@every_mode
def test_tunnels_before_the_start(lab: Lab, variant: Variant) -> None:
    """Policies that are there when the server starts count, too."""
    lab.run("relay", ["ip", "xfrm", "policy", "add", *f"{TUNNEL} {TEMPLATE} tunnel".split()])
    try:
        server = serve(lab, variant)
        with echo_peer(lab, 4) as peer, bound(lab, 4, peer.address) as client:
            wanted = dict.fromkeys(BOTH, 0 if variant.mode == "xdp-generic" else 1)
            settles = proc.wait_until(lambda: relays(server, client, wanted), SOON)
    finally:
        lab.run("relay", ["ip", "xfrm", "policy", "del", *TUNNEL.split()])
    assert settles


@pytest.fixture(scope="module")
def shared_vrf_lab() -> Iterator[VrfLab]:
    with VrfLab() as lab:
        yield lab


@pytest.fixture
def vrf_lab(shared_vrf_lab: VrfLab) -> Iterator[VrfLab]:
    yield shared_vrf_lab
    shared_vrf_lab.stop_processes()


def complaints_in_vrf(lab: VrfLab, server: Turnpike, family: int, in_kernel: bool) -> Complaints:
    """Exchange messages. Packets must use the uplink of the VRF, and must not be taken from the other one."""
    with echo_peer(lab, family) as peer, bound(lab, family, peer.address) as client:
        complaints = wait_until_confirmed(server, client) if in_kernel else exchange(server, client, 1)[1]
        wire, spare = Wire(lab), Tap(lab, "router", "to-spare")
        received = len(peer.received)
        counts, wrong = exchange(server, client)
        complaints += wrong
        if in_kernel and counts != dict.fromkeys(BOTH, MESSAGES):
            complaints.append(f"relayed in the kernel: {counts}")
        if peer.received[received:] != [f"message {number}".encode() for number in range(MESSAGES)]:
            complaints.append(f"the peer received {peer.received[received:]}")
        frames = wire.to_peer()
        if len(frames) != MESSAGES or not all(is_udp_to_peer(frame[ETHERNET:], family) for frame in frames):
            complaints.append(f"{[frame.hex() for frame in frames]} left by the uplink of the VRF")
        complaints += [f"{frame.hex()} left by the other uplink" for frame in spare.read() if b"message" in frame]
        wire.close()
        spare.close()
        with route(lab, "router", family, RELAY.address(family), SPARE.address(family), "to-spare"):
            flows = Flows(lab, server, client, peer)
            complaints += [each for direction in BOTH for each in flows.leaks(direction)]
    return complaints


@pytest.mark.esp_mpls_vrf
@pytest.mark.xdist_group("guest")
@every_mode
def test_packets_leave_by_the_uplink_of_the_vrf(vrf_lab: VrfLab, variant: Variant) -> None:
    """A server in a VRF sends and receives by the VRF's uplink only, wherever the main table leads."""
    server = Turnpike(vrf_lab, variant, wrapper=VrfLab.WRAPPER, options=["--dev", "nic0", "--dev", "nic1"])
    complaints = []
    for where in MAIN_TABLES:
        vrf_lab.lead(where)
        for family in families_in(variant, guest=True):
            found = complaints_in_vrf(vrf_lab, server, family, vrf_lab.is_same_without(where, family))
            complaints += [f"the main table leads {where}, IPv{family}: {each}" for each in found]
    check(complaints)

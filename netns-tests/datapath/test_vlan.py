# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""VLANs: a relay whose addresses are on a VLAN device, with one tag (802.1Q) or two (802.1ad around 802.1Q).

    client ----- router ===== relay          ===== is a trunk
                   |
                 peer

    trunk    the relay attaches to the trunk: a packet with the tags of its next hop is relayed, and leaves with them,
             priority and drop eligibility unchanged; a packet with other tags, or none, is passed up
    device   the relay attaches to the VLAN device, where frames have no tags any more

A kernel without VLAN devices runs these tests in a virtual machine with one of Debian's (lab/elsewhere.py).
"""

from __future__ import annotations

import itertools
import struct
import time
from collections.abc import Iterator, Sequence

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1AD, Dot1Q, Ether
from scapy.packet import Packet, Raw

from lab import proc, turn
from lab.complaints import check
from lab.relay import VARIANTS, Turnpike, Variant
from lab.rig import CHANNEL, Rig, compare
from lab.topology import FAMILIES
from lab.wire import Tap, mac, sender
from vlanlab import Tag, VlanLab

pytestmark = pytest.mark.vlan_devices

STACKS = {"one": [Tag("802.1Q", 100)], "two": [Tag("802.1ad", 200), Tag("802.1Q", 100)]}
KERNEL_MODES = [variant for variant in VARIANTS if variant.in_kernel]
TRUNKS = [("trunk", variant) for variant in KERNEL_MODES]
# A VLAN device has no native XDP of its own.
VLAN_DEVICES = [("device", variant) for variant in KERNEL_MODES if variant.mode != "xdp-native"]
DIRECTIONS = ("to-peer", "to-client")
PRIORITY, ELIGIBLE = 5, 1  # the stack itself would send 0 and 0
HELLO = bytes(range(200))
LIMIT = 10  # seconds to wait for a packet, in an emulated machine
QUIET = 0.05  # seconds in which a packet that must not be relayed would leave
Tags = list[Tag]


class Wire:
    """The trunk, seen from the router's end."""

    def __init__(self, lab: VlanLab, rig: Rig) -> None:
        self.lab, self.rig = lab, rig
        self.macs = mac(lab, "router", "to-relay"), mac(lab, "relay", "nic0")

    def frame(self, direction: str, tags: Tags) -> bytes:
        """A packet of the flow as it reaches the relay, with priority and drop eligibility in every tag."""
        rig = self.rig
        if direction == "to-peer":
            source, to, data = rig.client.socket.getsockname(), rig.server_address, turn.channel_data(CHANNEL, HELLO)
        else:
            source, to, data = rig.peer_address, rig.client.relayed, HELLO
        ip = IP(src=source[0], dst=to[0]) if rig.family == 4 else IPv6(src=source[0], dst=to[0])
        packet: Packet = ip / UDP(sport=source[1], dport=to[1]) / Raw(data)
        for tag in reversed(tags):
            packet = {0x8100: Dot1Q, 0x88A8: Dot1AD}[tag.tpid](vlan=tag.number, prio=PRIORITY, id=ELIGIBLE) / packet
        return bytes(Ether(src=self.macs[0], dst=self.macs[1]) / packet)

    def send(self, frame: bytes) -> None:
        with sender(self.lab, "router", "to-relay") as out:
            out.send(frame)

    def from_relay(self, tap: Tap) -> list[bytes]:
        """The packets with our payload that the relay has sent since the last time."""
        return [frame for frame in tap.read() if frame[6:12] == self.macs[1] and HELLO in frame]


# The network, the relay and the flow are shared by all tests that need the same.

@pytest.fixture(scope="module")
def shared_lab(request: pytest.FixtureRequest) -> Iterator[VlanLab]:
    with VlanLab(STACKS[request.param]) as lab:
        yield lab


@pytest.fixture(scope="module")
def server(shared_lab: VlanLab, request: pytest.FixtureRequest) -> Iterator[Turnpike]:
    place, variant = request.param
    device = "nic0" if place == "trunk" else shared_lab.vlan_device("nic0")
    server = Turnpike(shared_lab, variant, options=["--dev", device])
    yield server
    server.stop()
    shared_lab.servers.remove(server)


@pytest.fixture(scope="module")
def wire(shared_lab: VlanLab, server: Turnpike, family: int) -> Iterator[Wire]:
    rig = Rig(shared_lab, server, family)
    yield Wire(shared_lab, rig)
    rig.close()


Place = tuple[str, tuple[str, Variant], int]  # what shared_lab, server and wire are made of


def at(places: Sequence[Place]) -> pytest.MarkDecorator:
    ids = [f"{stack}/{where}/{variant.name}/ipv{family}" for stack, (where, variant), family in places]
    return pytest.mark.parametrize("shared_lab, server, family", places, indirect=["shared_lab", "server"], ids=ids,
                                   scope="module")


ON_TRUNK = list(itertools.product(STACKS, TRUNKS, FAMILIES))
on_trunk = at(ON_TRUNK)
everywhere = at([*ON_TRUNK, *itertools.product(STACKS, VLAN_DEVICES, FAMILIES)])
each_direction = pytest.mark.parametrize("direction", DIRECTIONS)


@everywhere
def test_flows(wire: Wire) -> None:
    """Packets of many sizes, as client and peer send them, are relayed in the kernel."""
    rig = wire.rig
    before = rig.server.relayed()[0]
    payloads = [bytes([size % 256]) * size for size in range(0, 1400, 70)]
    for payload in payloads:
        rig.to_peer(payload)
        rig.to_client(payload)
    complaints = (compare("the peer", "plain", payloads, rig.at_peer(expected=len(payloads))) +
                  compare("the client", "channel", payloads, rig.at_client(expected=len(payloads))))
    relayed = rig.server.relayed()[0] - before
    if relayed != 2 * len(payloads):
        complaints.append(f"the kernel relayed {relayed} of {2 * len(payloads)} packets")
    check(complaints)


def tags_of(tags: Tags) -> bytes:
    return b"".join(struct.pack("!HH", tag.tpid, PRIORITY << 13 | ELIGIBLE << 12 | tag.number) for tag in tags)


@each_direction
@on_trunk
def test_same_tags(wire: Wire, direction: str) -> None:
    """A packet with the tags of its next hop is relayed in the kernel, and leaves with the same tags."""
    rig, tags = wire.rig, wire.lab.tags
    before = rig.server.relayed()[0]
    out: list[bytes] = []
    tap = Tap(wire.lab, "router", "to-relay")

    def seen() -> list[bytes]:
        out.extend(wire.from_relay(tap))
        return out
    wire.send(wire.frame(direction, tags))
    proc.wait_until(seen, LIMIT)
    tap.close()
    assert len(out) == 1
    after_tags = 12 + 4 * len(tags)
    complaints = []
    if out[0][12:after_tags] != tags_of(tags):
        complaints.append(f"it left with the tags {out[0][12:after_tags].hex()}, not {tags_of(tags).hex()}")
    payload = HELLO if direction == "to-peer" else turn.channel_data(CHANNEL, HELLO)
    ip = {4: b"\x08\x00\x45", 6: b"\x86\xdd\x60"}[rig.family]
    if not out[0].endswith(payload) or not out[0][after_tags:].startswith(ip):
        complaints.append(f"it left as {out[0].hex()}")
    if (relayed := rig.server.relayed()[0] - before) != 1:
        complaints.append(f"the kernel relayed {relayed} packets, not 1")
    arrived = rig.at_peer(expected=1) if direction == "to-peer" else rig.at_client(expected=1)
    if [each.payload for each in arrived] != [HELLO]:
        complaints.append(f"{arrived} arrived")
    check(complaints)


def other_tags(tags: Tags) -> dict[str, Tags]:
    """Tags that are not those of the next hop."""
    last = tags[-1]
    changed: dict[str, Tags] = {
        "another VLAN": [*tags[:-1], Tag(last.standard, last.number + 1)],
        "another standard": [*tags[:-1], Tag("802.1ad", last.number)],
        "untagged": [], "priority only": [Tag("802.1Q", 0)], "one tag more": [*tags, Tag("802.1Q", 7)]}
    if len(tags) > 1:
        changed |= {"another outer VLAN": [Tag(tags[0].standard, 201), tags[1]], "outer tag only": tags[:1],
                    "inner tag only": tags[1:], "swapped tags": tags[::-1]}
    return changed


@each_direction
@on_trunk
def test_other_tags(wire: Wire, direction: str) -> None:
    """A packet of the flow with other tags than those of its next hop is passed up, unchanged."""
    server, tap = wire.rig.server, Tap(wire.lab, "router", "to-relay")
    kernel_before = server.relayed()[0]
    complaints = []

    def passed_up() -> int:
        return server.verdicts().get("vlan", 0)

    for what, tags in other_tags(wire.lab.tags).items():
        before = passed_up()
        wire.send(wire.frame(direction, tags))
        if not proc.wait_until(lambda: passed_up() > before, LIMIT) or passed_up() != before + 1:
            complaints.append(f"{what}: {passed_up() - before} packets were counted as 'vlan'")
        time.sleep(QUIET)
        # User space may relay what the stack delivers, but the stack sends no priorities.
        if out := [frame for frame in wire.from_relay(tap)
                   if frame[12:14] in (b"\x81\x00", b"\x88\xa8") and frame[14] >> 5 == PRIORITY]:
            complaints.append(f"{what}: it left as {out[0][:60].hex()}")
    tap.close()
    if kernel := server.relayed()[0] - kernel_before:
        complaints.append(f"the kernel relayed {kernel} packets")
    wire.rig.at_peer()
    wire.rig.at_client()
    check(complaints)

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A VLAN on the relay's NIC that belongs to another network namespace, such as a container's, and is added later.

    client ----- router ----- relay        VLAN 5 between router and tenant passes its NIC, which strips the tags
                   |            :
                 peer         tenant       (the client's namespace stands in for the tenant's)

A kernel without VLAN devices runs these tests in a virtual machine with one of Debian's (lab/elsewhere.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from lab import proc, turn
from lab.complaints import Complaints, check
from lab.lab import Lab
from lab.relay import AUTO, BY_NAME, Turnpike, Variant
from lab.rig import CHANNEL, Rig
from lab.wire import mac, sender

pytestmark = pytest.mark.vlan_devices

FRAMES = 20
LIMIT = 30  # seconds to wait for a mode, in an emulated machine
HELLO = b"not for the peer"
TENANT, FOREIGN = "tenant5", "foreign5"  # the VLAN devices
VLAN = ["type", "vlan", "id", "5"]
MODES_WITH_VLAN = [(AUTO, "tc"), (BY_NAME["generic-head"], "userspace"), (BY_NAME["tcx"], "tc")]


@pytest.fixture(scope="module")
def shared_lab() -> Iterator[Lab]:
    with Lab("router", offload=True) as lab:
        yield lab


def add_vlan(lab: Lab) -> None:
    lab.run("relay", ["ip", "link", "add", "link", "nic0", "name", TENANT, *VLAN])
    lab.run("relay", ["ip", "link", "set", TENANT, "netns", lab.namespace("client")])
    lab.run("client", ["ip", "link", "set", TENANT, "up"])
    lab.run("router", ["ip", "link", "add", "link", "to-relay", "name", FOREIGN, *VLAN])
    lab.run("router", ["ip", "link", "set", FOREIGN, "up"])


def remove_vlan(lab: Lab) -> None:
    lab.run("client", ["ip", "link", "del", TENANT], check=False)
    lab.run("router", ["ip", "link", "del", FOREIGN], check=False)


def mode(server: Turnpike) -> str:
    return str(server.ask("status")["devices"][0]["mode"])


def received(lab: Lab) -> int:
    link = json.loads(lab.run("client", ["ip", "-json", "-stats", "link", "show", TENANT]).stdout)[0]
    return int(link["stats64"]["rx"]["packets"])


def send_foreign(lab: Lab, rig: Rig) -> None:
    """Frames of VLAN 5 whose packets look like those of the relay's client."""
    source, to = rig.client.socket.getsockname(), rig.server_address
    packet = Ether(src="02:00:00:00:00:09", dst=mac(lab, "relay", "nic0")) / IP(src=source[0], dst=to[0]) / \
        UDP(sport=source[1], dport=to[1]) / Raw(turn.channel_data(CHANNEL, HELLO))
    with sender(lab, "router", FOREIGN) as out:
        for _ in range(FRAMES):
            out.send(bytes(packet))


@pytest.mark.parametrize("variant, meanwhile", MODES_WITH_VLAN)
def test_added_later(lab: Lab, variant: Variant, meanwhile: str) -> None:
    """Its frames go to their owner and never to the peer; XDP leaves the device until the VLAN is gone."""
    complaints: Complaints = []
    server = Turnpike(lab, variant, options=["--dev", "nic0"])
    before = mode(server)
    rig = Rig(lab, server, 4)
    add_vlan(lab)
    try:
        if not proc.wait_until(lambda: mode(server) == meanwhile, LIMIT):
            complaints.append(f"the mode is {mode(server)}, not {meanwhile}")
        if before != meanwhile and "strips their tags" not in server.ask("status")["devices"][0]["why"]:
            complaints.append(f"the status does not say why: {server.ask('status')['devices'][0]['why']}")
        count = received(lab)
        send_foreign(lab, rig)
        if not proc.wait_until(lambda: received(lab) >= count + FRAMES, LIMIT):
            complaints.append(f"the tenant got {received(lab) - count} of {FRAMES} frames")
        complaints += [f"the peer got {each.payload!r}" for each in rig.at_peer(0.5)]
        rig.to_peer(HELLO)
        if [each.payload for each in rig.at_peer(1, 1)] != [HELLO]:
            complaints.append("the client's own message was not relayed")
    finally:
        remove_vlan(lab)
    if not proc.wait_until(lambda: mode(server) == before, LIMIT):
        complaints.append(f"afterwards the mode is {mode(server)}, not {before}")
    rig.close()
    check(complaints + server.stop_complaints())

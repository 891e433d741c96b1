# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Peers in private networks, and the metadata services of clouds.

    client ----- relay ----- peer

All networks of the lab are private. A public relay is one with --external-ip.
"""

from __future__ import annotations

from functools import partial

import pytest

from lab import turn
from lab.complaints import Complaints, check, refused
from lab.endpoints import turn_client
from lab.lab import Lab
from lab.relay import BY_NAME, Turnpike
from lab.roundtrip import CHANNEL
from lab.topology import FAMILIES

USERSPACE = BY_NAME["userspace"]
FORBIDDEN = 403
# One of each network that somebody may run, of each that nobody does, and of the clouds.
PRIVATE = {4: ("10.1.2.3", "172.20.1.1", "192.168.7.7", "100.64.0.1", "198.18.0.1", "192.0.2.1"),
           6: ("fd12::1", "fc00::1", "2001:db8::1", "3fff::1")}
UNUSABLE = {4: ("127.0.0.1", "169.254.1.1", "192.0.0.8", "224.0.0.1", "240.0.0.1", "192.88.99.1"),
            6: ("::1", "fe80::1", "fec0::1", "100::1", "2001:10::1", "2002:808:808::1", "ff02::1", "5f00::1")}
METADATA = {4: ("169.254.169.254", "169.254.170.2", "168.63.129.16", "100.100.100.200", "192.0.0.192", "100.96.0.96"),
            6: ("fd00:ec2::254", "fd20:ce::254", "fd00:c1::a9fe:a9fe", "fe80::a9fe:a9fe", "fd00:42::42")}
PUBLIC = {4: "8.8.8.8", 6: "2a00::1"}
EXTERNAL = {4: "9.9.9.9", 6: "2a00::9"}
families = pytest.mark.parametrize("family", FAMILIES)


def closed(client: turn.Client, addresses: tuple[str, ...]) -> Complaints:
    """Check that the client gets neither a permission nor a channel."""
    return [each for number, address in enumerate(addresses)
            for each in refused(FORBIDDEN, partial(client.permit, (address, 9)), f"a permission for {address}")
            + refused(FORBIDDEN, partial(client.bind, CHANNEL + number, (address, 9)), f"a channel to {address}")]


def opened(client: turn.Client, addresses: tuple[str, ...]) -> Complaints:
    complaints = []
    for address in addresses:
        try:
            client.permit((address, 9))
        except turn.TurnError as error:
            complaints.append(f"{address}: {error}")
    return complaints


# The options, whether the relay is public, and whether private peers are permitted.
RULES = {
    "private": ((), False, True),
    "public": ((), True, False),
    "private, denied": (("--deny-peer", "private"), False, False),
    "public, allowed": (("--allow-peer", "private"), True, True),
    "everything allowed": (("--allow-peer", "0.0.0.0/0", "--allow-peer", "::/0"), True, False),
}


@pytest.mark.parametrize("rule", RULES)
@families
def test_rules(lab: Lab, rule: str, family: int) -> None:
    """Private peers are permitted by a private relay, or by name; the unusable and metadata services never."""
    options, is_public, permitted = RULES[rule]
    external = ["--external-ip", f"{EXTERNAL[family]}/{lab.topology.relayed.address(family)}"] if is_public else []
    server = Turnpike(lab, USERSPACE, options=[*options, *external])
    client = turn_client(lab, "client", family, family)
    with client.socket:
        complaints = (opened if permitted else closed)(client, PRIVATE[family])
        complaints += closed(client, UNUSABLE[family]) + closed(client, METADATA[family])
        complaints += opened(client, (PUBLIC[family],))
    warned = "clients can reach private networks" in server.process.log()
    if warned != (not is_public and not options):
        complaints.append(f"{'a' if warned else 'no'} warning about private networks is logged")
    check(complaints)


@families
def test_prefixes(lab: Lab, family: int) -> None:
    """A prefix opens its own part of a private network. Only its own address opens a metadata service."""
    named = METADATA[family][2]
    nets = {4: ("10.1.0.0/16", "100.64.0.0/10", "168.63.0.0/16"),
            6: ("fd12::/16", "fd00::/16", "fd00:ec2::/32")}[family]
    external = f"{EXTERNAL[family]}/{lab.topology.relayed.address(family)}"
    Turnpike(lab, USERSPACE, options=["--external-ip", external,
                                      *(word for each in (*nets, named) for word in ("--allow-peer", each))])
    client = turn_client(lab, "client", family, family)
    with client.socket:
        complaints = opened(client, (PRIVATE[family][0], named)) + closed(client, PRIVATE[family][1:2])
        check(complaints + closed(client, tuple(each for each in METADATA[family] if each != named)))

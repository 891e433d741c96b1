# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Both ends are clients of one relay: the most common case of WebRTC where only relays are used.

    client ----- relay ----- peer        the peer is a client of the relay, too
"""

from __future__ import annotations

import itertools
import os
import socket

import pytest

from lab import connected, proc, turn, turnutils
from lab.complaints import Complaints, check, refused
from lab.endpoints import SOCKET_FAMILY, echo_peer, receive, turn_client
from lab.hairpin import CHANNEL, OTHER_CHANNEL, SIZES, Pair, channels, expect_channel, indications, mixed, send_channel
from lab.lab import Lab
from lab.relay import BY_NAME, MODES, Turnpike, Variant
from lab.roundtrip import echoed, relayed_there
from lab.topology import FAMILIES
from lab.transfer import first_packets

STAYS = "the peer is this host: its client has no flow, as on TCP, TLS or DTLS"
EXCHANGES = (indications, mixed, channels)
EXTERNAL = {4: "203.0.113.5", 6: "2001:db8:5::5"}
every_mode = pytest.mark.parametrize("variant", MODES)
every_family = pytest.mark.parametrize("family", FAMILIES)
# The client's family, that of the relayed addresses, the other client's.
all_families = pytest.mark.parametrize("families", itertools.product(FAMILIES, repeat=3))


def between(lab: Lab, variant: Variant, families: tuple[int, int, int], role: str = "peer") -> Complaints:
    """Everything that two clients can exchange; the other one has this role."""
    server = Turnpike(lab, variant)
    complaints: Complaints = []
    for exchange in EXCHANGES:
        pair = Pair.over_udp(lab, families, role)
        complaints += [f"{exchange.__name__}: {each}" for each in exchange(pair, server)]
        pair.close()
    if server.flows():
        complaints.append("the kernel still has flows")
    server.stop()
    return complaints


@every_mode
@all_families
def test_clients(lab: Lab, variant: Variant, families: tuple[int, int, int]) -> None:
    """Data from client to client is one pass in the kernel, whether or not they have channels."""
    check(between(lab, variant, families))


@every_mode
def test_one_client(lab: Lab, variant: Variant) -> None:
    """Two allocations of one client reach each other like those of two clients."""
    check(between(lab, variant, (4, 4, 4), role="client"))


@every_mode
def test_connected(lab: Lab, variant: Variant) -> None:
    """Data from and to a client over TCP, TLS or DTLS is for user space, though the other client has a flow."""
    server = connected.serve(lab, variant)
    complaints: Complaints = []
    for transport, family in itertools.product(connected.CONNECTED, FAMILIES):
        pair = Pair(turn_client(lab, "peer", family, family), connected.turn_client(lab, transport, family, family))
        pair.a.bind(CHANNEL, pair.b.relayed)
        pair.b.bind(OTHER_CHANNEL, pair.a.relayed)
        out = {pair.a: CHANNEL, pair.b: OTHER_CHANNEL}
        (kernel_before, user_before), hairpins = server.relayed(), server.hairpins()
        for size, (sender, receiver) in itertools.product(SIZES, pair.both_ways()):
            payload = os.urandom(size)
            send_channel(sender, out[sender], payload)
            complaints += [f"{transport}: {each}" for each in expect_channel(receiver, out[receiver], payload)]
        kernel, user = server.relayed()
        counted = server.hairpins() - hairpins, kernel - kernel_before, user - user_before
        if counted != (0, 0, 4 * len(SIZES)):
            complaints.append(f"{transport}: hairpins, in the kernel, in user space: {counted}")
        why = [flow["why"] for flow in server.flows() if flow["direction"] == "to-peer"]
        if variant.in_kernel and why != [STAYS]:
            complaints.append(f"{transport}: the flow to the peer says {why}")
        pair.close()
    if server.flows():
        complaints.append("the kernel still has flows")
    server.stop()
    check(complaints)


@every_mode
def test_itself(lab: Lab, variant: Variant) -> None:
    """A client's own relayed address is a peer like any other: its data comes back."""
    server = Turnpike(lab, variant)
    client = turn_client(lab, "client", 4, 4)
    client.bind(CHANNEL, client.relayed)
    complaints: Complaints = []
    for payload in map(os.urandom, SIZES):
        send_channel(client, CHANNEL, payload)
        complaints += expect_channel(client, CHANNEL, payload)
    client.refresh(0)
    client.socket.close()
    server.stop()
    check(complaints)


@every_mode
def test_both_families(lab: Lab, variant: Variant) -> None:
    """An allocation with both families reaches each peer from the relay of its family; one family can be given back."""
    server = Turnpike(lab, variant)
    client = turn_client(lab, "client", 4)
    client.allocate_both()
    complaints: Complaints = []
    if set(client.relays) != {4, 6}:
        complaints.append(f"the relayed addresses are {client.relays}")
    with echo_peer(lab, 4) as peer4, echo_peer(lab, 6) as peer6:
        peers = {CHANNEL: peer4, CHANNEL + 1: peer6}
        for channel, peer in peers.items():
            client.bind(channel, peer.address)
        complaints += relayed_there(server, [client], tuple(peers), [os.urandom(size) for size in SIZES])
        client.refresh(0, family=4)
        complaints += echoed(client, b"still there", CHANNEL + 1)
        send_channel(client, CHANNEL, b"gone")
        if client.receive(0.2) is not None or b"gone" in peer4.received:
            complaints.append("IPv4 was given back, and still relays")
        complaints += refused(443, lambda: client.bind(CHANNEL, peer4.address), "a channel of the family that is gone")
        client.refresh(0)
    status = server.ask("status")
    if (status["allocations"], status["relays"], status["flows"]) != (0, 0, 0):
        complaints.append(f"left behind: {status}")
    client.socket.close()
    server.stop()
    check(complaints)


@every_mode
@every_family
def test_uclient(lab: Lab, variant: Variant, family: int) -> None:
    """coturn's load generator, whose clients talk to each other (-y), loses nothing."""
    server = Turnpike(lab, variant)
    messages = 2 * turnutils.BUFFERED
    load = turnutils.run_load(lab, family, clients=2, messages=turnutils.BUFFERED, interval_ms=1, options=("-y",))
    complaints = [] if load.sent == load.received == messages and not load.lost else \
        [f"turnutils_uclient sent {load.sent} of {messages}, received {load.received}"]
    passes, (kernel, user) = server.hairpins(), server.relayed()
    # Each message is one pass in the kernel or two in user space, where the first ones go until flows are confirmed.
    first = first_packets(server)
    fewest = max(messages - first, 1) if variant.in_kernel else 0
    if kernel != passes or 2 * passes + user != 2 * messages or passes < fewest:
        complaints.append(f"{passes} hairpins, {kernel} packets relayed in the kernel, {user} in user space")
    server.stop()
    check(complaints)


@every_mode
def test_ports(lab: Lab, variant: Variant) -> None:
    """A service of the relay's host is no peer, although its address is one; nor is a relay that is over."""
    server = Turnpike(lab, variant)
    complaints: Complaints = []
    for family in FAMILIES:
        pair = Pair.over_udp(lab, (family, family, family))
        own = lab.topology.relayed.address(family)
        with lab.entered("relay"):
            service = socket.socket(SOCKET_FAMILY[family], socket.SOCK_DGRAM)
        service.bind((own, 0))
        address: turn.Address = service.getsockname()[:2]
        complaints += refused(403, lambda: pair.a.bind(CHANNEL, address), "a channel to a service of the host")
        complaints += refused(403, lambda: pair.a.bind(CHANNEL, (own, 3478)), "a channel to the listener")
        pair.a.permit(address)
        pair.a.bind(CHANNEL, pair.b.relayed)
        before = server.in_user_space()["no_relay"]
        pair.a.send_indication(address, b"to the service")
        pair.b.refresh(0)
        send_channel(pair.a, CHANNEL, b"to nobody")
        pair.a.send_indication(pair.b.relayed, b"to nobody")
        if not proc.wait_until(lambda: server.in_user_space()["no_relay"] - before == 3, 2):
            complaints.append(f"{server.in_user_space()['no_relay'] - before} datagrams were refused, not 3")
        if receive(service, family, 0.05):
            complaints.append("the service was reached")
        service.sendto(b"from the service", pair.a.relayed)
        if (got := pair.a.receive(0.1)) is not None:
            complaints.append(f"the client got {got!r}")
        service.close()
        pair.a.refresh(0)
    server.stop()
    check(complaints)


@every_mode
def test_external(lab: Lab, variant: Variant) -> None:
    """Behind a 1:1 NAT the kernel relays between the inner addresses, and the clients learn only the external ones."""
    own = lab.topology.relayed
    options = [word for family in FAMILIES
               for word in ("--external-ip", f"{EXTERNAL[family]}/{own.address(family)}")]
    server = Turnpike(lab, variant, options=options)
    complaints: Complaints = []
    for family in FAMILIES:
        for exchange in EXCHANGES:
            pair = Pair.over_udp(lab, (family, family, family))
            complaints += [f"relayed from {client.relayed}" for client in (pair.a, pair.b)
                           if client.relayed[0] != EXTERNAL[family]]
            complaints += [f"{exchange.__name__}: {each}" for each in exchange(pair, server)]
            if any(EXTERNAL[family] in str(flow) for flow in server.flows()):
                complaints.append("a flow has the external address")
            pair.close()
    server.stop()
    check(complaints)


def test_denied(lab: Lab) -> None:
    """A relayed address whose network is denied to peers is no peer."""
    own = lab.topology.relayed
    server = Turnpike(lab, BY_NAME["userspace"], options=["--deny-peer", own.address(4), "--deny-peer", own.address(6)])
    complaints: Complaints = []
    for family in FAMILIES:
        pair = Pair.over_udp(lab, (family, family, family))
        complaints += refused(403, lambda: pair.a.bind(CHANNEL, pair.b.relayed), "a channel to what is denied")
        complaints += refused(403, lambda: pair.a.permit(pair.b.relayed), "a permission for what is denied")
        pair.close()
    server.stop()
    check(complaints)

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Addresses of the relay's own machine are no peers: services that listen on them are not for clients.

    client ----- relay ----- peer
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from functools import partial

import pytest

from lab import proc, turn
from lab.complaints import Complaints, check, refused
from lab.endpoints import SOCKET_FAMILY, echo_peer, turn_client
from lab.lab import Lab
from lab.relay import BY_NAME, MODES, Turnpike, Variant
from lab.roundtrip import CHANNEL, relayed_there
from lab.topology import FAMILIES

USERSPACE = BY_NAME["userspace"]
FORBIDDEN = 403
# Of another network of the machine, for management or for containers.
INNER = {4: "10.78.0.1", 6: "fd78::1"}
families = pytest.mark.parametrize("family", FAMILIES)


@contextlib.contextmanager
def own_address(lab: Lab, address: str) -> Iterator[None]:
    """The relay's machine has this address."""
    host = f"{address}/{128 if ':' in address else 32}"
    lab.run("relay", ["ip", "address", "add", host, "dev", "lo", *(["nodad"] if ":" in address else [])])
    try:
        yield
    finally:
        lab.run("relay", ["ip", "address", "del", host, "dev", "lo"])


@contextlib.contextmanager
def service(lab: Lab, family: int, address: turn.Address) -> Iterator[socket.socket]:
    """A service of the relay's machine on one of its addresses."""
    with lab.entered("relay"):
        sock = socket.socket(SOCKET_FAMILY[family], socket.SOCK_DGRAM)
    with sock:
        sock.bind(address)
        sock.setblocking(False)
        yield sock


def has_received(sock: socket.socket) -> bool:
    try:
        sock.recv(65536)
    except BlockingIOError:
        return False
    return True


def is_forbidden(client: turn.Client, peer: turn.Address) -> bool:
    try:
        client.permit(peer)
    except turn.TurnError as error:
        return error.code == FORBIDDEN
    return False


def closed(client: turn.Client, family: int, address: str) -> Complaints:
    """Check that the client may not reach an address of the relay's machine."""
    peer = (address, 9)
    return (refused(FORBIDDEN, partial(client.permit, peer), f"a permission for {address}")
            + refused(FORBIDDEN, partial(client.bind, CHANNEL, peer), f"a channel to {address}, IPv{family}"))


@families
def test_present(lab: Lab, family: int) -> None:
    """No address of the machine is a peer, also if nothing listens or relays there."""
    with own_address(lab, INNER[family]):
        Turnpike(lab, USERSPACE)
        client = turn_client(lab, "client", family, family)
        with client.socket:
            check(closed(client, family, INNER[family]))


@families
def test_networks_that_are_allowed(lab: Lab, family: int) -> None:
    """--allow-peer opens a network without the machine's own addresses, unless it names one of them."""
    address, net = INNER[family], {4: "10.78.0.0/16", 6: "fd78::/16"}[family]
    neighbour = {4: "10.78.0.2", 6: "fd78::2"}[family]
    with own_address(lab, address):
        server = Turnpike(lab, USERSPACE, options=["--allow-peer", net])
        client = turn_client(lab, "client", family, family)
        with client.socket:
            complaints = closed(client, family, address)
            client.permit((neighbour, 9))
        server.stop()
        Turnpike(lab, USERSPACE, options=["--allow-peer", net, "--allow-peer", address])
        client = turn_client(lab, "client", family, family)
        with client.socket, service(lab, family, (address, 0)) as sock:
            client.permit((address, 9))
            client.send_indication(sock.getsockname()[:2], b"hello")
            if not proc.wait_until(lambda: has_received(sock), 5):
                complaints.append("an address that is named is not reached")
    check(complaints)


@families
def test_local_routes(lab: Lab, family: int) -> None:
    """A network that the machine receives by a local route (AnyIP) is its own."""
    net, address = {4: ("10.78.0.0/24", "10.78.0.9"), 6: ("fd78::/64", "fd78::9")}[family]
    Turnpike(lab, USERSPACE, options=["--allow-peer", {4: "10.0.0.0/8", 6: "fd00::/8"}[family]])
    client = turn_client(lab, "client", family, family)
    with client.socket:
        client.permit((address, 9))
        lab.run("relay", ["ip", f"-{family}", "route", "add", "local", net, "dev", "lo"])
        try:
            closes = proc.wait_until(lambda: is_forbidden(client, (address, 9)), 5)
        finally:
            lab.run("relay", ["ip", f"-{family}", "route", "del", "local", net, "dev", "lo"])
        opens = proc.wait_until(lambda: not is_forbidden(client, (address, 9)), 5)
    assert closes and opens


@pytest.mark.parametrize("variant", MODES)
@families
def test_addresses_that_come(lab: Lab, variant: Variant, family: int) -> None:
    """When the machine gets the address of a peer, its permissions and flows end. They can be made again later."""
    server = Turnpike(lab, variant)
    address = lab.address("peer", family)
    client = turn_client(lab, "client", family, family)
    with client.socket, echo_peer(lab, family) as peer:
        client.bind(CHANNEL, peer.address)
        complaints = relayed_there(server, [client])
        with own_address(lab, address), service(lab, family, peer.address) as inside:
            if not proc.wait_until(lambda: is_forbidden(client, (address, 9)), 5):
                complaints.append(f"{address} is still a peer")
            if server.flows():
                complaints.append(f"flows are left: {server.flows()}")
            client.send_indication(peer.address, b"hello")
            client.socket.send(turn.channel_data(CHANNEL, b"hello"))
            client.refresh(600)  # its response follows what the server does with the data
            if has_received(inside):
                complaints.append("a service on the machine's own address has received a client's data")
        if not proc.wait_until(lambda: not is_forbidden(client, (address, 9)), 5):
            complaints.append(f"{address} is not a peer again")
        client.bind(CHANNEL, peer.address)
        complaints += relayed_there(server, [client])
    check(complaints)

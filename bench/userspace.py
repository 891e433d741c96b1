# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`turnpike serve` in mode userspace, its clients with allocations and channels, and their traffic."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import paths  # noqa: F401
from frame import Address, Frame
from lab import turn
from lab.endpoints import SOCKET_FAMILY
from lab.relay import BY_NAME, PASSWORD, USER, Server
from network import PEERS, Network, Range, Stream
from servers import server_cpus, serving
from traffic import CHANNEL, Families, channel_data, data, listener

# First ports of the clients' sockets. They are consecutive, one per flow, so that the generator can use them.
CLIENTS_FROM, OTHERS_FROM = 20000, 30000
ALL_PORTS = 16  # bits: all clients have one address


@dataclass(frozen=True)
class Listed:
    """Addresses that the server has chosen."""

    addresses: Sequence[Address]

    def nth(self, number: int, _family: int) -> Address:
        return self.addresses[number]


def clients_range(network: Network, first_port: int) -> Range:
    return Range({family: network.client.place.address(family) for family in (4, 6)}, first_port, ALL_PORTS)


@contextlib.contextmanager
def clients(network: Network, family: int, relayed: int, first_port: int, count: int) -> Iterator[list[turn.Client]]:
    """Clients with an allocation and a port each."""
    with contextlib.ExitStack() as sockets:
        everyone = []
        for number in range(count):
            with network.entered("client"):
                sock = sockets.enter_context(socket.socket(SOCKET_FAMILY[family], socket.SOCK_DGRAM))
            sock.bind((network.client.place.address(family), first_port + number))
            everyone.append(turn.Client(sock, listener(network, family), USER, PASSWORD))
            everyone[-1].allocate(relayed)
        yield everyone


@contextlib.contextmanager
def relaying(network: Network, families: Families, direction: str, size: int,
             flows: int) -> Iterator[tuple[Server, Stream]]:
    with serving(network, BY_NAME["userspace"], server_cpus()) as server, contextlib.ExitStack() as stack:
        if direction == "hairpin":
            yield server, hairpin(network, families, size, flows, stack)
        else:
            yield server, with_peers(network, families, direction, size, flows, stack)


def with_peers(network: Network, families: Families, direction: str, size: int, flows: int,
               stack: contextlib.ExitStack) -> Stream:
    everyone = stack.enter_context(clients(network, families.client, families.peer, CLIENTS_FROM, flows))
    for number, client in enumerate(everyone):
        client.bind(CHANNEL, PEERS.nth(number, families.peer))
    here, there, ours = network.client, network.peer, clients_range(network, CLIENTS_FROM)
    relayed = Listed([client.relayed for client in everyone])
    server, peer = listener(network, families.client), PEERS.nth(0, families.peer)
    first = ours.nth(0, families.client)
    up = Stream(
        sender=here, receiver=there, flows=flows, source=ours, expected_source=relayed, expected_target=PEERS,
        by_stack=True,
        sent=Frame(here.near.mac, here.mac, first, server, channel_data(size)),
        expected=Frame(there.mac, there.near.mac, everyone[0].relayed, peer, data(size)))
    if direction == "to-peer":
        return up
    if flows > 1:
        raise ValueError("the generator cannot send to ports that the relay chose")
    return replace(up, sender=there, receiver=here, source=None, expected_source=None, expected_target=None,
                   sent=Frame(there.near.mac, there.mac, peer, everyone[0].relayed, data(size)),
                   expected=Frame(here.mac, here.near.mac, server, first, channel_data(size)))


def hairpin(network: Network, families: Families, size: int, flows: int, stack: contextlib.ExitStack) -> Stream:
    """Relayed twice: by the sender's allocation, and by the receiver's."""
    some = stack.enter_context(clients(network, families.client, families.client, CLIENTS_FROM, flows))
    others = stack.enter_context(clients(network, families.peer, families.client, OTHERS_FROM, flows))
    for one, other in zip(some, others):
        one.bind(CHANNEL, other.relayed)
        other.bind(CHANNEL, one.relayed)
    ends, ours, theirs = network.client, clients_range(network, CLIENTS_FROM), clients_range(network, OTHERS_FROM)
    return Stream(
        sender=ends, receiver=ends, flows=flows, source=ours, expected_target=theirs, by_stack=True,
        sent=Frame(ends.near.mac, ends.mac, ours.nth(0, families.client), listener(network, families.client),
                   channel_data(size)),
        expected=Frame(ends.mac, ends.near.mac, listener(network, families.peer), theirs.nth(0, families.peer),
                       channel_data(size)))

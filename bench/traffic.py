# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Streams of each direction: client to peer, peer to client, client to client, with the expected frames.

DF is copied from IPv4 to IPv4. Packets from IPv6 that are as short as these are sent without it (RFC 7915 section 5.1).
A size is that of the application data; ChannelData adds a header of four bytes (RFC 8656 section 12.4).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import paths  # noqa: F401
from frame import TTL, Address, Frame
from lab import turn
from lab.relay import PORT
from network import CLIENTS, OTHERS, PEERS, RELAYED, RELAYED_OTHERS, Network, Range, Stream

CHANNEL = 0x4000
SIZES = (64, 160, 1200)
COUNTS = (1, 1000, 100_000, 1_000_000)  # flows
# A tail move shifts data by a multiple of four bytes: recycled frames must still look the same.
PATTERN = bytes.fromhex("a5c3960f")


@dataclass(frozen=True)
class Families:
    """The IP versions between clients and relay, and between relay and peers. A hairpin goes from a client of the
    former to a client of the latter."""

    name: str
    client: int
    peer: int


FAMILIES = {each.name: each for each in (Families("ipv4", 4, 4), Families("ipv6", 6, 6), Families("4to6", 4, 6))}


def data(size: int) -> bytes:
    return (PATTERN * (size // len(PATTERN) + 1))[:size]


def channel_data(size: int) -> bytes:
    return turn.channel_data(CHANNEL, data(size))


def listener(network: Network, family: int) -> Address:
    return network.topology.listen.address(family), PORT


def unrelayed(network: Network, family: int, size: int, flows: int, ttl: int) -> Stream:
    """Packets as long as ChannelData of this size, which are forwarded to peers unchanged."""
    source, target, payload = CLIENTS.nth(0, family), PEERS.nth(0, family), channel_data(size)
    here, there = network.client, network.peer
    return Stream(sender=here, sent=Frame(here.near.mac, here.mac, source, target, payload),
                  receiver=there, expected=Frame(there.mac, there.near.mac, source, target, payload, ttl),
                  flows=flows, source=CLIENTS, target=PEERS, expected_source=CLIENTS, expected_target=PEERS)


def to_peer(network: Network, families: Families, size: int, flows: int) -> Stream:
    here, there = network.client, network.peer
    return Stream(
        sender=here, receiver=there, flows=flows, source=CLIENTS, expected_source=RELAYED, expected_target=PEERS,
        sent=Frame(here.near.mac, here.mac, CLIENTS.nth(0, families.client), listener(network, families.client),
                   channel_data(size)),
        expected=Frame(there.mac, there.near.mac, RELAYED.nth(0, families.peer), PEERS.nth(0, families.peer),
                       data(size), TTL - 1, dont_fragment=families.client == 4))


def to_client(network: Network, families: Families, size: int, flows: int) -> Stream:
    here, there = network.peer, network.client
    return Stream(
        sender=here, receiver=there, flows=flows, source=PEERS, target=RELAYED, expected_target=CLIENTS,
        sent=Frame(here.near.mac, here.mac, PEERS.nth(0, families.peer), RELAYED.nth(0, families.peer), data(size)),
        expected=Frame(there.mac, there.near.mac, listener(network, families.client), CLIENTS.nth(0, families.client),
                       channel_data(size), TTL - 1, dont_fragment=families.peer == 4))


def hairpin(network: Network, families: Families, size: int, flows: int) -> Stream:
    """From a client of one family to a client of the other."""
    ends = network.client
    return Stream(
        sender=ends, receiver=ends, flows=flows, source=CLIENTS, expected_target=OTHERS,
        sent=Frame(ends.near.mac, ends.mac, CLIENTS.nth(0, families.client), listener(network, families.client),
                   channel_data(size)),
        expected=Frame(ends.mac, ends.near.mac, listener(network, families.peer), OTHERS.nth(0, families.peer),
                       channel_data(size), TTL - 1))


DIRECTIONS: dict[str, Callable[[Network, Families, int, int], Stream]] = {
    "to-peer": to_peer, "to-client": to_client, "hairpin": hairpin}


@dataclass(frozen=True)
class Binding:
    """Bindings for bench/tools/flows.c, with one family on each side."""

    client: Range
    client_family: int
    relayed: Range
    peer: Range
    peer_family: int
    channel: int = CHANNEL  # 0: indications
    limits: int = 0         # levels of policers

    def order(self, network: Network, count: int, seconds: int, policer: int) -> str:
        return " ".join(("bind", str(count), str(self.channel), str(seconds), str(policer),
                         spread(self.client, self.client_family), text(*listener(network, self.client_family)),
                         spread(self.relayed, self.peer_family), spread(self.peer, self.peer_family)))


def bindings(families: Families, hairpins: bool) -> list[Binding]:
    """The bindings of such flows. A hairpin needs two, each the peer of the other."""
    if not hairpins:
        return [Binding(CLIENTS, families.client, RELAYED, PEERS, families.peer)]
    return [Binding(CLIENTS, families.client, RELAYED, RELAYED_OTHERS, families.client),
            Binding(OTHERS, families.peer, RELAYED_OTHERS, RELAYED, families.client)]


def text(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def spread(addresses: Range, family: int) -> str:
    return f"{text(*addresses.nth(0, family))}/{addresses.bits}"

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Random worlds: bindings of all combinations of families, hairpins, and next hops of all kinds."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from random import Random

from world import (CONFIRM, DSCPS, LISTENER, NOBODY, NSEC, OTHER_DEVICE, OTHER_PUBLICATION, OURS, RELAY, Address,
                   Binding, Confirmation, Hop, World)

HOUR = 3600 * NSEC
FOREVER = 1 << 62
CHANNELS = (0x4000, 0x4001, 0x4fff, 0x5000, 0x7fff)
LISTENER_PORTS = (3478, 5349, 1, 65535)
MTUS = (68, 100, 576, 1259, 1260, 1261, 1279, 1280, 1281, 1300, 1492, 1500, 1500, 1500, 3000, 9000, 9000, 9000, 9000,
        9000, 9000, 65535)
DEVICE_MTUS = (1280, 1500, 1500, 1500, 9000, 65535)
TAG_STACKS = ((), (), (), (0x8100,), (0x8100,), (0x88a8,), (0x88a8, 0x8100), (0x8100, 0x8100), (0x88a8, 0x88a8))
POLICERS = (0, 2, 3, 4, 5)  # used by bindings; 0: none
CHECKS = 1  # the limit on checks
PARENTS = {CHECKS: 0, 2: 6, 3: 6, 4: 7, 5: 0, 6: 9, 7: 0, 8: 0, 9: 8}
OF_PACKETS = {CHECKS, 7, 9}
OTHER_IFINDEX = 11
WORDS = {4: 2, 6: 8}  # in an address


def random_ip(rng: Random, family: int) -> str:
    """Includes words of all zeros and all ones, the edge cases of ones' complement arithmetic.

    IPv4-mapped addresses are none of IPv6: the library refuses bindings that have one.
    """
    words = [rng.choice((0, 0xffff, rng.randrange(1 << 16), rng.randrange(1 << 16))) for _ in range(WORDS[family])]
    ip = ipaddress.ip_address(b"".join(word.to_bytes(2, "big") for word in words))
    return random_ip(rng, family) if getattr(ip, "ipv4_mapped", None) else str(ip)


def random_mac(rng: Random) -> bytes:
    return bytes([rng.randrange(256) & 0xfe]) + rng.randbytes(5)


def random_expiry(rng: Random) -> int:
    return rng.choices((HOUR, FOREVER, -HOUR, -FOREVER), (80, 10, 7, 3))[0]


def random_port(rng: Random) -> int:
    return rng.choice((1, 65535, rng.randrange(1, 65536)))


def random_binding(rng: Random, client: Address, server: Address, relay: Address, peer: Address) -> Binding:
    """By a channel, or by indications: then a peer behind NAT has another address for the client."""
    by_channel = Binding(client, server, relay, peer, rng.choice(CHANNELS + (rng.randrange(0x4000, 0x8000),)),
                         random_expiry(rng), random_expiry(rng), rng.choice(POLICERS), rng.choice(POLICERS),
                         rng.choice((0, 0xfffff, rng.randrange(1 << 20))),
                         rng.choice((0, 0xfffff, rng.randrange(1 << 20))))
    if rng.random() < 0.5:
        return by_channel
    external = Address(random_ip(rng, peer.family), random_port(rng))
    return replace(by_channel, channel=0, channel_expires=by_channel.permission_expires,
                   xor_peer=rng.choice((peer, external)))


class Addresses:
    """Transport addresses by role; a port has one role only."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.listeners = rng.sample(LISTENER_PORTS, 2)
        self.servers = {family: [random_ip(rng, family) for _ in range(2)] for family in (4, 6)}
        self.relays: set[int] = set()
        self.hosts: set[Address] = set()

    def host(self, family: int) -> Address:
        """A new one each time: a client has one binding for a channel, and a peer has one for a relay."""
        host = self._random_host(family)
        while host in self.hosts:
            host = self._random_host(family)
        self.hosts.add(host)
        return host

    def _random_host(self, family: int) -> Address:
        return Address(random_ip(self.rng, family), random_port(self.rng))

    def server(self, family: int) -> Address:
        return Address(self.rng.choice(self.servers[family]), self.rng.choice(self.listeners))

    def relay(self, family: int) -> Address:
        port = 49152
        while port in self.relays or port in LISTENER_PORTS:
            port = self.rng.choice((65534, self.rng.randrange(2, 65535)))
        self.relays.add(port)
        return Address(self.rng.choice(self.servers[family]), port)


def random_bindings(rng: Random, addresses: Addresses) -> list[Binding]:
    bindings = []
    for client_family in (4, 6):
        for peer_family in (4, 6):
            bindings.append(random_binding(rng, addresses.host(client_family), addresses.server(client_family),
                                           addresses.relay(peer_family), addresses.host(peer_family)))
    # Two more bindings that are each other's peers.
    families, relays = rng.choice(((4, 6), (6, 4), (4, 6), (6, 4), (4, 4), (6, 6))), rng.choice((4, 6))
    ends = [(addresses.host(family), addresses.server(family), addresses.relay(relays)) for family in families]
    for (client, server, relay), (_, _, peer) in (ends, ends[::-1]):
        bindings.append(random_binding(rng, client, server, relay, peer))
    return bindings


def other_tags(rng: Random, tags: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    """Tags that differ in a VLAN ID, a TPID, or their number."""
    if not tags or rng.random() < 0.3:
        return tags[1:] if tags and rng.random() < 0.5 else (((0x8100, 7),) + tags)[:2]
    at = rng.randrange(len(tags))
    tpid, vid = tags[at]
    changed = (0x8100 + 0x88a8 - tpid, vid) if rng.random() < 0.3 else (tpid, vid ^ 1 << rng.randrange(12))
    return tags[:at] + (changed,) + tags[at + 1:]


def random_hop(rng: Random, ifindex: int, tags: tuple[tuple[int, int], ...]) -> Hop:
    kind = rng.choices(("same", "xmit", "no xmit", "unresolved", "other tags"), (60, 15, 7, 6, 12))[0]
    leaves_by = {"xmit": OTHER_IFINDEX, "no xmit": OTHER_IFINDEX, "unresolved": 0}.get(kind, ifindex)
    return Hop(leaves_by, rng.choice(MTUS), kind == "xmit" or (kind == "same" and rng.random() < 0.5), random_mac(rng),
               random_mac(rng), other_tags(rng, tags) if kind == "other tags" else tags, rng.randrange(1 << 32),
               rng.choice((0, 0xffff, 0xfffe, 0xffffffff, rng.randrange(1 << 32))))


def random_confirmation(rng: Random, left: int) -> Confirmation:
    """@left: ns until the flow expires. Only states that programs can leave: no check is later than the end."""
    seen = rng.choices((OURS, NOBODY, OTHER_DEVICE, OTHER_PUBLICATION), (80, 10, 7, 3))[0]
    until = rng.choices((2 * CONFIRM, rng.choice((1, 0, -1, NSEC // 2, -60 * NSEC))), (90, 10))[0]
    check_at = rng.choices((CONFIRM, rng.choice((1, 0, -1, NSEC // 8, -60 * NSEC))), (75, 25))[0]
    return Confirmation(seen, min(check_at, until, max(left, -HOUR)), until,
                        rng.choices((DSCPS, rng.getrandbits(64)), (75, 25))[0],
                        rng.choice((0, 1, -NSEC, NSEC // 10)),
                        rng.choice((0, 1, 7, 8, 9, 254, 255)) if seen == NOBODY else 0, rng.randrange(9))


def random_world(rng: Random, ifindex: int, mac: bytes) -> World:
    addresses = Addresses(rng)
    bindings = random_bindings(rng, addresses)
    roles = {binding.server.port: LISTENER for binding in bindings} | {b.relay.port: RELAY for b in bindings}
    tags = tuple((tpid, rng.choice((0, 1, 4095, rng.randrange(4096)))) for tpid in rng.choice(TAG_STACKS))
    world = World(mac, ifindex, rng.choice(DEVICE_MTUS), roles, tuple(bindings), {}, [])
    for flow in sorted(world.flows.values(), key=lambda flow: flow.number):
        world.confirmations.append(random_confirmation(rng, flow.expires))
    for flow in world.flows.values():
        world.hops.setdefault((flow.src.ip, flow.dst.ip), random_hop(rng, ifindex, tags))
    return world

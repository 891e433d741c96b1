# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The input of the model: a world in TURN's terms, an incoming frame, and the program that handles it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property

NSEC = 10**9
TPIDS = (0x8100, 0x88a8)
TAGGED_HLEN = 18
CHANNEL_HLEN = 4
DATA_HLEN = {4: 20 + 12 + 4, 6: 20 + 24 + 4}  # of a Data indication: its header, XOR-PEER-ADDRESS, that of DATA
LISTENER, RELAY = "listener", "relay"


class Direction(IntEnum):
    """enum turnpike_direction of abi.h."""
    NONE = 0
    TO_PEER = 1
    TO_CLIENT = 2
    HAIRPIN = 3


@dataclass(frozen=True)
class Address:
    """A transport address."""
    ip: str
    port: int

    @property
    def packed(self) -> bytes:
        return ipaddress.ip_address(self.ip).packed

    @property
    def family(self) -> int:
        return ipaddress.ip_address(self.ip).version

    def __str__(self) -> str:
        return f"[{self.ip}]:{self.port}" if self.family == 6 else f"{self.ip}:{self.port}"


@dataclass(frozen=True)
class Tag:
    """A VLAN tag: TPID, and TCI with priority, drop eligibility and VLAN ID."""
    tpid: int
    tci: int

    @property
    def vid(self) -> int:
        return self.tci & 0xfff


@dataclass(frozen=True)
class Hop:
    """
    The next hop from a local to a remote address. ifindex 0: not resolved. tags: (TPID, VLAN ID), outer first. current,
    ip4_id: as in struct turnpike_nexthop.
    """
    ifindex: int
    mtu: int
    xmit: bool
    dmac: bytes
    smac: bytes
    tags: tuple[tuple[int, int], ...]
    current: int = 0
    ip4_id: int = 0


AROUND_DATA = 38 + 40 + 8 + 4  # what limits count besides: Ethernet, IPv6, UDP, ChannelData


@dataclass(frozen=True)
class Policer:
    """A token bucket of policer.h. @full: ns from now; @parent: number of the parent, 0: none; @packets: not bytes."""
    full: int
    cost: int
    burst: int
    parent: int = 0
    packets: bool = False

    def takes(self, length: int) -> int:
        """What a packet with so much data takes."""
        return 1 if self.packets else length + AROUND_DATA


@dataclass(frozen=True)
class Binding:
    """
    A binding, by indications if @channel is 0. Expiries: ns from now; labels: IPv6 flow labels to the peer and to the
    client. xor_peer: with indications, how the client calls the peer.
    """
    client: Address
    server: Address
    relay: Address
    peer: Address
    channel: int
    channel_expires: int
    permission_expires: int
    to_peer_policer: int = 0
    to_client_policer: int = 0
    to_peer_label: int = 0
    to_client_label: int = 0
    xor_peer: Address | None = None

    def meets(self, other: Binding) -> bool:
        """Are the two bindings each other's peers? Then their packets are hairpins."""
        return self is not other and self.peer == other.relay and self.relay == other.peer


@dataclass(frozen=True)
class Key:
    """The key of a flow. peer: that a Send indication names."""
    src: Address
    dst: Address
    channel: int
    peer: Address | None = None

    @property
    def from_client(self) -> bool:
        return bool(self.channel or self.peer)


@dataclass(frozen=True)
class Flow:
    """The outgoing packet of one direction of a binding, and its limits. xor_peer: of a Data indication."""
    number: int
    direction: Direction
    src: Address
    dst: Address
    channel: int
    expires: int
    policers: tuple[int, ...]
    label: int
    xor_peer: Address | None = None

    @property
    def framing_hlen(self) -> int:
        """Bytes from the UDP header to the data."""
        if self.xor_peer:
            return DATA_HLEN[self.xor_peer.family]
        return CHANNEL_HLEN if self.channel else 0


NOBODY, OURS, OTHER_DEVICE, OTHER_PUBLICATION = "nobody", "ours", "other device", "other publication"
DSCPS = (1 << 64) - 1
CONFIRM = 10 * NSEC  # TESTBED_CONFIRM_NS of testbed.h
SAME = 1             # TURNPIKE_OBSERVED_SAME


@dataclass(frozen=True)
class Confirmation:
    """
    What a flow was confirmed for: seen, by the device and for the publication of its next hop, and dscps, a bit mask.
    Times are ns from now on the check clock.
    """
    seen: str = OURS
    check_at: int = CONFIRM
    until: int = 2 * CONFIRM
    dscps: int = DSCPS
    dscp_at: int = 0
    tries: int = 0
    observation: int = SAME

    @property
    def lasts(self) -> bool:
        """Are all packets relayed?"""
        return self.seen == OURS and self.check_at > 0 and self.dscps == DSCPS


@dataclass(frozen=True)
class World:
    """The state that decides about frames, constant while they are run."""
    mac: bytes
    ifindex: int
    mtu: int
    roles: dict[int, str]
    bindings: tuple[Binding, ...]
    hops: dict[tuple[str, str], Hop]
    confirmations: list[Confirmation]  # by the number of the flow

    @cached_property
    def hairpins(self) -> dict[int, int]:
        """Hairpins: the number of a binding, and that of the binding whose client gets its packets."""
        numbered = list(enumerate(self.bindings))
        return {a: b for a, one in numbered for b, other in numbered if one.meets(other)}

    @cached_property
    def hop_numbers(self) -> dict[tuple[str, str], int]:
        """Indexes into the map nexthops, whose element 0 is never used."""
        return {path: number for number, path in enumerate(self.hops, start=1)}

    @cached_property
    def flows(self) -> dict[Key, Flow]:
        flows: dict[Key, Flow] = {}
        for number, b in enumerate(self.bindings):
            to_peer, to_client = self._to_peer(number, b), self._to_client(number, b)
            flows[Key(b.client, b.server, b.channel, b.xor_peer)] = to_peer
            flows[Key(b.peer, b.relay, 0)] = to_client
        return flows

    def hop_of(self, flow: Flow) -> Hop:
        return self.hops[flow.src.ip, flow.dst.ip]

    def _to_peer(self, number: int, b: Binding) -> Flow:
        if number in self.hairpins:
            other = self.bindings[self.hairpins[number]]
            return Flow(2 * number, Direction.HAIRPIN, other.server, other.client, other.channel,
                        min(b.channel_expires, other.permission_expires),
                        (b.to_peer_policer, other.to_client_policer), b.to_peer_label, other.xor_peer)
        return Flow(2 * number, Direction.TO_PEER, b.relay, b.peer, 0, b.channel_expires, (b.to_peer_policer,),
                    b.to_peer_label)

    @staticmethod
    def _to_client(number: int, b: Binding) -> Flow:
        return Flow(2 * number + 1, Direction.TO_CLIENT, b.server, b.client, b.channel, b.permission_expires,
                    (b.to_client_policer,), b.to_client_label, b.xor_peer)


@dataclass(frozen=True)
class Variant:
    """
    A program in one configuration. number: in variants[] of tests/packets/variants.c. confirms: flows; otherwise all
    flows are relayed.
    """
    number: int
    name: str
    native: bool
    tail: bool
    tc: bool
    confirms: bool = True


@dataclass(frozen=True)
class Frame:
    """
    An incoming frame, and the limits at that moment. what: how it was made, for reports. gso: segment size of a
    super-packet (TC). head: bytes of headroom, None: the default (XDP). whole: the frame before truncation, if it was
    truncated.
    """
    data: bytes
    what: str = ""
    gso: int = 0
    head: int | None = None
    whole: bytes = b""
    policers: dict[int, Policer] = field(default_factory=dict)

    def seen_by(self, variant: Variant) -> tuple[bytes, Tag | None]:
        """The frame and its hwaccel tag: before TC, the kernel strips the outer tag."""
        tpid, tci = (int.from_bytes(self.data[at:at + 2], "big") for at in (12, 14))
        if not variant.tc or self.whole or tpid not in TPIDS or len(self.data) < TAGGED_HLEN:
            return self.data, None
        return self.data[:12] + self.data[16:], Tag(tpid, tci)


VARIANTS = (
    Variant(0, "native/head", native=True, tail=False, tc=False),
    Variant(1, "native/tail", native=True, tail=True, tc=False),
    Variant(2, "generic/head", native=False, tail=False, tc=False),
    Variant(3, "generic/tail", native=False, tail=True, tc=False),
    Variant(4, "tc", native=False, tail=False, tc=True),
    Variant(5, "native/tail, unchecked", native=True, tail=True, tc=False, confirms=False),
    Variant(6, "tc, unchecked", native=False, tail=False, tc=True, confirms=False),
)


@dataclass(frozen=True)
class Event:
    """struct turnpike_event and its frame."""
    verdict: str
    ifindex: int
    mtu: int
    l2_len: int
    frame: bytes

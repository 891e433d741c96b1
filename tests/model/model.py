# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
The reference model: the outcome of a frame, by docs/data-plane.md and the RFCs that it cites. It shares nothing with
the programs: scapy parses and builds the headers and computes every checksum from scratch.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import ip_address

from scapy.fields import ShortField
from scapy.layers.inet import IP, UDP, in4_pseudoheader
from scapy.layers.inet6 import IPv6, in6_pseudoheader
from scapy.layers.l2 import Dot1AD, Dot1Q
from scapy.packet import Packet, Raw
from scapy.utils import checksum

import indication
from confirm import Step, step
from world import LISTENER, Address, Direction, Event, Flow, Frame, Hop, Key, Tag, Variant, World
from worlds import CHECKS

ETH_HLEN, TAG_LEN, UDP_HLEN, CHANNEL_HLEN = 14, 4, 8, 4
IP_HLEN = {4: 20, 6: 40}
ETHERTYPES = {0x0800: 4, 0x86dd: 6}
TAG_LAYERS = {0x8100: Dot1Q, 0x88a8: Dot1AD}
TAGS_MAX = 2
UDP_PROTOCOL = 17
MAX_PADDING = 3             # RFC 8656 section 12.5
MIN_MTU = {4: 68, 6: 1280}  # RFC 791, RFC 8200 section 5
DF_ABOVE = 1260             # RFC 7915 section 5.1
DATA_INDICATION = 48        # RFC 8656 section 13.2
FRAME_MAX = 16383           # bytes of a frame in which a Send indication ends
SUM_LIMIT = 4096
EVENT_FRAME = 1280 - 40 - 8 + 22  # TURNPIKE_EVENT_FRAME of abi.h
POLICER_SHIFT = 16


class ChannelData(Packet):
    """RFC 8656 section 12.4."""
    name = "ChannelData"
    fields_desc = [ShortField("channel", 0), ShortField("length", 0)]


class Case:
    """One frame, world and program, and the properties that the rules depend on."""

    def __init__(self, world: World, frame: Frame, variant: Variant) -> None:
        self.world, self.frame, self.variant = world, frame, variant
        self.data, self.hwaccel_tag = frame.seen_by(variant)

    # Ethernet

    @cached_property
    def _walk(self) -> tuple[list[Tag], int | None, int]:
        """The tags, the Ethernet type after them (None if truncated), and the offset of the IP header."""
        tags = [self.hwaccel_tag] if self.hwaccel_tag else []
        at, kind = ETH_HLEN, int.from_bytes(self.data[12:14], "big")
        while kind in TAG_LAYERS:
            if at + TAG_LEN > len(self.data):
                return tags, None, at
            tci, following = struct.unpack_from("!HH", self.data, at)
            tags.append(Tag(kind, tci))
            at, kind = at + TAG_LEN, following
        return tags, kind, at

    @property
    def tags(self) -> list[Tag]:
        return self._walk[0]

    @property
    def ethertype(self) -> int | None:
        return self._walk[1]

    @property
    def l3(self) -> int:
        return self._walk[2]

    def not_ip(self) -> bool:
        return self.ethertype not in ETHERTYPES

    def other_host(self) -> bool:
        return self.data[:6] != self.world.mac

    def bad_tags(self) -> bool:
        return len(self.tags) > TAGS_MAX or self.ethertype is None

    # IP and UDP

    @property
    def family(self) -> int:
        return ETHERTYPES[self.ethertype or 0]

    @property
    def hlen(self) -> int:
        return IP_HLEN[self.family]

    @cached_property
    def ip(self) -> IP | IPv6:
        layer = IP if self.family == 4 else IPv6
        return layer(self.data[self.l3:self.l3 + self.hlen])

    @cached_property
    def udp(self) -> UDP:
        return UDP(self.data[self.l3 + self.hlen:][:UDP_HLEN])

    def not_udp(self) -> bool:
        if len(self.data) < self.l3 + self.hlen + UDP_HLEN:
            return True
        return (self.ip.proto if self.family == 4 else self.ip.nh) != UDP_PROTOCOL

    def has_options(self) -> bool:
        return self.family == 4 and (self.ip.version, self.ip.ihl) != (4, 5)

    def is_fragment(self) -> bool:
        return self.family == 4 and bool(self.ip.flags.MF or self.ip.frag)

    @property
    def role(self) -> str | None:
        return self.world.roles.get(self.udp.dport)

    def malformed(self) -> bool:
        if self.family == 6:
            return self.ip.version != 6 or self.ip.plen != self.udp.len
        # RFC 1071: including its checksum, the header sums to all ones.
        if checksum(self.data[self.l3:self.l3 + self.hlen]) != 0:
            return True
        return self.ip.len != self.hlen + self.udp.len

    def ip6_without_checksum(self) -> bool:
        return self.family == 6 and self.udp.chksum == 0

    def bad_udp_length(self) -> bool:
        return self.udp.len < UDP_HLEN or self.udp.len > len(self.data) - self.l3 - self.hlen

    @property
    def in_len(self) -> int:
        return self.hlen + self.udp.len

    def is_gso(self) -> bool:
        """TC knows the segment size, generic XDP goes by the length, native XDP never gets super-packets."""
        if self.variant.tc:
            return self.frame.gso > 0
        return not self.variant.native and self.in_len > self.world.mtu

    @cached_property
    def payload(self) -> bytes:
        """The UDP payload, without bytes that follow the datagram."""
        start = self.l3 + self.hlen
        return self.data[start + UDP_HLEN:start + self.udp.len]

    # TURN

    @cached_property
    def channel_data(self) -> ChannelData:
        return ChannelData(self.payload[:CHANNEL_HLEN])

    @property
    def is_send(self) -> bool:
        """A Send indication, whether it can be relayed or not."""
        if self.role != LISTENER or len(self.payload) < CHANNEL_HLEN:
            return False
        return int.from_bytes(self.payload[:2], "big") == indication.SEND

    @cached_property
    def send(self) -> indication.Indication | None:
        """The Send indication, if it can be relayed."""
        end = self.l3 + self.hlen + self.udp.len
        return indication.read(self.payload) if self.is_send and end <= FRAME_MAX else None

    @property
    def is_channel_data(self) -> bool:
        return self.role == LISTENER and not self.is_send

    def is_control(self) -> bool:
        if self.is_send:
            return self.send is None
        return self.role == LISTENER and (len(self.payload) < CHANNEL_HLEN or self.payload[0] >> 6 != 0b01)

    def bad_channel_data(self) -> bool:
        return self.is_channel_data and self.channel_data.length + CHANNEL_HLEN > len(self.payload)

    def long_padding(self) -> bool:
        return self.is_channel_data and len(self.payload) - CHANNEL_HLEN - self.channel_data.length > MAX_PADDING

    @property
    def in_channel(self) -> int:
        return self.channel_data.channel if self.is_channel_data else 0

    @cached_property
    def app_data(self) -> bytes:
        if self.send:
            return self.payload[self.send.start:self.send.end]
        if self.role == LISTENER:
            return self.payload[CHANNEL_HLEN:CHANNEL_HLEN + self.channel_data.length]
        return self.payload

    @cached_property
    def flow(self) -> Flow | None:
        src, dst = (str(ip_address(ip)) for ip in (self.ip.src, self.ip.dst))
        return self.world.flows.get(Key(Address(src, self.udp.sport), Address(dst, self.udp.dport), self.in_channel,
                                        self.send.peer if self.send else None))

    # The following rules are for packets with a flow.

    def expired(self) -> bool:
        return self.flow.expires <= 0

    @property
    def ttl(self) -> int:
        return self.ip.ttl if self.family == 4 else self.ip.hlim

    @cached_property
    def hop(self) -> Hop:
        return self.world.hop_of(self.flow)

    @cached_property
    def dscp(self) -> int:
        return (self.ip.tos if self.family == 4 else self.ip.tc) >> 2

    @cached_property
    def step(self) -> Step:
        """What the packet does to the confirmation of its flow."""
        if not self.variant.confirms:
            return Step()
        return step(self.world.confirmations[self.flow.number], self.flow.expires, self.dscp, self.checks())

    def checks(self) -> bool:
        """Does the limit on checks allow one?"""
        policer = self.frame.policers[CHECKS]
        return not policer.cost or max(policer.full, 0) + (policer.cost >> POLICER_SHIFT) <= policer.burst

    def other_vlan(self) -> bool:
        return tuple((tag.tpid, tag.vid) for tag in self.tags) != self.hop.tags

    def no_egress(self) -> bool:
        return self.variant.native and self.hop.ifindex != self.world.ifindex and not self.hop.xmit

    @property
    def out_family(self) -> int:
        return self.flow.dst.family

    @property
    def in_headers(self) -> int:
        """Bytes from the IP header to the data."""
        before = self.send.start if self.send else CHANNEL_HLEN if self.in_channel else 0
        return self.hlen + UDP_HLEN + before

    @property
    def in_padding(self) -> int:
        """Of the data, which differs from one packet to the next."""
        if self.send:
            return -len(self.app_data) % 4
        return len(self.payload) - CHANNEL_HLEN - len(self.app_data) if self.in_channel else 0

    @property
    def out_headers(self) -> int:
        return IP_HLEN[self.out_family] + UDP_HLEN + self.flow.framing_hlen

    @property
    def out_padding(self) -> int:
        """The padding of a Data indication is sent."""
        return -len(self.app_data) % 4 if self.flow.xor_peer else 0

    @property
    def out_len(self) -> int:
        return self.out_headers + len(self.app_data) + self.out_padding

    @property
    def out_df(self) -> bool:
        """DF of an outgoing IPv4 packet."""
        return self.dont_fragment if self.family == 4 else self.out_len > DF_ABOVE

    @property
    def dont_fragment(self) -> bool:
        return bool(self.family == 4 and self.ip.flags.DF)

    @cached_property
    def notify_mtu(self) -> int:
        """The MTU to report to the sender; 0: below the minimum MTU."""
        mtu = self.hop.mtu + self.in_len - self.in_padding - (self.out_len - self.out_padding)
        if self.flow.xor_peer:
            mtu -= 3  # the most padding
        elif self.flow.direction == Direction.TO_CLIENT:
            mtu -= DATA_INDICATION
        if self.family == 6:
            return max(mtu, MIN_MTU[6])
        return mtu if mtu >= MIN_MTU[4] else 0

    @cached_property
    def size(self) -> str | None:
        """The verdict of docs/data-plane.md, "Sizes"."""
        larger = self.out_len > self.hop.mtu
        if self.family == 4 and not self.dont_fragment and self.out_family == 6:
            larger = larger or self.out_len > MIN_MTU[6]
        if not larger:
            return None
        notify = self.dont_fragment if self.family == 4 else self.in_len > MIN_MTU[6]
        return "dont-fragment" if notify and self.notify_mtu else "too-big"

    # Checksums

    def pseudo_sum(self, ip: IP | IPv6, length: int) -> int:
        """The sum of the pseudo-header, not inverted: the partial checksum of a local sender."""
        pseudo = in4_pseudoheader if isinstance(ip, IP) else in6_pseudoheader
        return ~checksum(bytes(pseudo(UDP_PROTOCOL, ip, length))) & 0xffff

    @cached_property
    def right_checksum(self) -> int:
        """The valid checksum of the incoming packet, computed by scapy."""
        packet = bytes(self.ip.copy() / UDP(sport=self.udp.sport, dport=self.udp.dport) / Raw(self.payload))
        return int.from_bytes(packet[self.hlen + 6:self.hlen + 8], "big")

    @cached_property
    def looks_partial(self) -> bool:
        return self.udp.chksum != 0 and self.udp.chksum == self.pseudo_sum(self.ip, self.udp.len)

    @cached_property
    def partial(self) -> bool:
        """A full checksum may equal a partial one by chance; the data decides."""
        return self.looks_partial and self.udp.chksum != self.right_checksum

    @property
    def udp_stays(self) -> bool:
        """Generic XDP does not move csum_start, so the UDP header of a partial checksum must not move."""
        return self.partial and not self.variant.native and not self.variant.tc

    def too_long_to_sum(self) -> bool:
        needed = self.looks_partial or (self.udp.chksum == 0 and self.out_family == 6)
        return needed and len(self.app_data) > SUM_LIMIT

    # Limits

    @cached_property
    def charged(self) -> dict[int, int] | None:
        """The ns charged to each policer; None: one of them refuses the packet."""
        charges: dict[int, int] = {}
        for number in self.flow.policers:
            while number:
                policer = self.frame.policers[number]
                cost = policer.takes(len(self.app_data)) * policer.cost >> POLICER_SHIFT
                if policer.cost and max(policer.full, 0) + charges.get(number, 0) + cost > policer.burst:
                    return None
                charges[number] = charges.get(number, 0) + cost
                number = policer.parent
        return charges

    def policed(self) -> bool:
        return self.charged is None


def moves_with_head(case: Case, tail: int) -> int:
    """Padding behind the data that does not fit at the tail: the head and then the data move by as many bytes."""
    behind = len(case.data) - case.l3 - case.in_headers - len(case.app_data)
    missing = max(case.out_padding - behind, 0)
    return missing if missing > tail else 0


def missing_room(case: Case, buffer: int) -> set[str]:
    """The ends of an XDP frame that cannot be moved far enough for the new headers."""
    if case.variant.tc or case.frame.head is None:
        return set()
    grows = case.out_headers - case.in_headers
    if case.udp_stays:
        grows = IP_HLEN[case.out_family] - case.hlen
    longer = case.l3 + case.out_len - len(case.data) - (grows if case.udp_stays else 0)
    tail = buffer - case.frame.head - len(case.data)
    if not case.udp_stays:
        grows += moves_with_head(case, tail)
    missing = {"head-failed": grows > 0 and grows > case.frame.head, "tail-failed": longer > 0 and longer > tail}
    return {name for name, is_missing in missing.items() if is_missing}


@dataclass
class Outcome:
    """The expected outcome. @notes: counted besides the verdict; not compared for no-room."""
    case: Case
    verdict: str
    kind: str
    direction: Direction
    notes: set[str] = field(default_factory=set)
    event: Event | None = None
    step: Step = field(default_factory=Step)

    @property
    def action(self) -> str:
        if self.kind != "relay":
            return self.kind
        return "tx" if self.case.hop.ifindex == self.case.world.ifindex else "redirect"

    @property
    def counted(self) -> int:
        """Bytes counted: the application data if relayed, else the frame."""
        return len(self.case.app_data) if self.kind == "relay" else len(self.case.data)

    @property
    def identification(self) -> str | None:
        """Source of the outgoing IPv4 identification: the counter of the next hop, the flow, or None."""
        if self.kind != "relay" or self.case.out_family == 6:
            return None
        return "flow's" if self.case.out_df else "counted"


PASS, DROP, NOTIFY = "pass", "drop", "notify"

# The table of docs/data-plane.md, in its order. Frames above 16 KiB are missing, because BPF_PROG_TEST_RUN rejects
# them; room in XDP depends on the buffer and is checked afterwards,
# then the limits.
RULES: tuple[tuple[str, str, Callable[[Case], bool]], ...] = (
    ("not-ip", PASS, lambda case: len(case.data) < ETH_HLEN),
    ("other-host", PASS, Case.other_host),
    ("vlan", PASS, Case.bad_tags),
    ("not-ip", PASS, Case.not_ip),
    ("not-udp", PASS, Case.not_udp),
    ("ip-options", PASS, Case.has_options),
    ("fragment", PASS, Case.is_fragment),
    ("not-ours", PASS, lambda case: case.role is None),
    ("malformed", PASS, Case.malformed),
    ("no-checksum", PASS, Case.ip6_without_checksum),
    ("malformed", PASS, Case.bad_udp_length),
    ("gso", PASS, Case.is_gso),
    ("control", PASS, Case.is_control),
    ("bad-channeldata", PASS, Case.bad_channel_data),
    ("long-padding", PASS, Case.long_padding),
    ("no-flow", PASS, lambda case: case.flow is None),
)
RULES_OF_FLOWS: tuple[tuple[str, str, Callable[[Case], bool]], ...] = (
    ("expired", PASS, Case.expired),
    ("no-nexthop", PASS, lambda case: not case.hop.ifindex),
    ("vlan", PASS, Case.other_vlan),
)
RULES_OF_CONFIRMED: tuple[tuple[str, str, Callable[[Case], bool]], ...] = (
    ("ttl", NOTIFY, lambda case: case.ttl <= 1),
    ("no-egress", PASS, Case.no_egress),
    ("too-big", PASS, lambda case: case.size == "too-big"),
    ("dont-fragment", NOTIFY, lambda case: case.size == "dont-fragment"),
    ("no-checksum", PASS, Case.too_long_to_sum),
)


def event_of(case: Case, verdict: str) -> Event:
    mtu = case.notify_mtu if verdict == "dont-fragment" else 0
    return Event(verdict, case.world.ifindex, mtu, case.l3, case.data[:EVENT_FRAME])


def predict(world: World, frame: Frame, variant: Variant, buffer: int) -> Outcome:
    """@buffer: bytes of an XDP frame including all of its room."""
    case = Case(world, frame, variant)
    for verdict, kind, fits in RULES:
        if fits(case):
            return Outcome(case, verdict, kind, Direction.NONE)
    for verdict, kind, fits in RULES_OF_FLOWS:
        if fits(case):
            return Outcome(case, verdict, kind, case.flow.direction)
    outcome = predict_confirmed(case, buffer)
    outcome.step = case.step
    return outcome


def predict_confirmed(case: Case, buffer: int) -> Outcome:
    if case.step.verdict:
        return Outcome(case, case.step.verdict, PASS, case.flow.direction)
    for verdict, kind, fits in RULES_OF_CONFIRMED:
        if fits(case):
            event = event_of(case, verdict) if kind == NOTIFY else None
            return Outcome(case, verdict, PASS if kind == PASS else DROP, case.flow.direction, event=event)
    missing = missing_room(case, buffer)
    if len(missing) == 2 or (missing and case.udp_stays):
        return Outcome(case, "no-room", PASS, case.flow.direction)
    preferred = "tail-failed" if case.variant.tail else "head-failed"
    notes = missing & {preferred}
    if case.policed():
        return Outcome(case, "policed", DROP, case.flow.direction, notes=notes)
    if case.partial:
        notes.add("partial")
    return Outcome(case, "relayed", "relay", case.flow.direction, notes=notes)

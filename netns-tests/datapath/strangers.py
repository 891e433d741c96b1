# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A day on the relay's wire, as frames: all that is not for the relay, and all that looks as if it were.

Every frame bears its number as its source MAC address, which no host cares about: so it is known wherever it is seen.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scapy.layers.dns import DNS, DNSQR, DNSRR
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_NOP, IPOption_Router_Alert, IPOption_RR, fragment
from scapy.layers.inet6 import (ICMPv6DestUnreach, ICMPv6EchoRequest, ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6ND_RA,
                                ICMPv6NDOptSrcLLAddr, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop,
                                IPv6ExtHdrRouting, PadN)
from scapy.layers.l2 import ARP, Dot1AD, Dot1Q, Ether
from scapy.packet import Packet, Raw

from lab import turn
from lab.checksum import ones_sum

# Ethernet types of nobody here: LLDP, loopback, MPLS, PPPoE, experiments, and the last there is.
ODD_TYPES = (0x88CC, 0x9000, 0x8847, 0x8864, 0x88B5, 0x22F0, 0xFFFF)
STRANGERS = {4: ("8.8.8.8", "192.0.2.7", "198.51.100.99", "203.0.113.250"),
             6: ("2001:4860:4860::8888", "2001:db8::7", "2001:db8:ffff::99")}
NEIGHBOURS = {4: "10.77.2.1{:02}", 6: "fd77:0:0:2::1{:02}"}  # of the relay's, who are not there
NEIGHBOUR_MAC = "02:aa:00:00:00:{:02x}"
BROADCAST = "ff:ff:ff:ff:ff:ff"
MOST = 1500  # bytes of an IP packet


@dataclass(frozen=True)
class Wire:
    """Who is who: addresses by family."""

    mac: str                  # of the relay's NIC
    relay: dict[int, str]
    other: dict[int, str]     # another address of the relay's host
    listener: int
    relayed: int              # the port that a client was given
    range: tuple[int, int]    # of ports that clients may be given
    client: dict[int, tuple[str, int]]
    peer: dict[int, tuple[str, int]]
    channel: int


class Maker:
    """What the makers of frames share: the dice, and addresses."""

    def __init__(self, wire: Wire, seed: int) -> None:
        self.wire = wire
        self.dice = random.Random(seed)
        self.family = 4

    def stranger(self) -> str:
        return self.dice.choice(STRANGERS[self.family])

    def port(self) -> int:
        """Mostly one that means something to the relay."""
        return self.dice.choice((self.wire.listener, self.wire.relayed, self.dice.randint(*self.wire.range),
                                 self.dice.randint(1, 65535)))

    def data(self, longest: int = 600) -> bytes:
        return self.dice.randbytes(self.dice.randint(0, longest))

    def ip(self, source: str | None = None, to: str | None = None, **fields: object) -> Packet:
        source, to = source or self.stranger(), to or self.wire.relay[self.family]
        if self.family == 4:
            return IP(src=source, dst=to, id=self.dice.randint(1, 65535), **fields)
        return IPv6(src=source, dst=to, **fields)

    def ether(self, packet: Packet | bytes, to: str | None = None, **fields: int) -> Packet:
        return Ether(dst=to or self.wire.mac, **fields) / packet

    def client_data(self, data: bytes = b"of the client") -> Packet:
        """What the relay would relay, if nothing were the matter with it."""
        source, port = self.wire.client[self.family]
        return self.ip(source) / UDP(sport=port, dport=self.wire.listener) / turn.channel_data(self.wire.channel, data)

    def peer_data(self, data: bytes = b"of the peer") -> Packet:
        source, port = self.wire.peer[self.family]
        return self.ip(source) / UDP(sport=port, dport=self.wire.relayed) / data

    def flow_data(self) -> Packet:
        return self.dice.choice((self.client_data, self.peer_data))()

    def any_packet(self) -> Packet:
        """For a stranger thing around it."""
        return self.dice.choice((
            self.flow_data, lambda: self.ip() / self.ping(b"tagged"),
            lambda: self.ip() / UDP(sport=53, dport=self.port()) / self.data(100),
            lambda: self.ip() / TCP(sport=443, dport=self.port(), flags="S")))()

    def ping(self, data: bytes) -> Packet:
        number, sequence = self.dice.randint(0, 65535), self.dice.randint(0, 65535)
        kind = ICMP if self.family == 4 else ICMPv6EchoRequest
        return kind(id=number, seq=sequence) / data


# Traffic of the host's own.

def dns_answer(m: Maker) -> Packet:
    name = f"host{m.dice.randint(0, 99)}.example."
    answer = DNS(id=m.dice.randint(0, 65535), qr=1, qd=DNSQR(qname=name), an=DNSRR(rrname=name, rdata="192.0.2.1"))
    return m.ether(m.ip() / UDP(sport=53, dport=m.port()) / bytes(answer))


def quic(m: Maker) -> Packet:
    """A short header begins with the bits of ChannelData."""
    first = m.dice.choice((0xC3, 0x40, 0x5F))
    data = bytes([first]) + m.dice.randbytes(m.dice.randint(20, 1250))
    return m.ether(m.ip() / UDP(sport=443, dport=m.port()) / data)


def tcp(m: Maker) -> Packet:
    flags = m.dice.choice(("S", "A", "PA", "FA", "R", "SA", "SEC", ""))
    return m.ether(m.ip() / TCP(sport=m.dice.randint(1024, 65535), dport=m.port(), flags=flags,
                                seq=m.dice.getrandbits(32), ack=m.dice.getrandbits(32))
                   / (m.data() if "P" in flags else b""))


def ping(m: Maker) -> Packet:
    return m.ether(m.ip() / m.ping(m.data(1400)))


def icmp_error(m: Maker) -> Packet:
    """That something the host never sent did not arrive."""
    family, relay, stranger = m.family, m.wire.relay[m.family], m.stranger()
    quoted = m.ip(relay, stranger) / UDP(sport=m.port(), dport=53) / b"was not sent"
    code = m.dice.choice((0, 1, 3))
    error = ICMP(type=3, code=code) if family == 4 else ICMPv6DestUnreach(code=code)
    return m.ether(m.ip(stranger) / error / Raw(bytes(quoted)))


def arp(m: Maker) -> Packet:
    number = m.dice.randint(0, 49)
    target = m.dice.choice((m.wire.relay[4], m.wire.other[4], "10.77.2.200", NEIGHBOURS[4].format(number)))
    return m.ether(ARP(op=m.dice.choice((1, 1, 2)), hwsrc=NEIGHBOUR_MAC.format(number), hwdst=m.wire.mac,
                       psrc=NEIGHBOURS[4].format(number), pdst=target), to=m.dice.choice((BROADCAST, m.wire.mac)))


def neighbour_discovery(m: Maker) -> Packet:
    m.family = 6
    number = m.dice.randint(0, 49)
    target = m.dice.choice((m.wire.relay[6], m.wire.other[6], "fd77:0:0:2::200"))
    message = m.dice.choice((ICMPv6ND_NS(tgt=target) / ICMPv6NDOptSrcLLAddr(lladdr=NEIGHBOUR_MAC.format(number)),
                             ICMPv6ND_NA(tgt=NEIGHBOURS[6].format(number), S=0), ICMPv6ND_RA()))
    return m.ether(m.ip(NEIGHBOURS[6].format(number), hlim=255) / message)


def other_transport(m: Maker) -> Packet:
    """SCTP, GRE, ESP, UDP-Lite, IP in IP; UDP-Lite has ports where UDP has them."""
    number = m.dice.choice((132, 47, 50, 136, 4, 41, 253))
    header = {"proto": number} if m.family == 4 else {"nh": number}
    inside = UDP(sport=m.port(), dport=m.port()) / m.data(200)
    return m.ether(m.ip(**header) / Raw(bytes(inside)))


def multicast(m: Maker) -> Packet:
    to, mac, ports = {
        4: m.dice.choice((("224.0.0.251", "01:00:5e:00:00:fb", (5353, 5353)),
                          ("239.255.255.250", "01:00:5e:7f:ff:fa", (50123, 1900)),
                          ("255.255.255.255", BROADCAST, (68, 67)), ("10.77.2.255", BROADCAST, (137, 137)),
                          ("10.77.2.255", BROADCAST, (m.wire.peer[4][1], m.wire.relayed)),
                          (m.wire.relay[4], BROADCAST, (m.wire.client[4][1], m.wire.listener)))),
        6: m.dice.choice((("ff02::fb", "33:33:00:00:00:fb", (5353, 5353)), ("ff02::1", "33:33:00:00:00:01", (9, 9)),
                          ("ff02::1:2", "33:33:00:01:00:02", (546, 547)),
                          ("ff02::1", "33:33:00:00:00:01", (m.wire.peer[6][1], m.wire.relayed)))),
    }[m.family]
    return m.ether(m.ip(to=to) / UDP(sport=ports[0], dport=ports[1]) / m.data(), to=mac)


def other_mac(m: Maker) -> Packet:
    return m.ether(m.any_packet(), to=f"02:bb:00:00:00:{m.dice.randint(0, 255):02x}")


def other_address(m: Maker) -> Packet:
    """The relay's ports, on an address of the host that is not the relay's."""
    packet = m.flow_data()
    packet.dst = m.wire.other[m.family]
    return m.ether(packet)


# Traffic that looks like the relay's.

def stun(m: Maker) -> Packet:
    method = m.dice.choice((1, turn.ALLOCATE, turn.REFRESH, turn.CHANNEL_BIND))
    message = turn.build(method, turn.REQUEST, m.dice.randbytes(12), [(turn.TRANSPORT, turn.UDP_TRANSPORT)])
    message = message[:m.dice.choice((len(message), len(message), 20, 19, 8, 1))]
    return m.ether(m.ip() / UDP(sport=m.dice.randint(1024, 65535), dport=m.wire.listener) / message)


def channel_of_nobody(m: Maker) -> Packet:
    """Bound by somebody else, or by nobody; the client's host, its port or its channel."""
    host, port = m.wire.client[m.family]
    source, sport, channel = m.dice.choice((
        (m.stranger(), port, m.wire.channel), (host, port + 1, m.wire.channel), (host, port, m.wire.channel + 1),
        (m.stranger(), m.dice.randint(1, 65535), m.dice.randint(0x4000, 0x7FFF))))
    return m.ether(m.ip(source) / UDP(sport=sport, dport=m.wire.listener)
                   / turn.channel_data(channel, m.data(), padding=m.dice.randint(0, 4)))


def peer_of_nobody(m: Maker) -> Packet:
    host, port = m.wire.peer[m.family]
    source, sport = m.dice.choice(((m.stranger(), port), (m.stranger(), m.dice.randint(1, 65535))))
    data = m.dice.choice((m.data(), turn.channel_data(m.wire.channel, m.data())))
    return m.ether(m.ip(source) / UDP(sport=sport, dport=m.wire.relayed) / data)


def fragments(m: Maker) -> list[Packet]:
    """All of them, or not; the relay's own flows among them."""
    inside = m.dice.choice((lambda: m.ip() / UDP(sport=53, dport=m.port()) / m.dice.randbytes(2000),
                            lambda: m.ip() / m.ping(m.dice.randbytes(3000)),
                            lambda: m.client_data(m.dice.randbytes(1800)),
                            lambda: m.peer_data(m.dice.randbytes(1800))))()
    parts = fragment(inside, 1400) if m.family == 4 else fragments6(m, inside)
    kept = m.dice.choice((slice(None), slice(None), slice(0, 1), slice(-1, None)))
    return [m.ether(part) for part in parts[kept]]


def fragments6(m: Maker, packet: Packet) -> list[Packet]:
    number, following, payload = m.dice.getrandbits(32), *split6(packet)
    return [m.ip(packet.src, packet.dst)
            / IPv6ExtHdrFragment(nh=following, id=number, offset=at // 8, m=at + 1392 < len(payload))
            / Raw(payload[at:at + 1392]) for at in range(0, len(payload), 1392)]


def split6(packet: Packet) -> tuple[int, bytes]:
    """What follows the header of IPv6, and its bytes with checksums filled in."""
    data = bytes(packet)
    return data[6], data[40:]


def ip_options(m: Maker) -> Packet:
    """IPv4 options; in IPv6, extension headers in the same place."""
    packet = m.any_packet()
    if m.family == 4:
        packet.options = m.dice.choice(([IPOption_NOP()] * 4, [IPOption_RR(length=7, pointer=4, routers=["0.0.0.0"])],
                                        [IPOption_Router_Alert()]))
        return m.ether(packet)
    header = m.dice.choice((IPv6ExtHdrHopByHop(options=[PadN(optdata=b"\0" * 4)]),
                            IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 4)]),
                            IPv6ExtHdrRouting(type=0, addresses=[]), IPv6ExtHdrFragment(id=m.dice.getrandbits(32))))
    header.nh, payload = split6(packet)
    return m.ether(m.ip(packet.src, packet.dst) / header / Raw(payload))


def vlan(m: Maker) -> Packet:
    tags = m.dice.choice((
        lambda: Dot1Q(vlan=100, prio=m.dice.randint(0, 7)), lambda: Dot1Q(vlan=0, prio=5),
        lambda: Dot1AD(vlan=200) / Dot1Q(vlan=100), lambda: Dot1Q(vlan=1) / Dot1Q(vlan=2) / Dot1Q(vlan=3)))()
    return m.ether(tags / m.any_packet())


def cut_vlan(m: Maker) -> bytes:
    """Ends within its tag; the kernel itself throws these away."""
    return bytes(m.ether(Dot1Q(vlan=100) / b"\x08\x00"))[:m.dice.randint(14, 18)]


# Offset and format of a field, and what it should not be: version and header length, IP length, UDP length; and last,
# for IPv4, the header checksum, which is right otherwise.
IP4_SUM = 10
WRONG = {4: ((0, "B", (0x40, 0x44, 0x4F, 0x65, 0xF5)), (2, "!H", (0, 19, 21, 400, 65535)),
             (24, "!H", (0, 7, 400, 65535)), (IP4_SUM, "!H", (0x1234,))),
         6: ((0, "B", (0x00, 0x45, 0xF0)), (4, "!H", (0, 1, 400, 65535)), (44, "!H", (0, 7, 400, 65535)))}


def malformed(m: Maker) -> Packet:
    packet = bytearray(bytes(m.any_packet()))
    offset, form, values = m.dice.choice(WRONG[m.family])
    struct.pack_into(form, packet, offset, m.dice.choice(values))
    if m.family == 4 and offset != IP4_SUM:
        packet[IP4_SUM:IP4_SUM + 2] = b"\0\0"
        struct.pack_into("!H", packet, IP4_SUM, ones_sum(*struct.unpack_from("!10H", packet)) ^ 0xFFFF)
    return m.ether(bytes(packet), type={4: 0x0800, 6: 0x86DD}[m.family])


def wrong_sum(m: Maker) -> Packet:
    return m.ether(m.ip() / UDP(sport=53, dport=m.port(), chksum=0x1234) / b"was damaged")


def odd_type(m: Maker) -> bytes:
    return bytes(Ether(dst=m.dice.choice((m.wire.mac, BROADCAST, "01:80:c2:00:00:0e")), type=m.dice.choice(ODD_TYPES))
                 ) + m.dice.randbytes(m.dice.randint(0, 300))


def spanning_tree(_m: Maker) -> bytes:
    """802.3: a length where others have a type."""
    return bytes(Ether(dst="01:80:c2:00:00:00", type=38)) + b"\x42\x42\x03" + bytes(43)


def garbage(m: Maker) -> bytes:
    """After a type that promises IP."""
    kind = m.dice.choice((0x0800, 0x86DD, 0x0806))
    return bytes(Ether(dst=m.wire.mac, type=kind)) + m.dice.randbytes(m.dice.randint(0, 1500))


def runt(m: Maker) -> bytes:
    """Anything, cut anywhere in its headers."""
    frame = bytes(m.ether(m.any_packet()))
    return frame[:m.dice.randint(14, min(59, len(frame) - 1))]


def trailer(m: Maker) -> bytes:
    """Bytes after the IP packet."""
    return bytes(m.ether(m.ip() / UDP(sport=53, dport=m.port()) / m.data(20))) + m.dice.randbytes(18)


def largest(m: Maker) -> Packet:
    room = MOST - {4: 28, 6: 48}[m.family]
    return m.ether(m.dice.choice((lambda: m.ip() / UDP(sport=443, dport=m.port()) / m.dice.randbytes(room),
                                  lambda: m.ip() / m.ping(m.dice.randbytes(room))))())


MAKERS: tuple[Callable[[Maker], Packet | bytes | Sequence[Packet]], ...] = (
    dns_answer, quic, tcp, ping, icmp_error, arp, neighbour_discovery, other_transport, multicast, other_mac,
    other_address, stun, channel_of_nobody, peer_of_nobody, fragments, ip_options, vlan, cut_vlan, malformed, wrong_sum,
    odd_type, spanning_tree, garbage, runt, trailer, largest)
# What a kernel with no program at all does not let through.
NEVER_SEEN = "cut_vlan"
_MARK = b"\x06\x77"


@dataclass(frozen=True)
class Frame:
    kind: str
    data: bytes


def number_of(frame: bytes) -> int | None:
    """Which of the frames it is, if any."""
    return int.from_bytes(frame[8:12], "big") if frame[6:8] == _MARK else None


def make(wire: Wire, count: int, seed: int) -> list[Frame]:
    """At least so many; each kind with both families."""
    maker = Maker(wire, seed)
    frames: list[Frame] = []
    while len(frames) < count:
        for maker.family in (4, 6):
            for make_one in maker.dice.sample(MAKERS, len(MAKERS)):
                family = maker.family
                made = make_one(maker)
                maker.family = family
                for each in made if isinstance(made, list) else [made]:
                    data = bytes(each)
                    number = len(frames).to_bytes(4, "big")
                    frames.append(Frame(make_one.__name__, data[:6] + _MARK + number + data[12:]))
    return frames

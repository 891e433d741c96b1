# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Frames that the relay must leave to its host: all kinds of other traffic, and what only resembles the relay's.

Every frame has its number in its source MAC address, which no host checks, so that a capture can identify it.
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

# EtherTypes without a handler here: LLDP, loopback, MPLS, PPPoE, experimental ones, and the highest.
UNKNOWN_ETHERTYPES = (0x88CC, 0x9000, 0x8847, 0x8864, 0x88B5, 0x22F0, 0xFFFF)
FOREIGN = {4: ("8.8.8.8", "192.0.2.7", "198.51.100.99", "203.0.113.250"),
           6: ("2001:4860:4860::8888", "2001:db8::7", "2001:db8:ffff::99")}
NEIGHBOURS = {4: "10.77.2.1{:02}", 6: "fd77:0:0:2::1{:02}"}  # on the relay's network, but not there
NEIGHBOUR_MAC = "02:aa:00:00:00:{:02x}"
BROADCAST = "ff:ff:ff:ff:ff:ff"
MTU = 1500  # bytes of an IP packet


@dataclass(frozen=True)
class Hosts:
    """The addresses and ports of the relay, its client and its peer; addresses by family."""

    mac: str                      # of the relay's NIC
    relay: dict[int, str]
    other: dict[int, str]         # another address of the relay's host
    listener: int
    relayed: int                  # the port of the client's relayed transport addresses
    relay_ports: tuple[int, int]  # the range of such ports
    client: dict[int, tuple[str, int]]
    peer: dict[int, tuple[str, int]]
    channel: int


class Generator:
    """What all generators of frames share: random numbers, and addresses."""

    def __init__(self, hosts: Hosts, seed: int) -> None:
        self.hosts = hosts
        self.rng = random.Random(seed)
        self.family = 4

    def foreign(self) -> str:
        return self.rng.choice(FOREIGN[self.family])

    def port(self) -> int:
        """Mostly one that the relay uses."""
        return self.rng.choice((self.hosts.listener, self.hosts.relayed, self.rng.randint(*self.hosts.relay_ports),
                                self.rng.randint(1, 65535)))

    def data(self, longest: int = 600) -> bytes:
        return self.rng.randbytes(self.rng.randint(0, longest))

    def ip(self, source: str | None = None, to: str | None = None, **fields: object) -> Packet:
        source, to = source or self.foreign(), to or self.hosts.relay[self.family]
        if self.family == 4:
            return IP(src=source, dst=to, id=self.rng.randint(1, 65535), **fields)
        return IPv6(src=source, dst=to, **fields)

    def ether(self, packet: Packet | bytes, to: str | None = None, **fields: int) -> Packet:
        return Ether(dst=to or self.hosts.mac, **fields) / packet

    def client_data(self, data: bytes = b"of the client") -> Packet:
        """A packet that the relay would relay, if it stayed as it is."""
        source, port = self.hosts.client[self.family]
        message = turn.channel_data(self.hosts.channel, data)
        return self.ip(source) / UDP(sport=port, dport=self.hosts.listener) / message

    def peer_data(self, data: bytes = b"of the peer") -> Packet:
        source, port = self.hosts.peer[self.family]
        return self.ip(source) / UDP(sport=port, dport=self.hosts.relayed) / data

    def flow_data(self) -> Packet:
        return self.rng.choice((self.client_data, self.peer_data))()

    def any_packet(self) -> Packet:
        """A valid packet, for unusual headers around it."""
        return self.rng.choice((
            self.flow_data, lambda: self.ip() / self.ping(b"tagged"),
            lambda: self.ip() / UDP(sport=53, dport=self.port()) / self.data(100),
            lambda: self.ip() / TCP(sport=443, dport=self.port(), flags="S")))()

    def ping(self, data: bytes) -> Packet:
        number, sequence = self.rng.randint(0, 65535), self.rng.randint(0, 65535)
        kind = ICMP if self.family == 4 else ICMPv6EchoRequest
        return kind(id=number, seq=sequence) / data


# Traffic of the host itself.

def dns_answer(g: Generator) -> Packet:
    name = f"host{g.rng.randint(0, 99)}.example."
    answer = DNS(id=g.rng.randint(0, 65535), qr=1, qd=DNSQR(qname=name), an=DNSRR(rrname=name, rdata="192.0.2.1"))
    return g.ether(g.ip() / UDP(sport=53, dport=g.port()) / bytes(answer))


def quic(g: Generator) -> Packet:
    """A short header begins with the bits of ChannelData."""
    first = g.rng.choice((0xC3, 0x40, 0x5F))
    data = bytes([first]) + g.rng.randbytes(g.rng.randint(20, 1250))
    return g.ether(g.ip() / UDP(sport=443, dport=g.port()) / data)


def tcp(g: Generator) -> Packet:
    flags = g.rng.choice(("S", "A", "PA", "FA", "R", "SA", "SEC", ""))
    return g.ether(g.ip() / TCP(sport=g.rng.randint(1024, 65535), dport=g.port(), flags=flags,
                                seq=g.rng.getrandbits(32), ack=g.rng.getrandbits(32))
                   / (g.data() if "P" in flags else b""))


def ping(g: Generator) -> Packet:
    return g.ether(g.ip() / g.ping(g.data(1400)))


def icmp_error(g: Generator) -> Packet:
    """About a packet that the host never sent."""
    family, relay, foreign = g.family, g.hosts.relay[g.family], g.foreign()
    quoted = g.ip(relay, foreign) / UDP(sport=g.port(), dport=53) / b"was not sent"
    code = g.rng.choice((0, 1, 3))
    error = ICMP(type=3, code=code) if family == 4 else ICMPv6DestUnreach(code=code)
    return g.ether(g.ip(foreign) / error / Raw(bytes(quoted)))


def arp(g: Generator) -> Packet:
    number = g.rng.randint(0, 49)
    target = g.rng.choice((g.hosts.relay[4], g.hosts.other[4], "10.77.2.200", NEIGHBOURS[4].format(number)))
    return g.ether(ARP(op=g.rng.choice((1, 1, 2)), hwsrc=NEIGHBOUR_MAC.format(number), hwdst=g.hosts.mac,
                       psrc=NEIGHBOURS[4].format(number), pdst=target), to=g.rng.choice((BROADCAST, g.hosts.mac)))


def neighbour_discovery(g: Generator) -> Packet:
    g.family = 6
    number = g.rng.randint(0, 49)
    target = g.rng.choice((g.hosts.relay[6], g.hosts.other[6], "fd77:0:0:2::200"))
    message = g.rng.choice((ICMPv6ND_NS(tgt=target) / ICMPv6NDOptSrcLLAddr(lladdr=NEIGHBOUR_MAC.format(number)),
                            ICMPv6ND_NA(tgt=NEIGHBOURS[6].format(number), S=0), ICMPv6ND_RA()))
    return g.ether(g.ip(NEIGHBOURS[6].format(number), hlim=255) / message)


def other_transport(g: Generator) -> Packet:
    """SCTP, GRE, ESP, UDP-Lite, IP in IP; UDP-Lite has ports where UDP has them."""
    number = g.rng.choice((132, 47, 50, 136, 4, 41, 253))
    header = {"proto": number} if g.family == 4 else {"nh": number}
    inside = UDP(sport=g.port(), dport=g.port()) / g.data(200)
    return g.ether(g.ip(**header) / Raw(bytes(inside)))


def multicast(g: Generator) -> Packet:
    to, mac, ports = {
        4: g.rng.choice((("224.0.0.251", "01:00:5e:00:00:fb", (5353, 5353)),
                         ("239.255.255.250", "01:00:5e:7f:ff:fa", (50123, 1900)),
                         ("255.255.255.255", BROADCAST, (68, 67)), ("10.77.2.255", BROADCAST, (137, 137)),
                         ("10.77.2.255", BROADCAST, (g.hosts.peer[4][1], g.hosts.relayed)),
                         (g.hosts.relay[4], BROADCAST, (g.hosts.client[4][1], g.hosts.listener)))),
        6: g.rng.choice((("ff02::fb", "33:33:00:00:00:fb", (5353, 5353)), ("ff02::1", "33:33:00:00:00:01", (9, 9)),
                         ("ff02::1:2", "33:33:00:01:00:02", (546, 547)),
                         ("ff02::1", "33:33:00:00:00:01", (g.hosts.peer[6][1], g.hosts.relayed)))),
    }[g.family]
    return g.ether(g.ip(to=to) / UDP(sport=ports[0], dport=ports[1]) / g.data(), to=mac)


def other_mac(g: Generator) -> Packet:
    return g.ether(g.any_packet(), to=f"02:bb:00:00:00:{g.rng.randint(0, 255):02x}")


def other_address(g: Generator) -> Packet:
    """To the relay's ports, but to an address of the host that is not the relay's."""
    packet = g.flow_data()
    packet.dst = g.hosts.other[g.family]
    return g.ether(packet)


# Traffic that resembles the relay's.

def stun(g: Generator) -> Packet:
    method = g.rng.choice((1, turn.ALLOCATE, turn.REFRESH, turn.CHANNEL_BIND))
    message = turn.build(method, turn.REQUEST, g.rng.randbytes(12), [(turn.TRANSPORT, turn.UDP_TRANSPORT)])
    message = message[:g.rng.choice((len(message), len(message), 20, 19, 8, 1))]
    return g.ether(g.ip() / UDP(sport=g.rng.randint(1024, 65535), dport=g.hosts.listener) / message)


def unbound_channel(g: Generator) -> Packet:
    """ChannelData from another host or port than the client's, or with another channel number."""
    host, port = g.hosts.client[g.family]
    source, sport, channel = g.rng.choice((
        (g.foreign(), port, g.hosts.channel), (host, port + 1, g.hosts.channel), (host, port, g.hosts.channel + 1),
        (g.foreign(), g.rng.randint(1, 65535), g.rng.randint(0x4000, 0x7FFF))))
    return g.ether(g.ip(source) / UDP(sport=sport, dport=g.hosts.listener)
                   / turn.channel_data(channel, g.data(), padding=g.rng.randint(0, 4)))


def unknown_peer(g: Generator) -> Packet:
    _, port = g.hosts.peer[g.family]
    source, sport = g.rng.choice(((g.foreign(), port), (g.foreign(), g.rng.randint(1, 65535))))
    data = g.rng.choice((g.data(), turn.channel_data(g.hosts.channel, g.data())))
    return g.ether(g.ip(source) / UDP(sport=sport, dport=g.hosts.relayed) / data)


def fragments(g: Generator) -> list[Packet]:
    """All fragments of a packet or only some, also of the relay's flows."""
    inside = g.rng.choice((lambda: g.ip() / UDP(sport=53, dport=g.port()) / g.rng.randbytes(2000),
                           lambda: g.ip() / g.ping(g.rng.randbytes(3000)),
                           lambda: g.client_data(g.rng.randbytes(1800)),
                           lambda: g.peer_data(g.rng.randbytes(1800))))()
    parts = fragment(inside, 1400) if g.family == 4 else fragments6(g, inside)
    kept = g.rng.choice((slice(None), slice(None), slice(0, 1), slice(-1, None)))
    return [g.ether(part) for part in parts[kept]]


def fragments6(g: Generator, packet: Packet) -> list[Packet]:
    number, following, payload = g.rng.getrandbits(32), *split6(packet)
    return [g.ip(packet.src, packet.dst)
            / IPv6ExtHdrFragment(nh=following, id=number, offset=at // 8, m=at + 1392 < len(payload))
            / Raw(payload[at:at + 1392]) for at in range(0, len(payload), 1392)]


def split6(packet: Packet) -> tuple[int, bytes]:
    """The next header after the IPv6 header, and the payload with checksums filled in."""
    data = bytes(packet)
    return data[6], data[40:]


def ip_options(g: Generator) -> Packet:
    """IPv4 options; in IPv6, extension headers in the same place."""
    packet = g.any_packet()
    if g.family == 4:
        packet.options = g.rng.choice(([IPOption_NOP()] * 4, [IPOption_RR(length=7, pointer=4, routers=["0.0.0.0"])],
                                       [IPOption_Router_Alert()]))
        return g.ether(packet)
    header = g.rng.choice((IPv6ExtHdrHopByHop(options=[PadN(optdata=b"\0" * 4)]),
                           IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 4)]),
                           IPv6ExtHdrRouting(type=0, addresses=[]), IPv6ExtHdrFragment(id=g.rng.getrandbits(32))))
    header.nh, payload = split6(packet)
    return g.ether(g.ip(packet.src, packet.dst) / header / Raw(payload))


def vlan(g: Generator) -> Packet:
    tags = g.rng.choice((
        lambda: Dot1Q(vlan=100, prio=g.rng.randint(0, 7)), lambda: Dot1Q(vlan=0, prio=5),
        lambda: Dot1AD(vlan=200) / Dot1Q(vlan=100), lambda: Dot1Q(vlan=1) / Dot1Q(vlan=2) / Dot1Q(vlan=3)))()
    return g.ether(tags / g.any_packet())


def truncated_vlan(g: Generator) -> bytes:
    """A frame that ends within its tag."""
    return bytes(g.ether(Dot1Q(vlan=100) / b"\x08\x00"))[:g.rng.randint(14, 18)]


# Offset, format and invalid values of a field: version and header length, IP length, UDP length, and for IPv4 the
# header checksum, which is valid in the other cases.
IP4_CHECKSUM = 10
WRONG = {4: ((0, "B", (0x40, 0x44, 0x4F, 0x65, 0xF5)), (2, "!H", (0, 19, 21, 400, 65535)),
             (24, "!H", (0, 7, 400, 65535)), (IP4_CHECKSUM, "!H", (0x1234,))),
         6: ((0, "B", (0x00, 0x45, 0xF0)), (4, "!H", (0, 1, 400, 65535)), (44, "!H", (0, 7, 400, 65535)))}


def malformed(g: Generator) -> Packet:
    packet = bytearray(bytes(g.any_packet()))
    offset, form, values = g.rng.choice(WRONG[g.family])
    struct.pack_into(form, packet, offset, g.rng.choice(values))
    if g.family == 4 and offset != IP4_CHECKSUM:
        packet[IP4_CHECKSUM:IP4_CHECKSUM + 2] = b"\0\0"
        struct.pack_into("!H", packet, IP4_CHECKSUM, ones_sum(*struct.unpack_from("!10H", packet)) ^ 0xFFFF)
    return g.ether(bytes(packet), type={4: 0x0800, 6: 0x86DD}[g.family])


def wrong_checksum(g: Generator) -> Packet:
    return g.ether(g.ip() / UDP(sport=53, dport=g.port(), chksum=0x1234) / b"was damaged")


def unknown_ethertype(g: Generator) -> bytes:
    destination = g.rng.choice((g.hosts.mac, BROADCAST, "01:80:c2:00:00:0e"))
    return bytes(Ether(dst=destination, type=g.rng.choice(UNKNOWN_ETHERTYPES))) + g.rng.randbytes(g.rng.randint(0, 300))


def spanning_tree(_g: Generator) -> bytes:
    """802.3: a length in place of an EtherType."""
    return bytes(Ether(dst="01:80:c2:00:00:00", type=38)) + b"\x42\x42\x03" + bytes(43)


def garbage(g: Generator) -> bytes:
    """Random bytes after the EtherType of IP or ARP."""
    kind = g.rng.choice((0x0800, 0x86DD, 0x0806))
    return bytes(Ether(dst=g.hosts.mac, type=kind)) + g.rng.randbytes(g.rng.randint(0, 1500))


def runt(g: Generator) -> bytes:
    """Any frame, truncated in its headers."""
    frame = bytes(g.ether(g.any_packet()))
    return frame[:g.rng.randint(14, min(59, len(frame) - 1))]


def trailer(g: Generator) -> bytes:
    """Bytes after the IP packet."""
    return bytes(g.ether(g.ip() / UDP(sport=53, dport=g.port()) / g.data(20))) + g.rng.randbytes(18)


def largest(g: Generator) -> Packet:
    room = MTU - {4: 28, 6: 48}[g.family]
    return g.ether(g.rng.choice((lambda: g.ip() / UDP(sport=443, dport=g.port()) / g.rng.randbytes(room),
                                 lambda: g.ip() / g.ping(g.rng.randbytes(room))))())


GENERATORS: tuple[Callable[[Generator], Packet | bytes | Sequence[Packet]], ...] = (
    dns_answer, quic, tcp, ping, icmp_error, arp, neighbour_discovery, other_transport, multicast, other_mac,
    other_address, stun, unbound_channel, unknown_peer, fragments, ip_options, vlan, truncated_vlan, malformed,
    wrong_checksum, unknown_ethertype, spanning_tree, garbage, runt, trailer, largest)
# The kernel drops these even with no program attached.
DROPPED_BY_KERNEL = "truncated_vlan"
_MARK = b"\x06\x77"


@dataclass(frozen=True)
class Frame:
    kind: str
    data: bytes


def number_of(frame: bytes) -> int | None:
    """The number of a generated frame; None for any other."""
    return int.from_bytes(frame[8:12], "big") if frame[6:8] == _MARK else None


def generate(hosts: Hosts, count: int, seed: int) -> list[Frame]:
    """At least this number of frames, of all kinds and both families."""
    generator = Generator(hosts, seed)
    frames: list[Frame] = []
    while len(frames) < count:
        for generator.family in (4, 6):
            for generate_one in generator.rng.sample(GENERATORS, len(GENERATORS)):
                family = generator.family
                generated = generate_one(generator)
                generator.family = family
                for each in generated if isinstance(generated, list) else [generated]:
                    data = bytes(each)
                    number = len(frames).to_bytes(4, "big")
                    frames.append(Frame(generate_one.__name__, data[:6] + _MARK + number + data[12:]))
    return frames

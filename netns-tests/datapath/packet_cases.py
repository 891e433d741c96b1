# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The odd packets of test_packets.py, as tables: what is sent, what must arrive, where it is relayed, and why."""

from __future__ import annotations

import ipaddress
import os
import socket
import struct
from collections.abc import Callable

from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Packet, Raw

from lab import proc, turn
from lab.checksum import ones_sum
from lab.endpoints import TOS, TTL, udp_socket
from lab.rig import CHANNEL, Arrived, Case, Rig, with_option

HELLO = b"hello"
BIG = bytes(range(256)) * 12          # 3072 bytes: three fragments
FULL_V4, FULL_V6 = os.urandom(1472), os.urandom(1452)   # as a peer sends them they fill a packet of 1500 bytes
SO_NO_CHECK, IP_OPTIONS, IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, UDP_SEGMENT = 11, 4, 10, 23, 103
MARKED_TTL, MARKED_TOS = 77, 0xB9     # DSCP EF and ECT(1)
LIMIT = 10  # seconds to wait for a condition

Send = Callable[[Rig], None]


# How it is sent: with an option on the socket, or as a crafted frame.

def peer_option(level: int, name: int, on: int | bytes, off: int | bytes, payload: bytes = HELLO) -> Send:
    def send(rig: Rig) -> None:
        with with_option(rig.peer, level, name, on, off):
            rig.to_client(payload)
    return send


def client_option(level: int, name: int, on: int | bytes, off: int | bytes, datagram: bytes | None = None) -> Send:
    def send(rig: Rig) -> None:
        with with_option(rig.client.socket, level, name, on, off):
            rig.to_relay(datagram or turn.channel_data(CHANNEL, HELLO))
    return send


def marked(send_data: Callable[[Rig, bytes], None], end: Callable[[Rig], socket.socket]) -> Send:
    """With an unusual TTL and traffic class."""
    def send(rig: Rig) -> None:
        (ttl_level, ttl, *_), (tos_level, tos, *_) = TTL[rig.family], TOS[rig.family]
        with (with_option(end(rig), ttl_level, ttl, MARKED_TTL, 64),
              with_option(end(rig), tos_level, tos, MARKED_TOS, 0)):
            send_data(rig, HELLO)
    return send


def by_indication(rig: Rig, payload: bytes) -> None:
    rig.client.send_indication(rig.peer_address, payload)


def with_last_ttl(send_data: Callable[[Rig, bytes], None]) -> Send:
    def send(rig: Rig) -> None:
        level, ttl, *_ = TTL[rig.family]
        with with_option(rig.client.socket, level, ttl, 1, 64):
            send_data(rig, HELLO)
    return send


MIXED = [f"{ttl} {number}".encode() for number in range(8) for ttl in (64, 77, 77, 2)]


def mixed_ttls(send_data: Callable[[Rig, bytes], None], end: Callable[[Rig], socket.socket]) -> Send:
    """At once, so that the server handles them as a batch; they begin with their TTLs."""
    def send(rig: Rig) -> None:
        level, ttl, *_ = TTL[rig.family]
        for payload in MIXED:
            with with_option(end(rig), level, ttl, int(payload.split()[0]), 64):
                send_data(rig, payload)
    return send


def with_own_ttls(arrived: list[Arrived]) -> list[str]:
    return [f"{each.payload!r} has a TTL of {each.raw.ttl}" for each in arrived
            if each.raw.ttl != int(each.payload.split()[0]) - 1]


def still_marked(arrived: list[Arrived]) -> list[str]:
    return [f"{name} {value:#x} instead of {wanted:#x}" for each in arrived
            for name, value, wanted in (("TTL", each.raw.ttl, MARKED_TTL - 1), ("TOS", each.raw.tos, MARKED_TOS))
            if value != wanted]


def crafted(change: Callable[[Packet], Packet | bytes], payload: bytes = HELLO) -> Send:
    """ChannelData as the client would send it, with complete checksums, and then changed."""
    def send(rig: Rig) -> None:
        source, port = rig.client.socket.getsockname()[:2]
        mac, relay_mac = rig.macs()
        server, server_port = rig.server_address
        ip = IP(src=source, dst=server) if rig.family == 4 else IPv6(src=source, dst=server)
        frame = (Ether(src=mac, dst=relay_mac) / ip / UDP(sport=port, dport=server_port)
                 / Raw(turn.channel_data(CHANNEL, payload)))
        rig.frame(bytes(change(Ether(bytes(frame)))))  # parsed again, all sums are plain fields
    return send


def with_field(layer: type[Packet], **fields: int | str) -> Callable[[Packet], Packet]:
    def change(frame: Packet) -> Packet:
        for name, value in fields.items():
            setattr(frame[layer], name, value)
        return frame
    return change


def with_other_source(frame: Packet) -> Packet:
    """Valid, but from a neighbour of the client."""
    ip = frame.payload
    ip.src = ip.src.rsplit(".", 1)[0] + ".99" if isinstance(ip, IP) else ip.src.rsplit(":", 1)[0] + ":99"
    for layer in (ip, frame[UDP]):
        if hasattr(layer, "chksum"):
            del layer.chksum  # scapy computes what is missing
    return frame


def with_wrong_sum(frame: Packet) -> Packet:
    frame[UDP].chksum ^= 0x0100
    return frame


def with_sum_that_looks_partial(frame: Packet) -> Packet:
    """A complete checksum may equal a partial one by chance.

    The last two bytes of the payload, which were zero, make it so.
    """
    datagram = frame[UDP]
    ip = frame.payload
    addresses = ipaddress.ip_address(ip.src).packed + ipaddress.ip_address(ip.dst).packed
    start = ones_sum(*struct.unpack(f"!{len(addresses) // 2}H", addresses), socket.IPPROTO_UDP, datagram.len)
    chosen = ones_sum(datagram.chksum, 0xFFFF - start)
    datagram.chksum = start
    datagram.load = datagram.load[:-2] + struct.pack("!H", chosen)
    return frame


def full_packet(rig: Rig) -> None:
    """From a peer that does not know the path MTU."""
    rig.lab.run("peer", ["ip", "-6", "route", "flush", "cache"])
    rig.to_client(FULL_V6)


def full_packet_again(rig: Rig) -> None:
    """From a peer that has learned the path MTU from the first one's error. User space fragments by itself."""
    if rig.server.variant.in_kernel:
        full_packet(rig)
        if not proc.wait_until(lambda: "mtu" in rig.lab.run("peer", [
                "ip", "-6", "route", "get", rig.client.relayed[0]]).stdout, LIMIT, step=0.1):
            raise proc.LabError("the peer has not learned the path MTU")
    rig.to_client(FULL_V6)


def one_looking_partial(arrived: list[Arrived]) -> list[str]:
    got = [each.payload for each in arrived]
    return [] if len(got) == 1 and got[0].startswith(HELLO) else [f"got {got!r}"]


def with_garbage_inside_ip(frame: Packet) -> Packet:
    """The IP packet goes on after the UDP datagram has ended."""
    ip = frame.payload
    if isinstance(ip, IP):
        ip.len += 6
        del ip.chksum
    else:
        ip.plen += 6
    return Ether(bytes(frame) + b"GARBAG")


def with_priority_tag(frame: Packet) -> Packet:
    return Ether(src=frame.src, dst=frame.dst) / Dot1Q(vlan=0, prio=5) / frame.payload


def as_fragment(frame: Packet) -> Packet:
    """A last fragment without a first one. Its first bytes look like a UDP header."""
    frame[IP].frag = 3
    del frame[IP].chksum
    return frame


def from_other_port(role: str, send_by: Callable[[Rig, socket.socket], None]) -> Send:
    def send(rig: Rig) -> None:
        with udp_socket(rig.lab, role, rig.family) as sock:
            send_by(rig, sock)
    return send


TO_RELAY_OTHER_PORT = from_other_port(
    "client", lambda rig, sock: void(sock.sendto(turn.channel_data(CHANNEL, HELLO), rig.server_address)))
TO_CLIENT_OTHER_PORT = from_other_port(
    "peer", lambda rig, sock: void(sock.sendto(HELLO, rig.client.relayed)))
WITHOUT_PERMISSION = from_other_port(  # there is no permission for the client's own host
    "client", lambda rig, sock: void(sock.sendto(HELLO, rig.client.relayed)))


def void(_result: object) -> None:
    """For lambdas that must return nothing."""


def raw(data: bytes) -> Send:
    return lambda rig: rig.to_relay(data)


NO_OPTIONS = b""
NOPS = b"\x01\x01\x01\x01"
PADDING_HEADER = struct.pack("!BBBB4x", 0, 0, 1, 4)  # an IPv6 destination options header that holds a PadN
SUPER = [bytes([number]) * 1000 for number in range(5)]

# kernel: how many packets the kernel must relay. The verdicts are those of turnpike/verdicts.h.
CASES = (
    # Ordinary.
    Case("to the peer", lambda rig: rig.to_peer(HELLO), peer=[HELLO], kernel=1, verdict="relayed"),
    Case("to the client", lambda rig: rig.to_client(HELLO), client=[HELLO], kernel=1, verdict="relayed"),
    Case("empty, to the peer", lambda rig: rig.to_peer(b""), peer=[b""], kernel=1),
    Case("empty, to the client", lambda rig: rig.to_client(b""), client=[b""], kernel=1),
    Case("TTL and TOS, to the peer", marked(Rig.to_peer, lambda rig: rig.client.socket), peer=[HELLO],
         kernel=1, check=still_marked, once_before=True, ours_only=True),
    Case("TTL and TOS, to the client", marked(Rig.to_client, lambda rig: rig.peer), client=[HELLO],
         kernel=1, check=still_marked, once_before=True, ours_only=True),
    Case("TTL and TOS, Send indication", marked(by_indication, lambda rig: rig.client.socket), peer=[HELLO], kernel=0,
         check=still_marked, ours_only=True),
    Case("mixed TTLs, to the peer", mixed_ttls(Rig.to_peer, lambda rig: rig.client.socket), peer=MIXED,
         kernel=len(MIXED), check=with_own_ttls, ours_only=True),
    Case("mixed TTLs, to the client", mixed_ttls(Rig.to_client, lambda rig: rig.peer), client=MIXED,
         kernel=len(MIXED), check=with_own_ttls, ours_only=True),
    # Odd ChannelData.
    Case("padded", lambda rig: rig.to_peer(HELLO, padding=3), peer=[HELLO], kernel=1),
    Case("padded too far", lambda rig: rig.to_peer(HELLO, padding=9), peer=None, kernel=0, verdict="long-padding"),
    Case("longer than its datagram", lambda rig: rig.to_peer(HELLO, length=6), kernel=0, verdict="bad-channeldata"),
    Case("much longer than its datagram", lambda rig: rig.to_peer(HELLO, length=65535), kernel=0,
         verdict="bad-channeldata"),
    Case("unknown channel", raw(turn.channel_data(0x4FFF, HELLO)), kernel=0, verdict="no-flow"),
    Case("reserved channel", raw(turn.channel_data(0x7FFF, HELLO)), kernel=0),
    *(Case(f"short, {length} bytes", raw(turn.channel_data(CHANNEL, b"")[:length]), kernel=0) for length in range(4)),
    # Other senders and receivers.
    Case("client's address, other port", TO_RELAY_OTHER_PORT, kernel=0, verdict="no-flow"),
    Case("client's port, other address", crafted(with_other_source), kernel=0),
    Case("client's frame to another MAC", crafted(with_field(Ether, dst="02:00:00:00:00:99")), kernel=0,
         verdict="other-host"),
    Case("peer's address, other port", TO_CLIENT_OTHER_PORT, client=[HELLO], client_how="indication", kernel=0),
    Case("peer without permission", WITHOUT_PERMISSION, kernel=0),
    # Checksums.
    Case("no checksum, to the peer", client_option(socket.SOL_SOCKET, SO_NO_CHECK, 1, 0), peer=[HELLO], kernel=1,
         families=(4,)),
    Case("no checksum, to the client", peer_option(socket.SOL_SOCKET, SO_NO_CHECK, 1, 0), client=[HELLO], kernel=1,
         families=(4,)),
    Case("complete checksum", crafted(lambda frame: frame), peer=[HELLO], kernel=1),
    Case("complete checksum that looks partial", crafted(with_sum_that_looks_partial, payload=HELLO + bytes(3)),
         peer=None, check=one_looking_partial, kernel=1),
    Case("wrong UDP checksum", crafted(with_wrong_sum)),
    Case("wrong IPv4 checksum", crafted(with_field(IP, chksum=0x1234)), kernel=0, verdict="malformed", families=(4,)),
    # Lengths and headers.
    Case("trailer after the IP packet", crafted(lambda frame: bytes(frame) + b"TRAILER"), peer=[HELLO]),
    Case("garbage after the UDP datagram", crafted(with_garbage_inside_ip), peer=None, kernel=0, verdict="malformed"),
    Case("UDP longer than IP", crafted(with_field(UDP, len=200)), kernel=0, verdict="malformed"),
    Case("UDP shorter than its header", crafted(with_field(UDP, len=7)), kernel=0, verdict="malformed"),
    Case("priority tag", crafted(with_priority_tag), peer=[HELLO]),
    Case("last TTL, to the peer", client_option(socket.IPPROTO_IP, socket.IP_TTL, 1, 64), kernel=0, verdict="ttl",
         families=(4,), ours_only=True),
    Case("last TTL, to the client", peer_option(socket.IPPROTO_IP, socket.IP_TTL, 1, 64), kernel=0, verdict="ttl",
         families=(4,), ours_only=True),
    Case("last hop limit, to the peer", client_option(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 1, 64), kernel=0,
         verdict="ttl", families=(6,), ours_only=True),
    Case("last hop limit, to the client", peer_option(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 1, 64), kernel=0,
         verdict="ttl", families=(6,), ours_only=True),
    Case("last TTL, Send indication", with_last_ttl(by_indication), kernel=0, ours_only=True),
    Case("IPv4 options, to the peer", client_option(socket.IPPROTO_IP, IP_OPTIONS, NOPS, NO_OPTIONS), peer=[HELLO],
         kernel=0, verdict="ip-options", families=(4,)),
    Case("IPv4 options, to the client", peer_option(socket.IPPROTO_IP, IP_OPTIONS, NOPS, NO_OPTIONS), client=[HELLO],
         kernel=0, verdict="ip-options", families=(4,)),
    Case("extension header, to the peer",
         client_option(socket.IPPROTO_IPV6, socket.IPV6_DSTOPTS, PADDING_HEADER, NO_OPTIONS),
         peer=[HELLO], kernel=0, verdict="not-udp", families=(6,)),
    Case("extension header, to the client",
         peer_option(socket.IPPROTO_IPV6, socket.IPV6_DSTOPTS, PADDING_HEADER, NO_OPTIONS),
         client=[HELLO], kernel=0, verdict="not-udp", families=(6,)),
    # Sizes.
    Case("fragments, to the peer", lambda rig: rig.to_peer(BIG), peer=[BIG], kernel=0),
    Case("fragments, to the client", lambda rig: rig.to_client(BIG), client=[BIG], kernel=0),
    Case("lone last fragment", crafted(as_fragment), kernel=0, verdict="fragment", families=(4,)),
    Case("full packet, to the client", peer_option(socket.IPPROTO_IP, IP_MTU_DISCOVER, 0, 1, FULL_V4),
         client=[FULL_V4], kernel=0, verdict="too-big", families=(4,)),
    # Only the sender fragments IPv6: it gets an error, and fragments the next one.
    Case("full packet, to the client", full_packet, kernel=0, verdict="dont-fragment", families=(6,), kernel_only=True),
    Case("full packet, to the client, again", full_packet_again, client=[FULL_V6], kernel=0, families=(6,)),
    Case("super-packet, to the peer", client_option(
        socket.IPPROTO_UDP, UDP_SEGMENT, 1004, 0, b"".join(turn.channel_data(CHANNEL, each) for each in SUPER)),
         peer=SUPER),
    Case("super-packet, to the client", peer_option(socket.IPPROTO_UDP, UDP_SEGMENT, 1000, 0, b"".join(SUPER)),
         client=SUPER),
    # Indications are for user space.
    Case("Send indication", lambda rig: rig.client.send_indication(rig.peer_address, HELLO), peer=[HELLO], kernel=0),
)

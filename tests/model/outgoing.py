# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The frame that leaves: the section Outgoing headers of docs/data-plane.md."""

from __future__ import annotations

import struct

from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw

from indication import TRANSACTION_LENGTH, data_indication
from model import IP_HLEN, TAG_LAYERS, UDP_PROTOCOL, Case, ChannelData
from world import Hop


def build(case: Case, identification: int = 0, transaction: bytes = bytes(TRANSACTION_LENGTH)) -> bytes:
    """The outgoing frame; @identification: of IPv4; @transaction: of a Data indication."""
    flow, hop = case.flow, case.hop
    udp = UDP(sport=flow.src.port, dport=flow.dst.port)
    if case.udp.chksum == 0 and case.out_family == 4:
        udp.chksum = 0
    packet = bytes(ip_header(case, identification) / udp / message(case, transaction))
    if case.udp.chksum:
        packet = with_checksum(case, packet)
    return ether(case, hop) + packet


def message(case: Case, transaction: bytes) -> Packet:
    """The payload of UDP."""
    flow = case.flow
    if flow.xor_peer:
        return Raw(data_indication(flow.xor_peer, case.app_data, transaction))
    if flow.channel:
        return ChannelData(channel=flow.channel, length=len(case.app_data)) / Raw(case.app_data)
    return Raw(case.app_data)


def ip_header(case: Case, identification: int) -> IP | IPv6:
    flow = case.flow
    tos = case.ip.tos if case.family == 4 else case.ip.tc
    if case.out_family == 6:
        return IPv6(src=flow.src.ip, dst=flow.dst.ip, tc=tos, hlim=case.ttl - 1, fl=flow.label, nh=UDP_PROTOCOL)
    return IP(src=flow.src.ip, dst=flow.dst.ip, tos=tos, ttl=case.ttl - 1, id=identification,
              flags="DF" if case.out_df else 0, proto=UDP_PROTOCOL)


def with_checksum(case: Case, packet: bytes) -> bytes:
    """@packet has a valid checksum; if the incoming one is wrong, it stays wrong by the same amount (RFC 1624)."""
    at = IP_HLEN[case.out_family] + 6
    right = int.from_bytes(packet[at:at + 2], "big")
    if case.partial:
        if case.variant.native:
            return packet
        layer = IP if case.out_family == 4 else IPv6
        ip = layer(packet[:IP_HLEN[case.out_family]])
        value = case.pseudo_sum(ip, len(packet) - IP_HLEN[case.out_family])
    else:
        # Ones' complement arithmetic is modulo 0xffff; of the two zeros, UDP uses 0xffff (RFC 768).
        value = (right + case.udp.chksum - case.right_checksum) % 0xffff or 0xffff
    return packet[:at] + struct.pack("!H", value) + packet[at + 2:]


def ether(case: Case, hop: Hop) -> bytes:
    mac = [":".join(f"{byte:02x}" for byte in address) for address in (hop.dmac, hop.smac)]
    kind = 0x0800 if case.out_family == 4 else 0x86dd
    in_frame = case.tags[1:] if case.hwaccel_tag else case.tags
    kinds = [tag.tpid for tag in in_frame] + [kind]
    frame = Ether(dst=mac[0], src=mac[1], type=kinds[0])
    for tag, following in zip(in_frame, kinds[1:]):
        frame /= TAG_LAYERS[tag.tpid](prio=tag.tci >> 13, id=tag.tci >> 12 & 1, vlan=tag.vid, type=following)
    return bytes(frame)

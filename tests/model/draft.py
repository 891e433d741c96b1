# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The draft of a frame: a valid frame of a flow, and the faults to put into it."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from scapy.layers.inet import IP, UDP, IPOption
from scapy.layers.inet6 import IPv6
from scapy.packet import Packet, Raw
from scapy.utils import checksum

from model import UDP_PROTOCOL, ChannelData
from sends import Send
from world import NSEC, Flow, Frame, Key, Policer, Tag, World
from worlds import FOREVER, OF_PACKETS, PARENTS

NEVER_POLICED = {number: Policer(-NSEC, 1, FOREVER, parent, number in OF_PACKETS) for number, parent in PARENTS.items()}


def add(packet: bytearray, at: int, by: int) -> None:
    """Adds to a 16-bit field of the packet."""
    value = (int.from_bytes(packet[at:at + 2], "big") + by) % 65536
    packet[at:at + 2] = value.to_bytes(2, "big")


@dataclass
class Draft:
    """A frame that is not yet built. Fields without a value take the valid one. send: with the data, if it is one."""
    world: World
    key: Key
    flow: Flow
    data: bytes
    tags: list[Tag]
    dmac: bytes
    smac: bytes
    buffer: int
    notes: list[str]
    send: Send | None = None
    ttl: int = 64
    tos: int = 0
    df: bool = False
    identification: int = 0
    label: int = 0
    ip: dict[str, object] = field(default_factory=dict)
    udp: dict[str, object] = field(default_factory=dict)
    ip_len_add: int = 0
    udp_len_add: int = 0
    channel_len_add: int = 0
    ip_check_add: int = 0
    extension: Packet | None = None
    ethertype: int | None = None
    options: bytes = b""
    raw_payload: bytes | None = None
    padding: bytes = b""
    trailing: bytes = b""
    gso: int = 0
    head: int | None = None
    cut: int | None = None
    flip: Callable[[bytes], bytes] | None = None
    policers: dict[int, Policer] = field(default_factory=dict)

    @property
    def family(self) -> int:
        return self.key.dst.family

    @property
    def l3(self) -> int:
        return 14 + 4 * len(self.tags)

    @property
    def headers(self) -> int:
        """The length of the incoming headers, up to the data."""
        return {4: 28, 6: 48}[self.family] + (self.send.start if self.send else 4 if self.key.channel else 0)

    @property
    def behind(self) -> int:
        """The length of what always follows the data in the datagram."""
        return self.send.behind if self.send else 0

    @property
    def out_headers(self) -> int:
        return {4: 28, 6: 48}[self.flow.dst.family] + self.flow.framing_hlen

    @property
    def out_hlen(self) -> int:
        return {4: 20, 6: 40}[self.flow.dst.family]

    def payload(self) -> bytes:
        if self.raw_payload is not None:
            return self.raw_payload
        if self.send:
            return self.send.build(self.data)
        if not self.key.channel:
            return self.data
        length = (len(self.data) + self.channel_len_add) % 65536
        return bytes(ChannelData(channel=self.key.channel, length=length) / Raw(self.data + self.padding))

    def _ip(self) -> Packet:
        if self.family == 4:
            fields = {"src": self.key.src.ip, "dst": self.key.dst.ip, "tos": self.tos, "ttl": self.ttl,
                      "id": self.identification, "flags": "DF" if self.df else 0, "proto": UDP_PROTOCOL}
            if self.options:
                fields["options"] = [IPOption(self.options)]
            return IP(**(fields | self.ip))
        fields = {"src": self.key.src.ip, "dst": self.key.dst.ip, "tc": self.tos, "hlim": self.ttl, "fl": self.label}
        return IPv6(**(fields | self.ip))

    def packet(self) -> bytes:
        ip, payload = self._ip(), self.payload()
        udp = UDP(**({"sport": self.key.src.port, "dport": self.key.dst.port} | self.udp))
        layers = ip / self.extension / udp if self.extension else ip / udp
        packet = bytearray(bytes(layers / Raw(payload)))
        add(packet, len(packet) - len(payload) - 4, self.udp_len_add)
        if self.family == 6:
            add(packet, 4, self.ip_len_add)
        else:
            add(packet, 2, self.ip_len_add)
            if self.ip_len_add:  # keep the header checksum valid
                packet[10:12] = b"\0\0"
                add(packet, 10, checksum(bytes(packet[:20])))
            add(packet, 10, self.ip_check_add)
        return bytes(packet)

    def frame(self) -> Frame:
        kinds = [tag.tpid for tag in self.tags]
        kinds.append(self.ethertype if self.ethertype is not None else {4: 0x0800, 6: 0x86dd}[self.family])
        head = self.dmac + self.smac + struct.pack("!H", kinds[0])
        head += b"".join(struct.pack("!HH", tag.tci, kind) for tag, kind in zip(self.tags, kinds[1:]))
        data = head + self.packet() + self.trailing
        if self.flip:
            data = self.flip(data)
        whole, data = data, data[:self.cut]
        return Frame(data, ", ".join(self.notes), gso=self.gso, head=self.head,
                     whole=whole if len(data) < len(whole) else b"",
                     policers=NEVER_POLICED | self.policers)

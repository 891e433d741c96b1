# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the stack of the relay's host may put around packets to the peer, or do to them on a route.

The addresses are those of confirming.py.
"""

from __future__ import annotations

import contextlib
import ipaddress
import itertools
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from confirming import RELAY, ROUTER
from lab import proc, turn
from lab.checksum import ones_sum, sum16
from lab.lab import Lab
from lab.topology import FAMILIES, PEER
from lab.wire import Tap, mac, sender

PROGRAMS = Path(__file__).with_name("lwt.bpf.c")
ETHERNET, IPV6_HEADER = 14, 40
ARP, IPV4, IPV6, MPLS = b"\x08\x06", b"\x08\x00", b"\x86\xdd", b"\x88\x47"
UDP, ROUTING, ESP, ICMPV6 = 17, 43, 50, 58
LABELS = {4: 104, 6: 106}
SEGMENTS = {4: "fd77:99::104", 6: "fd77:99::106"}
TTL = 33  # set by the program in PROGRAMS
Commands = Sequence[tuple[str, str]]  # roles and commands of ip(8)


def ip_version(packet: bytes) -> int:
    return packet[0] >> 4 if packet else 0


def ip_protocol(packet: bytes) -> int:
    return packet[9] if ip_version(packet) == 4 else packet[6]


def destination(packet: bytes) -> str:
    if ip_version(packet) == 4:
        return socket.inet_ntop(socket.AF_INET, packet[16:20])
    return socket.inet_ntop(socket.AF_INET6, packet[24:40])


def as_esp(frame: bytes, family: int) -> bool:
    packet = frame[ETHERNET:]
    return (frame[12:14] == {4: IPV4, 6: IPV6}[family] and ip_protocol(packet) == ESP
            and destination(packet) == PEER.address(family))


def is_udp_to_peer(packet: bytes, family: int) -> bool:
    return ip_version(packet) == family and ip_protocol(packet) == UDP and destination(packet) == PEER.address(family)


def as_mpls(frame: bytes, family: int) -> bool:
    entry = int.from_bytes(frame[ETHERNET:ETHERNET + 4], "big")
    label, is_last = entry >> 12, bool(entry & 0x100)
    is_mpls = frame[12:14] == MPLS and label == LABELS[family] and is_last
    return is_mpls and is_udp_to_peer(frame[ETHERNET + 4:], family)


def as_seg6(frame: bytes, family: int) -> bool:
    outer = frame[ETHERNET:]
    if frame[12:14] != IPV6 or ip_protocol(outer) != ROUTING or destination(outer) != SEGMENTS[family]:
        return False
    header = outer[IPV6_HEADER:]
    is_segment_routing = header[2] == 4
    return is_segment_routing and is_udp_to_peer(header[8 * (header[1] + 1):], family)


def with_ttl(frame: bytes, family: int) -> bool:
    packet = frame[ETHERNET:]
    return is_udp_to_peer(packet, family) and packet[8 if family == 4 else 7] == TTL


def nothing(frame: bytes, family: int) -> bool:
    return False


@dataclass(frozen=True)
class Encapsulation:
    """Commands that add it, and those that remove it. {addresses} are replaced by those of an IP family.

    @encapsulates tells whether the relay may send such a frame to the peer. @why is in the list of flows; a flow
    without a next hop has no reason. A hidden payload cannot be read on the wire. @elsewhere: this kernel may lack it.
    """

    name: str
    add: Commands
    remove: Commands
    encapsulates: Callable[[bytes, int], bool]
    why: str = ""
    hidden: bool = False
    drops: bool = False
    elsewhere: bool = False

    @contextlib.contextmanager
    def applied(self, lab: Lab, family: int) -> Iterator[None]:
        try:
            self._run(lab, family, self.add)
            yield
        finally:
            self._run(lab, family, self.remove)

    def _run(self, lab: Lab, family: int, commands: Commands) -> None:
        words = {"relay": RELAY.address(family), "peer": PEER.address(family), "label": LABELS[family],
                 "segment": SEGMENTS[family], "net": f"{PEER.address(family)}/{32 if family == 4 else 128}",
                 "uplink": f"via {ROUTER.address(family)} dev nic0", "programs": str(lab.scratch / "lwt.o")}
        for role, lines in itertools.groupby(commands, key=lambda each: each[0]):
            batch = "".join(line.format(**words) + "\n" for _role, line in lines)
            lab.run(role, ["ip", "-batch", "-"], stdin=batch)


def esp(mode: str, here: str, there: str) -> Commands:
    """All UDP between relay and peer is encrypted: what @here does."""
    keys = f"auth hmac(sha256) 0x{'11' * 32} enc cbc(aes) 0x{'22' * 16}"
    states = [f"xfrm state add src {src} dst {dst} proto esp spi {spi} mode {mode} {keys}"
              for src, dst, spi in (("{relay}", "{peer}", 1), ("{peer}", "{relay}", 2))]
    near, far = f"{{{here}}}", f"{{{there}}}"
    policies = [f"xfrm policy add src {src} dst {dst} proto udp dir {way}"
                f" tmpl src {src} dst {dst} proto esp mode {mode}"
                for src, dst, way in ((near, far, "out"), (far, near, "in"))]
    return [(here, command) for command in (*states, *policies)]


def no_ipsec(*roles: str) -> Commands:
    return [(role, f"xfrm {what} flush") for role in roles for what in ("policy", "state")]


def route(name: str, encap: str, encapsulates: Callable[[bytes, int], bool], drops: bool = False,
          elsewhere: bool = False) -> Encapsulation:
    return Encapsulation(name, [("relay", f"route add {{net}} encap {encap} {{uplink}}")],
                         [("relay", "route del {net}")], encapsulates, drops=drops, elsewhere=elsewhere)


ENCAPSULATIONS = (
    *(Encapsulation(f"esp-{mode}", [*esp(mode, "peer", "relay"), *esp(mode, "relay", "peer")],
                    no_ipsec("peer", "relay"), as_esp, "leaves encrypted", hidden=True, elsewhere=True)
      for mode in ("transport", "tunnel")),
    route("mpls", "mpls {label}", as_mpls, elsewhere=True),
    route("seg6", "seg6 mode encap segs {segment}", as_seg6),
    Encapsulation("seg6-nexthop",
                  [("relay", "nexthop add id 7 encap seg6 mode encap segs {segment} {uplink}"),
                   ("relay", "route add {net} nhid 7")],
                  [("relay", "route del {net}"), ("relay", "nexthop del id 7")], as_seg6),
    route("bpf-changes", "bpf xmit obj {programs} sec lwt_xmit", with_ttl),
    route("bpf-drops", "bpf out obj {programs} sec lwt_out", nothing, drops=True),
)


def prepare(lab: Lab) -> None:
    """Compile the programs of routes, and let the router decapsulate what is for the peer."""
    proc.compile_bpf(PROGRAMS, lab.scratch)
    settings = {"ipv6/conf/all/seg6_enabled": 1, "ipv6/conf/to-relay/seg6_enabled": 1}
    commands = [f"route add {SEGMENTS[family]}/128 encap seg6local action End.DX{family} nh{family}"
                f" {PEER.address(family)} dev to-peer" for family in FAMILIES]
    has_mpls = Path("/proc/sys/net/mpls").exists()
    if has_mpls:
        settings |= {"mpls/platform_labels": max(LABELS.values()) + 1, "mpls/conf/to-relay/input": 1}
    with lab.entered("router"):
        for name, value in settings.items():
            Path("/proc/sys/net", name).write_text(str(value))
    lab.run("router", ["ip", "-batch", "-"], stdin="\n".join(commands) + "\n")
    for family in FAMILIES if has_mpls else ():
        lab.run("router", ["ip", "-f", "mpls", "route", "add", str(LABELS[family]), "via",
                           "inet" if family == 4 else "inet6", PEER.address(family), "dev", "to-peer"])


def has_all() -> bool:
    """Whether the kernel has ESP, MPLS and VRFs, tried in a namespace that is gone at once."""
    commands = ["modprobe -qa esp4 esp6 mpls_iptunnel vrf", "ip link add a type veth peer name b", "ip link set a up",
                "ip link add red type vrf table 10", "ip addr add 10.0.0.1/24 dev a",
                "ip route add 10.1.0.0/24 encap mpls 100 via inet 10.0.0.2 dev a",
                *(f"xfrm state add dst {each} proto esp spi 1 mode transport enc 'cbc(aes)' 0x{'22' * 16}"
                  for each in ("10.0.0.2", "fd00::2"))]
    script = f"{commands[0]}; {' && '.join(commands[1:])}"
    return proc.run(["unshare", "-n", "sh", "-c", script], check=False).returncode == 0


def forge(lab: Lab, family: int, source: turn.Address, to: turn.Address, payload: bytes) -> None:
    """Send a packet to the relay's uplink in plain UDP, whoever has the source address."""
    addresses = b"".join(ipaddress.ip_address(each[0]).packed for each in (source, to))
    length = 8 + len(payload)
    udp = struct.pack("!HHH", source[1], to[1], length)
    checksum = 0xFFFF - ones_sum(sum16(addresses + udp + payload), UDP, length) or 0xFFFF
    if family == 4:
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 0, 0, 64, UDP, 0) + addresses
        header = header[:10] + struct.pack("!H", 0xFFFF - sum16(header)) + header[12:]
    else:
        header = struct.pack("!IHBB", 6 << 28, length, UDP, 64) + addresses
    with sender(lab, "router", "to-relay") as out:
        out.send(mac(lab, "relay", "nic0") + mac(lab, "router", "to-relay") + {4: IPV4, 6: IPV6}[family] + header + udp
                 + struct.pack("!H", checksum) + payload)


class Wire:
    """What the relay sends to the peer by its uplink, seen from the router. Whatever is not for the client is."""

    def __init__(self, lab: Lab) -> None:
        self._tap = Tap(lab, "router", "to-relay")
        self._relay = mac(lab, "relay", "nic0")
        self._clients = {lab.address("client", family) for family in FAMILIES}

    def to_peer(self) -> list[bytes]:
        """The frames since the last call, without those that resolve neighbours."""
        return [frame for frame in self._tap.read() if frame[6:12] == self._relay and not self._is_other(frame)]

    def _is_other(self, frame: bytes) -> bool:
        packet = frame[ETHERNET:]
        return frame[12:14] == ARP or (frame[12:14] in (IPV4, IPV6) and (
            destination(packet) in self._clients or ip_protocol(packet) == ICMPV6))

    def close(self) -> None:
        self._tap.close()

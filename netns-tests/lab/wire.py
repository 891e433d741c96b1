# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Ethernet frames as a device sends and receives them, and as the stack receives them after all hooks of ours."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterator

from lab.lab import Lab

ETH_P_ALL, SOL_PACKET, PACKET_AUXDATA = 0x0003, 263, 8
AUXDATA = struct.Struct("=IIIHHHH")  # struct tpacket_auxdata
TP_STATUS_VLAN_VALID = 1 << 4
SO_RCVBUFFORCE = 33
BUFFER = 64 << 20


def mac(lab: Lab, role: str, device: str) -> bytes:
    return bytes.fromhex(lab.mac(role, device).replace(":", ""))


class Tap:
    """All frames that a device sends and receives, captured after XDP and before TC ingress."""

    def __init__(self, lab: Lab, role: str, device: str) -> None:
        with lab.entered(role):
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
        self._socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self._socket.setblocking(False)
        self._socket.bind((device, ETH_P_ALL))

    def read(self) -> list[bytes]:
        """The frames since the last call. A hwaccel VLAN tag is put back into its frame."""
        frames = []
        with contextlib.suppress(BlockingIOError):
            while True:
                frame, controls, _flags, _address = self._socket.recvmsg(65536, 256)
                status, _len, _snaplen, _mac, _net, tci, tpid = AUXDATA.unpack(controls[0][2])
                if status & TP_STATUS_VLAN_VALID:
                    frame = frame[:12] + struct.pack("!HH", tpid, tci) + frame[12:]
                frames.append(frame)
        return frames

    def close(self) -> None:
        self._socket.close()


@contextlib.contextmanager
def tap_behind_hooks(lab: Lab, role: str, device: str) -> Iterator[Tap]:
    """Frames that XDP and TC have passed. The ingress hook of nftables comes after theirs, and copies the frames to a
    device that discards them."""
    lab.run(role, ["ip", "link", "add", "copies", "type", "ifb"])
    try:
        lab.run(role, ["tc", "qdisc", "replace", "dev", "copies", "root", "noqueue"])
        lab.run(role, ["ip", "link", "set", "copies", "up"])
        lab.run(role, ["nft", "-f", "-"], stdin=(
            "add table netdev copies\n"
            f"add chain netdev copies behind {{ type filter hook ingress device {device} priority 0; }}\n"
            "add rule netdev copies behind dup to copies\n"))
        tap = Tap(lab, role, "copies")
        yield tap
        tap.close()
    finally:
        lab.run(role, ["nft", "delete table netdev copies"], check=False)
        lab.run(role, ["ip", "link", "del", "copies"], check=False)


def sender(lab: Lab, role: str, device: str) -> socket.socket:
    """A socket whose send() puts a frame on the wire."""
    with lab.entered(role):
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sock.bind((device, 0))
    return sock

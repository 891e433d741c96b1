# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""UDP sockets and TURN clients inside the lab, and a peer that records and echoes."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from lab import turn
from lab.lab import Lab
from lab.relay import PASSWORD, PORT, USER
from lab.wire import SO_RCVBUFFORCE

SOCKET_FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
# Level, option for sending, option for receiving, and type of the control message, of two header fields.
TOS = {4: (socket.IPPROTO_IP, socket.IP_TOS, socket.IP_RECVTOS, socket.IP_TOS),
       6: (socket.IPPROTO_IPV6, socket.IPV6_TCLASS, socket.IPV6_RECVTCLASS, socket.IPV6_TCLASS)}
TTL = {4: (socket.IPPROTO_IP, socket.IP_TTL, 12, socket.IP_TTL),  # 12 is IP_RECVTTL, which Python lacks
       6: (socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, socket.IPV6_RECVHOPLIMIT, socket.IPV6_HOPLIMIT)}
BUFFER = 4 << 20  # for what arrives while a busy machine runs something else
PATIENCE = 3  # seconds for a datagram that must arrive


@dataclass(frozen=True)
class Received:
    payload: bytes
    sender: tuple[str, int]
    ttl: int
    tos: int


def udp_socket(lab: Lab, role: str, family: int, port: int = 0) -> socket.socket:
    """A socket on a role's address that receives TTL and TOS."""
    with lab.entered(role):
        sock = socket.socket(SOCKET_FAMILY[family], socket.SOCK_DGRAM)
    sock.bind((lab.address(role, family), port))
    sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
    for level, _send, receive, _kind in (TOS[family], TTL[family]):
        sock.setsockopt(level, receive, 1)
    return sock


def turn_client(lab: Lab, role: str, family: int, relayed: int = 0, user: str = USER,
                password: str = PASSWORD) -> turn.Client:
    """A TURN client on a role's address. If @relayed is a family, it has an allocation."""
    server = (lab.topology.listen.address(family), PORT)
    client = turn.Client(udp_socket(lab, role, family), server, user, password)
    if relayed:
        client.allocate(relayed)
    return client


def ignore_path_mtu(sock: socket.socket, family: int) -> None:
    """Set IP_PMTUDISC_INTERFACE: use the device's MTU, ignore path MTU information, and do not set DF."""
    level, option = {4: (socket.IPPROTO_IP, 10), 6: (socket.IPPROTO_IPV6, 23)}[family]  # IP(V6)_MTU_DISCOVER
    sock.setsockopt(level, option, 4)


def receive(sock: socket.socket, family: int, timeout: float) -> Received | None:
    sock.settimeout(timeout)
    try:
        payload, controls, _flags, sender = sock.recvmsg(65536, 256)
    except TimeoutError:
        return None
    seen = {(level, kind): data[0] if len(data) == 1 else struct.unpack("=i", data[:4])[0]
            for level, kind, data in controls}
    return Received(payload, sender[:2], seen.get((TTL[family][0], TTL[family][3]), -1),
                    seen.get((TOS[family][0], TOS[family][3]), -1))


def drain(sock: socket.socket, family: int, quiet: float, expected: int = 0) -> list[Received]:
    """Receive until nothing arrives for @quiet seconds. Expected datagrams may take longer."""
    everything: list[Received] = []
    while one := receive(sock, family, PATIENCE if len(everything) < expected else quiet):
        everything.append(one)
    return everything


class EchoPeer:
    """A peer in a thread that echoes and records everything."""

    def __init__(self, lab: Lab, family: int) -> None:
        self.socket = udp_socket(lab, "peer", family)
        self._family = family
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._echo, daemon=True)
        self.address: tuple[str, int] = self.socket.getsockname()[:2]
        self.received: list[bytes] = []

    def _echo(self) -> None:
        while not self._done.is_set():
            one = receive(self.socket, self._family, 0.05)
            if one:
                self.received.append(one.payload)
                self.socket.sendto(one.payload, one.sender)


@contextlib.contextmanager
def echo_peer(lab: Lab, family: int) -> Iterator[EchoPeer]:
    peer = EchoPeer(lab, family)
    peer._thread.start()
    try:
        yield peer
    finally:
        peer._done.set()
        peer._thread.join()
        peer.socket.close()

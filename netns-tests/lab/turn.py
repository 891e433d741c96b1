# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A minimal TURN client that can also send what no well-behaved client sends.

It is written from RFC 8489 and RFC 8656 only, independently of the server.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import os
import socket
import struct
from dataclasses import dataclass

COOKIE = 0x2112A442
ALLOCATE, REFRESH, SEND, DATA, CREATE_PERMISSION, CHANNEL_BIND = 3, 4, 6, 7, 8, 9
REQUEST, INDICATION, SUCCESS, ERROR = 0x000, 0x010, 0x100, 0x110
USERNAME, INTEGRITY, ERROR_CODE, UNKNOWN_ATTRIBUTES, CHANNEL_NUMBER, LIFETIME = 0x06, 0x08, 0x09, 0x0A, 0x0C, 0x0D
XOR_PEER, PAYLOAD, REALM, NONCE, XOR_RELAYED, ADDRESS_FAMILY, TRANSPORT = 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x19
EVEN_PORT, RESERVATION_TOKEN, ADDITIONAL_FAMILY, ICMP = 0x18, 0x22, 0x8000, 0x8004
TRANSMISSIONS = 7  # of a request (RFC 8489, section 6.2.1): a busy machine may take seconds to respond
UDP_TRANSPORT = struct.pack("!B3x", 17)
FAMILY_CODE = {4: 1, 6: 2}

Address = tuple[str, int]
Attributes = list[tuple[int, bytes]]


class TurnError(Exception):
    """An error response of the server."""

    def __init__(self, code: int) -> None:
        super().__init__(f"error {code}")
        self.code = code


@dataclass(frozen=True)
class Message:
    method: int
    kind: int
    transaction: bytes
    attributes: Attributes

    def get(self, kind: int) -> bytes | None:
        return next((value for each, value in self.attributes if each == kind), None)

    def all(self, kind: int) -> list[bytes]:
        return [value for each, value in self.attributes if each == kind]

    @property
    def code(self) -> int:
        """The error code; 0 for a success."""
        value = self.get(ERROR_CODE)
        return value[2] * 100 + value[3] if value else 0


def build(method: int, kind: int, transaction: bytes, attributes: Attributes, key: bytes | None = None) -> bytes:
    body = b"".join(struct.pack("!HH", number, len(value)) + value + bytes(-len(value) % 4)
                    for number, value in attributes)
    if key is not None:
        # The HMAC covers a header whose length includes the integrity attribute.
        header = _header(method | kind, len(body) + 24, transaction)
        body += struct.pack("!HH", INTEGRITY, 20) + hmac.digest(key, header + body, "sha1")
    return _header(method | kind, len(body), transaction) + body


def _header(kind: int, length: int, transaction: bytes) -> bytes:
    return struct.pack("!HHI", kind, length, COOKIE) + transaction


def parse(data: bytes) -> Message | None:
    if len(data) < 20 or data[0] & 0xC0:
        return None
    kind, length, _cookie = struct.unpack_from("!HHI", data)
    attributes, at = [], 20
    while at + 4 <= 20 + length <= len(data):
        number, size = struct.unpack_from("!HH", data, at)
        attributes.append((number, data[at + 4:at + 4 + size]))
        at += 4 + size + -size % 4
    return Message(kind & 0x3EEF, kind & 0x0110, data[8:20], attributes)


def pack_address(address: Address, transaction: bytes) -> bytes:
    host = ipaddress.ip_address(address[0])
    mask = struct.pack("!I", COOKIE) + transaction
    return struct.pack("!xBH", FAMILY_CODE[host.version], address[1] ^ COOKIE >> 16) + bytes(
        a ^ b for a, b in zip(host.packed, mask))


def unpack_address(value: bytes, transaction: bytes) -> Address:
    mask = struct.pack("!I", COOKIE) + transaction
    host = ipaddress.ip_address(bytes(a ^ b for a, b in zip(value[4:], mask)))
    return str(host), struct.unpack_from("!H", value, 2)[0] ^ COOKIE >> 16


def channel_data(channel: int, payload: bytes, *, length: int | None = None, padding: int = 0) -> bytes:
    """A ChannelData message, optionally with a wrong length or padding."""
    return struct.pack("!HH", channel, len(payload) if length is None else length) + payload + bytes(padding)


def send_indication(peer: Address, payload: bytes) -> bytes:
    transaction = os.urandom(12)
    return build(SEND, INDICATION, transaction, [(XOR_PEER, pack_address(peer, transaction)), (PAYLOAD, payload)])


def data_indication(transaction: bytes, peer: Address, payload: bytes) -> bytes:
    return build(DATA, INDICATION, transaction, [(XOR_PEER, pack_address(peer, transaction)), (PAYLOAD, payload)])


def icmp_indication(transaction: bytes, peer: Address, kind: int, code: int, error_data: int) -> bytes:
    return build(DATA, INDICATION, transaction, [(XOR_PEER, pack_address(peer, transaction)),
                                                 (ICMP, struct.pack("!HBBI", 0, kind, code, error_data))])


def family_of(address: Address) -> int:
    return ipaddress.ip_address(address[0]).version


def binding(channel: int, peer: Address, transaction: bytes) -> Attributes:
    """The attributes of a ChannelBind request."""
    return [(CHANNEL_NUMBER, struct.pack("!Hxx", channel)), (XOR_PEER, pack_address(peer, transaction))]


class Client:
    """A client with one UDP socket, which the caller has opened in the right namespace."""

    def __init__(self, sock: socket.socket, server: Address, user: str, password: str) -> None:
        self.socket = sock
        self.server = server
        self._user, self._password = user, password
        self._realm: bytes | None = None
        self.nonce = b""
        self.relayed: Address = ("", 0)
        self.relays: dict[int, Address] = {}  # by family
        sock.connect(server)

    def exchange(self, method: int, attributes: Attributes, *, key: bytes | None = None, signed: bool = True,
                 transaction: bytes | None = None) -> Message:
        """Send a request and return the response, success or error. Other datagrams are discarded."""
        transaction = transaction or os.urandom(12)
        if signed and self._realm is not None:
            attributes = [*attributes, (USERNAME, self._user.encode()), (REALM, self._realm), (NONCE, self.nonce)]
            key = key or self._key()
        request = build(method, REQUEST, transaction, attributes, key)
        for _ in range(TRANSMISSIONS):
            self.socket.send(request)
            while data := self.receive(1.0):  # empty at the end of a connection
                answer = parse(data)
                if answer and answer.transaction == transaction:
                    return answer
        raise TimeoutError(f"no answer from {self.server} to method {method}")

    def request(self, method: int, attributes: Attributes, transaction: bytes | None = None) -> Message:
        """Like exchange(), but answers a challenge, and raises TurnError for an error response."""
        answer = self.exchange(method, attributes, transaction=transaction)
        if answer.code in (401, 438) and (nonce := answer.get(NONCE)) is not None:
            first = self._realm is None
            self._realm, self.nonce = answer.get(REALM) or self._realm, nonce
            if first or answer.code == 438:
                answer = self.exchange(method, attributes, transaction=transaction)
        if answer.kind != SUCCESS:
            raise TurnError(answer.code)
        return answer

    def allocate(self, family: int) -> None:
        self._allocate((ADDRESS_FAMILY, struct.pack("!B3x", FAMILY_CODE[family])))
        self.relayed = self.relays[family]

    def allocate_both(self) -> None:
        self._allocate((ADDITIONAL_FAMILY, struct.pack("!B3x", FAMILY_CODE[6])))

    def allocate_pair(self, family: int) -> bytes:
        """Allocate an even port. Returns the reservation token of the next one."""
        answer = self._allocate((ADDRESS_FAMILY, struct.pack("!B3x", FAMILY_CODE[family])), (EVEN_PORT, b"\x80"))
        self.relayed = self.relays[family]
        token = answer.get(RESERVATION_TOKEN)
        assert token and len(token) == 8, f"a token of {token!r}"
        return token

    def allocate_reserved(self, token: bytes) -> None:
        self._allocate((RESERVATION_TOKEN, token))
        self.relayed, = self.relays.values()

    def _allocate(self, *wishes: tuple[int, bytes]) -> Message:
        answer = self.request(ALLOCATE, [(TRANSPORT, UDP_TRANSPORT), *wishes])
        addresses = [unpack_address(value, answer.transaction) for value in answer.all(XOR_RELAYED)]
        self.relays = {family_of(address): address for address in addresses}
        assert len(self.relays) == len(addresses) > 0, f"a success with the relayed addresses {addresses}"
        return answer

    def permit(self, peer: Address) -> None:
        transaction = os.urandom(12)
        self.request(CREATE_PERMISSION, [(XOR_PEER, pack_address(peer, transaction))], transaction)

    def bind(self, channel: int, peer: Address) -> None:
        transaction = os.urandom(12)
        self.request(CHANNEL_BIND, binding(channel, peer, transaction), transaction)

    def refresh(self, lifetime: int, family: int = 0) -> None:
        """Refresh the allocation, or one family of it."""
        only = [(ADDRESS_FAMILY, struct.pack("!B3x", FAMILY_CODE[family]))] if family else []
        self.request(REFRESH, [*only, (LIFETIME, struct.pack("!I", lifetime))])

    def send_indication(self, peer: Address, payload: bytes) -> None:
        self.socket.send(send_indication(peer, payload))

    def receive(self, timeout: float) -> bytes | None:
        """The next datagram, or None after the timeout."""
        self.socket.settimeout(timeout)
        try:
            return self.socket.recv(65536)
        except TimeoutError:
            return None

    def _key(self) -> bytes:
        assert self._realm is not None
        return hashlib.md5(b":".join((self._user.encode(), self._realm, self._password.encode()))).digest()

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Random Send indications: as clients form them (docs/clients.md), at the limits of the rules, and beyond them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from indication import (COOKIE, DATA, FINGERPRINT, HEADER, MAX_AROUND, SEND, TRANSACTION_LENGTH, XOR_PEER_ADDRESS,
                        Attribute, padded, write, xor_address)
from world import Address

SOFTWARE, DONT_FRAGMENT, LIFETIME = 0x8022, 0x001a, 0x000d


@dataclass
class Send:
    """A Send indication that is not yet built. data_len_add: error of the length of DATA."""
    peer: Address
    transaction: bytes
    attributes: list[Attribute]  # with empty DATA
    fill: int = 0
    kind: int = SEND
    length_add: int = 0
    cookie: int = COOKIE
    data_len_add: int = 0
    trailing: bytes = b""

    def build(self, data: bytes) -> bytes:
        attributes = [(number, data if number == DATA and not value else value) for number, value in self.attributes]
        message = bytearray(write(self.kind, self.transaction, attributes, self.fill))
        message[2:4] = ((int.from_bytes(message[2:4], "big") + self.length_add) % 65536).to_bytes(2, "big")
        message[4:8] = self.cookie.to_bytes(4, "big")
        if self.data_len_add:
            at = self.start - 2
            message[at:at + 2] = ((len(data) + self.data_len_add) % 65536).to_bytes(2, "big")
        return bytes(message) + self.trailing

    def _place(self, kind: int) -> int:
        return next((at for at, (number, _) in enumerate(self.attributes) if number == kind), len(self.attributes))

    @property
    def start(self) -> int:
        """Bytes before the data."""
        return HEADER + sum(4 + padded(len(value)) for _, value in self.attributes[:self._place(DATA)]) + 4

    @property
    def behind(self) -> int:
        """Bytes behind the data and its padding."""
        return sum(4 + padded(len(value)) for _, value in self.attributes[self._place(DATA) + 1:])


def random_send(rng: Random, peer: Address) -> Send:
    transaction = rng.randbytes(TRANSACTION_LENGTH)
    attributes = [(XOR_PEER_ADDRESS, xor_address(peer, transaction)), (DATA, b"")]
    rng.shuffle(attributes)
    if rng.random() < 0.3:
        attributes.insert(rng.randrange(3), (rng.choice((SOFTWARE, 0x8000, 0xffff)), rng.randbytes(rng.randrange(30))))
    if rng.random() < 0.5:
        attributes.append((FINGERPRINT, rng.randbytes(4)))
    return Send(peer, transaction, attributes, rng.choice((0, 0x20, rng.randrange(256))))


# Changes, most of which break one rule.

def required(rng: Random, send: Send) -> None:
    kind = rng.choice((DONT_FRAGMENT, LIFETIME, 0x7fff, 0x0000))
    send.attributes.insert(rng.randrange(len(send.attributes) + 1), (kind, rng.randbytes(rng.choice((0, 4)))))


def doubled(rng: Random, send: Send) -> None:
    kind, value = rng.choice(send.attributes)
    place = rng.randrange(len(send.attributes) + 1)
    send.attributes.insert(place, (kind, rng.randbytes(rng.randint(1, 9)) if kind == DATA else value))


def missing(rng: Random, send: Send) -> None:
    send.attributes.pop(rng.randrange(len(send.attributes)))


def many(rng: Random, send: Send) -> None:
    """Four or five attributes."""
    while len(send.attributes) < rng.choice((4, 5)):
        send.attributes.insert(rng.randrange(3), (SOFTWARE, rng.randbytes(rng.randrange(5))))


def around(rng: Random, send: Send) -> None:
    """The most bytes before or behind the data, give or take an attribute's padding."""
    send.attributes = [attribute for attribute in send.attributes if attribute[0] in (XOR_PEER_ADDRESS, DATA)]
    before = rng.random() < 0.5
    room = MAX_AROUND - (send.start if before else send.behind)
    value = rng.randbytes(max(room - 4 + rng.choice((-4, -1, 0, 1, 4)), 0))
    send.attributes.insert(0 if before else 2, (SOFTWARE, value))


def fingerprint(rng: Random, send: Send) -> None:
    """Not last, twice, or of another length."""
    value = rng.randbytes(rng.choice((0, 3, 4, 5, 8)))
    send.attributes.insert(rng.randrange(len(send.attributes) + 1), (FINGERPRINT, value))


def set_peer(send: Send, value: bytes) -> None:
    send.attributes = [(kind, value if kind == XOR_PEER_ADDRESS else old) for kind, old in send.attributes]


def peer_value(rng: Random, send: Send) -> None:
    """Another length, family or first byte."""
    value = xor_address(send.peer, send.transaction)
    first, family = bytes([rng.randrange(256)]), bytes([rng.choice((0, 1, 2, 3))])
    set_peer(send, rng.choice((value[:4], value[:-1], value + b"\0", value + bytes(12), bytes(len(value)),
                               first + value[1:], value[:1] + family + value[2:])))


def other_peer(rng: Random, send: Send) -> None:
    value = bytearray(xor_address(send.peer, send.transaction))
    value[rng.randrange(2, len(value))] ^= 1 << rng.randrange(8)
    set_peer(send, bytes(value))


def header(rng: Random, send: Send) -> None:
    kind = rng.choice(("type", "length", "cookie", "trailing"))
    if kind == "type":
        send.kind = rng.choice((0x0006, 0x0017, 0x0011, 0x0001, 0x0116, 0x3fff))
    elif kind == "length":
        send.length_add = rng.choice((-4, -1, 1, 4, 20))
    elif kind == "cookie":
        send.cookie ^= 1 << rng.randrange(32)
    else:
        send.trailing = rng.randbytes(rng.choice((1, 4, 8)))


def data_length(rng: Random, send: Send) -> None:
    send.data_len_add = rng.choice((-4, -1, 1, 2, 3, 4, 400, -1000))


FAULTS: tuple[Callable[[Random, Send], None], ...] = (
    required, doubled, missing, many, around, fingerprint, peer_value, other_peer, header, data_length)

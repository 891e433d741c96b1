# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Streams of Send and Data indications, made from those of ChannelData.

The attributes of Send indications are those of clients, see docs/clients.md.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import replace

import paths  # noqa: F401
from frame import Address
from lab import turn
from network import PEERS, RELAYED, RELAYED_OTHERS, Stream
from traffic import data

FINGERPRINT, FINGERPRINT_MASK = 0x8028, 0x5354554E
PEER = PEERS.nth(0, 4)
TRANSACTION = bytes(range(0xA0, 0xAC))
Send = Callable[[Address, bytes], bytes]


def fingerprinted(attributes: turn.Attributes) -> bytes:
    """RFC 8489 section 14.7: the CRC covers a header whose length includes the attribute."""
    message = turn.build(turn.SEND, turn.INDICATION, TRANSACTION, [*attributes, (FINGERPRINT, bytes(4))])
    return message[:-4] + struct.pack("!I", zlib.crc32(message[:-8]) ^ FINGERPRINT_MASK)


def firefox(peer: Address, payload: bytes) -> bytes:
    return fingerprinted([(turn.XOR_PEER, turn.pack_address(peer, TRANSACTION)), (turn.PAYLOAD, payload)])


def coturn(peer: Address, payload: bytes) -> bytes:
    return fingerprinted([(turn.PAYLOAD, payload), (turn.XOR_PEER, turn.pack_address(peer, TRANSACTION))])


def sent_by(client: Send) -> Callable[[Stream, int], Stream]:
    return lambda stream, size: with_payload(stream, client(PEER, data(size)))


def received(stream: Stream, size: int, peer: Address = PEER) -> Stream:
    """The relay chooses the transaction ID."""
    def like(arrived: bytes) -> bytes:
        return turn.data_indication(arrived[8:20], peer, data(size))

    expected = replace(stream.expected, payload=turn.data_indication(bytes(12), peer, data(size)))
    return replace(stream, expected=expected, payload_like=like)


def sent_and_received(stream: Stream, size: int) -> Stream:
    """A hairpin: each client knows the other by its relayed address."""
    sent = with_payload(stream, firefox(RELAYED_OTHERS.nth(0, 4), data(size)))
    return received(sent, size, RELAYED.nth(0, 4))


def with_payload(stream: Stream, payload: bytes) -> Stream:
    return replace(stream, sent=replace(stream.sent, payload=payload))

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Send and Data indications (RFC 8489 sections 5 and 14, RFC 8656 section 11): how they are read and written."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass

from world import Address

SEND, DATA_INDICATION = 0x0016, 0x0017
XOR_PEER_ADDRESS, DATA, FINGERPRINT = 0x0012, 0x0013, 0x8028
OPTIONAL = 0x8000            # from here on, attributes may be ignored
COOKIE = 0x2112a442
HEADER, ATTRIBUTE_HEADER = 20, 4
TRANSACTION_LENGTH = 12
FAMILIES = {1: 4, 2: 6}      # of addresses in attributes, and their IP versions
ADDRESS_LENGTH = {1: 8, 2: 20}
MAX_ATTRIBUTES = 4
MAX_AROUND = 128             # bytes before and behind the data

Attribute = tuple[int, bytes]


def padded(length: int) -> int:
    return -length % 4 + length


@dataclass(frozen=True)
class Indication:
    """@start, @end: where the data is in the message."""
    peer: Address
    start: int
    end: int


def xor(value: bytes, transaction: bytes) -> bytes:
    """Between an address and its form in XOR-PEER-ADDRESS: both have two bytes and the port first (section 14.2)."""
    mask = struct.pack("!HHI", 0, COOKIE >> 16, COOKIE) + transaction
    return bytes(byte ^ key for byte, key in zip(value, mask))


def xor_address(address: Address, transaction: bytes) -> bytes:
    """The value of XOR-PEER-ADDRESS."""
    family = {version: number for number, version in FAMILIES.items()}[address.family]
    return xor(struct.pack("!HH", family, address.port) + address.packed, transaction)


def peer_of(value: bytes, transaction: bytes) -> Address | None:
    """The first byte of the value has no meaning."""
    if len(value) < 4 or ADDRESS_LENGTH.get(value[1]) != len(value):
        return None
    plain = xor(value, transaction)
    return Address(str(ipaddress.ip_address(plain[4:])), int.from_bytes(plain[2:4], "big"))


def places(message: bytes) -> list[tuple[int, int, int]] | None:
    """Type, start and end of each attribute's value; None: they do not fill the message exactly."""
    found, at = [], HEADER
    while at < len(message):
        if at + ATTRIBUTE_HEADER > len(message):
            return None
        kind, length = struct.unpack_from("!HH", message, at)
        at += ATTRIBUTE_HEADER
        found.append((kind, at, at + length))
        at += padded(length)
    return found if at == len(message) else None


def known(found: list[tuple[int, int, int]]) -> bool:
    """Is there nothing that the server has to look at?"""
    kinds = [kind for kind, _, _ in found]
    fingerprints = [at for at, kind in enumerate(kinds) if kind == FINGERPRINT]
    others = [kind for kind in kinds if kind not in (XOR_PEER_ADDRESS, DATA, FINGERPRINT)]
    return (len(kinds) <= MAX_ATTRIBUTES and kinds.count(XOR_PEER_ADDRESS) == kinds.count(DATA) == 1
            and all(kind >= OPTIONAL for kind in others) and fingerprints in ([], [len(kinds) - 1])
            and all(end - start == 4 for kind, start, end in found if kind == FINGERPRINT))


def read(message: bytes) -> Indication | None:
    """A message of either kind; None: it is for the server."""
    if len(message) < HEADER or struct.unpack_from("!HI", message, 2) != (len(message) - HEADER, COOKIE):
        return None
    found = places(message)
    if found is None or not known(found):
        return None
    values = {kind: (start, end) for kind, start, end in found}
    start, end = values[XOR_PEER_ADDRESS]
    peer = peer_of(message[start:end], message[8:HEADER])
    start, end = values[DATA]
    if peer is None or start > MAX_AROUND or len(message) - end > MAX_AROUND:
        return None
    return Indication(peer, start, end)


def write(kind: int, transaction: bytes, attributes: list[Attribute], fill: int = 0) -> bytes:
    """@fill: the bytes of the padding."""
    body = b"".join(struct.pack("!HH", number, len(value)) + value + bytes([fill]) * (padded(len(value)) - len(value))
                    for number, value in attributes)
    return struct.pack("!HHI", kind, len(body), COOKIE) + transaction + body


def data_indication(peer: Address, data: bytes, transaction: bytes) -> bytes:
    """As the relay sends it to a client."""
    return write(DATA_INDICATION, transaction, [(XOR_PEER_ADDRESS, xor_address(peer, transaction)), (DATA, data)])

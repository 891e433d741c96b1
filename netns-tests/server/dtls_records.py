# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""DTLS 1.2 records that a server must discard, and a path that inserts them between those of a client (RFC 6347)."""

from __future__ import annotations

import os
import select
import struct
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType

from lab.endpoints import udp_socket
from lab.lab import Lab

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA = range(20, 24)
CLIENT_HELLO, CLIENT_KEY_EXCHANGE, FINISHED = 1, 16, 20
HEADER, MESSAGE_HEADER = 13, 12
FINISHED_LENGTH = MESSAGE_HEADER + 12
# Bytes that a cipher adds to a plaintext, by OpenSSL's names.
CIPHERS = {
    "ECDHE-ECDSA-AES128-GCM-SHA256": 24,
    "ECDHE-ECDSA-AES256-GCM-SHA384": 24,
    "ECDHE-ECDSA-CHACHA20-POLY1305": 16,
}

Change = Callable[[bytes], Iterable[bytes]]


def record(kind: int, body: bytes, epoch: int = 0, seq: int = 7, version: int = 0xfefd,
           length: int | None = None) -> bytes:
    header = struct.pack("!BHHHI", kind, version, epoch, seq >> 32, seq & 0xffffffff)
    return header + struct.pack("!H", len(body) if length is None else length) + body


def message(kind: int, body: bytes, seq: int = 2, offset: int = 0, whole: int | None = None,
            length: int | None = None) -> bytes:
    """A fragment of a handshake message."""
    return bytes([kind]) + (len(body) if whole is None else whole).to_bytes(3, "big") + struct.pack("!H", seq) + \
        offset.to_bytes(3, "big") + (len(body) if length is None else length).to_bytes(3, "big") + body


def records_of(datagram: bytes) -> list[bytes]:
    result = []
    while datagram:
        end = HEADER + struct.unpack_from("!H", datagram, 11)[0]
        result.append(datagram[:end])
        datagram = datagram[end:]
    return result


def is_message(one: bytes, kind: int) -> bool:
    """Whether a record is a plaintext handshake message of this type."""
    return one[0] == HANDSHAKE and one[3:5] == bytes(2) and one[HEADER] == kind


def _key_exchange(seq: int = 2) -> bytes:
    """With an invalid point, so the handshake fails if the server accepts it."""
    return message(CLIENT_KEY_EXCHANGE, b"\x41\x04" + bytes(64), seq)


def forged_plaintext() -> dict[str, bytes]:
    """Records that a client never sends after its ClientHello. Only the last one is valid, and harmless at any time."""
    forged = {f"type {kind}": record(kind, os.urandom(40)) for kind in (0, 19, 24, 25, 26, 255)}
    forged |= {f"alert {body.hex()}": record(ALERT, body)
               for body in (b"", b"\1", b"\1\0", b"\2\x28", b"\3\0", b"\1\0\0")}
    forged |= {f"empty {kind}": record(kind, b"") for kind in range(20, 24)}
    messages = {
        "a short header": bytes(MESSAGE_HEADER - 1),
        "a hello request": message(0, b""),
        "an unknown message": message(99, bytes(10)),
        "finished": message(FINISHED, bytes(12)),
        "a fragment longer than its record": message(CLIENT_KEY_EXCHANGE, bytes(66), whole=70, length=70),
        "a fragment longer than its message": message(CLIENT_KEY_EXCHANGE, bytes(66), whole=33),
        "a fragment behind its message": message(CLIENT_KEY_EXCHANGE, bytes(33), offset=60, whole=66),
        "an empty fragment": message(CLIENT_KEY_EXCHANGE, b"", whole=66),
        "a long message": message(CLIENT_KEY_EXCHANGE, bytes(66), whole=1 << 20),
        "a short key": message(CLIENT_KEY_EXCHANGE, b"\x20" + bytes(30)),
        "a message of the future": _key_exchange(3),
        "a message of the past": _key_exchange(1),
        "more than a message": _key_exchange(3) + bytes(5),
    }
    forged |= {name: record(HANDSHAKE, body) for name, body in messages.items()}
    return forged | {
        "application data": record(APPLICATION_DATA, os.urandom(40)),
        "a number far away": record(CHANGE_CIPHER_SPEC, b"\1", seq=1 << 40),
        "a message far away": record(HANDSHAKE, _key_exchange(), seq=1 << 40),
        "a change to 0": record(CHANGE_CIPHER_SPEC, b"\0"),
        "a long change": record(CHANGE_CIPHER_SPEC, b"\1\1"),
        "a change of TLS": record(CHANGE_CIPHER_SPEC, b"\1", version=0x0303),
        "a change of DTLS 1.0": record(CHANGE_CIPHER_SPEC, b"\1", version=0xfeff),
        "a change": record(CHANGE_CIPHER_SPEC, b"\1", seq=30),
    }


def forged_protected(overhead: int) -> dict[str, bytes]:
    """Invalid records of a protected session, some of which make OpenSSL 3.0 end it."""
    lengths = [0, 1, 2, 7, 8, 9, 15, overhead - 1]
    forged = {f"{length} bytes of type {kind}": record(kind, os.urandom(length), 1)
              for kind in range(20, 24) for length in lengths}
    forged |= {f"type {kind}": record(kind, os.urandom(60), 1) for kind in (0, 19, 20, 24, 25, 26, 255)}
    forged |= {f"version {version:x}": record(APPLICATION_DATA, os.urandom(60), 1, version=version)
               for version in (0xfefc, 0xfeff, 0x0303, 0)}
    forged |= {f"epoch {epoch}": record(APPLICATION_DATA, os.urandom(60), epoch) for epoch in (0, 2, 65535)}
    return forged | {
        "a long alert": record(ALERT, os.urandom(overhead + 3), 1),
        "a short message": record(HANDSHAKE, os.urandom(overhead + FINISHED_LENGTH - 1), 1),
        "a long message": record(HANDSHAKE, os.urandom(overhead + FINISHED_LENGTH + 1), 1),
        "a message late in the session": record(HANDSHAKE, os.urandom(overhead + FINISHED_LENGTH), 1, seq=8),
        "a header": record(APPLICATION_DATA, b"", 1)[:HEADER - 1],
        "shorter than its header says": record(APPLICATION_DATA, os.urandom(60), 1, length=61),
        "a long record": record(APPLICATION_DATA, os.urandom((1 << 14) + overhead + 1), 1),
    }


def forged_tags(overhead: int) -> list[bytes]:
    """Records that differ from a client's only in their tags."""
    lengths = (ALERT, 2), (HANDSHAKE, FINISHED_LENGTH), (APPLICATION_DATA, 0), (APPLICATION_DATA, 100)
    return [record(kind, os.urandom(overhead + length), 1, seq) for kind, length in lengths
            for seq in (0, 1, 7, *([] if kind == HANDSHAKE else [1 << 40, (1 << 48) - 1]))]


def unchanged(datagram: bytes) -> list[bytes]:
    return [datagram]


class Path:
    """Forward the datagrams of one client, which sends to .address; to_server and to_client may change each."""

    def __init__(self, lab: Lab, server: tuple[str, int], to_server: Change = unchanged,
                 to_client: Change = unchanged) -> None:
        self._inner, self._outer = udp_socket(lab, "client", 4), udp_socket(lab, "client", 4)
        self._outer.connect(server)
        self.address: tuple[str, int] = self._inner.getsockname()
        self.records: list[bytes] = []  # of the client
        self._changes = to_server, to_client
        self._client: tuple[str, int] | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._carry, daemon=True)

    def send(self, datagrams: Iterable[bytes]) -> None:
        """Send in the client's name, with pauses, so that the receive buffer does not overflow."""
        for number, datagram in enumerate(datagrams, 1):
            self._outer.send(datagram)
            if number % 32 == 0:
                time.sleep(0.002)

    def _carry(self) -> None:
        to_server, to_client = self._changes
        while not self._over.is_set():
            for sock in select.select([self._inner, self._outer], [], [], 0.05)[0]:
                if sock is self._inner:
                    datagram, self._client = sock.recvfrom(65536)
                    self.records += records_of(datagram)
                    self.send(to_server(datagram))
                elif self._client:
                    for datagram in to_client(sock.recv(65536)):
                        self._inner.sendto(datagram, self._client)

    def __enter__(self) -> Path:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()
        self._inner.close()
        self._outer.close()


def between(forged: Sequence[bytes]) -> Change:
    """Put each record into a datagram of its own, with forged ones around it, after a datagram for each forged one."""
    front = record(ALERT, b"\2\x28") + record(HANDSHAKE, message(CLIENT_HELLO, os.urandom(60)))
    end = record(APPLICATION_DATA, b"", 1)[:HEADER - 1]

    def change(datagram: bytes) -> list[bytes]:
        if is_message(datagram, CLIENT_HELLO):
            return [datagram]
        return [each for real in records_of(datagram) for each in (*forged, front + real + end)]
    return change


def twice() -> Change:
    return lambda datagram: [one for one in records_of(datagram) for _ in range(2)]


def backwards_once() -> Change:
    """Reverse the records of the first flight with a ClientKeyExchange, but not those of its retransmissions."""
    turned: list[bytes] = []

    def change(datagram: bytes) -> list[bytes]:
        records = records_of(datagram)
        if turned or not is_message(records[0], CLIENT_KEY_EXCHANGE):
            return [datagram]
        turned.append(datagram)
        return records[::-1]
    return change


def lost_once() -> Change:
    """Lose the first datagram with a ChangeCipherSpec."""
    lost: list[bytes] = []

    def change(datagram: bytes) -> list[bytes]:
        if lost or all(one[0] != CHANGE_CIPHER_SPEC for one in records_of(datagram)):
            return [datagram]
        lost.append(datagram)
        return []
    return change

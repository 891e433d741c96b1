# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A steady flow through the relay to an echoing peer, during changes.

Each message carries its number, which determines all of its bytes, so that any wrong byte is detected.
"""

from __future__ import annotations

import contextlib
import itertools
import random
import threading
import time

from lab import proc, turn
from lab.endpoints import udp_socket
from lab.lab import Lab
from lab.relay import PASSWORD, PORT, USER

CHANNEL = 0x4001
PACE = 0.0005  # seconds between two messages of a flow: about 2,000 per second in each direction
LONGEST = 1300
LATE = 2  # seconds that a busy machine may hold a message


def message(number: int) -> bytes:
    """The message of this number, with pseudorandom length and bytes."""
    generator = random.Random(number)
    return number.to_bytes(8, "big") + generator.randbytes(number * 7 % LONGEST)


def is_icmp_indication(datagram: bytes) -> bool:
    """Whether it is a Data indication with an ICMP error, which can arrive at any time (RFC 8656 section 11.5)."""
    indication = turn.parse(datagram)
    return bool(indication and indication.get(turn.ICMP))


class Flow:
    """A client that sends messages and checks the echoes."""

    def __init__(self, lab: Lab, family: int, peer: turn.Address, pace: float = PACE) -> None:
        self._pace = pace
        self.socket = udp_socket(lab, "client", family)
        self._client = turn.Client(self.socket, (lab.topology.listen.address(family), PORT), USER, PASSWORD)
        self._client.allocate(family)
        self._client.bind(CHANNEL, peer)
        self.socket.settimeout(0.2)
        self._stop = threading.Event()
        self.sent = 0
        self.back: set[int] = set()
        self.wrong: list[str] = []
        self._sender = threading.Thread(target=self._send, daemon=True)
        self._receiver = threading.Thread(target=self._receive, daemon=True)

    def start(self) -> None:
        self._receiver.start()
        self._sender.start()

    def stop(self) -> None:
        """Stop sending, and receive the last echoes."""
        self._stop.set()
        self._sender.join()
        self._receiver.join()
        self.socket.close()

    def lost_in(self, seconds: float) -> int:
        """The number of messages without echo among those sent in the next @seconds."""
        start = self.sent
        time.sleep(seconds)
        return self.lost_since(start)

    def lost_since(self, start: int) -> int:
        """The number of messages without echo since message @start."""
        return len(self.unanswered(start))

    def unanswered(self, start: int = 0) -> set[int]:
        """The messages without echo since message @start. A late message is not a lost one."""
        sent = set(range(start, self.sent))
        proc.wait_until(lambda: self.back.issuperset(sent), LATE)
        return sent - self.back

    def oldest_unanswered(self, start: int) -> int:
        """The first message since @start without echo, perhaps the next one to be sent."""
        return next(number for number in itertools.count(start) if number not in self.back)

    def _send(self) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(OSError):  # without a route the message is lost
                self.socket.send(turn.channel_data(CHANNEL, message(self.sent)))
            self.sent += 1
            time.sleep(self._pace)

    def _receive(self) -> None:
        while True:
            try:
                datagram = self.socket.recv(65536)
            except OSError:  # timeout or ICMP error
                if self._stop.is_set():
                    return
                continue
            if is_icmp_indication(datagram):
                continue
            number = int.from_bytes(datagram[4:12], "big")
            if number in self.back:
                self.wrong.append(f"message {number} came twice")
            elif number >= self.sent + 1 or datagram != turn.channel_data(CHANNEL, message(number)):
                self.wrong.append(f"unexpected datagram: {datagram[:16].hex()} ({len(datagram)} bytes)")
            self.back.add(number)

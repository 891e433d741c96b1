# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A steady flow through the relay to an echoing peer, whatever happens meanwhile.

Each message carries its number, and its bytes follow from that, so that any byte out of place is seen.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time

from lab import turn
from lab.endpoints import udp_socket
from lab.lab import Lab
from lab.relay import PASSWORD, PORT, USER

CHANNEL = 0x4001
PACE = 0.0005  # seconds between two messages of a flow: about 2,000 a second there and back
LONGEST = 1300


def message(number: int) -> bytes:
    """Every length in turn, and bytes that no other number has at the same place."""
    generator = random.Random(number)
    return number.to_bytes(8, "big") + generator.randbytes(number * 7 % LONGEST)


def tells_of_icmp(datagram: bytes) -> bool:
    """Is it a Data indication about an ICMP error? Those may come at any time (RFC 8656 section 11.5)."""
    indication = turn.parse(datagram)
    return bool(indication and indication.get(turn.ICMP))


class Flow:
    """A client that sends message after message and looks at what comes back."""

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
        """What is still on its way may arrive."""
        self._stop.set()
        self._sender.join()
        self._receiver.join()
        self.socket.close()

    def lost_in(self, seconds: float) -> int:
        """How many messages sent from now on do not come back; those of the last moment have the time they need."""
        start = self.sent
        time.sleep(seconds)
        return self.lost_since(start)

    def lost_since(self, start: int) -> int:
        """The same of all messages since one."""
        end = self.sent
        time.sleep(0.3)
        return sum(1 for number in range(start, end) if number not in self.back)

    def _send(self) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(OSError):  # no route for a moment is a message lost
                self.socket.send(turn.channel_data(CHANNEL, message(self.sent)))
            self.sent += 1
            time.sleep(self._pace)

    def _receive(self) -> None:
        while True:
            try:
                datagram = self.socket.recv(65536)
            except OSError:  # nothing for a while, or an ICMP error
                if self._stop.is_set():
                    return
                continue
            if tells_of_icmp(datagram):
                continue
            number = int.from_bytes(datagram[4:12], "big")
            if number in self.back:
                self.wrong.append(f"message {number} came twice")
            elif number >= self.sent + 1 or datagram != turn.channel_data(CHANNEL, message(number)):
                self.wrong.append(f"something else came: {datagram[:16].hex()} ({len(datagram)} bytes)")
            self.back.add(number)

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""coturn's load generator turnutils_uclient, and its peer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lab import proc
from lab.lab import Lab
from lab.relay import PASSWORD, PORT, USER
from lab.topology import FAMILIES

PEER_PORT = 3480
# As many messages as the receive buffer of one client holds (64 KiB, doubled by Linux). If a CPU of the machine pauses,
# all of them can arrive at once; of 200, as few as 116 found room. Who sends more may lose some.
BUFFERED = 80


@dataclass(frozen=True)
class Load:
    """The results printed by turnutils_uclient."""

    sent: int
    received: int
    lost: int
    round_trip_ms: float
    peak_rate: int  # messages sent and received in its busiest second

    @property
    def packets(self) -> int:
        """Packets through the relay: each message once to the peer and once back."""
        return self.sent + self.received


_NUMBERS = {
    "sent": r"start_mclient: tot_send_msgs=(\d+)",
    "received": r"start_mclient: tot_send_msgs=\d+, tot_recv_msgs=(\d+)",
    "lost": r"Total lost packets (-?\d+)",
    "round_trip": r"Average round trip delay ([\d.]+) ms",
}
_PROGRESS = re.compile(r"start_mclient: msz=\d+, tot_send_msgs=(\d+), tot_recv_msgs=(\d+)")


def start_peer(lab: Lab) -> None:
    """Start the peer of turnutils_uclient, which runs as long as the lab."""
    lab.start("peer", ["turnutils_peer", "-p", str(PEER_PORT), *(
        word for family in FAMILIES for word in ("-L", lab.address("peer", family)))])


def run_load(lab: Lab, family: int, *, clients: int, messages: int, size: int = 170, interval_ms: int = 2,
             options: Sequence[str] = (), port: int = PORT) -> Load:
    """Run turnutils_uclient through the relay. Each of its clients starts after a random time of up to 6 s."""
    argv = ["turnutils_uclient", "-u", USER, "-w", PASSWORD, "-e", lab.address("peer", family), "-r", str(PEER_PORT),
            "-m", str(clients), "-n", str(messages), "-l", str(size), "-z", str(interval_ms), "-c", *options,
            *(["-x"] if family == 6 else []), "-p", str(port), lab.topology.listen.address(family)]
    return parse_load(lab.run("client", argv, timeout=60).stdout)


def parse_load(output: str) -> Load:
    found = {name: re.findall(pattern, output) for name, pattern in _NUMBERS.items()}
    missing = [name for name, values in found.items() if not values]
    if missing:
        raise proc.LabError(f"turnutils_uclient did not print {', '.join(missing)}, but:\n{output}")
    last = {name: values[-1] for name, values in found.items()}
    sent, received = int(last["sent"]), int(last["received"])
    totals = [int(a) + int(b) for a, b in _PROGRESS.findall(output)] + [sent + received]
    return Load(sent, received, int(last["lost"]), float(last["round_trip"]),
                max(later - earlier for earlier, later in zip([0, *totals], totals)))

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""UDP GRO and GSO: runs of datagrams cross the relay's stack merged, and neither clients nor peers notice.

    client ----- relay ----- peer

The stack's own counters show whether it has merged: it counts a run as one datagram.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence

import pytest

from lab import proc
from lab.bursts import Ends, Run, run
from lab.complaints import Complaints, check
from lab.endpoints import turn_client
from lab.lab import Lab
from lab.relay import BY_NAME, Turnpike, Variant
from lab.topology import FAMILIES

USERSPACE = BY_NAME["userspace"]
SEGMENTATION = ("tso", "tx-udp-segmentation")
# The client's family and that of the relayed address.
all_families = pytest.mark.parametrize("families", tuple(itertools.product(FAMILIES, repeat=2)))


def runs() -> list[Run]:
    """Runs of equal and of other lengths and traffic classes, which together fit a receiver's buffer."""
    return [run(160, 40), run(160, 5, last=1), run(160, 1), run(1, 30), run(0, 3), run(1200, 50, last=1199),
            run(100, 20, tos=0xb8), run(100, 20, tos=0x02), run(100, 20, tos=0x03), run(1440, 45, tos=0x28),
            run(3000, 2), run(9000, 1), run(160, 2), run(161, 2), run(160, 2), run(2, 64), run(5, 63, last=4)]


def datagrams(lab: Lab) -> tuple[int, int]:
    """How many datagrams the relay's stack has received and sent."""
    counts = lab.counts("relay", "Udp", "InDatagrams", "OutDatagrams")
    return counts["InDatagrams"], counts["OutDatagrams"]


def merged(lab: Lab, exchange: Callable[[], Complaints], sent: int) -> Complaints:
    """In this exchange, the relay's stack must count less than half as many datagrams as are sent."""
    before = datagrams(lab)
    complaints = exchange()
    counts = [now - then for now, then in zip(datagrams(lab), before)]
    return complaints + [f"of {sent} datagrams the stack counted {count} {what}"
                         for count, what in zip(counts, ("received", "sent")) if count > sent / 2]


@all_families
def test_bytes(lab: Lab, families: tuple[int, int]) -> None:
    """Every datagram of a run arrives in order, unchanged and with its traffic class, both ways."""
    server = Turnpike(lab, USERSPACE)
    ends = Ends(lab, *families)
    complaints = ends.there_and_back(runs())
    everything = runs()
    sent = sum(len(one.payloads) for one in everything)

    def all_to_peer() -> Complaints:
        for one in everything:
            ends.to_peer(one)
        return ends.at_peer(everything)

    def all_to_client() -> Complaints:
        for one in everything:
            ends.to_client(one)
        return ends.at_client([(one, 0) for one in everything])

    complaints += merged(lab, all_to_peer, sent) + merged(lab, all_to_client, sent)
    if unsent := server.in_user_space()["unsent"]:
        complaints.append(f"{unsent} datagrams were not sent")
    ends.close()
    check(complaints + server.stop_complaints())


@all_families
def test_two_peers(lab: Lab, families: tuple[int, int]) -> None:
    """Datagrams to one peer keep their order, whatever goes to another one in between."""
    server = Turnpike(lab, USERSPACE)
    ends = Ends(lab, *families, peers=2)
    complaints: Complaints = []
    pairs = [(each, number % 2) for number, each in enumerate([run(1, 1), run(160, 1), *runs(), run(160, 7)] * 2)]
    for one, index in pairs:
        ends.to_peer(one, index)
    for index in range(2):
        complaints += ends.at_peer([one for one, number in pairs if number == index], index)
    for one, index in pairs:  # two senders have no order between them
        ends.to_client(one, index)
        complaints += ends.at_client([(one, index)])
    ends.close()
    check(complaints + server.stop_complaints())


def set_features(lab: Lab, role: str, features: Sequence[str], state: str) -> None:
    words = [word for feature in features for word in (feature, state)]
    for device in lab.devices(role):
        lab.run(role, ["ethtool", "-K", device, *words])


@contextlib.contextmanager
def single_packets(lab: Lab) -> Iterator[None]:
    """Client and peer send single packets, as from a wire, and the relay's devices merge them for sockets that ask."""
    changes: list[tuple[str, Sequence[str], str, str]] = [
        ("client", SEGMENTATION, "off", "on"), ("peer", SEGMENTATION, "off", "on"), ("relay", ("gro",), "on", "off")]
    try:
        for role, features, state, _ in changes:
            set_features(lab, role, features, state)
        yield
    finally:
        for role, features, _, state in changes:
            set_features(lab, role, features, state)


@pytest.mark.parametrize("variant", [BY_NAME[name] for name in ("native-head", "generic-head", "tcx")])
@pytest.mark.parametrize("family", FAMILIES)
def test_kernel_gets_single_packets(lab: Lab, variant: Variant, family: int) -> None:
    """In a kernel mode nothing is merged, since programs cannot relay merged packets; in user space it is again."""
    burst = run(160, 60)
    with single_packets(lab):
        server = Turnpike(lab, USERSPACE)
        ends = Ends(lab, family, family)

        def there_and_back() -> Complaints:
            return ends.there_and_back([burst])

        def in_user_space() -> Complaints:
            return merged(lab, there_and_back, 2 * len(burst.payloads))

        complaints = [f"before: {each}" for each in in_user_space()]
        server.change_mode(variant)
        if not proc.wait_until(lambda: not there_and_back() and server.relayed()[0] > 0, 20):
            complaints.append("nothing is relayed in the kernel")
        before = server.relayed()
        for _ in range(5):
            complaints += there_and_back()
        kernel, user_space = (now - then for now, then in zip(server.relayed(), before))
        if (kernel, user_space) != (10 * len(burst.payloads), 0):
            complaints.append(f"{kernel} packets were relayed in the kernel, {user_space} in user space")
        late = turn_client(lab, "client", family, family)  # a socket opened now must merge, too, after the next change
        server.change_mode(USERSPACE)
        complaints += [f"after: {each}" for each in in_user_space()]
        late.refresh(0)
        late.socket.close()
        ends.close()
        check(complaints + server.stop_complaints())

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Every resource that can run out: what is given back is given out again, and those who have some keep it.

    client ----- relay ----- peer

In each test there is a client from before, whose channel must work throughout.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clocks import REST, Clocks
from lab import proc, turn
from lab.complaints import check, refused
from lab.endpoints import echo_peer, turn_client
from lab.lab import Lab
from lab.relay import BY_NAME, PASSWORD, USER, Turnpike, Variant
from lab.roundtrip import CHANNEL, exchanged

OTHER = "bob"
FAMILY = 4
TIMEOUT = 20.0  # for what takes a tenth of a second
ALLOCATION_QUOTA_REACHED, INSUFFICIENT_CAPACITY = 486, 508
in_kernel_or_not = pytest.mark.parametrize("variant", (BY_NAME["tcx"], BY_NAME["userspace"]))


class Setup(contextlib.ExitStack):
    """A server, an echoing peer, a client with a channel to it, and what has been found wrong."""

    def __init__(self, lab: Lab, variant: Variant, *options: str, wrapper: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.lab = lab
        self.server = Turnpike(lab, variant, wrapper, ["--user", f"{OTHER}:{PASSWORD}", *options])
        self.peer = self.enter_context(echo_peer(lab, FAMILY))
        self.old = self.client()
        self.old.bind(CHANNEL, self.peer.address)
        self.complaints = exchanged(self.old, 3)

    def client(self, user: str = USER) -> turn.Client:
        """A client with an allocation."""
        client = turn_client(self.lab, "client", FAMILY, user=user)
        self.enter_context(client.socket)
        client.allocate(FAMILY)
        return client

    def expect(self, condition: bool, otherwise: str) -> None:
        if not condition:
            self.complaints.append(otherwise)

    def refuse(self, code: int, ask: Callable[[], object], what: str) -> None:
        """The server must refuse it, and relay the client from before."""
        self.complaints += refused(code, ask, what) + exchanged(self.old)

    def relayed_in_kernel(self, client: turn.Client) -> None:
        self.complaints += exchanged(client)  # which confirms its flows
        before = self.server.relayed()
        self.complaints += exchanged(client, 5)
        relayed = tuple(now - then for now, then in zip(self.server.relayed(), before))
        self.expect(relayed == (10, 0), f"in the kernel and in user space: {relayed}, not 10 and 0")

    def finish(self, allocations: int) -> None:
        """So many allocations must be left; then end the server, and fail with what has been found."""
        left = self.server.ask("status")["allocations"]
        self.expect(left == allocations, f"{left} allocations, not {allocations}")
        self.complaints += exchanged(self.old)
        self.old.refresh(0)
        check(self.complaints + self.server.stop_complaints())


@in_kernel_or_not
def test_ports(lab: Lab, variant: Variant) -> None:
    """All ports of --relay-ports are used, by several users; one that is released is allocated once it has rested."""
    clocks = Clocks(lab)
    users = [f"user{number}" for number in range(9)]
    options = [word for user in users for word in ("--user", f"{user}:{PASSWORD}")]
    with Setup(lab, variant, "--relay-ports", "50000-50009", *options, wrapper=clocks.wrapper) as setup:
        clients = [setup.client(user) for user in users]
        used = {each.relayed[1] for each in [setup.old, *clients]}
        setup.expect(used == set(range(50000, 50010)), f"the ports {used} are used")
        for _ in range(3):
            setup.refuse(INSUFFICIENT_CAPACITY, setup.client, "an eleventh port")
        released = clients[4].relayed
        clients[4].refresh(0)
        setup.refuse(INSUFFICIENT_CAPACITY, setup.client, "the port that was released")
        clocks.advance(REST)
        setup.expect(setup.client().relayed == released, "the port that was released is not allocated")
        setup.refuse(INSUFFICIENT_CAPACITY, setup.client, "an eleventh port, again")
        setup.finish(10)


@in_kernel_or_not
def test_quota(lab: Lab, variant: Variant) -> None:
    """A user at --user-quota gets 486, everybody at --max-allocations 508; one user's quota is not another's."""
    clocks = Clocks(lab)
    with Setup(lab, variant, "--user-quota", "3", "--max-allocations", "5", wrapper=clocks.wrapper) as setup:
        first = [setup.client() for _ in range(2)]
        setup.refuse(ALLOCATION_QUOTA_REACHED, setup.client, "a fourth allocation")
        second = [setup.client(OTHER) for _ in range(2)]
        setup.refuse(INSUFFICIENT_CAPACITY, lambda: setup.client(OTHER), "a sixth of all")
        setup.refuse(ALLOCATION_QUOTA_REACHED, setup.client, "a fourth, when there is none left")
        first[0].refresh(0)
        setup.refuse(ALLOCATION_QUOTA_REACHED, setup.client, "a fourth, while the port of one rests")
        clocks.advance(REST)
        setup.client(OTHER)
        setup.refuse(ALLOCATION_QUOTA_REACHED, lambda: setup.client(OTHER), "a fourth of the other user")
        setup.refuse(INSUFFICIENT_CAPACITY, setup.client, "the allocation that the other user has taken")
        second[0].refresh(0)
        setup.client()
        setup.finish(5)


@in_kernel_or_not
def test_permissions(lab: Lab, variant: Variant) -> None:
    """At --max-permissions, an allocation can refresh its permissions, but get no new one, not even for a channel."""
    network = lab.address("peer", FAMILY).rsplit(".", 1)[0]
    addresses = [(f"{network}.{host}", 3480) for host in range(100, 104)]
    with Setup(lab, variant, "--max-permissions", "4") as setup:
        for address in addresses[:3]:
            setup.old.permit(address)  # the channel's peer has the fourth
        setup.refuse(INSUFFICIENT_CAPACITY, lambda: setup.old.permit(addresses[3]), "a fifth permission")
        setup.refuse(INSUFFICIENT_CAPACITY, lambda: setup.old.bind(CHANNEL + 1, addresses[3]),
                     "a channel that needs a permission")
        for address in addresses[:3]:
            setup.old.permit(address)
        setup.client().permit(addresses[3])
        setup.finish(2)


@in_kernel_or_not
def test_channels(lab: Lab, variant: Variant) -> None:
    """At --max-channels, an allocation can refresh its channels, but get no new one."""
    host, port = lab.address("peer", FAMILY), 20000
    with Setup(lab, variant, "--max-channels", "4") as setup:
        for number in range(1, 4):
            setup.old.bind(CHANNEL + number, (host, port + number))
        setup.refuse(INSUFFICIENT_CAPACITY, lambda: setup.old.bind(CHANNEL + 4, (host, port + 4)), "a fifth channel")
        for number in range(1, 4):
            setup.old.bind(CHANNEL + number, (host, port + number))
        setup.client().bind(CHANNEL + 4, (host, port + 4))
        setup.expect(len(setup.server.flows()) == 10, f"{len(setup.server.flows())} flows, not 10")
        setup.finish(2)


def waiting(server: Turnpike) -> int:
    """How many channels wait for room in the flow maps; none must wait for another resource."""
    counts: dict[str, int] = server.ask("status")["waiting"]
    assert sum(counts.values()) == counts["flows"], f"channels wait for {counts}"
    return counts["flows"]


@pytest.mark.parametrize("variant", (BY_NAME["native-head"], BY_NAME["tcx"]))
def test_flows(lab: Lab, variant: Variant) -> None:
    """Channels without room in the flow maps are relayed in user space; the kernel takes the first when one ends."""
    fit, more = 4, 3
    with Setup(lab, variant, "--max-flows", str(2 * fit)) as setup:
        server = setup.server
        clients = [setup.old, *(setup.client() for _ in range(fit + more - 1))]
        for client in clients:
            client.bind(CHANNEL, setup.peer.address)
            setup.complaints += exchanged(client)  # which confirms its flows
        before = server.relayed()
        for client in clients:
            setup.complaints += exchanged(client, 2)
        relayed = tuple(now - then for now, then in zip(server.relayed(), before))
        setup.expect(relayed == (4 * fit, 4 * more), f"in the kernel and in user space: {relayed}")
        status = server.ask("status")
        setup.expect((status["flows"], status["flow_failures"]) == (2 * fit, more), f"the status is {status}")
        setup.expect(waiting(server) == more, f"{waiting(server)} channels wait, not {more}")
        text = server.cli("status")
        setup.expect(f"{more} channels or pairs wait for room in the flow maps" in text, f"the command prints {text}")

        clients[1].refresh(0)
        setup.expect(proc.wait_until(lambda: waiting(server) == more - 1, TIMEOUT), "no channel has taken the room")
        setup.relayed_in_kernel(clients[fit])

        # One that waits ends, and two that do not: there is room for all that are left.
        for client in (clients[fit + 1], *clients[2:fit]):
            client.refresh(0)
        setup.expect(proc.wait_until(lambda: waiting(server) == 0, TIMEOUT), "the last channel still waits")
        setup.expect(len(server.flows()) == 6, f"{len(server.flows())} flows, not 6")
        setup.relayed_in_kernel(clients[-1])
        setup.finish(3)


@contextlib.contextmanager
def control_connection(control: Path) -> Iterator[None]:
    """A connection to the control socket; without room in its backlog, an attempt."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            sock.connect(str(control))
        yield


@in_kernel_or_not
def test_descriptors(lab: Lab, variant: Variant) -> None:
    """Allocations get 508 before descriptors run out, and no number of control connections stops the relay."""
    limit = 200
    with Setup(lab, variant, wrapper=("prlimit", f"--nofile={limit}")) as setup:
        clients: list[turn.Client] = []
        with contextlib.suppress(turn.TurnError):
            while len(clients) < limit:
                clients.append(setup.client())
        setup.expect(10 < len(clients) < limit - 20, f"{len(clients)} allocations were made")
        setup.refuse(INSUFFICIENT_CAPACITY, setup.client, "an allocation more")
        with contextlib.ExitStack() as connections:
            for _ in range(limit):
                connections.enter_context(control_connection(setup.server.control))
            setup.complaints += exchanged(setup.old, 3)
            used = len(list(Path(f"/proc/{setup.server.process.pid}/fd").iterdir()))
            setup.expect(used <= limit, f"{used} descriptors are open")
            setup.refuse(INSUFFICIENT_CAPACITY, setup.client, "an allocation more, with many connections")
        clients[0].refresh(0)
        setup.client()
        setup.finish(len(clients) + 1)

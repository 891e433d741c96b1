#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Whatever there is a number of, runs out: who asks for more is told so, who has it keeps it, and what is given back is
given out again.

    client ----- relay ----- peer

    ports          508; one that is freed is the one that the next gets
    quota          of a user: 486, and 508 for all together; another user is not concerned
    permissions    of an allocation: 508; those there are can be refreshed
    channels       likewise
    flows          there is room for some channels in the kernel: the others are relayed in user space and wait. When
                   one ends, the longest waiting is relayed in the kernel, though its client does nothing
    descriptors    508 long before there are none; and with all that is left taken by connections to the control
                   socket, data is relayed as before

Each of them with a client of long before, whose channel must work all the while.
"""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import scenes
from lab import proc, turn
from lab.complaints import Complaints, refused
from lab.endpoints import EchoPeer, echo_peer, turn_client
from lab.lab import Lab
from lab.relay import BY_NAME, PASSWORD, USER, Turnpike, Variant
from lab.roundtrip import exchanged

CHANNEL, OTHER = 0x4001, "bob"
SOON = 20.0  # seconds, for what should take a tenth of one
FAMILY = 4


class Scene(contextlib.ExitStack):
    """A server, a peer that echoes, and a client with a channel to it."""

    def __init__(self, lab: Lab, variant: Variant, *options: str, wrapper: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.lab, self.variant = lab, variant
        self.server = Turnpike(lab, variant, wrapper, ["--user", f"{OTHER}:{PASSWORD}", *options])
        self.peer: EchoPeer = self.enter_context(echo_peer(lab, FAMILY))
        self.old = self.client()
        self.old.bind(CHANNEL, self.peer.address)
        self.complaints = exchanged(self.old, 3)

    def client(self, user: str = USER) -> turn.Client:
        """With an allocation."""
        client = turn_client(self.lab, "client", FAMILY, user=user)
        self.enter_context(client.socket)
        client.allocate(FAMILY)
        return client

    def must(self, true: bool, otherwise: str) -> None:
        if not true:
            self.complaints.append(otherwise)

    def refused(self, code: int, ask: Callable[[], object], what: str) -> None:
        self.complaints += refused(code, lambda: ask() and None, what)
        self.complaints += exchanged(self.old)

    def still(self, allocations: int) -> Complaints:
        """All that is left; then the end of it."""
        status = self.server.ask("status")
        self.must(status["allocations"] == allocations, f"{status['allocations']} allocations, not {allocations}")
        self.complaints += exchanged(self.old)
        self.old.refresh(0)
        if ended := self.server.stop():
            self.complaints.append(f"ended with status {ended}\n{self.server.process.log()[-2000:]}")
        return self.complaints


def ports(lab: Lab, variant: Variant) -> Complaints:
    with Scene(lab, variant, "--relay-ports", "50000-50009") as scene:
        clients = [scene.client() for _ in range(9)]
        scene.must({each.relayed[1] for each in [scene.old, *clients]} == set(range(50000, 50010)), "not all ports are used")
        for _ in range(3):
            scene.refused(508, scene.client, "a port more than there are")
        freed = clients[4].relayed
        clients[4].refresh(0)
        scene.must(scene.client().relayed == freed, "the port that was freed is not the one that is given away")
        scene.refused(508, scene.client, "a port more, again")
        return scene.still(10)


def quota(lab: Lab, variant: Variant) -> Complaints:
    with Scene(lab, variant, "--user-quota", "3", "--max-allocations", "5") as scene:
        mine = [scene.client() for _ in range(2)]
        scene.refused(486, scene.client, "a fourth allocation")
        others = [scene.client(OTHER) for _ in range(2)]
        scene.refused(508, lambda: scene.client(OTHER), "a sixth of all")
        scene.refused(486, scene.client, "a fourth, with no room for anybody")
        mine[0].refresh(0)
        scene.client(OTHER)
        scene.refused(486, lambda: scene.client(OTHER), "a fourth of the other")
        scene.refused(508, scene.client, "the place that the other has taken")
        others[0].refresh(0)
        scene.client()
        return scene.still(5)


def permissions(lab: Lab, variant: Variant) -> Complaints:
    network = lab.address("peer", FAMILY).rsplit(".", 1)[0]
    addresses = [(f"{network}.{host}", 3480) for host in range(100, 104)]
    with Scene(lab, variant, "--max-permissions", "4") as scene:
        for address in addresses[:3]:
            scene.old.permit(address)  # the channel's peer has one, too
        scene.refused(508, lambda: scene.old.permit(addresses[3]), "a fifth permission")
        scene.refused(508, lambda: scene.old.bind(CHANNEL + 1, addresses[3]), "a channel that needs one")
        for address in addresses[:3]:
            scene.old.permit(address)
        other = scene.client()
        other.permit(addresses[3])
        return scene.still(2)


def channels(lab: Lab, variant: Variant) -> Complaints:
    host, port = lab.address("peer", FAMILY), 20000
    with Scene(lab, variant, "--max-channels", "4") as scene:
        for number in range(1, 4):
            scene.old.bind(CHANNEL + number, (host, port + number))
        scene.refused(508, lambda: scene.old.bind(CHANNEL + 4, (host, port + 4)), "a fifth channel")
        for number in range(1, 4):
            scene.old.bind(CHANNEL + number, (host, port + number))
        other = scene.client()
        other.bind(CHANNEL + 4, (host, port + 4))
        scene.must(len(scene.server.flows()) == 10, f"{len(scene.server.flows())} flows")
        return scene.still(2)


def waiting(server: Turnpike) -> int:
    """How many channels wait for room in the kernel, all of them for the same."""
    counts: dict[str, int] = server.ask("status")["waiting"]
    assert sum(counts.values()) == counts["flows"], f"they wait for {counts}"
    return counts["flows"]


def flows(lab: Lab, variant: Variant) -> Complaints:
    fit, more = 4, 3
    with Scene(lab, variant, "--max-flows", str(2 * fit)) as scene:
        clients = [scene.old, *(scene.client() for _ in range(fit + more - 1))]
        for client in clients:
            client.bind(CHANNEL, scene.peer.address)
        before = scene.server.relayed()
        for client in clients:
            scene.complaints += exchanged(client, 2)
        status = scene.server.ask("status")
        scene.must((status["flows"], status["flow_failures"]) == (2 * fit, more), f"the status is {status}")
        relayed = [now - then for now, then in zip(scene.server.relayed(), before)]
        scene.must(relayed == [4 * fit, 4 * more], f"in the kernel and in user space: {relayed}")
        scene.must(waiting(scene.server) == more, f"the status is {status}")
        scene.must(f"{more} channels wait for room in the flow maps" in (told := scene.server.tell("status")), told)
        clients[1].refresh(0)
        scene.must(proc.wait_until(lambda: waiting(scene.server) == more - 1, SOON), "nobody has taken the room")
        before = scene.server.relayed()
        scene.complaints += exchanged(clients[fit], 5)
        relayed = [now - then for now, then in zip(scene.server.relayed(), before)]
        scene.must(relayed == [10, 0], f"there is room again, and in the kernel and in user space were {relayed}")
        # One that waits goes, and so do two at once: all others are in the kernel then.
        for client in (clients[fit + 1], *clients[2:fit]):
            client.refresh(0)
        scene.must(proc.wait_until(lambda: waiting(scene.server) == 0, SOON), "the last still waits")
        scene.must(len(scene.server.flows()) == 6, f"{len(scene.server.flows())} flows")
        before = scene.server.relayed()
        scene.complaints += exchanged(clients[-1], 5)
        relayed = [now - then for now, then in zip(scene.server.relayed(), before)]
        scene.must(relayed == [10, 0], f"the last was relayed in the kernel and in user space: {relayed}")
        return scene.still(3)


def descriptors(lab: Lab, variant: Variant) -> Complaints:
    limit = 200
    with Scene(lab, variant, wrapper=("prlimit", f"--nofile={limit}")) as scene:
        clients = []
        with contextlib.suppress(turn.TurnError):
            while len(clients) < limit:
                clients.append(scene.client())
        scene.must(10 < len(clients) < limit - 20, f"{len(clients)} allocations were made")
        scene.refused(508, scene.client, "more than there are descriptors")
        with contextlib.ExitStack() as connections:
            for _ in range(limit):
                connections.enter_context(connected(scene.server.control))
            scene.complaints += exchanged(scene.old, 3)
            used = len(list(Path(f"/proc/{scene.server.process.pid}/fd").iterdir()))
            scene.must(used <= limit, f"{used} descriptors")
            scene.refused(508, scene.client, "more, with many connections")
        clients[0].refresh(0)
        scene.client()
        return scene.still(len(clients) + 1)


@contextlib.contextmanager
def connected(control: Path) -> Iterator[None]:
    """As far as there is room for one more."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            sock.connect(str(control))
        yield


def tests() -> Iterator[tuple[str, Callable[[Lab], Complaints]]]:
    for name in ("tcx", "userspace"):
        variant = BY_NAME[name]
        for each in (ports, quota, permissions, channels, descriptors):
            yield f"{name}/{each.__name__}", partial(each, variant=variant)
    for name in ("native-head", "tcx"):
        yield f"{name}/flows", partial(flows, variant=BY_NAME[name])


if __name__ == "__main__":
    sys.exit(scenes.main("Whatever runs out.", tests(), scenes.tried_in_lab, Lab("two-nic", offload=True)))

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""No user takes more than its share of the kernel's tables; what exceeds it is relayed in user space.

    client ----- relay ----- peer        behind the peer is a network of addresses
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import threading
from collections.abc import Callable, Iterator, Sequence

import pytest

from lab import proc, turn
from lab.background import in_background
from lab.complaints import Complaints, check
from lab.crowd import Hosts
from lab.endpoints import echo_peer, turn_client
from lab.lab import Lab
from lab.relay import BY_NAME, PASSWORD, Turnpike, Variant
from lab.roundtrip import echoed, takes_path
from lab.topology import FAMILIES

OTHER = "bob"
CHANNELS = range(0x4000, 0x4000 + 100)  # of one allocation
PEER_NETWORK, PORT = "10.96.0", 7000
TIMEOUT = 20.0  # for what takes a tenth of a second
SHARE = 163  # one percent of the next hops: one for the client's address, the others for peers
IN_KERNEL = SHARE - 1
NEIGHBOURS = 10  # one percent of the 1024 that Linux keeps
NATIVE, TCX, USERSPACE = (BY_NAME[name] for name in ("native-head", "tcx", "userspace"))
# The mode, and the one in which channels are bound before.
in_kernel = pytest.mark.parametrize(("variant", "first"), [(NATIVE, NATIVE), (TCX, TCX), (TCX, USERSPACE)],
                                    ids=("native-head", "tcx", "tcx-after-userspace"))


@pytest.fixture(scope="module")
def shared_lab() -> Iterator[Lab]:
    with Hosts() as lab:
        yield lab


def peers(count: int) -> list[turn.Address]:
    return [(f"{PEER_NETWORK}.{host}", PORT) for host in range(1, count + 1)]


@contextlib.contextmanager
def echoing(lab: Lab, addresses: Sequence[turn.Address]) -> Iterator[None]:
    """Peers at all these addresses, which send back what they receive."""
    with contextlib.ExitStack() as stack, selectors.DefaultSelector() as selector:
        for address in addresses:
            with lab.entered("peer"):
                sock = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            sock.bind(address)
            selector.register(sock, selectors.EVENT_READ)

        def echo(done: threading.Event) -> None:
            while not done.is_set():
                for key, _events in selector.select(0.05):
                    data, sender = key.fileobj.recvfrom(65536)  # type: ignore[union-attr]
                    key.fileobj.sendto(data, sender)  # type: ignore[union-attr]

        with in_background(echo):
            yield


class Greedy:
    """A user with two allocations, and a channel to each of 200 peers."""

    def __init__(self, lab: Lab) -> None:
        self.clients = [turn_client(lab, "client", 4, 4) for _ in range(2)]
        addresses = iter(peers(len(self.clients) * len(CHANNELS)))
        for client in self.clients:
            for channel in CHANNELS:
                client.bind(channel, next(addresses))

    def exchange(self) -> Complaints:
        """Send random payloads through all channels, and compare their echoes."""
        return [each for client in self.clients for channel in CHANNELS
                for each in echoed(client, os.urandom(50), channel)]

    def leave(self) -> None:
        for client in self.clients:
            client.refresh(0)
            client.socket.close()


def begin(server: Turnpike, variant: Variant) -> None:
    """Change to this mode, if it is another one, and let it take what was bound before."""
    if server.variant != variant:
        server.change_mode(variant)
    proc.wait_until(lambda: server.ask("status")["waiting"]["mode"] == 0, TIMEOUT)


def share(server: Turnpike, table: str) -> dict[str, int]:
    row: dict[str, int] = server.ask("status")["shares"][table]
    return row


def relayed(server: Turnpike, exchange: Callable[[], Complaints], packets: int) -> Complaints:
    """So many packets of an exchange are relayed in the kernel, once its flows are confirmed."""
    found: Complaints = []

    def in_kernel() -> int:
        before = server.relayed()
        found.extend(exchange())
        return server.relayed()[0] - before[0]

    wanted = packets * server.variant.in_kernel
    proc.wait_until(lambda: in_kernel() == wanted, TIMEOUT)
    if (kernel := in_kernel()) != wanted:
        found.append(f"{kernel} packets were relayed in the kernel, not {wanted}")
    return found


def moderate(lab: Lab, server: Turnpike) -> Complaints:
    """Another user who comes now is relayed as if nobody else were here."""
    client = turn_client(lab, "client", 4, 4, OTHER)
    with echo_peer(lab, 4) as peer, client.socket:
        client.bind(CHANNELS[0], peer.address)
        found = takes_path(server.relayed, server.variant.in_kernel, [client], [CHANNELS[0]],
                           [os.urandom(50) for _ in range(5)])
        client.refresh(0)
    return found


@in_kernel
def test_next_hops(lab: Lab, variant: Variant, first: Variant) -> None:
    """A user with more peers than its share of next hops leaves others the kernel; what waits gets in when some end."""
    server = Turnpike(lab, first, options=["--user", f"{OTHER}:{PASSWORD}", "--user-next-hops", "1"])
    total = 2 * len(CHANNELS)
    excess = total - IN_KERNEL
    with echoing(lab, peers(total)):
        greedy = Greedy(lab)
        begin(server, variant)
        complaints = relayed(server, greedy.exchange, 2 * IN_KERNEL)
        row = share(server, "next_hops")
        wanted = {"user_limit": SHARE, "user_most": SHARE, "used": SHARE, "waiting": excess, "refused": excess}
        complaints += [f"{name}: {row[name]}, not {value}" for name, value in wanted.items() if row[name] != value]
        waiting = server.ask("status")["waiting"]
        if waiting["share"] != excess or sum(waiting.values()) != excess:
            complaints.append(f"channels wait for {waiting}")
        listed = [flow for flow in server.flows() if "share is used up: next hops" in flow["why"]]
        if len(listed) != 2 * excess or any(flow["confirmed"] or flow["packets"] for flow in listed):
            complaints.append(f"{len(listed)} flows wait, not {2 * excess}: {listed[:2]}")
        complaints += moderate(lab, server)

        # Room for all that wait, and more.
        greedy.clients[0].refresh(0)
        greedy.clients.pop(0).socket.close()
        if not proc.wait_until(lambda: share(server, "next_hops")["waiting"] == 0, TIMEOUT):
            complaints.append(f"channels still wait: {share(server, 'next_hops')}")
        complaints += relayed(server, greedy.exchange, 2 * len(CHANNELS))
        greedy.leave()
    row = share(server, "next_hops")
    if row["used"] or row["user_most"] or server.flows():
        complaints.append(f"something is left: {row}, {server.flows()}")
    check(complaints + server.stop_complaints())


@in_kernel
def test_flows(lab: Lab, variant: Variant, first: Variant) -> None:
    """A user with more channels than its share of flows leaves others the kernel."""
    fit = 50
    server = Turnpike(lab, first, options=["--user", f"{OTHER}:{PASSWORD}", "--max-flows", "400",
                                           "--user-flows", "25"])
    with echoing(lab, peers(2 * len(CHANNELS))):
        greedy = Greedy(lab)
        begin(server, variant)
        complaints = relayed(server, greedy.exchange, 2 * fit)
        complaints += moderate(lab, server)
        row = share(server, "flows_ipv4")
        if (row["size"], row["user_limit"], row["user_most"], row["waiting"]) != (400, 100, 100, 150):
            complaints.append(f"the share of flows is {row}")
        greedy.leave()
    check(complaints + server.stop_complaints())


def neighbours(lab: Lab, family: int) -> int:
    """How many neighbours the relay's kernel resolves, or tries to, besides those of the lab."""
    lines = lab.run("relay", ["ip", f"-{family}", "neigh", "show", "nud", "all"]).stdout.splitlines()
    network = lab.address("peer", family).rsplit("2", 1)[0]
    return sum(line.startswith(network) and "PERMANENT" not in line for line in lines)


def dropped(lab: Lab, server: Turnpike, client: turn.Client, family: int) -> Complaints:
    """Data for peers that do not exist is dropped beyond the share; one that does exist is reached all the same."""
    for channel in CHANNELS:
        client.socket.send(turn.channel_data(channel, b"anybody?"))
    with echo_peer(lab, family) as peer:
        client.bind(CHANNELS[-1] + 1, peer.address)
        found = echoed(client, os.urandom(50), CHANNELS[-1] + 1)
    counts = server.in_user_space()
    refused, passed = counts["no_neighbour"], counts["to_peer"]["packets"] - 1
    # Tokens come back while they are sent.
    if refused < len(CHANNELS) // 2 or refused + passed != len(CHANNELS):
        found.append(f"data for {refused} peers was dropped, and for {passed} sent")
    return found


def bound_to_nobody(lab: Lab, family: int) -> turn.Client:
    """A client with channels to peers of a connected network that do not exist."""
    network = lab.address("peer", family).rsplit("2", 1)[0]
    client = turn_client(lab, "client", family, family)
    for channel in CHANNELS:
        client.bind(channel, (f"{network}{100 + channel - CHANNELS[0]}", PORT))
    return client


@pytest.mark.parametrize("family", FAMILIES)
@in_kernel
def test_neighbours(lab: Lab, variant: Variant, first: Variant, family: int) -> None:
    """Channels to peers of a connected network make the kernel resolve no more of them than the user's share."""
    server = Turnpike(lab, first, options=["--user-neighbours", "1"])
    before = neighbours(lab, family)
    client = bound_to_nobody(lab, family)
    begin(server, variant)
    resolved = neighbours(lab, family) - before
    complaints = [] if resolved <= NEIGHBOURS else [f"{resolved} neighbours are resolved"]
    row = share(server, f"neighbours_ipv{family}")
    if (row["user_limit"], row["used"], row["waiting"]) != (NEIGHBOURS, NEIGHBOURS, len(CHANNELS) - NEIGHBOURS):
        complaints.append(f"the share of neighbours is {row}")
    complaints += dropped(lab, server, client, family)
    client.refresh(0)
    client.socket.close()
    check(complaints + server.stop_complaints())


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("variant", (USERSPACE,))
def test_neighbours_in_user_space(lab: Lab, variant: Variant, family: int) -> None:
    """While no device relays in the kernel, channels resolve nobody, and data costs no more than the user's share."""
    server = Turnpike(lab, variant, options=["--user-neighbours", "1"])
    before = neighbours(lab, family)
    client = bound_to_nobody(lab, family)
    resolved = neighbours(lab, family) - before
    complaints = [f"{resolved} neighbours are resolved"] if resolved > 0 else []
    complaints += dropped(lab, server, client, family)
    client.refresh(0)
    client.socket.close()
    check(complaints + server.stop_complaints())

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""TURN clients of other makers, with all that they can do: nothing is lost, and data is relayed where it should be.

    client ----- router ----- relay
                   |
                 peer

    turnutils   coturn's turnutils_uclient with each of its options: no message is lost
    nice        two ICE agents of libnice, in the client's and the peer's namespace, that use relays only: every byte
    aioice      the same in Python
    pion        a TURN client in Go, and an echoing peer: every byte

A case is named mode/client/access, where access is a transport and a family, for turnutils also the family of the peer.
Over UDP, channels and indications must be relayed in the kernel, if the mode can; all other transports in user space.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

import agents
import uclient
from access import Access
from lab.complaints import Complaints, check
from lab.endpoints import echo_peer
from lab.lab import Lab
from lab.relay import BY_NAME, Turnpike, Variant
from lab.topology import FAMILIES
from lab.transfer import first_packets
from lab.turnutils import Load
from lanes import Lanes

pytestmark = pytest.mark.timeout(900)  # a case waits until its lane gets to it

MODES = tuple(BY_NAME[name] for name in ("native-head", "tcx", "userspace"))
TRANSPORTS = ("udp", "tcp", "tls", "dtls")


@dataclass(frozen=True)
class Programs:
    agents: agents.Programs
    dual_uclient: Path | None


@dataclass(frozen=True)
class Traffic:
    """What was to be relayed."""

    messages: int  # that arrived
    hairpin: bool = False  # from one client of the relay to another: user space counts these twice
    kernel_share: float = 1  # of the messages that a kernel mode should relay
    stray: int = 8  # messages for user space before a channel is bound, a pair known, or a neighbour resolved


Runner = Callable[[Programs, Lab, Turnpike, Access], Traffic]


@dataclass(frozen=True)
class Cell:
    variant: Variant
    client: str
    access: Access
    run: Runner = field(compare=False)
    peer_family: int = 0

    @property
    def name(self) -> str:
        peer = f"-{self.peer_family}" if self.peer_family else ""
        credentials = "-time-limited" if self.access.time_limited else ""
        return f"{self.variant.name}/{self.client}/{self.access.transport}{self.access.family}{peer}{credentials}"


# coturn's turnutils_uclient.

def traffic(options: uclient.Options, load: Load) -> Traffic:
    return Traffic(load.received if options.to_client else load.packets, options.to_client, options.kernel_share)


def run_uclient(options: uclient.Options, relayed: int, _programs: Programs, lab: Lab, _server: Turnpike,
                access: Access) -> Traffic:
    return traffic(options, uclient.run(lab, access, relayed, options.words))


def run_dual(options: uclient.Options, peer_family: int, programs: Programs, lab: Lab, _server: Turnpike,
             access: Access) -> Traffic:
    assert programs.dual_uclient
    return traffic(options, uclient.run_dual(lab, programs.dual_uclient, access, peer_family, options.words))


def run_unserved(words: Sequence[str], programs: Programs, lab: Lab, server: Turnpike, access: Access) -> Traffic:
    """Whatever happens to this client, the next one is served."""
    def asked() -> int:
        counts = server.in_user_space()
        return int(counts["requests"] + counts["malformed"])
    before = asked()
    # -R never ends if nobody answers.
    lab.run("client", ["timeout", "5", *uclient.command(lab, access, access.family, words)], check=False)
    assert asked() > before, "the client has requested nothing"
    return run_uclient(uclient.OPTIONS["channels"], access.family, programs, lab, server, access)


# Libraries.

def run_pion(programs: Programs, lab: Lab, server: Turnpike, access: Access) -> Traffic:
    before = stale_nonces(server)
    with echo_peer(lab, 4) as peer:
        same, indications = agents.pion_echo(programs.agents.pion, lab, access, peer)
        assert len(peer.received) == same, f"the peer received {len(peer.received)} of {same} datagrams"
    assert stale_nonces(server) > before, "no nonce was stale"
    # Until the channel is bound, pion sends indications. The peer's answer to one may come before or after that.
    return Traffic(2 * same, stray=2 * indications + 4)


def stale_nonces(server: Turnpike) -> int:
    return int(server.in_user_space()["errors"].get("438", 0))


def run_nice(programs: Programs, lab: Lab, _server: Turnpike, access: Access) -> Traffic:
    return Traffic(2 * agents.nice_echo(programs.agents.nice, lab, access), hairpin=True, stray=12)


def run_aioice(_programs: Programs, lab: Lab, _server: Turnpike, access: Access) -> Traffic:
    return Traffic(2 * agents.aioice_echo(lab, access), hairpin=True, stray=12)


# The transports of each library: libnice has no TLS, and aioice no DTLS.
LIBRARIES: dict[str, tuple[Sequence[str], Runner]] = {
    "pion": (TRANSPORTS, run_pion),
    "nice": (("udp", "tcp"), run_nice),
    "aioice": (("udp", "tcp", "tls"), run_aioice),
}


# The cells.

def cells(variant: Variant) -> Iterator[Cell]:
    for name, access, relayed in uclient.accesses():
        yield Cell(variant, f"turnutils-{name}", access, partial(run_uclient, uclient.OPTIONS[name], relayed), relayed)
    for (name, words), family in itertools.product(uclient.UNSERVED.items(), FAMILIES):
        yield Cell(variant, f"turnutils-{name}", Access("udp", family), partial(run_unserved, words), family)
    for name, options in uclient.DUAL.items():
        for family, peer in options.families:
            yield Cell(variant, f"turnutils-{name}", Access("udp", family), partial(run_dual, options, peer), peer)
    for name, (transports, run) in LIBRARIES.items():
        for transport, family in itertools.product(transports, FAMILIES):
            yield Cell(variant, name, Access(transport, family), run)
        yield Cell(variant, name, Access(transports[-1], 4, time_limited=True), run)


def first_ones(server: Turnpike) -> int:
    """User space makes the flow of a Send indication when it relays the first one. Some may come before that."""
    return first_packets(server) + server.verdicts().get("no-flow", 0)


def count_complaints(cell: Cell, traffic: Traffic, kernel: int, user: int, first: int) -> Complaints:
    """The first packets of flows are relayed in user space. On a slow machine these are many."""
    if cell.variant.in_kernel and cell.access.transport == "udp":
        slow = traffic.stray + first
        fast = round(traffic.messages * traffic.kernel_share)
        complaints = [] if kernel + slow >= fast and kernel else [
            f"only {kernel} of {fast} messages were relayed in the kernel, {first} first ones elsewhere"]
        return complaints + ([f"{user} messages were relayed in user space"]
                             if user > 2 * slow + traffic.messages - fast else [])
    expected = traffic.messages * (2 if traffic.hairpin else 1)
    return ([f"{kernel} messages were relayed in the kernel"] if kernel else []) + (
        [f"only {user} of {expected} packets were relayed in user space"] if user < expected else [])


def run_cell(programs: Programs, lab: Lab, server: Turnpike, cell: Cell) -> tuple[str, Complaints]:
    complaints = server.attach_complaints()
    before, first = server.relayed(), first_ones(server)
    traffic = cell.run(programs, lab, server, cell.access)
    kernel, user = (now - then for now, then in zip(server.relayed(), before))
    return (f"messages {traffic.messages}, relayed in the kernel {kernel}, in user space {user}",
            complaints + count_complaints(cell, traffic, kernel, user, first_ones(server) - first))


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Programs:
    folder = tmp_path_factory.mktemp("clients")
    return Programs(agents.build(folder), uclient.with_dual_allocations(folder))


@pytest.fixture(scope="module")
def lanes(request: pytest.FixtureRequest, variant: Variant, programs: Programs) -> Iterator[Lanes[Cell]]:
    """They run all chosen cells of a mode, beginning now."""
    chosen: list[Cell] = [item.callspec.params["cell"] for item in request.session.items
                          if isinstance(item, pytest.Function) and item.function is test_client]
    with Lanes(variant, [cell for cell in chosen if cell.variant is variant and can_run(programs, cell)],
               partial(run_cell, programs)) as lanes:
        yield lanes


def can_run(programs: Programs, cell: Cell) -> bool:
    return programs.dual_uclient is not None or not cell.client.startswith("turnutils-dual")


@pytest.mark.parametrize("variant, cell", [
    pytest.param(variant, cell, id=cell.name, marks=pytest.mark.xdist_group(f"test_clients {variant.name}"))
    for variant in MODES for cell in cells(variant)
], scope="module")
def test_client(lanes: Lanes[Cell], programs: Programs, cell: Cell) -> None:
    """The client loses no message, and its data is relayed where it should be."""
    if not can_run(programs, cell):
        pytest.skip("turnutils_uclient requests dual allocations by another number than RFC 8656's")
    numbers, complaints = lanes.outcome(cell)
    print(numbers)
    check(complaints)

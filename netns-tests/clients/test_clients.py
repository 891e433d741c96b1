#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""TURN clients that nobody here wrote, with all that they can do: nothing lost, and relayed where it should be.

    client ----- router ----- relay
                   |
                 peer

    turnutils   coturn's turnutils_uclient with each of its options: no message is lost
    nice        two ICE agents of libnice, in the client's and the peer's namespace, that use relays only: every byte
    aioice      the same in Python
    pion        a TURN client in Go, and an echoing peer: every byte

Nonces live for three seconds only, so that clients have to ask for others.

A cell is named mode/client/way, where a way is a transport and a family, of turnutils also that of the peer; --only
TEXT runs the cells with TEXT in their names. What a client sends on a channel over UDP must be relayed in the kernel,
if the mode has it; indications, and all other transports, in user space.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.queues import Queue
from pathlib import Path

import agents
from gather import Outcome, conclude, gather
from lab import proc, turnutils
from lab.endpoints import echo_peer
from lab.lab import Lab
from lab.relay import BY_NAME, USER, Turnpike, Variant
from lab.topology import FAMILIES
from lab.turnutils import PEER_PORT
from way import SECRET, Way, ca_certificate, serving_all_ways

MODES = tuple(BY_NAME[name] for name in ("native-head", "tcx", "userspace"))
LANES = 6  # labs of each mode at the same time: the load generator mostly sleeps
LIMIT_SECONDS = 600
UCLIENT = "turnutils_uclient"
MESSAGES = 60
TRANSPORTS = ("udp", "tcp", "tls", "dtls")


@dataclass(frozen=True)
class Traffic:
    """What was to be relayed."""

    messages: int  # that got where they were sent to
    hairpin: bool = False  # from one client of the relay to another: user space counts these twice
    on_channel: bool = True
    stray: int = 4  # what may go through user space all the same, before a channel is bound or a neighbour is known


Runner = Callable[[Lab, Turnpike, Way], Traffic]


@dataclass(frozen=True)
class Cell:
    variant: Variant
    client: str
    way: Way
    run: Runner
    peer_family: int = 0

    @property
    def name(self) -> str:
        to = f"-{self.peer_family}" if self.peer_family else ""
        as_whom = "-time-limited" if self.way.time_limited else ""
        return f"{self.variant.name}/{self.client}/{self.way.transport}{self.way.family}{to}{as_whom}"


# coturn's turnutils_uclient.

@dataclass(frozen=True)
class Options:
    """What it is told, besides the usual, and what that leads to."""

    words: Sequence[str]
    on_channel: bool = True
    to_client: bool = False
    families: Sequence[tuple[int, int]] = ((4, 4), (6, 6))  # of the way to the relay, and of the relayed address


ALL_FAMILIES = ((4, 4), (6, 6), (4, 6), (6, 4))
OPTIONS = {
    "channels": Options(["-c"], families=ALL_FAMILIES),
    "rtcp": Options([], families=ALL_FAMILIES),  # EVEN-PORT, and RESERVATION-TOKEN for the next one
    "send": Options(["-s", "-c"], on_channel=False, families=ALL_FAMILIES),
    "send-rtcp": Options(["-s"], on_channel=False),
    "to-client": Options(["-y", "-c"], to_client=True, families=ALL_FAMILIES),
    "to-client-rtcp": Options(["-y"], to_client=True),
    "to-client-send": Options(["-y", "-s", "-c"], on_channel=False, to_client=True),
    "padding": Options(["-D", "-c", "-l", "171"]),
    "dont-fragment": Options(["-g", "-c"]),
    "dont-fragment-send": Options(["-g", "-s", "-c"], on_channel=False),
    "extra-requests": Options(["-G", "-c"]),
    "no-permissions": Options(["-I", "-c"]),  # a channel brings one
    "mobility": Options(["-M", "-c"]),  # which is declined
    "origin": Options(["-o", "https://example.org", "-c"]),
    "bandwidth": Options(["-a", "1000", "-c"]),
    "large": Options(["-c", "-l", "1400"]),
    "small": Options(["-c", "-l", "16"]),
    "several": Options(["-c", "-m", "8"]),
}
# Dual allocations, with peers of either family.
DUAL = {
    "dual": Options(["-Z"], families=ALL_FAMILIES),
    "dual-send": Options(["-Z", "-s"], on_channel=False, families=ALL_FAMILIES),
    "dual-to-client": Options(["-Z", "-y"], to_client=True),
}
# Of every transport.
BASIC = ("channels", "rtcp", "send", "to-client")


def uclient(lab: Lab, way: Way, peer_family: int, words: Sequence[str], program: str = UCLIENT) -> list[str]:
    name, password = way.credentials()
    host, port = way.address(lab)
    user = ["-u", USER, "-W", SECRET] if way.time_limited else ["-u", name, "-w", password]
    transport = [*(["-t"] if way.is_stream else []), *(["-S", "-E", str(ca_certificate(lab))] if way.is_secure else [])]
    return [program, *user, *transport, "-n", str(MESSAGES), "-m", "1", "-l", "170", "-z", "5", *words,
            "-e", lab.address("peer", peer_family), "-r", str(PEER_PORT), "-p", str(port), host]


def run_uclient(options: Options, relayed: int, lab: Lab, _server: Turnpike, way: Way) -> Traffic:
    """It waits up to 6 s, at random, before it sends."""
    family = "-x" if relayed == 6 else "-X"
    load = turnutils.parse_load(lab.run("client", uclient(lab, way, relayed, [family, *options.words])).stdout)
    return traffic(options, load)


def run_dual(options: Options, program: Path, peer_family: int, lab: Lab, _server: Turnpike, way: Way) -> Traffic:
    argv = uclient(lab, way, peer_family, options.words, str(program))
    return traffic(options, turnutils.parse_load(lab.run("client", argv).stdout))


def traffic(options: Options, load: turnutils.Load) -> Traffic:
    assert load.sent >= MESSAGES and load.lost == 0 and load.received == load.sent, f"{load}"
    return Traffic(load.received if options.to_client else load.packets, options.to_client, options.on_channel)


def mend_uclient(folder: Path) -> Path | None:
    """coturn's client has asked for dual allocations by a number that is not that of RFC 8656 until 2025.

    There it is 0x8000. The instruction that loads 0x8032 is found once in a program for x86-64.
    """
    program, instruction = Path(f"/usr/bin/{UCLIENT}").read_bytes(), b"\xba\x32\x80\0\0"
    if program.count(instruction) != 1:
        return None
    mended = folder / UCLIENT
    mended.write_bytes(program.replace(instruction, b"\xba\x00\x80\0\0"))
    mended.chmod(0o755)
    return mended


# Those that are ill-behaved, or ask for what is not to be had: whatever becomes of them, others are served.

UNSERVED = {
    "negative": ["-N", "-c"],
    "negative-protocol": ["-R", "-c"],
    "denial-of-service": ["-O", "-c"],
    "disconnects": ["-B", "-c"],
    "tcp-relay": ["-T"],
    "oauth": ["-J", "-c"],
}


def run_unserved(words: Sequence[str], lab: Lab, server: Turnpike, way: Way) -> Traffic:
    def asked() -> int:
        counts = server.in_user_space()
        return int(counts["requests"] + counts["malformed"])
    before = asked()
    # -R never ends if nobody answers.
    lab.run("client", ["timeout", "5", *uclient(lab, way, way.family, words)], check=False)
    assert asked() > before, "it has not asked for anything"
    return run_uclient(OPTIONS["channels"], way.family, lab, server, way)


# Other people's libraries.

def run_pion(program: Path, lab: Lab, server: Turnpike, way: Way) -> Traffic:
    before = stale_nonces(server)
    with echo_peer(lab, 4) as peer:
        same = agents.pion_echo(program, lab, way, peer)
        assert len(peer.received) == same, f"the peer has got {len(peer.received)} datagrams of {same}"
    assert stale_nonces(server) > before, "no nonce was stale"
    return Traffic(2 * same, stray=12)


def stale_nonces(server: Turnpike) -> int:
    return int(server.in_user_space()["errors"].get("438", 0))


def run_agents(echo: Callable[[Lab, Way], int], lab: Lab, _server: Turnpike, way: Way) -> Traffic:
    return Traffic(2 * echo(lab, way), hairpin=True, stray=12)


# The cells.

def dual_cells(program: Path) -> Iterator[Cell]:
    for variant, (name, options) in itertools.product(MODES, DUAL.items()):
        for family, peer in options.families:
            run = partial(run_dual, options, program, peer)
            yield Cell(variant, f"turnutils {name}", Way("udp", family), run, peer)


def cells(programs: agents.Programs) -> Iterator[Cell]:
    # What each library can do: libnice's TLS is none, aioice has no DTLS.
    libraries: dict[str, tuple[Sequence[str], Runner]] = {
        "pion": (TRANSPORTS, partial(run_pion, programs.pion)),
        "nice": (("udp", "tcp"), partial(run_agents, partial(agents.nice_echo, programs.nice))),
        "aioice": (("udp", "tcp", "tls"), partial(run_agents, agents.aioice_echo)),
    }
    for variant in MODES:
        for way, name, relayed in uclient_ways():
            yield Cell(variant, f"turnutils {name}", way, partial(run_uclient, OPTIONS[name], relayed), relayed)
        for (name, words), family in itertools.product(UNSERVED.items(), FAMILIES):
            yield Cell(variant, f"turnutils {name}", Way("udp", family), partial(run_unserved, words), family)
        for name, (transports, run) in libraries.items():
            for transport, family in itertools.product(transports, FAMILIES):
                yield Cell(variant, name, Way(transport, family), run)
            yield Cell(variant, name, Way(transports[-1], 4, time_limited=True), run)


def uclient_ways() -> Iterator[tuple[Way, str, int]]:
    """Everything over UDP, the basic things over the other transports and with time-limited credentials."""
    for name, options in OPTIONS.items():
        for family, relayed in options.families:
            yield Way("udp", family), name, relayed
    for transport, name, family in itertools.product(TRANSPORTS[1:], BASIC, FAMILIES):
        yield Way(transport, family), name, family
    for transport in TRANSPORTS:
        yield Way(transport, 4, time_limited=True), "channels", 4


# Running them.

def run_cell(lab: Lab, server: Turnpike, cell: Cell) -> Outcome:
    start = time.monotonic()
    numbers, complaints = "", server.attach_complaints()
    try:
        kernel_before, user_before = server.relayed()
        traffic = cell.run(lab, server, cell.way)
        kernel, user = (now - before for now, before in zip(server.relayed(), (kernel_before, user_before)))
        numbers = f"messages {traffic.messages:4}  kernel {kernel:4}  userspace {user:4}"
        complaints += count_complaints(cell, traffic, kernel, user)
    except Exception as error:  # whatever a library throws: this cell has failed, the next ones may not
        complaints.append(f"{type(error).__name__}: {error}")
    return Outcome(cell.name, numbers, complaints, time.monotonic() - start, server.report() if complaints else "")


def count_complaints(cell: Cell, traffic: Traffic, kernel: int, user: int) -> list[str]:
    if cell.variant.in_kernel and traffic.on_channel and cell.way.transport == "udp":
        complaints = [] if kernel + traffic.stray >= traffic.messages else [
            f"only {kernel} of {traffic.messages} messages were relayed in the kernel"]
        return complaints + ([f"{user} messages were relayed in user space"] if user > 2 * traffic.stray else [])
    expected = traffic.messages * (2 if traffic.hairpin else 1)
    return ([f"{kernel} messages were relayed in the kernel"] if kernel else []) + (
        [f"only {user} of {expected} packets were relayed in user space"] if user < expected else [])


def run_lane(variant: Variant, lane: list[Cell], outcomes: Queue[Outcome]) -> None:
    """Some cells of one mode, in a lab of their own."""
    proc.die_cleanly_on_signals()
    with Lab("router", offload=True) as lab:
        turnutils.start_peer(lab)
        server = Turnpike(lab, variant, options=[*serving_all_ways(lab), "--nonce-lifetime", "3"])
        for cell in lane:
            outcomes.put(run_cell(lab, server, cell))


def lanes(chosen: list[Cell]) -> Iterator[tuple[Variant, list[Cell]]]:
    for variant in MODES:
        of_mode = [cell for cell in chosen if cell.variant == variant]
        random.Random(1).shuffle(of_mode)  # the slow ones are not all in one lane
        yield from ((variant, of_mode[number::LANES]) for number in range(LANES) if of_mode[number:])


def main() -> int:
    parser = argparse.ArgumentParser(description="TURN clients that nobody here wrote.")
    parser.add_argument("--only", default="", metavar="TEXT", help="only cells with TEXT in their names")
    options = parser.parse_args()
    proc.die_cleanly_on_signals()
    with tempfile.TemporaryDirectory(prefix="turnpike-clients-") as folder:
        everything = list(cells(agents.build(Path(folder))))
        if mended := mend_uclient(Path(folder)):
            everything += dual_cells(mended)
        else:
            print(f"SKIPPED: dual allocations with {UCLIENT}, which asks for them by another number than RFC 8656")
        chosen = [cell for cell in everything if options.only in cell.name]
        outcomes: Queue[Outcome] = multiprocessing.Queue()
        workers = [multiprocessing.Process(target=run_lane, args=(variant, lane, outcomes))
                   for variant, lane in lanes(chosen)]
        results = gather(workers, outcomes, {cell.name for cell in chosen}, LIMIT_SECONDS)
    return conclude(results)


if __name__ == "__main__":
    sys.exit(main())

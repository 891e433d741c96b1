# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""coturn's turnutils_uclient: its options, and what they make of the traffic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from access import SECRET, Access, ca_certificate
from lab.lab import Lab
from lab.relay import USER
from lab.turnutils import PEER_PORT, Load, parse_load

PROGRAM = Path("/usr/bin/turnutils_uclient")
MESSAGES = 60
SECONDS = 120  # for one run; the program itself waits up to 6 s, at random, before it sends
ALL_FAMILIES = ((4, 4), (6, 6), (4, 6), (6, 4))


@dataclass(frozen=True)
class Options:
    """What the program gets besides the usual, and what follows from that."""

    words: Sequence[str]
    kernel_share: float = 1  # of the messages: DONT-FRAGMENT in a Send indication is for the server
    to_client: bool = False
    families: Sequence[tuple[int, int]] = ((4, 4), (6, 6))  # of the relay's listener, and of the relayed address


OPTIONS = {
    "channels": Options(["-c"], families=ALL_FAMILIES),
    "rtcp": Options([], families=ALL_FAMILIES),  # EVEN-PORT, and RESERVATION-TOKEN for the next one
    "send": Options(["-s", "-c"], families=ALL_FAMILIES),
    "send-rtcp": Options(["-s"]),
    "to-client": Options(["-y", "-c"], to_client=True, families=ALL_FAMILIES),
    "to-client-rtcp": Options(["-y"], to_client=True),
    "to-client-send": Options(["-y", "-s", "-c"], to_client=True),
    "padding": Options(["-D", "-c", "-l", "171"]),
    "dont-fragment": Options(["-g", "-c"]),
    "dont-fragment-send": Options(["-g", "-s", "-c"], kernel_share=0.5),
    "extra-requests": Options(["-G", "-c"]),
    "no-permissions": Options(["-I", "-c"]),  # a channel installs one
    "mobility": Options(["-M", "-c"]),  # which the relay declines
    "origin": Options(["-o", "https://example.org", "-c"]),
    "bandwidth": Options(["-a", "1000", "-c"]),
    "large": Options(["-c", "-l", "1400"]),
    "small": Options(["-c", "-l", "16"]),
    "several": Options(["-c", "-m", "8"]),
}
BASIC = ("channels", "rtcp", "send", "to-client")  # also over TCP, TLS and DTLS
# Dual allocations, with peers of either family.
DUAL = {
    "dual": Options(["-Z"], families=ALL_FAMILIES),
    "dual-send": Options(["-Z", "-s"], families=ALL_FAMILIES),
    "dual-to-client": Options(["-Z", "-y"], to_client=True),
}
# Misbehaviour, and requests that the relay does not support.
UNSERVED = {
    "negative": ["-N", "-c"],
    "negative-protocol": ["-R", "-c"],
    "denial-of-service": ["-O", "-c"],
    "disconnects": ["-B", "-c"],
    "tcp-relay": ["-T"],
    "oauth": ["-J", "-c"],
}


def accesses() -> Iterator[tuple[str, Access, int]]:
    """All options over UDP, the basic ones over the other transports and with time-limited credentials.

    Each with the family of the relayed address.
    """
    for name, options in OPTIONS.items():
        for family, relayed in options.families:
            yield name, Access("udp", family), relayed
    for transport in ("tcp", "tls", "dtls"):
        for name in BASIC:
            yield from ((name, Access(transport, family), family) for family in (4, 6))
    for transport in ("udp", "tcp", "tls", "dtls"):
        yield "channels", Access(transport, 4, time_limited=True), 4


def run(lab: Lab, access: Access, relayed: int, words: Sequence[str]) -> Load:
    family = "-x" if relayed == 6 else "-X"
    return _run(lab, command(lab, access, relayed, [family, *words]))


def run_dual(lab: Lab, program: Path, access: Access, peer_family: int, words: Sequence[str]) -> Load:
    return _run(lab, command(lab, access, peer_family, words, program))


def _run(lab: Lab, argv: Sequence[str]) -> Load:
    load = parse_load(lab.run("client", argv, timeout=SECONDS).stdout)
    assert load.sent >= MESSAGES and load.lost == 0 and load.received == load.sent, f"{load}"
    return load


def command(lab: Lab, access: Access, peer_family: int, words: Sequence[str], program: Path = PROGRAM) -> list[str]:
    name, password = access.credentials()
    host, port = access.address(lab)
    user = ["-u", USER, "-W", SECRET] if access.time_limited else ["-u", name, "-w", password]
    transport = [*(["-t"] if access.is_stream else []),
                 *(["-S", "-E", str(ca_certificate(lab))] if access.is_secure else [])]
    return [str(program), *user, *transport, "-n", str(MESSAGES), "-m", "1", "-l", "170", "-z", "5", *words,
            "-e", lab.address("peer", peer_family), "-r", str(PEER_PORT), "-p", str(port), host]


def with_dual_allocations(folder: Path) -> Path | None:
    """A copy of the program that requests dual allocations by the number of RFC 8656, 0x8000.

    coturn's client used 0x8032 until 2025. A program for x86-64 has the instruction that loads it once; None: this one
    does not.
    """
    program, instruction = PROGRAM.read_bytes(), b"\xba\x32\x80\0\0"
    if program.count(instruction) != 1:
        return None
    changed = folder / PROGRAM.name
    changed.write_bytes(program.replace(instruction, b"\xba\x00\x80\0\0"))
    changed.chmod(0o755)
    return changed

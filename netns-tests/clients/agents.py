# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Clients made of other people's libraries: pion's TURN client, and ICE agents of libnice and aioice.

Of two ICE agents, one runs in the client's namespace and one in the peer's. Both may use nothing but the relay; one
sends messages and the other echoes. Each function returns how many messages came back unchanged, and raises if any did
not.
"""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aioice

from access import Access, ca_certificate
from lab import proc
from lab.endpoints import EchoPeer
from lab.lab import Lab

MESSAGES = 100
ROLES = ("client", "peer")
PATIENCE = 20  # seconds for a message or a connection


@dataclass(frozen=True)
class Programs:
    """Those that have to be built."""

    pion: Path
    nice: Path


def build(folder: Path) -> Programs:
    programs = Programs(folder / "pion_client", folder / "nice_agents")
    # Debian's Go libraries are used in place; nothing is downloaded.
    proc.run(["env", "GO111MODULE=off", "GOPATH=/usr/share/gocode", "go", "build", "-o", str(programs.pion),
              str(Path(__file__).with_name("pion_client.go"))], timeout=300)
    flags = shlex.split(proc.run(["pkg-config", "--cflags", "--libs", "nice"]).stdout)
    proc.run(["cc", "-std=c17", "-Wall", "-Wextra", "-Werror", str(Path(__file__).with_name("nice_agents.c")),
              "-o", str(programs.nice), *flags])
    return programs


def _same(output: str) -> int:
    return _number(output, "same")


def _number(output: str, name: str) -> int:
    found = re.search(rf"^{name} (\d+)$", output, re.MULTILINE)
    if not found:
        raise proc.LabError(f"the client printed only: {output}")
    return int(found[1])


def pion_echo(program: Path, lab: Lab, access: Access, peer: EchoPeer) -> tuple[int, int]:
    """Datagrams of many sizes to an echoing peer, and one more after a pause, with a refreshed permission. Returns how
    many came back, and how many were sent as indications."""
    # From a stream, pion reads no message of fewer than 9 bytes with its header.
    sizes = [str(size) for size in range(5 if access.is_stream else 0, 1200, 12)]
    host, port = peer.address
    result = lab.run("client", [str(program), access.transport, access.authority(lab), f"{host}:{port}",
                                *access.credentials(), str(ca_certificate(lab)), *sizes], timeout=120)
    return _same(result.stdout) + 1, _number(result.stdout, "indications")


def nice_echo(program: Path, lab: Lab, access: Access) -> int:
    agents = [word for role in ROLES for word in (lab.namespace(role), lab.address(role, access.family))]
    output = proc.run([str(program), access.transport, *map(str, access.address(lab)), *access.credentials(), *agents,
                       str(MESSAGES)], timeout=120).stdout
    if "path relay relay" not in output:
        raise proc.LabError(f"the agents do not use the relay at both ends: {output}")
    return _same(output)


def aioice_echo(lab: Lab, access: Access) -> int:
    return asyncio.run(_aioice_echo(lab, access))


async def _aioice_echo(lab: Lab, access: Access) -> int:
    name, password = access.credentials()
    # asyncio's "ssl" argument, which may be False.
    tls: Any = ssl.create_default_context(cafile=ca_certificate(lab)) if access.is_secure else False
    agents = [aioice.Connection(
        ice_controlling=role == "client", turn_server=access.address(lab), turn_username=name, turn_password=password,
        turn_transport="tcp" if access.is_stream else "udp", turn_ssl=tls,
        transport_policy=aioice.TransportPolicy.RELAY) for role in ROLES]
    for role, agent in zip(ROLES, agents):
        with lab.entered(role):  # it opens its sockets while it gathers candidates
            await asyncio.wait_for(agent.gather_candidates(), PATIENCE)
    caller, called = agents
    for here, there in ((caller, called), (called, caller)):
        for candidate in here.local_candidates:
            await there.add_remote_candidate(candidate)
        await there.add_remote_candidate(None)
        there.remote_username, there.remote_password = here.local_username, here.local_password
    try:
        await asyncio.wait_for(asyncio.gather(*(agent.connect() for agent in agents)), PATIENCE)
        for number in range(MESSAGES):
            sent = os.urandom(1 + number * 37 % 1200)
            for here, there in ((caller, called), (called, caller)):
                await here.send(sent)
                if await asyncio.wait_for(there.recv(), PATIENCE) != sent:
                    raise proc.LabError(f"message {number} of {len(sent)} bytes arrived changed")
    finally:
        await asyncio.gather(*(agent.close() for agent in agents))
    return MESSAGES

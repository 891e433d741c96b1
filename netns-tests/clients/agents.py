# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Clients that are made of other people's libraries: pion's TURN client, and ICE agents of libnice and aioice.

Two ICE agents, one in the client's namespace and one in the peer's, may use nothing but the relay; one sends messages
and the other echoes. Each function tells how many messages came back the same, and raises if any did not.
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

from lab import proc
from lab.endpoints import EchoPeer
from lab.lab import Lab
from way import Way, ca_certificate

MESSAGES = 100
ROLES = ("client", "peer")


@dataclass(frozen=True)
class Programs:
    """Those that have to be built."""

    pion: Path
    nice: Path


def build(folder: Path) -> Programs:
    """For this run alone, as far as the compilers do not remember."""
    programs = Programs(folder / "pion_client", folder / "nice_agents")
    # Debian's Go libraries are used where they lie; nothing is fetched.
    proc.run(["env", "GO111MODULE=off", "GOPATH=/usr/share/gocode", "go", "build", "-o", str(programs.pion),
              str(Path(__file__).with_name("pion_client.go"))], timeout=300)
    flags = shlex.split(proc.run(["pkg-config", "--cflags", "--libs", "nice"]).stdout)
    proc.run(["cc", "-std=c17", "-Wall", "-Wextra", "-Werror", str(Path(__file__).with_name("nice_agents.c")),
              "-o", str(programs.nice), *flags])
    return programs


def _same(output: str) -> int:
    found = re.search(r"^same (\d+)$", output, re.MULTILINE)
    if not found:
        raise proc.LabError(f"it said only: {output}")
    return int(found[1])


def pion_echo(program: Path, lab: Lab, way: Way, peer: EchoPeer) -> int:
    """Datagrams of many sizes to an echoing peer, and one more after a pause and with its permission refreshed."""
    # Of a stream, pion takes no message of fewer than 9 bytes with its header.
    sizes = [str(size) for size in range(5 if way.is_stream else 0, 1200, 12)]
    host, port = peer.address
    result = lab.run("client", [str(program), way.transport, way.authority(lab), f"{host}:{port}",
                                *way.credentials(), str(ca_certificate(lab)), *sizes])
    return _same(result.stdout) + 1


def nice_echo(program: Path, lab: Lab, way: Way) -> int:
    agents = [word for role in ROLES for word in (lab.namespace(role), lab.address(role, way.family))]
    output = proc.run([str(program), way.transport, *map(str, way.address(lab)), *way.credentials(), *agents,
                       str(MESSAGES)]).stdout
    if "path relay relay" not in output:
        raise proc.LabError(f"the agents have not used the relay at both ends: {output}")
    return _same(output)


def aioice_echo(lab: Lab, way: Way) -> int:
    return asyncio.run(_aioice_echo(lab, way))


async def _aioice_echo(lab: Lab, way: Way) -> int:
    name, password = way.credentials()
    # It hands over to asyncio what it takes for a yes or no.
    tls: Any = ssl.create_default_context(cafile=ca_certificate(lab)) if way.is_secure else False
    agents = [aioice.Connection(
        ice_controlling=role == "client", turn_server=way.address(lab), turn_username=name, turn_password=password,
        turn_transport="tcp" if way.is_stream else "udp", turn_ssl=tls,
        transport_policy=aioice.TransportPolicy.RELAY) for role in ROLES]
    for role, agent in zip(ROLES, agents):
        with lab.entered(role):  # its sockets are opened while it gathers
            await asyncio.wait_for(agent.gather_candidates(), 10)
    caller, called = agents
    for here, there in ((caller, called), (called, caller)):
        for candidate in here.local_candidates:
            await there.add_remote_candidate(candidate)
        await there.add_remote_candidate(None)
        there.remote_username, there.remote_password = here.local_username, here.local_password
    try:
        await asyncio.wait_for(asyncio.gather(*(agent.connect() for agent in agents)), 10)
        for number in range(MESSAGES):
            sent = os.urandom(1 + number * 37 % 1200)
            for here, there in ((caller, called), (called, caller)):
                await here.send(sent)
                if await asyncio.wait_for(there.recv(), 2) != sent:
                    raise proc.LabError(f"message {number} of {len(sent)} bytes arrived changed")
    finally:
        await asyncio.gather(*(agent.close() for agent in agents))
    return MESSAGES

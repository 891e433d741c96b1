# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Clients that are denied: the server does nothing for them, and sends nothing to them.

    client ----- relay ----- peer
"""

from __future__ import annotations

import contextlib

import pytest

from lab import connected, proc, turn
from lab.complaints import Complaints, check
from lab.connected import TLS_PORT, Stream, serve, server_of
from lab.endpoints import turn_client, udp_socket
from lab.lab import Lab
from lab.relay import PORT, Turnpike
from lab.roundtrip import ANSWER_TIMEOUT
from lab.topology import FAMILIES

BINDING_REQUEST = turn.build(1, turn.REQUEST, bytes(12), [])
# The first bytes of a DTLS record with a ClientHello; a server of DTLS would answer, or count it.
CLIENT_HELLO = b"\x16\xfe\xff" + bytes(8) + b"\x00\x20" + b"\x01" + bytes(31)
QUIET = 0.5  # seconds in which no answer must arrive; the counters show that the datagrams have
families = pytest.mark.parametrize("family", FAMILIES)


def denied(server: Turnpike) -> int:
    return int(server.in_user_space()["denied"])


def network_of(lab: Lab, role: str, family: int) -> str:
    return f"{lab.address(role, family)}/{24 if family == 4 else 64}"


@families
def test_datagrams(lab: Lab, family: int) -> None:
    """No datagram of a denied client is answered or worked on, over UDP and over DTLS. Others are served."""
    server = serve(lab, options=["--deny-client", network_of(lab, "client", family)])
    listen = lab.topology.listen.address(family)
    complaints: Complaints = []
    with udp_socket(lab, "client", family) as sock:
        messages = [(BINDING_REQUEST, PORT), (turn.channel_data(0x4000, b"data"), PORT), (b"", PORT),
                    (CLIENT_HELLO, TLS_PORT)]
        for message, port in messages:
            sock.sendto(message, (listen, port))
        if not proc.wait_until(lambda: denied(server) == len(messages), 10):
            complaints.append(f"{denied(server)} of {len(messages)} datagrams are counted as denied")
        sock.settimeout(QUIET)
        with contextlib.suppress(TimeoutError):
            complaints.append(f"answered with {sock.recv(2048)!r}")
    counts = server.in_user_space()
    if counts["requests"] or counts["malformed"] or counts["no_allocation"] or counts["connections"]["strays"]:
        complaints.append(f"the server has worked: {counts}")
    other = 10 - family
    with turn_client(lab, "client", other, other).socket:
        pass
    check(complaints)


@pytest.mark.parametrize("transport", ("tcp", "tls"))
@families
def test_connections(lab: Lab, transport: str, family: int) -> None:
    """A connection of a denied client ends before the handshake, and takes no place."""
    server = serve(lab, options=["--deny-client", lab.address("client", family)])
    stream = Stream(lab, family)
    complaints: Complaints = []
    try:
        stream.connect(server_of(lab, transport, family))
        if not stream.ends(ANSWER_TIMEOUT):
            complaints.append("the connection is still open")
    except ConnectionError:
        pass  # the reset was faster
    if not proc.wait_until(lambda: denied(server) == 1, 10):
        complaints.append(f"{denied(server)} connections are counted as denied")
    accepted = server.in_user_space()["connections"]["accepted"]
    if accepted[transport]:
        complaints.append(f"{accepted} connections were accepted")
    other = 10 - family
    client = connected.turn_client(lab, transport, other, other)
    client.socket.close()
    check(complaints)

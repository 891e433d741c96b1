# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Clients over TCP, TLS and DTLS that send something else than TURN.

    client ----- relay ----- peer
"""

from __future__ import annotations

import contextlib
import os
import struct

import pytest

from lab import connected, turn
from lab.complaints import Complaints, check
from lab.connected import STREAMS, Stream, becomes, counts, open_connections, serve, server_of
from lab.endpoints import echo_peer, udp_socket
from lab.lab import Lab
from lab.relay import Turnpike
from lab.roundtrip import ANSWER_TIMEOUT, CHANNEL, echoed

GARBAGE = {
    "tls": bytes.fromhex("16030100c8010000c40303") + bytes(190),
    "no cookie": struct.pack("!HHI", 1, 0, 0x12345678) + bytes(12),
    "no length": struct.pack("!HHI", 1, 3, turn.COOKIE) + bytes(15),
    "rtp": b"\x80\x00\x00\x04abcd",
    "zeros": bytes(100),
    "ones": b"\xff" * 100,
    "random": b"\x80" + os.urandom(70000),
}
CLOSED_WITHIN = 10  # seconds; without garbage, the server closes a connection after 30
every_stream = pytest.mark.parametrize("transport", STREAMS)
every_garbage = pytest.mark.parametrize("garbage", GARBAGE)


def send_until_closed(stream: Stream, data: bytes) -> None:
    with contextlib.suppress(OSError):  # the server may close the connection before everything is sent
        stream.send_bytes(data)


def closed(server: Turnpike, stream: Stream) -> Complaints:
    return [] if stream.ends(CLOSED_WITHIN) else [f"the connection stays open: {open_connections(server)}"]


@every_stream
@every_garbage
def test_garbage_in_a_stream(lab: Lab, transport: str, garbage: str) -> None:
    """A client that sends garbage loses its connection and its allocation; another one keeps both."""
    server = serve(lab)
    with echo_peer(lab, 4) as peer:
        other, client = (connected.turn_client(lab, transport, 4, 4) for _ in range(2))
        other.bind(CHANNEL, peer.address)
        assert isinstance(client.socket, Stream)
        send_until_closed(client.socket, GARBAGE[garbage])
        complaints = closed(server, client.socket)
        complaints += becomes("the allocation stays", lambda: server.ask("status")["allocations"] == 1)
        complaints += becomes("it is not counted as garbage", lambda: counts(server)["garbage"] == 1)
        complaints += [f"the other client: {each}" for each in echoed(other, b"still here")]
    check(complaints + server.stop_complaints())


@every_stream
def test_answer_before_garbage(lab: Lab, transport: str) -> None:
    """What the server has answered reaches a client whose next bytes end the connection."""
    server = serve(lab)
    client = connected.turn_client(lab, transport, 4)
    assert isinstance(client.socket, Stream)
    transaction = os.urandom(12)
    client.socket.send_bytes(turn.build(1, turn.REQUEST, transaction, []) + GARBAGE["ones"])
    answer = turn.parse(client.receive(ANSWER_TIMEOUT) or b"")
    complaints: Complaints = []
    if not answer or (answer.kind, answer.transaction) != (turn.SUCCESS, transaction):
        complaints.append(f"the answer is {answer}")
    complaints += closed(server, client.socket)
    complaints += becomes("it is not counted as garbage", lambda: counts(server)["garbage"] == 1)
    check(complaints + server.stop_complaints())


@every_stream
def test_long_message_without_an_allocation(lab: Lab, transport: str) -> None:
    """A client without an allocation must not send more than requests need."""
    server = serve(lab)
    client = connected.turn_client(lab, transport, 4)
    assert isinstance(client.socket, Stream)
    client.socket.send_bytes(struct.pack("!HHI", turn.ALLOCATE, 8000, turn.COOKIE))
    check(closed(server, client.socket) + server.stop_complaints())


@every_garbage
def test_garbage_before_a_tls_handshake(lab: Lab, garbage: str) -> None:
    """What is no TLS ends the connection, and is counted."""
    server = serve(lab)
    stream = Stream(lab, 4)
    stream.connect(server_of(lab, "tls", 4))
    send_until_closed(stream, GARBAGE[garbage] + bytes(5))
    complaints = [] if garbage == "tls" else closed(server, stream)  # the server waits for the rest of a ClientHello
    stream.close()
    complaints += becomes("it is not counted", lambda: counts(server)["failed"] + counts(server)["closed"] == 1)
    check(complaints + server.stop_complaints())


def test_garbage_before_a_dtls_handshake(lab: Lab) -> None:
    """Datagrams that are no DTLS begin no session, and are counted."""
    server = serve(lab)
    with udp_socket(lab, "client", 4) as sock:
        sock.connect(server_of(lab, "dtls", 4))
        for data in (*GARBAGE.values(), b""):
            sock.send(data[:1400])
    complaints = becomes("they are not counted", lambda: counts(server)["strays"] == len(GARBAGE) + 1)
    if any(open_connections(server).values()):
        complaints.append(f"there are connections: {open_connections(server)}")
    check(complaints + server.stop_complaints())

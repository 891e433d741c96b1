# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Clients over UDP, TCP, TLS and DTLS.

    client ----- relay ----- peer

TLS itself is tested in test_tls.py, clients that misbehave in test_garbage.py, test_dtls.py and
test_connection_limits.py.
"""

from __future__ import annotations

import os
import socket
import struct
import time

import pytest

from lab import aioice_client, connected, turn, turnutils
from lab.aioice_client import SIZES
from lab.complaints import Complaints, check
from lab.connected import (CONNECTED, STREAMS, TLS_PORT, Datagrams, Stream, becomes, counts, open_connections, serve,
                           server_of)
from lab.endpoints import TTL, echo_peer, receive, turn_client, udp_socket
from lab.lab import Lab
from lab.relay import BY_NAME, PASSWORD, PORT, USER, Turnpike
from lab.roundtrip import ANSWER_TIMEOUT, CHANNEL
from lab.topology import FAMILIES
from lab.transfer import first_packets

UCLIENT = {"udp": (), "tcp": ("-t",), "tls": ("-t", "-S"), "dtls": ("-S",)}
HOST_TTL = 64
LARGE_SIZES = (9000, 60000)  # that fit no packet
TCX = BY_NAME["tcx"]
every_family = pytest.mark.parametrize("family", FAMILIES)
every_stream = pytest.mark.parametrize("transport", STREAMS)
every_connection = pytest.mark.parametrize("transport", CONNECTED)


def relayed_since(server: Turnpike, before: tuple[int, int], wanted: tuple[int, int]) -> Complaints:
    kernel, user_space = (now - then for now, then in zip(server.relayed(), before))
    return [] if (kernel, user_space) == wanted else [
        f"in the kernel, in user space: {(kernel, user_space)}, not {wanted}"]


# Data.

@pytest.mark.parametrize("transport", UCLIENT)
@every_family
def test_load(lab: Lab, transport: str, family: int) -> None:
    """coturn's client gets all messages back, by UDP from the kernel, else from user space."""
    server = serve(lab, TCX)
    turnutils.start_peer(lab)
    port = PORT if transport in ("udp", "tcp") else TLS_PORT
    before = server.relayed()
    load = turnutils.run_load(lab, family, clients=2, messages=50, options=UCLIENT[transport], port=port)
    complaints = [] if (load.sent, load.received) == (100, 100) else [f"{load}"]
    first = first_packets(server)
    if first > 150:
        complaints.append(f"{first} of 200 packets came before the flows were confirmed")
    complaints += relayed_since(server, before, (200 - first, first) if transport == "udp" else (0, 200))
    check(complaints + server.stop_complaints())


@every_connection
@every_family
def test_ttl(lab: Lab, transport: str, family: int) -> None:
    """A stream has no TTL: data gets that of the host. DTLS has one, which is kept but for one, and ends with 0."""
    server = serve(lab)
    level, option, *_ = TTL[family]
    complaints: Complaints = []
    with udp_socket(lab, "peer", family) as peer:
        client = connected.turn_client(lab, transport, family, family)
        client.bind(CHANNEL, peer.getsockname()[:2])
        client.socket.send(turn.channel_data(CHANNEL, b"there"))
        there = receive(peer, family, ANSWER_TIMEOUT)
        wanted = HOST_TTL - (transport == "dtls")
        if not there or (there.payload, there.ttl) != (b"there", wanted):
            complaints.append(f"{there} has come to the peer, not with a TTL of {wanted}")
        peer.setsockopt(level, option, 1)
        peer.sendto(b"last", client.relayed)
        peer.setsockopt(level, option, 2)
        peer.sendto(b"back", client.relayed)
        back = [turn.channel_data(CHANNEL, each) for each in ([b"back"] if transport == "dtls" else [b"last", b"back"])]
        if (got := [client.receive(ANSWER_TIMEOUT) for _ in back]) != back:
            complaints.append(f"{got} has come to the client, not {back}")
        if (dropped := server.in_user_space()["ttl"]) != (transport == "dtls"):
            complaints.append(f"{dropped} datagrams are counted for their TTL")
        client.socket.close()
    check(complaints)


@every_connection
@every_family
@pytest.mark.parametrize("relayed", FAMILIES)
def test_bytes(lab: Lab, transport: str, family: int, relayed: int) -> None:
    """Payloads of many sizes reach the peer and come back, by ChannelData and Send indications, without a flow."""
    server = serve(lab, TCX)
    complaints: Complaints = []
    # s_client sends no more than fits a packet.
    sizes = [size for size in SIZES if size <= 1400] if transport == "dtls" else [*SIZES, *LARGE_SIZES]
    payloads = [os.urandom(size) for size in sizes]
    indications = payloads[::20]
    with echo_peer(lab, relayed) as peer:
        client = connected.turn_client(lab, transport, family, relayed)
        client.bind(CHANNEL, peer.address)
        clients = server.ask("status")["clients"]
        returned = []
        for payload in payloads:
            client.socket.send(turn.channel_data(CHANNEL, payload))
            returned.append(client.receive(ANSWER_TIMEOUT))
        for payload in indications:
            client.send_indication(peer.address, payload)
            returned.append(client.receive(ANSWER_TIMEOUT))
        if server.flows():
            complaints.append("there are flows in the kernel")
        client.refresh(0)
        client.socket.close()
    if peer.received != payloads + indications:
        complaints.append(f"{len(peer.received)} datagrams are at the peer, or they have changed")
    for got, payload in zip(returned, payloads + indications):
        if got != turn.channel_data(CHANNEL, payload):
            complaints.append(f"of {len(payload)} bytes came back {None if got is None else len(got)}")
    if clients["allocations"] != {"udp": 0, "tcp": 0, "tls": 0, "dtls": 0, transport: 1}:
        complaints.append(f"the status is {clients}")
    if clients["connections"] != {"tcp": 0, "tls": 0, "dtls": 0, transport: 1}:
        complaints.append(f"the status is {clients}")
    check(complaints + server.stop_complaints())


@every_stream
@every_family
def test_aioice(lab: Lab, transport: str, family: int) -> None:
    """The same with several messages in flight, by aioice, which has no DTLS, from one address family to the other."""
    server = serve(lab, TCX)
    before = server.relayed()
    result = aioice_client.compare_bytes(lab, family, 10 - family, transport, server_of(lab, transport, family)[1])
    complaints = result.complaints + relayed_since(server, before, (0, result.packets))
    check(complaints + server.stop_complaints())


@every_stream
def test_split_messages(lab: Lab, transport: str) -> None:
    """The server finds messages in a stream wherever it is cut, and many in one piece."""
    server = serve(lab)
    complaints: Complaints = []
    with echo_peer(lab, 4) as peer:
        client = connected.turn_client(lab, transport, 4, 4)
        client.bind(CHANNEL, peer.address)
        stream = client.socket
        assert isinstance(stream, Stream)
        binding = turn.build(1, turn.REQUEST, bytes(range(12)), [(0x8022, b"cut me anywhere")])
        for size in (0, 1, 4, 11):
            message = turn.channel_data(CHANNEL, os.urandom(size))
            whole = message + bytes(-len(message) % 4) + binding
            for at in range(1, len(whole)):
                stream.send_bytes(whole[:at])
                time.sleep(0.002)
                stream.send_bytes(whole[at:])
                got = [client.receive(ANSWER_TIMEOUT) for _ in range(2)]
                if message not in got or not any(each and each[4:20] == binding[4:20] for each in got):
                    complaints.append(f"cut at {at} of {size}: {got}")
        sent = [turn.channel_data(CHANNEL, os.urandom(size)) for size in range(300)]
        stream.send_bytes(b"".join(each + bytes(-len(each) % 4) for each in sent))
        if [client.receive(ANSWER_TIMEOUT) for _ in sent] != sent:
            complaints.append("messages that were sent in one piece have not come back")
    check(complaints + server.stop_complaints())


DONT_FRAGMENT = 0x1A
IP_DF = 0x4000


def send_indication(client: turn.Client, peer: turn.Address, payload: bytes, dont_fragment: bool) -> None:
    transaction = os.urandom(12)
    attributes = [(turn.XOR_PEER, turn.pack_address(peer, transaction)), (turn.PAYLOAD, payload)]
    client.socket.send(turn.build(turn.SEND, turn.INDICATION, transaction,
                                  attributes + [(DONT_FRAGMENT, b"")] * dont_fragment))


@pytest.mark.parametrize("transport", ("udp", *STREAMS))
def test_dont_fragment(lab: Lab, transport: str) -> None:
    """Datagrams leave with the DF bit if DONT-FRAGMENT asks for it; the client hears of those that are too big."""
    server = serve(lab)
    complaints: Complaints = []
    with lab.entered("peer"):
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
    with raw, udp_socket(lab, "peer", 4) as peer:
        raw.settimeout(ANSWER_TIMEOUT)
        address = peer.getsockname()[:2]

        def arrives(payload: bytes, flag: bool, what: str) -> None:
            packet = raw.recv(2000)
            if packet[28:] != payload or bool(struct.unpack_from("!H", packet, 6)[0] & IP_DF) != flag:
                complaints.append(f"{what} arrives as {packet!r}")

        client = turn_client(lab, "client", 4, 4) if transport == "udp" else connected.turn_client(lab, transport, 4, 4)
        client.bind(CHANNEL, address)
        for flag in (False, True, False, True, True, False):
            payload = os.urandom(20)
            send_indication(client, address, payload, flag)
            arrives(payload, flag, f"an indication, DONT-FRAGMENT {flag},")
            client.socket.send(turn.channel_data(CHANNEL, payload))
            arrives(payload, False, "ChannelData")
        send_indication(client, address, bytes(1473), True)
        answer = turn.parse(client.receive(ANSWER_TIMEOUT) or b"")
        if answer is None or answer.get(turn.ICMP) != struct.pack("!HBBI", 0, 3, 4, 1500):
            complaints.append(f"a datagram that does not fit the relay's link is answered by {answer}")
    check(complaints + server.stop_complaints())


# The end of a connection.

@pytest.mark.parametrize("transport, how", (("tcp", "close"), ("tcp", "reset"), ("tls", "close"), ("tls", "reset"),
                                            ("dtls", "close")))
def test_allocation_ends_with_its_connection(lab: Lab, transport: str, how: str) -> None:
    """The allocation of a connection that is closed or reset ends at once."""
    server = serve(lab, TCX)
    client = connected.turn_client(lab, transport, 4, 4)
    allocations = server.ask("status")["allocations"]
    complaints = [] if allocations == 1 else [f"{allocations} allocations"]
    getattr(client.socket, how)()
    complaints += becomes("the allocation stays", lambda: server.ask("status")["allocations"] == 0)
    complaints += becomes("the connection stays", lambda: open_connections(server)[transport] == 0)
    check(complaints + server.stop_complaints())


def test_second_dtls_session_from_an_address(lab: Lab) -> None:
    """A DTLS client that has crashed begins a new session from its address, which replaces the first one."""
    server = serve(lab)
    complaints: Complaints = []

    def begin() -> tuple[turn.Client, Datagrams]:
        sock = Datagrams(lab, 4, port=40000)
        client = turn.Client(sock, server_of(lab, "dtls", 4), USER, PASSWORD)  # type: ignore[arg-type]
        client.allocate(4)
        return client, sock

    begin()[1].kill()
    if server.ask("status")["allocations"] != 1:
        complaints.append("the allocation of a silent client has ended")
    _, second = begin()
    status = server.ask("status")
    if (status["allocations"], open_connections(server)["dtls"], counts(server)["accepted"]["dtls"]) != (1, 1, 2):
        complaints.append(f"{status['clients']}, {counts(server)}")
    second.close()
    complaints += becomes("the allocation stays", lambda: server.ask("status")["allocations"] == 0)
    check(complaints + server.stop_complaints())

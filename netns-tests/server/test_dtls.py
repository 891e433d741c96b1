# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""DTLS against spoofed, forged and changed datagrams, and over paths that lose, repeat and reorder them.

    client ----- relay ----- peer
"""

from __future__ import annotations

import contextlib
import random
import socket
import struct
from collections.abc import Callable, Iterator

import pytest

import dtls_records
from dtls_records import CLIENT_HELLO, HANDSHAKE, Change
from footprint import is_sanitized, resident
from lab import connected, proc, turn
from lab.complaints import Complaints, check
from lab.connected import Datagrams, becomes, counts, open_connections, serve, server_of
from lab.endpoints import echo_peer, udp_socket
from lab.lab import Lab
from lab.relay import PASSWORD, USER
from lab.roundtrip import ANSWER_TIMEOUT, CHANNEL, echoed, exchanged
from sources import more_addresses

SERVER_HELLO, HELLO_VERIFY_REQUEST = 2, 3
IPV6_MIN_MTU = 1280
EXTENSIONS = bytes.fromhex("000a00060004001d0017 000b00020100 000d00080006040308040401 00170000")
CIPHERS = bytes.fromhex("0004c02bc02f")


# Before a session.

def client_hello(cookie: bytes = b"", nonce: bytes = bytes(32)) -> bytes:
    """The smallest one that a handshake can begin with."""
    body = b"\xfe\xfd" + nonce + b"\x00" + bytes([len(cookie)]) + cookie + CIPHERS + bytes.fromhex("0100")
    body += struct.pack("!H", len(EXTENSIONS)) + EXTENSIONS
    sequence = 1 if cookie else 0
    return dtls_records.record(HANDSHAKE, dtls_records.message(CLIENT_HELLO, body, sequence), seq=sequence)


def is_handshake(datagram: bytes, kind: int) -> bool:
    return datagram[0] == HANDSHAKE and datagram[dtls_records.HEADER] == kind


def cookie_of(verify_request: bytes) -> bytes:
    return verify_request[28:28 + verify_request[27]]


@contextlib.contextmanager
def client_socket(lab: Lab) -> Iterator[socket.socket]:
    with udp_socket(lab, "client", 4) as sock:
        sock.connect(server_of(lab, "dtls", 4))
        sock.settimeout(ANSWER_TIMEOUT)
        yield sock


def test_server_is_stateless_before_a_cookie(lab: Lab) -> None:
    """The answer to a ClientHello is smaller, its cookie is the address's own, and the server keeps nothing."""
    server = serve(lab)
    complaints: Complaints = []
    cookies, ports = set(), set()
    for _ in range(200):
        with client_socket(lab) as sock:
            ports.add(sock.getsockname()[1])
            sock.send(client_hello())
            answer = sock.recv(2000)
        if not is_handshake(answer, HELLO_VERIFY_REQUEST) or len(answer) >= len(client_hello()):
            complaints.append(f"the answer is {answer!r}")
        cookies.add(cookie_of(answer))
    if len(cookies) != len(ports):
        complaints.append(f"{len(cookies)} different cookies for {len(ports)} addresses")
    if any(open_connections(server).values()) or any(counts(server)["accepted"].values()):
        complaints.append(f"there were sessions: {counts(server)}")
    check(complaints + server.stop_complaints())


def test_cookie(lab: Lab) -> None:
    """Only the right cookie begins a session; the datagrams of the server's flight then fit any path."""
    server = serve(lab)
    complaints: Complaints = []
    with client_socket(lab) as other:
        other.send(client_hello())
        cookie_of_other = cookie_of(other.recv(2000))
    with client_socket(lab) as sock:
        for wrong in (cookie_of_other, b"short", bytes(12), bytes(200)):
            sock.send(client_hello(wrong))
            answer = sock.recv(2000)
            if not is_handshake(answer, HELLO_VERIFY_REQUEST) or open_connections(server)["dtls"]:
                complaints.append(f"the cookie {wrong!r} is accepted: {answer!r}")
        sock.send(client_hello(cookie_of(answer)))
        answer = sock.recv(2000)
        if not is_handshake(answer, SERVER_HELLO) or open_connections(server)["dtls"] != 1:
            complaints.append(f"the right cookie is not accepted: {answer!r}, {open_connections(server)}")
        sizes, flights = [len(answer)], 1
        sock.settimeout(10)  # the server sends its flight again after 1 s, then after 2 s
        while flights < 3:
            answer = sock.recv(2000)
            sizes.append(len(answer))
            flights += is_handshake(answer, SERVER_HELLO)
    if max(sizes) > IPV6_MIN_MTU - 28:
        complaints.append(f"datagrams of {max(sizes)} bytes")
    check(complaints + server.stop_complaints())


PER_SOURCE = 128  # unfinished handshakes of one worker
MOST_PER_HANDSHAKE = 28 << 10  # bytes; it is some 22 KB


def half_open(lab: Lab, source: str) -> socket.socket:
    """A client that returns its cookie, and leaves the server with its flight."""
    with lab.entered("client"):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((source, 0))
    sock.connect(server_of(lab, "dtls", 4))
    sock.settimeout(ANSWER_TIMEOUT)
    sock.send(client_hello())
    sock.send(client_hello(cookie_of(sock.recv(2000))))
    if not is_handshake(sock.recv(2000), SERVER_HELLO):
        raise ConnectionError("no ServerHello")
    return sock


def never_whole() -> list[bytes]:
    """Fragments of long messages, now and in the future."""
    fragments = [dtls_records.message(kind, b"part", number, 0, 100000) for kind in (16, 1, 11, 20)
                 for number in range(2, 13)]
    return [dtls_records.record(HANDSHAKE, fragment, seq=2 + number) for number, fragment in enumerate(fragments)]


def test_half_open_handshakes(lab: Lab) -> None:
    """Handshakes that stop halfway are few and small, push out those of their source, and leave no memory behind."""
    server = serve(lab, options=["--workers", "1", "--unauthenticated-rate", "0"])
    pid, complaints = server.process.pid, []
    connected.turn_client(lab, "dtls", 4, 4).socket.close()
    complaints += becomes("the first session stays", lambda: not open_connections(server)["dtls"])
    before = resident(pid)
    with more_addresses(lab, 4) as sources, echo_peer(lab, 4) as peer, contextlib.ExitStack() as stack:
        for source in sources:
            for _ in range(PER_SOURCE + 20):
                sock = stack.enter_context(half_open(lab, source))
                for record in never_whole():
                    sock.send(record)
        opened, grown = open_connections(server)["dtls"], resident(pid) - before
        if opened > 4 * PER_SOURCE:
            complaints.append(f"{opened} handshakes: {counts(server)}")
        client = connected.turn_client(lab, "dtls", 4, 4)
        client.bind(CHANNEL, peer.address)
        complaints += [f"another client: {each}" for each in echoed(client, b"in time")]
        complaints += becomes("the handshakes stay", lambda: open_connections(server)["dtls"] == 1, 60)
        if not is_sanitized(pid):
            print(f"{opened} handshakes took {grown} bytes")
            if grown > 4 * PER_SOURCE * MOST_PER_HANDSHAKE:
                complaints.append(f"{opened} handshakes take {grown} bytes")
            complaints += becomes(f"{grown} bytes were taken, and stay",
                                  lambda: resident(pid) < before + max(grown // 2, 4 << 20), 30)
        client.socket.close()
    check(complaints + server.stop_complaints())


# Datagrams that others send in the name of a client, or that were changed on their way.

def spoof(raw: socket.socket, source: tuple[str, int], target: tuple[str, int], payload: bytes) -> None:
    """Send a datagram without a checksum, as IPv4 allows."""
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 0, 0, 0, 64, socket.IPPROTO_UDP, 0, socket.inet_aton(source[0]),
                     socket.inet_aton(target[0]))
    raw.sendto(ip + struct.pack("!HHHH", source[1], target[1], 8 + len(payload), 0) + payload, (target[0], 0))


def mutated(source: random.Random, message: bytes) -> bytes:
    changed = bytearray(message)
    for _ in range(source.randrange(1, 4)):
        changed[source.randrange(len(changed))] = source.randrange(256)
    return bytes(changed[:source.choice((len(changed), source.randrange(len(changed)))) + 1])


@pytest.fixture
def random_source() -> random.Random:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    return random.Random(seed)


def test_spoofed(lab: Lab, random_source: random.Random) -> None:
    """A client's session survives thousands of datagrams from its spoofed address."""
    server = serve(lab)
    source, target = (lab.address("client", 4), 40000), server_of(lab, "dtls", 4)
    with lab.entered("client"):
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    with raw, echo_peer(lab, 4) as peer:
        client = turn.Client(Datagrams(lab, 4, port=source[1]), target, USER, PASSWORD)  # type: ignore[arg-type]
        client.allocate(4)
        client.bind(CHANNEL, peer.address)
        datagrams = [client_hello(), client_hello(bytes(12), b"\x01" * 32), *(
            dtls_records.record(kind, body, epoch) for kind in range(19, 27) for epoch in (0, 1, 2)
            for body in (b"", b"\x01\x00", b"\x02\x28", b"\x01", bytes(40), random_source.randbytes(100)))]
        changed = [mutated(random_source, random_source.choice(datagrams)) for _ in range(3000)]
        for datagram in (*datagrams, *changed):
            spoof(raw, source, target, datagram)
        complaints = exchanged(client)
        status = server.ask("status")
        if (status["allocations"], status["clients"]["connections"]["dtls"]) != (1, 1):
            complaints.append(f"the status is {status['clients']}")
        client.socket.close()
    check(complaints + server.stop_complaints())


def test_mutated_hellos(lab: Lab, random_source: random.Random) -> None:
    """Changed ClientHellos with a valid cookie may fail their handshakes, but do the server no harm."""
    server = serve(lab)
    with client_socket(lab) as sock:
        for number in range(300):
            sock.send(client_hello(nonce=random_source.randbytes(32)))
            answer = sock.recv(2000)
            while not is_handshake(answer, HELLO_VERIFY_REQUEST):
                answer = sock.recv(2000)
            valid = client_hello(cookie_of(answer), random_source.randbytes(32))
            sock.send(mutated(random_source, valid) if number else valid)
            sock.send(mutated(random_source, valid))
    with echo_peer(lab, 4) as peer:
        client = connected.turn_client(lab, "dtls", 4, 4)
        client.bind(CHANNEL, peer.address)
        complaints = still_served(client)
        client.socket.close()
    check(complaints + server.stop_complaints())


# Records that a server must discard.

def still_served(client: turn.Client) -> Complaints:
    """Echo ChannelData through the session; the empty one makes the shortest record that TURN ever sends."""
    return [each for payload in (b"", b"still here") for each in echoed(client, payload)]


def dtls_client(lab: Lab, path: dtls_records.Path, peer: tuple[str, int], *options: str) -> turn.Client:
    client = turn.Client(Datagrams(lab, 4, options=options), path.address, USER, PASSWORD)  # type: ignore[arg-type]
    client.allocate(4)
    client.bind(CHANNEL, peer)
    return client


def test_forged_records_in_a_handshake(lab: Lab) -> None:
    """A full handshake and an abbreviated one succeed although forged records precede each record of the client."""
    server = serve(lab)
    complaints: Complaints = []
    forged = [*dtls_records.forged_protected(24).values(), *dtls_records.forged_tags(24),
              *dtls_records.forged_plaintext().values()]
    session = str(lab.scratch / "session")
    for name, option in ("new", "-sess_out"), ("resumed", "-sess_in"):
        path = dtls_records.Path(lab, server_of(lab, "dtls", 4), dtls_records.between(forged))
        with path, echo_peer(lab, 4) as peer:
            try:
                client = dtls_client(lab, path, peer.address, option, session)
            except OSError as error:
                complaints.append(f"{name}: {error}")
                continue
            complaints += [f"{name}: {each}" for each in still_served(client)]
            keys = [one for one in path.records if dtls_records.is_message(one, dtls_records.CLIENT_KEY_EXCHANGE)]
            if bool(keys) != (name == "new"):
                complaints.append(f"{name}: the client has sent {len(keys)} keys")
            client.socket.close()
    if counts(server)["failed"] or counts(server)["timed_out"]:
        complaints.append(f"the counters are {counts(server)}")
    check(complaints + server.stop_complaints())


@pytest.mark.parametrize("cipher", dtls_records.CIPHERS)
def test_forged_records_in_a_session(lab: Lab, cipher: str) -> None:
    """An open session survives each forged record and counts it, unless only the tag is wrong."""
    server = serve(lab)
    complaints: Complaints = []
    overhead = dtls_records.CIPHERS[cipher]
    forged = {**dtls_records.forged_plaintext(), **dtls_records.forged_protected(overhead)}
    with dtls_records.Path(lab, server_of(lab, "dtls", 4)) as path, echo_peer(lab, 4) as peer:
        client = dtls_client(lab, path, peer.address, "-cipher", cipher)
        for name, datagram in forged.items():
            before = counts(server)["discarded"]
            path.send([datagram])
            if not proc.wait_until(lambda: counts(server)["discarded"] == before + 1, 5):
                complaints.append(f"{name}: {counts(server)['discarded'] - before} records are discarded")
        complaints += still_served(client)
        path.send(dtls_records.forged_tags(overhead) * 20)
        complaints += still_served(client)
        path.send(path.records)  # replayed
        complaints += still_served(client)
        if open_connections(server)["dtls"] != 1 or counts(server)["failed"]:
            complaints.append(f"the session has ended: {counts(server)}")
        client.socket.close()
    check(complaints + server.stop_complaints())


# Changes to the datagrams to the server and to the client, made anew for each path.
UNRELIABLE: dict[str, Callable[[], tuple[Change, Change]]] = {
    "twice": lambda: (dtls_records.twice(), dtls_records.twice()),
    "backwards": lambda: (dtls_records.backwards_once(), dtls_records.backwards_once()),
    "flight of the client lost": lambda: (dtls_records.lost_once(), dtls_records.unchanged),
    "flight of the server lost": lambda: (dtls_records.unchanged, dtls_records.lost_once()),
}


@pytest.mark.parametrize("how", UNRELIABLE)
def test_unreliable_path(lab: Lab, how: str) -> None:
    """A handshake succeeds although records are repeated, reversed or lost on the way."""
    server = serve(lab)
    with dtls_records.Path(lab, server_of(lab, "dtls", 4), *UNRELIABLE[how]()) as path, echo_peer(lab, 4) as peer:
        client = dtls_client(lab, path, peer.address)
        complaints = still_served(client)
        client.socket.close()
    check(complaints + server.stop_complaints())

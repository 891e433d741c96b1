#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Clients over TCP, TLS and DTLS that mean harm, or are broken.

    client ----- relay ----- peer

    garbage    what is no TURN ends a connection, or is none
    hello      DTLS keeps nothing of who has not returned a cookie
    spoofed    datagrams in the name of a DTLS client, and changed ones, do it no harm
    records    nor do forged records, in the handshake, after it, or in a client's own datagrams
    unreliable a path that loses, repeats or reorders records only delays a DTLS handshake
    unread     a client that does not read loses its own messages only
    many       connections that are too many, of one source and of all
    hasty      handshakes that come too fast, of one source
    files      no descriptors are left: nothing spins, nothing breaks, and it comes back
    slow       connections without an allocation do not stay, those with one do
"""

from __future__ import annotations

import os
import random
import re
import resource
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import dtls_records
import scenes
from lab import connected, proc, turn
from lab.complaints import Complaints, refused
from lab.connected import (CONNECTED, PORT, STREAMS, TLS_PORT, Datagrams, Stream, becomes, counts, open_ones, serve,
                           server_of, stopped, trusting)
from lab.endpoints import echo_peer, turn_client, udp_socket
from lab.lab import Lab
from lab.relay import PASSWORD, USER, Turnpike

Test = Callable[[Lab], Complaints]
CHANNEL = 0x4001

GARBAGE = {
    "tls": bytes.fromhex("16030100c8010000c40303") + bytes(190),
    "no cookie": struct.pack("!HHI", 1, 0, 0x12345678) + bytes(12),
    "no length": struct.pack("!HHI", 1, 3, turn.COOKIE) + bytes(15),
    "rtp": b"\x80\x00\x00\x04abcd",
    "zeros": bytes(100),
    "ones": b"\xff" * 100,
    "random": b"\x80" + os.urandom(70000),
}


def garbage(lab: Lab, transport: str) -> Complaints:
    server = serve(lab)
    complaints: Complaints = []
    with echo_peer(lab, 4) as peer:
        other = connected.turn_client(lab, transport, 4, 4)
        other.bind(CHANNEL, peer.address)
        for number, (name, data) in enumerate(GARBAGE.items(), 1):
            client = connected.turn_client(lab, transport, 4, 4)
            assert isinstance(client.socket, Stream)
            try:
                client.socket.send_bytes(data)
            except OSError:
                pass
            if not client.socket.ends(3):
                complaints.append(f"{name}: the connection stays")
            complaints += becomes(f"{name}: the allocation stays", lambda: server.ask("status")["allocations"] == 1)
            complaints += becomes(f"{name}: it is not counted", lambda: counts(server)["garbage"] == number)
        # Who has no allocation may say no more than requests need: this begins an endless one.
        client = connected.turn_client(lab, transport, 4)
        assert isinstance(client.socket, Stream)
        client.socket.send_bytes(struct.pack("!HHI", 3, 8000, turn.COOKIE))
        if not client.socket.ends(3):
            complaints.append("a long message of nobody: the connection stays")
        other.socket.send(turn.channel_data(CHANNEL, b"still here"))
        if other.receive(1) != turn.channel_data(CHANNEL, b"still here"):
            complaints.append("others are not served any more")
    return complaints + stopped(server)


def no_handshake(lab: Lab) -> Complaints:
    """Garbage where TLS and DTLS are spoken."""
    server = serve(lab)
    complaints: Complaints = []
    for number, (name, data) in enumerate(GARBAGE.items(), 1):
        stream = Stream(lab, 4)
        stream.connect(server_of(lab, "tls", 4))
        try:
            stream.send_bytes(data + bytes(5))
        except OSError:
            pass
        if name != "tls" and not stream.ends(3):
            complaints.append(f"{name}: the connection stays")
        stream.close()
        complaints += becomes(f"{name}: it is not counted", lambda: counts(server)["failed"] + counts(server)["closed"] == number)
    with udp_socket(lab, "client", 4) as sock:
        sock.connect(server_of(lab, "dtls", 4))
        for data in GARBAGE.values():
            sock.send(data[:1400])
        sock.send(b"")
    complaints += becomes("datagrams that are no DTLS are not counted",
                          lambda: counts(server)["strays"] == len(GARBAGE) + 1)
    if any(open_ones(server).values()):
        complaints.append(f"there are connections: {open_ones(server)}")
    return complaints + stopped(server)


# DTLS without a connection.

def client_hello(cookie: bytes = b"", nonce: bytes = bytes(32)) -> bytes:
    """As small as it can be, but for the cipher and the extensions that a handshake needs."""
    extensions = bytes.fromhex("000a00060004001d0017" "000b00020100" "000d00080006040308040401" "00170000")
    body = b"\xfe\xfd" + nonce + b"\x00" + bytes([len(cookie)]) + cookie + bytes.fromhex("0004c02bc02f" "0100")
    body += struct.pack("!H", len(extensions)) + extensions
    sequence = 1 if cookie else 0
    message = struct.pack("!B", 1) + len(body).to_bytes(3, "big") + struct.pack("!H", sequence) + bytes(3) + \
        len(body).to_bytes(3, "big") + body
    return struct.pack("!BHHHI", 22, 0xfefd, 0, 0, sequence) + struct.pack("!H", len(message)) + message


def cookie_of(verify_request: bytes) -> bytes:
    return verify_request[28:28 + verify_request[27]]


def hello(lab: Lab) -> Complaints:
    server = serve(lab)
    complaints: Complaints = []
    address = server_of(lab, "dtls", 4)
    cookies, ports = set(), set()
    for _ in range(200):
        with udp_socket(lab, "client", 4) as sock:
            ports.add(sock.getsockname()[1])
            sock.connect(address)
            sock.settimeout(1)
            sock.send(client_hello())
            answer = sock.recv(2000)
            if answer[0] != 22 or answer[13] != 3 or len(answer) >= len(client_hello()):
                complaints.append(f"the answer is {answer!r}")
            cookies.add(cookie_of(answer))
    if len(cookies) != len(ports):
        complaints.append(f"{len(cookies)} different cookies for {len(ports)} addresses")
    if any(open_ones(server).values()) or any(counts(server)["accepted"].values()):  # type: ignore[attr-defined]
        complaints.append(f"something is kept of them: {counts(server)}")
    with udp_socket(lab, "client", 4) as sock:
        sock.connect(address)
        sock.settimeout(1)
        for wrong in (cookies.pop(), b"short", bytes(12), bytes(200)):
            sock.send(client_hello(wrong))
            answer = sock.recv(2000)
            if answer[13] != 3 or open_ones(server)["dtls"]:
                complaints.append(f"the cookie {wrong!r} of another is taken: {answer!r}")
        right = client_hello(cookie_of(answer))
        sock.send(right)
        answer = sock.recv(2000)
        if answer[13] != 2 or open_ones(server)["dtls"] != 1:
            complaints.append(f"the right cookie is not taken: {answer!r}, {open_ones(server)}")
        sizes = [len(answer)]
        begins = 1  # of the server's flight, which is sent again while there is no answer
        sock.settimeout(5)
        while begins < 3:
            answer = sock.recv(2000)
            sizes.append(len(answer))
            begins += answer[13] == 2
        if max(sizes) > 1280 - 28:
            complaints.append(f"datagrams of {max(sizes)} bytes")
    return complaints + stopped(server)


def spoof(raw: socket.socket, source: tuple[str, int], target: tuple[str, int], payload: bytes) -> None:
    """Without a checksum, as IPv4 allows."""
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 0, 0, 0, 64, socket.IPPROTO_UDP, 0, socket.inet_aton(source[0]),
                     socket.inet_aton(target[0]))
    raw.sendto(ip + struct.pack("!HHHH", source[1], target[1], 8 + len(payload), 0) + payload, (target[0], 0))


def mutated(message: bytes) -> bytes:
    changed = bytearray(message)
    for _ in range(random.randrange(1, 4)):
        changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed[:random.choice((len(changed), random.randrange(len(changed)))) + 1])


def spoofed(lab: Lab) -> Complaints:
    server = serve(lab)
    complaints: Complaints = []
    source, target = (lab.address("client", 4), 40000), server_of(lab, "dtls", 4)
    seed = random.randrange(1 << 32)
    random.seed(seed)
    with lab.entered("client"):
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    with raw, echo_peer(lab, 4) as peer, udp_socket(lab, "client", 4) as stranger:
        client = turn.Client(Datagrams(lab, 4, port=source[1]), target, USER, PASSWORD)  # type: ignore[arg-type]
        client.allocate(4)
        client.bind(CHANNEL, peer.address)
        datagrams = [client_hello(), client_hello(bytes(12), b"\x01" * 32), *(
            dtls_records.record(kind, body, epoch) for kind in range(19, 27) for epoch in (0, 1, 2)
            for body in (b"", b"\x01\x00", b"\x02\x28", b"\x01", bytes(40), os.urandom(100)))]
        for datagram in (*datagrams, *(mutated(random.choice(datagrams)) for _ in range(3000))):
            spoof(raw, source, target, datagram)
        client.socket.send(turn.channel_data(CHANNEL, b"still here"))
        if client.receive(2) != turn.channel_data(CHANNEL, b"still here"):
            complaints.append("the client is not served any more")
        status = server.ask("status")
        if (status["allocations"], status["clients"]["connections"]["dtls"]) != (1, 1):
            complaints.append(f"the status is {status['clients']}")
        client.socket.close()
        # Changed ones of who has returned a cookie: of them there may be handshakes that fail.
        stranger.connect(target)
        stranger.settimeout(1)
        for number in range(300):
            stranger.send(client_hello(nonce=os.urandom(32)))
            answer = stranger.recv(2000)
            while answer[0] != 22 or answer[13] != 3:
                answer = stranger.recv(2000)
            right = client_hello(cookie_of(answer), os.urandom(32))
            stranger.send(mutated(right) if number else right)
            stranger.send(mutated(right))
    return [f"{each} (seed {seed})" for each in complaints] + stopped(server)


def still_served(client: turn.Client) -> Complaints:
    """Echo ChannelData through the session; the empty one makes the shortest record that TURN ever sends."""
    complaints: Complaints = []
    for payload in (b"", b"still here"):
        client.socket.send(turn.channel_data(CHANNEL, payload))
        if client.receive(2) != turn.channel_data(CHANNEL, payload):
            complaints.append(f"ChannelData with {payload!r} does not come back")
    return complaints


def dtls_client(lab: Lab, path: dtls_records.Path, peer: tuple[str, int], *options: str) -> turn.Client:
    client = turn.Client(Datagrams(lab, 4, options=options), path.address, USER, PASSWORD)  # type: ignore[arg-type]
    client.allocate(4)
    client.bind(CHANNEL, peer)
    return client


def records_in_handshake(lab: Lab) -> Complaints:
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
            except OSError:
                complaints.append(f"{name}: there is no session")
                continue
            complaints += [f"{name}: {each}" for each in still_served(client)]
            keys = [one for one in path.records if dtls_records.is_message(one, dtls_records.CLIENT_KEY_EXCHANGE)]
            if bool(keys) != (name == "new"):
                complaints.append(f"{name}: the client has sent {len(keys)} keys")
            client.socket.close()
    if counts(server)["failed"] or counts(server)["timed_out"]:
        complaints.append(f"the counters are {counts(server)}")
    return complaints + stopped(server)


def records(lab: Lab, cipher: str) -> Complaints:
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
            if not proc.wait_until(lambda: counts(server)["discarded"] == before + 1, 1):
                complaints.append(f"{name}: {counts(server)['discarded'] - before} records are discarded")
        complaints += still_served(client)
        before = counts(server)["discarded"]
        path.send(dtls_records.forged_tags(overhead) * 20)
        complaints += still_served(client)
        path.send(path.records)  # replayed
        complaints += still_served(client)
        if open_ones(server)["dtls"] != 1 or counts(server)["failed"]:
            complaints.append(f"the session has ended: {counts(server)}")
        client.socket.close()
    return complaints + stopped(server)


def unreliable(lab: Lab) -> Complaints:
    """A handshake succeeds although records are repeated, reversed or lost on the way."""
    server = serve(lab)
    complaints: Complaints = []
    paths = {"twice": (dtls_records.twice(), dtls_records.twice()),
             "backwards": (dtls_records.backwards_once(), dtls_records.backwards_once()),
             "the client's flight is lost": (dtls_records.lost_once(), dtls_records.unchanged),
             "the server's flight is lost": (dtls_records.unchanged, dtls_records.lost_once())}
    for name, (to_server, to_client) in paths.items():
        path = dtls_records.Path(lab, server_of(lab, "dtls", 4), to_server, to_client)
        with path, echo_peer(lab, 4) as peer:
            client = dtls_client(lab, path, peer.address)
            complaints += [f"{name}: {each}" for each in still_served(client)]
            client.socket.close()
    return complaints + stopped(server)


# Too much of something.

def rss(server: Turnpike) -> int:
    """Bytes."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{server.process.pid}/status").read_text())
    assert found
    return int(found[1]) << 10


def unread(lab: Lab, transport: str) -> Complaints:
    """The peer sends 60 MB; the client's window is closed after some KB."""
    server = serve(lab, options=["--workers", "1"])
    complaints: Complaints = []
    stream = Stream(lab, 4, trusting() if transport == "tls" else None, receive_buffer=4096)
    client = turn.Client(stream, server_of(lab, transport, 4), USER, PASSWORD)  # type: ignore[arg-type]
    client.allocate(4)
    with echo_peer(lab, 4) as echo, udp_socket(lab, "peer", 4) as peer:
        client.bind(CHANNEL, peer.getsockname()[:2])
        other = connected.turn_client(lab, transport, 4, 4)
        other.bind(CHANNEL, echo.address)
        before = rss(server)
        for number in range(50000):
            peer.sendto(struct.pack("!I", number) * 300, client.relayed)
        complaints += becomes("nothing is counted as unsent", lambda: counts(server)["unsent"] > 1000)
        if rss(server) - before > 8 << 20:
            complaints.append(f"memory grows by {rss(server) - before} bytes")
        other.socket.send(turn.channel_data(CHANNEL, b"still here"))
        if other.receive(1) != turn.channel_data(CHANNEL, b"still here"):
            complaints.append("others are not served any more")
        numbers = []
        stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)  # or it would take half a minute
        while (message := client.receive(2)) is not None:  # a window that was closed is asked for less and less often
            number, = struct.unpack_from("!I", message, 4)
            if message != turn.channel_data(CHANNEL, struct.pack("!I", number) * 300):
                complaints.append("what has come is not what was sent")
                break
            numbers.append(number)
        if not numbers or numbers != sorted(set(numbers)):
            complaints.append(f"{len(numbers)} messages have come, or not in order")
        peer.sendto(b"and on", client.relayed)
        if client.receive(1) != turn.channel_data(CHANNEL, b"and on"):
            complaints.append("it does not go on")
    return complaints + stopped(server)


def connects(lab: Lab, source: str = "") -> Stream | None:
    """A TCP connection that answers a Binding request, or None."""
    stream = Stream(lab, 4)
    if source:
        stream.socket.bind((source, 0))
    try:
        stream.connect(server_of(lab, "tcp", 4))
        stream.send_bytes(turn.build(1, turn.REQUEST, bytes(12), []))
        stream.settimeout(2)
        if stream.recv(65536):
            return stream
    except OSError:
        pass
    stream.socket.close()
    return None


def many(lab: Lab) -> Complaints:
    """With 700 descriptors for 2 workers, there are 140 connections, 35 of them from one source."""
    server = serve(lab, options=["--workers", "2"], wrapper=["prlimit", "--nofile=700"])
    complaints: Complaints = []
    network = lab.address("client", 4).rsplit(".", 1)[0]
    sources = [f"{network}.{host}" for host in range(100, 105)]
    for source in sources:
        lab.run("client", ["ip", "addr", "replace", f"{source}/24", "dev", "nic0"])
    kept: list[Stream] = []
    for source, wanted in zip(sources, (35, 35, 35, 35, 0)):
        mine = [stream for stream in (connects(lab, source) for _ in range(38)) if stream]
        kept += mine
        if len(mine) != wanted:
            complaints.append(f"{len(mine)} connections from {source}, not {wanted}")
    if (open_ones(server)["tcp"], counts(server)["refused"]) != (140, 4 * 3 + 38):
        complaints.append(f"the counters are {open_ones(server)}, {counts(server)}")
    udp = turn_client(lab, "client", 4, 4)  # which is nobody's connection
    udp.refresh(0)
    for stream in kept:
        stream.close()
    complaints += becomes("the connections stay", lambda: open_ones(server)["tcp"] == 0)
    if not (late := connects(lab, sources[4])):
        complaints.append("nobody is let in afterwards")
    else:
        late.close()
    for source in sources:
        lab.run("client", ["ip", "addr", "del", f"{source}/24", "dev", "nic0"])
    return complaints + stopped(server)


def shakes_hands(lab: Lab, source: str) -> bool:
    """Whether a handshake of TLS comes to its end; the connection does not stay."""
    stream = Stream(lab, 4, trusting())
    try:
        stream.socket.bind((source, 0))
        stream.connect(server_of(lab, "tls", 4))
        return True
    except OSError:
        return False
    finally:
        stream.socket.close()


def hasty(lab: Lab) -> Complaints:
    """Five a second, and ten seconds' at once; until a reload says otherwise."""
    rate, at_once, tries = 5, 50, 120
    config = lab.scratch / "hasty.conf"
    config.write_text(f"unauthenticated-rate = {rate}\n")
    server = serve(lab, options=["--config", str(config)])
    complaints: Complaints = []
    address = lab.address("client", 4)
    other = f"{address.rsplit('.', 1)[0]}.100"
    lab.run("client", ["ip", "addr", "replace", f"{other}/24", "dev", "nic0"])
    start = time.monotonic()
    done = sum(shakes_hands(lab, address) for _ in range(tries))
    most = at_once + int(rate * (time.monotonic() - start)) + 1
    if not at_once <= done <= most:
        complaints.append(f"{done} handshakes, not {at_once} to {most}")
    if (counts(server)["accepted"]["tls"], counts(server)["refused"]) != (done, tries - done):
        complaints.append(f"the counters are {counts(server)}, for {done} of {tries}")
    if not shakes_hands(lab, other):
        complaints.append("another source is refused as well")
    config.write_text("unauthenticated-rate = 0\n")
    server.process.send_signal(signal.SIGHUP)
    server.process.wait_for("reloaded; other than before: limits and peers")
    if (done := sum(shakes_hands(lab, address) for _ in range(at_once))) != at_once:
        complaints.append(f"{done} handshakes without a limit, not {at_once}")
    lab.run("client", ["ip", "addr", "del", f"{other}/24", "dev", "nic0"])
    return complaints + stopped(server)


def files(lab: Lab) -> Complaints:
    server = serve(lab, options=["--workers", "1"])
    complaints: Complaints = []
    pid = server.process.pid
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    with echo_peer(lab, 4) as peer, ExitStack() as stack:
        before = connected.turn_client(lab, "tcp", 4, 4)
        stack.callback(before.socket.close)
        before.bind(CHANNEL, peer.address)
        udp = turn_client(lab, "client", 4)
        status = server.ask("status")  # the last that can be asked
        waiting = []
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (0, hard))
        try:
            complaints += refused(508, lambda: udp.allocate(4), "an allocation without a descriptor")
            for transport in ("tcp", "tls"):
                stream = Stream(lab, 4)
                stream.connect(server_of(lab, transport, 4))  # by the kernel, for now
                waiting.append(stream)
            for _ in range(20):
                before.socket.send(turn.channel_data(CHANNEL, b"still here"))
                if before.receive(1) != turn.channel_data(CHANNEL, b"still here"):
                    complaints.append("a client from before is not served any more")
                time.sleep(0.05)
        finally:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
        waiting[0].send_bytes(turn.build(1, turn.REQUEST, bytes(12), []))
        waiting[0].settimeout(3)
        if not waiting[0].recv(65536):
            complaints.append("who has waited is not served")
        if not 2 <= counts(server)["unaccepted"] <= 100:  # two listeners, each some times a second
            complaints.append(f"accept() has failed {counts(server)['unaccepted']} times")
        udp.allocate(4)
        udp.refresh(0)
        for stream in waiting:
            stream.close()
        if status["allocations"] != server.ask("status")["allocations"]:
            complaints.append("there are other allocations than before")
    return complaints + stopped(server)


def slow(lab: Lab) -> Complaints:
    """All of them at the same time, since each takes half a minute; a byte now and then changes nothing."""
    server = serve(lab)
    complaints: Complaints = []
    half = turn.build(1, turn.REQUEST, bytes(12), [])[:10]
    ending = {}
    for name, port, data in (("TCP, silent", PORT, b""), ("TCP, half a message", PORT, half), ("TLS, silent", TLS_PORT, b""),
                             ("TLS, half a record", TLS_PORT, b"\x16\x03\x01\x02\x00\x01")):
        stream = Stream(lab, 4)
        stream.connect((lab.topology.listen.address(4), port))
        stream.send_bytes(data)
        ending[name] = stream
    ending["TLS, open"] = Stream(lab, 4, trusting())
    ending["TLS, open"].connect(server_of(lab, "tls", 4))
    ending["TCP, polite"] = polite = Stream(lab, 4)
    polite.connect(server_of(lab, "tcp", 4))
    dtls = Datagrams(lab, 4)
    dtls.connect(server_of(lab, "dtls", 4))
    with echo_peer(lab, 4) as peer, udp_socket(lab, "peer", 4) as flood:
        for transport in STREAMS:
            ending[f"{transport}, not reading"] = deaf = Stream(lab, 4, trusting() if transport == "tls" else None, 4096)
            client = turn.Client(deaf, server_of(lab, transport, 4), USER, PASSWORD)  # type: ignore[arg-type]
            client.allocate(4)
            client.bind(CHANNEL, flood.getsockname()[:2])
            for _ in range(2000):
                flood.sendto(bytes(1200), client.relayed)
        staying = [connected.turn_client(lab, transport, 4, 4) for transport in CONNECTED]
        for client in staying:
            client.bind(CHANNEL, peer.address)
        complaints += becomes("not all are there", lambda: sum(open_ones(server).values()) == len(ending) + 1 + len(staying))
        for _ in range(35):
            try:
                polite.send_bytes(turn.build(1, turn.REQUEST, bytes(12), []))
            except OSError:
                break
            time.sleep(1)
        complaints += becomes(f"there still are {open_ones(server)}",
                              lambda: open_ones(server) == {"tcp": 1, "tls": 1, "dtls": 1}, 20)
        complaints += [f"{name}: the connection stays" for name, stream in ending.items() if not stream.ends(5)]
        if counts(server)["timed_out"] != len(ending) + 1 or server.ask("status")["allocations"] != len(staying):
            complaints.append(f"the counters are {counts(server)}, {server.ask('status')['clients']}")
        for client in staying:
            client.socket.send(turn.channel_data(CHANNEL, b"still here"))
            if client.receive(1) != turn.channel_data(CHANNEL, b"still here"):
                complaints.append("a client with an allocation is not served any more")
            client.socket.close()
    dtls.close()
    return complaints + stopped(server)


def tests() -> Iterator[tuple[str, Test]]:
    for transport in STREAMS:
        yield f"garbage/{transport}", partial(garbage, transport=transport)
        yield f"unread/{transport}", partial(unread, transport=transport)
    yield "garbage/handshake", no_handshake
    yield "hello", hello
    yield "spoofed", spoofed
    yield "records/handshake", records_in_handshake
    for cipher in dtls_records.CIPHERS:
        yield f"records/{cipher}", partial(records, cipher=cipher)
    yield "unreliable", unreliable
    yield "many", many
    yield "hasty", hasty
    yield "files", files
    yield "slow", slow


if __name__ == "__main__":
    sys.exit(scenes.main("Clients that mean harm.", tests(), scenes.tried_in_lab, Lab("two-nic", offload=True)))

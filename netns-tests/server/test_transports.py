#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Clients over UDP, TCP, TLS and DTLS that do as they should.

    client ----- relay ----- peer

    load         turnutils_uclient: all comes back, from the kernel if by UDP, else from user space
    bytes        payloads of many sizes to a peer and back, and no flow in the kernel
    aioice       the same, in flight together, by a client that nobody here wrote and that knows no DTLS
    split        messages that come in two pieces, cut at every byte, and many in one piece
    gone         a connection ends, and so does its allocation at once
    again        a DTLS client begins anew from its address
    alpn         protocols that clients offer, and versions that are refused
    reload       the certificate changes under a running server
    wrong-files  files that hold no certificate and its key
    df           datagrams leave with the DF bit if their client asks for that, whatever it comes over

What bad clients do is in test_bad_clients.py.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial

import scenes
from lab import aioice_client, connected, proc, turn, turnutils
from lab.aioice_client import SIZES
from lab.complaints import Complaints
from lab.connected import (CONNECTED, PORT, STREAMS, TLS_PORT, Datagrams, Stream, becomes, counts, make_certificate,
                           open_ones, serve, server_of, stopped, tls_options, trusting)
from lab.endpoints import echo_peer, turn_client, udp_socket
from lab.lab import Lab
from lab.relay import BY_NAME, PASSWORD, USER, Turnpike
from lab.topology import FAMILIES

Test = Callable[[Lab], Complaints]
UCLIENT = {"udp": (), "tcp": ("-t",), "tls": ("-t", "-S"), "dtls": ("-S",)}
CHANNEL = 0x4001
TCX, USERSPACE = BY_NAME["tcx"], BY_NAME["userspace"]


def load(lab: Lab, transport: str, family: int) -> Complaints:
    server = serve(lab, TCX)
    turnutils.start_peer(lab)
    argv = ["turnutils_uclient", "-u", USER, "-w", PASSWORD, "-e", lab.address("peer", family), "-r", str(turnutils.PEER_PORT),
            "-m", "2", "-n", "50", "-l", "170", "-z", "2", "-c", *UCLIENT[transport], *(["-x"] if family == 6 else []),
            "-p", str(PORT if transport in ("udp", "tcp") else TLS_PORT), lab.topology.listen.address(family)]
    before = server.relayed()
    result = turnutils.parse_load(lab.run("client", argv, timeout=60).stdout)
    counted = tuple(after - then for after, then in zip(server.relayed(), before))
    complaints = [] if (result.sent, result.received) == (100, 100) else [f"{result}"]
    wanted = (200, 0) if transport == "udp" else (0, 200)
    if counted != wanted:
        complaints.append(f"in the kernel, in user space: {counted}, not {wanted}")
    return complaints + stopped(server)


def bytes_of(lab: Lab, transport: str, family: int, relayed: int) -> Complaints:
    server = serve(lab, TCX)
    # s_client sends no more than fits a packet.
    payloads = [os.urandom(size) for size in (*SIZES, *(() if transport == "dtls" else (9000, 60000)))
                if size <= 1400 or transport != "dtls"]
    returned, through = [], []
    with echo_peer(lab, relayed) as peer:
        client = connected.turn_client(lab, transport, family, relayed)
        client.bind(CHANNEL, peer.address)
        status = server.ask("status")
        for payload in payloads:
            client.socket.send(turn.channel_data(CHANNEL, payload))
            returned.append(client.receive(1))
        for payload in payloads[::20]:  # the other way to say the same
            client.send_indication(peer.address, payload)
            through.append(client.receive(1))
        client.refresh(0)
        client.socket.close()
    complaints: Complaints = []
    if peer.received != payloads + payloads[::20]:
        complaints.append(f"{len(peer.received)} datagrams are at the peer, or not as they were sent")
    for got, payload in zip(returned + through, payloads + payloads[::20]):
        if got != turn.channel_data(CHANNEL, payload):
            complaints.append(f"of {len(payload)} bytes came back {None if got is None else len(got)}")
    if server.flows() or status["flows"]:
        complaints.append("there are flows in the kernel")
    if status["clients"]["allocations"] != {"udp": 0, "tcp": 0, "tls": 0, "dtls": 0, transport: 1}:
        complaints.append(f"the status is {status['clients']}")
    if status["clients"]["connections"] != {"tcp": 0, "tls": 0, "dtls": 0, transport: 1}:
        complaints.append(f"the status is {status['clients']}")
    return complaints + stopped(server)


def aioice(lab: Lab, transport: str, family: int, relayed: int) -> Complaints:
    server = serve(lab, TCX)
    before = server.relayed()
    result = aioice_client.compare_bytes(lab, family, relayed, transport, server_of(lab, transport, family)[1])
    counted = tuple(after - then for after, then in zip(server.relayed(), before))
    complaints = [] if counted == (0, result.packets) else [f"in the kernel, in user space: {counted} of {result.packets}"]
    return result.complaints + complaints + stopped(server)


def split(lab: Lab, transport: str) -> Complaints:
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
            padded = message + bytes(-len(message) % 4)
            for at in range(1, len(padded) + len(binding)):
                whole = padded + binding
                stream.send_bytes(whole[:at])
                time.sleep(0.002)
                stream.send_bytes(whole[at:])
                got = [client.receive(1), client.receive(1)]
                if message not in got or not any(each and each[4:20] == binding[4:20] for each in got):
                    complaints.append(f"cut at {at} of {size}: {got}")
        sent = [turn.channel_data(CHANNEL, os.urandom(size)) for size in range(300)]
        stream.send_bytes(b"".join(each + bytes(-len(each) % 4) for each in sent))
        got = [client.receive(1) for _ in sent]
        if got != sent:
            complaints.append("what was sent in one piece has not come back")
    return complaints + stopped(server)


def gone(lab: Lab, transport: str) -> Complaints:
    server = serve(lab, TCX)
    complaints: Complaints = []

    def leave(how: str) -> None:
        client = connected.turn_client(lab, transport, 4, 4)
        if server.ask("status")["allocations"] != 1:
            complaints.append(f"{how}: there is no allocation")
        getattr(client.socket, how)()
        complaints.extend(becomes(f"{how}: the allocation stays", lambda: server.ask("status")["allocations"] == 0))
        complaints.extend(becomes(f"{how}: the connection stays", lambda: open_ones(server)[transport] == 0))

    leave("close")
    if transport != "dtls":
        leave("reset")
    return complaints + stopped(server)


def again(lab: Lab) -> Complaints:
    server = serve(lab)
    complaints: Complaints = []

    def begin() -> turn.Client:
        client = turn.Client(Datagrams(lab, 4, port=40000), server_of(lab, "dtls", 4), USER, PASSWORD)  # type: ignore[arg-type]
        client.allocate(4)
        return client

    first = begin()
    first.socket.kill()  # type: ignore[attr-defined]
    if server.ask("status")["allocations"] != 1:
        complaints.append("the allocation of a client that says nothing is gone")
    second = begin()
    if (server.ask("status")["allocations"], open_ones(server)["dtls"], counts(server)["accepted"]["dtls"]) != (1, 1, 2):  # type: ignore[index]
        complaints.append(f"{server.ask('status')['clients']}, {counts(server)}")
    second.socket.close()
    complaints += becomes("the allocation stays", lambda: server.ask("status")["allocations"] == 0)
    return complaints + stopped(server)


def alpn(lab: Lab) -> Complaints:
    server = serve(lab)
    complaints: Complaints = []
    for offered, chosen in (((), None), (("stun.turn",), "stun.turn"), (("http/1.1", "stun.turn"), "stun.turn"),
                            (("stun.nat-discovery",), "stun.nat-discovery"),
                            (("stun.nat-discovery", "stun.turn"), "stun.turn")):
        stream = Stream(lab, 4, trusting(*offered))
        stream.connect(server_of(lab, "tls", 4))
        assert isinstance(stream.socket, ssl.SSLSocket)
        if stream.socket.selected_alpn_protocol() != chosen:
            complaints.append(f"of {offered} {stream.socket.selected_alpn_protocol()} was chosen")
        if stream.socket.version() != "TLSv1.3":
            complaints.append(f"{stream.socket.version()} was chosen")
        stream.close()
    for options, wanted in (((), "New, TLSv1.3"), (("-tls1_2",), "New, TLSv1.2"), (("-dtls1_2",), "New, TLSv1.2"),
                            (("-tls1_1", "-cipher", "ALL:@SECLEVEL=0"), "alert protocol version"),
                            (("-dtls1", "-cipher", "ALL:@SECLEVEL=0"), "alert protocol version"),
                            (("-alpn", "h2,http/1.1"), "alert no application protocol"),
                            (("-dtls", "-alpn", "http/1.1"), "alert no application protocol"),
                            (("-dtls", "-alpn", "stun.turn"), "ALPN protocol: stun.turn")):
        if not re.search(wanted, text := s_client(lab, *options)):
            complaints.append(f"{options}: not '{wanted}', but {text[-500:]}")
    return complaints + stopped(server)


def s_client(lab: Lab, *options: str) -> str:
    """What openssl says of a handshake."""
    host, port = server_of(lab, "tls", 4)
    result = lab.run("client", ["openssl", "s_client", "-connect", f"{host}:{port}", *options], check=False, stdin="Q\n")
    return result.stdout + result.stderr


def certificate_name(lab: Lab, *options: str) -> str:
    found = re.search(r"subject=CN = (\S+)", s_client(lab, *options))
    return found[1] if found else "none"


def reload(lab: Lab) -> Complaints:
    """As certbot and Kubernetes do it, by moving a link; then by writing over the files; then wrongly."""
    folder = lab.scratch
    for name in ("one", "two", "three"):
        pair = folder / name
        pair.mkdir(exist_ok=True)
        cert, key = make_certificate(pair, name)
        cert.rename(pair / "cert.pem")
        key.rename(pair / "key.pem")
    live = folder / "live"
    live.symlink_to("one")
    server = Turnpike(lab, USERSPACE, options=tls_options(lab, live / "cert.pem", live / "key.pem"))
    complaints: Complaints = []

    def serves(name: str) -> None:
        for options in ((), ("-dtls",)):
            complaints.extend(becomes(f"{options}: the certificate is not {name}",
                                      lambda: certificate_name(lab, *options) == name, 20))

    def warns(pattern: str) -> None:
        complaints.extend(becomes(f"no line of the log matches '{pattern}'",
                                  lambda: bool(re.search(pattern, server.process.log())), 20))

    with echo_peer(lab, 4) as peer, ExitStack() as stack:
        before = [connected.turn_client(lab, transport, 4, 4) for transport in ("tls", "dtls")]
        for client in before:
            stack.callback(client.socket.close)
            client.bind(CHANNEL, peer.address)
        serves("one")
        (folder / "next").symlink_to("two")
        (folder / "next").rename(live)
        serves("two")
        for name in ("cert.pem", "key.pem"):
            (folder / "two" / name).write_bytes((folder / "three" / name).read_bytes())
        serves("three")
        for client in before:
            client.socket.send(turn.channel_data(CHANNEL, b"still here"))
            if client.receive(1) != turn.channel_data(CHANNEL, b"still here"):
                complaints.append("a connection from before is not served any more")
        (folder / "two" / "key.pem").write_bytes((folder / "one" / "key.pem").read_bytes())
        warns("is not the key of the certificate")
        warns("stays in use")
        serves("three")
        (folder / "two" / "cert.pem").write_text("nothing of use")
        warns("holds no certificate that can be used")
        serves("three")
        (folder / "next").symlink_to("one")
        (folder / "next").rename(live)
        serves("one")
    return complaints + stopped(server)


def wrong_files(lab: Lab) -> Complaints:
    cert, key = make_certificate(lab.scratch, "first")
    _, other = make_certificate(lab.scratch, "second")
    (lab.scratch / "empty").write_text("")
    locked = lab.scratch / "locked.key"
    proc.run(["openssl", "ec", "-in", str(key), "-aes128", "-passout", "pass:secret", "-out", str(locked)])
    complaints: Complaints = []
    for pair, wanted in (((cert, other), "is not the key of the certificate"), ((lab.scratch / "none", key), "cannot be read"),
                         ((lab.scratch / "empty", key), "holds no certificate"), ((cert, lab.scratch / "empty"), "holds no private key"),
                         ((cert, locked), "without a passphrase"), ((cert, cert), "holds no private key")):
        command = [*Turnpike.command(lab, USERSPACE, lab.scratch / "refused.sock"), *tls_options(lab, *pair)]
        for options, status in (((), 1), (("--check-config",), 2)):
            result = lab.run("relay", [*command, *options], check=False, timeout=5)
            if result.returncode != status or wanted not in result.stderr:
                complaints.append(f"{options}: status {result.returncode}, and not '{wanted}': {result.stderr}")
    return complaints


DONT_FRAGMENT = 0x1A
IP_DF = 0x4000


def df(lab: Lab, transport: str) -> Complaints:
    server = serve(lab)
    complaints: Complaints = []
    with lab.entered("peer"):
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
    with raw, udp_socket(lab, "peer", 4) as peer:
        raw.settimeout(1)
        address = peer.getsockname()[:2]
        client = turn_client(lab, "client", 4, 4) if transport == "udp" else connected.turn_client(lab, transport, 4, 4)
        client.bind(CHANNEL, address)
        for flag in (False, True, False, True, True, False):
            payload, transaction = os.urandom(20), os.urandom(12)
            attributes = [(turn.XOR_PEER, turn.pack_address(address, transaction)), (turn.PAYLOAD, payload)]
            client.socket.send(turn.build(turn.SEND, turn.INDICATION, transaction, attributes + [(DONT_FRAGMENT, b"")] * flag))
            packet = raw.recv(2000)
            if packet[28:] != payload or bool(struct.unpack_from("!H", packet, 6)[0] & IP_DF) != flag:
                complaints.append(f"asked for DF: {flag}, and got {packet!r}")
            client.socket.send(turn.channel_data(CHANNEL, payload))
            packet = raw.recv(2000)
            if packet[28:] != payload or struct.unpack_from("!H", packet, 6)[0] & IP_DF:
                complaints.append(f"ChannelData, and got {packet!r}")
        transaction = os.urandom(12)
        client.socket.send(turn.build(turn.SEND, turn.INDICATION, transaction, [
            (turn.XOR_PEER, turn.pack_address(address, transaction)), (turn.PAYLOAD, bytes(1473)), (DONT_FRAGMENT, b"")]))
        told = turn.parse(client.receive(1) or b"")
        if told is None or told.get(turn.ICMP) != struct.pack("!HBBI", 0, 3, 4, 1500):
            complaints.append(f"of what is too big for the relay's own link the client is told {told}")
    return complaints + stopped(server)


def tests() -> Iterator[tuple[str, Test]]:
    for transport in UCLIENT:
        for family in FAMILIES:
            yield f"load/{transport}/ipv{family}", partial(load, transport=transport, family=family)
    for transport in CONNECTED:
        for family in FAMILIES:
            for relayed in FAMILIES:
                yield f"bytes/{transport}/{family}-{relayed}", partial(bytes_of, transport=transport, family=family,
                                                                      relayed=relayed)
    for transport in STREAMS:
        for family in FAMILIES:
            yield f"aioice/{transport}/ipv{family}", partial(aioice, transport=transport, family=family, relayed=10 - family)
        yield f"split/{transport}", partial(split, transport=transport)
    for transport in CONNECTED:
        yield f"gone/{transport}", partial(gone, transport=transport)
    yield "again", again
    yield "alpn", alpn
    yield "reload", reload
    yield "wrong-files", wrong_files
    for transport in ("udp", *STREAMS):
        yield f"df/{transport}", partial(df, transport=transport)


if __name__ == "__main__":
    sys.exit(scenes.main("Clients over every transport.", tests(), scenes.tried_in_lab, Lab("two-nic", offload=True)))

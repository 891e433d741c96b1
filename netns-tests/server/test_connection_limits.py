# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Connections that take too much: memory, descriptors, places of others, handshakes, and time.

    client ----- relay ----- peer
"""

from __future__ import annotations

import contextlib
import resource
import signal
import socket
import struct
import time
from collections.abc import Sequence

import pytest

from footprint import resident
from lab import connected, turn
from lab.complaints import Complaints, check, refused
from lab.connected import (CONNECTED, STREAMS, TLS_PORT, Datagrams, Stream, becomes, counts, open_connections, serve,
                           server_of, trusting)
from lab.endpoints import echo_peer, turn_client, udp_socket
from lab.lab import Lab
from lab.relay import PASSWORD, PORT, USER, Turnpike
from lab.roundtrip import ANSWER_TIMEOUT, CHANNEL, echoed
from sources import more_addresses

BINDING_REQUEST = turn.build(1, turn.REQUEST, bytes(12), [])


def client_over(stream: Stream, lab: Lab, transport: str) -> turn.Client:
    client = turn.Client(stream, server_of(lab, transport, 4), USER, PASSWORD)  # type: ignore[arg-type]
    client.allocate(4)
    return client


# Memory.

@pytest.mark.parametrize("transport", STREAMS)
def test_client_does_not_read(lab: Lab, transport: str) -> None:
    """A client whose window stays closed loses messages of its own only, and the server buffers little for it."""
    server = serve(lab, options=["--workers", "1"])
    stream = Stream(lab, 4, trusting() if transport == "tls" else None, receive_buffer=4096)
    client = client_over(stream, lab, transport)
    with echo_peer(lab, 4) as echo, udp_socket(lab, "peer", 4) as peer:
        client.bind(CHANNEL, peer.getsockname()[:2])
        other = connected.turn_client(lab, transport, 4, 4)
        other.bind(CHANNEL, echo.address)
        before = resident(server.process.pid)
        for number in range(50000):  # 60 MB
            peer.sendto(struct.pack("!I", number) * 300, client.relayed)
        complaints = becomes("no message is counted as unsent", lambda: counts(server)["unsent"] > 1000)
        if (growth := resident(server.process.pid) - before) > 8 << 20:
            complaints.append(f"resident memory has grown by {growth} bytes")
        complaints += [f"another client: {each}" for each in echoed(other, b"still here")]
        stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)  # read faster than 4096 bytes at a time
        numbers = []
        # The server's kernel probes a closed window less and less often.
        while (message := client.receive(ANSWER_TIMEOUT)) is not None:
            number, = struct.unpack_from("!I", message, 4)
            if message != turn.channel_data(CHANNEL, struct.pack("!I", number) * 300):
                complaints.append(f"message {number} has changed")
                break
            numbers.append(number)
        if not numbers or numbers != sorted(set(numbers)):
            complaints.append(f"{len(numbers)} messages have arrived, or they are out of order")
        peer.sendto(b"and on", client.relayed)
        if (message := client.receive(ANSWER_TIMEOUT)) != turn.channel_data(CHANNEL, b"and on"):
            complaints.append(f"the next message is {message!r}")
    check(complaints + server.stop_complaints())


# Numbers of connections and of handshakes.

def connects(lab: Lab, source: str) -> Stream | None:
    """A TCP connection whose Binding request is answered, or None."""
    stream = Stream(lab, 4)
    stream.socket.bind((source, 0))
    try:
        stream.connect(server_of(lab, "tcp", 4))
        stream.send_bytes(BINDING_REQUEST)
        stream.settimeout(ANSWER_TIMEOUT)
        if stream.recv(65536):
            return stream
    except OSError:
        pass
    stream.socket.close()
    return None


def connections(lab: Lab, source: str, count: int) -> list[Stream]:
    """Those of @count attempts that are answered."""
    return [stream for stream in (connects(lab, source) for _ in range(count)) if stream]


def expect_counts(server: Turnpike, opened: int, pushed_out: int, refused: int) -> Complaints:
    wanted = opened, pushed_out, refused
    seen = counts(server)
    found = open_connections(server)["tcp"], seen["pushed_out"], seen["refused"]
    return [] if found == wanted else [f"open, pushed out, refused: {found}, not {wanted}"]


def test_number_of_connections(lab: Lab) -> None:
    """700 descriptors allow 140 connections, 35 from one source; 70 have no allocation, or the oldest give way."""
    server = serve(lab, options=["--workers", "2"], wrapper=["prlimit", "--nofile=700"])
    complaints: Complaints = []
    kept: list[Stream] = []
    with more_addresses(lab, 6) as sources, echo_peer(lab, 4) as peer:
        client = connected.turn_client(lab, "tcp", 4, 4)
        client.bind(CHANNEL, peer.address)
        for source in sources:
            made = connections(lab, source, 38)
            kept += made
            if len(made) != 35:
                complaints.append(f"{len(made)} connections from {source}, not 35")
        complaints += expect_counts(server, 1 + 70, 6 * 35 - 70, 6 * 3)
        complaints += [f"with an allocation: {each}" for each in echoed(client, b"still here")]
        turn_client(lab, "client", 4, 4).refresh(0)  # clients over UDP are no connections
        for stream in kept:
            stream.close()
        complaints += becomes("the connections stay", lambda: open_connections(server)["tcp"] == 1)
        client.socket.close()
    check(complaints + server.stop_complaints())


def allocated(lab: Lab, stream: Stream, peer: turn.Address) -> turn.Client:
    client = turn.Client(stream, server_of(lab, "tcp", 4), USER, PASSWORD)  # type: ignore[arg-type]
    client.allocate(4)
    client.bind(CHANNEL, peer)
    return client


def still_relayed(clients: Sequence[turn.Client]) -> Complaints:
    return [f"with an allocation: {each}" for client in clients for each in echoed(client, b"still here")]


def test_max_connections(lab: Lab) -> None:
    """Strangers give way, the oldest first; clients with an allocation stay; if all have one, newcomers are refused."""
    config = lab.scratch / "max.conf"
    config.write_text("max-connections = 8\n")
    server = serve(lab, options=["--workers", "1", "--config", str(config)])
    with more_addresses(lab, 5) as (one, two, three, four, five), echo_peer(lab, 4) as peer:
        oldest = connections(lab, one, 3)
        complaints = expect_counts(server, 2, 0, 1)
        kept = connections(lab, two, 2) + connections(lab, three, 2)
        complaints += expect_counts(server, 4, 2, 1)
        complaints += ["the oldest stay open" for stream in oldest if not stream.ends(5)]
        clients = [allocated(lab, stream, peer.address) for stream in kept]
        newer = connections(lab, four, 2) + connections(lab, five, 2)
        complaints += expect_counts(server, 8, 2, 1)
        kept += connections(lab, one, 2)
        complaints += expect_counts(server, 8, 4, 1) + still_relayed(clients)
        complaints += ["the oldest of them stay open" for stream in newer[:2] if not stream.ends(5)]
        clients += [allocated(lab, stream, peer.address) for stream in newer[2:] + kept[-2:]]
        complaints += ["a ninth client is served"] * len(connections(lab, four, 1))
        complaints += expect_counts(server, 8, 4, 2) + still_relayed(clients)
        config.write_text("max-connections = 9\n")
        server.process.send_signal(signal.SIGHUP)
        server.process.wait_for("reloaded; changed: limits and peers")
        complaints += [] if connections(lab, four, 1) else ["a reload does not raise the limit"]
        for client in clients:
            client.socket.close()
    check(complaints + server.stop_complaints())


def shakes_hands(lab: Lab, source: str) -> bool:
    """Whether a TLS handshake succeeds; the connection is closed at once."""
    stream = Stream(lab, 4, trusting())
    try:
        stream.socket.bind((source, 0))
        stream.connect(server_of(lab, "tls", 4))
        return True
    except OSError:
        return False
    finally:
        stream.socket.close()


def test_rate_of_handshakes(lab: Lab) -> None:
    """--unauthenticated-rate limits the handshakes of each source, a burst of ten seconds' apart; a reload lifts it."""
    rate, burst, tries = 5, 50, 120
    config = lab.scratch / "rate.conf"
    config.write_text(f"unauthenticated-rate = {rate}\n")
    server = serve(lab, options=["--config", str(config)])
    address = lab.address("client", 4)
    complaints: Complaints = []
    with more_addresses(lab, 1) as (other,):
        start = time.monotonic()
        done = sum(shakes_hands(lab, address) for _ in range(tries))
        most = burst + int(rate * (time.monotonic() - start)) + 1
        if not burst <= done <= most:
            complaints.append(f"{done} handshakes, not {burst} to {most}")
        if (counts(server)["accepted"]["tls"], counts(server)["refused"]) != (done, tries - done):
            complaints.append(f"the counters are {counts(server)}, for {done} of {tries}")
        if not shakes_hands(lab, other):
            complaints.append("another source is refused as well")
        config.write_text("unauthenticated-rate = 0\n")
        server.process.send_signal(signal.SIGHUP)
        server.process.wait_for("reloaded; changed: limits and peers")
        if (done := sum(shakes_hands(lab, address) for _ in range(burst))) != burst:
            complaints.append(f"{done} handshakes without a limit, not {burst}")
    check(complaints + server.stop_complaints())


# Descriptors.

def test_no_descriptors_are_left(lab: Lab) -> None:
    """Without descriptors, the server relays as before, does not spin, and accepts what waits once there are some."""
    # Limits of another user's process can be changed with CAP_SYS_RESOURCE only, which root may lack.
    server = serve(lab, options=["--workers", "1", "--run-as", "root"])
    complaints: Complaints = []
    pid = server.process.pid
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    with echo_peer(lab, 4) as peer, contextlib.ExitStack() as stack:
        client, udp = connected.turn_client(lab, "tcp", 4, 4), turn_client(lab, "client", 4)
        stack.callback(client.socket.close)
        client.bind(CHANNEL, peer.address)
        allocations = server.ask("status")["allocations"]  # the control socket needs a descriptor, too
        waiting = []
        start = time.monotonic()
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (0, hard))
        try:
            complaints += refused(508, lambda: udp.allocate(4), "an allocation without a descriptor")
            for transport in STREAMS:
                waiting.append(Stream(lab, 4))
                waiting[-1].connect(server_of(lab, transport, 4))  # the kernel accepts it
            for _ in range(20):
                complaints += [f"a client from before: {each}" for each in echoed(client, b"still here")]
                time.sleep(0.05)
        finally:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
        waiting[0].send_bytes(BINDING_REQUEST)
        waiting[0].settimeout(ANSWER_TIMEOUT)
        if not waiting[0].recv(65536):
            complaints.append("a connection that had to wait is not served")
        failures, most = counts(server)["unaccepted"], 20 * (1 + time.monotonic() - start)
        if not 2 <= failures <= most:  # each of the two listeners tries again four times a second
            complaints.append(f"accept() has failed {failures} times, not 2 to {most:.0f}")
        udp.allocate(4)
        udp.refresh(0)
        for stream in waiting:
            stream.close()
        if server.ask("status")["allocations"] != allocations:
            complaints.append(f"there are {server.ask('status')['allocations']} allocations, not {allocations}")
    check(complaints + server.stop_complaints())


# Time.

def test_idle_connections(lab: Lab) -> None:
    """Connections without an allocation end after 30 s, whatever they send; those with one stay, if they are read.

    All of them wait at the same time.
    """
    server = serve(lab)
    complaints: Complaints = []
    ending: dict[str, Stream] = {}
    with echo_peer(lab, 4) as peer, udp_socket(lab, "peer", 4) as flood:
        staying = [connected.turn_client(lab, transport, 4, 4) for transport in CONNECTED]
        for client in staying:
            client.bind(CHANNEL, peer.address)
        for transport in STREAMS:
            stream = Stream(lab, 4, trusting() if transport == "tls" else None, receive_buffer=4096)
            ending[f"{transport}, not reading"] = stream
            client = client_over(stream, lab, transport)
            client.bind(CHANNEL, flood.getsockname()[:2])
            for _ in range(2000):
                flood.sendto(bytes(1200), client.relayed)
        dtls = Datagrams(lab, 4)
        dtls.connect(server_of(lab, "dtls", 4))
        ending["TLS, open"] = Stream(lab, 4, trusting())
        ending["TLS, open"].connect(server_of(lab, "tls", 4))
        # These have only 10 s for their handshakes.
        for name, port, data in (("TCP, silent", PORT, b""), ("TCP, half a message", PORT, BINDING_REQUEST[:10]),
                                 ("TCP, requests", PORT, BINDING_REQUEST), ("TLS, silent", TLS_PORT, b""),
                                 ("TLS, half a record", TLS_PORT, b"\x16\x03\x01\x02\x00\x01")):
            ending[name] = Stream(lab, 4)
            ending[name].connect((lab.topology.listen.address(4), port))
            ending[name].send_bytes(data)
        complaints += becomes("not all connections are open",
                              lambda: sum(open_connections(server).values()) == len(ending) + 1 + len(staying), 5)
        with contextlib.suppress(OSError):
            for _ in range(60):
                ending["TCP, requests"].send_bytes(BINDING_REQUEST)
                time.sleep(1)
            complaints.append("requests without an allocation keep a connection open")
        complaints += becomes("connections stay open",
                              lambda: open_connections(server) == dict.fromkeys(CONNECTED, 1), 60)
        complaints += [f"{name}: the connection stays open" for name, stream in ending.items() if not stream.ends(5)]
        if counts(server)["timed_out"] != len(ending) + 1 or server.ask("status")["allocations"] != len(staying):
            complaints.append(f"the counters are {counts(server)}, {server.ask('status')['clients']}")
        for transport, client in zip(CONNECTED, staying):
            complaints += [f"{transport}, with an allocation: {each}" for each in echoed(client, b"still here")]
            client.socket.close()
    dtls.close()
    check(complaints + server.stop_complaints())

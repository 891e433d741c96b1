# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""TCP, TLS and DTLS connections with the interface of a UDP socket for turn.Client: one message per call.

TLS is that of Python. DTLS, which Python lacks, is that of `openssl s_client`.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import ssl
import struct
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lab import proc, turn
from lab.account import give
from lab.complaints import Complaints
from lab.endpoints import SOCKET_FAMILY
from lab.lab import Lab
from lab.relay import BY_NAME, PASSWORD, PORT, USER, Turnpike, Variant

TLS_PORT = 5349
CONNECTED = ("tcp", "tls", "dtls")
STREAMS = ("tcp", "tls")
CHANNELS = range(0x40, 0x50)  # the first byte of ChannelData
HANDSHAKE_TIMEOUT = 20


def message_length(data: bytes, padded: bool) -> tuple[int, int]:
    """The length of the first message without and with padding; 0 if more data is needed."""
    if len(data) < 4:
        return 0, 0
    length, = struct.unpack_from("!H", data, 2)
    if data[0] not in CHANNELS:
        return 20 + length, 20 + length
    return 4 + length, 4 + length + (-length % 4 if padded else 0)


def _in_brackets(host: str) -> str:
    return f"[{host}]" if ":" in host else host


class Connected:
    """Base class that splits a stream into messages."""

    padded = True

    def __init__(self) -> None:
        self._timeout: float | None = None
        self._pending = b""

    def settimeout(self, timeout: float | None) -> None:
        self._timeout = timeout

    def send(self, message: bytes) -> int:
        padding = bytes(-len(message) % 4) if self.padded and message[0] in CHANNELS else b""
        self.send_bytes(message + padding)
        return len(message)

    def recv(self, _size: int) -> bytes:
        """The next message; b"" at the end."""
        deadline = None if self._timeout is None else time.monotonic() + self._timeout
        while True:
            message, whole = message_length(self._pending, self.padded)
            if whole and len(self._pending) >= whole:
                result, self._pending = self._pending[:message], self._pending[whole:]
                return result
            more = self.receive_bytes(None if deadline is None else max(deadline - time.monotonic(), 0))
            if not more:
                return b""
            self._pending += more

    def send_bytes(self, data: bytes) -> None:
        raise NotImplementedError

    def receive_bytes(self, timeout: float | None) -> bytes:
        raise NotImplementedError


class Stream(Connected):
    """TCP, or TLS if a context is given."""

    def __init__(self, lab: Lab, family: int, context: ssl.SSLContext | None = None, receive_buffer: int = 0) -> None:
        super().__init__()
        with lab.entered("client"):
            self.socket = socket.socket(SOCKET_FAMILY[family], socket.SOCK_STREAM)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(5)
        self._context = context

    def connect(self, server: tuple[str, int]) -> None:
        self.socket.connect(server)
        if self._context:
            self.socket = self._context.wrap_socket(self.socket, server_hostname="turnpike.test")

    def send_bytes(self, data: bytes) -> None:
        self.socket.settimeout(5)
        self.socket.sendall(data)

    def receive_bytes(self, timeout: float | None) -> bytes:
        self.socket.settimeout(timeout or 0.000001)
        try:
            return self.socket.recv(65536)
        except ConnectionResetError:
            return b""

    def ends(self, patience: float) -> bool:
        """Whether the server closes the connection within @patience seconds. Data is discarded."""
        deadline = time.monotonic() + patience
        try:
            while time.monotonic() < deadline:
                if not self.receive_bytes(deadline - time.monotonic()):
                    return True
        except (TimeoutError, ssl.SSLWantReadError):
            return False
        except OSError:
            return True
        return False

    def reset(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self) -> None:
        """Close the connection, TLS with a close_notify."""
        if isinstance(self.socket, ssl.SSLSocket):
            self.socket.settimeout(2)
            with contextlib.suppress(OSError):
                self.socket.unwrap()
        self.socket.close()


class Datagrams(Connected):
    """DTLS, optionally from a given local port."""

    padded = False

    def __init__(self, lab: Lab, family: int, port: int = 0, options: Sequence[str] = ()) -> None:
        super().__init__()
        self._lab = lab
        self._options = [*options,
                         *(["-bind", f"{_in_brackets(lab.address('client', family))}:{port}"] if port else [])]
        self._child: subprocess.Popen[bytes] | None = None

    def connect(self, server: tuple[str, int]) -> None:
        host = _in_brackets(server[0])
        # Without -nbio, s_client sends nothing after a datagram that it discards, until the next one arrives.
        self._child = subprocess.Popen(proc.in_namespace(self._lab.namespace("client"), [
            "openssl", "s_client", "-dtls", "-brief", "-no_ign_eof", "-nocommands", "-nbio",
            "-connect", f"{host}:{server[1]}", *self._options]),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        self._wait_for_handshake()

    def _wait_for_handshake(self) -> None:
        """Wait, because s_client merges data written during the handshake into one datagram."""
        assert self._child and self._child.stderr
        deadline, output = time.monotonic() + HANDSHAKE_TIMEOUT, b""
        while b"CONNECTION ESTABLISHED" not in output:
            ready, _, _ = select.select([self._child.stderr], [], [], max(deadline - time.monotonic(), 0))
            more = os.read(self._child.stderr.fileno(), 4096) if ready else b""
            if not more:
                self.kill()
                raise ConnectionError(f"no DTLS handshake: {output.decode(errors='replace')}")
            output += more

    def send_bytes(self, data: bytes) -> None:
        assert self._child and self._child.stdin
        os.write(self._child.stdin.fileno(), data)
        time.sleep(0.003)  # s_client merges writes that follow too soon

    def receive_bytes(self, timeout: float | None) -> bytes:
        assert self._child and self._child.stdout
        if not select.select([self._child.stdout], [], [], timeout)[0]:
            raise TimeoutError
        return os.read(self._child.stdout.fileno(), 65536)

    def kill(self) -> None:
        """End the client without a close_notify."""
        assert self._child
        self._child.kill()
        self._child.wait()

    def close(self) -> None:
        """End the client with a close_notify."""
        if self._child and self._child.stdin:
            self._child.stdin.close()
            try:
                self._child.wait(2)
            except subprocess.TimeoutExpired:
                self.kill()


def trusting(*protocols: str) -> ssl.SSLContext:
    """A TLS client that accepts any certificate, and offers these ALPN protocols."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


def connected(lab: Lab, transport: str, family: int) -> Connected:
    """The client's end of a connection that is not established yet."""
    if transport == "dtls":
        return Datagrams(lab, family)
    return Stream(lab, family, trusting() if transport == "tls" else None)


def server_of(lab: Lab, transport: str, family: int) -> tuple[str, int]:
    return lab.topology.listen.address(family), PORT if transport == "tcp" else TLS_PORT


def turn_client(lab: Lab, transport: str, family: int, relayed: int = 0) -> turn.Client:
    """A TURN client over a connection. If @relayed is a family, it has an allocation."""
    client = turn.Client(connected(lab, transport, family), server_of(lab, transport, family),  # type: ignore[arg-type]
                         USER, PASSWORD)
    if relayed:
        client.allocate(relayed)
    return client


def make_certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A self-signed certificate and its key."""
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    proc.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
              "-days", "30",
              "-subj", f"/CN={name}", "-keyout", str(key), "-out", str(cert)])
    for path in (cert, key):
        give(path)
    return cert, key


def tls_options(lab: Lab, cert: Path, key: Path) -> list[str]:
    v4, v6 = (lab.topology.listen.address(family) for family in (4, 6))
    return ["--listen-tls", f"{v4}:{TLS_PORT}", "--listen-tls", f"[{v6}]:{TLS_PORT}", "--cert", str(cert),
            "--key", str(key)]


def serve(lab: Lab, variant: Variant = BY_NAME["userspace"], options: Sequence[str] = (),
          wrapper: Sequence[str] = ()) -> Turnpike:
    cert, key = make_certificate(lab.scratch, "turnpike.test")
    return Turnpike(lab, variant, wrapper=wrapper, options=[*tls_options(lab, cert, key), *options])


def counts(server: Turnpike) -> dict[str, Any]:
    """The server's counters of connections."""
    return dict(server.in_user_space()["connections"])


def open_connections(server: Turnpike) -> dict[str, int]:
    """By transport."""
    return dict(server.ask("status")["clients"]["connections"])


def becomes(otherwise: str, test: Callable[[], object], timeout: float = 10) -> Complaints:
    """Wait until the test holds. Returns the complaint if it does not in time."""
    return [] if proc.wait_until(test, timeout) else [otherwise]

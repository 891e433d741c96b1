# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""TLS and DTLS: protocols, versions and certificates.

    client ----- relay ----- peer
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from lab import connected, proc
from lab.complaints import Complaints, check
from lab.connected import Stream, becomes, make_certificate, serve, server_of, tls_options, trusting
from lab.endpoints import echo_peer
from lab.lab import Lab
from lab.relay import BY_NAME, Turnpike
from lab.roundtrip import CHANNEL, echoed

USERSPACE = BY_NAME["userspace"]


def s_client(lab: Lab, *options: str) -> str:
    """The output of openssl for a handshake."""
    host, port = server_of(lab, "tls", 4)
    argv = ["openssl", "s_client", "-connect", f"{host}:{port}", *options]
    result = lab.run("client", argv, check=False, stdin="Q\n")
    return result.stdout + result.stderr


# Protocols and versions.

CHOICES: dict[str, tuple[Sequence[str], str | None]] = {
    "none": ((), None),
    "turn": (("stun.turn",), "stun.turn"),
    "http, turn": (("http/1.1", "stun.turn"), "stun.turn"),
    "stun": (("stun.nat-discovery",), "stun.nat-discovery"),
    "stun, turn": (("stun.nat-discovery", "stun.turn"), "stun.turn"),
}


@pytest.mark.parametrize("offered", CHOICES)
def test_alpn(lab: Lab, offered: str) -> None:
    """The server chooses TURN before STUN among the protocols offered (RFC 7443), and TLS 1.3."""
    protocols, chosen = CHOICES[offered]
    server = serve(lab)
    stream = Stream(lab, 4, trusting(*protocols))
    stream.connect(server_of(lab, "tls", 4))
    assert isinstance(stream.socket, ssl.SSLSocket)
    outcome = stream.socket.selected_alpn_protocol(), stream.socket.version()
    stream.close()
    complaints = [] if outcome == (chosen, "TLSv1.3") else [f"the server has chosen {outcome}"]
    check(complaints + server.stop_complaints())


# Options of s_client, and what it must print.
HANDSHAKES = {
    "TLS 1.3": ((), "New, TLSv1.3"),
    "TLS 1.2": (("-tls1_2",), "New, TLSv1.2"),
    "TLS 1.1": (("-tls1_1", "-cipher", "ALL:@SECLEVEL=0"), "alert protocol version"),
    "DTLS 1.2": (("-dtls1_2",), "New, TLSv1.2"),
    "DTLS 1.0": (("-dtls1", "-cipher", "ALL:@SECLEVEL=0"), "alert protocol version"),
    "TLS for HTTP": (("-alpn", "h2,http/1.1"), "alert no application protocol"),
    "DTLS for HTTP": (("-dtls", "-alpn", "http/1.1"), "alert no application protocol"),
    "DTLS for TURN": (("-dtls", "-alpn", "stun.turn"), "ALPN protocol: stun.turn"),
}


@pytest.mark.parametrize("what", HANDSHAKES)
def test_handshake(lab: Lab, what: str) -> None:
    """Versions before 1.2 and other protocols are refused by an alert."""
    options, wanted = HANDSHAKES[what]
    server = serve(lab)
    output = s_client(lab, *options)
    complaints = [] if re.search(wanted, output) else [f"'{wanted}' is not in {output[-500:]}"]
    check(complaints + server.stop_complaints())


# Certificates.

class Certificates:
    """Three pairs of files, a link to one of them, and a server that uses the link."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab, self.folder, self.live = lab, folder, folder / "live"
        for name in ("one", "two", "three"):
            pair = folder / name
            pair.mkdir()
            cert, key = make_certificate(pair, name)
            cert.rename(pair / "cert.pem")
            key.rename(pair / "key.pem")
        self.live.symlink_to("one")
        # Root, since nobody else can read what is in a temporary folder of pytest.
        options = [*tls_options(lab, self.live / "cert.pem", self.live / "key.pem"), "--run-as", "root"]
        self.server = Turnpike(lab, USERSPACE, options=options)
        self.complaints: Complaints = []

    def move_link(self, name: str) -> None:
        (self.folder / "next").symlink_to(name)
        (self.folder / "next").rename(self.live)

    def copy(self, file: str, source: str) -> None:
        """Overwrite one of the files of "two"."""
        (self.folder / "two" / file).write_bytes((self.folder / source / file).read_bytes())

    def must_serve(self, name: str) -> None:
        for options in ((), ("-dtls",)):
            self.complaints += becomes(f"{options}: the certificate is not {name}",
                                       lambda: f"subject=CN = {name}\n" in s_client(self.lab, *options), 60)

    def must_warn(self, text: str) -> None:
        self.complaints += becomes(f"'{text}' is not in the log", lambda: text in self.server.process.log(), 60)


def test_certificate_changes(lab: Lab, tmp_path: Path) -> None:
    """A running server notices files that change, in place or behind a link, and ignores invalid ones."""
    certificates = Certificates(lab, tmp_path)
    with echo_peer(lab, 4) as peer, ExitStack() as stack:
        clients = [connected.turn_client(lab, transport, 4, 4) for transport in ("tls", "dtls")]
        for client in clients:
            stack.callback(client.socket.close)
            client.bind(CHANNEL, peer.address)
        certificates.must_serve("one")
        certificates.move_link("two")
        certificates.must_serve("two")
        for file in ("cert.pem", "key.pem"):
            certificates.copy(file, "three")
        certificates.must_serve("three")
        for client in clients:
            certificates.complaints += [f"a connection from before: {each}" for each in echoed(client, b"still here")]
        certificates.copy("key.pem", "one")
        certificates.must_warn("is not the key of the certificate")
        certificates.must_warn("the previous certificate stays in use")
        certificates.must_serve("three")
        (tmp_path / "two" / "cert.pem").write_text("no PEM")
        certificates.must_warn("contains no usable certificate")
        certificates.must_serve("three")
        certificates.move_link("one")
        certificates.must_serve("one")
    check(certificates.complaints + certificates.server.stop_complaints())


def zeros(path: Path) -> None:
    path.symlink_to("/dev/zero")


def huge(path: Path) -> None:
    path.touch()
    os.truncate(path, 1 << 40)


# What takes the place of a file, and the reason that is logged.
USELESS: dict[str, tuple[Callable[[Path], object], str]] = {
    "FIFO": (os.mkfifo, "it is not a regular file"),
    "folder": (os.mkdir, "it is not a regular file"),
    "endless device": (zeros, "it is not a regular file"),
    "huge file": (huge, "File too large"),
    "nothing": (Path.exists, "No such file or directory"),
}


@pytest.mark.parametrize("what", USELESS)
@pytest.mark.parametrize("file", ("cert.pem", "key.pem"))
def test_useless_file_under_a_running_server(lab: Lab, tmp_path: Path, file: str, what: str) -> None:
    """A file that is no certificate or key neither blocks the server nor ends the certificate in use."""
    make, reason = USELESS[what]
    certificates = Certificates(lab, tmp_path)
    certificates.must_serve("one")
    (tmp_path / "one" / file).unlink()
    make(tmp_path / "one" / file)
    certificates.must_warn(f"cannot read {certificates.live / file}: {reason}")
    certificates.must_warn("the previous certificate stays in use")
    certificates.must_serve("one")
    certificates.move_link("two")
    certificates.must_serve("two")
    check(certificates.complaints + certificates.server.stop_complaints())


# A certificate and a key by their files, and the sentence that they are refused with.
INVALID_FILES = {
    "another key": ("first.pem", "second.key", "is not the key of the certificate"),
    "no file": ("none.pem", "first.key", "cannot read"),
    "empty certificate": ("empty", "first.key", "contains no usable certificate"),
    "empty key": ("first.pem", "empty", "contains no usable private key"),
    "passphrase": ("first.pem", "locked.key", "without a passphrase"),
    "certificate as key": ("first.pem", "first.pem", "contains no usable private key"),
    "FIFO as certificate": ("fifo", "first.key", "it is not a regular file"),
    "FIFO as key": ("first.pem", "fifo", "it is not a regular file"),
    "folder": (".", "first.key", "it is not a regular file"),
    "endless device": ("/dev/zero", "first.key", "it is not a regular file"),
    "huge certificate": ("huge", "first.key", "File too large"),
}


@pytest.mark.parametrize("what", INVALID_FILES)
@pytest.mark.parametrize("option, status", (("", 1), ("--check-config", 2)), ids=("start", "check-config"))
def test_invalid_files(lab: Lab, tmp_path: Path, what: str, option: str, status: int) -> None:
    """Files that do not hold a certificate and its key are refused at the start, and by --check-config."""
    cert_name, key_name, sentence = INVALID_FILES[what]
    for name in ("first", "second"):
        make_certificate(tmp_path, name)
    (tmp_path / "empty").write_text("")
    os.mkfifo(tmp_path / "fifo")
    huge(tmp_path / "huge")
    proc.run(["openssl", "ec", "-in", str(tmp_path / "first.key"), "-aes128", "-passout", "pass:secret",
              "-out", str(tmp_path / "locked.key")])
    command = [*Turnpike.command(lab, USERSPACE, tmp_path / "control.sock"),
               *tls_options(lab, tmp_path / cert_name, tmp_path / key_name), *[option] * bool(option)]
    result = lab.run("relay", command, check=False)
    assert (result.returncode, sentence in result.stderr) == (status, True), result.stderr

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`turnpike check` in the client's namespace, and what it checks: servers, certificates, firewalls."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clocks import Clocks
from lab import proc
from lab.account import give
from lab.complaints import Complaints
from lab.lab import Lab
from lab.proc import Process
from lab.relay import BINARY, PASSWORD, PORT, REALM, USER
from lab.schema import schema_complaints
from lab.topology import FAMILIES

NAME, OTHER_NAME = "turnpike.test", "other.test"
SECRET = "a-secret-of-this-test"
OK, WARNING, CRITICAL, UNKNOWN = range(4)
STATUSES = ("ok", "warning", "critical", "unknown")
PATIENCE = 20  # seconds for each answer; it only ends a failure: a busy machine takes long
SHORT = ("--timeout", "3")  # where nobody answers
# Addresses of names are those of a file that only this process sees.
WITH_HOSTS = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"']


@dataclass
class Report:
    status: int
    document: dict[str, Any]

    def rows(self, check: str, server: str = "") -> list[dict[str, Any]]:
        """The rows of a check, of servers whose transport and address begin so."""
        return [row for row in self.document["rows"] if row["check"] == check and row["server"].startswith(server)]

    def complaints(self, status: int) -> Complaints:
        """What is wrong with its form, and with its status, which must be this one."""
        complaints = schema_complaints(self.document, "check")
        if (self.status, self.document["status"]) != (status, STATUSES[status]):
            complaints.append(f"status {self.status}, {self.document['status']}: {self.document['summary']}")
        return complaints

    def missing(self, check: str, server: str, status: str, what: str, remedy: str = "") -> Complaints:
        """Without such a row: what there is instead."""
        rows = self.rows(check, server)
        if any(row["status"] == status and what in row["what"] and remedy in row["remedy"] for row in rows):
            return []
        return [f"no row of {check}, {server} is {status} with '{what}' and '{remedy}': {rows or self.document}"]

    def failed(self) -> list[str]:
        """The checks of all rows that ask for a remedy, each once."""
        return list(dict.fromkeys(row["check"] for row in self.document["rows"] if row["remedy"]))


def secret_file(lab: Lab, text: str) -> str:
    path = lab.scratch / f"secret-{len(list(lab.scratch.glob('secret-*')))}"
    path.write_text(text)
    give(path)
    return str(path)


def as_user(lab: Lab, user: str = USER, password: str = PASSWORD) -> list[str]:
    return ["--user", user, "--password-file", secret_file(lab, password)]


def command(lab: Lab, uri: str, *options: str, trusted: Path | None = None,
            role: str = "client") -> subprocess.CompletedProcess[str]:
    hosts = lab.scratch / "hosts"
    address = lab.topology.listen.address
    hosts.write_text("".join(f"{address(family)} {name}\n" for name in (NAME, OTHER_NAME) for family in FAMILIES))
    environment = ["RES_OPTIONS=timeout:1 attempts:1", *([f"SSL_CERT_FILE={trusted}"] if trusted else [])]
    result = lab.run(role, [*WITH_HOSTS, str(hosts), "env", *environment, str(BINARY), "check", uri,
                            "--timeout", str(PATIENCE), *options], check=False, timeout=240)
    assert not proc.SANITIZER.search(result.stderr), result.stderr
    return result


def diagnose(lab: Lab, uri: str, *options: str, trusted: Path | None = None, role: str = "client") -> Report:
    result = command(lab, uri, "-j", *options, trusted=trusted, role=role)
    assert result.stdout, result.stderr
    return Report(result.returncode, json.loads(result.stdout))


# Certificates: of a root, of an intermediate authority, and of servers.

@dataclass(frozen=True)
class Pair:
    cert: Path
    key: Path


class Authority:
    """It is trusted by its root."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.folder = folder
        self._clocks = Clocks(lab)
        self.root = self._make("root", None, "-addext", "subjectKeyIdentifier=hash")
        self._intermediate = self._make("intermediate", self.root)

    def _make(self, name: str, issuer: Pair | None, *options: str) -> Pair:
        pair = Pair(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        signer = ["-CA", str(issuer.cert), "-CAkey", str(issuer.key)] if issuer else []
        proc.run([*self._clocks.wrapper, "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                  "ec_paramgen_curve:P-256", "-nodes", "-days", "30", *signer, "-subj", f"/CN={name}", *options,
                  "-keyout", str(pair.key), "-out", str(pair.cert)])
        return pair

    def issue(self, name: str, *, age: int = 0, whole: bool = True) -> Pair:
        """A certificate for 30 days that is @age days old, with the intermediate one or without."""
        self._clocks.set_wall(-age * 86400)
        pair = self._make(f"server-{name}-{age}-{whole}", self._intermediate, "-addext", f"subjectAltName=DNS:{name}")
        self._clocks.set_wall(0)
        if whole:
            pair.cert.write_text(pair.cert.read_text() + self._intermediate.cert.read_text())
        for path in (self.folder, pair.cert, pair.key):
            give(path)
        return pair


# What is in the way.

@contextlib.contextmanager
def firewall(lab: Lab, role: str, rule: str) -> Iterator[None]:
    """What a machine receives. Its loopback device is open, as usual."""
    lab.run(role, ["nft", "-f", "-"], stdin="table inet doctor { chain in { type filter hook input priority 0;"
                                            f" iif lo accept; {rule}; }}; }}\n")
    try:
        yield
    finally:
        lab.run(role, ["nft", "delete table inet doctor"])


def http_server(lab: Lab, port: int) -> Process:
    host = lab.topology.listen.address(4)
    server = lab.start("relay", ["/usr/bin/python3", "-u", "-m", "http.server", "--bind", host, str(port)])
    server.wait_for("Serving HTTP")
    return server


# It sends what is no answer, without end: empty ChannelData, or TLS records with a HelloRequest each.
FLOOD = """
import socket, sys
with socket.create_server((sys.argv[1], int(sys.argv[2]))) as listener:
    print("ready", flush=True)
    while True:
        connection = listener.accept()[0]
        try:
            while True:
                connection.sendall(bytes.fromhex(sys.argv[3]) * 1000)
        except OSError:
            pass
"""
FLOODS = {"turn": "40000000", "turns": "160303000400000000"}


PROXY = """
import socket, sys
with socket.create_server((sys.argv[1], int(sys.argv[2]))) as listener:
    print("ready", flush=True)
    while True:
        with listener.accept()[0] as client:
            client.recv(1)
"""


def _script(lab: Lab, script: str, port: int, *arguments: str) -> Process:
    host = lab.topology.listen.address(4)
    server = lab.start("relay", ["/usr/bin/python3", "-c", script, host, str(port), *arguments])
    server.wait_for("ready")
    return server


def proxy(lab: Lab, port: int) -> Process:
    """It accepts connections for a server that is down."""
    return _script(lab, PROXY, port)


def flood(lab: Lab, port: int, scheme: str) -> Process:
    """It never stops sending."""
    return _script(lab, FLOOD, port, FLOODS[scheme])


# The TURN server of ejabberd, which is a library in Erlang.
EJABBERD = """
{ok, _} = application:ensure_all_started(stun),
[User, Text, Realm, Port | Addresses] = init:get_plain_arguments(),
Password = fun(Name, _) -> case binary_to_list(Name) of User -> list_to_binary(Text); _ -> <<"">> end end,
Parse = fun(Address) -> {ok, Parsed} = inet:parse_address(Address), Parsed end,
[V4, V6] = lists:map(Parse, Addresses),
Options = [{use_turn, true}, {auth_type, user}, {auth_realm, list_to_binary(Realm)}, {auth_fun, Password},
           {turn_ipv4_address, V4}, {turn_ipv6_address, V6}],
[ok = stun_listener:add_listener(Address, list_to_integer(Port), Transport, Options)
 || Address <- [V4, V6], Transport <- [udp, tcp]],
io:format("ready~n").
"""


def ejabberd(lab: Lab) -> Process:
    addresses = [lab.topology.listen.address(family) for family in FAMILIES]
    server = lab.start("relay", ["env", f"HOME={lab.scratch}", "erl", "-noshell", "-noinput", "-eval", EJABBERD,
                                 "-extra", USER, PASSWORD, REALM, str(PORT), *addresses])
    server.wait_for("^ready")
    return server

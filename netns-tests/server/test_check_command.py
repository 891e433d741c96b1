# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`turnpike check`: servers that work, of three makers, and what may be wrong with one.

    client ----- router ----- relay
                   |
                 peer
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from clocks import Clocks
from doctor import (CRITICAL, NAME, OK, OTHER_NAME, SECRET, SHORT, STATUSES, UNKNOWN, WARNING, Authority, Pair,
                    Report, as_user, command, diagnose, ejabberd, firewall, flood, http_server, proxy, secret_file)
from lab.complaints import Complaints, check
from lab.connected import TLS_PORT, tls_options
from lab.credentials import rest_credentials
from lab.lab import Lab
from lab.relay import BY_NAME, PASSWORD, PORT, REALM, USER, Coturn, Turnpike

USERSPACE = BY_NAME["userspace"]
PACKETS = 50
WHOLE = ("binding", "challenge", "allocation", "relayed address", "second allocation", "permission", "peer",
         "echo by indications", "channel", "echo by channels", "refresh")
SECURE = ("handshake", "certificate name", "certificate chain", "certificate expiry", *WHOLE)
CHECKS = {"udp": WHOLE, "tcp": ("connection", *WHOLE), "tls": ("connection", *SECURE), "dtls": SECURE}


@pytest.fixture(scope="module")
def shared_lab() -> Iterator[Lab]:
    with Lab("router", offload=True) as lab:
        yield lab


@pytest.fixture(scope="module")
def authority(shared_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(shared_lab, tmp_path_factory.mktemp("authority"))


def ours(lab: Lab, pair: Pair | None, *options: str, wrapper: Sequence[str] = ()) -> Turnpike:
    # Root, since nobody else can read what is in a temporary folder of pytest.
    secure = [*tls_options(lab, pair.cert, pair.key), "--run-as", "root"] if pair else []
    return Turnpike(lab, USERSPACE, wrapper, [*secure, *options])


def coturn(lab: Lab, pair: Pair | None, *options: str) -> Coturn:
    secure = ["--cert", str(pair.cert), "--pkey", str(pair.key)] if pair else []
    return Coturn(lab, options=["--verbose", *secure, *options])


# Servers that work.

def all_is_well(report: Report, lab: Lab, transports: Sequence[str], port: int) -> Complaints:
    """Every check has passed, over every transport, in both families, and every packet has come back."""
    complaints = report.complaints(OK)
    hosts = lab.topology.listen.address(4), f"[{lab.topology.listen.address(6)}]"
    wanted = {("-", "dns"), *((f"{transport} {host}:{port}", name) for transport in transports for host in hosts
                              for name in CHECKS[transport])}
    found = {(row["server"], row["check"]) for row in report.document["rows"] if row["status"] == "ok"}
    if wanted != found:
        complaints.append(f"not both expected and passed: {sorted(wanted ^ found)}")
    for row in (*report.rows("echo by indications"), *report.rows("echo by channels")):
        if (row["values"]["sent"], row["values"]["received"]) != (PACKETS, PACKETS):
            complaints.append(str(row))
    return complaints


# The schemes of URIs: transports, port, and what either server's handshake has chosen.
KINDS: dict[str, tuple[Sequence[str], int, dict[str, str]]] = {
    "turn": (("udp", "tcp"), PORT, {}),
    "turns": (("tls", "dtls"), TLS_PORT, {"turnpike": "TLSv1.3", "coturn": "TLSv1.2"}),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("server", ("turnpike", "coturn"))
def test_working_server(lab: Lab, authority: Authority, server: str, kind: str) -> None:
    """All is well, and nothing is left behind."""
    transports, port, versions = KINDS[kind]
    pair = authority.issue(NAME)
    running = ours(lab, pair) if server == "turnpike" else coturn(lab, pair)
    report = diagnose(lab, f"{kind}:{NAME}", *as_user(lab), "--realm", REALM, trusted=authority.root.cert)
    complaints = all_is_well(report, lab, transports, port)
    if versions:
        complaints += report.missing("handshake", "tls", "ok", versions[server])
        complaints += report.missing("handshake", "dtls", "ok", "DTLSv1.2")
    if isinstance(running, Turnpike) and running.ask("status")["allocations"]:
        complaints.append("allocations are left")
    check(complaints)


def test_ejabberd(lab: Lab) -> None:
    """So it is with the TURN server of ejabberd."""
    ejabberd(lab)
    check(all_is_well(diagnose(lab, f"turn:{NAME}", *as_user(lab)), lab, ("udp", "tcp"), PORT))


@pytest.mark.parametrize("server", ("turnpike", "coturn"))
def test_secret(lab: Lab, server: str) -> None:
    """Time-limited credentials are made from the server's secret."""
    options = (["--auth-secret-file", secret_file(lab, SECRET)] if server == "turnpike" else
               ["--use-auth-secret", "--static-auth-secret", SECRET])
    ours(lab, None, *options) if server == "turnpike" else coturn(lab, None, *options)
    report = diagnose(lab, f"turn:{NAME}?transport=udp", "-4", "--auth-secret-file", secret_file(lab, SECRET))
    check(report.complaints(OK) + report.missing("echo by channels", "udp", "ok", "50 of 50"))


def test_without_credentials(lab: Lab) -> None:
    """Up to the challenge, anybody may check a server."""
    ours(lab, None)
    report = diagnose(lab, f"turn:{NAME}?transport=udp", "-6")
    check(report.complaints(OK) + report.missing("challenge", "udp", "ok", REALM)
          + report.missing("allocation", "udp", "skipped", "without credentials"))


def test_on_the_server(lab: Lab) -> None:
    """On its own machine, the server is asked, too."""
    server = ours(lab, None)
    arguments = f"turn:{NAME}?transport=udp", "-4", *as_user(lab), "--control", str(server.control)
    report = diagnose(lab, *arguments, role="relay")
    complaints = report.complaints(OK) + report.missing("mode", "-", "ok", "nic0 relays in mode userspace: asked for")
    server.cli("drain")
    report = diagnose(lab, *arguments, role="relay")
    complaints += report.complaints(CRITICAL) + report.missing("allocation", "udp", "critical", "508", "end the drain")
    complaints += report.missing("status", "-", "warning", "turnpike drain --undo", "turnpike status")
    check(complaints)


def test_table(lab: Lab) -> None:
    """One line for monitoring comes first; then a table; then the remedy of each row that has one."""
    ours(lab, None)
    result = command(lab, f"turn:{NAME}", "-4", *as_user(lab, password="wrong"))
    lines = result.stdout.splitlines()
    assert re.fullmatch(rf"CRITICAL - turn:{NAME}: udp \S+ allocation: 401: .* \(and 1 more\)", lines[0]), lines[0]
    assert lines[2].split() == ["status", "server", "check", "what"]
    assert [sum(line.startswith(start) for line in lines) for start in ("critical ", "  Compare ")] == [2, 2]
    assert result.returncode == CRITICAL


USAGE = {
    "no server": ([], "the server is missing"),
    "slashes": ([f"turn://{NAME}"], "without slashes"),
    "no user": ([f"turn:{NAME}", "--password-file", "/dev/null"], "/dev/null"),
    "no password": ([f"turn:{NAME}", "--user", USER], "--password-file"),
    "two servers": ([f"turn:{NAME}", f"turn:{NAME}"], "unexpected argument"),
}


@pytest.mark.parametrize("what", USAGE)
def test_usage(lab: Lab, what: str) -> None:
    """What cannot be checked is unknown."""
    arguments, sentence = USAGE[what]
    result = command(lab, *arguments) if arguments else command(lab, "--realm=x")
    assert (result.returncode, result.stdout, sentence in result.stderr) == (UNKNOWN, "", True), result


# Mistakes of the configuration.

@dataclass(frozen=True)
class Mistake:
    """Options of a server: one row must be critical with @what and @remedy, and no other have a remedy."""

    options: Sequence[str]
    check: str
    what: str
    remedy: str
    user: tuple[str, str] | None = None
    arguments: Sequence[str] = field(default_factory=tuple)


FOREIGN_KEY = hashlib.md5(f"bob:other.test:{PASSWORD}".encode()).hexdigest()
WRONG_PASSWORD = Mistake((), "allocation", "401", "Compare user name and password", user=(USER, "wrong"))
EXPIRED = Mistake((), "allocation", "the user name has expired", "Get new credentials",
                  user=rest_credentials(SECRET, USER, -600))
MISTAKES = {
    "turnpike": {
        "wrong realm": Mistake(("--realm", "other.test"), "challenge", "'other.test' instead of", "Set the realm",
                               arguments=("--realm", REALM)),
        "key of another realm": Mistake(("--user", f"bob:0x{FOREIGN_KEY}"), "allocation", "401", "one realm only",
                                        user=("bob", PASSWORD)),
        "wrong password": WRONG_PASSWORD,
        "expired user": EXPIRED,
        "external-ip wrong": Mistake(("--external-ip", "10.99.9.9"), "peer", "not that of the server",
                                     "Correct external-ip"),
        "relay denied": Mistake(("--deny-peer", "10.77.0.0/16"), "permission", "403", "deny-peer"),
        "quota": Mistake(("--user-quota", "1"), "second allocation", "486", "raise the quota"),
        "redirection": Mistake(("--max-allocations", "1", "--alternate-server", "10.77.9.9:3478"), "second allocation",
                               "10.77.9.9:3478", "Check that one"),
        "no port": Mistake(("--relay-ports", "50000-50000"), "second allocation", "508", "range of relay ports"),
    },
    "coturn": {
        "wrong realm": Mistake(("--realm", "other.test"), "challenge", "'other.test' instead of", "Set the realm",
                               arguments=("--realm", REALM)),
        "wrong password": WRONG_PASSWORD,
        "external-ip wrong": Mistake(("--external-ip", "10.99.9.9"), "peer", "not that of the server",
                                     "Correct external-ip"),
        "relay denied": Mistake(("--denied-peer-ip", "10.77.0.0-10.77.255.255"), "permission", "403",
                                "denied-peer-ip"),
        "quota": Mistake(("--user-quota", "1"), "second allocation", "486", "raise the quota"),
        "no UDP relay": Mistake(("--no-udp-relay",), "allocation", "442", "no-udp-relay"),
    },
}
EACH_MISTAKE = [pytest.param(server, name, id=f"{server}-{name.replace(' ', '-')}")
                for server, mistakes in MISTAKES.items() for name in mistakes]


@pytest.mark.parametrize("server, name", EACH_MISTAKE)
def test_mistake(lab: Lab, server: str, name: str) -> None:
    """The row of the mistake names it with a remedy, and no other row does."""
    mistake = MISTAKES[server][name]
    (ours if server == "turnpike" else coturn)(lab, None, *mistake.options)
    report = diagnose(lab, f"turn:{NAME}?transport=udp", "-4", *as_user(lab, *(mistake.user or ())), *mistake.arguments)
    complaints = report.complaints(CRITICAL)
    complaints += report.missing(mistake.check, "udp", "critical", mistake.what, mistake.remedy)
    if report.failed() != [mistake.check]:
        complaints.append(f"these fail: {report.failed()}")
    check(complaints)


def test_without_binding(lab: Lab) -> None:
    """A server may serve TURN only."""
    coturn(lab, None, "--no-stun")
    report = diagnose(lab, f"turn:{NAME}?transport=udp", "-4", *as_user(lab), *SHORT)
    check(report.complaints(OK) + report.missing("binding", "udp", "skipped", "other requests only"))


@pytest.mark.parametrize("server", ("turnpike", "coturn"))
def test_wrong_secret(lab: Lab, server: str) -> None:
    options = (["--auth-secret-file", secret_file(lab, SECRET)] if server == "turnpike" else
               ["--use-auth-secret", "--static-auth-secret", SECRET])
    ours(lab, None, *options) if server == "turnpike" else coturn(lab, None, *options)
    report = diagnose(lab, f"turn:{NAME}?transport=udp", "-4", "--auth-secret-file", secret_file(lab, "wrong"))
    check(report.complaints(CRITICAL)
          + report.missing("allocation", "udp", "critical", "another secret", "Use the secret of the server"))


def test_clock_of_the_server(lab: Lab) -> None:
    """A clock that is ahead is told from a wrong secret, and the rest is checked all the same."""
    clocks = Clocks(lab)
    clocks.set_wall(2 * 86400)
    ours(lab, None, "--auth-secret-file", secret_file(lab, SECRET), wrapper=clocks.wrapper)
    report = diagnose(lab, f"turn:{NAME}?transport=udp", "-4", "--auth-secret-file", secret_file(lab, SECRET))
    check(report.complaints(CRITICAL)
          + report.missing("allocation", "udp", "critical", "clock of the server", "Set the clock")
          + report.missing("echo by channels", "udp", "ok", "50 of 50"))


# Certificates: what is served, and the check that fails.
FAULTS = {
    "expired": ({"name": NAME, "age": 40}, "certificate expiry", "has expired", "Renew it"),
    "soon": ({"name": NAME, "age": 20}, "certificate expiry", "expires in", "Renew"),
    "without chain": ({"name": NAME, "whole": False}, "certificate chain", "intermediate", "fullchain.pem"),
    "other name": ({"name": OTHER_NAME}, "certificate name", f"it is for {OTHER_NAME}", "name that clients use"),
}


@pytest.mark.parametrize("transport", ("tcp", "udp"))
@pytest.mark.parametrize("fault", FAULTS)
def test_certificate(lab: Lab, authority: Authority, fault: str, transport: str) -> None:
    """Only the aspect that is wrong fails, and the server is checked all the same."""
    certificate, row, what, remedy = FAULTS[fault]
    status = "warning" if fault == "soon" else "critical"
    ours(lab, authority.issue(**certificate))  # type: ignore[arg-type]
    report = diagnose(lab, f"turns:{NAME}?transport={transport}", "-4", *as_user(lab), trusted=authority.root.cert)
    complaints = report.complaints(WARNING if fault == "soon" else CRITICAL)
    complaints += report.missing(row, "", status, what, remedy) + report.missing("refresh", "", "ok", "600")
    if report.failed() != [row]:
        complaints.append(f"these fail: {report.failed()}")
    check(complaints)


# What is in the way.

def test_relay_ports_closed(lab: Lab) -> None:
    """Between two clients of the relay data flows, so that only a peer outside notices."""
    ours(lab, None)
    with firewall(lab, "relay", "udp dport 49152-65535 drop"):
        report = diagnose(lab, f"turn:{NAME}?transport=udp", "-4", *as_user(lab))
    complaints = report.missing("peer", "udp", "critical", "no datagram arrives", "Open the relay ports")
    check(complaints + report.complaints(CRITICAL) + report.missing("echo by channels", "udp", "ok", "50 of 50"))


def test_answers_of_the_relay_lost(lab: Lab) -> None:
    """A firewall lets datagrams of peers in, but not those of the relay out."""
    ours(lab, None)
    with firewall(lab, "client", "udp sport 49152-65535 drop"):
        report = diagnose(lab, f"turn:{NAME}?transport=udp", "-4", *as_user(lab))
    check(report.complaints(CRITICAL)
          + report.missing("peer", "udp", "critical", "its answers do not arrive", "Permit the server"))


def test_udp_blocked(lab: Lab) -> None:
    ours(lab, None)
    with firewall(lab, "relay", f"udp dport {PORT} drop"):
        report = diagnose(lab, f"turn:{NAME}", "-4", *as_user(lab), *SHORT)
    check(report.complaints(CRITICAL) + report.missing("refresh", "tcp", "ok", "600")
          + report.missing("binding", "udp", "critical", "no answer by UDP", "Open the UDP port"))


def test_ipv6_broken(lab: Lab) -> None:
    """The name has an IPv6 address, by which nothing is reached."""
    ours(lab, None)
    with firewall(lab, "relay", f"meta nfproto ipv6 udp dport {PORT} drop"):
        report = diagnose(lab, f"turn:{NAME}?transport=udp", *as_user(lab), *SHORT)
    check(report.complaints(CRITICAL) + report.missing("refresh", "udp 10.", "ok", "600")
          + report.missing("binding", "udp [", "critical", "no answer by IPv6", "AAAA"))


def test_nothing_listens(lab: Lab) -> None:
    """By UDP that is an error. By TCP, too, if it was asked for; many servers do without."""
    complaints = []
    for query, udp, tcp, status in (("", True, "warning", CRITICAL), ("?transport=tcp", False, "critical", CRITICAL)):
        report = diagnose(lab, f"turn:{NAME}{query}", "-4")
        complaints += report.complaints(status)
        complaints += report.missing("connection", "tcp", tcp, "nothing listens", "Start the server")
        if udp:
            complaints += report.missing("binding", "udp", "critical", "nothing listens", "Start the server")
    check(complaints)


def test_name_unknown(lab: Lab) -> None:
    report = diagnose(lab, "turn:nobody.invalid")
    assert report.status in (CRITICAL, UNKNOWN)  # UNKNOWN without a resolver
    check(report.complaints(report.status) + (
        report.missing("dns", "-", "critical", "nobody.invalid", "Correct the name") if report.status == CRITICAL else
        report.missing("dns", "-", "unknown", "nobody.invalid", "resolver")))


TAKEN = {
    "HTTP": (http_server, "turn", PORT, "binding", "an HTTP server", "move it"),
    "HTTP instead of TLS": (http_server, "turns", TLS_PORT, "handshake", "not TLS", "move what else has the port"),
    "proxy": (proxy, "turn", PORT, "binding", "closed without an answer", "whose server does not run"),
    "proxy for TLS": (proxy, "turns", TLS_PORT, "handshake", "closed without an answer", "whose server does not run"),
}


@pytest.mark.parametrize("what", TAKEN)
def test_port_taken(lab: Lab, what: str) -> None:
    """Something else answers on the port."""
    start, scheme, port, row, sentence, remedy = TAKEN[what]
    start(lab, port)
    report = diagnose(lab, f"{scheme}:{NAME}?transport=tcp", "-4", *as_user(lab), *SHORT)
    complaints = report.complaints(CRITICAL) + report.missing(row, "", "critical", sentence, remedy)
    check(complaints + ([] if report.failed() == [row] else [f"these fail: {report.failed()}"]))


@pytest.mark.parametrize("scheme, port, row", (("turn", PORT, "binding"), ("turns", TLS_PORT, "handshake")))
def test_flood(lab: Lab, scheme: str, port: int, row: str) -> None:
    """A server that never stops sending something else does not hold the check up."""
    flood(lab, port, scheme)
    report = diagnose(lab, f"{scheme}:{NAME}?transport=tcp", "-4", *as_user(lab), *SHORT)
    check(report.complaints(CRITICAL) + ([] if report.failed() == [row] else [f"these fail: {report.failed()}"]))


# Thresholds.

@pytest.mark.parametrize("limit, status", ((10, CRITICAL), (100, WARNING)), ids=("critical", "warning"))
def test_loss(lab: Lab, limit: int, status: int) -> None:
    """Lost packets are counted, and judged by the limit."""
    ours(lab, None)
    # Only data by channels is lost: other steps must not depend on it.
    with firewall(lab, "relay", f"udp dport {PORT} @th,64,8 0x40 numgen inc mod 5 0 drop"):
        report = diagnose(lab, f"turn:{NAME}?transport=udp", "-4", *as_user(lab), "--crit-loss", str(limit))
    complaints = report.complaints(status) + report.missing("echo by indications", "udp", "ok", "50 of 50")
    complaints += report.missing("echo by channels", "udp", STATUSES[status], "came back", "overloaded link")
    # Every fifth packet of both clients: at least a fifth of those that are sent does not come back.
    if not 0 < report.rows("echo by channels")[0]["values"]["received"] <= PACKETS * 4 // 5:
        complaints.append(str(report.document))
    check(complaints)

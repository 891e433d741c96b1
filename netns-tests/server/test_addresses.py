# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Which addresses a server serves and relays from, and what happens when they come and go.

    client ----- relay ----- peer
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from lab import proc, turn
from lab.complaints import Complaints, check
from lab.connected import connected, make_certificate
from lab.endpoints import echo_peer, udp_socket
from lab.lab import Lab
from lab.metrics import LISTEN, get
from lab.relay import BINARY, BY_NAME, PASSWORD, PORT, USER, Turnpike, Variant
from lab.roundtrip import CHANNEL, echoed, relayed_there
from lab.topology import FAMILIES

USERSPACE = BY_NAME["userspace"]
some_variants = pytest.mark.parametrize("variant", [BY_NAME[name] for name in ("native-head", "tcx", "userspace")])
families = pytest.mark.parametrize("family", FAMILIES)
NIC, OTHER_NIC = "nic0", "nic1"
LATER = {4: "10.77.1.50", 6: "fd77:0:0:1::50"}
LINK_LOCAL = "fe80::aa"


def listen_option(address: str, port: int = PORT) -> list[str]:
    return ["--listen", f"[{address}]:{port}" if ":" in address else f"{address}:{port}"]


class Listening(Turnpike):
    """A server that listens and relays as its options say."""

    @staticmethod
    def command(lab: Lab, variant: Variant, control: Path, binary: Path = BINARY) -> list[str]:
        words = Turnpike.command(lab, variant, control, binary)
        dropped = [at + offset for at, word in enumerate(words) if word in ("--listen", "--relay-address")
                   for offset in (0, 1)]
        return [word for at, word in enumerate(words) if at not in dropped]

    def addresses(self) -> dict[str, Any]:
        return dict(self.ask("status")["addresses"])

    def serves(self, address: str) -> bool:
        return any(address in text for text in self.addresses()["listening"])

    def note(self, address: str) -> dict[str, Any]:
        """What the status says about an address that is not served."""
        return next((dict(note) for note in self.addresses()["not_served"] if address in note["address"]), {})


def prefixed(address: str) -> str:
    return f"{address}/{64 if ':' in address else 24}"


def add_address(lab: Lab, address: str, device: str = NIC, *flags: str) -> None:
    nodad = ["nodad"] if ":" in address and not flags else []
    lab.run("relay", ["ip", "address", "add", prefixed(address), "dev", device, *nodad,
                      *(flag for flag in flags if flag != "dad")])


def remove_address(lab: Lab, address: str, device: str = NIC) -> None:
    lab.run("relay", ["ip", "address", "del", prefixed(address), "dev", device], check=False)


@contextlib.contextmanager
def own_address(lab: Lab, address: str, device: str = NIC, *flags: str) -> Iterator[None]:
    """The relay's machine has a further address."""
    add_address(lab, address, device, *flags)
    try:
        yield
    finally:
        remove_address(lab, address, device)


@contextlib.contextmanager
def client_of(lab: Lab, address: str, relayed: int = 0) -> Iterator[turn.Client]:
    family = 6 if ":" in address else 4
    client = turn.Client(udp_socket(lab, "client", family), (address, PORT), USER, PASSWORD)
    with client.socket:
        if relayed:
            client.allocate(relayed)
        yield client


def relay_of(lab: Lab, address: str, relayed: int) -> str:
    """The relay address that a client of an address gets."""
    with client_of(lab, address, relayed) as client:
        client.refresh(0)
        return client.relayed[0]


def address_of(lab: Lab, device: str, family: int) -> str:
    place = next(end.place for end in lab.topology.ends("relay") if end.device == device)
    assert place
    return place.address(family)


# Wildcards.

@contextlib.contextmanager
def container_host(lab: Lab) -> Iterator[None]:
    """The relay's machine also has a container, a VPN, and a bridge without containers that is down."""
    script = ("ip link add docker0 type bridge; ip link add inside type veth peer name outside;"
              "ip link set outside master docker0; ip link set outside up; ip link set inside up;"
              "ip link set docker0 up; ip address add 172.17.0.1/16 dev docker0;"
              "ip tuntap add vpn mode tun; ip link set vpn up; ip address add 10.8.0.1/24 dev vpn;"
              "ip link add idle type bridge; ip address add 172.18.0.1/16 dev idle")
    lab.run("relay", ["sh", "-ec", script])
    try:
        yield
    finally:
        lab.run("relay", ["sh", "-c", "for i in docker0 inside vpn idle; do ip link del $i; done"], check=False)


LEFT_OUT = {"172.17.0.1": "a bridge of containers", "10.8.0.1": "a tunnel", "172.18.0.1": "down"}


@pytest.mark.parametrize("wildcard", [f":{PORT}", f"0.0.0.0:{PORT}"])
def test_wildcard(lab: Lab, wildcard: str) -> None:
    """Clients are relayed from the address that they come to; addresses that nobody can reach are left out."""
    with container_host(lab):
        server = Listening(lab, USERSPACE, options=["--listen", wildcard])
        complaints = []
        for own in [address_of(lab, device, 4) for device in (NIC, OTHER_NIC)] * 4:
            if (got := relay_of(lab, own, 4)) != own:
                complaints.append(f"a client of {own} is relayed from {got}")
        for address, why in LEFT_OUT.items():
            note = server.note(address)
            if server.serves(address) or why not in note.get("why", "") or note["missing"]:
                complaints.append(f"{address} is not left out as {why}: {note}")
            if f"leaving out {address} on " not in server.process.log():
                complaints.append(f"the log does not say that {address} is left out")
    check(complaints)


def test_bridge_with_default_route(lab: Lab) -> None:
    """A bridge that leads elsewhere is served, whatever its ports."""
    with container_host(lab):
        lab.run("relay", ["ip", "route", "add", "default", "via", "172.17.0.2", "metric", "99"])
        server = Listening(lab, USERSPACE, options=["--listen", f":{PORT}"])
        check([] if server.serves("172.17.0.1:") else ["the bridge is not served"])


def test_other_family(lab: Lab) -> None:
    """A client that asks for the other family gets the address of the same device."""
    Listening(lab, USERSPACE, options=["--listen", f":{PORT}"])
    complaints = []
    for family in FAMILIES:
        own, other = address_of(lab, NIC, family), address_of(lab, NIC, 10 - family)
        if (got := relay_of(lab, own, 10 - family)) != other:
            complaints.append(f"a client of {own} is relayed from {got}, not {other}")
    check(complaints)


def test_pool(lab: Lab) -> None:
    """With --relay-address, clients get these addresses in turn."""
    pool = [address_of(lab, device, 4) for device in (NIC, OTHER_NIC)]
    Listening(lab, USERSPACE, options=["--listen", f":{PORT}", "--workers", "1",
                                       *(word for address in pool for word in ("--relay-address", address))])
    got = {relay_of(lab, pool[0], 4) for _ in range(4)}
    check([] if got == set(pool) else [f"clients are relayed from {got}"])


# Addresses that come and go.

@some_variants
@families
def test_named_address(lab: Lab, variant: Variant, family: int) -> None:
    """A configured address is waited for. Its allocations outlive its absence."""
    address = LATER[family]
    server = Listening(lab, variant, options=[*listen_option(address), *listen_option(address_of(lab, NIC, 4)),
                                              "--dev", NIC, "--dev", OTHER_NIC])
    complaints: Complaints = []
    if not server.note(address).get("missing") or f"not serving {address}" not in server.process.log().replace("[", ""):
        complaints.append(f"neither status nor log say what is missing: {server.note(address)}")
    with own_address(lab, address):
        if not proc.wait_until(lambda: server.serves(address), 5):
            raise proc.LabError("the address is not served after it has come")
        with client_of(lab, address, family) as client, echo_peer(lab, family) as peer:
            client.bind(CHANNEL, peer.address)
            complaints += relayed_there(server, [client])
            remove_address(lab, address)
            if not proc.wait_until(lambda: not server.serves(address), 5):
                complaints.append("it is still served after it has gone")
            add_address(lab, address)
            proc.wait_until(lambda: server.serves(address), 5)
            client.refresh(600)
            complaints += relayed_there(server, [client])
            if relay_of(lab, address, family) != address:
                complaints.append("a new client is relayed from elsewhere")
    check(complaints)


@pytest.mark.parametrize("transport", ["tcp", "tls", "dtls"])
def test_connections(lab: Lab, transport: str) -> None:
    """Connections outlive the absence of their address."""
    cert, key = make_certificate(lab.scratch, "relay")
    tls_port = PORT + 1
    server = Listening(lab, USERSPACE, options=[
        *listen_option(LATER[4]), "--listen-tls", f"{LATER[4]}:{tls_port}", "--cert", str(cert), "--key", str(key)])
    with own_address(lab, LATER[4]), echo_peer(lab, 4) as peer:
        proc.wait_until(lambda: server.serves(LATER[4]), 5)
        client = turn.Client(connected(lab, transport, 4),  # type: ignore[arg-type]
                             (LATER[4], PORT if transport == "tcp" else tls_port), USER, PASSWORD)
        with contextlib.closing(client.socket):
            client.allocate(4)
            client.bind(CHANNEL, peer.address)
            complaints = echoed(client, b"before")
            remove_address(lab, LATER[4])
            proc.wait_until(lambda: not server.serves(LATER[4]), 5)
            add_address(lab, LATER[4])
            proc.wait_until(lambda: server.serves(LATER[4]), 5)
            complaints += echoed(client, b"afterwards")
    check(complaints)


@families
def test_wildcard_follows(lab: Lab, family: int) -> None:
    """A wildcard covers addresses that come, as long as they are there; allocations on others stay."""
    server = Listening(lab, USERSPACE, options=["--listen", f":{PORT}", "--workers", "2"])
    with client_of(lab, address_of(lab, NIC, family), family) as old, echo_peer(lab, family) as peer:
        old.bind(CHANNEL, peer.address)
        with own_address(lab, LATER[family]):
            complaints = [] if proc.wait_until(lambda: server.serves(LATER[family]), 5) else ["it is not served"]
            if (got := relay_of(lab, LATER[family], family)) != LATER[family]:
                complaints.append(f"its client is relayed from {got}")
            complaints += echoed(old, b"in between")
        if not proc.wait_until(lambda: not server.serves(LATER[family]), 5):
            complaints.append("it is still served")
        complaints += echoed(old, b"afterwards")
    check(complaints)


def test_nothing_at_first(lab: Lab) -> None:
    """At boot there may be no address at all, and no device to attach to."""
    server = Listening(lab, BY_NAME["tcx"], options=listen_option("10.78.0.1"))
    complaints = [] if not server.ask("status")["devices"] else ["a device is attached"]
    with own_address(lab, "10.78.0.1", OTHER_NIC):
        if not proc.wait_until(lambda: server.serves("10.78.0.1"), 5):
            complaints.append("the address is not served")
        devices = [device["dev"] for device in server.ask("status")["devices"]]
        if OTHER_NIC not in devices:
            complaints.append(f"the devices are {devices}")
    check(complaints)


def test_nonlocal_bind(lab: Lab) -> None:
    """Where addresses can be bound before the host has them, its device is attached once it has them."""
    option = "net.ipv4.ip_nonlocal_bind"
    lab.run("relay", ["sysctl", "-qw", f"{option}=1"])
    try:
        server = Listening(lab, BY_NAME["tcx"], options=listen_option(LATER[4]))
        complaints = [] if server.serves(LATER[4]) else ["it does not listen"]
        with own_address(lab, LATER[4]):
            if not proc.wait_until(lambda: bool(server.ask("status")["devices"]), 5):
                complaints.append("no device is attached")
            if relay_of(lab, LATER[4], 4) != LATER[4]:
                complaints.append("its client is relayed from elsewhere")
    finally:
        lab.run("relay", ["sysctl", "-qw", f"{option}=0"])
    check(complaints)


def test_low_port(lab: Lab) -> None:
    """A server that has switched its user can still listen on port 443 of an address that comes."""
    server = Listening(lab, USERSPACE, options=[*listen_option(LATER[4], 443), "--run-as", "nobody"])
    with own_address(lab, LATER[4]):
        check([] if proc.wait_until(lambda: server.serves(LATER[4]), 5) else [server.process.log()])


def test_port_in_use(lab: Lab) -> None:
    """If another program has the port of an address that comes, the rest is served, and the status says so."""
    server = Listening(lab, USERSPACE, options=["--listen", f":{PORT}"])
    with own_address(lab, "10.77.1.51"):
        proc.wait_until(lambda: server.serves("10.77.1.51"), 5)
    with lab.entered("relay"), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.setsockopt(socket.SOL_IP, 15, 1)  # IP_FREEBIND
        other.bind((LATER[4], PORT))
        with own_address(lab, LATER[4]):
            found = proc.wait_until(lambda: bool(server.note(LATER[4])), 5)
            complaints = [] if found and server.note(LATER[4])["missing"] else ["the status does not say it"]
            if not server.logs("is in use"):
                complaints.append("the log does not say why")
    check(complaints + ([] if relay_of(lab, address_of(lab, NIC, 4), 4) else ["others are not served"]))


# IPv6: duplicate address detection.

@contextlib.contextmanager
def detection(lab: Lab, transmissions: int) -> Iterator[None]:
    def configure(accept: int, count: int) -> None:
        lab.run("relay", ["sysctl", "-qw", f"net.ipv6.conf.{NIC}.accept_dad={accept}",
                          f"net.ipv6.conf.{NIC}.dad_transmits={count}"])
    configure(1, transmissions)
    try:
        yield
    finally:
        configure(0, 1)


@pytest.mark.parametrize("options", [["--listen", f":{PORT}"], listen_option(LATER[6])], ids=["wildcard", "named"])
def test_tentative(lab: Lab, options: Sequence[str]) -> None:
    """The server starts while the detection runs, and serves the address afterwards."""
    with detection(lab, 3), own_address(lab, LATER[6], NIC, "dad"):
        server = Listening(lab, USERSPACE, options=[*options, *listen_option(address_of(lab, NIC, 4), 3479)])
        complaints = [] if server.logs("duplicate address detection") else ["the log does not mention it"]
        if not proc.wait_until(lambda: server.serves(LATER[6]), 10):
            complaints.append("the address is not served")
        elif (got := relay_of(lab, LATER[6], 6)) != LATER[6]:
            complaints.append(f"a client is relayed from {got}")
    check(complaints)


def test_duplicate(lab: Lab) -> None:
    """An address that another host has prevents nothing."""
    lab.run("client", ["ip", "address", "add", f"{LATER[6]}/64", "dev", NIC, "nodad"])
    try:
        with detection(lab, 1), own_address(lab, LATER[6], NIC, "dad"):
            def failed() -> bool:
                return "dadfailed" in lab.run("relay", ["ip", "-6", "address", "show", "dev", NIC]).stdout
            assert proc.wait_until(failed, 10), "the detection has found nothing"
            server = Listening(lab, USERSPACE, options=["--listen", f":{PORT}", *listen_option(LATER[6], 3479)])
            notes = server.addresses()["not_served"]
            mine = [note["missing"] for note in notes if LATER[6] in note["address"]]
            check([] if sorted(mine) == [False, True] else [f"the status says {notes}"])
    finally:
        lab.run("client", ["ip", "address", "del", f"{LATER[6]}/64", "dev", NIC])


# Link-local addresses.

@contextlib.contextmanager
def link_local_client(lab: Lab, role: str, server: str, kind: socket.SocketKind) -> Iterator[turn.Client]:
    """A client whose address and port are those of another client on another link."""
    with lab.entered(role):
        index = socket.if_nametoindex(NIC)
        sock = socket.socket(socket.AF_INET6, kind)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((LINK_LOCAL, 40000, 0, index))
    client = turn.Client(sock, (server, PORT), USER, PASSWORD)
    with sock:
        yield client


def test_link_local_clients(lab: Lab) -> None:
    """Two clients on two links have the same link-local address and the same port."""
    roles = {"client": NIC, "peer": OTHER_NIC}
    with contextlib.ExitStack() as stack:
        for role in roles:
            lab.run(role, ["ip", "address", "add", f"{LINK_LOCAL}/64", "dev", NIC, "nodad"])
            stack.callback(lab.run, role, ["ip", "address", "del", f"{LINK_LOCAL}/64", "dev", NIC])
        Listening(lab, BY_NAME["tcx"], options=["--listen", f":{PORT}"])
        clients = [stack.enter_context(link_local_client(lab, role, address_of(lab, device, 6), socket.SOCK_DGRAM))
                   for role, device in roles.items()]
        peer = stack.enter_context(echo_peer(lab, 4))
        complaints = []
        for client in clients:
            client.allocate(4)
            client.bind(CHANNEL, peer.address)
        for number, client in enumerate(clients * 3):
            complaints += echoed(client, b"%d" % number)
        if clients[0].relayed == clients[1].relayed:
            complaints.append("both clients have the same allocation")
    check(complaints)


def test_link_local_listener(lab: Lab) -> None:
    """A link-local listener has a zone; its clients are relayed from an address that peers can reach."""
    shown = lab.run("relay", ["ip", "-6", "-o", "address", "show", "dev", NIC, "scope", "link"]).stdout
    own = shown.split("inet6 ")[1].split("/")[0]
    server = Listening(lab, USERSPACE, options=["--listen", f"[{own}%{NIC}]:{PORT}", "--listen", f":{PORT + 1}"])
    with lab.entered("client"):
        sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        index = socket.if_nametoindex(NIC)
    client = turn.Client(sock, (own, PORT, 0, index), USER, PASSWORD)  # type: ignore[arg-type]
    with sock:
        client.allocate(6)
        complaints = [] if client.relayed[0] == address_of(lab, NIC, 6) else [f"the relay is {client.relayed}"]
    check(complaints + ([] if server.serves(f"%{NIC}]") else [f"the status says {server.addresses()}"]))


# --check-config fails where the start would.

def checked(lab: Lab, *options: str, variant: Variant = USERSPACE) -> subprocess.CompletedProcess[str]:
    command = Listening.command(lab, variant, lab.scratch / "checked.sock")
    return lab.run("relay", [*command, *options, "--check-config"], check=False)


def test_check_says_what_is_missing(lab: Lab) -> None:
    with container_host(lab):
        result = checked(lab, "--listen", f":{PORT}", *listen_option(LATER[4], 3479))
    wanted = [f"{address_of(lab, NIC, 4)}:{PORT}", f"missing:    {LATER[4]}:3479: ",
              "left out:   172.17.0.1 on docker0: "]
    check([f"{text!r} is not printed" for text in wanted if text not in result.stdout]
          + ([] if result.returncode == 0 else [f"status {result.returncode}: {result.stderr}"]))


@pytest.mark.parametrize("options", [["--dev", "nonesuch0"], ["--dev", NIC, "--dev", "nonesuch0"],
                                     ["--dev", "lo=xdp-native"]], ids=["no-device", "one-of-two", "native-on-lo"])
def test_check_of_devices(lab: Lab, options: Sequence[str]) -> None:
    result = checked(lab, "--listen", f":{PORT}", *options)
    check([] if result.returncode == 2 and result.stderr else [f"status {result.returncode}: {result.stderr}"])


def starts(lab: Lab, options: Sequence[str]) -> bool:
    try:
        Listening(lab, USERSPACE, options=options).stop()
    except proc.LabError:
        return False
    return True


@pytest.mark.parametrize("device", ["lo", "docker0", "vpn", NIC, "nonesuch0"])
def test_check_agrees_with_start(lab: Lab, device: str) -> None:
    """--check-config fails for exactly those modes of a device with which the server does not start."""
    complaints = []
    with container_host(lab):
        for mode in ("auto", "tc", "xdp-native", "xdp-generic", "userspace"):
            options = ["--listen", f":{PORT}", "--dev", f"{device}={mode}"]
            passes, does_start = checked(lab, *options).returncode == 0, starts(lab, options)
            if passes != does_start:
                complaints.append(f"{mode}: check {passes}, start {does_start}")
    check(complaints)


def test_check_of_ports(lab: Lab) -> None:
    """A port that another program has is an error, unless that program is the server itself."""
    with lab.entered("relay"), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((address_of(lab, NIC, 4), PORT))
        result = checked(lab, "--listen", f":{PORT}")
    complaints = [] if (result.returncode, "is in use" in result.stderr) == (2, True) else [f"busy: {result}"]
    Listening(lab, USERSPACE, options=["--listen", f":{PORT}"], control=lab.scratch / "checked.sock")
    result = checked(lab, "--listen", f":{PORT}")
    check(complaints + ([] if result.returncode == 0 else [f"of a running server: {result}"]))


def test_check_of_files(lab: Lab) -> None:
    """With --as, files that the user of the service cannot read are an error."""
    cert, key = make_certificate(lab.scratch, "relay")
    lab.scratch.chmod(0o755)
    os.chown(key, 0, 0)
    for path in (cert, lab.scratch / "lab.conf"):
        path.chmod(0o644)
    options = ["--listen-tls", f":{PORT + 1}", "--cert", str(cert), "--key", str(key)]
    complaints = []
    for mode, as_user, status in ((0o600, None, 0), (0o600, "nobody", 2), (0o644, "nobody", 0)):
        key.chmod(mode)
        result = checked(lab, "--listen", f":{PORT}", *options, *(["--as", as_user] if as_user else []))
        if result.returncode != status:
            complaints.append(f"{mode:o} as {as_user}: status {result.returncode}: {result.stderr}")
    check(complaints)


def test_readiness(lab: Lab) -> None:
    """A server is ready while it has an address to listen on."""
    server = Listening(lab, USERSPACE, options=[*listen_option(LATER[4]), *LISTEN])

    def becomes(status: int) -> bool:
        return proc.wait_until(lambda: get(lab, "/readyz").status == status, 10)

    complaints = [] if becomes(503) else ["it is ready without an address"]
    with own_address(lab, LATER[4]):
        complaints += [] if becomes(200) else ["it is not ready with an address"]
    complaints += [] if becomes(503) else ["it stays ready without an address"]
    check(complaints + server.stop_complaints())

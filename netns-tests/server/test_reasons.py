# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Each reason for which the kernel does not relay a direction is forced, and ends with its cause.

    client ----- relay ----- peer

test_sessions.py forces those of the everyday. What leaves or arrives encrypted needs a kernel with ESP, so
datapath/test_encapsulation.py forces it in a virtual machine.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from clocks import Clocks
from lab import connected, proc, turn
from lab.complaints import Complaints, check
from lab.endpoints import echo_peer
from lab.lab import Lab
from lab.relay import BY_NAME, PASSWORD, PORT, USER, Turnpike, Variant
from lab.roundtrip import CHANNEL
from lab.sessions import FAMILY, PAYLOAD, allocated, ask, bound, serve, session_of, sessions, talk

TIMEOUT = 20  # seconds; it only ends a failure
QUIET = 0.05  # seconds without an answer
PERMISSION_LIFETIME = 300  # RFC 8656, section 9
TCX, CLSACT, GENERIC = (BY_NAME[name] for name in ("tcx", "clsact", "generic-head"))
LOW_DELAY = 0x10  # of the TOS byte, for which the host has routes of its own


# What is said.

def directions(server: Turnpike, client: turn.Client) -> dict[str, Any]:
    """What is said of the client's first peer."""
    peer: dict[str, Any] = session_of(server, client)["peers"][0]
    return peer


def is_in_kernel(server: Turnpike, client: turn.Client) -> bool:
    peer = directions(server, client)
    return bool(peer["to_peer"]["in_kernel"] and peer["to_client"]["in_kernel"])


def unexplained(server: Turnpike, found: dict[str, Any], reason: str, why: str) -> Complaints:
    """Where a session, or a direction of one, does not have the reason; and `turnpike why`, not its remedy."""
    complaints = [f"{key} is '{found[key]}', not '{value}'" for key, value in (("reason", reason), ("why", why))
                  if found[key] != value]
    remedy = ask(server, "sessions")["remedies"][reason]
    text = server.cli("why", USER)
    return complaints + ([] if f"{why}\n    {remedy}\n" in text else [f"'{remedy}' is not in {text}"])


# What the host does with packets to the peer.

@dataclass(frozen=True)
class Rule:
    """What the host does: commands that begin and end it, whose {names} are those of the lab; and what is said of it.

    Its end is the remedy.
    """

    why: str
    begin: Sequence[str]
    end: Sequence[str]
    variant: Variant = TCX

    @contextlib.contextmanager
    def applied(self, lab: Lab) -> Iterator[None]:
        self._run(lab, self.begin)
        try:
            yield
        finally:
            self._run(lab, self.end)

    @staticmethod
    def _run(lab: Lab, commands: Sequence[str]) -> None:
        words = {"client": lab.address("client", FAMILY), "peer": lab.address("peer", FAMILY), "other": OTHER,
                 "network": f"{lab.address('peer', FAMILY)}/32", "tagging": str(lab.scratch / "tagging.o")}
        for command in commands:
            program, _, arguments = command.format(**words).partition(" ")
            # nft has a syntax of its own.
            lab.run("relay", [program, arguments] if program == "nft" else [program, *arguments.split()])


OTHER = "10.77.3.9"  # on the peer's network
BARRED = "which does not relay in the kernel"


def table(chain: str, rule: str) -> Sequence[str]:
    return [f"nft add table ip reasons; add chain ip reasons c {{{{ {chain} }}}}; add rule ip reasons c {rule}"]


def by_tos(*route: str) -> tuple[Sequence[str], Sequence[str]]:
    """Packets with LOW_DELAY take this route to the peer, and others another one."""
    return ([*route, f"ip rule add tos {LOW_DELAY:#x} table 77"],
            [f"ip rule del tos {LOW_DELAY:#x} table 77", "ip route flush table 77"])


PROGRAMS = Path(__file__).with_name("tagging.bpf.c")
NO_TABLE = ["nft delete table ip reasons"]
TUNNEL = "src 172.17.0.0/16 dst 172.18.0.0/16 dir in"
RULES = {
    "unseen": Rule("dropped before the wire, or sent by a device that is not attached",
                   table("type filter hook output priority 0;", "ip daddr {peer} drop"), NO_TABLE),
    "nat_address": Rule("the host's NAT changes the source address",
                        table("type nat hook postrouting priority srcnat;", "ip daddr {peer} snat to {other}"),
                        NO_TABLE),
    "device": Rule("leaves by nic0, not nic1", *by_tos("ip route add {network} via {client} dev nic0 table 77")),
    "next_hop": Rule("leaves to another next hop", *by_tos(
        "ip neigh replace {other} lladdr 02:00:00:00:00:09 dev nic1 nud permanent",
        "ip route add {network} via {other} dev nic1 table 77")),
    "vlan_tags": Rule("leaves with other VLAN tags",
                      ["tc filter add dev nic1 egress prio 1 bpf direct-action obj {tagging} sec tc"],
                      ["tc filter del dev nic1 egress prio 1"], CLSACT),
    "encapsulated": Rule("leaves encapsulated", *by_tos(
        "ip route add {network} encap seg6 mode encap segs fd77:0:0:3::2 dev nic1 table 77")),
    "may_be_decrypted": Rule("may arrive encrypted, which generic XDP does not see: use TC",
                             [f"ip xfrm policy add {TUNNEL} tmpl src 172.17.0.1 dst 172.18.0.1 proto esp mode tunnel"],
                             [f"ip xfrm policy del {TUNNEL}"], GENERIC),
}


@pytest.fixture(scope="module", autouse=True)
def programs(shared_lab: Lab) -> None:
    proc.compile_bpf(PROGRAMS, shared_lab.scratch)


@pytest.mark.parametrize("reason", RULES)
def test_what_the_host_does(lab: Lab, reason: str) -> None:
    """A rule of the host is named as long as it exists, and no longer."""
    rule = RULES[reason]
    server = serve(lab, rule.variant)
    with echo_peer(lab, FAMILY) as peer, bound(lab, peer.address) as client:
        client.socket.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, LOW_DELAY)

        def sends_until(is_so: Callable[[], bool]) -> bool:
            def sent() -> bool:
                client.socket.send(turn.channel_data(CHANNEL, PAYLOAD))
                client.receive(QUIET)
                return is_so()
            return proc.wait_until(sent, TIMEOUT)

        with rule.applied(lab):
            sends_until(lambda: directions(server, client)["to_peer"]["reason"] == reason)
            complaints = unexplained(server, directions(server, client)["to_peer"], reason, rule.why)
        if not sends_until(lambda: is_in_kernel(server, client)):
            complaints.append(f"afterwards: {directions(server, client)}")
    check(complaints + server.stop_complaints())


def test_device_that_is_not_attached(lab: Lab) -> None:
    """Packets come in and leave by a device that does not relay, which is named for both directions."""
    server = serve(lab, TCX, "--dev", "nic0")
    with echo_peer(lab, FAMILY) as peer, bound(lab, peer.address) as client:
        complaints = talk(client)
        found = directions(server, client)
        complaints += unexplained(server, found["to_peer"], "unseen", f"leaves by nic1, {BARRED}")
        complaints += unexplained(server, found["to_client"], "unseen", f"may arrive by nic1, {BARRED}")
    check(complaints + server.stop_complaints())


# What the client does.

def test_dtls(lab: Lab) -> None:
    """A client on DTLS is not relayed in the kernel, whatever it has."""
    server = serve(lab, TCX)
    client = connected.turn_client(lab, "dtls", FAMILY, FAMILY)
    with contextlib.closing(client.socket), echo_peer(lab, FAMILY) as peer:
        client.bind(CHANNEL, peer.address)
        complaints = talk(client)
        session, = sessions(server)
        for found in (session, session["peers"][0]["to_peer"], session["peers"][0]["to_client"]):
            complaints += unexplained(server, found, "dtls", "the client uses DTLS")
    check(complaints + server.stop_complaints())


def test_link_local(lab: Lab) -> None:
    """A client with a link-local address is relayed, though not in the kernel."""
    server = serve(lab, TCX)
    with lab.entered("client"), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.bind((link_local(lab), 0, 0, socket.if_nametoindex("nic0")))
        client = turn.Client(sock, (lab.topology.listen.address(6), PORT), USER, PASSWORD)
        with echo_peer(lab, FAMILY) as peer:
            client.allocate(FAMILY)
            client.bind(CHANNEL, peer.address)
            complaints = talk(client)
            found = sessions(server)[0]["peers"][0]
    for direction in ("to_peer", "to_client"):
        complaints += unexplained(server, found[direction], "link_local",
                                  "link-local addresses are relayed in user space")
    check(complaints + server.stop_complaints())


def link_local(lab: Lab) -> str:
    shown = lab.run("client", ["ip", "-6", "-oneline", "addr", "show", "dev", "nic0", "scope", "link"]).stdout
    return next(word for word in shown.split() if word.startswith("fe80:")).partition("/")[0]


def test_expired(lab: Lab) -> None:
    """A channel whose permission has expired relays to the peer, and nothing to the client until it is renewed."""
    clocks = Clocks(lab)
    server = connected.serve(lab, TCX, wrapper=clocks.wrapper)
    with echo_peer(lab, FAMILY) as peer, bound(lab, peer.address) as client:
        complaints = talk(client)
        clocks.advance(PERMISSION_LIFETIME + 1)
        found = directions(server, client)
        complaints += unexplained(server, found["to_client"], "expired", "the channel or permission has expired")
        complaints += [] if found["to_peer"]["reason"] in ("", "again") else [f"to the peer: {found}"]
        client.bind(CHANNEL, peer.address)
        complaints += talk(client)
        if not is_in_kernel(server, client):
            complaints.append(f"renewed, but {directions(server, client)}")
    check(complaints + server.stop_complaints())


# What the kernel does.

class Failing:
    """A server whose writes to the kernel's maps fail if it is told so."""

    def __init__(self, lab: Lab) -> None:
        library = lab.scratch / "failing_bpf.so"
        proc.run(["cc", "-shared", "-fPIC", "-O2", "-o", str(library),
                  str(Path(__file__).with_name("failing_bpf.c")), "-ldl"])
        self._switch = lab.scratch / "failing_bpf"
        self.server = connected.serve(lab, TCX, wrapper=[
            "env", f"LD_PRELOAD={library}", f"FAILING_BPF={self._switch}", "ASAN_OPTIONS=verify_asan_link_order=0"])

    @contextlib.contextmanager
    def by(self, error: int) -> Iterator[None]:
        self._switch.write_text(str(error))
        self._switch.chmod(0o644)
        try:
            yield
        finally:
            self._switch.unlink()


@pytest.mark.parametrize("reason, error, why, logged", [
    ("error", errno.ENOMEM, "waits for an error of the kernel to pass", "look for a lack of memory"),
    ("refused", errno.EINVAL, "the kernel has refused the flow", os.strerror(errno.EINVAL))], ids=("error", "refused"))
def test_failing_kernel(lab: Lab, reason: str, error: int, why: str, logged: str) -> None:
    """A flow that the kernel does not take is relayed in user space, and the log says why. One that waits for memory
    gets in when there is some, one that was refused with the next refresh."""
    failing = Failing(lab)
    server = failing.server
    with echo_peer(lab, FAMILY) as peer, allocated(lab) as client:
        with failing.by(error):
            client.bind(CHANNEL, peer.address)
            complaints = talk(client)
            found = directions(server, client)
            for direction in ("to_peer", "to_client"):
                complaints += unexplained(server, found[direction], reason, why)
        lines = [line for line in server.process.log().splitlines() if "a flow stays in user space" in line]
        complaints += [] if len(lines) == 1 and logged in lines[0] else [f"logged: {lines}"]
        if reason == "refused":
            client.bind(CHANNEL, peer.address)
        if not proc.wait_until(lambda: not talk(client, 1) and is_in_kernel(server, client), TIMEOUT):
            complaints.append(f"afterwards: {directions(server, client)}")
    check(complaints + server.stop_complaints())


# A full map of next hops: one for the client, and one for each address of a peer.

NEXT_HOPS = 16383  # of the library; the first element of the map is never used
PEER_NETWORK, PEER_PORT = "10.96.0.0/16", 7000
PER_CLIENT = 4096
LAST = ("10.96.255.1", PEER_PORT)
ATTEMPTS = 10


def peers(first: int, count: int) -> list[turn.Address]:
    return [(f"10.96.{number >> 8}.{number & 0xff}", PEER_PORT) for number in range(first, first + count)]


def bind_all(client: turn.Client, addresses: Sequence[turn.Address]) -> None:
    for number, address in enumerate(addresses):
        client.bind(CHANNEL + number, address)


@pytest.fixture
def many_peers(lab: Lab) -> Iterator[None]:
    """Their network is behind the peer."""
    lab.run("relay", ["ip", "route", "add", PEER_NETWORK, "via", lab.address("peer", FAMILY)])
    yield
    lab.run("relay", ["ip", "route", "del", PEER_NETWORK])


def becomes(server: Turnpike, client: turn.Client, *wanted: str) -> str:
    """The reason of the flow to the first peer, as soon as it is one of those, or the last one."""
    found: list[str] = []

    def is_one() -> bool:
        found.append(directions(server, client)["to_peer"]["reason"])
        return found[-1] in wanted

    proc.wait_until(is_one, TIMEOUT, 0.01)
    return found[-1]


def has_settled(server: Turnpike, lab: Lab) -> bool:
    """Whether the flow of a new client had to wait until packets have left the last next hop; then it has it."""
    with allocated(lab) as client:
        client.bind(CHANNEL, LAST)
        found = directions(server, client)["to_peer"]
        if is_settling := found["reason"] == "settling":
            assert found["why"] == "waits until packets in flight have left a freed next hop"
        assert becomes(server, client, "unresolved", "new") in ("unresolved", "new")
        client.refresh(0)
    return is_settling


@pytest.mark.usefixtures("many_peers")
def test_full_map_of_next_hops(lab: Lab) -> None:
    """A flow to a new address waits for a next hop, until another one frees its own. One that was freed just after
    others cannot be used for a second."""
    server = serve(lab, TCX, "--max-channels", "4096", "--max-permissions", "4096")
    with contextlib.ExitStack() as stack:
        for first in range(0, NEXT_HOPS - 2, PER_CLIENT):
            bind_all(stack.enter_context(allocated(lab)), peers(first, min(PER_CLIENT, NEXT_HOPS - 2 - first)))
        with bound(lab, peers(NEXT_HOPS, 1)[0]) as leaving, bound(lab, LAST) as waiting:
            complaints = unexplained(server, directions(server, waiting)["to_peer"], "next_hops",
                                     "waits for room in the map of next hops")
            leaving.refresh(0)
            if (now := becomes(server, waiting, "unresolved", "new")) not in ("unresolved", "new"):
                complaints.append(f"it still waits: {now}")
            waiting.refresh(0)
        if not any(has_settled(server, lab) for _ in range(ATTEMPTS)):  # a busy machine may look away for that second
            complaints.append("no next hop had to settle")
    check(complaints + server.stop_complaints())

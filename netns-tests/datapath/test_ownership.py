# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""With the relay attached, the host handles all other traffic exactly as without it.

    client ----- router ----- relay            the router sends thousands of frames of other_traffic.py to the relay
                   |
                 peer

What the host does with the frames is compared with the variant userspace, which attaches nothing.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import answers
import other_traffic
from lab import proc, turn
from lab.complaints import Complaints, check
from lab.endpoints import SOCKET_FAMILY, echo_peer, udp_socket
from lab.flow import Flow
from lab.lab import Lab
from lab.relay import BY_NAME, PASSWORD, PORT, USER, VARIANTS, Turnpike, Variant
from lab.rig import CHANNEL
from lab.topology import CLIENT, FAMILIES, PEER, Place
from lab.topology import RELAY as HOST
from lab.wire import Tap, sender, tap_behind_hooks
from other_traffic import DROPPED_BY_KERNEL, Frame, Hosts, number_of

BASELINE = BY_NAME["userspace"]
FRAMES, SEED = 3000, 8656
RELAY_MAC, ROUTER_MAC = "02:77:00:00:02:02", "02:77:00:00:02:01"
NIC, ROUTER_NIC = "nic0", "to-relay"
ROUTER, OTHER = Place(2, 1), Place(2, 9)
RELAYED = 50000               # with a range of one port, the client of each family gets this one
RELAY_PORTS = RELAYED, 50007  # the range while services are tested
CLIENT_PORT, PEER_PORT = 40000, 3480
BURST = 32                    # frames at a time: no queue on the way is shorter
LIMIT = 5.0                   # seconds to wait for what must happen
BURST_LIMIT = 2.0
# The host answers everything at once: no rate limits, and no flow label that depends on a secret.
SYSCTLS = {"ipv4/icmp_ratelimit": 0, "ipv4/icmp_ratemask": 0, "ipv4/icmp_msgs_per_sec": 1000000,
           "ipv4/icmp_msgs_burst": 1000000, "ipv6/icmp/ratelimit": 0, "ipv6/auto_flowlabels": 0}

# With -n, the tests of one variant run in one worker: they share what has become of the frames.
every_variant = pytest.mark.parametrize("variant", [
    pytest.param(variant, marks=pytest.mark.xdist_group(f"test_ownership {variant.name}"), id=variant.name)
    for variant in VARIANTS])


# The network.

@contextlib.contextmanager
def deterministic_lab() -> Iterator[Lab]:
    """A network where nothing depends on chance: fixed MAC addresses, no rate limits, no neighbours to resolve.

    What a test leaves behind, such as half a packet, must not reach the next one: each has a network of its own.
    """
    with Lab("router", offload=False) as lab:
        with lab.entered("relay"):
            for name, value in SYSCTLS.items():
                # Old kernels have some of them for all namespaces together.
                with contextlib.suppress(FileNotFoundError, PermissionError):
                    Path("/proc/sys/net", name).write_text(str(value))
        for role, device, mac in (("relay", NIC, RELAY_MAC), ("router", ROUTER_NIC, ROUTER_MAC)):
            lab.run(role, ["ip", "link", "set", "dev", device, "address", mac])
        for family in FAMILIES:
            for role, device, neighbour, mac in (("relay", NIC, ROUTER, ROUTER_MAC),
                                                 ("router", ROUTER_NIC, HOST, RELAY_MAC)):
                lab.run(role, ["ip", "neigh", "replace", neighbour.address(family), "lladdr", mac, "nud", "permanent",
                               "dev", device])
            lab.run("relay", ["ip", "addr", "add", OTHER.with_prefix(family), "dev", NIC, *["nodad"] * (family == 6)])
            for address in other_traffic.FOREIGN[family]:  # answers to foreign hosts end at the router
                lab.run("router", ["ip", f"-{family}", "route", "add", "blackhole", address])
        yield lab


@pytest.fixture
def lab() -> Iterator[Lab]:
    with deterministic_lab() as lab:
        yield lab


class Channels:
    """A client of each family with a channel to a peer: so the ports are in use, and there are flows."""

    def __init__(self, lab: Lab) -> None:
        self.peers = {family: udp_socket(lab, "peer", family, PEER_PORT) for family in FAMILIES}
        self.clients = {}
        for family in FAMILIES:
            sock = udp_socket(lab, "client", family, CLIENT_PORT)
            client = turn.Client(sock, (lab.topology.listen.address(family), PORT), USER, PASSWORD)
            client.allocate(family)
            client.bind(CHANNEL, self.peers[family].getsockname()[:2])
            self.clients[family] = client

    def _exchange(self) -> Complaints:
        complaints = []
        for family, client in self.clients.items():
            client.socket.send(turn.channel_data(CHANNEL, b"still here"))
            self.peers[family].sendto(b"still here", client.relayed)
            if client.receive(2) != turn.channel_data(CHANNEL, b"still here"):
                complaints.append(f"the channel of IPv{family} no longer works")
        return complaints

    def complaints(self, server: Turnpike) -> Complaints:
        """Both flows of both families are relayed where the mode says."""
        for client in self.clients.values():
            while client.receive(0.01) is not None:
                pass
        complaints = self._exchange()  # which confirms the flows
        kernel_before, _ = server.relayed()
        complaints += self._exchange()
        kernel = server.relayed()[0] - kernel_before
        if kernel != 4 * server.variant.in_kernel:
            complaints.append(f"{kernel} of 4 packets were relayed in the kernel")
        return complaints

    def close(self) -> None:
        for family in FAMILIES:
            self.clients[family].socket.close()
            self.peers[family].close()


@contextlib.contextmanager
def relaying(lab: Lab, variant: Variant, last_port: int) -> Iterator[tuple[Turnpike, Channels]]:
    """A relay whose channels work."""
    server = Turnpike(lab, variant, options=["--relay-ports", f"{RELAYED}-{last_port}", "--dev", NIC,
                                             "--transports", "udp"])
    # Native XDP turns GRO of a veth on, which would merge TCP segments: that is veth's doing, not ours.
    for role, device in (("relay", NIC), ("router", ROUTER_NIC)):
        lab.run(role, ["ethtool", "-K", device, "gro", "off"])
    with contextlib.closing(Channels(lab)) as channels:
        if not proc.wait_until(lambda: not channels.complaints(server), LIMIT, step=0.1):
            raise proc.LabError("packets do not flow both ways as the mode promises")
        yield server, channels


# Other traffic.

@dataclass(frozen=True)
class Outcome:
    """What has become of the frames of other_traffic.py."""

    view: list[bytes]             # what the host's stack got, behind all hooks of the relay, in order
    answers: Counter[bytes]
    seen_by_program: int          # packets that the relay's program has counted
    complaints: Complaints        # of the channels, afterwards
    report: str


@functools.cache
def all_frames() -> list[Frame]:
    host, other = ({family: place.address(family) for family in FAMILIES} for place in (HOST, OTHER))
    client, peer = ({family: (place.address(family), port) for family in FAMILIES}
                    for place, port in ((CLIENT, CLIENT_PORT), (PEER, PEER_PORT)))
    return other_traffic.generate(
        Hosts(RELAY_MAC, host, other, PORT, RELAYED, RELAY_PORTS, client, peer, CHANNEL), FRAMES, SEED)


@functools.cache
def outcome(variant: Variant) -> Outcome:
    with deterministic_lab() as lab, relaying(lab, variant, RELAYED) as (server, channels):
        before = server.verdicts()
        view, sent_by_host = send_frames(lab, all_frames())
        seen_by_program = sum(server.verdicts().values()) - sum(before.values())
        result = Outcome(view, answers.collect(sent_by_host), seen_by_program, channels.complaints(server),
                         server.report())
    print(f"{len(all_frames())} frames sent, {len(view)} seen, {sum(result.answers.values())} answers,"
          f" {seen_by_program} packets seen by the program")
    return result


def send_frames(lab: Lab, frames: list[Frame]) -> tuple[list[bytes], list[bytes]]:
    """Send the frames, and return those that the host's stack gets, and those that the host sends meanwhile."""
    view: list[bytes] = []
    at_router: list[bytes] = []
    with contextlib.closing(Tap(lab, "router", ROUTER_NIC)) as router_tap, \
            tap_behind_hooks(lab, "relay", NIC) as tap, sender(lab, "router", ROUTER_NIC) as out:

        def has_arrived(number: int) -> bool:
            view.extend(frame for frame in tap.read() if number_of(frame) is not None)
            at_router.extend(router_tap.read())
            return bool(view) and number_of(view[-1]) == number

        for start in range(0, len(frames), BURST):
            burst = frames[start:start + BURST]
            for frame in burst:
                out.send(frame.data)
            last = start + max(n for n, frame in enumerate(burst) if frame.kind != DROPPED_BY_KERNEL)
            proc.wait_until(lambda: has_arrived(last), BURST_LIMIT, step=0.002)

        def quiet() -> bool:
            before = len(view) + len(at_router)
            time.sleep(0.5)
            has_arrived(-1)
            return len(view) + len(at_router) == before
        proc.wait_until(quiet, LIMIT)
    mac = bytes.fromhex(RELAY_MAC.replace(":", ""))
    return view, [frame for frame in at_router if frame[6:12] == mac]


@every_variant
def test_view(variant: Variant) -> None:
    """Behind the relay's hooks the host's stack gets the frames as they were sent: all of them, in order, unchanged."""
    frames, got = all_frames(), outcome(variant)
    sent = [frame.data for frame in frames if frame.kind != DROPPED_BY_KERNEL]
    complaints: Complaints = []
    if got.view != sent:
        seen = {number_of(frame): frame for frame in got.view}
        for what, wrong in (("missing", [each for each in sent if number_of(each) not in seen]),
                            ("changed", [each for each in sent if seen.get(number_of(each), each) != each])):
            kinds = Counter(frames[number_of(each) or 0].kind for each in wrong)
            if wrong:
                complaints.append(f"{len(wrong)} are {what}: {dict(kinds)}; the first was {wrong[0][:64].hex()}"
                                  f" and is {seen.get(number_of(wrong[0]), b'')[:64].hex()}")
        if not complaints:
            complaints.append(f"{len(got.view)} frames are in another order, or more than {len(sent)}")
    if variant.in_kernel and got.seen_by_program < len(sent):
        complaints.append(f"the program has seen {got.seen_by_program} of {len(sent)} frames")
    print(got.report)
    check(complaints)


@every_variant
def test_answers(variant: Variant) -> None:
    """The host gives the same answers (echo replies, resets, unreachables, STUN errors), and the relay still relays."""
    got, wanted = outcome(variant), outcome(BASELINE).answers
    differences = {"missing": wanted - got.answers, "new": got.answers - wanted}
    complaints = [f"{sum(those.values())} answers are {what}, the first {next(iter(those))[:80].hex()}"
                  for what, those in differences.items() if those]
    if sum(wanted.values()) < FRAMES // 10:
        complaints.append(f"{sum(wanted.values())} answers are too few to compare")
    print(got.report)
    check(complaints + got.complaints)


# The host's own services.

def dns(lab: Lab, family: int, relayed: int) -> Complaints:
    """From the relayed port and the listener's on the host's other address, and from every free port of the relay."""
    sources = [(OTHER, relayed), (OTHER, PORT), *((HOST, port) for port in range(*RELAY_PORTS))]
    complaints, in_use = [], 0
    for place, port in sources:
        with (lab.entered("relay"), echo_peer(lab, family) as resolver,
              socket.socket(SOCKET_FAMILY[family], socket.SOCK_DGRAM) as sock):
            try:
                sock.bind((place.address(family), port))
            except OSError as error:
                if place is not HOST or error.errno != errno.EADDRINUSE:
                    raise
                in_use += 1  # a client has it
                continue
            sock.settimeout(LIMIT)
            for number in range(20):
                query = bytes([number, 0x40]) + b"\x01\x00 what is the address?"
                sock.sendto(query, resolver.address)
                try:
                    answer = sock.recv(2000)
                except TimeoutError:
                    answer = b""
                if answer != query:
                    complaints.append(f"from {place.address(family)} port {port}: {answer!r} for {query!r}")
                    break
    if in_use >= len(sources) - 2:
        complaints.append("no port of the relay was free")
    return complaints


def tcp(lab: Lab, family: int, relayed: int) -> Complaints:
    """To a server and from a client whose port numbers are the relay's."""
    host, peer = HOST.address(family), lab.address("peer", family)
    connections = {"to a server beside the listener": ("relay", (host, PORT), "client", None),
                   "from the relayed port": ("peer", (peer, 80), "relay", (host, relayed))}
    return [f"{name}: {error}" for name, ends in connections.items() for error in tcp_echo(lab, family, *ends)]


def tcp_echo(lab: Lab, family: int, server_role: str, address: tuple[str, int], client_role: str,
             source: tuple[str, int] | None) -> Complaints:
    data = bytes(range(256)) * 1024
    with lab.entered(server_role):
        listener = socket.create_server(address, family=SOCKET_FAMILY[family])
    listener.settimeout(LIMIT)

    def serve() -> None:
        with contextlib.suppress(OSError), listener.accept()[0] as connection:
            while part := connection.recv(65536):
                connection.sendall(part)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        with lab.entered(client_role):
            client = socket.create_connection(address, timeout=LIMIT, source_address=source)
        with client:
            def write() -> None:
                with contextlib.suppress(OSError):  # the reader reports it
                    client.sendall(data)
                    client.shutdown(socket.SHUT_WR)

            writer = threading.Thread(target=write, daemon=True)
            writer.start()
            back = b"".join(iter(lambda: client.recv(65536), b""))
            writer.join()
        return [] if back == data else [f"{len(back)} bytes came back, not the {len(data)} that were sent"]
    except OSError as error:
        return [str(error)]
    finally:
        thread.join()
        listener.close()


def ping(lab: Lab, family: int, _relayed: int) -> Complaints:
    """Small ones and large ones of many fragments, to the host and by the host."""
    complaints = []
    for role, target in (("relay", lab.address("peer", family)), ("client", HOST.address(family))):
        for size in (56, 1400, 9000, 40000):
            done = lab.run(role, ["busybox", "ping", f"-{family}", "-c", "3", "-A", "-w", "5", "-s", str(size), target],
                           check=False)
            if "3 packets received" not in done.stdout:
                output = (done.stdout + done.stderr).strip().splitlines()[-1:]
                complaints.append(f"of {size} bytes from {role}: {output}")
    return complaints


SERVICES: dict[str, Callable[[Lab, int, int], Complaints]] = {"dns": dns, "tcp": tcp, "ping": ping}


@every_variant
def test_services(lab: Lab, variant: Variant) -> None:
    """The host's own DNS, TCP and pings work with port numbers of the relay's while the relay relays."""
    with relaying(lab, variant, RELAY_PORTS[1]) as (server, channels), \
            echo_peer(lab, 4) as peer4, echo_peer(lab, 6) as peer6:
        flows = [Flow(lab, family, peer.address) for family, peer in zip(FAMILIES, (peer4, peer6))]
        before, _ = server.relayed()
        for flow in flows:
            flow.start()
        complaints = [f"{name}, IPv{family}: {each}" for name, service in SERVICES.items()
                      for family, client in channels.clients.items()
                      for each in service(lab, family, client.relayed[1])]
        for flow in flows:
            flow.stop()
        sent, back = sum(flow.sent for flow in flows), sum(len(flow.back) for flow in flows)
        relayed = server.relayed()[0] - before
        print(f"{sent} messages meanwhile, {back} came back, {relayed} packets relayed in the kernel")
        complaints += [each for flow in flows for each in flow.wrong[:3]]
        if not back or (variant.in_kernel and relayed < back):
            complaints.append(f"{back} of {sent} messages came back, {relayed} packets were relayed in the kernel")
    check(complaints)

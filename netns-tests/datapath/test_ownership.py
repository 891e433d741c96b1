#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""With the relay attached, all other traffic of the host is exactly as before.

    client ----- router ----- relay            the router sends thousands of frames of strangers.py into the relay's NIC
                   |
                 peer

    view       what the host's stack gets of them, behind all of our hooks: the same frames in the same order, byte for
               byte, as with nothing attached, which is as they were sent
    answers    what the host says to them (echo replies, resets, unreachables, STUN errors): the same, as a multiset
    services   the host's own DNS, TCP and pings, with ports of the relay's, while the relay relays

A case is named variant/what; --only TEXT runs those with TEXT in their names. The view and the answers are compared
with those of user space alone, where nothing is attached.
"""

from __future__ import annotations

import argparse
import contextlib
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import answers
import strangers
from lab import proc, turn
from lab.endpoints import SOCKET_FAMILY, echo_peer, udp_socket
from lab.flow import Flow
from lab.lab import Lab
from lab.relay import PASSWORD, PORT, USER, VARIANTS, Turnpike, Variant
from lab.topology import FAMILIES, Place
from lab.wire import Tap, sender, tap_behind_hooks
from scenes import FAILURES
from strangers import NEVER_SEEN, Frame, Wire, number_of

BASELINE = next(variant for variant in VARIANTS if not variant.in_kernel)
RELAY_MAC, ROUTER_MAC = "02:77:00:00:02:02", "02:77:00:00:02:01"
NIC, ROUTER_NIC = "nic0", "to-relay"
RELAYED = 50000           # with a range of one port, each family's client gets this one
RANGE = (RELAYED, 50007)  # for services
CLIENT_PORT, PEER_PORT, CHANNEL = 40000, 3480, 0x4001
OTHER = Place(2, 9)
BURST = 32  # frames at a time: no queue on the way is shorter
# The host answers everything at once: no rate limits, and no flow label that depends on a secret.
SYSCTLS = {"ipv4/icmp_ratelimit": 0, "ipv4/icmp_ratemask": 0, "ipv4/icmp_msgs_per_sec": 1000000,
           "ipv4/icmp_msgs_burst": 1000000, "ipv6/icmp/ratelimit": 0, "ipv6/auto_flowlabels": 0}


def make_calm(lab: Lab) -> None:
    """Nothing on the relay's wire may depend on chance: fixed MAC addresses, no rate limits, no neighbours to ask."""
    with lab.entered("relay"):
        for name, value in SYSCTLS.items():
            with contextlib.suppress(FileNotFoundError, PermissionError):  # some are the whole machine's on old kernels
                Path("/proc/sys/net", name).write_text(str(value))
    for role, device, mac in (("relay", NIC, RELAY_MAC), ("router", ROUTER_NIC, ROUTER_MAC)):
        lab.run(role, ["ip", "link", "set", "dev", device, "address", mac])
    for family in FAMILIES:
        relay, router = Place(2, 2).address(family), Place(2, 1).address(family)
        for role, device, address, mac in (("relay", NIC, router, ROUTER_MAC),
                                           ("router", ROUTER_NIC, relay, RELAY_MAC)):
            lab.run(role, ["ip", "neigh", "replace", address, "lladdr", mac, "nud", "permanent", "dev", device])
        lab.run("relay", ["ip", "addr", "add", OTHER.with_prefix(family), "dev", NIC, *["nodad"] * (family == 6)])
        for stranger in strangers.STRANGERS[family]:  # answers to strangers end at the router
            lab.run("router", ["ip", f"-{family}", "route", "add", "blackhole", stranger])


def without_gro(lab: Lab) -> None:
    """Attaching native XDP to a veth turns GRO on, which would join TCP segments: not our doing, and not the same."""
    for role, device in (("relay", NIC), ("router", ROUTER_NIC)):
        lab.run(role, ["ethtool", "-K", device, "gro", "off"])


class Channels:
    """A client of each family, with one channel to a peer: so the ports have roles, and there are flows."""

    def __init__(self, lab: Lab) -> None:
        self.peers = {family: udp_socket(lab, "peer", family, PEER_PORT) for family in FAMILIES}
        self.clients = {}
        for family in FAMILIES:
            sock = udp_socket(lab, "client", family, CLIENT_PORT)
            client = turn.Client(sock, (lab.topology.listen.address(family), PORT), USER, PASSWORD)
            client.allocate(family)
            client.bind(CHANNEL, self.peers[family].getsockname()[:2])
            self.clients[family] = client

    def complaints(self, server: Turnpike) -> list[str]:
        """Both flows of both families still go, on the path that the mode promises."""
        for family, client in self.clients.items():
            self.peers[family].settimeout(1)
            while client.receive(0.01) is not None:
                pass
        kernel_before, _ = server.relayed()
        complaints = []
        for family, client in self.clients.items():
            client.socket.send(turn.channel_data(CHANNEL, b"still here"))
            self.peers[family].sendto(b"still here", client.relayed)
            if client.receive(1) != turn.channel_data(CHANNEL, b"still here"):
                complaints.append(f"the channel of IPv{family} does not go any more")
        kernel = server.relayed()[0] - kernel_before
        if kernel != 4 * server.variant.in_kernel:
            complaints.append(f"the kernel relayed {kernel} packets of 4")
        return complaints

    def warm_up(self, server: Turnpike) -> None:
        if not proc.wait_until(lambda: not self.complaints(server), 5, step=0.1):
            raise proc.LabError("packets do not flow both ways as the mode promises")

    def close(self) -> None:
        for family in FAMILIES:
            self.clients[family].socket.close()
            self.peers[family].close()


@contextlib.contextmanager
def running(variant: Variant, last_port: int = RELAYED) -> Iterator[tuple[Lab, Turnpike, Channels]]:
    """A relay in a network of its own: what a test leaves behind, such as half a packet, must not reach the next."""
    with Lab("router", offload=False) as lab:
        make_calm(lab)
        options = ["--relay-ports", f"{RELAYED}-{last_port}", "--dev", NIC, "--transports", "udp"]
        server = Turnpike(lab, variant, options=options)
        without_gro(lab)
        channels = Channels(lab)
        channels.warm_up(server)
        yield lab, server, channels
        channels.close()


# The frames of strangers.

@dataclass(frozen=True)
class Record:
    """What became of the frames: the host's view of them, in order, and its answers."""

    view: list[bytes]
    said: Counter[bytes]


def wire_of(lab: Lab) -> Wire:
    relay = {family: lab.topology.listen.address(family) for family in FAMILIES}
    client, peer = ({family: (lab.address(role, family), port) for family in FAMILIES}
                    for role, port in (("client", CLIENT_PORT), ("peer", PEER_PORT)))
    other = {family: OTHER.address(family) for family in FAMILIES}
    return Wire(RELAY_MAC, relay, other, PORT, RELAYED, RANGE, client, peer, CHANNEL)


def play(lab: Lab, frames: list[Frame]) -> Record:
    """Send them, in bursts that fit every queue, and record."""
    view: list[bytes] = []
    said: list[bytes] = []
    answering = Tap(lab, "router", ROUTER_NIC)
    with tap_behind_hooks(lab, "relay", NIC) as tap, sender(lab, "router", ROUTER_NIC) as out:

        def has_come(number: int) -> bool:
            view.extend(frame for frame in tap.read() if number_of(frame) is not None)
            said.extend(answering.read())
            return bool(view) and number_of(view[-1]) == number

        for start in range(0, len(frames), BURST):
            burst = frames[start:start + BURST]
            for frame in burst:
                out.send(frame.data)
            last = start + max(n for n, frame in enumerate(burst) if frame.kind != NEVER_SEEN)
            proc.wait_until(lambda: has_come(last), 0.3, step=0.002)
        time.sleep(0.5)  # the last answers
        has_come(-1)
    answering.close()
    mac = bytes.fromhex(RELAY_MAC.replace(":", ""))
    return Record(view, answers.collect(frame for frame in said if frame[6:12] == mac))


def view_complaints(frames: list[Frame], wanted: list[bytes], got: list[bytes]) -> list[str]:
    if wanted == got:
        return []
    seen = {number_of(frame): frame for frame in got}
    complaints = []
    for what, wrong in (("missing", [each for each in wanted if number_of(each) not in seen]),
                        ("changed", [each for each in wanted if seen.get(number_of(each), each) != each])):
        kinds = Counter(frames[number_of(each) or 0].kind for each in wrong)
        if wrong:
            complaints.append(f"{len(wrong)} are {what}: {dict(kinds)}; the first was {wrong[0][:64].hex()}"
                              f" and is {seen.get(number_of(wrong[0]), b'')[:64].hex()}")
    return complaints or [f"{len(got)} frames are in another order, or more than {len(wanted)}"]


def answer_complaints(wanted: Counter[bytes], got: Counter[bytes]) -> list[str]:
    return [f"{sum(those.values())} answers {what}, the first {next(iter(those))[:80].hex()}"
            for what, those in (("are missing", wanted - got), ("are new", got - wanted)) if those]


def strangers_complaints(variant: Variant, frames: list[Frame], wanted: Record | None) -> tuple[
        Record, dict[str, list[str]]]:
    """With nothing attached, what was sent is what must be seen: the check of the check."""
    wanted_view = wanted.view if wanted else [frame.data for frame in frames if frame.kind != NEVER_SEEN]
    with running(variant) as (lab, server, channels):
        before = server.verdicts()
        record = play(lab, frames)
        met = sum(server.verdicts().values()) - sum(before.values())
        complaints = {"view": view_complaints(frames, wanted_view, record.view),
                      "answers": channels.complaints(server)}
        if wanted:
            complaints["answers"] += answer_complaints(wanted.said, record.said)
        elif variant is not BASELINE:
            complaints["answers"].append(f"there are none of {BASELINE.name} to compare with")
        elif sum(record.said.values()) < len(frames) // 10:
            complaints["answers"].append("there are too few answers to compare")
        if variant.in_kernel and met < len(wanted_view):
            complaints["view"].append(f"the program has met {met} of {len(wanted_view)} frames")
        print(f"    {variant.name}: {len(frames)} frames sent, {len(record.view)} seen,"
              f" {sum(record.said.values())} answers, {met} met by the program", flush=True)
        if any(complaints.values()):
            print(server.report())
    return record, complaints


# The host's own services.

def dns(lab: Lab, family: int, relayed: int) -> list[str]:
    """From the relayed port itself and the listener's, on the host's other address; and from the whole relay range."""
    complaints = []
    for place, port in ((OTHER, relayed), (OTHER, PORT), *((Place(2, 2), port) for port in range(*RANGE))):
        with lab.entered("relay"), echo_peer(lab, family) as resolver:
            with socket.socket(SOCKET_FAMILY[family], socket.SOCK_DGRAM) as sock:
                try:
                    sock.bind((place.address(family), port))
                except OSError:
                    continue  # a client has it
                sock.settimeout(2)
                for number in range(20):
                    question = bytes([number, 0x40]) + b"\x01\x00 what is the address?"
                    sock.sendto(question, resolver.address)
                    try:
                        answer = sock.recv(2000)
                    except TimeoutError:
                        answer = b""
                    if answer != question:
                        complaints.append(f"from {place.address(family)} port {port}: {answer!r} for {question!r}")
                        break
    return complaints


def tcp(lab: Lab, family: int, relayed: int) -> list[str]:
    """Both ways, by the port numbers of the relay's."""
    host, peer = Place(2, 2).address(family), lab.address("peer", family)
    ways = {"to a server beside the listener": ("relay", (host, PORT), "client", None),
            "from the relayed port": ("peer", (peer, 80), "relay", (host, relayed))}
    return [f"{what}: {error}" for what, ends in ways.items() for error in tcp_echo(lab, family, *ends)]


def tcp_echo(lab: Lab, family: int, server_role: str, address: tuple[str, int], client_role: str,
             source: tuple[str, int] | None) -> list[str]:
    data = bytes(range(256)) * 1024
    with lab.entered(server_role):
        listener = socket.create_server(address, family=SOCKET_FAMILY[family])
    listener.settimeout(5)

    def serve() -> None:
        with contextlib.suppress(OSError), listener.accept()[0] as connection:
            while part := connection.recv(65536):
                connection.sendall(part)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        with lab.entered(client_role):
            client = socket.create_connection(address, timeout=5, source_address=source)
        with client:
            def write() -> None:
                with contextlib.suppress(OSError):  # the reader tells
                    client.sendall(data)
                    client.shutdown(socket.SHUT_WR)

            writer = threading.Thread(target=write, daemon=True)
            writer.start()
            back = b"".join(iter(lambda: client.recv(65536), b""))
            writer.join()
        return [] if back == data else [f"{len(back)} other bytes than the {len(data)} that were sent"]
    except OSError as error:
        return [str(error)]
    finally:
        thread.join()
        listener.close()


def pings(lab: Lab, family: int, _relayed: int) -> list[str]:
    """Small ones and those that are many fragments, of the host and by the host."""
    complaints = []
    for role, target in (("relay", lab.address("peer", family)), ("client", Place(2, 2).address(family))):
        for size in (56, 1400, 9000, 40000):
            done = lab.run(role, ["busybox", "ping", f"-{family}", "-c", "3", "-A", "-w", "5", "-s", str(size), target],
                           check=False)
            if "3 packets received" not in done.stdout:
                said = (done.stdout + done.stderr).strip().splitlines()[-1:]
                complaints.append(f"of {size} bytes from {role}: {said}")
    return complaints


SERVICES: dict[str, Callable[[Lab, int, int], list[str]]] = {"dns": dns, "tcp": tcp, "ping": pings}


def services_complaints(variant: Variant) -> list[str]:
    with running(variant, RANGE[1]) as (lab, server, channels), echo_peer(lab, 4) as peer4, echo_peer(lab, 6) as peer6:
        flows = [Flow(lab, family, peer.address) for family, peer in zip(FAMILIES, (peer4, peer6))]
        before, _ = server.relayed()
        for flow in flows:
            flow.start()
        complaints = [f"{name}, IPv{family}: {each}" for name, service in SERVICES.items()
                      for family, client in channels.clients.items()
                      for each in service(lab, family, client.relayed[1])]
        for flow in flows:
            flow.stop()
        complaints += [each for flow in flows for each in flow.wrong[:3]]
        sent, back = sum(flow.sent for flow in flows), sum(len(flow.back) for flow in flows)
        relayed = server.relayed()[0] - before
        print(f"    {variant.name}: {sent} messages meanwhile, {back} came back, {relayed} relayed in the kernel",
              flush=True)
        if not back or (variant.in_kernel and relayed < back):
            complaints.append(f"{back} of {sent} messages came back, {relayed} packets were relayed in the kernel")
        if complaints:
            print(server.report())
    return complaints


def show(name: str, complaints: list[str]) -> bool:
    print(f"{'FAIL' if complaints else 'ok  '} {name}", flush=True)
    for complaint in complaints[:10]:
        print(f"        {complaint}")
    return bool(complaints)


Outcome = tuple[str, list[str]]


def run(only: str, count: int, seed: int) -> Iterator[Outcome]:
    order = [BASELINE, *(variant for variant in VARIANTS if variant is not BASELINE)]
    chosen = {variant: [what for what in ("view", "answers", "services") if only in f"{variant.name}/{what}"]
              for variant in order}
    comparing = [variant for variant in order if {"view", "answers"} & set(chosen[variant])]
    wanted: Record | None = None
    if comparing:
        with Lab("router", offload=False) as lab:
            frames = strangers.make(wire_of(lab), count, seed)
        for variant in dict.fromkeys([BASELINE, *comparing]):
            try:
                record, complaints = strangers_complaints(variant, frames, wanted)
                wanted = record if variant is BASELINE else wanted
            except FAILURES as error:
                complaints = dict.fromkeys(("view", "answers"), [f"{type(error).__name__}: {error}"])
            yield from ((f"{variant.name}/{what}", complaints[what]) for what in complaints if what in chosen[variant])
    for variant in order:
        if "services" in chosen[variant]:
            try:
                yield f"{variant.name}/services", services_complaints(variant)
            except FAILURES as error:
                yield f"{variant.name}/services", [f"{type(error).__name__}: {error}"]


def main() -> int:
    parser = argparse.ArgumentParser(description="The host's other traffic is as before.")
    parser.add_argument("--only", default="", metavar="TEXT", help="only cases with TEXT in their names")
    parser.add_argument("--frames", type=int, default=3000, help="frames of strangers")
    parser.add_argument("--seed", type=int, default=8656)
    options = parser.parse_args()
    proc.die_cleanly_on_signals()
    failed = [show(*outcome) for outcome in run(options.only, options.frames, options.seed)]
    print(f"{len(failed) - sum(failed)} passed, {sum(failed)} failed")
    return 1 if any(failed) or not failed else 0


if __name__ == "__main__":
    sys.exit(main())

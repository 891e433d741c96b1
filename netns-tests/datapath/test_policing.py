#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""--max-rate, --user-rate, --total-rate: no more than that is relayed in either direction, whoever relays it.

    client ----- relay ----- peer

    to peer, to client  four times the limit is sent: what is relayed fits the bucket, all else is counted as policed
    both ways           each direction has a bucket of its own
    together            channel data, which the kernel relays, and indications, which user space does, share a bucket
    hairpin             charged to the one client's way to its peer, and to the other's way back
    others              an allocation that stays below its own limit loses nothing meanwhile
    user                two allocations of one user share a bucket a direction, a third one of another has its own
    total               allocations of two users share one
    reloaded            another configuration, other limits for an allocation that there is
    no limit            without the option nothing is policed

The bucket holds a quarter of a second's, but at least 64 KiB. Nothing here depends on how long it all takes: the
longer, the more may pass.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import scenes
from lab import proc, turn
from lab.complaints import Complaints
from lab.endpoints import drain, receive, turn_client, udp_socket
from lab.lab import Lab
from lab.relay import MODES, PASSWORD, USER, Turnpike, Variant

Test = Callable[[Lab], Complaints]
CHANNEL = 0x4001
RATE = 100_000
BURST = 65536
SIZE = 1000
COUNT = 4 * RATE // SIZE * 2        # four times the limit, for two seconds
PACE = 2 / COUNT
OPTIONS = ("--max-rate", str(RATE))
OTHER = "bob"
SLOW = 10_000                       # bytes a second: an empty bucket stays empty for the time of a test
BURST_COUNT = 2 * BURST // SIZE


class Stage:
    def __init__(self, lab: Lab, server: Turnpike, family: int, user: str = USER) -> None:
        self.family, self.server = family, server
        self.client = turn_client(lab, "client", family, family, user)
        self.peer = udp_socket(lab, "peer", family)
        self.peer_address: turn.Address = self.peer.getsockname()[:2]
        self.client.bind(CHANNEL, self.peer_address)

    def warm_up(self) -> None:
        """Both ways on the path that the mode promises; a few bytes of the bucket."""
        def flows() -> bool:
            before, _ = self.server.relayed()
            self.to_peer(b"")
            self.to_client(b"")
            arrived = receive(self.peer, self.family, 0.5) and self.client.receive(0.5)
            return bool(arrived) and (self.server.relayed()[0] - before == 2) == self.server.variant.in_kernel
        if not proc.wait_until(flows, 3, step=0.1):
            raise proc.LabError("packets do not flow both ways as the mode promises")

    def to_peer(self, payload: bytes) -> None:
        self.client.socket.send(turn.channel_data(CHANNEL, payload))

    def indicate(self, payload: bytes) -> None:
        self.client.send_indication(self.peer_address, payload)

    def to_client(self, payload: bytes) -> None:
        self.peer.sendto(payload, self.client.relayed)

    def close(self) -> None:
        self.client.refresh(0)
        self.client.socket.close()
        self.peer.close()


def policed(server: Turnpike) -> int:
    return int(server.ask("status")["policed"])


def flood(*ways: Callable[[bytes], None], count: int = COUNT) -> None:
    """Each way in turn, count datagrams together, of which each has SIZE bytes and a number."""
    for number in range(count):
        ways[number % len(ways)](number.to_bytes(SIZE, "big"))
        time.sleep(PACE)


def at(stage: Stage, end: str) -> int:
    """How many come to an end of the stage, and none twice."""
    if end == "peer":
        payloads = [each.payload for each in drain(stage.peer, stage.family, 0.3)]
    else:
        payloads = [each.payload[4:] for each in drain(stage.client.socket, stage.family, 0.3)]
    assert len(set(payloads)) == len(payloads), "a datagram came twice"
    return len(payloads)


def fits(arrived: int, sent: int, seconds: float, dropped: int, rate: int = RATE) -> Complaints:
    """What a bucket may let pass in so many seconds at most, and must let pass at least."""
    most, least = BURST + rate * seconds + SIZE, BURST - SIZE
    complaints = [] if least <= arrived * SIZE <= most else \
        [f"{arrived * SIZE} bytes passed, which is not between {least} and {most:.0f}"]
    if arrived + dropped != sent:
        complaints.append(f"{arrived} passed and {dropped} were policed, of {sent}")
    return complaints


@contextlib.contextmanager
def serving(lab: Lab, variant: Variant, family: int,
            options: Sequence[str] = OPTIONS) -> Iterator[tuple[Turnpike, Stage]]:
    """A server, with a limit unless told otherwise, and an allocation whose packets flow."""
    server = Turnpike(lab, variant, options=options)
    stage = Stage(lab, server, family)
    stage.warm_up()
    yield server, stage
    stage.close()
    server.stop()


def direction(lab: Lab, variant: Variant, family: int, end: str) -> Complaints:
    with serving(lab, variant, family) as (server, stage):
        complaints = [] if server.ask("status")["max_rate"] == RATE else ["the status does not tell the limit"]
        kernel_before, user_before = server.relayed()
        start = time.monotonic()
        flood(stage.to_peer if end == "peer" else stage.to_client)
        arrived = at(stage, end)
        seconds = time.monotonic() - start
        complaints += fits(arrived, COUNT, seconds, policed(server))
        kernel, user = server.relayed()
        counted = (kernel - kernel_before, user - user_before)
        if counted != ((arrived, 0) if variant.in_kernel else (0, arrived)):
            complaints.append(f"relayed in the kernel and in user space: {counted}, and {arrived} arrived")
        in_kernel = server.verdicts().get("policed", 0)
        if bool(in_kernel) != variant.in_kernel:
            complaints.append(f"the kernel has policed {in_kernel}")
        return complaints


def both_ways(lab: Lab, variant: Variant, family: int) -> Complaints:
    """One direction at its limit takes nothing from the other."""
    with serving(lab, variant, family) as (server, stage):
        start = time.monotonic()
        flood(stage.to_peer, stage.to_client, count=2 * COUNT)
        arrived = at(stage, "peer"), at(stage, "client")
        seconds = time.monotonic() - start
        complaints = [each for number in arrived for each in fits(number, COUNT, seconds, COUNT - number)]
        if policed(server) != 2 * COUNT - sum(arrived):
            complaints.append(f"{arrived} passed and {policed(server)} were policed, of {2 * COUNT}")
        return complaints


def together(lab: Lab, variant: Variant, family: int) -> Complaints:
    """Half of it by the channel and half by indications, or the bucket would be two."""
    with serving(lab, variant, family) as (server, stage):
        kernel_before, user_before = server.relayed()
        start = time.monotonic()
        flood(stage.to_peer, stage.indicate)
        arrived = at(stage, "peer")
        complaints = fits(arrived, COUNT, time.monotonic() - start, policed(server))
        kernel, user = (now - before for now, before in zip(server.relayed(), (kernel_before, user_before)))
        if kernel + user != arrived or variant.in_kernel and not (kernel and user):
            complaints.append(f"{kernel} were relayed in the kernel and {user} in user space, of {arrived}")
        return complaints


def hairpin(lab: Lab, variant: Variant, family: int) -> Complaints:
    """What goes from A to B empties both buckets: then A reaches no other peer, and no other peer reaches B."""
    server = Turnpike(lab, variant, options=("--max-rate", str(SLOW)))
    a, b = (turn_client(lab, role, family, family) for role in ("client", "peer"))
    plain_a, plain_b = (udp_socket(lab, role, family) for role in ("peer", "client"))  # other peers of each
    for client, other, plain in ((a, b, plain_a), (b, a, plain_b)):
        client.bind(CHANNEL, other.relayed)
        client.bind(CHANNEL + 1, plain.getsockname()[:2])

    def flows() -> bool:
        before = server.hairpins()
        a.socket.send(turn.channel_data(CHANNEL, b""))
        return b.receive(0.5) is not None and (server.hairpins() > before) == variant.in_kernel
    if not proc.wait_until(flows, 3, step=0.1):
        return ["the hairpin does not work as the mode promises"]

    start = time.monotonic()
    complaints: Complaints = []
    arrived = [burst(lambda payload: a.socket.send(turn.channel_data(CHANNEL, payload)), b.socket, family),
               burst(lambda payload: a.socket.send(turn.channel_data(CHANNEL + 1, payload)), plain_a, family),
               burst(lambda payload: plain_b.sendto(payload, b.relayed), b.socket, family)]
    seconds = time.monotonic() - start
    for others in (arrived[1], arrived[2]):
        complaints += fits(arrived[0] + others, 2 * BURST_COUNT, seconds, 2 * BURST_COUNT - arrived[0] - others, SLOW)
    if policed(server) != 3 * BURST_COUNT - sum(arrived):
        complaints.append(f"{arrived} passed and {policed(server)} were policed, of {BURST_COUNT} each")
    for client in (a, b):
        client.refresh(0)
    for sock in (a.socket, b.socket, plain_a, plain_b):
        sock.close()
    server.stop()
    return complaints


def burst(send: Callable[[bytes], object], receiver: socket.socket, family: int) -> int:
    """How many of BURST_COUNT datagrams sent at once arrive."""
    for number in range(BURST_COUNT):
        send(number.to_bytes(SIZE, "big"))
    return len(drain(receiver, family, 0.2))


def others(lab: Lab, variant: Variant, family: int) -> Complaints:
    """A neighbour at half its limit, while one is far beyond its own."""
    server = Turnpike(lab, variant, options=OPTIONS)
    greedy, modest = Stage(lab, server, family), Stage(lab, server, family)
    for stage in (greedy, modest):
        stage.warm_up()
    count = COUNT // 8
    flooding = threading.Thread(target=flood, args=(greedy.to_peer,))
    flooding.start()
    for number in range(count):
        modest.to_peer(number.to_bytes(SIZE, "big"))
        time.sleep(8 * PACE)
    flooding.join()
    arrived, lost = at(modest, "peer"), COUNT - at(greedy, "peer")
    complaints = [] if arrived == count else [f"{arrived} of {count} datagrams passed"]
    if not lost or policed(server) != lost:
        complaints.append(f"the greedy one lost {lost}, and {policed(server)} were policed")
    for stage in (greedy, modest):
        stage.close()
    server.stop()
    return complaints


def shared(lab: Lab, variant: Variant, family: int, option: str) -> Complaints:
    """Who shares a bucket gets no more out of it than one would; what the others refuse is charged to no other bucket."""
    server = Turnpike(lab, variant, options=["--user", f"{OTHER}:{PASSWORD}", option, str(SLOW)])
    stages = [Stage(lab, server, family, user) for user in (USER, USER, OTHER)]
    for stage in stages:
        stage.warm_up()
    before, status = server.relayed(), server.ask("status")
    rates = {f"--{name}-rate": status[f"{name}_rate"] for name in ("max", "user", "total")}
    complaints = [] if {name: rate for name, rate in rates.items() if rate} == {option: SLOW} else \
        [f"the status tells the limits {rates}"]
    for end in ("peer", "client"):
        start = time.monotonic()
        arrived = [burst(stage.to_peer, stage.peer, family) if end == "peer" else
                   burst(stage.to_client, stage.client.socket, family) for stage in stages]
        seconds = time.monotonic() - start
        groups = [arrived] if option == "--total-rate" else [arrived[:2], arrived[2:]]
        for group in groups:
            sent = len(group) * BURST_COUNT
            complaints += [f"to {end}: {each}" for each in fits(sum(group), sent, seconds, sent - sum(group), SLOW)]
    passed = sum(now - then for now, then in zip(server.relayed(), before))
    if passed + policed(server) != 2 * len(stages) * BURST_COUNT:
        complaints.append(f"{passed} passed and {policed(server)} were policed, of {2 * len(stages) * BURST_COUNT}")
    in_kernel = server.verdicts().get("policed", 0)
    if in_kernel != (policed(server) if variant.in_kernel else 0):
        complaints.append(f"the kernel has policed {in_kernel} of {policed(server)}")
    for stage in stages:
        stage.close()
    server.stop()
    return complaints


def reloaded(lab: Lab, variant: Variant, family: int) -> Complaints:
    """One allocation, under a limit of all, none, and one of its user, as another configuration is taken."""
    config = lab.scratch / "rates.conf"
    config.write_text(f"total-rate = {SLOW}\n")
    server = Turnpike(lab, variant, options=["--config", str(config)])
    stage = Stage(lab, server, family)
    stage.warm_up()
    complaints: Complaints = []
    for name, text, rate in (("total_rate", "", SLOW), ("total_rate", "max-rate = 0\n", 0),
                             ("user_rate", f"user-rate = {SLOW}\n", SLOW)):
        if text:
            config.write_text(text)
            server.process.send_signal(signal.SIGHUP)
            if not proc.wait_until(lambda: bool(server.ask("status")[name] == rate), 3):
                complaints.append(f"{name} has not become {rate}")
        start, before = time.monotonic(), policed(server)
        arrived = burst(stage.to_peer, stage.peer, family)
        dropped = policed(server) - before
        if rate:
            complaints += fits(arrived, BURST_COUNT, time.monotonic() - start, dropped, SLOW)
        elif (arrived, dropped) != (BURST_COUNT, 0):
            complaints.append(f"without a limit, {arrived} of {BURST_COUNT} have passed")
    stage.close()
    if status := server.stop():
        complaints.append(f"ended with status {status}\n{server.process.log()}")
    return complaints


def no_limit(lab: Lab, variant: Variant, family: int) -> Complaints:
    with serving(lab, variant, family, options=()) as (server, stage):
        flood(stage.to_peer, stage.to_client, stage.indicate)
        arrived = at(stage, "peer"), at(stage, "client")
        complaints = [] if sum(arrived) == COUNT and policed(server) == 0 else \
            [f"{arrived} passed and {policed(server)} were policed, of {COUNT}"]
        return complaints


def tests() -> Iterator[tuple[str, Test]]:
    for variant in MODES:
        family = 6 if variant.name == "generic-head" else 4  # buckets know no families
        yield f"{variant.name}/to peer", partial(direction, variant=variant, family=family, end="peer")
        yield f"{variant.name}/to client", partial(direction, variant=variant, family=family, end="client")
        for name, test in {"both ways": both_ways, "together": together, "hairpin": hairpin, "others": others,
                           "user": partial(shared, option="--user-rate"), "total": partial(shared, option="--total-rate"),
                           "reloaded": reloaded, "no limit": no_limit}.items():
            yield f"{variant.name}/{name}", partial(test, variant=variant, family=family)


if __name__ == "__main__":
    sys.exit(scenes.main("Limits, in every mode.", tests(), scenes.tried_in_lab,
                         Lab("two-nic", offload=True)))

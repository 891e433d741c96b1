#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""WebRTC between two Chromium, which may use nothing but relay candidates: sound and a data channel.

    client ----- router ----- relay
                   |
                 peer

A browser runs in the client's namespace and one in the peer's, each a TURN client of the same relay. First they hear
each other's microphone, then random messages of many sizes go both ways at once and are compared by hash. A test is
named mode/the client's way to the relay, the peer's; what both send over UDP must be relayed in the kernel, if the
mode has it. With --only TEXT, only the tests with TEXT in their names.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import scenes
from chromium import Browser, Page
from lab import proc
from lab.complaints import Complaints
from lab.lab import Lab
from lab.relay import BY_NAME, Turnpike, Variant
from way import Way, ca_certificate, serving_all_ways

PAGE = Path(__file__).with_name("webrtc.html").as_uri()
ROLES = ("client", "peer")
PACKETS_HEARD = 50  # 20 ms of sound each
SIZES = [0, 1, 2, 3, 4, 5, 100, 1000, 1200, 5000, 16000, 60000] * 3
# Before channels are bound, what the browsers try out travels in indications, and those are for user space.
INDICATIONS = 60


WAYS = {
    "udp4": Way("udp", 4),
    "udp6": Way("udp", 6),
    "tcp4": Way("tcp", 4),
    "tls4": Way("tls", 4),
    "tls6": Way("tls", 6),
    "tls4-time-limited": Way("tls", 4, time_limited=True),
}
PAIRS = (("udp4", "udp4"), ("udp6", "udp6"), ("udp4", "udp6"), ("tcp4", "tcp4"), ("tls4", "tls6"), ("udp4", "tls4"),
         ("tls4-time-limited", "tls4-time-limited"))
URLS = {"udp": "turn:{}?transport=udp", "tcp": "turn:{}?transport=tcp", "tls": "turns:{}?transport=tcp"}


@dataclass(frozen=True)
class Case:
    variant: Variant
    ways: tuple[Way, Way]

    @property
    def in_kernel(self) -> bool:
        return self.variant.in_kernel and all(way.transport == "udp" for way in self.ways)


class Stage(proc.Undone):
    """A lab with two browsers that see one test after the other, and a relay that is started anew for each mode."""

    def _set_up(self) -> None:
        self.lab = self._undo.enter_context(Lab("router", offload=True))
        self._options = serving_all_ways(self.lab)
        self._browsers = [self._undo.enter_context(Browser(self.lab, role, trusting_home(self.lab, role)))
                          for role in ROLES]
        self._server: Turnpike | None = None

    def server(self, variant: Variant) -> Turnpike:
        if self._server and self._server.variant != variant:
            self._server.stop()
            self._server = None
        if not self._server:
            self._server = Turnpike(self.lab, variant, options=self._options)
        return self._server

    def pages(self) -> list[Page]:
        return [browser.open(PAGE) for browser in self._browsers]


def trusting_home(lab: Lab, role: str) -> Path:
    """A home directory with what Chromium looks at for authorities of the user's."""
    home = lab.scratch / f"home-{role}"
    database = home / ".pki/nssdb"
    database.mkdir(parents=True)
    proc.run(["certutil", "-d", f"sql:{database}", "-N", "--empty-password"])
    proc.run(["certutil", "-d", f"sql:{database}", "-A", "-n", "lab", "-t", "C,,", "-i", str(ca_certificate(lab))])
    return home


def ice_server(lab: Lab, way: Way) -> dict[str, str]:
    name, password = way.credentials()
    return {"urls": URLS[way.transport].format(way.authority(lab)), "username": name, "credential": password}


def connect(pages: list[Page], servers: list[dict[str, str]]) -> None:
    for page, server in zip(pages, servers):
        page.call("begin", server)
    caller, called = pages
    caller.call("accept", called.call("answer", caller.call("offer")))


def path_complaints(who: str, stats: dict[str, Any], way: Way) -> Complaints:
    """Of the candidates that the browser has chosen."""
    pair = selected_pair(stats)
    local, remote = (next(each for each in stats[f"{side}-candidate"] if each["id"] == pair[f"{side}CandidateId"])
                     for side in ("local", "remote"))
    complaints = [f"{who}: the {side} candidate is {each['candidateType']}"
                  for side, each in (("local", local), ("remote", remote)) if each["candidateType"] != "relay"]
    if local["relayProtocol"] != way.transport:
        complaints.append(f"{who}: the relay is reached over {local['relayProtocol']}, not {way.transport}")
    return complaints


def selected_pair(stats: dict[str, Any]) -> Any:
    chosen = stats["transport"][0]["selectedCandidatePairId"]
    return next(pair for pair in stats["candidate-pair"] if pair["id"] == chosen)


def hearing_complaints(pages: list[Page]) -> Complaints:
    complaints = []
    for who, page in zip(ROLES, pages):
        page.call("hear", PACKETS_HEARD)
        sound = page.call("stats")["inbound-rtp"][0]
        if sound["packetsLost"]:
            complaints.append(f"the {who} has lost {sound['packetsLost']} packets of sound, "
                              f"received {sound['packetsReceived']}")
    return complaints


def data_complaints(pages: list[Page]) -> Complaints:
    sent = [page.call("send", SIZES) for page in pages]
    received = [page.call("receive", len(SIZES)) for page in reversed(pages)]
    return [f"what the {who} has sent arrived changed" for who, a, b in zip(ROLES, sent, received) if a != b]


def count_complaints(case: Case, received: int, kernel: int, user: int) -> Complaints:
    """Where was it relayed? In the kernel, what one browser sends to the other is one packet."""
    if not case.in_kernel:
        return ([f"{kernel} packets were relayed in the kernel"] if kernel else []) + (
            [f"only {user} packets were relayed in user space, {received} received"] if user < received else [])
    complaints = []
    if kernel + INDICATIONS < received:
        complaints.append(f"only {kernel} packets were relayed in the kernel, {received} received")
    if user > INDICATIONS:
        complaints.append(f"{user} packets were relayed in user space")
    return complaints


def session(stage: Stage, case: Case) -> Complaints:
    server = stage.server(case.variant)
    complaints = server.attach_complaints()
    kernel_before, user_before = server.relayed()
    pages = stage.pages()
    try:
        connect(pages, [ice_server(stage.lab, way) for way in case.ways])
        complaints += hearing_complaints(pages) + data_complaints(pages)
        stats = [page.call("stats") for page in pages]
        for who, each, way in zip(ROLES, stats, case.ways):
            complaints += path_complaints(who, each, way)
    finally:
        complaints += close(server, pages)
    kernel, user = server.relayed()
    received = sum(selected_pair(each)["packetsReceived"] for each in stats)
    complaints += count_complaints(case, received, kernel - kernel_before, user - user_before)
    return complaints


def close(server: Turnpike, pages: list[Page]) -> Complaints:
    """Browsers give their allocations back; but a page that goes takes along what its connection has still to send."""
    def left() -> int:
        return int(server.ask("status")["allocations"])
    for page in pages:
        page.run("connection?.close()")
    given_back = proc.wait_until(lambda: not left(), 3)
    complaints = [] if given_back else [f"{left()} allocations are left: {server.process.log().splitlines()[-12:]}"]
    for page in pages:
        page.close()
    return complaints


def cases() -> Iterator[tuple[str, Case]]:
    for mode in ("native-head", "tcx", "userspace"):
        for pair in PAIRS:
            a, b = pair
            yield f"{mode}/{a}, {b}", Case(BY_NAME[mode], (WAYS[a], WAYS[b]))


def run(stage: Stage, case: Case) -> Complaints:
    return scenes.tried(session, stage, case)


if __name__ == "__main__":
    sys.exit(scenes.main("WebRTC between two Chromium.", cases(), run, Stage()))

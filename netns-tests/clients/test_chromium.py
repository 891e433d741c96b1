# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""WebRTC between two Chromium browsers, which may use nothing but relay candidates: audio and a data channel.

    client ----- router ----- relay
                   |
                 peer

One browser runs in the client's namespace and one in the peer's, each a TURN client of the same relay. They play audio
to each other; then random messages of many sizes go both ways at once, and are compared by hash. A case is named
mode/the client's access to the relay-the peer's. Data that both send over UDP must be relayed in the kernel, if the
mode can.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from access import Access, server_options
from browser import Page
from chromium import Chromium
from lab import proc
from lab.complaints import Complaints, check
from lab.lab import Lab
from lab.relay import BY_NAME, Turnpike, Variant
from lab.transfer import first_packets

PAGE = Path(__file__).with_name("webrtc.html").as_uri()
ROLES = ("client", "peer")
AUDIO_PACKETS = 50  # 20 ms each
SIZES = [0, 1, 2, 3, 4, 5, 100, 1000, 1200, 5000, 16000, 60000] * 3
# Before channels are bound, connectivity checks travel in indications, which are for user space.
INDICATIONS = 60
LIMIT = 30  # seconds to wait for a condition

ACCESS = {
    "udp4": Access("udp", 4),
    "udp6": Access("udp", 6),
    "tcp4": Access("tcp", 4),
    "tls4": Access("tls", 4),
    "tls6": Access("tls", 6),
    "tls4-time-limited": Access("tls", 4, time_limited=True),
}
PAIRS = (("udp4", "udp4"), ("udp6", "udp6"), ("udp4", "udp6"), ("tcp4", "tcp4"), ("tls4", "tls6"), ("udp4", "tls4"),
         ("tls4-time-limited", "tls4-time-limited"))
URLS = {"udp": "turn:{}?transport=udp", "tcp": "turn:{}?transport=tcp", "tls": "turns:{}?transport=tcp"}
MODES = [BY_NAME[name] for name in ("native-head", "tcx", "userspace")]


@pytest.fixture(scope="module")
def shared_lab() -> Iterator[Lab]:
    with Lab("router", offload=True) as lab:
        server_options(lab)  # makes the certificates, before the browsers ask for them
        yield lab


@pytest.fixture(scope="module")
def browsers(shared_lab: Lab) -> Iterator[list[Chromium]]:
    client, peer = (Chromium(shared_lab, role) for role in ROLES)
    with client, peer:
        yield [client, peer]


@pytest.fixture(scope="module")
def server(shared_lab: Lab, variant: Variant) -> Iterator[Turnpike]:
    server = Turnpike(shared_lab, variant, options=server_options(shared_lab))
    yield server
    server.stop()
    shared_lab.servers.remove(server)


@pytest.fixture
def pages(browsers: list[Chromium]) -> Iterator[list[Page]]:
    pages = [browser.open(PAGE) for browser in browsers]
    yield pages
    for page in pages:
        page.close()


def ice_server(lab: Lab, access: Access) -> dict[str, str]:
    name, password = access.credentials()
    return {"urls": URLS[access.transport].format(access.authority(lab)), "username": name, "credential": password}


def connect(pages: list[Page], servers: list[dict[str, str]]) -> None:
    for page, server in zip(pages, servers):
        page.call("begin", server)
    caller, called = pages
    caller.call("accept", called.call("answer", caller.call("offer")))


def disconnect(server: Turnpike, pages: list[Page]) -> Complaints:
    """Browsers delete their allocations. A page must not go first: what its connection has still to send goes, too."""
    def allocations() -> int:
        return int(server.ask("status")["allocations"])
    for page in pages:
        page.run("connection?.close()")
    if proc.wait_until(lambda: not allocations(), LIMIT):
        return []
    return [f"{allocations()} allocations are left: {server.process.log().splitlines()[-12:]}"]


def selected_pair(stats: dict[str, Any]) -> Any:
    chosen = stats["transport"][0]["selectedCandidatePairId"]
    return next(pair for pair in stats["candidate-pair"] if pair["id"] == chosen)


def path_complaints(who: str, stats: dict[str, Any], access: Access) -> Complaints:
    """Both candidates of the selected pair are relays, and the local one is reached as it should be."""
    pair = selected_pair(stats)
    local, remote = (next(each for each in stats[f"{side}-candidate"] if each["id"] == pair[f"{side}CandidateId"])
                     for side in ("local", "remote"))
    complaints = [f"{who}: the {side} candidate is {each['candidateType']}"
                  for side, each in (("local", local), ("remote", remote)) if each["candidateType"] != "relay"]
    if local["relayProtocol"] != access.transport:
        complaints.append(f"{who}: the relay is reached over {local['relayProtocol']}, not {access.transport}")
    return complaints


def audio_complaints(pages: list[Page]) -> Complaints:
    complaints = []
    for who, page in zip(ROLES, pages):
        page.call("hear", AUDIO_PACKETS)
        audio = page.call("stats")["inbound-rtp"][0]
        if audio["packetsLost"]:
            complaints.append(f"the {who} has lost {audio['packetsLost']} packets of audio, "
                              f"and received {audio['packetsReceived']}")
    return complaints


def data_complaints(pages: list[Page]) -> Complaints:
    sent = [page.call("send", SIZES) for page in pages]
    received = [page.call("receive", len(SIZES)) for page in reversed(pages)]
    return [f"messages of the {who} arrived changed" for who, a, b in zip(ROLES, sent, received) if a != b]


def count_complaints(in_kernel: bool, received: int, kernel: int, user: int, first: int) -> Complaints:
    """In the kernel, a packet from one browser to the other is relayed once."""
    if not in_kernel:
        return ([f"{kernel} packets were relayed in the kernel"] if kernel else []) + (
            [f"only {user} packets were relayed in user space, {received} received"] if user < received else [])
    complaints = []
    if kernel + INDICATIONS + first < received or kernel < received // 10:
        complaints.append(f"only {kernel} packets were relayed in the kernel, {received} received")
    if user > INDICATIONS + 2 * first:
        complaints.append(f"{user} packets were relayed in user space")
    return complaints


@pytest.mark.parametrize("variant, pair", [
    pytest.param(variant, pair, id=f"{variant.name}/{'-'.join(pair)}")
    for variant, pair in itertools.product(MODES, PAIRS)
], scope="module")
def test_session(server: Turnpike, pages: list[Page], pair: tuple[str, str]) -> None:
    """Audio is heard without loss, messages arrive unchanged, and everything goes through the relay."""
    accesses = [ACCESS[name] for name in pair]
    complaints = server.attach_complaints()
    before, first = server.relayed(), first_packets(server)
    try:
        connect(pages, [ice_server(server.lab, access) for access in accesses])
        complaints += audio_complaints(pages) + data_complaints(pages)
        stats = [page.call("stats") for page in pages]
        for who, each, access in zip(ROLES, stats, accesses):
            complaints += path_complaints(who, each, access)
    finally:
        complaints += disconnect(server, pages)
    kernel, user = (now - then for now, then in zip(server.relayed(), before))
    received = sum(selected_pair(each)["packetsReceived"] for each in stats)
    in_kernel = server.variant.in_kernel and all(access.transport == "udp" for access in accesses)
    check(complaints + count_complaints(in_kernel, received, kernel, user, first_packets(server) - first))

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""WebRTC between two browsers, which may use nothing but relay candidates: audio and a data channel.

    client ----- router ----- relay
                   |
                 peer

One browser runs in the client's namespace and one in the peer's, each a TURN client of the same relay. They play audio
to each other; then random messages of many sizes go both ways at once, and are compared by hash. A case is named
mode/caller-called/the caller's access to the relay-the called one's. Chromium binds channels, Firefox sends everything
in indications. Media that both send over UDP must be relayed in the kernel, if the mode can.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from access import Access, server_options
from browser import Browser, Page
from chromium import Chromium
from firefox import Firefox
from lab import proc
from lab.complaints import Complaints, check
from lab.lab import Lab
from lab.relay import BY_NAME, Turnpike, Variant

PAGE = Path(__file__).with_name("webrtc.html").as_uri()
ROLES = ("client", "peer")
AUDIO_PACKETS = 50  # 20 ms each
SIZES = [0, 1, 2, 3, 4, 5, 100, 1000, 1200, 5000, 16000, 60000] * 3
LIMIT = 30  # seconds to wait for a condition

ACCESS = {
    "udp4": Access("udp", 4),
    "udp6": Access("udp", 6),
    "tcp4": Access("tcp", 4),
    "tls4": Access("tls", 4),
    "tls6": Access("tls", 6),
    "tls4-time-limited": Access("tls", 4, time_limited=True),
}
KINDS: dict[str, type[Browser]] = {"chromium": Chromium, "firefox": Firefox}
UDP = (("udp4", "udp4"), ("udp6", "udp6"), ("udp4", "udp6"))
# The caller, the called browser, and their accesses.
CASES = {
    ("chromium", "chromium"): (*UDP, ("tcp4", "tcp4"), ("tls4", "tls6"), ("udp4", "tls4"),
                               ("tls4-time-limited", "tls4-time-limited")),
    ("firefox", "firefox"): (*UDP, ("tcp4", "tcp4")),
    ("firefox", "chromium"): UDP,
    ("chromium", "firefox"): UDP,
}
URLS = {"udp": "turn:{}?transport=udp", "tcp": "turn:{}?transport=tcp", "tls": "turns:{}?transport=tcp"}
MODES = [BY_NAME[name] for name in ("native-head", "generic-head", "tcx", "userspace")]


@pytest.fixture(scope="module")
def shared_lab() -> Iterator[Lab]:
    with Lab("router", offload=True) as lab:
        server_options(lab)  # makes the certificates, before the browsers ask for them
        yield lab


@pytest.fixture(scope="module")
def browsers(shared_lab: Lab, kinds: tuple[str, str]) -> Iterator[list[Browser]]:
    client, peer = (KINDS[kind](shared_lab, role) for kind, role in zip(kinds, ROLES))
    with client, peer:
        yield [client, peer]


@pytest.fixture(scope="module")
def server(shared_lab: Lab, variant: Variant) -> Iterator[Turnpike]:
    server = Turnpike(shared_lab, variant, options=server_options(shared_lab))
    yield server
    server.stop()
    shared_lab.servers.remove(server)


@pytest.fixture
def pages(browsers: list[Browser]) -> Iterator[list[Page]]:
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
    for page in pages:
        page.call("connected")


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


def packets_received(stats: dict[str, Any]) -> int:
    """Of Firefox only those of the audio: it does not count the others."""
    pair, audio = selected_pair(stats), stats["inbound-rtp"][0]
    return int(pair.get("packetsReceived", audio["packetsReceived"]))


def relayed_since(server: Turnpike, before: tuple[int, int]) -> tuple[int, int]:
    """In the kernel and in user space."""
    (kernel, user), (kernel_before, user_before) = server.relayed(), before
    return kernel - kernel_before, user - user_before


def count_complaints(in_kernel: bool, received: int, whole: tuple[int, int], media: tuple[int, int]) -> Complaints:
    """A packet from one browser to the other is relayed once in the kernel, and in user space twice."""
    complaints = [] if sum(whole) >= received else [f"only {sum(whole)} of {received} packets were relayed"]
    if not in_kernel:
        return complaints + ([f"{whole[0]} packets were relayed in the kernel"] if whole[0] else [])
    kernel, user = media
    if kernel < 0.99 * (kernel + user):
        complaints.append(f"of the media, {kernel} packets were relayed in the kernel, and {user} in user space")
    return complaints


@pytest.mark.parametrize("variant, kinds, pair", [
    pytest.param(variant, kinds, pair, id=f"{variant.name}/{'-'.join(kinds)}/{'-'.join(pair)}")
    for variant, (kinds, pairs) in itertools.product(MODES, CASES.items()) for pair in pairs
], scope="module")
def test_session(server: Turnpike, pages: list[Page], pair: tuple[str, str]) -> None:
    """Audio is heard without loss, messages arrive unchanged, and everything goes through the relay.

    Once a session is established, at least 99 % of what both send over UDP is relayed in the kernel.
    """
    accesses = [ACCESS[name] for name in pair]
    complaints = server.attach_complaints()
    before = server.relayed()
    try:
        connect(pages, [ice_server(server.lab, access) for access in accesses])
        established = server.relayed()
        complaints += audio_complaints(pages) + data_complaints(pages)
        media = relayed_since(server, established)
        stats = [page.call("stats") for page in pages]
        for who, each, access in zip(ROLES, stats, accesses):
            complaints += path_complaints(who, each, access)
    finally:
        complaints += disconnect(server, pages)
    whole = relayed_since(server, before)
    print(f"relayed in the kernel and in user space: {whole}, of these {media} after the session was established")
    in_kernel = server.variant.in_kernel and all(access.transport == "udp" for access in accesses)
    check(complaints + count_complaints(in_kernel, sum(map(packets_received, stats)), whole, media))

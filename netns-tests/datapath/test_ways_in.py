# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the host's stack drops on its way in is not relayed in the kernel: packets by the wrong device, and what a
stateful firewall has not seen before.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from confirming import (MESSAGES, OFTEN, RELAY, SOON, SPARE, SPARE_ROUTER, UPLINKS, Flows, bound, every_family,
                        every_mode, exchange, relayed, route, serve, wait_until_confirmed)
from hostrules import BOTH
from lab import proc, turn
from lab.complaints import check
from lab.endpoints import echo_peer, udp_socket
from lab.lab import Lab
from lab.relay import PORT, Variant
from lab.roundtrip import CHANNEL
from lab.topology import CLIENT, PEER

ANSWERS_GO = {"to-peer": CLIENT, "to-client": PEER}  # where: to the sender of a direction's packets
NO_ANSWER_SECONDS = 3 * OFTEN  # of UDP in conntrack; longer than a confirmation holds in which nothing was checked


@pytest.fixture(scope="module")
def shared_lab() -> Iterator[Lab]:
    with Lab(UPLINKS, offload=True) as lab:
        yield lab


@contextlib.contextmanager
def strict_reverse_path(lab: Lab, family: int) -> Iterator[None]:
    """Drop packets by a device that does not lead to their sender. For IPv6, nftables does that (RFC 3704)."""
    with lab.entered("relay"):
        filters = [Path(f"/proc/sys/net/ipv4/conf/{device}/rp_filter") for device in ("all", "nic0", "nic1")]
        before = [path.read_text() for path in filters]
        for path in filters:
            path.write_text("1" if family == 4 else "0")
    if family == 6:
        lab.run("relay", ["nft", "-f", "-"], stdin="""
            add table ip6 paths
            add chain ip6 paths in { type filter hook prerouting priority raw; }
            add rule ip6 paths in meta l4proto udp fib saddr . iif oif missing drop
        """)
    try:
        yield
    finally:
        with lab.entered("relay"):
            for path, value in zip(filters, before):
                path.write_text(value)
        if family == 6:
            lab.run("relay", ["nft", "delete table ip6 paths"])


@every_mode
@every_family
@pytest.mark.parametrize("direction", BOTH)
def test_packets_by_the_wrong_device_are_dropped(lab: Lab, variant: Variant, family: int, direction: str) -> None:
    """A strict reverse path filter drops what comes by another device than its sender is reached by, also of a
    confirmed flow."""
    with strict_reverse_path(lab, family):
        server = serve(lab, variant)
        with echo_peer(lab, family) as peer, bound(lab, family, peer.address) as client:
            complaints = wait_until_confirmed(server, client)
            # The router sends to the relay by the other cable. What the relay sends goes as before.
            with route(lab, "router", family, RELAY.address(family), SPARE.address(family), "to-spare"):
                complaints += Flows(lab, server, client, peer).leaks(direction)
            complaints += wait_until_confirmed(server, client)
    check(complaints)


@every_mode
@every_family
@pytest.mark.parametrize("direction", BOTH)
def test_senders_that_move_are_dropped(lab: Lab, variant: Variant, family: int, direction: str) -> None:
    """When the sender of a confirmed flow is reached by another device, a strict reverse path filter drops its packets.
    The kernel stops relaying them within the interval."""
    with strict_reverse_path(lab, family):
        server = serve(lab, variant, "--confirm", str(OFTEN))
        with echo_peer(lab, family) as peer, bound(lab, family, peer.address) as client:
            complaints = wait_until_confirmed(server, client)
            flows = Flows(lab, server, client, peer)
            sender = ANSWERS_GO[direction].address(family)
            with route(lab, "relay", family, sender, SPARE_ROUTER.address(family), "nic1"):
                proc.wait_until(lambda: not flows.leaks(direction), 4 * OFTEN + SOON)
                complaints += flows.leaks(direction)
            complaints += wait_until_confirmed(server, client)
    check(complaints)


# A stateful firewall.

@contextlib.contextmanager
def stateful(lab: Lab) -> Iterator[None]:
    """Accept what the relay asked for and what clients send to its port, nothing else."""
    lab.run("relay", ["nft", "-f", "-"], stdin=f"""
        add table inet stateful
        add chain inet stateful in {{ type filter hook input priority filter; policy drop; }}
        add rule inet stateful in ct state established,related accept
        add rule inet stateful in udp dport {PORT} accept
        add rule inet stateful in meta l4proto ipv6-icmp accept
    """)
    with lab.entered("relay"):
        timeouts = [Path(f"/proc/sys/net/netfilter/nf_conntrack_udp_timeout{kind}") for kind in ("", "_stream")]
        before = [path.read_text() for path in timeouts]
        for path in timeouts:
            path.write_text(str(NO_ANSWER_SECONDS))
    try:
        yield
    finally:
        with lab.entered("relay"):
            for path, value in zip(timeouts, before):
                path.write_text(value)
        lab.run("relay", ["nft", "delete table inet stateful"])


def is_tracked(lab: Lab, relayed_address: turn.Address) -> bool:
    with lab.entered("relay"):
        return f"port={relayed_address[1]} " in Path("/proc/thread-self/net/nf_conntrack").read_text()


@every_mode
@every_family
def test_peers_that_nobody_asked_are_dropped(lab: Lab, variant: Variant, family: int) -> None:
    """A firewall that accepts only answers drops what a peer sends before its client has, or long after; it accepts
    answers, also those in fragments."""
    with stateful(lab):
        server = serve(lab, variant, "--confirm", str(OFTEN))
        with echo_peer(lab, family) as peer, bound(lab, family, peer.address) as client:
            flows = Flows(lab, server, client, peer)
            complaints = [f"before: {each}" for each in flows.leaks("to-client")]
            complaints += wait_until_confirmed(server, client)
            complaints += exchange(server, client)[1]
            for number in range(MESSAGES):
                large = bytes([number]) * 3000
                peer.socket.sendto(large, client.relayed)
                answer = client.receive(SOON)
                if answer != turn.channel_data(CHANNEL, large):
                    complaints.append(f"fragments came as {answer and answer[:20]!r}...")
                complaints += exchange(server, client, 1)[1]
            # Somebody else, from another port of the peer.
            with udp_socket(lab, "peer", family) as other:
                other.sendto(b"unsolicited", client.relayed)
                complaints += exchange(server, client, 1)[1]
            if not proc.wait_until(lambda: not is_tracked(lab, client.relayed), 4 * NO_ANSWER_SECONDS):
                complaints.append("conntrack does not forget")
            complaints += [f"after: {each}" for each in flows.leaks("to-client")]
            complaints += wait_until_confirmed(server, client)
    check(complaints)


@every_mode
@every_family
@pytest.mark.parametrize("confirm", (OFTEN, 3600), ids=("often", "rarely"))
def test_traffic_in_the_kernel_is_tracked(lab: Lab, variant: Variant, family: int, confirm: int) -> None:
    """While a flow is relayed in the kernel, its checks keep the firewall's entry: fragments, which always go through
    the stack, pass it. Where an entry lives for a shorter time than between two checks, there are more checks."""
    with stateful(lab):
        server = serve(lab, variant, "--confirm", str(confirm))
        with echo_peer(lab, family) as peer, bound(lab, family, peer.address) as client:
            complaints = wait_until_confirmed(server, client)
            kernel, large = relayed(server)["to-client"], 0
            # Several times as long as an entry lives without packets.
            checked = server.verdicts("to-client").get("checked", 0)
            while server.verdicts("to-client").get("checked", 0) < checked + 4 and not complaints:
                complaints += exchange(server, client, 1)[1]
                peer.socket.sendto(b"large" * 600, client.relayed)
                if client.receive(SOON) != turn.channel_data(CHANNEL, b"large" * 600):
                    complaints.append(f"after {large} datagrams in fragments, one was lost")
                large += 1
            if relayed(server)["to-client"] == kernel:
                complaints.append("the kernel relayed nothing")
    check(complaints)

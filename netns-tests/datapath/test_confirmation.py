# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The kernel relays a flow only as the host's network stack would: it confirms each flow by what the stack sends."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import pytest

from confirming import (MESSAGES, OFTEN, QUIET, RELAY, SOON, SPARE, UPLINKS, channel, every_family, every_mode,
                        exchange, is_echoed, reasons, relayed, relays, serve, wait_until_confirmed)
from hostrules import BOTH, LIVE, RULES, Rule
from lab import proc, turn
from lab.complaints import check
from lab.endpoints import echo_peer
from lab.flow import Flow
from lab.lab import Lab
from lab.relay import BY_NAME, Turnpike, Variant
from lab.roundtrip import CHANNEL, echoed


@pytest.fixture(scope="module")
def shared_lab() -> Iterator[Lab]:
    with Lab(UPLINKS, offload=True) as lab:
        yield lab


def is_explained(server: Turnpike, rule: Rule) -> bool:
    return any(rule.why in reasons(server).get(direction, "") for direction in rule.concerns)


@every_mode
@every_family
def test_all_but_the_first_packets_are_relayed_in_the_kernel(lab: Lab, variant: Variant, family: int) -> None:
    """One packet of each direction is relayed by the server; then both flows are confirmed."""
    server = serve(lab, variant)
    with channel(lab, family) as client:
        complaints = exchange(server, client, 1)[1]  # neighbours are resolved, too
        complaints += wait_until_confirmed(server, client)
        first = server.verdicts()
        counts, more = exchange(server, client)
        complaints += more
        if counts != {"to-peer": MESSAGES, "to-client": MESSAGES}:
            complaints.append(f"relayed in the kernel: {counts}")
        if not first.get("unconfirmed"):
            complaints.append("no packet has confirmed a flow")
        if not all(flow["confirmed"] for flow in server.flows()):
            complaints.append(f"flows: {server.flows()}")
    check(complaints)


@every_mode
@every_family
@pytest.mark.parametrize("rule", [rule for rule in RULES if not rule.drops], ids=lambda rule: rule.name)
def test_packets_leave_as_the_host_sends_them(lab: Lab, variant: Variant, family: int, rule: Rule) -> None:
    """What the host's NAT or policy routing changes stays with the server, and the list of flows has the reason."""
    rule.apply(lab, family)
    try:
        server = serve(lab, variant)
        with channel(lab, family, rule) as client:
            wanted = {direction: int(direction not in rule.concerns) for direction in BOTH}
            proc.wait_until(lambda: relays(server, client, wanted) and is_explained(server, rule), SOON)
            counts, complaints = exchange(server, client)
            if counts != {direction: MESSAGES * count for direction, count in wanted.items()}:
                complaints.append(f"relayed in the kernel: {counts}")
            if not is_explained(server, rule):
                complaints.append(f"reasons: {reasons(server)}")
    finally:
        rule.withdraw(lab, family)
    check(complaints)


@every_mode
@every_family
@pytest.mark.parametrize("rule", LIVE, ids=lambda rule: rule.name)
def test_rules_hold_for_live_flows(lab: Lab, variant: Variant, family: int, rule: Rule) -> None:
    """A rule that drops packets drops those of confirmed flows from its addition on, and no longer than it exists."""
    server = serve(lab, variant)
    with channel(lab, family) as client:
        complaints = wait_until_confirmed(server, client)
        rule.apply(lab, family)
        try:
            if not proc.wait_until(lambda: not is_echoed(client), SOON):
                complaints.append("the rule has no effect")
            before = relayed(server)
            for number in range(MESSAGES):
                client.socket.send(turn.channel_data(CHANNEL, f"message {number}".encode()))
            answer = client.receive(QUIET)
            if answer is not None:
                complaints.append(f"{answer!r} came back")
            after = relayed(server)
            complaints += [f"{after[direction] - before[direction]} packets {direction} were relayed in the kernel"
                           for direction in rule.concerns if after[direction] != before[direction]]
            if rule.why and not proc.wait_until(lambda: is_explained(server, rule), SOON):
                complaints.append(f"reasons: {reasons(server)}")
        finally:
            rule.withdraw(lab, family)
        complaints += wait_until_confirmed(server, client)
    check(complaints)


@every_mode
def test_unrelated_changes_disturb_no_flow(lab: Lab, variant: Variant) -> None:
    """Routes, addresses and devices that a flow does not use leave it in the kernel."""
    server = serve(lab, variant)
    with channel(lab, 4) as client:
        complaints = wait_until_confirmed(server, client)
        before = server.verdicts()
        commands = ["link add c0 type veth peer name c1", "addr add 172.30.0.1/16 dev c0", "link set c0 up",
                    "link set c1 up", *(f"route add 172.31.{number}.0/24 dev c0" for number in range(50)),
                    "-6 route add 2001:db8:77::/48 dev c0", "link del c0"]
        for command in commands:
            lab.run("relay", ["ip", *command.split()])
            complaints += echoed(client, command.encode())
        after = server.verdicts()
        sent = 2 * len(commands)
        if after["relayed"] - before["relayed"] != sent:
            complaints.append(f"{after['relayed'] - before['relayed']} of {sent} packets were relayed in the kernel:"
                              f" before {before}, after {after}")
    check(complaints)


@every_mode
def test_flows_are_confirmed_again_without_a_loss(lab: Lab, variant: Variant) -> None:
    """Now and then a packet of a busy flow is let through to the stack. All others stay in the kernel."""
    server = serve(lab, variant, "--confirm", str(OFTEN))
    with echo_peer(lab, 4) as peer:
        flow = Flow(lab, 4, peer.address)
        flow.start()
        proc.wait_until(lambda: min(relayed(server).values()) > 0, SOON)
        # Traffic goes on: what is let through is counted for longer than what user space relays.
        before, (kernel, user) = server.verdicts(), server.relayed()
        lost = flow.lost_in(5 * OFTEN)
        (kernel_now, user_now), after = server.relayed(), server.verdicts()
        flow.stop()
    checked = after.get("checked", 0) - before.get("checked", 0)
    complaints = list(flow.wrong)
    if lost:
        complaints.append(f"{lost} messages were lost")
    if not 6 <= checked <= 40:
        complaints.append(f"{checked} packets were let through to confirm two flows for 5 intervals")
    if user_now - user > checked + after.get("unconfirmed", 0) - before.get("unconfirmed", 0):
        complaints.append(f"user space relayed {user_now - user} packets, of which {checked} were let through")
    if kernel_now - kernel < 20 * (user_now - user):
        complaints.append(f"the kernel relayed {kernel_now - kernel} packets, and user space {user_now - user}")
    check(complaints)


@every_mode
def test_nothing_is_confirmed_without_the_stack(lab: Lab, variant: Variant) -> None:
    """If no packet comes through the server and the stack any more, the kernel stops after three intervals."""
    server = serve(lab, variant, "--confirm", str(OFTEN))
    with channel(lab, 4) as client, contextlib.ExitStack() as stack:
        complaints = wait_until_confirmed(server, client)
        stack.enter_context(server.process.paused())
        arrived = []
        began = time.monotonic()
        while time.monotonic() - began < 6 * OFTEN:
            client.socket.send(turn.channel_data(CHANNEL, b"hello"))
            if client.receive(0.05):
                arrived.append(time.monotonic() - began)
        if not arrived or max(arrived) > 4 * OFTEN:
            complaints.append(f"relayed until {max(arrived, default=0):.1f} s after the server had stopped")
    check(complaints)


def others(server: Turnpike) -> int:
    return server.verdicts("to-peer").get("other-device", 0)


@every_mode
@every_family
def test_packets_by_another_device_are_passed(lab: Lab, variant: Variant, family: int) -> None:
    """A frame that comes in by another device than its flow's is not relayed in the kernel."""
    server = serve(lab, variant)
    with channel(lab, family) as client:
        complaints = wait_until_confirmed(server, client)
        before = relayed(server)
        seen = others(server)
        # The router sends the client's packets by the other cable.
        route = ["ip", f"-{family}", "route", "replace", f"{RELAY.address(family)}/{32 if family == 4 else 128}",
                 "via", SPARE.address(family), "dev", "to-spare"]
        lab.run("router", route)
        try:
            for number in range(MESSAGES):
                client.socket.send(turn.channel_data(CHANNEL, f"message {number}".encode()))
            client.receive(QUIET)
            proc.wait_until(lambda: others(server) - seen == MESSAGES, SOON)
        finally:
            lab.run("router", ["ip", f"-{family}", "route", "del", *route[4:]])
        if relayed(server)["to-peer"] != before["to-peer"]:
            complaints.append("packets were relayed to the peer")
        if others(server) - seen != MESSAGES:
            complaints.append(f"counted: {server.verdicts()}")
    check(complaints)


def test_confirm_off_trusts_routes(lab: Lab) -> None:
    """With --confirm off, the very first packet is relayed in the kernel, and no observer is attached."""
    server = serve(lab, BY_NAME["tcx"], "--confirm", "off")
    with channel(lab, 4) as client:
        complaints = wait_until_confirmed(server, client)
    with channel(lab, 4) as client:
        counts, more = exchange(server, client, 1)
        complaints += more
        if counts != {"to-peer": 1, "to-client": 1}:
            complaints.append(f"relayed in the kernel: {counts}")
    check(complaints)

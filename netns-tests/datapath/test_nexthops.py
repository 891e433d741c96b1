# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The network changes under a running relay: packets follow the change, and are relayed in the kernel again.

gateways.py draws the network. A steady flow of each family goes through the relay during each test. Every test makes a
network of its own, since it breaks that network. After each change the flows must recover: nothing is lost, the kernel
relays the packets of every flow, user space relays none, and no packet goes to a neighbour that the kernel knows to be
gone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from scapy.layers.inet import ICMP
from scapy.layers.inet6 import ICMPv6PacketTooBig

import gateways
import icmp_errors
from gateways import GATES, LISTEN, RELAYED, Capture
from lab import proc, turn
from lab.complaints import Complaints, check
from lab.endpoints import echo_peer, ignore_path_mtu
from lab.flow import Flow
from lab.lab import Lab
from lab.relay import Turnpike, Variant
from lab.topology import FAMILIES

AUTO, TC = Variant("auto", "auto", "none"), Variant("tc", "tc", "tcx")
LIMIT = 10.0   # seconds to recover: the relay polls once a second, and the rest is for a busy machine
DEATH = 60.0   # seconds for the kernel to give up a neighbour
FRESH = 40.0   # seconds: the kernel collects unused neighbours every 15 s
WINDOW = 0.2
KEPT_NEIGHBOURS = 128  # gc_thresh1: with fewer entries the kernel collects none
MTU_EXPIRES = 5  # seconds
PATH_MTU = {4: 900, 6: 1280}
TOO_BIG = "too-big", "dont-fragment"
ALIVE = {"REACHABLE", "STALE", "DELAY", "PROBE"}
GATE0, GATE1, GATE2 = GATES

every_mode = pytest.mark.parametrize("variant", (AUTO, TC))
only_auto = pytest.mark.parametrize("variant", (AUTO,))
both_attached = pytest.mark.parametrize("devices", (["nic0", "nic1"],), ids=["both"])


class Relay:
    """A relay with a flow of each family, and the commands that change its network."""

    def __init__(self, lab: Lab, server: Turnpike, flows: list[Flow]) -> None:
        self.lab, self.server, self.flows = lab, server, flows

    def ip(self, *words: str, role: str = "relay") -> None:
        self.lab.run(role, ["ip", *words])

    def ip_both(self, *words: str) -> None:
        """Run ip for both families; {gate0}, {gate1}, {gate2} and {relayed} stand for addresses."""
        for family in FAMILIES:
            names = {f"gate{i}": gate.address(family) for i, gate in enumerate(GATES)}
            names["relayed"] = RELAYED.address(family)
            self.ip(f"-{family}", *(word.format(**names) for word in words))

    def mac(self, gate: str) -> str:
        return self.lab.mac("router", gate)

    def packets(self) -> list[int]:
        """Packets that the kernel has relayed, by flow."""
        return [flow["packets"] for flow in self.server.flows()]

    def resolved(self) -> list[bool]:
        """Whether each flow has a resolved next hop."""
        return [flow["resolved"] for flow in self.server.flows()]

    def lost(self) -> int:
        """How many messages of the next moment do not come back."""
        starts = [flow.sent for flow in self.flows]
        time.sleep(WINDOW)
        ends = [flow.sent for flow in self.flows]
        time.sleep(WINDOW)
        return sum(1 for flow, start, end in zip(self.flows, starts, ends)
                   for number in range(start, end) if number not in flow.back)

    def trouble(self) -> str:
        """Why the kernel alone does not relay every flow; "" if it does."""
        before, (_, user_before) = self.packets(), self.server.relayed()
        lost = self.lost()
        after, (_, user_after) = self.packets(), self.server.relayed()
        idle = [i for i, (a, b) in enumerate(zip(before, after)) if a == b]
        if lost or idle or user_after != user_before or len(after) != 2 * len(self.flows):
            return (f"{lost} lost, flows {idle} of {len(after)} are not relayed in the kernel,"
                    f" {user_after - user_before} packets in user space")
        return ""

    def recovers(self, after: str) -> Complaints:
        troubles: list[str] = []

        def recovered() -> bool:
            troubles.append(self.trouble())
            return not troubles[-1]
        return [] if proc.wait_until(recovered, LIMIT) else [f"{LIMIT} s after {after}: {troubles[-1]}"]

    def grows(self, *verdicts: str) -> bool:
        """Whether any of these verdicts is counted in the next moment."""
        def total() -> int:
            counts = self.server.verdicts()
            return sum(counts.get(verdict, 0) for verdict in verdicts)
        before = total()
        time.sleep(WINDOW)
        return total() > before

    def user_space_takes_over(self, after: str) -> Complaints:
        """Nothing is lost, although the kernel does not relay some flow."""
        def taken_over() -> bool:
            before = self.server.relayed()[1]
            return self.lost() == 0 and self.server.relayed()[1] > before
        return [] if proc.wait_until(taken_over, LIMIT) else \
            [f"{LIMIT} s after {after}: user space does not relay without loss"]


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab(gateways.TOPOLOGY, offload=True) as lab:
        gateways.prepare(lab)
        yield lab


@pytest.fixture
def devices() -> list[str]:
    """The devices that a relay is attached to, unless its test has both."""
    return ["nic0"]


@pytest.fixture
def relay(lab: Lab, variant: Variant, devices: list[str]) -> Iterator[Relay]:
    """A relay whose flows go, attached to these devices. At the end no message may have come back changed."""
    with echo_peer(lab, 4) as peer4, echo_peer(lab, 6) as peer6:
        server = Turnpike(lab, variant, options=[word for name in devices for word in ("--dev", name)])
        flows = [Flow(lab, family, peer.address) for family, peer in zip(FAMILIES, (peer4, peer6))]
        for family, flow, peer in zip(FAMILIES, flows, (peer4, peer6)):
            ignore_path_mtu(flow.socket, family)
            ignore_path_mtu(peer.socket, family)
            flow.start()
        try:
            relay = Relay(lab, server, flows)
            check(relay.recovers("the start"))
            yield relay
            check([each for flow in flows for each in flow.wrong[:3]])
        finally:
            for flow in flows:
                flow.stop()


def avoids(capture: Capture, mac: str, why: str) -> Complaints:
    """From now on no packet goes to this MAC address."""
    capture.drain()
    time.sleep(1)
    wrong = [frame for frame in capture.drain() if frame[0] == mac]
    return [f"{len(wrong)} packets went to {mac}, {why}"] if wrong else []


def kernel_learns(relay: Relay, condition: Callable[[str, str], bool], what: str) -> Complaints:
    """Wait until the state and MAC address of gate0's neighbour entries meet the condition."""
    def entries() -> list[tuple[str, str]]:
        return [gateways.neighbour(relay.lab, GATE0, family) for family in FAMILIES]
    if proc.wait_until(lambda: all(condition(*entry) for entry in entries()), DEATH, step=0.05):
        return []
    return [f"the kernel has not learned that {what}: {entries()}"]


# The gateway's MAC address.

def change_mac(relay: Relay, announce: bool) -> Complaints:
    with Capture(relay.lab, "gate0") as capture:
        old = relay.mac("gate0")
        new = f"02:{old[3:]}" if not old.startswith("02:") else f"06:{old[3:]}"
        gateways.sysctl(relay.lab, "router", "ipv4/conf/gate0/arp_notify", int(announce))
        gateways.sysctl(relay.lab, "router", "ipv6/conf/gate0/ndisc_notify", int(announce))
        relay.ip("link", "set", "dev", "gate0", "address", new, role="router")
        complaints = kernel_learns(relay, lambda _state, address: address == new, f"the gateway is {new}")
        complaints += relay.recovers("the kernel learned the new MAC address")
        return complaints + avoids(capture, old, "the gateway's former MAC address")


@every_mode
def test_mac_announced(relay: Relay) -> None:
    """The gateway changes its MAC address and announces the new one: packets go there."""
    check(change_mac(relay, announce=True))


@only_auto
def test_mac_discovered(relay: Relay) -> None:
    """The gateway changes its MAC address silently: packets go to the new one once the kernel has discovered it."""
    check(change_mac(relay, announce=False))


# Another gateway.

@every_mode
def test_failover(relay: Relay) -> None:
    """Packets follow a route that is replaced, or deleted and added again, to another gateway."""
    with Capture(relay.lab, "gate0") as zero, Capture(relay.lab, "gate1") as one:
        relay.ip_both("route", "replace", "default", "via", "{gate1}")
        complaints = relay.recovers("the route was replaced")
        complaints += avoids(zero, relay.mac("gate0"), "which is no longer the gateway")
        relay.ip_both("route", "del", "default")
        if not proc.wait_until(lambda: not any(relay.resolved()), LIMIT):
            complaints.append("a next hop stays resolved without a route")
        relay.ip_both("route", "add", "default", "via", "{gate0}")
        complaints += relay.recovers("another route was added")
        check(complaints + avoids(one, relay.mac("gate1"), "which is no longer the gateway"))


@only_auto
def test_nexthop_object(relay: Relay) -> None:
    """Packets follow a nexthop object to another gateway, although no route changes."""
    # By default the kernel notifies about the routes of a nexthop object that is replaced.
    gateways.sysctl(relay.lab, "relay", "ipv4/nexthop_compat_mode", 0)
    for family, number in zip(FAMILIES, ("4", "6")):
        relay.ip("nexthop", "add", "id", number, "via", GATE0.address(family), "dev", "nic0")
        relay.ip(f"-{family}", "route", "replace", "default", "nhid", number)
    complaints = relay.recovers("the routes used nexthop objects")
    with Capture(relay.lab, "gate0") as capture:
        for family, number in zip(FAMILIES, ("4", "6")):
            relay.ip("nexthop", "replace", "id", number, "via", GATE1.address(family), "dev", "nic0")
        complaints += relay.recovers("the objects were replaced")
        check(complaints + avoids(capture, relay.mac("gate0"), "which is no longer the gateway"))


# Another device.

@both_attached
@every_mode
def test_attached_device(relay: Relay) -> None:
    """Packets follow a route to another device that is attached, and back."""
    with Capture(relay.lab, "gate0") as zero, Capture(relay.lab, "gate2") as two:
        relay.ip_both("route", "replace", "default", "via", "{gate2}", "dev", "nic1")
        complaints = relay.recovers("the route led to the other device")
        complaints += avoids(zero, relay.mac("gate0"), "which is no longer the gateway")
        if not two.drain():
            complaints.append("no packet left by the other device")
        relay.ip_both("route", "replace", "default", "via", "{gate0}", "dev", "nic0")
        check(complaints + relay.recovers("the route led back"))


@every_mode
def test_unattached_device(relay: Relay) -> None:
    """User space sends by a device that is not attached, until the route leads back."""
    with Capture(relay.lab, "gate2") as two:
        relay.ip_both("route", "replace", "default", "via", "{gate2}", "dev", "nic1")
        complaints = relay.user_space_takes_over("the route led to a device that is not attached")
        if any(relay.resolved()):
            complaints.append("a next hop leads to a device that is not attached")
        if not two.drain():
            complaints.append("no packet left by the other device")
    relay.ip_both("route", "replace", "default", "via", "{gate0}", "dev", "nic0")
    check(complaints + relay.recovers("the route led back"))


@only_auto
def test_policy_routing(relay: Relay) -> None:
    """A rule for one of the relay's two addresses routes the packets of that address alone."""
    relayed = {RELAYED.address(family) for family in FAMILIES}
    with Capture(relay.lab, "gate0") as zero, Capture(relay.lab, "gate1") as one:
        relay.ip_both("route", "add", "default", "via", "{gate1}", "dev", "nic0", "table", "100")
        relay.ip_both("rule", "add", "from", "{relayed}", "ipproto", "udp", "lookup", "100")
        complaints = relay.recovers("the rule was added")
        zero.drain()
        one.drain()
        time.sleep(1)
        by_gate = [{source for destination, source in capture.drain() if destination == gate}
                   for capture, gate in ((zero, relay.mac("gate0")), (one, relay.mac("gate1")))]
        if by_gate != [{LISTEN.address(family) for family in FAMILIES}, relayed]:
            complaints.append(f"gate0 got packets from {by_gate[0]}, gate1 from {by_gate[1]}")
        relay.ip_both("rule", "del", "from", "{relayed}", "ipproto", "udp", "lookup", "100")
        complaints += relay.recovers("the rule was deleted")
        check(complaints + avoids(one, relay.mac("gate1"), "to which no rule leads any more"))


# Several paths. The kernel chooses: the weights make it all but certain that some flow takes the path that fails.

@both_attached
@every_mode
def test_multipath_device_down(relay: Relay) -> None:
    """Of two paths by two devices, packets take the other one when a device goes down."""
    with Capture(relay.lab, "gate2") as two:
        relay.ip_both("route", "replace", "default", "nexthop", "via", "{gate0}", "dev", "nic0", "weight", "1",
                      "nexthop", "via", "{gate2}", "dev", "nic1", "weight", "200")
        complaints = relay.recovers("there were two paths")
        two.drain()
        if not proc.wait_until(lambda: bool(two.drain()), LIMIT):
            complaints.append("no packet took the second path")
        relay.ip("link", "set", "dev", "nic1", "down")
        check(complaints + relay.recovers("one device was down"))


@only_auto
def test_multipath_gateway_dies(relay: Relay) -> None:
    """Of two paths by one device, packets take the other one when the kernel finds a gateway dead."""
    gateways.sysctl(relay.lab, "relay", "ipv4/fib_multipath_use_neigh", 1)
    with Capture(relay.lab, "gate0") as zero:
        relay.ip_both("route", "replace", "default", "nexthop", "via", "{gate1}", "dev", "nic0", "weight", "1",
                      "nexthop", "via", "{gate0}", "dev", "nic0", "weight", "200")
        complaints = relay.recovers("there were two gateways")
        zero.drain()
        if not proc.wait_until(lambda: bool(zero.drain()), LIMIT):
            complaints.append("no packet took the second gateway")
        relay.ip("link", "set", "dev", "to-gate0", "nomaster", role="switch")
        complaints += kernel_learns(relay, lambda state, _address: state in ("FAILED", "NONE"), "a gateway is dead")
        check(complaints + relay.recovers("the kernel found one gateway dead"))


# Confirmation by the stack.

# A container engine and a routing daemon on the relay's host: devices, addresses and routes of their own.
CONTAINER = (
    "link add box0 type bridge",
    "link set box0 up",
    "addr add 172.30.0.1/16 dev box0",
    "link add box1 type veth peer name box2",
    "link set box1 master box0",
    "link set box1 up",
    "link set box2 up",
    "neigh add 172.30.0.2 lladdr 02:00:00:00:00:02 dev box0",
    "route add 172.31.0.0/16 via 172.30.0.2",
    "rule add from 172.30.0.2 lookup 100",
    "rule del from 172.30.0.2 lookup 100",
)
ROUTES = 200


@every_mode
def test_unrelated_changes(relay: Relay) -> None:
    """A container that starts and ends, and routes that lead elsewhere, send no packet of a flow to user space."""
    (_, before), sent = relay.server.relayed(), relay.packets()
    for command in CONTAINER:
        relay.ip(*command.split())
    relay.lab.run("relay", ["ip", "-batch", "-"], stdin="".join(
        f"route {word} 198.51.100.{number}/32 via 172.30.0.2\n" for number in range(ROUTES) for word in ("add", "del")))
    for device in ("box1", "box0"):
        relay.ip("link", "del", device)
    time.sleep(WINDOW)
    after = relay.server.relayed()[1]
    complaints = [f"user space relayed {after - before} packets"] if after != before else []
    if idle := [number for number, (a, b) in enumerate(zip(sent, relay.packets())) if a == b]:
        complaints.append(f"the kernel relayed no packet of the flows {idle}")
    check(complaints)


@every_mode
def test_firewall_changes(relay: Relay) -> None:
    """When rules of the firewall change, every flow is confirmed again, and then relayed in the kernel."""
    before = relay.server.relayed()[1]
    relay.lab.run("relay", ["nft", "add", "table", "inet", "other"])
    complaints = relay.recovers("the rules changed")
    if (confirmed := relay.server.relayed()[1] - before) < 2 * len(relay.flows):
        complaints.append(f"user space relayed only {confirmed} packets of {2 * len(relay.flows)} flows")
    check(complaints)


# Neighbours come and go.

@every_mode
def test_silent_gateway(relay: Relay) -> None:
    """No packet goes to a gateway that is gone; packets are relayed in the kernel again when it is back."""
    # A capture behind a cut cable would see nothing: the gateway takes another MAC address and is silent instead.
    with Capture(relay.lab, "gate0") as capture:
        old = relay.mac("gate0")
        relay.ip("link", "set", "dev", "gate0", "arp", "off", role="router")
        relay.ip("link", "set", "dev", "gate0", "address", f"02:{old[3:]}", role="router")
        complaints = kernel_learns(relay, lambda state, _address: state not in ALIVE, "the gateway is gone")
        if not proc.wait_until(lambda: relay.grows("no-nexthop"), LIMIT):
            complaints.append("packets for a dead gateway are not passed up")
        complaints += avoids(capture, old, "a neighbour that the kernel knows is gone")
        relay.ip("link", "set", "dev", "gate0", "address", old, role="router")
        relay.ip("link", "set", "dev", "gate0", "arp", "on", role="router")
        check(complaints + relay.recovers("the gateway was back"))


@every_mode
def test_neighbour_stays_fresh(relay: Relay) -> None:
    """The kernel does not forget a neighbour that only the relay uses, which it does not see in use itself."""
    # A full table makes the kernel collect entries that were not used for gc_stale_time.
    for network in ("10.77.9.", "fd77:0:0:9::"):
        relay.lab.run("relay", ["ip", "-batch", "-"], stdin="".join(
            f"neigh add {network}{i + 1} lladdr 02:00:00:00:00:{i:02x} nud permanent dev nic1\n"
            for i in range(KEPT_NEIGHBOURS)))
    complaints = relay.recovers("the table was full")

    def passed_up() -> tuple[int, int]:
        return relay.server.verdicts().get("no-nexthop", 0), relay.server.relayed()[1]
    before = passed_up()
    states: set[str] = set()
    deadline = time.monotonic() + FRESH
    while time.monotonic() < deadline:
        states |= {gateways.neighbour(relay.lab, GATE0, family)[0] for family in FAMILIES}
        time.sleep(0.2)
    if states - ALIVE:
        complaints.append(f"the gateway's entry had the states {sorted(states)}")
    if (after := passed_up()) != before:
        complaints.append(f"{after[0] - before[0]} packets were passed up without a next hop, "
                          f"user space relayed {after[1] - before[1]}")
    check(complaints + relay.recovers(f"{FRESH} s of relaying in the kernel"))


# Links and addresses.

@every_mode
def test_link(relay: Relay) -> None:
    """No next hop leads to a device that is down or has no carrier; packets are relayed when it is up again."""
    complaints: Complaints = []
    relay.ip("link", "set", "dev", "nic0", "down")
    if not proc.wait_until(lambda: not any(relay.resolved()), LIMIT):
        complaints.append("a next hop leads to a device that is down")
    relay.ip("link", "set", "dev", "nic0", "up")
    relay.ip_both("route", "replace", "default", "via", "{gate0}")
    complaints += relay.recovers("the device was up again")
    relay.ip("link", "set", "dev", "to-relay", "down", role="switch")
    if not proc.wait_until(lambda: not any(relay.resolved()), LIMIT):
        complaints.append("a next hop leads to a device without carrier")
    relay.ip("link", "set", "dev", "to-relay", "up", role="switch")
    check(complaints + relay.recovers("the cable was plugged in again"))


@only_auto
def test_relayed_address(relay: Relay) -> None:
    """The kernel does not send from a relayed address that was deleted, and does again when it is added."""
    complaints: Complaints = []
    for family in FAMILIES:
        relay.ip("addr", "del", RELAYED.with_prefix(family), "dev", "nic0")

    def to_peers() -> list[bool]:
        return [flow["resolved"] for flow in relay.server.flows() if flow["direction"] == "to-peer"]
    if not proc.wait_until(lambda: to_peers() == [False, False], LIMIT):
        complaints.append(f"resolved next hops of packets from a deleted address: {to_peers()}")
    for family in FAMILIES:
        relay.ip("addr", "add", RELAYED.with_prefix(family), "dev", "nic0", *(["nodad"] if family == 6 else []))
    check(complaints + relay.recovers("the address was added again"))


# Sizes.

def stops_growing(relay: Relay, after: str, limit: float) -> Complaints:
    """No packet is too big any more, for long enough to have seen every size that the flow sends."""
    def quiet() -> bool:
        return not any(relay.grows(*TOO_BIG) for _ in range(3))
    return [] if proc.wait_until(quiet, limit) else [f"after {after}: packets are still too big"]


@every_mode
def test_route_mtu(relay: Relay) -> None:
    """The MTU of a route limits packets, as long as the route has one."""
    complaints: Complaints = []
    for family in FAMILIES:
        relay.ip(f"-{family}", "route", "replace", "default", "via", GATE0.address(family),
                 "mtu", str(PATH_MTU[family]))
        if not proc.wait_until(lambda: relay.grows(*TOO_BIG), LIMIT):
            complaints.append(f"IPv{family}: no packet is too big for the route's MTU")
        relay.ip(f"-{family}", "route", "replace", "default", "via", GATE0.address(family))
        complaints += stops_growing(relay, f"the IPv{family} route lost its MTU", LIMIT)
    check(complaints)


@only_auto
def test_path_mtu(relay: Relay) -> None:
    """A path MTU that a router has reported limits packets until it expires."""
    complaints: Complaints = []
    for family in FAMILIES:
        gateways.sysctl(relay.lab, "relay", f"ipv{family}/route/mtu_expires", MTU_EXPIRES)
        report_path_mtu(relay, family, PATH_MTU[family])
        if not proc.wait_until(lambda: relay.grows(*TOO_BIG), LIMIT):
            complaints.append(f"IPv{family}: no packet is too big for the path")
        complaints += stops_growing(relay, f"IPv{family}'s path MTU expired", MTU_EXPIRES + LIMIT)
    check(complaints)


def report_path_mtu(relay: Relay, family: int, mtu: int) -> None:
    """Send what a router behind the gateway answers to a packet from the relay to the peer."""
    source, destination = next(
        (source, endpoint(flow["new_dst"])) for flow in relay.server.flows()
        if flow["direction"] == "to-peer" and turn.family_of(source := endpoint(flow["new_src"])) == family)
    error = ICMP(type=3, code=4, nexthopmtu=mtu) if family == 4 else ICMPv6PacketTooBig(mtu=mtu)
    icmp_errors.send_error(relay.lab, "router", error, icmp_errors.relayed_packet(source, destination))


def endpoint(text: str) -> turn.Address:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)

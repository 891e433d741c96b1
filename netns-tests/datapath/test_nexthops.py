#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The network changes under a relay: packets follow at once, are relayed in the kernel again, and no byte is wrong.

gateways.py draws the network. A steady flow of each family goes through the relay all the while. After each change,
within seconds: nothing that is sent gets lost, every flow's packets are counted in the kernel, user space has relayed
none, and no packet goes where the kernel knows that nobody is.

    mac/told       the gateway has another MAC address, and tells everybody
    mac/found      the gateway has another MAC address, and the kernel finds out
    failover       another gateway: the route is replaced; the route is deleted, and added anew
    object         another gateway, by a nexthop object; no route changes
    device         a route to another device that is attached; and to one that is not, where user space sends
    policy         one of the relay's two addresses is routed by a table of its own
    ecmp/device    two paths by two devices, one of which goes down
    ecmp/gateway   two paths by one device, one of whose gateways dies
    vanished       the gateway is silent, and comes back
    fresh          nothing changes, but the kernel is quick to forget neighbours that it does not use itself
    link           the device goes down and up; its cable is pulled and plugged in
    address        the relayed address is taken away, and given back
    mtu            the route's MTU changes
    path-mtu       a router on the way says that packets are too big, and after a while that is forgotten
"""

from __future__ import annotations

import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial

import gateways
import scenes
from gateways import GATES, LISTEN, RELAYED, Capture
from lab import proc
from lab.complaints import Complaints
from lab.endpoints import echo_peer, ignore_path_mtu
from lab.flow import Flow
from lab.lab import Lab
from lab.relay import Turnpike, Variant
from lab.topology import FAMILIES

MODES = {"auto": Variant("auto", "auto", "none"), "tc": Variant("tc", "tc", "tcx")}
SOON = 3.0    # seconds: one for the relay to notice, and the rest for a noisy machine
DEATH = 20.0  # for the kernel to give up a neighbour: that is its own business
FRESH = 40.0  # the kernel forgets neighbours every 15 s
WINDOW = 0.2
FORGETTABLE = 128  # so many neighbours of a family the kernel keeps for good
PATH_MTU = {4: 900, 6: 1280}
TOO_BIG = "too-big", "dont-fragment"
GATE0, GATE1, GATE2 = GATES


class Scene:
    """A relay with its flows, and what is asked of it."""

    def __init__(self, lab: Lab, variant: Variant, devices: list[str]) -> None:
        self.lab = lab
        self.server = Turnpike(lab, variant, options=[word for name in devices for word in ("--dev", name)])
        self.flows: list[Flow] = []

    def ip(self, *words: str, role: str = "relay") -> None:
        self.lab.run(role, ["ip", *words])

    def ip_both(self, *words: str, role: str = "relay") -> None:
        """For both families; {gate0}, {relayed} and so on stand for addresses."""
        for family in FAMILIES:
            names = {f"gate{i}": gate.address(family) for i, gate in enumerate(GATES)}
            names["relayed"] = RELAYED.address(family)
            self.ip(f"-{family}", *(word.format(**names) for word in words), role=role)

    def mac(self, gate: str) -> str:
        return gateways.mac_of(self.lab, "router", gate)

    def counted(self) -> list[int]:
        return [flow["packets"] for flow in self.server.flows()]

    def lost(self) -> int:
        """Of what is sent in the next moment; late is not lost."""
        starts = [flow.sent for flow in self.flows]
        time.sleep(WINDOW)
        ends = [flow.sent for flow in self.flows]
        time.sleep(WINDOW)
        return sum(1 for flow, start, end in zip(self.flows, starts, ends)
                   for number in range(start, end) if number not in flow.back)

    def state(self) -> str:
        """In the kernel alone: "well"; or what is not well."""
        before, (_, user_before) = self.counted(), self.server.relayed()
        lost = self.lost()
        after, (_, user_after) = self.counted(), self.server.relayed()
        idle = [i for i, (a, b) in enumerate(zip(before, after)) if a == b]
        if lost or idle or user_after != user_before or len(after) != 2 * len(self.flows):
            return (f"{lost} lost, flows {idle} of {len(after)} not in the kernel, "
                    f"{user_after - user_before} in user space")
        return "well"

    def becomes_well(self, after: str) -> Complaints:
        states: list[str] = []
        def well() -> bool:
            states.append(self.state())
            return states[-1] == "well"
        return [] if proc.wait_until(well, SOON) else [f"{SOON} s after {after}: {states[-1]}"]

    def grows(self, *verdicts: str) -> bool:
        def total() -> int:
            told = self.server.verdicts()
            return sum(told.get(verdict, 0) for verdict in verdicts)
        before = total()
        time.sleep(WINDOW)
        return total() > before

    def in_user_space(self, after: str) -> Complaints:
        """Nothing is lost, although a flow is not relayed in the kernel."""
        def helped() -> bool:
            before = self.server.relayed()[1]
            return self.lost() == 0 and self.server.relayed()[1] > before
        return [] if proc.wait_until(helped, SOON) else [f"{SOON} s after {after}: not without loss in user space"]


def avoids(capture: Capture, mac: str, why: str) -> Complaints:
    """From now on."""
    capture.drain()
    time.sleep(1)
    wrong = [frame for frame in capture.drain() if frame[0] == mac]
    return [f"{len(wrong)} packets went to {mac}, {why}"] if wrong else []


def change_mac(scene: Scene, tell: bool) -> tuple[str, str]:
    old = scene.mac("gate0")
    new = f"02:{old[3:]}" if not old.startswith("02:") else f"06:{old[3:]}"
    gateways.sysctl(scene.lab, "router", "ipv4/conf/gate0/arp_notify", int(tell))
    gateways.sysctl(scene.lab, "router", "ipv6/conf/gate0/ndisc_notify", int(tell))
    scene.ip("link", "set", "dev", "gate0", "address", new, role="router")
    return old, new


def knows(scene: Scene, condition: Callable[[str, str], bool], what: str) -> Complaints:
    """Waits until the kernel's entry for the gateway is so in both families."""
    def both() -> bool:
        return all(condition(*gateways.neighbour(scene.lab, GATE0, family)) for family in FAMILIES)
    if proc.wait_until(both, DEATH, step=0.05):
        return []
    return [f"the kernel has not found out that {what}: "
            f"{[gateways.neighbour(scene.lab, GATE0, family) for family in FAMILIES]}"]


def mac(scene: Scene, tell: bool) -> Complaints:
    with Capture(scene.lab, "gate0") as capture:
        old, new = change_mac(scene, tell)
        complaints = knows(scene, lambda _state, address: address == new, f"the gateway is {new}")
        complaints += scene.becomes_well("the kernel knew the new MAC address")
        return complaints + avoids(capture, old, "the gateway's former MAC address")


def mac_told(scene: Scene) -> Complaints:
    return mac(scene, tell=True)


def mac_found(scene: Scene) -> Complaints:
    return mac(scene, tell=False)


def failover(scene: Scene) -> Complaints:
    with Capture(scene.lab, "gate0") as zero, Capture(scene.lab, "gate1") as one:
        scene.ip_both("route", "replace", "default", "via", "{gate1}")
        complaints = scene.becomes_well("the route was replaced")
        complaints += avoids(zero, scene.mac("gate0"), "which is no gateway any more")
        scene.ip_both("route", "del", "default")
        if not proc.wait_until(lambda: not any(flow["resolved"] for flow in scene.server.flows()), SOON):
            complaints.append("a next hop is left without a route")
        scene.ip_both("route", "add", "default", "via", "{gate0}")
        complaints += scene.becomes_well("another route was added")
        return complaints + avoids(one, scene.mac("gate1"), "which is no gateway any more")


def nexthop_object(scene: Scene) -> Complaints:
    # Else the kernel pretends that the routes of the object have changed.
    gateways.sysctl(scene.lab, "relay", "ipv4/nexthop_compat_mode", 0)
    for family, number in zip(FAMILIES, ("4", "6")):
        scene.ip("nexthop", "add", "id", number, "via", GATE0.address(family), "dev", "nic0")
        scene.ip(f"-{family}", "route", "replace", "default", "nhid", number)
    complaints = scene.becomes_well("the routes had objects")
    with Capture(scene.lab, "gate0") as capture:
        for family, number in zip(FAMILIES, ("4", "6")):
            scene.ip("nexthop", "replace", "id", number, "via", GATE1.address(family), "dev", "nic0")
        complaints += scene.becomes_well("the objects were replaced")
        return complaints + avoids(capture, scene.mac("gate0"), "which is no gateway any more")


def device_attached(scene: Scene) -> Complaints:
    with Capture(scene.lab, "gate0") as zero, Capture(scene.lab, "gate2") as two:
        scene.ip_both("route", "replace", "default", "via", "{gate2}", "dev", "nic1")
        complaints = scene.becomes_well("the route led to the other device")
        complaints += avoids(zero, scene.mac("gate0"), "which is no gateway any more")
        if not two.drain():
            complaints.append("nothing came by the other device")
        scene.ip_both("route", "replace", "default", "via", "{gate0}", "dev", "nic0")
        return complaints + scene.becomes_well("the route led back")


def device_not_attached(scene: Scene) -> Complaints:
    with Capture(scene.lab, "gate2") as two:
        scene.ip_both("route", "replace", "default", "via", "{gate2}", "dev", "nic1")
        complaints = scene.in_user_space("the route led to a device that is not attached")
        if any(flow["resolved"] for flow in scene.server.flows()):
            complaints.append("a next hop leads to a device that is not attached")
        if not two.drain():
            complaints.append("nothing came by the other device")
    scene.ip_both("route", "replace", "default", "via", "{gate0}", "dev", "nic0")
    return complaints + scene.becomes_well("the route led back")


def policy(scene: Scene) -> Complaints:
    relayed = {RELAYED.address(family) for family in FAMILIES}
    with Capture(scene.lab, "gate0") as zero, Capture(scene.lab, "gate1") as one:
        scene.ip_both("route", "add", "default", "via", "{gate1}", "dev", "nic0", "table", "100")
        scene.ip_both("rule", "add", "from", "{relayed}", "ipproto", "udp", "lookup", "100")
        complaints = scene.becomes_well("there was a rule")
        zero.drain()
        one.drain()
        time.sleep(1)
        by_gate = [{source for to, source in capture.drain() if to == gate}
                   for capture, gate in ((zero, scene.mac("gate0")), (one, scene.mac("gate1")))]
        if by_gate != [{LISTEN.address(family) for family in FAMILIES}, relayed]:
            complaints.append(f"by gate0 came packets of {by_gate[0]}, by gate1 of {by_gate[1]}")
        scene.ip_both("rule", "del", "from", "{relayed}", "ipproto", "udp", "lookup", "100")
        complaints += scene.becomes_well("there was no rule any more")
        return complaints + avoids(one, scene.mac("gate1"), "for which there is no rule any more")


def ecmp_device(scene: Scene) -> Complaints:
    """The kernel chooses; the weights make it sure that some flow takes the path that dies."""
    with Capture(scene.lab, "gate2") as two:
        scene.ip_both("route", "replace", "default", "nexthop", "via", "{gate0}", "dev", "nic0", "weight", "1",
                      "nexthop", "via", "{gate2}", "dev", "nic1", "weight", "200")
        complaints = scene.becomes_well("there were two paths")
        two.drain()
        time.sleep(WINDOW)
        if not two.drain():
            complaints.append("nothing came by the second path")
        scene.ip("link", "set", "dev", "nic1", "down")
        return complaints + scene.becomes_well("one path was down")


def ecmp_gateway(scene: Scene) -> Complaints:
    gateways.sysctl(scene.lab, "relay", "ipv4/fib_multipath_use_neigh", 1)
    with Capture(scene.lab, "gate0") as zero:
        scene.ip_both("route", "replace", "default", "nexthop", "via", "{gate1}", "dev", "nic0", "weight", "1",
                      "nexthop", "via", "{gate0}", "dev", "nic0", "weight", "200")
        complaints = scene.becomes_well("there were two gateways")
        zero.drain()
        time.sleep(WINDOW)
        if not zero.drain():
            complaints.append("nothing came by the second gateway")
        scene.ip("link", "set", "dev", "to-gate0", "nomaster", role="switch")
        complaints += knows(scene, lambda state, _address: state in ("FAILED", "NONE"), "a gateway is dead")
        return complaints + scene.becomes_well("the kernel knew that one gateway was dead")


def vanished(scene: Scene) -> Complaints:
    """Behind a cable that is cut a capture would see nothing; so the gateway has another MAC address, and is silent."""
    with Capture(scene.lab, "gate0") as capture:
        old = scene.mac("gate0")
        scene.ip("link", "set", "dev", "gate0", "arp", "off", role="router")
        scene.ip("link", "set", "dev", "gate0", "address", f"02:{old[3:]}", role="router")
        complaints = knows(scene, lambda state, _address: state not in ("REACHABLE", "STALE", "DELAY", "PROBE"),
                           "the gateway is gone")
        if not proc.wait_until(lambda: scene.grows("no-nexthop"), SOON):
            complaints.append("packets for a dead gateway do not go up")
        complaints += avoids(capture, old, "where the kernel knows that nobody is")
        scene.ip("link", "set", "dev", "gate0", "address", old, role="router")
        scene.ip("link", "set", "dev", "gate0", "arp", "on", role="router")
        return complaints + scene.becomes_well("the gateway was back")


def fresh(scene: Scene) -> Complaints:
    """Others' entries make the table full enough for the kernel to forget what was not used for gc_stale_time."""
    for family, network in zip(FAMILIES, ("10.77.9.", "fd77:0:0:9::")):
        scene.lab.run("relay", ["ip", "-batch", "-"], stdin="".join(
            f"neigh add {network}{i + 1} lladdr 02:00:00:00:00:{i:02x} nud permanent dev nic1\n"
            for i in range(FORGETTABLE)))
    complaints = scene.becomes_well("the table was full")
    before, (_, user_before) = scene.server.verdicts().get("no-nexthop", 0), scene.server.relayed()
    seen: set[str] = set()
    deadline = time.monotonic() + FRESH
    while time.monotonic() < deadline:
        seen |= {gateways.neighbour(scene.lab, GATE0, family)[0] for family in FAMILIES}
        time.sleep(0.2)
    if seen - {"REACHABLE", "STALE", "DELAY", "PROBE"}:
        complaints.append(f"the gateway's entry was {sorted(seen)}")
    after, (_, user_after) = scene.server.verdicts().get("no-nexthop", 0), scene.server.relayed()
    if (after, user_after) != (before, user_before):
        complaints.append(f"{after - before} packets went up for want of a neighbour, "
                          f"user space relayed {user_after - user_before}")
    return complaints + scene.becomes_well("40 s of relaying in the kernel")


def link(scene: Scene) -> Complaints:
    scene.ip("link", "set", "dev", "nic0", "down")
    time.sleep(1)
    if any(flow["resolved"] for flow in scene.server.flows()):
        return ["a next hop leads to a device that is down"]
    scene.ip("link", "set", "dev", "nic0", "up")
    scene.ip_both("route", "replace", "default", "via", "{gate0}")
    complaints = scene.becomes_well("the device was up again")
    scene.ip("link", "set", "dev", "to-relay", "down", role="switch")
    time.sleep(1)
    if any(flow["resolved"] for flow in scene.server.flows()):
        complaints.append("a next hop leads to a device without a carrier")
    scene.ip("link", "set", "dev", "to-relay", "up", role="switch")
    return complaints + scene.becomes_well("the cable was plugged in again")


def address(scene: Scene) -> Complaints:
    complaints: Complaints = []
    for family in FAMILIES:
        scene.ip("addr", "del", RELAYED.with_prefix(family), "dev", "nic0")
    def to_peers() -> list[bool]:
        return [flow["resolved"] for flow in scene.server.flows() if flow["direction"] == "to-peer"]
    if not proc.wait_until(lambda: to_peers() == [False, False], SOON):
        complaints.append(f"next hops from an address that is not ours: {to_peers()}")
    for family in FAMILIES:
        scene.ip("addr", "add", RELAYED.with_prefix(family), "dev", "nic0", *(["nodad"] if family == 6 else []))
    return complaints + scene.becomes_well("the address was given back")


def stops_growing(scene: Scene, after: str, patience: float) -> Complaints:
    """Long enough for a client that sends every size in turn."""
    def quiet() -> bool:
        return not any(scene.grows(*TOO_BIG) for _ in range(3))
    return [] if proc.wait_until(quiet, patience) else [f"after {after}: packets are still too big"]


def mtu(scene: Scene) -> Complaints:
    complaints: Complaints = []
    for family in FAMILIES:
        scene.ip(f"-{family}", "route", "replace", "default", "via", GATE0.address(family),
                 "mtu", str(PATH_MTU[family]))
        if not proc.wait_until(lambda: scene.grows(*TOO_BIG), SOON):
            complaints.append(f"IPv{family}: nothing is too big for the route's MTU")
        scene.ip(f"-{family}", "route", "replace", "default", "via", GATE0.address(family))
        complaints += stops_growing(scene, f"IPv{family} had its MTU back", SOON)
    return complaints


def too_big(scene: Scene, family: int, mtu: int) -> None:
    """What a router behind the gateway says of a packet from the relay to the peer."""
    flow = next(each for each in scene.server.flows() if each["direction"] == "to-peer"
                and (":" in host_of(each["new_src"])) == (family == 6))
    (source, sport), (dest, dport) = endpoint_of(flow["new_src"]), endpoint_of(flow["new_dst"])
    udp = struct.pack("!HHHH", sport, dport, 1308, 0)
    with scene.lab.entered("router"):
        if family == 4:
            sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
            ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 1328, 1, 0x4000, 60, 17, 0,
                             socket.inet_aton(source), socket.inet_aton(dest))
            message = struct.pack("!BBHHH", 3, 4, 0, 0, mtu) + ip + udp
            message = message[:2] + struct.pack("!H", internet_checksum(message)) + message[4:]
        else:
            sock = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
            ip = struct.pack("!IHBB16s16s", 6 << 28, 1308, 17, 60, socket.inet_pton(socket.AF_INET6, source),
                             socket.inet_pton(socket.AF_INET6, dest))
            message = struct.pack("!BBHI", 2, 0, 0, mtu) + ip + udp  # the kernel fills in the checksum
    with sock:
        sock.sendto(message, (source, 0))


def host_of(endpoint: str) -> str:
    return endpoint.rpartition(":")[0].strip("[]")


def endpoint_of(text: str) -> tuple[str, int]:
    return host_of(text), int(text.rpartition(":")[2])


def internet_checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def path_mtu(scene: Scene) -> Complaints:
    complaints: Complaints = []
    for family in FAMILIES:
        gateways.sysctl(scene.lab, "relay", f"ipv{family}/route/mtu_expires", 5)
        too_big(scene, family, PATH_MTU[family])
        if not proc.wait_until(lambda: scene.grows(*TOO_BIG), SOON):
            complaints.append(f"IPv{family}: nothing is too big for the path")
        complaints += stops_growing(scene, f"IPv{family}'s path MTU had expired", 5 + SOON)
    return complaints


ONE, BOTH = ["nic0"], ["nic0", "nic1"]
# name: what happens, the modes in which it happens, and the devices that are attached.
SCENES: dict[str, tuple[Callable[[Scene], Complaints], tuple[str, ...], list[str]]] = {
    "mac/told": (mac_told, ("auto", "tc"), ONE),
    "mac/found": (mac_found, ("auto",), ONE),
    "failover": (failover, ("auto", "tc"), ONE),
    "object": (nexthop_object, ("auto",), ONE),
    "device/attached": (device_attached, ("auto", "tc"), BOTH),
    "device/other": (device_not_attached, ("auto", "tc"), ONE),
    "policy": (policy, ("auto",), ONE),
    "ecmp/device": (ecmp_device, ("auto", "tc"), BOTH),
    "ecmp/gateway": (ecmp_gateway, ("auto",), ONE),
    "vanished": (vanished, ("auto", "tc"), ONE),
    "fresh": (fresh, ("auto", "tc"), ONE),
    "link": (link, ("auto", "tc"), ONE),
    "address": (address, ("auto",), ONE),
    "mtu": (mtu, ("auto", "tc"), ONE),
    "path-mtu": (path_mtu, ("auto",), ONE),
}


def run(happens: Callable[[Scene], Complaints], variant: Variant, devices: list[str]) -> Complaints:
    with Lab(gateways.TOPOLOGY, offload=True) as lab, echo_peer(lab, 4) as peer4, echo_peer(lab, 6) as peer6:
        gateways.prepare(lab)
        scene = Scene(lab, variant, devices)
        scene.flows = [Flow(lab, family, peer.address) for family, peer in zip(FAMILIES, (peer4, peer6))]
        for family, flow, peer in zip(FAMILIES, scene.flows, (peer4, peer6)):
            ignore_path_mtu(flow.socket, family)
            ignore_path_mtu(peer.socket, family)
            flow.start()
        try:
            complaints = scene.becomes_well("the start") or happens(scene)
            complaints += [each for flow in scene.flows for each in flow.wrong[:3]]
            return complaints + ([scene.server.report()] if complaints else [])
        finally:
            for flow in scene.flows:
                flow.stop()
            lab.stop_processes()


def tests() -> Iterator[tuple[str, Callable[[], Complaints]]]:
    for name, (happens, modes, devices) in SCENES.items():
        for mode in modes:
            yield f"{name}/{mode}", partial(run, happens, MODES[mode], devices)


if __name__ == "__main__":
    sys.exit(scenes.main("The network changes under a running relay.", tests(), lambda _, test: scenes.tried(test)))

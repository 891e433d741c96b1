#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""VLANs: a relay whose addresses are on a VLAN device, with one tag (802.1Q) or two (802.1ad around 802.1Q).

    client ----- router ===== relay          ===== is a trunk
                   |
                 peer

    trunk    the trunk itself is attached: what comes with the tags of the next hop is relayed, and leaves with them,
             priority and drop eligibility as they came; the same packet with other tags, or none, goes up, no further
    device   the VLAN device is attached, where frames have no tags any more

A case is named tags/where/variant/family/what; --only TEXT runs those with TEXT in their names. On a kernel without
VLAN devices the test runs itself in a virtual machine with one of Debian's.
"""

from __future__ import annotations

import argparse
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1AD, Dot1Q, Ether
from scapy.packet import Packet, Raw

from lab import ROOT, kernels, proc, turn, vm
from lab.relay import BINARY, VARIANTS, Turnpike, Variant
from lab.rig import CHANNEL, Rig, compare
from lab.topology import FAMILIES
from lab.wire import Tap, mac, sender
from scenes import FAILURES
from vlanlab import Tag, VlanLab, has_vlan_devices

KERNEL = "6.12"
SKIPPED = 77
STACKS = {"one": [Tag("802.1Q", 100)], "two": [Tag("802.1ad", 200), Tag("802.1Q", 100)]}
PLACES = {"trunk": [variant for variant in VARIANTS if variant.in_kernel],
          # A VLAN device has no native XDP of its own.
          "device": [variant for variant in VARIANTS if variant.in_kernel and variant.mode != "xdp-native"]}
PRIORITY, ELIGIBLE = 5, 1   # of our own making: the stack would send 0 and 0
HELLO = bytes(range(200))
Tags = list[Tag]


class Wire:
    """The trunk, seen from the router's end."""

    def __init__(self, lab: VlanLab, rig: Rig) -> None:
        self.lab, self.rig = lab, rig
        self.macs = mac(lab, "router", "to-relay"), mac(lab, "relay", "nic0")

    def frame(self, direction: str, tags: Tags, data: bytes) -> bytes:
        """What the relay would get on its trunk; with priority and drop eligibility in every tag."""
        client, peer = self.rig.client.socket.getsockname()[:2], self.rig.peer_address
        source, to = {"to-peer": (client, self.rig.server_address),
                      "to-client": (peer, self.rig.client.relayed)}[direction]
        ip = IP(src=source[0], dst=to[0]) if self.rig.family == 4 else IPv6(src=source[0], dst=to[0])
        packet: Packet = ip / UDP(sport=source[1], dport=to[1]) / Raw(data)
        for tag in reversed(tags):
            packet = {0x8100: Dot1Q, 0x88A8: Dot1AD}[tag.tpid](vlan=tag.number, prio=PRIORITY, id=ELIGIBLE) / packet
        return bytes(Ether(src=self.macs[0], dst=self.macs[1]) / packet)

    def exchange(self, frame: bytes, wait: float) -> list[bytes]:
        """Send it, and see what UDP packets the relay sends meanwhile."""
        tap = Tap(self.lab, "router", "to-relay")
        with sender(self.lab, "router", "to-relay") as out:
            out.send(frame)
        seen: list[bytes] = []
        proc.wait_until(lambda: bool(seen.extend(each for each in tap.read() if each[6:12] == self.macs[1]) or
                                     any(HELLO in each for each in seen)), wait)
        tap.close()
        return [each for each in seen if HELLO in each]

    def data(self, direction: str) -> bytes:
        return turn.channel_data(CHANNEL, HELLO) if direction == "to-peer" else HELLO


def tags_of(tags: Tags) -> bytes:
    return b"".join(struct.pack("!HH", tag.tpid, PRIORITY << 13 | ELIGIBLE << 12 | tag.number) for tag in tags)


def relayed_with_tags(wire: Wire, direction: str) -> list[str]:
    """In the kernel, and out by the trunk with the very same tags."""
    server, tags = wire.rig.server, wire.lab.tags
    before = server.relayed()[0]
    out = wire.exchange(wire.frame(direction, tags, wire.data(direction)), 2)
    complaints = []
    if len(out) != 1:
        return [f"{len(out)} frames left, not 1"]
    if out[0][12:12 + 4 * len(tags)] != tags_of(tags):
        complaints.append(f"it left with {out[0][12:20].hex()}, not with the tags {tags_of(tags).hex()}")
    wanted = HELLO if direction == "to-peer" else turn.channel_data(CHANNEL, HELLO)
    ip = {4: b"\x08\x00\x45", 6: b"\x86\xdd\x60"}[wire.rig.family]
    if not out[0].endswith(wanted) or not out[0][12 + 4 * len(tags):].startswith(ip):
        complaints.append(f"it left as {out[0].hex()}")
    if (kernel_relayed := server.relayed()[0] - before) != 1:
        complaints.append(f"the kernel relayed {kernel_relayed} packets, not 1")
    got = wire.rig.at_peer(expected=1) if direction == "to-peer" else wire.rig.at_client(expected=1)
    return complaints + ([] if [each.payload for each in got] == [HELLO] else [f"{got} arrived"])


def other_tags(tags: Tags) -> dict[str, Tags]:
    """Whatever is not the tags of the next hop."""
    last = tags[-1]
    changed = {"another VLAN": [*tags[:-1], Tag(last.standard, last.number + 1)],
               "another standard": [*tags[:-1], Tag("802.1ad", last.number)],
               "untagged": [], "priority only": [Tag("802.1Q", 0)], "one tag more": [*tags, Tag("802.1Q", 7)]}
    if len(tags) > 1:
        changed |= {"another outer VLAN": [Tag(tags[0].standard, 201), tags[1]], "outer tag only": tags[:1],
                    "inner tag only": tags[1:], "the other way round": tags[::-1]}
    return changed


def others_go_up(wire: Wire, direction: str) -> list[str]:
    """A packet of the flow with other tags than its next hop's is for the stack, and no further."""
    server, others = wire.rig.server, other_tags(wire.lab.tags)
    kernel_before, verdicts_before = server.relayed()[0], server.verdicts()
    complaints = []
    for what, tags in others.items():
        out = wire.exchange(wire.frame(direction, tags, wire.data(direction)), 0.05)
        # User space may relay what the stack has given to it, but knows nothing of priorities.
        if any(PRIORITY == each[14] >> 5 for each in out if each[12:14] in (b"\x81\x00", b"\x88\xa8")):
            complaints.append(f"{what}: {len(out)} frames left, of which the first is {out[0][:60].hex()}")
    if (kernel_relayed := server.relayed()[0] - kernel_before) != 0:
        complaints.append(f"the kernel relayed {kernel_relayed} of {list(others)}")
    if (counted := server.verdicts().get("vlan", 0) - verdicts_before.get("vlan", 0)) != len(others):
        complaints.append(f"{counted} of {len(others)} were counted as 'vlan': {list(others)}")
    wire.rig.at_peer(0.01)
    wire.rig.at_client(0.01)
    return complaints


def flows(wire: Wire, _direction: str) -> list[str]:
    """As the client and the peer send, many sizes, all in the kernel."""
    rig = wire.rig
    before = rig.server.relayed()[0]
    payloads = [bytes([size % 256]) * size for size in range(0, 1400, 70)]
    for payload in payloads:
        rig.to_peer(payload)
        rig.to_client(payload)
    complaints = (compare("the peer", "plain", payloads, rig.at_peer(expected=len(payloads))) +
                  compare("the client", "channel", payloads, rig.at_client(expected=len(payloads))))
    kernel_relayed = rig.server.relayed()[0] - before
    return complaints + ([] if kernel_relayed == 2 * len(payloads) else
                         [f"the kernel relayed {kernel_relayed} of {2 * len(payloads)} packets"])


Check = Callable[[Wire, str], list[str]]


def checks(where: str) -> Iterator[tuple[str, Check, str]]:
    yield "flows", flows, ""
    for direction in ("to-peer", "to-client") if where == "trunk" else ():
        yield f"{direction}/the same tags", relayed_with_tags, direction
        yield f"{direction}/other tags", others_go_up, direction


Cases = dict[int, list[tuple[str, Check, str]]]


def cases_of(stack: str, where: str, variant: Variant, only: str) -> Cases:
    """By family: a name, what is checked, and the direction."""
    chosen = {family: [(name, check, direction) for what, check, direction in checks(where)
                       if only in (name := f"{stack}/{where}/{variant.name}/ipv{family}/{what}")]
              for family in FAMILIES}
    return {family: cases for family, cases in chosen.items() if cases}


def run_variant(lab: VlanLab, where: str, variant: Variant, chosen: Cases) -> Iterator[tuple[str, list[str]]]:
    names = [name for cases in chosen.values() for name, _check, _direction in cases]
    try:
        device = "nic0" if where == "trunk" else lab.vlan_device("nic0")
        server = Turnpike(lab, variant, options=["--dev", device])
        for family, cases in chosen.items():
            rig = Rig(lab, server, family)
            wire = Wire(lab, rig)
            for name, check, direction in cases:
                complaints = check(wire, direction)
                names.remove(name)
                yield name, complaints
            rig.close()
        server.stop()
    except FAILURES as error:
        yield from ((name, [f"{type(error).__name__}: {error}"]) for name in names)
    finally:
        lab.stop_processes()


def run_here(only: str) -> int:
    total = failed = 0
    for stack, tags in STACKS.items():
        chosen = {(where, variant): cases for where, variants in PLACES.items() for variant in variants
                  if (cases := cases_of(stack, where, variant, only))}
        if not chosen:
            continue
        with VlanLab(tags) as lab:
            for (where, variant), cases in chosen.items():
                start = time.monotonic()
                for name, complaints in run_variant(lab, where, variant, cases):
                    total += 1
                    failed += bool(complaints)
                    print(f"{'FAIL' if complaints else 'ok  '} {name:50}{time.monotonic() - start:5.1f} s", flush=True)
                    start = time.monotonic()
                    for complaint in complaints:
                        print(f"        {complaint}")
    print(f"{total - failed} passed, {failed} failed")
    return 1 if failed or not total else 0


def run_in_machine(only: str) -> int:
    try:
        kernels.check_tools()
        found = kernels.get(KERNEL)
    except kernels.Unavailable as error:
        print(f"SKIPPED VLANs: this kernel has no VLAN devices, and there is no virtual machine: {error}", flush=True)
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix="turnpike-vlan-") as scratch:
        with vm.Vm(found, [], Path(scratch)) as machine:
            print(f"no VLAN devices here: in a virtual machine with Linux {machine.release}", flush=True)
            machine.run(["mkdir", "-p", scratch])
            machine.run(["modprobe", "-a", "veth", "8021q", "sch_ingress", "cls_bpf"])
            command = ["env", f"TURNPIKE={BINARY}", f"PYTHONPATH={ROOT}/netns-tests", "/usr/bin/python3", str(Path(__file__).resolve()), "--here"]
            inside = machine.start([*command, "--only", only], Path(scratch) / "test.log")
            shown, status = "", None
            while status is None:
                time.sleep(1)
                status = inside.exit_status()
                log = inside.log()
                print(log[len(shown):], end="", flush=True)
                shown = log
    return status


def main() -> int:
    parser = argparse.ArgumentParser(description="VLANs.")
    parser.add_argument("--only", default="", metavar="TEXT", help="only cases with TEXT in their names")
    parser.add_argument("--here", action="store_true", help="on this kernel, whatever it has")
    options = parser.parse_args()
    proc.die_cleanly_on_signals()
    return run_here(options.only) if options.here or has_vlan_devices() else run_in_machine(options.only)


if __name__ == "__main__":
    sys.exit(main())

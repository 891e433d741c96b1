# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Rules of the relay's host that treat some of the relay's packets in another way than routes and neighbours tell.

The addresses are those of confirming.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lab.lab import Lab
from lab.relay import PORT
from lab.topology import CLIENT, PEER, Place

REDIRECTED = 443
ROUTER = Place(2, 1)
SPARE_ROUTER = Place(4, 1)
LOW_DELAY = 0x10  # of the TOS byte
MARK = "0x77"


@dataclass(frozen=True)
class Rule:
    """Commands that add a rule, and those that remove it. {addresses} are replaced by those of an IP family.

    Packets to the peer or to the client must not be relayed in the kernel while the rule exists. If it drops, they do
    not arrive at all.
    """

    name: str
    add: Sequence[str]
    remove: Sequence[str]
    concerns: Sequence[str]     # directions: "to-peer", "to-client"
    why: str                    # in the list of flows
    drops: bool = False
    client_port: int = PORT     # port of the server that clients use
    tos: int = 0                # of the clients' packets
    families: Sequence[int] = (4, 6)

    def apply(self, lab: Lab, family: int) -> None:
        self._run(lab, family, self.add)

    def withdraw(self, lab: Lab, family: int) -> None:
        self._run(lab, family, self.remove)

    def _run(self, lab: Lab, family: int, commands: Sequence[str]) -> None:
        words = {"client": CLIENT.address(family), "peer": PEER.address(family), "spare": SPARE_ROUTER.address(family),
                 "nft": "ip" if family == 4 else "ip6", "family": f"-{family}", "bits": 32 if family == 4 else 128}
        for command in commands:
            program, _, arguments = command.format(**words).partition(" ")
            # nft has a syntax of its own.
            argv = [program, arguments] if program == "nft" else [program, *arguments.split()]
            lab.run("relay", argv)


def chain(hook: str, kind: str, priority: int, rule: str) -> str:
    device = ' device "nic0"' if hook in ("ingress", "egress") else ""
    family = "netdev" if device else "inet"
    return (f"nft add table {family} t; add chain {family} t c"
            f" {{{{ type {kind} hook {hook}{device} priority {priority}; }}}}; add rule {family} t c {rule}")


def dropped(name: str, hook: str, rule: str, concerns: Sequence[str], priority: int = 0) -> Rule:
    table = "netdev" if hook in ("ingress", "egress") else "inet"
    return Rule(name, [chain(hook, "filter", priority, f"{rule} drop")], [f"nft delete table {table} t"], concerns,
                "dropped before the wire", drops=True)


BOTH = ("to-peer", "to-client")
NAT = ["nft delete table inet t"]
UPLINK = ["ip {family} route add default via {spare} dev nic1 table 77"]
NO_UPLINK = ["ip {family} route flush table 77"]


def policy(name: str, selector: str, concerns: Sequence[str], why: str, more: Sequence[str] = (),
           undo: Sequence[str] = (), tos: int = 0) -> Rule:
    return Rule(name, [*UPLINK, *more, f"ip {{family}} rule add {selector} table 77"],
                [f"ip {{family}} rule del {selector} table 77", *undo, *NO_UPLINK], concerns, why, tos=tos)


RULES = (
    dropped("drop-input", "input", f"{{nft}} saddr {{client}} udp dport {PORT}", ["to-peer"]),
    dropped("drop-output", "output", "{nft} daddr {peer}", ["to-peer"]),
    dropped("drop-postrouting", "postrouting", f"{{nft}} daddr {{client}} udp sport {PORT}", ["to-client"]),
    dropped("drop-prerouting", "prerouting", "{nft} saddr {peer}", ["to-client"], priority=-300),
    dropped("drop-ingress", "ingress", "{nft} saddr {client}", ["to-peer"]),
    dropped("drop-egress", "egress", "{nft} daddr {client}", ["to-client"]),
    Rule("drop-tc-egress",
         ["tc qdisc add dev nic0 handle 1: root prio",
          "tc filter add dev nic0 parent 1: protocol all prio 1 matchall action drop"],
         ["tc qdisc del dev nic0 root"], (), "", drops=True),
    Rule("ipsec-block", ["ip xfrm policy add dst {peer}/{bits} dir out action block"],
         ["ip xfrm policy del dst {peer}/{bits} dir out"], ["to-peer"], "dropped before the wire", drops=True),
    Rule("blackhole", ["ip {family} route add blackhole {peer}/{bits}"],
         ["ip {family} route del blackhole {peer}/{bits}"], ["to-peer"], "", drops=True),
    Rule("redirect", [chain("prerouting", "nat", -100, f"udp dport {REDIRECTED} redirect to :{PORT}")], NAT, BOTH,
         "source port", client_port=REDIRECTED),
    Rule("masquerade",
         [chain("postrouting", "nat", 100, "{nft} daddr {peer} meta l4proto udp masquerade to :20000-20999")],
         NAT, BOTH, "source port"),
    policy("policy-sport", f"ipproto udp sport {PORT}", ["to-client"], "leaves by nic1, not nic0"),
    policy("policy-mark", f"fwmark {MARK}", ["to-client"], "leaves by nic1, not nic0",
           [chain("output", "route", -150, f"udp sport {PORT} meta mark set {MARK}")], NAT),
    policy("policy-tos", f"tos {LOW_DELAY:#x}", ["to-peer"], "leaves by nic1, not nic0", tos=LOW_DELAY),
)
# Those that hold for channels which exist already. The others change what clients or peers see.
LIVE = tuple(rule for rule in RULES if rule.drops and rule.concerns)

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Traffic through a relay, with matching counts of client, peer, their stacks and the relay.

    ipv4  ipv6     client and peer of one family: turnutils_uclient, then aioice, which compares every byte
    4to4  6to6     likewise without turnutils_uclient
    4to6  6to4     client and peer of different families: aioice
"""

from __future__ import annotations

from lab import aioice_client, turnutils
from lab.complaints import Complaints
from lab.lab import Lab
from lab.relay import Server, Variant

# Traffic: the client's family, the peer's, and how many messages turnutils_uclient sends.
TRAFFIC = {"ipv4": (4, 4, turnutils.BUFFERED), "ipv6": (6, 6, turnutils.BUFFERED), "4to6": (4, 6, 0), "6to4": (6, 4, 0),
           "4to4": (4, 4, 0), "6to6": (6, 6, 0)}
# In kernel modes, user space relays a flow's first packets, until the neighbour is resolved and the stack has confirmed
# the flow. It may relay 1 % of all others.
FIRST_PACKETS = ("no-nexthop", "unconfirmed", "checked")


def transfer(lab: Lab, server: Server, traffic: str) -> tuple[str, Complaints]:
    """Send in both directions. Returns the counts as a line of text, and complaints about them."""
    client_family, peer_family, messages = TRAFFIC[traffic]
    watched = ("client", "peer")
    kernel_before, user_before = server.relayed()
    first_before = first_packets(server)
    errors_before = {role: lab.udp_errors(role) for role in watched}
    complaints = server.attach_complaints()

    expected, lost = 0, 0
    if messages:
        load = turnutils.run_load(lab, client_family, clients=1, messages=messages, interval_ms=1)
        expected, lost = load.packets, load.lost
        if lost or load.sent != messages or load.received != messages:
            complaints.append(f"turnutils_uclient sent {load.sent} of {messages}, received {load.received}")
    comparison = aioice_client.compare_bytes(lab, client_family, peer_family)
    expected += comparison.packets
    complaints += comparison.complaints

    for role in watched:
        after = lab.udp_errors(role)
        complaints += [f"{name} at the {role} rose by {after[name] - before}"
                       for name, before in errors_before[role].items() if after[name] != before]
    kernel_after, user_after = server.relayed()
    kernel, user = kernel_after - kernel_before, user_after - user_before
    first = first_packets(server) - first_before
    complaints += count_complaints(server.variant, expected, kernel, user, first) if server.tells_counts else []
    return f"packets {expected:5}  kernel {kernel:5}  userspace {user:5}  lost {lost}", complaints


def first_packets(server: Server) -> int:
    verdicts = server.verdicts()
    return sum(verdicts.get(verdict, 0) for verdict in FIRST_PACKETS)


def count_complaints(variant: Variant, expected: int, kernel: int, user: int, first: int) -> Complaints:
    if not variant.in_kernel:
        return [f"the kernel relayed {kernel} packets"] if kernel else []
    complaints = []
    # How many come before the flows are confirmed depends on the machine. Each of them is counted.
    if kernel < expected - first - expected // 100 or kernel < expected // 10:
        complaints.append(f"the kernel relayed only {kernel} of {expected} packets, and user space {first} first ones")
    if kernel + user < expected:
        complaints.append(f"the server counted {kernel} + {user} packets instead of {expected}")
    return complaints

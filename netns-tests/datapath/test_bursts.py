# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Datagrams that reach the relay merged into one packet below the MTU: none is lost, changed or merged for good.

    client ----- relay ----- peer          senders on this machine: their super-packets cross a veth whole

    client ----- router ----- relay        a bridge over the NIC, which merges what arrives together (rx-gro-list)
                   |
                 peer
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab import turn
from lab.bursts import Ends, Run, differences, run, send
from lab.complaints import check
from lab.endpoints import PATIENCE, drain, receive, turn_client, udp_socket
from lab.lab import Lab
from lab.relay import BY_NAME, VARIANTS, Turnpike, Variant
from lab.topology import FAMILIES, End

KERNEL_MODES = [variant for variant in VARIANTS if variant.in_kernel]
ON_BRIDGE = [BY_NAME[name] for name in ("generic-head", "generic-tail", "tcx", "clsact")]
MERGED = "gso"  # the verdict
QUIET = 0.2  # seconds without a further datagram
BRIDGE = "br0"


def runs() -> list[Run]:
    """All of them fit the MTU as a whole, the first by far."""
    return [run(20, 2), run(20, 5, last=13), run(100, 3, last=93), run(160, 7), run(400, 3, last=1)]


def single_packets() -> int:
    return 2 * sum(len(one.payloads) for one in runs())


@pytest.mark.parametrize("variant", KERNEL_MODES)
@pytest.mark.parametrize("family", FAMILIES)
def test_local_senders(lab: Lab, variant: Variant, family: int) -> None:
    """A burst arrives as it was sent. Native XDP gets single packets; other modes leave each burst to user space."""
    server = Turnpike(lab, variant)
    ends = Ends(lab, family, family)
    complaints = ends.there_and_back(2 * [run(10, 1)])  # resolve the neighbours, then confirm the flows
    before, merged = server.relayed(), server.verdicts().get(MERGED, 0)
    complaints += ends.there_and_back(runs())
    kernel, user_space = (now - then for now, then in zip(server.relayed(), before))
    merged = server.verdicts().get(MERGED, 0) - merged
    wanted = (single_packets(), 0, 0) if variant.mode == "xdp-native" else (0, single_packets(), 2 * len(runs()))
    if (kernel, user_space, merged) != wanted:
        complaints.append(f"{kernel} packets in the kernel, {user_space} in user space, {merged} bursts, not {wanted}")
    ends.close()
    check(complaints + server.stop_complaints())


@pytest.mark.parametrize("variant", KERNEL_MODES)
@pytest.mark.parametrize("family", FAMILIES)
def test_local_indications(lab: Lab, variant: Variant, family: int) -> None:
    """A burst of Send indications arrives as it was sent, and is counted as merged like other bursts."""
    server = Turnpike(lab, variant)
    client = turn_client(lab, "client", family, family)
    with client.socket, udp_socket(lab, "peer", family) as peer:
        address: turn.Address = peer.getsockname()[:2]
        client.permit(address)
        client.send_indication(address, b"the listener's port has a flow from now on")
        complaints = [] if receive(peer, family, PATIENCE) else ["the first indication is lost"]
        merged = server.verdicts().get(MERGED, 0)
        payloads = run(100, 3).payloads
        send(client.socket, family, [turn.send_indication(address, payload) for payload in payloads], tos=0)
        complaints += differences("at the peer", [(payload, 0) for payload in payloads],
                                  drain(peer, family, QUIET, expected=len(payloads)))
        merged = server.verdicts().get(MERGED, 0) - merged
        if merged != (variant.mode != "xdp-native"):
            complaints.append(f"{merged} bursts are counted")
        client.refresh(0)
    check(complaints + server.stop_complaints())


class BridgedLab(Lab):
    """The router's network. The relay's addresses are on a bridge; its port merges, and gets single packets."""

    def __init__(self) -> None:
        super().__init__("router", offload=True)

    def _set_up_end(self, end: End) -> None:
        if end.role == self.topology.router:
            self.run(end.role, ["ethtool", "-K", end.device, "tso", "off", "tx-udp-segmentation", "off"])
        if end.role != "relay":
            return super()._set_up_end(end)
        assert end.place is not None
        self.run("relay", ["ethtool", "-K", end.device, "gro", "on", "rx-gro-list", "on"])
        self._ip("relay", [f"link add {BRIDGE} type bridge stp_state 0 mcast_snooping 0",
                           f"link set {end.device} master {BRIDGE}", f"link set {end.device} up",
                           *(f"addr add {end.place.with_prefix(family)} dev {BRIDGE}" + (" nodad" * (family == 6))
                             for family in FAMILIES), f"link set {BRIDGE} up"])
        return None


@pytest.fixture(scope="module")
def bridged_lab() -> Iterator[BridgedLab]:
    with BridgedLab() as lab:
        yield lab


@pytest.mark.parametrize("variant", ON_BRIDGE)
@pytest.mark.parametrize("family", FAMILIES)
def test_merging_port(bridged_lab: BridgedLab, variant: Variant, family: int) -> None:
    """What the port of a bridge has merged is relayed as it was sent, and the status says why not in the kernel."""
    port = bridged_lab.devices("relay")[0]
    server = Turnpike(bridged_lab, variant, options=["--dev", BRIDGE])
    ends = Ends(bridged_lab, family, family)
    complaints = ends.there_and_back(runs())
    if not server.verdicts().get(MERGED, 0):
        complaints.append("nothing came merged")
    why = server.ask("status")["devices"][0]["why"]
    if f"{port}: rx-gro-list is on" not in why or f"(ethtool -K {port} rx-gro-list off)" not in why:
        complaints.append(f"the status does not say why: {why}")
    ends.close()
    complaints += server.stop_complaints()
    bridged_lab.stop_processes()
    check(complaints)

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A network whose clients and peers are on VLANs of the relay's links."""

from __future__ import annotations

from dataclasses import replace

import paths  # noqa: F401
from lab.topology import FAMILIES
from lab.vlan import IN_FRAME
from network import FarEnd, Network, Stream

VLAN = 100


def tagged(stream: Stream, _size: int) -> Stream:
    return replace(stream, sent=replace(stream.sent, vlan=VLAN), expected=replace(stream.expected, vlan=VLAN))


class VlanNetwork(Network):
    """The relay stays attached to the links, where frames have tags."""

    def _device_to(self, far_end: FarEnd) -> str:
        return f"{far_end.near.device}.{VLAN}"

    def _add_routes_to_all(self) -> None:
        for end in (end for link in self.topology.links for end in link):
            self.run(end.role, ["ethtool", "-K", end.device, *IN_FRAME], check=False)  # not every kernel has them all
        for far_end in self.far_ends():
            tags = self._device_to(far_end)
            self._ip("relay", [f"link add link {far_end.near.device} name {tags} type vlan id {VLAN}",
                               f"link set {tags} up",
                               *(command for family in FAMILIES
                                 for command in self._commands(far_end.place.address(family), tags, far_end.mac))])
        super()._add_routes_to_all()

    @staticmethod
    def _commands(address: str, device: str, mac: str) -> tuple[str, str]:
        """Make the host a neighbour on the VLAN, too."""
        return f"route add {address} dev {device}", f"neigh replace {address} dev {device} lladdr {mac} nud permanent"

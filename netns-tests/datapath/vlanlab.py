# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The lab's router network with a trunk between router and relay: both have their addresses on VLAN devices."""

from __future__ import annotations

from dataclasses import dataclass

from lab.lab import Lab
from lab.topology import FAMILIES, End
from lab.vlan import IN_FRAME

TRUNK = ("nic0", "to-relay")


@dataclass(frozen=True)
class Tag:
    """IEEE 802.1Q or 802.1ad, as ip-link(8) names them."""

    standard: str
    number: int

    @property
    def tpid(self) -> int:
        return {"802.1Q": 0x8100, "802.1ad": 0x88A8}[self.standard]


class VlanLab(Lab):
    """with VlanLab([Tag("802.1Q", 100)]) as lab: the outer tag comes first."""

    def __init__(self, tags: list[Tag]) -> None:
        super().__init__("router", offload=True)
        self.tags = tags

    def vlan_device(self, trunk: str) -> str:
        """The one that has the addresses."""
        return self._name(trunk, len(self.tags))

    def _name(self, trunk: str, tags: int) -> str:
        # A name has 15 characters at most.
        return ".".join([trunk[-5:], *(str(tag.number) for tag in self.tags[:tags])]) if tags else trunk

    def _set_up_end(self, end: End) -> None:
        if end.device not in TRUNK or end.role not in ("relay", self.topology.router):
            return super()._set_up_end(end)
        assert end.place is not None
        self.run(end.role, ["ethtool", "-K", end.device, *IN_FRAME], check=False)  # not every kernel has every feature
        commands = [f"link set {end.device} up"]
        for below, tag in enumerate(self.tags):
            lower, name = self._name(end.device, below), self._name(end.device, below + 1)
            commands += [f"link add link {lower} name {name} type vlan proto {tag.standard} id {tag.number}",
                         f"link set {name} up"]
        top = self.vlan_device(end.device)
        commands += [f"addr add {end.place.with_prefix(family)} dev {top}" + (" nodad" * (family == 6))
                     for family in FAMILIES]
        self._ip(end.role, commands)
        return None

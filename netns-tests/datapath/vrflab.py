# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The network of confirming.py, with the relay's first uplink and the server in a VRF."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from confirming import ROUTER, SPARE_ROUTER, UPLINKS
from lab.lab import Lab
from lab.topology import FAMILIES

VRF, TABLE = "red", 10
# Where the main table leads: a router, by a device.
MAIN_TABLES = {"nowhere": None, "to the other uplink": (SPARE_ROUTER, "nic1"), "to the same uplink": (ROUTER, "nic0")}


class VrfLab(Lab):
    """A context: with VrfLab() as lab."""

    WRAPPER: ClassVar = ["ip", "vrf", "exec", VRF]

    def __init__(self) -> None:
        super().__init__(UPLINKS, offload=True)

    def _set_up(self) -> None:
        super()._set_up()
        with self.entered("relay"):
            Path("/proc/sys/net/ipv6/conf/nic0/keep_addr_on_down").write_text("1")
        # A device that enters a VRF is down for a moment, and loses its routes.
        routes = [f"route replace default via {ROUTER.address(family)} dev nic0 table {TABLE}" for family in FAMILIES]
        self._ip("relay", [f"link add {VRF} type vrf table {TABLE}", f"link set {VRF} up",
                           f"link set nic0 master {VRF}", *routes])

    def lead(self, where: str) -> None:
        """Replace the default routes of the main table."""
        way = MAIN_TABLES[where]
        for family in FAMILIES:
            command = ["ip", f"-{family}", "route", "replace" if way else "del", "default"]
            if way:
                command += ["via", way[0].address(family), "dev", way[1], "onlink"]
            self.run("relay", command, check=way is not None)

    @staticmethod
    def is_same_without(where: str, family: int) -> bool:
        """Whether routes are the same without the VRF. For IPv6, the relay's address is unknown outside of it."""
        return where == "to the same uplink" and family == 4

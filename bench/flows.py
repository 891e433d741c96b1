# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A relay without TURN (bench/tools/flows.c), with any number of channel bindings."""

from __future__ import annotations

from collections import Counter
from typing import Any

import paths  # noqa: F401
from lab import proc
from lab.relay import BY_NAME, Variant
from lab.tool import Tool
from network import Network
from traffic import Binding

LIFETIME = 24 * 3600
SPARE = 64        # room in the maps for flows beyond those requested
PATIENCE = 300    # seconds, for millions of bindings
ATTACHING = 30
DETACHED = BY_NAME["userspace"]


class Flows:
    """Attaches to all devices of the relay. A network may have several, of which one at most is attached."""

    def __init__(self, network: Network, bindings: list[Binding], count: int) -> None:
        devices = [word for device in network.devices("relay") for word in ("--dev", device)]
        self._network = network
        self._tool = Tool(network.namespace("relay"), "flows", *devices,
                          "--max-flows", 2 * count * len(bindings) + SPARE)
        self._variant = DETACHED
        try:
            self._tool.answer(PATIENCE)
            for each in bindings:
                self.bind(each, count)
        except BaseException:
            self.close()
            raise

    def bind(self, binding: Binding, count: int, lifetime: int = LIFETIME) -> None:
        self._tool.ask(binding.order(self._network, count, lifetime), PATIENCE)

    def become(self, variant: Variant) -> None:
        """Switch to this variant, and verify that the kernel reports it."""
        if variant != self._variant:
            hook = variant.hook if variant.asks_for_hook else "auto"
            self._tool.ask(f"mode {variant.mode} {variant.moves or 'auto'} {hook}", ATTACHING)
            self._variant = variant
        for device in self.devices():
            found = device["mode"], device["hook"]
            if found != (variant.mode, variant.hook) or variant.moves not in (None, device["moves"]):
                raise proc.LabError(f"{device['dev']} is attached as {found}, {device['moves']}")

    def detach(self) -> None:
        self.become(DETACHED)

    def devices(self) -> list[Any]:
        devices: list[Any] = self._tool.ask("status")
        return devices

    def program(self, device: str) -> int:
        """The ID of the program at this device."""
        return int(next(each["prog_id"] for each in self.devices() if each["dev"] == device))

    def counts(self, device: str) -> Counter[tuple[str, str]]:
        """Packets by direction and verdict, at this device in the present mode."""
        return Counter({(row["direction"], row["verdict"]): row["packets"] for row in self._tool.ask("counts")
                        if (row["dev"], row["mode"]) == (device, self._variant.mode)})

    @property
    def alive(self) -> bool:
        return self._tool.alive

    def close(self) -> None:
        self._tool.stop()

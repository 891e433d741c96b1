# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Relays without TURN (bench/tools/flows.c), with any number of bindings."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from typing import Any, Generic, TypeVar

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
RATE = 10**10     # bytes per second: a limit that no packet exceeds
DETACHED = BY_NAME["userspace"]


class Flows:
    """Attaches to all devices of the relay. A network may have several, of which one at most is attached."""

    def __init__(self, network: Network, bindings: list[Binding], count: int) -> None:
        devices = [word for device in network.devices("relay") for word in ("--dev", device)]
        self._network = network
        self._tool = Tool(network.namespace("relay"), "flows", *devices,
                          "--max-flows", 2 * count * len(bindings) + SPARE)
        self._variant = DETACHED
        self._policers: list[int] = []
        try:
            self._tool.answer(PATIENCE)
            for each in bindings:
                self.bind(each, count)
        except BaseException:
            self.close()
            raise

    def bind(self, binding: Binding, count: int, lifetime: int = LIFETIME) -> None:
        policer = self._nested_policers(binding.limits)
        self._tool.ask(binding.order(self._network, count, lifetime, policer), PATIENCE)

    def _nested_policers(self, levels: int) -> int:
        """The lowest of them."""
        policer = 0
        for _ in range(levels):
            policer = self._tool.ask(f"policer {RATE} {policer}")["policer"]
            self._policers.append(policer)
        return policer

    def policers_full(self) -> list[int]:
        """When each policer will be full, which every packet that is charged to it delays."""
        return [self._tool.ask(f"full {policer}")["full"] for policer in self._policers]

    def become(self, variant: Variant) -> None:
        """Switch to this variant, and verify that the kernel reports it."""
        if variant != self._variant:
            self._attach(variant, "all")
            self._variant = variant
        for device in self.devices():
            found = device["mode"], device["hook"]
            if found != (variant.mode, variant.hook) or variant.moves not in (None, device["moves"]):
                raise proc.LabError(f"{device['dev']} is attached as {found}, {device['moves']}")

    def _attach(self, variant: Variant, device: str) -> None:
        hook = variant.hook if variant.asks_for_hook else "auto"
        self._tool.ask(f"mode {variant.mode} {variant.moves or 'auto'} {hook} {device}", ATTACHING)

    def detach(self) -> None:
        self.become(DETACHED)

    @contextlib.contextmanager
    def detached_from(self, device: str) -> Iterator[None]:
        """Detach from this device, inside the context. The library goes on to maintain next hops, for the others."""
        self._attach(DETACHED, device)
        try:
            yield
        finally:
            self._attach(self._variant, device)

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


Key = TypeVar("Key", bound=Hashable)


class Relays(Generic[Key]):
    """The relays of one network, each with its own flows, created on demand. One at a time is attached."""

    def __init__(self, network: Network, make: Callable[[Key, Network], Flows]) -> None:
        self.network = network
        self._make = make
        self._relays: dict[Key, Flows] = {}
        self._attached: Flows | None = None

    def get(self, key: Key) -> Flows:
        if key in self._relays and not self._relays[key].alive:
            self.forget(key)
        if key not in self._relays:
            self._relays[key] = self._make(key, self.network)
        if self._attached not in (None, self._relays[key]):
            self.detach()
        self._attached = self._relays[key]
        return self._attached

    def known(self) -> list[Key]:
        return list(self._relays)

    def detach(self) -> None:
        if self._attached and self._attached.alive:
            self._attached.detach()
        self._attached = None

    def forget(self, key: Key) -> None:
        relay = self._relays.pop(key)
        if self._attached is relay:
            self._attached = None
        relay.close()

    def close(self) -> None:
        for relay in self._relays.values():
            relay.close()

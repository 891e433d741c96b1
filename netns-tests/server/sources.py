# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Further addresses of the client, for limits per source."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from lab.lab import Lab


@contextlib.contextmanager
def more_addresses(lab: Lab, count: int) -> Iterator[list[str]]:
    """IPv4 addresses."""
    network = lab.address("client", 4).rsplit(".", 1)[0]
    addresses = [f"{network}.{100 + number}" for number in range(count)]
    try:
        for address in addresses:
            lab.run("client", ["ip", "addr", "replace", f"{address}/24", "dev", "nic0"])
        yield addresses
    finally:
        for address in addresses:
            lab.run("client", ["ip", "addr", "del", f"{address}/24", "dev", "nic0"], check=False)

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Every way to move packets, in every network of the lab.

    networks   router, two-nic, segment (lab/topology.py), each with checksum offload on and off
    variants   native-head  native-tail  generic-head  generic-tail  tcx  clsact  userspace
    traffic    ipv4  ipv6  4to6  6to4 (lab/transfer.py)

A case is named network/offload/variant/traffic. With --server coturn the same traffic goes through coturn.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from lab import turnutils
from lab.complaints import check
from lab.lab import Lab
from lab.relay import SERVERS, Server
from lab.roundtrip import relays
from lab.topology import TOPOLOGIES
from lab.transfer import transfer

OFFLOADS = {"on": True, "off": False}
NETWORKS = tuple(itertools.product(TOPOLOGIES, OFFLOADS))
TRAFFIC = ("ipv4", "ipv6", "4to6", "6to4")


@pytest.fixture(scope="module")
def shared_lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    network, offload = request.param
    with Lab(network, OFFLOADS[offload]) as lab:
        turnutils.start_peer(lab)
        yield lab


@pytest.fixture(scope="module")
def server(shared_lab: Lab, request: pytest.FixtureRequest) -> Iterator[Server]:
    """One server for all traffic through a variant."""
    start, _ = SERVERS[request.config.getoption("--server")]
    server = start(shared_lab, request.param)
    relays(shared_lab)  # all neighbours are resolved afterwards, whichever test comes first
    yield server
    server.stop()
    shared_lab.servers.remove(server)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    _, variants = SERVERS[metafunc.config.getoption("--server")]
    cells = [pytest.param(network, variant, traffic, id="/".join((*network, variant.name, traffic)))
             for network, variant, traffic in itertools.product(NETWORKS, variants, TRAFFIC)]
    metafunc.parametrize("shared_lab, server, traffic", cells, indirect=["shared_lab", "server"], scope="module")


def test_traffic_arrives_unchanged(shared_lab: Lab, server: Server, traffic: str) -> None:
    """Nothing is lost or changed, and packets are relayed where the variant says: in the kernel or in user space."""
    numbers, complaints = transfer(shared_lab, server, traffic)
    print(numbers)
    check(complaints)

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Without --dev: the devices by which packets come in and leave, not those that merely carry an address.

    client ----- relay ----- peer        the relay's address is in no network of its cables
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Iterator, Sequence

import pytest

from lab.complaints import Complaints, check
from lab.lab import Lab
from lab.relay import BINARY, BY_NAME, Turnpike, Variant
from lab.roundtrip import bound_clients, relayed_there
from lab.topology import TOPOLOGIES, Place

VIP = Place(5, 7)
DEFAULT_BY_CLIENT = ("route add default via 10.77.1.2", "-6 route add default via fd77:0:0:1::2")
DEFAULT_BY_PEER = ("route add default via 10.77.3.2", "-6 route add default via fd77:0:0:3::2")
INNER_BRIDGE = ("link add br0 type bridge", "link set br0 up", "address add 172.17.0.1/16 dev br0")
TCX = BY_NAME["tcx"]
some_variants = pytest.mark.parametrize("variant", [BY_NAME[name] for name in ("native-head", "generic-head", "tcx")])


@pytest.fixture(scope="module")
def shared_lab() -> Iterator[Lab]:
    with Lab(dataclasses.replace(TOPOLOGIES["two-nic"], listen=VIP, relayed=VIP), offload=True) as lab:
        yield lab


def address_on(device: str) -> tuple[str, ...]:
    return (f"address add {VIP.address(4)}/32 dev {device}", f"address add {VIP.address(6)}/128 dev {device} nodad")


@contextlib.contextmanager
def configured(lab: Lab, *commands: str) -> Iterator[None]:
    """The relay's machine is configured by commands of ip(8), which are undone in the end."""
    with contextlib.ExitStack() as stack:
        for command in commands:
            lab.run("relay", ["ip", *command.split()])
            if " add " in command:
                undo = command.replace(" add ", " del ").split(" type ")[0]
                stack.callback(lab.run, "relay", ["ip", *undo.split()])
        yield


def chosen(server: Turnpike, devices: Sequence[str], options: Sequence[str]) -> Complaints:
    """Check the devices, and the options that status suggests. None: there is no doubt."""
    status = server.ask("status")
    found = sorted(device["dev"] for device in status["devices"])
    complaints = [] if found == sorted(devices) else [f"attached to {found}, not to {devices}"]
    _reason, _colon, suggested = status["doubt"].partition(": --dev ")
    if sorted(suggested.split(" --dev ")) != sorted(options or [""]):
        complaints.append(f"the doubt is '{status['doubt']}', not about {options}")
    return complaints


def relayed(lab: Lab, server: Turnpike) -> Complaints:
    with bound_clients(lab) as clients:
        return relayed_there(server, clients)


@some_variants
@pytest.mark.parametrize("device", ["lo", "nic0"])
def test_without_a_default_route(lab: Lab, variant: Variant, device: str) -> None:
    """Nothing says by which devices packets come and go, so all with a network are used, and status says so."""
    with configured(lab, *address_on(device), *INNER_BRIDGE):
        server = Turnpike(lab, variant)
        check(chosen(server, ["nic0", "nic1"], ["nic0", "nic1"]) + relayed(lab, server))


@some_variants
def test_two_uplinks(lab: Lab, variant: Variant) -> None:
    """Packets come in by the device of the address, and leave by the default route of another one."""
    with configured(lab, *address_on("nic0"), *DEFAULT_BY_PEER, *INNER_BRIDGE):
        server = Turnpike(lab, variant)
        check(chosen(server, ["nic0", "nic1"], []) + relayed(lab, server))


def test_routes_of_an_address(lab: Lab) -> None:
    """A rule may give the address a default route of its own."""
    rules = (f"rule add from {VIP.address(4)} lookup 100", f"-6 rule add from {VIP.address(6)} lookup 100")
    routes = tuple(f"{route} table 100" for route in DEFAULT_BY_PEER)
    with configured(lab, *address_on("nic0"), *DEFAULT_BY_CLIENT, *routes, *rules):
        check(chosen(Turnpike(lab, TCX), ["nic0", "nic1"], []))


def test_a_network_aside(lab: Lab) -> None:
    """A device that leads to its own network only is left out, and status names it."""
    with configured(lab, *address_on("nic0"), *DEFAULT_BY_CLIENT, *INNER_BRIDGE):
        server = Turnpike(lab, TCX)
        complaints = chosen(server, ["nic0"], ["nic0", "nic1"])
        if "by nic1 are relayed in user space" not in server.cli("status"):
            complaints.append(f"status is {server.cli('status')}")
        check(complaints)


def test_an_address_on_a_loopback_device(lab: Lab) -> None:
    """Even with a default route, packets may come in by another device."""
    with configured(lab, *address_on("lo"), *DEFAULT_BY_PEER):
        server = Turnpike(lab, TCX)
        check(chosen(server, ["nic0", "nic1"], ["nic1", "nic0"]) + relayed(lab, server))


def test_a_virtual_router(lab: Lab) -> None:
    """VRRP with a MAC address of its own: packets come in by a macvlan device and leave by the NIC below it."""
    vmac = ("link add vrrp5 link nic0 address 00:00:5e:00:01:05 type macvlan mode private", "link set vrrp5 up")
    with configured(lab, *vmac, *address_on("vrrp5"), *DEFAULT_BY_CLIENT):
        check(chosen(Turnpike(lab, TCX), ["nic0", "vrrp5"], ["vrrp5", "nic0", "nic1"]))


def test_named_devices(lab: Lab) -> None:
    """--dev leaves no doubt."""
    with configured(lab, *address_on("lo")):
        check(chosen(Turnpike(lab, TCX, options=["--dev", "nic0"]), ["nic0"], []))


def test_probe(lab: Lab) -> None:
    """probe says what a server on all addresses would attach to, and why those of a running server are a guess."""
    complaints: Complaints = []
    with configured(lab, *address_on("lo"), *INNER_BRIDGE):
        control = str(lab.scratch / "none")
        found = json.loads(lab.run("relay", [str(BINARY), "probe", "-j", "--control", control]).stdout)["defaults"]
        if sorted(found) != ["nic0", "nic1"]:
            complaints.append(f"the defaults are {found}")
        server = Turnpike(lab, TCX)
        if server.ask("status")["doubt"] not in server.cli("probe"):
            complaints.append(f"probe says {server.cli('probe')[-400:]}")
    check(complaints)

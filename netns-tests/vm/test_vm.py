# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Other kernels and real drivers: the relay in a virtual machine, its clients and peers on the host.

    namespaces of the host                                      one machine for each kernel

    client ----- router ----- cable (bridge) ----- tap ========= NIC, driver, turnpike serve
                   |
                 peer

    client ----- cable (bridge) ----- tap ====================== NIC 0, driver ---+
                                                                                  turnpike serve
    peer   ----- cable (bridge) ----- tap ====================== NIC 1, driver ---+

QEMU emulates the machine without KVM, and boots kernels of Debian's packages (lab/kernels.py). No package is installed,
and no interface of the host is touched. A cell is named kernel/NIC/network/mode/what:

    kernel    6.1  6.12
    NIC       virtio-net-pci  vmxnet3  e1000e; all in one machine, with a NIC for each network; and a virtio NIC with
              big buffers, which accepts a native program and never runs it
    network   router (one NIC, packets leave where they arrived), two-nic (from one NIC to the other)
    mode      auto, and every variant of lab/relay.py
    what      chosen    auto uses the best mode of the driver
              ipv4 ...  real traffic, its bytes compared and counted on both sides, from turnutils_uclient and aioice
              4to6 ...  the same from aioice alone, from a client of one family to a peer of the other or the same
              settled   auto ends in a mode that works, though a better one seemed possible
              mtu       above the limit of native XDP, and back: to another mode in the kernel, and back
              witness   the kernel confirms how programs are attached, and how often they ran
              refused   a mode that is not possible: status 1, one sentence, nothing attached
              systemd/  the unit, as an operator installs, starts, reloads, kills and stops it: on one kernel
              dispatcher/  beside xdp-filter in libxdp's dispatcher, see dispatcher.py
              left      after all that, nothing is left on the NICs
    kernel/verify, kernel/load, kernel/packets, kernel/model: that kernel's verifier accepts every program within the
              budget, and that kernel runs all packet vectors and some random frames (tests/model)
    kernel/nexthops, kernel/nexthops-vlans: next hops by that kernel's routes, and by its VLAN devices
    kernel/rules, kernel/rules-vrf: which of that kernel's notifications end confirmations, and those about VRF devices
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import dispatcher
import service
from cells import (Bench, Place, choice, in_dispatcher, inside, left, mtu, refused, settled, traffic, under_systemd,
                   witness)
from lab import kernels, turnutils
from lab.complaints import check
from lab.relay import AUTO, VARIANTS, Variant
from lab.vm import Vm
from service import Result
from vmlab import BIG_BUFFERS, VmLab

pytestmark = pytest.mark.timeout(900)  # for what runs inside an emulated machine

# The first kernel whose driver has native XDP (attach/select/drivers.c): auto must use it from there on.
NATIVE_SINCE = {"virtio-net-pci": (4, 10), "vmxnet3": (6, 6), "e1000e": None}
PLACES = [(model, network) for model in NATIVE_SINCE for network in ("router", "two-nic")]
DECEIVING = (BIG_BUFFERS, "router")
UNDER_SYSTEMD = ("6.1", ("virtio-net-pci", "two-nic"))  # the kernel of the release that this systemd is from
# Modes on sk_buffs are the same behind every driver, so one without native XDP has auto only, except here.
ALL_MODES = ("6.12", "router")
WITH_DISPATCHER = ("virtio-net-pci", "router")
TCX_SINCE = (6, 6)
# turnutils_uclient is slow to begin, so it runs once for each NIC. Of the others, each mode has two kinds, in turn.
TRAFFIC = (("4to4", "6to4"), ("6to6", "4to6"))
AUTO_TRAFFIC = {"router": ("ipv4", "ipv6", "4to6", "6to4"), "two-nic": ("4to6", "6to4")}

Step = partial[Result]  # called with a Bench


def has_native(model: str, version: tuple[int, ...]) -> bool:
    since = NATIVE_SINCE[model]
    return since is not None and version >= since


def is_possible(variant: Variant, model: str, version: tuple[int, ...]) -> bool:
    if variant.mode == "xdp-native":
        return has_native(model, version)
    return variant.hook != "tcx" or version >= TCX_SINCE


def steps(series: str) -> Iterator[tuple[str, Step]]:
    """All cells of a kernel, in an order in which a relay starts once for each mode."""
    version = tuple(map(int, series.split(".")))
    for what in ("verify", "load", "packets", "model", "nexthops", "nexthops-vlans", "rules", "rules-vrf"):
        yield f"{series}/{what}", partial(inside, what=what)
    for at in PLACES:
        where = f"{series}/{'/'.join(at)}"
        yield from steps_at(at, where, version, has_native(at[0], version) or (series, at[1]) == ALL_MODES)
        if (series, at) == UNDER_SYSTEMD:
            for name, step in service.STEPS.items():
                yield f"{where}/systemd/{name}", partial(under_systemd, at=at, step=step)
        if at == WITH_DISPATCHER:
            for name, step in dispatcher.STEPS[series].items():
                yield f"{where}/dispatcher/{name}", partial(in_dispatcher, at=at, step=step)
        yield f"{where}/left", partial(left, at=at)
    yield f"{series}/{'/'.join(DECEIVING)}/auto/settled", partial(settled, at=DECEIVING)
    yield f"{series}/{'/'.join(DECEIVING)}/left", partial(left, at=DECEIVING)


def steps_at(at: Place, where: str, version: tuple[int, ...], all_modes: bool) -> Iterator[tuple[str, Step]]:
    model, network = at
    yield f"{where}/auto/chosen", partial(choice, at=at, native=has_native(model, version))
    for kind in AUTO_TRAFFIC[network]:
        yield f"{where}/auto/{kind}", partial(traffic, at=at, variant=AUTO, kind=kind)
    yield f"{where}/auto/witness", partial(witness, at=at, variant=AUTO)
    if network == "router" and has_native(model, version):
        yield f"{where}/auto/mtu", partial(mtu, at=at)
    for variant in VARIANTS:
        if not is_possible(variant, model, version):
            if network == "router":  # the number of NICs makes no difference to a refusal
                yield f"{where}/{variant.name}/refused", partial(refused, at=at, variant=variant)
            continue
        if not all_modes:
            continue
        for kind in TRAFFIC[VARIANTS.index(variant) % len(TRAFFIC)]:
            yield f"{where}/{variant.name}/{kind}", partial(traffic, at=at, variant=variant, kind=kind)
        if variant.in_kernel:
            yield f"{where}/{variant.name}/witness", partial(witness, at=at, variant=variant)


@pytest.fixture(scope="module")
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """A machine with one kernel, and the networks of the chosen cells."""
    series: str = request.param
    try:
        kernels.check_tools()
        kernel = kernels.get(series)
    except kernels.Unavailable as error:
        pytest.skip(f"Linux {series} in a virtual machine: {error}")
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="turnpike-vm-")))
        labs = {(model, network): stack.enter_context(VmLab(network, model))
                for model, network in places(request, series)}
        nics = [nic for lab in labs.values() for nic in lab.nics]
        vm = stack.enter_context(Vm(kernel, nics, scratch))
        for lab in labs.values():
            lab.plug_in(vm)
            turnutils.start_peer(lab)
        print(f"Linux {series} is {vm.release}, up after {vm.boot_seconds:.0f} s")
        yield Bench(vm, labs)


def places(request: pytest.FixtureRequest, series: str) -> list[Place]:
    """Those of the chosen cells of a kernel."""
    chosen: list[dict[str, Any]] = [item.callspec.params for item in request.session.items
                                    if isinstance(item, pytest.Function) and item.function is test_cell]
    needed = {parameters["step"].keywords.get("at") for parameters in chosen if parameters["bench"] == series}
    return [place for place in (*PLACES, DECEIVING) if place in needed]


@pytest.mark.parametrize("bench, step", [
    pytest.param(series, step, id=name, marks=pytest.mark.xdist_group(f"test_vm {series}"))
    for series in kernels.SUITES for name, step in steps(series)
], indirect=["bench"], scope="module")
@pytest.mark.timeout(900)  # all packet vectors take minutes in an emulated machine
def test_cell(bench: Bench, step: Step) -> None:
    """On this kernel, with this driver, the relay does as the head of this file says."""
    with bench.reporting():
        numbers, complaints = step(bench)
        print(numbers)
        check(complaints)

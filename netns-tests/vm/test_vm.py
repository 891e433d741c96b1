#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Other kernels and real drivers: a relay in a virtual machine, its clients and peers on the host.

    namespaces of the host                                      one machine for each kernel

    client ----- router ----- cable (bridge) ----- tap ========= NIC, driver, turnpike serve
                   |
                 peer

    client ----- cable (bridge) ----- tap ====================== NIC 0, driver ---+
                                                                                  turnpike serve
    peer   ----- cable (bridge) ----- tap ====================== NIC 1, driver ---+

QEMU plays the machine without KVM, and boots kernels of Debian's packages (kernel.py); no package is installed and no
interface of the host's own is touched. Every cell is named kernel/NIC/network/mode/what:

    kernel    6.1  6.12
    NIC       virtio-net-pci  vmxnet3  e1000e; all of them in one machine, each network with its own; and a virtio
              NIC with big buffers, on which a native program can be attached and never runs
    network   router (one NIC, everything goes back where it came from), two-nic (from one NIC to the other)
    mode      auto, and every variant of relay.py
    what      chosen    the mode that auto has found is the one that the driver deserves
              ipv4 ...  real traffic, its bytes compared and counted on both sides, from turnutils_uclient and aioice
              4to6 ...  the same from aioice alone, from a client of one family to a peer of the other or the same
              settled   auto ends in a mode that works, though a better one seemed to be had
              mtu       over the limit of native XDP, and back: to another mode in the kernel, and back
              witness   what the kernel itself says: the kind of attachment, and how often the programs ran
              refused   a mode that cannot be had: status 1, one sentence, nothing attached
              systemd/  the unit, as an operator installs, starts, reloads, kills and stops it: on one kernel
              left      after all that, nothing is left on the NICs
    kernel/verify, kernel/load, kernel/packets, kernel/model: every program through that kernel's verifier within the
              budget, and all packet vectors and some random packets (tests/model) run by that kernel
    kernel/nexthops, kernel/nexthops-vlans: next hops by that kernel's routes, and by its VLAN devices

--only TEXT runs the cells with TEXT in their names. Where there is no QEMU or no kernel, lines that begin with SKIPPED
say so, and the status is 77 if nothing could be run.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing.queues import Queue
from pathlib import Path

import service
from cells import Bench, Place, Result, choice, inside, left, mtu, refused, settled, traffic, under_systemd, witness
from gather import Outcome, conclude, gather
from lab import kernels, proc, turnutils
from lab.kernels import Unavailable
from lab.relay import AUTO, VARIANTS, Variant
from lab.vm import Vm
from vmlab import BIG_BUFFERS, VmLab

KERNELS = tuple(kernels.SUITES)
# What auto must make of a NIC: since which kernel its driver has native XDP (shared knowledge: attach/select/drivers.c).
NATIVE_SINCE = {"virtio-net-pci": (4, 10), "vmxnet3": (6, 6), "e1000e": None}
PLACES = [(model, network) for model in NATIVE_SINCE for network in ("router", "two-nic")]
DECEIVING = (BIG_BUFFERS, "router")
UNDER_SYSTEMD = ("6.1", ("virtio-net-pci", "two-nic"))  # the kernel that comes with this systemd
TCX_SINCE = (6, 6)
# turnutils_uclient takes its time to begin, so it goes once through each NIC.
TRAFFIC = {"router": ("4to4", "6to6", "4to6", "6to4"), "two-nic": ("4to6", "6to4")}
AUTO_TRAFFIC = {"router": ("ipv4", "ipv6", "4to6", "6to4"), "two-nic": ("4to6", "6to4")}
LIMIT_SECONDS = 900  # for everything; ordinarily it takes a third of that
SKIPPED = 77

Step = Callable[[Bench], Result]


def has_native(model: str, version: tuple[int, ...]) -> bool:
    since = NATIVE_SINCE[model]
    return since is not None and version >= since


def can_be_had(variant: Variant, model: str, version: tuple[int, ...]) -> bool:
    if variant.mode == "xdp-native":
        return has_native(model, version)
    return variant.hook != "tcx" or version >= TCX_SINCE


def steps(series: str) -> Iterator[tuple[str, Step]]:
    """All cells of one kernel, in an order in which a relay is started once for each mode."""
    version = tuple(map(int, series.split(".")))
    for what in ("verify", "load", "packets", "model", "nexthops", "nexthops-vlans"):
        yield f"{series}/{what}", partial(inside, what=what)
    for at in PLACES:
        where = f"{series}/{'/'.join(at)}"
        yield from steps_at(at, where, version)
        if (series, at) == UNDER_SYSTEMD:
            for name, step in service.STEPS.items():
                yield f"{where}/systemd/{name}", partial(under_systemd, at=at, step=step)
        yield f"{where}/left", partial(left, at=at)
    yield f"{series}/{'/'.join(DECEIVING)}/auto/settled", partial(settled, at=DECEIVING)
    yield f"{series}/{'/'.join(DECEIVING)}/left", partial(left, at=DECEIVING)


def steps_at(at: Place, where: str, version: tuple[int, ...]) -> Iterator[tuple[str, Step]]:
    model, network = at
    yield f"{where}/auto/chosen", partial(choice, at=at, native=has_native(model, version))
    for kind in AUTO_TRAFFIC[network]:
        yield f"{where}/auto/{kind}", partial(traffic, at=at, variant=AUTO, kind=kind)
    yield f"{where}/auto/witness", partial(witness, at=at, variant=AUTO)
    if network == "router" and has_native(model, version):
        yield f"{where}/auto/mtu", partial(mtu, at=at)
    for variant in VARIANTS:
        if not can_be_had(variant, model, version):
            if network == "router":  # one NIC is as good as two to be refused on
                yield f"{where}/{variant.name}/refused", partial(refused, at=at, variant=variant)
            continue
        for kind in TRAFFIC[network]:
            yield f"{where}/{variant.name}/{kind}", partial(traffic, at=at, variant=variant, kind=kind)
        if variant.in_kernel:
            yield f"{where}/{variant.name}/witness", partial(witness, at=at, variant=variant)


def run_step(bench: Bench, name: str, step: Step) -> Outcome:
    start = time.monotonic()
    report = ""
    try:
        numbers, complaints = step(bench)
        if complaints:
            report = bench.report()
    except Exception as error:  # whatever a library throws: this cell has failed, the next ones may not
        numbers, complaints = "", [f"{type(error).__name__}: {error}"]
    return Outcome(name, numbers, complaints, time.monotonic() - start, report)


def run_kernel(series: str, chosen: list[str], outcomes: Queue[Outcome]) -> None:
    """All chosen cells of one kernel, in a process of their own."""
    proc.die_cleanly_on_signals()
    wanted = {name: step for name, step in steps(series) if name in chosen}
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="turnpike-vm-")))
        labs = {(model, network): stack.enter_context(VmLab(network, model)) for model, network in [*PLACES, DECEIVING]
                if any(f"/{model}/{network}/" in name for name in wanted)}
        try:
            nics = [nic for lab in labs.values() for nic in lab.nics]
            vm = stack.enter_context(Vm(kernels.get(series), nics, scratch))
            print(f"Linux {series} is {vm.release}, up after {vm.boot_seconds:.0f} s", flush=True)
            for lab in labs.values():
                lab.plug_in(vm)
                turnutils.start_peer(lab)
            bench = Bench(vm, labs)
        except proc.LabError as error:
            for name in wanted:
                outcomes.put(Outcome(name, "", [f"no machine: {error}"], 0))
            return
        for name, step in wanted.items():
            outcomes.put(run_step(bench, name, step))


def run_all(names: dict[str, list[str]]) -> list[Outcome]:
    """A process for each kernel: a machine keeps one processor busy."""
    outcomes: Queue[Outcome] = multiprocessing.Queue()
    workers = [multiprocessing.Process(target=run_kernel, args=(series, chosen, outcomes))
               for series, chosen in names.items()]
    return gather(workers, outcomes, {name for chosen in names.values() for name in chosen}, LIMIT_SECONDS)


def available(series: str) -> bool:
    try:
        kernels.check_tools()
        kernels.get(series)
    except Unavailable as error:
        print(f"SKIPPED Linux {series} in a virtual machine: {error}", flush=True)
        return False
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description="Other kernels and real drivers, in virtual machines.")
    parser.add_argument("--only", default="", metavar="TEXT", help="only cells with TEXT in their names")
    options = parser.parse_args()
    proc.die_cleanly_on_signals()
    names = {series: [name for name, _ in steps(series) if options.only in name] for series in KERNELS}
    names = {series: chosen for series, chosen in names.items() if chosen and available(series)}
    if not names:
        return SKIPPED
    results = run_all(names)
    return conclude(results)


if __name__ == "__main__":
    sys.exit(main())

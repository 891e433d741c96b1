# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The relay as a component of libxdp's dispatcher, beside xdp-filter of xdp-tools.

The kernel and Debian's libxdp 1.3 must fit: Linux 6.1 runs the dispatcher, 6.12 refuses programs in it that change
packets. (The lab's own kernel may lack BPF_PROG_TYPE_EXT.)
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from lab import proc
from lab.relay import AUTO, Turnpike, Variant
from lab.roundtrip import bound_clients, echoed, relayed_there, relays
from service import Result
from vmlab import VmLab

NATIVE = Variant("dispatcher", "xdp-native", "xdp-dispatcher")
CHANGE_SECONDS = 60  # a dispatcher is built in seconds here, and the relay looks once a second
CAPABILITIES = {"CAP_NET_ADMIN": 12, "CAP_SYS_ADMIN": 21, "CAP_PERFMON": 38, "CAP_BPF": 39}
RELAY_PROGRAM, FILTER_PROGRAM = "relay_xdp_head", "xdpfilt_alw_all"


def components(lab: VmLab) -> list[str]:
    """The programs of the dispatcher, in their order."""
    lines = lab.run("relay", ["xdp-loader", "status", lab.devices("relay")[0]]).stdout.splitlines()
    return [line.split()[2] for line in lines if line.split()[:1] == ["=>"]]


def become(lab: VmLab, *wanted: str) -> list[str]:
    if proc.wait_until(lambda: components(lab) == list(wanted), CHANGE_SECONDS, step=0.5):
        return []
    return [f"the dispatcher has {components(lab)}, not {list(wanted)}"]


@contextmanager
def filtering(lab: VmLab) -> Iterator[None]:
    """xdp-filter on the relay's device."""
    device = lab.devices("relay")[0]
    lab.run("relay", ["sh", "-c", "mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf"])
    lab.run("relay", ["xdp-filter", "load", "--mode", "native", device])
    try:
        yield
    finally:
        lab.run("relay", ["xdp-filter", "unload", device], check=False)


@contextmanager
def serving(lab: VmLab, variant: Variant, *options: str) -> Iterator[Turnpike]:
    """A relay, whose log shows when the block fails. It starts as root."""
    server = Turnpike(lab, AUTO, options=options)
    server.variant = variant
    try:
        relays(lab)  # resolves neighbours, which takes longer than on the host
        yield server
    except BaseException:
        print(server.report())
        raise
    finally:
        server.stop()
        lab.end_relay()


def device_of(server: Turnpike) -> dict[str, Any]:
    found: dict[str, Any] = server.ask("status")["devices"][0]
    return found


def helper_of(server: Turnpike) -> str:
    return str(server.ask("status")["helper"]["pid"])


def children(lab: VmLab, pid: str) -> list[str]:
    return lab.run("relay", ["cat", f"/proc/{pid}/task/{pid}/children"]).stdout.split()


def guardians(lab: VmLab, server: Turnpike) -> list[str]:
    """The helper's children, that of the observer and that of the relay, have the capabilities that they need only."""
    lines = [line for pid in children(lab, helper_of(server))
             for line in lab.run("relay", ["grep", "CapPrm", f"/proc/{pid}/status"]).stdout.splitlines()]
    kept = [int(line.split()[1], 16) for line in lines]
    wanted = [sum(1 << CAPABILITIES[name] for name in names) for names in (["CAP_NET_ADMIN"], CAPABILITIES)]
    return [] if kept == wanted else [f"the guardians have {lines}"]


def joined(lab: VmLab) -> Result:
    """The relay joins a dispatcher that is there, after a filter, which it does not bypass; and leaves it."""
    with filtering(lab):
        with serving(lab, NATIVE) as server, bound_clients(lab) as clients:
            complaints = server.attach_complaints() + become(lab, FILTER_PROGRAM, RELAY_PROGRAM)
            complaints += relayed_there(server, clients) + guardians(lab, server)
            block = ["xdp-filter", "ip", "--mode", "src", lab.address("client", 4)]
            lab.run("relay", block)
            if echoed(clients[0], b"blocked") == []:
                complaints.append("the relay bypasses the filter")
            lab.run("relay", [*block, "--remove"])
            complaints += relayed_there(server, clients)
            why = device_of(server)["why"]
        complaints += become(lab, FILTER_PROGRAM)
    return why, complaints + become(lab)


def first(lab: VmLab) -> Result:
    """With --xdp-dispatcher, another program is attached and detached beside a relay that goes on."""
    with serving(lab, NATIVE, "--xdp-dispatcher") as server, bound_clients(lab) as clients:
        complaints = server.attach_complaints() + become(lab, RELAY_PROGRAM) + relayed_there(server, clients)
        with filtering(lab):
            complaints += become(lab, FILTER_PROGRAM, RELAY_PROGRAM) + relayed_there(server, clients)
        complaints += become(lab, RELAY_PROGRAM) + relayed_there(server, clients)
        changes = device_of(server)["changes"]
    if changes:
        complaints.append(f"the mode changed {changes} times")
    return "", complaints + become(lab)


def removed(lab: VmLab) -> Result:
    """When somebody unloads all programs, the relay notices, and its helper attaches a dispatcher again."""
    with serving(lab, NATIVE, "--xdp-dispatcher") as server, bound_clients(lab) as clients:
        lab.run("relay", ["xdp-loader", "unload", "--all", lab.devices("relay")[0]])
        if not proc.wait_until(lambda: device_of(server)["changes"], CHANGE_SECONDS, step=0.5):
            return "", ["the mode has not changed"]
        complaints = become(lab, RELAY_PROGRAM) + server.attach_complaints() + relayed_there(server, clients)
        if not server.logs("another process detached the program"):
            complaints.append(f"the log does not say why: {server.process.log()}")
    return "", complaints + become(lab)


def killed(lab: VmLab) -> Result:
    """What a relay leaves in a dispatcher that was killed with its child, the next one removes."""
    with filtering(lab):
        with serving(lab, NATIVE) as server:
            pid, helper = str(server.process.pid), helper_of(server)
            guardians_of = children(lab, helper)
            lab.run("relay", ["kill", "-STOP", pid, helper])
            lab.run("relay", ["kill", "-KILL", *guardians_of, helper, pid])
            server.process.wait(10)
            complaints = become(lab, FILTER_PROGRAM, RELAY_PROGRAM)
        with serving(lab, NATIVE) as server, bound_clients(lab) as clients:
            complaints += become(lab, FILTER_PROGRAM, RELAY_PROGRAM) + relayed_there(server, clients)
            server.process.stop(signal.SIGKILL)
            complaints += become(lab, FILTER_PROGRAM)
    return "", complaints + become(lab)


def refused(lab: VmLab) -> Result:
    """A libxdp older than 1.5.5 cannot do it on this kernel: auto uses TC, and says why."""
    with filtering(lab), serving(lab, Variant("tc", "tc", "tcx")) as server, bound_clients(lab) as clients:
        complaints = server.attach_complaints() + relayed_there(server, clients)
        why = device_of(server)["why"]
        if "need a dispatcher of libxdp 1.5.5" not in why:
            complaints.append(f"the reason is {why}")
        complaints += become(lab, FILTER_PROGRAM)
    return why, complaints


Step = Callable[[VmLab], Result]
STEPS: dict[str, dict[str, Step]] = {
    "6.1": {step.__name__: step for step in (joined, first, removed, killed)},
    "6.12": {"refused": refused},
}

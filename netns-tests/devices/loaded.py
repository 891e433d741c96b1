# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A relay under load: a steady flow of each family goes through it while its devices change."""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Iterator, Sequence
from typing import Any

from lab import proc
from lab.complaints import Complaints
from lab.endpoints import echo_peer
from lab.flow import Flow
from lab.lab import Lab
from lab.relay import Turnpike, Variant
from lab.topology import FAMILIES

NIC = "nic0"  # the relay's, and the peer's
LIMIT = 60.0  # seconds to wait for a condition: many times what a fast machine takes
LOOKS = 3.0   # seconds in which the relay looks at its devices more than once
SHORT_BACKOFF = ("--backoff", "6-6")


class LoadedRelay:
    def __init__(self, lab: Lab, server: Turnpike, flows: Sequence[Flow]) -> None:
        self.lab, self.server, self.flows = lab, server, flows

    # The status of the relay.

    def devices(self) -> list[dict[str, Any]]:
        return list(self.server.ask("status")["devices"])

    def device(self) -> dict[str, Any]:
        return self.devices()[0]

    def mode(self) -> str:
        device = self.device()
        return f"{device['mode']}/{device['hook']}"

    def mode_and_moves(self) -> str:
        device = self.device()
        return f"{device['mode']}/{device['hook']}/{device['moves']}"

    def modes(self) -> set[str]:
        return {f"{device['mode']}/{device['hook']}" for device in self.devices()}

    # Expectations.

    def becomes(self, mode: str, reason: str = "") -> Complaints:
        """The first device gets this mode, or mode and moves; the status has a reason, and the log this one."""
        if not proc.wait_until(lambda: mode in (self.mode(), self.mode_and_moves()), LIMIT, step=0.1):
            return [f"the mode is {self.mode()}, not {mode}: {self.device()['why']}"]
        complaints = [] if self.device()["why"] else ["the status has no reason"]
        # The status may have the reason of the next change already.
        return complaints if self.server.logs(reason) else [*complaints, f"'{reason}' is not in the log"]

    def attaches_again(self, program: int) -> Complaints:
        """Another program replaces this one."""
        replaced = proc.wait_until(lambda: self.device()["prog_id"] not in (0, program), LIMIT, step=0.1)
        return [] if replaced else ["no program was attached again"]

    def relays_all_in_kernel(self) -> Complaints:
        """After a change, the kernel soon relays every packet, at the first attempt."""
        complaints: Complaints = []

        def settled() -> bool:
            complaints[:] = self.server.kernel_complaints()
            return not complaints
        proc.wait_until(settled, LIMIT)
        return complaints

    def relays_all(self) -> Complaints:
        """After a change, soon no message is lost, wherever they are relayed."""
        lost = 0

        def settled() -> bool:
            nonlocal lost
            before = self.server.relayed()
            lost = sum(flow.lost_in(0.5) for flow in self.flows)
            return not lost and self.server.relayed() > before
        return [] if proc.wait_until(settled, LIMIT) else [f"{self.mode()} loses {lost} messages in half a second"]

    def logs_each_change(self) -> Complaints:
        """The log has one line for each change that the status counts."""
        def counts() -> tuple[int, int]:
            return (sum(device["changes"] for device in self.devices()),
                    len(re.findall(r"\(change \d+\)", self.server.process.log())))
        proc.wait_until(lambda: len(set(counts())) == 1, 5)
        counted, logged = counts()
        return [] if logged == counted and counted else [f"{counted} changes were counted, and {logged} logged"]

    def is_intact(self) -> Complaints:
        """In the end no flow is missing, no message is lost any more, and none was changed or duplicated."""
        complaints = self.relays_all()
        if len(self.server.flows()) != 2 * len(self.flows):
            complaints.append(f"{len(self.server.flows())} of {2 * len(self.flows)} flows are left")
        return complaints + [wrong for flow in self.flows for wrong in flow.wrong[:3]]

    # Changes.

    def detach_program(self) -> None:
        """As another process would: by the link's id."""
        links = json.loads(self.lab.run("relay", ["bpftool", "-j", "link", "show"]).stdout)
        ours = [link["id"] for link in links if link.get("prog_id") == self.device()["prog_id"]]
        self.lab.run("relay", ["bpftool", "link", "detach", "id", str(ours[0])])


@contextlib.contextmanager
def loaded_relay(lab: Lab, variant: Variant, options: Sequence[str] = ()) -> Iterator[LoadedRelay]:
    """The flows end with the block, the server with the lab."""
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(echo_peer(lab, family)) for family in FAMILIES]
        server = Turnpike(lab, variant, options=options)
        flows = [Flow(lab, family, peer.address) for family, peer in zip(FAMILIES, peers)]
        for flow in flows:
            flow.start()
            stack.callback(flow.stop)
        if not proc.wait_until(lambda: _relays_in_kernel(server), LIMIT):
            raise proc.LabError("the kernel does not relay all packets")
        yield LoadedRelay(lab, server, flows)


def _relays_in_kernel(server: Turnpike) -> bool:
    """Neighbours are resolved once user space gets nothing any more."""
    kernel, user = server.relayed()
    time.sleep(0.3)
    kernel_now, user_now = server.relayed()
    return kernel_now > kernel and user_now == user


def set_mtu(lab: Lab, role: str, device: str, mtu: int) -> bool:
    """False if the kernel refuses it."""
    return lab.run(role, ["ip", "link", "set", "dev", device, "mtu", str(mtu)], check=False).returncode == 0


def set_pass_program(lab: Lab, role: str, device: str, *, attached: bool) -> None:
    """An XDP program that passes everything. A veth takes frames that XDP sends only if its end has a program."""
    program = ["obj", str(lab.scratch / "pass.o"), "sec", "xdp"] if attached else ["off"]
    lab.run(role, ["ip", "link", "set", "dev", device, "xdpdrv", *program])

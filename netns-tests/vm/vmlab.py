# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A network of the lab whose relay is a virtual machine: the lab's client and peer, and a real driver at the relay.

The relay's namespace becomes a cable. Each NIC in it loses its addresses and is bridged to a tap, whose other end is a
NIC of the machine. In the machine, that NIC is in a namespace of the same name, and has the device name and the
addresses of the lab. So one machine is the relay of several networks at once, and VmLab.run("relay", ...) runs a command
in the machine.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from lab import proc
from lab.lab import Lab
from lab.vm import GuestProcess, Nic, Vm, open_tap

# The models of NIC that QEMU emulates, and their drivers. The machine has no udev, which would load them.
BIG_BUFFERS = "virtio-net-pci,mrg_rxbuf=off"  # accepts a native program and never runs it
DRIVERS = {"virtio-net-pci": "virtio_net", "vmxnet3": "vmxnet3", "e1000e": "e1000e", BIG_BUFFERS: "virtio_net"}
_numbers: Iterator[int] = itertools.count(1)


class VmLab(Lab):
    """with VmLab("router", "e1000e") as lab, Vm(kernel, lab.nics, ...) as vm: lab.plug_in(vm)"""

    def __init__(self, topology: str, model: str) -> None:
        super().__init__(topology, offload=True)
        self.model = model
        self.nics: list[Nic] = []
        self._vm: Vm | None = None
        self._in_guest: list[GuestProcess] = []

    # For tests, where it differs from a lab.

    def run(self, role: str, argv: Sequence[str], *, check: bool = True, timeout: float = 30,
            stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        if role == "relay" and self._vm:
            return self._vm.run(self._inside(argv), check=check, timeout=timeout, stdin=stdin)
        return super().run(role, argv, check=check, timeout=timeout, stdin=stdin)

    def start(self, role: str, argv: Sequence[str]) -> proc.Process:
        if role == "relay" and self._vm:
            log = self.scratch / f"guest-{len(self._in_guest)}-{Path(argv[0]).name}.log"
            self._in_guest.append(self._vm.start(self._inside(argv), log))
            return self._in_guest[-1]
        return super().start(role, argv)

    def end_relay(self) -> None:
        """The next relay starts afresh, however the last one ended."""
        for process in self._in_guest:
            if process.exit_status() is None:
                process.stop(signal.SIGKILL)
        self._in_guest.clear()

    # How it is built.

    def _set_up(self) -> None:
        super()._set_up()
        self._lay_cables()

    def _inside(self, argv: Sequence[str]) -> list[str]:
        return ["nsenter", f"--net=/run/netns/{self.namespace('relay')}", *argv]

    def _lay_cables(self) -> None:
        with self.entered("relay"):
            for number, _ in enumerate(self.devices("relay")):
                tap = open_tap(f"tap{number}")
                self._undo.callback(os.close, tap)
                self.nics.append(Nic(self.model, f"52:54:00:77:00:{next(_numbers):02x}", tap))
            # As in the lab's switch, netfilter must not see bridged packets.
            for path in Path("/proc/sys/net/bridge").glob("bridge-nf-call-*"):
                path.write_text("0")
            for path in Path("/proc/sys/net/ipv6/conf").glob("*/disable_ipv6"):
                path.write_text("1")
        for number, device in enumerate(self.devices("relay")):
            self._ip("relay", [f"addr flush dev {device}",
                               f"link add cable{number} type bridge stp_state 0 mcast_snooping 0",
                               *(f"link set {each} master cable{number}" for each in (device, f"tap{number}")),
                               *(f"link set {each} up" for each in (f"cable{number}", f"tap{number}"))])

    def plug_in(self, vm: Vm) -> None:
        """Make the machine's NICs the relay's, once it is up."""
        vm.run(["modprobe", DRIVERS[self.model]])
        links = json.loads(vm.run(["ip", "-json", "link", "show"]).stdout)
        by_mac = {link["address"]: link["ifname"] for link in links}
        name = self.namespace("relay")
        vm.run(["mkdir", "-p", str(self.scratch)])
        vm.run(["ip", "netns", "add", name])
        vm.run(["ip", "-batch", "-"], stdin="".join(
            f"link set dev {by_mac[nic.mac]} netns {name} name {device}\n"
            for nic, device in zip(self.nics, self.devices("relay"))))
        self._vm = vm
        self.run("relay", ["sh", "-c", "cd /proc/sys/net/ipv6/conf && echo 0 >all/accept_ra && for i in *; do"
                                       " echo 0 >$i/accept_dad; echo 0 >$i/accept_ra; done"])
        self._ip("relay", ["link set lo up"])
        for end in self.topology.ends("relay"):
            self._set_up_end(end)
        if "relay" in self.topology.gateways:
            self._add_routes("relay")
        if not proc.wait_until(lambda: self._usable("relay"), 60, step=0.2):
            raise proc.LabError("the machine's NICs did not come up")

    def drivers(self) -> set[str]:
        """The drivers of the relay's NICs, as the kernel names them."""
        return {line.split()[1] for device in self.devices("relay")
                for line in self.run("relay", ["ethtool", "-i", device]).stdout.splitlines()
                if line.startswith("driver:")}

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Devices of several kinds for `turnpike probe` and `turnpike pass`, in two namespaces.

    here                            there
      nic0 ------------------------ far0        a veth
      br0 - port0 ----- port1                   a bridge, its port, and the other end of that port
      tap0, tun0, lo
"""

from __future__ import annotations

import json
import secrets
import shlex
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab import proc
from lab.lab import PASS_PROGRAM
from lab.relay import BINARY, WORKERS, Variant

Json = dict[str, Any]
ETHERNET = {"nic0", "br0", "port0", "port1", "tap0"}
SERVER = "10.77.9.1"
LINKS = {"here": ("nic0", "br0", "port0", "port1"), "there": ("far0",)}
LIMIT = 30  # seconds to wait for a condition


class ProbeLab(proc.Undone):
    """with ProbeLab() as lab: ..."""

    def __init__(self) -> None:
        super().__init__()
        self._prefix = f"tpp{secrets.token_hex(4)}"
        self._started: list[proc.Process] = []

    def _set_up(self) -> None:
        self._scratch = Path(tempfile.mkdtemp(prefix="turnpike-probe-"))
        self._undo.enter_context(proc.removed_at_the_end(map(self._namespace, LINKS), self._scratch))
        for role in LINKS:
            proc.run(["ip", "netns", "add", self._namespace(role)])
        self.run("here", ["ip", "link", "add", "nic0", "type", "veth", "peer", "name", "far0",
                          "netns", self._namespace("there")])
        for line in ("link add port0 type veth peer name port1", "link add br0 type bridge",
                     "link set port0 master br0", "tuntap add tap0 mode tap", "tuntap add tun0 mode tun",
                     "link set lo up"):
            self.run("here", ["ip", *line.split()])
        for role, names in LINKS.items():
            for name in names:
                self.run(role, ["ip", "link", "set", name, "up"])
        if not proc.wait_until(self._links_are_up, LIMIT):
            raise proc.LabError("the links did not come up")
        self._undo.callback(self.stop_processes)  # before the namespaces go

    def _links_are_up(self) -> bool:
        return all(link["operstate"] == "UP" for role, names in LINKS.items() for name in names
                   for link in json.loads(self.run(role, ["ip", "-json", "link", "show", name]).stdout))

    def _namespace(self, role: str) -> str:
        return f"{self._prefix}-{role}"

    # Commands.

    def run(self, role: str, argv: Sequence[str], *, check: bool = True) -> subprocess.CompletedProcess[str]:
        return proc.run(proc.in_namespace(self._namespace(role), argv), check=check)

    def turnpike(self, role: str, *words: str, wrapper: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
        return self.run(role, [*wrapper, str(BINARY), *words], check=False)

    def probe(self, role: str, *words: str, wrapper: Sequence[str] = ()) -> list[Json]:
        result = self.turnpike(role, "probe", "-j", *words, wrapper=wrapper)
        if result.returncode or result.stderr:
            raise proc.LabError(f"probe {' '.join(words)}: status {result.returncode}: {result.stderr}")
        devices: list[Json] = json.loads(result.stdout)["devices"]
        return devices

    def plan(self, device: str, role: str = "here") -> list[Json]:
        plan: list[Json] = self.probe(role, "dev", device)[0]["plan"]
        return plan

    def run_remedy(self, role: str, remedy: str) -> None:
        """As a user would, who copies it."""
        words = shlex.split(remedy)
        if words[:3] == ["turnpike", "pass", "dev"]:
            self.start_pass(role, words[3])
        else:
            self.run(role, ["sh", "-c", remedy])

    # Processes.

    def start_pass(self, role: str, device: str) -> proc.Process:
        return self._start(role, ["pass", "dev", device])

    def start_relay(self, variant: Variant) -> None:
        """On nic0."""
        self._start("here", ["serve", "--listen", SERVER, "--dev", "nic0", "--user", "alice:secret",
                             "--control", self.control, *WORKERS, *variant.options()])

    def _start(self, role: str, words: Sequence[str]) -> proc.Process:
        process = proc.Process(proc.in_namespace(self._namespace(role), [str(BINARY), *words]),
                               self._scratch / f"{len(self._started)}.log")
        self._started.append(process)
        process.wait_for(r"^ready\b", LIMIT)
        return process

    def stop_processes(self) -> None:
        proc.stop_all(self._started)

    @property
    def control(self) -> str:
        return str(self._scratch / "control.sock")

    def pass_program(self) -> str:
        return str(proc.compile_bpf(PASS_PROGRAM, self._scratch))

    # What a test may have changed.

    def state(self) -> Json:
        state: Json = {}
        for role in LINKS:
            links = json.loads(self.run(role, ["ip", "-json", "-details", "link", "show"]).stdout)
            for link in links:
                link.pop("linkinfo", None)  # a bridge's has running timers
                state.update({f"{key} of {link['ifname']}": value for key, value in link.items()})
                state[f"features of {link['ifname']}"] = self.run(role, ["ethtool", "-k", link["ifname"]]).stdout
            state[f"qdiscs {role}"] = self.run(role, ["tc", "qdisc", "show"]).stdout
            state[f"programs {role}"] = self.run(role, ["bpftool", "-j", "net", "show"]).stdout
        return state

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a running server keeps of its secrets."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

from lab import proc
from lab.complaints import Complaints, check
from lab.lab import Lab
from lab.relay import BY_NAME, Turnpike
from lab.roundtrip import admitted

PASSWORDS = {"options": "kept-in-mind-1", "environment": "kept-in-mind-2", "file": "kept-in-mind-3"}


def memory(pid: int) -> Iterator[bytes]:
    """All that the process can read, but for what the kernel maps."""
    with open(f"/proc/{pid}/mem", "rb") as mem:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            area = re.match(r"([0-9a-f]+)-([0-9a-f]+) r\S+ \S+ \S+ \S+\s*(.*)", line)
            if area and not area[3].startswith(("[v", "anon_inode", "/dev/")):
                mem.seek(int(area[1], 16))
                yield mem.read(int(area[2], 16) - int(area[1], 16))


def found_in(pid: int) -> Complaints:
    pages = list(memory(pid))
    places = {name: Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ")}
    places["memory"] = b"".join(pages)
    return [f"the password from the {source} is in {name}" for source, password in PASSWORDS.items()
            for name, content in places.items() if password.encode() in content]


def test_passwords_are_wiped(lab: Lab) -> None:
    """Passwords are turned into keys, wherever they come from, also at a reload; users with them are admitted."""
    users = lab.scratch / "users"
    users.touch(0o600)
    users.write_text(f"file:{PASSWORDS['file']}\n")
    server = Turnpike(lab, BY_NAME["userspace"], ["env", f"TURNPIKE_USER=environment:{PASSWORDS['environment']}"],
                      ["--user", f"options:{PASSWORDS['options']}", "--users-file", str(users)])
    complaints: Complaints = []
    for reloads in range(1, 3):
        for user, password in PASSWORDS.items():
            complaints += admitted(lab, user, password)
        complaints += found_in(server.process.pid)
        server.process.send_signal(signal.SIGHUP)
        if not proc.wait_until(lambda: server.process.log().count("reloaded; changed: nothing") == reloads, 20):
            complaints.append(f"reload {reloads} did not find the same users: {server.process.log()}")
    check(complaints)

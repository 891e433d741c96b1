# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a running server keeps of its secrets."""

from __future__ import annotations

import signal
from pathlib import Path

from lab import proc
from lab.account import give
from lab.complaints import Complaints, check
from lab.lab import Lab
from lab.memory import found_in_memory
from lab.relay import BY_NAME, Turnpike
from lab.roundtrip import admitted

PASSWORDS = {"options": "kept-in-mind-1", "environment": "kept-in-mind-2", "file": "kept-in-mind-3"}


def found_in(pid: int) -> Complaints:
    words = {password.encode(): source for source, password in PASSWORDS.items()}
    places = {name: {word for word in words if word in Path(f"/proc/{pid}/{name}").read_bytes()}
              for name in ("cmdline", "environ")}
    places["memory"] = found_in_memory(pid, list(words))
    return [f"the password from the {words[word]} is in {name}" for name, found in places.items() for word in found]


def test_passwords_are_wiped(lab: Lab) -> None:
    """Passwords are turned into keys, wherever they come from, also at a reload; users with them are admitted."""
    users = lab.scratch / "users"
    users.touch(0o600)
    users.write_text(f"file:{PASSWORDS['file']}\n")
    give(users)
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

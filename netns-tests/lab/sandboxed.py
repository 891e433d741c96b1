#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Usage: sandboxed.py RULES PROGRAM [ARGUMENT...]: run a program with a system call filter.

RULES is a JSON file with the allowed system calls and the address families of socket(2). See systemd_unit.py.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import sys
from pathlib import Path

import seccomp


def confine(calls: list[str], families: list[str]) -> None:
    rules = seccomp.SyscallFilter(seccomp.ERRNO(errno.EPERM))
    for call in calls:
        if call == "socket":
            continue
        with contextlib.suppress(RuntimeError):  # unknown on this architecture
            rules.add_rule(seccomp.ALLOW, call)
    for family in families:
        rules.add_rule(seccomp.ALLOW, "socket", seccomp.Arg(0, seccomp.EQ, getattr(socket, family)))
    rules.load()


if __name__ == "__main__":
    confine(**json.loads(Path(sys.argv[1]).read_text()))
    os.execv(sys.argv[2], sys.argv[2:])

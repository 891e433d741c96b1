# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The user that a server becomes when root starts it without --run-as."""

from __future__ import annotations

import os
import pwd
from pathlib import Path


def account() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("turnpike")
    except KeyError:
        return pwd.getpwnam("nobody")


def give(path: Path) -> None:
    """Let the server read a file, or make sockets in a folder. Group root can, too, for a root without capabilities."""
    os.chown(path, account().pw_uid, 0)
    path.chmod(0o770 if path.is_dir() else 0o640)

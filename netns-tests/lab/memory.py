# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a process has in its memory."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from pathlib import Path

SHADOW_BYTES = 1 << 30  # an area of a sanitizer


def found_in_memory(pid: int, words: Sequence[bytes]) -> set[bytes]:
    """Which of the words are there. What the kernel maps is left out."""
    found: set[bytes] = set()
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            area = re.match(r"([0-9a-f]+)-([0-9a-f]+) r.* (\S+) *(\S*)$", line)
            if area and not area[4].startswith(("[v", "anon_inode")):
                start, end = int(area[1], 16), int(area[2], 16)
                if end - start > SHADOW_BYTES:
                    continue
                with contextlib.suppress(OSError):
                    memory.seek(start)
                    text = memory.read(end - start)
                    found |= {word for word in words if word in text}
    return found

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Where things are; importing this makes the modules of netns-tests importable, too."""

import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent

sys.path.insert(1, str(ROOT / "netns-tests"))

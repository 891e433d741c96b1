# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Paths of the source tree. Importing this module makes those of netns-tests importable."""

import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent

sys.path.insert(1, str(ROOT / "netns-tests"))

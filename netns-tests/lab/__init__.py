# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The lab: networks made of namespaces, the servers under test, and what talks to them."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

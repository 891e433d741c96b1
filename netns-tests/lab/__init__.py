# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The lab: networks of namespaces, the servers under test, clients and peers."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

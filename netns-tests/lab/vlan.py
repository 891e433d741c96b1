# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""VLAN devices (8021q), which not every kernel has."""

from __future__ import annotations

from lab import proc

# Frames bear their tags as on a real wire, not beside them as a veth would have it: XDP sees frames only.
IN_FRAME = [word for feature in ("txvlan", "tx-vlan-stag-hw-insert", "rxvlan", "rx-vlan-stag-hw-parse")
            for word in (feature, "off")]


def has_vlan_devices() -> bool:
    """Whether the kernel has them, tried in a namespace that is gone at once."""
    done = proc.run(["unshare", "-n", "sh", "-c", "modprobe -q 8021q; ip link add name one type veth peer name other &&"
                                                  " ip link add link one name one.1 type vlan id 1"], check=False)
    return done.returncode == 0

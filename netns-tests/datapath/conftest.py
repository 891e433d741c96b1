# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Where the tests of VLANs, ESP, MPLS and VRFs run."""

from __future__ import annotations

import pytest

import encapsulations
from lab import elsewhere
from lab.vlan import has_vlan_devices


def pytest_configure(config: pytest.Config) -> None:
    elsewhere.register(config, "vlan_devices", has_vlan_devices(), ["veth", "8021q", "sch_ingress", "cls_bpf"])
    elsewhere.register(config, "esp_mpls_vrf", encapsulations.has_all(),
                       ["veth", "sch_ingress", "cls_bpf", "esp4", "esp6", "xfrm_user", "mpls_iptunnel", "vrf"])

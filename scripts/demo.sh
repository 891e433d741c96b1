#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Build the relay and show every mode at work, in network namespaces that are gone afterwards.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
become_root "making network namespaces and loading BPF programs" "$@"

scripts/deps.sh demo
scripts/build.sh release turnpike_command bench_tools
PYTHONPATH=bench:netns-tests exec /usr/bin/python3 -B scripts/demo.py

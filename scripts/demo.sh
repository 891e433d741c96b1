#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Build the relay, and demonstrate every mode in temporary network namespaces.
source "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/lib.sh"
become_root "creating network namespaces and loading BPF programs" "$@"

scripts/deps.sh demo
scripts/build.sh release turnpike_command bench_tools
PYTHONPATH=bench:netns-tests exec /usr/bin/python3 -B scripts/demo.py

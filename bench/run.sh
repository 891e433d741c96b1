#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The benchmark: build what is installed and the benchmark's own tools, and measure (run.py; --help lists the options).
source "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"

for option; do
	[[ $option != -h && $option != --help ]] || exec /usr/bin/python3 -B bench/run.py --help
done
become_root "making network namespaces and loading BPF programs" "$@"

scripts/deps.sh bench
scripts/build.sh release turnpike_command bench_tools >&2 # standard output has the table alone
trap give_back EXIT
/usr/bin/python3 -B bench/run.py "$@"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The benchmark: builds the release preset and the benchmark's tools, and measures (run.py). --help lists the options.
source "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../scripts/lib.sh"

for option; do
	[[ $option != -h && $option != --help ]] || exec /usr/bin/python3 -B bench/run.py --help
done
become_root "creating network namespaces and loading BPF programs" "$@"

scripts/deps.sh bench
scripts/build.sh release turnpike_command bench_tools >&2 # standard output is for the tables
trap give_back EXIT
/usr/bin/python3 -B bench/run.py "$@"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The benchmark: builds what is installed and the benchmark's own tools, and measures (run.py; --help tells the options).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

for option; do
	[[ $option != -h && $option != --help ]] || exec /usr/bin/python3 bench/run.py --help
done
if [[ $EUID -ne 0 ]]; then
	echo "run.sh: run me as root, because network namespaces and BPF programs need it." >&2
	exit 1
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "building" >&2
if ! { cmake --preset release -DBUILD_TESTING=ON && cmake --build --preset release; } >"$log" 2>&1; then
	cat "$log" >&2
	echo "run.sh: the build failed; scripts/deps.sh installs what it needs." >&2
	exit 1
fi
rm -f "$log"
exec /usr/bin/python3 bench/run.py "$@"

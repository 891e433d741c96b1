#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Builds the relay and shows every mode at work, in network namespaces that are gone afterwards.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [[ $EUID -ne 0 ]]; then
	echo "demo.sh: run me as root, because network namespaces and BPF programs need it." >&2
	exit 1
fi
scripts/deps.sh

log=$(mktemp)
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT TERM HUP
echo "Building ..."
if ! { cmake --preset release && cmake --build --preset release; } >"$log" 2>&1; then
	cat "$log" >&2
	exit 1
fi
rm -f "$log" # exec leaves no trap behind
exec /usr/bin/python3 netns-tests/demo.py

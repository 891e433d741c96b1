#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Run network tests: scripts/netns.sh TURNPIKE JUNIT_XML ONLY FILE... ONLY is an expression for pytest -k, or empty.
# Files that are not yet tests of pytest run as programs at the same time.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
export TURNPIKE=$1 PYTHONDONTWRITEBYTECODE=1
junit=$2 only=$3
shift 3

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
status=0
declare -A running
converted=()
for file in "${@/#/netns-tests/}"; do
	if grep -q __main__ "$file"; then
		PYTHONPATH=netns-tests /usr/bin/python3 "$file" --only "$only" >"$scratch/${file##*/}" 2>&1 &
		running[$file]=$!
	else
		converted+=("$file")
	fi
done
if [[ ${#converted[@]} -gt 0 ]]; then
	/usr/bin/python3 -m pytest --numprocesses 3 --junitxml "$junit" -k "$only" "${converted[@]}" |
		grep -vE '^[0-9]+ passed, [0-9]+ failed$' || status=1
fi
for file in "${!running[@]}"; do
	wait "${running[$file]}" || status=1
	echo "-- $file"
	cat "$scratch/${file##*/}"
done
exit "$status"

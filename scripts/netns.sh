#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Network tests side by side, until pytest runs them: scripts/netns.sh TURNPIKE "TEST [OPTION...]"...
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
export TURNPIKE=$1
shift
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
status=0
declare -A running
for test; do
	read -ra words <<<"$test"
	/usr/bin/python3 -B "netns-tests/${words[0]}.py" "${words[@]:1}" >"$scratch/${test//\//-}" 2>&1 &
	running[$test]=$!
done
for test; do
	wait "${running[$test]}" || status=1
	echo "-- $test"
	cat "$scratch/${test//\//-}"
done
exit "$status"

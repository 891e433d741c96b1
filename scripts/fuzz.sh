#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Fuzzes: scripts/fuzz.sh [SECONDS [TARGET...]]. Each target runs for so many seconds (30), beginning with its corpus, and
# as many at a time as there are CPUs. What it finds new is kept in build/fuzz/corpus for the next time; an input that
# fails is copied to the corpus of tests/fuzz, so that from then on every test run repeats it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

declare -A max_len dictionary
known=()
while read -r name len dict; do
	[[ -n $name && $name != \#* ]] || continue
	known+=("$name") max_len[$name]=$len dictionary[$name]=$dict
done <tests/fuzz/targets

seconds=${1:-30}
targets=("${@:2}")
[[ ${#targets[@]} -gt 0 ]] || targets=("${known[@]}")
for target in "${targets[@]}"; do
	[[ -n ${max_len[$target]:-} ]] || { echo "fuzz.sh: no target is called $target, but these are: ${known[*]}" >&2; exit 2; }
done

build() {
	cmake --preset fuzz && cmake --build --preset fuzz --target "${targets[@]/#/fuzz_}"
}

fuzz() { # TARGET
	local found=build/fuzz/corpus/$1 failures=build/fuzz/failures/$1
	local -a options=(-max_total_time="$seconds" -max_len="${max_len[$1]}" -timeout=10 -artifact_prefix="$failures/")
	[[ ${dictionary[$1]} == - ]] || options+=(-dict="tests/fuzz/${dictionary[$1]}")
	mkdir -p "$found" "$failures"
	exec build/fuzz/tests/fuzz/"fuzz_$1" "${options[@]}" "$found" "tests/fuzz/corpus/$1" >"build/fuzz/$1.log" 2>&1
}

# What has become of a target that has ended.
report() { # TARGET STATUS
	local log=build/fuzz/$1.log
	if [[ $2 -eq 0 ]]; then
		printf '== %s: %s\n' "$1" "$(grep -o 'DONE .*' "$log")"
		sed -n '/^Done /,$p' "$log"
		return
	fi
	failed+=("$1")
}

# What is known of a target that failed: where it was run, its tree may be gone by the time that somebody reads this.
tell_failure() { # TARGET
	local input
	echo "-- $1"
	tail -n 40 "build/fuzz/$1.log"
	for input in "build/fuzz/failures/$1"/*; do
		[[ -f $input ]] || continue # it may have been stopped
		echo "The input, to be read by base64 -d: $(base64 -w 0 "$input")"
		mv "$input" "tests/fuzz/corpus/$1/"
	done
}

# One of those that run has ended.
reap() {
	local pid status=0
	wait -n -p pid || status=$?
	report "${running[$pid]}" "$status"
	unset "running[$pid]"
}

log=$(mktemp)
declare -A running=()
failed=()
stop() {
	[[ ${#running[@]} -eq 0 ]] || kill "${!running[@]}" 2>/dev/null || true
	rm -f "$log"
}
trap stop EXIT
trap 'exit 130' INT TERM HUP
build >"$log" 2>&1 || { cat "$log"; exit 1; }

for target in "${targets[@]}"; do
	[[ ${#running[@]} -lt $(nproc) ]] || reap
	fuzz "$target" &
	running[$!]=$target
done
while [[ ${#running[@]} -gt 0 ]]; do reap; done
[[ ${#failed[@]} -gt 0 ]] || exit 0
for target in "${failed[@]}"; do tell_failure "$target"; done
echo "FAILED: ${failed[*]}; the inputs are in tests/fuzz/corpus now."
exit 1
